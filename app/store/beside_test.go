package store

import (
	"bytes"
	"testing"

	dbm "github.com/cosmos/cosmos-db"
)

// What is kept beside the state changes nothing of it, and is there after it was
// closed.
func TestBesideIsNoState(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	put(t, s, "a", "1")
	plain := s.WorkingHash()
	b := s.Beside()
	if err := b.Write([]Pair{{[]byte("x"), []byte("10")}, {[]byte("y"), []byte("20")}, {[]byte("z"), []byte("30")}}, nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.WorkingHash(), plain) {
		t.Error("the app hash has changed")
	}
	commit(t, s)
	if err := b.Write([]Pair{{[]byte("w"), []byte("5")}}, [][]byte{[]byte("y")}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, Config{Dir: dir}).Beside()
	for key, want := range map[string]string{"w": "5", "x": "10", "y": "", "z": "30"} {
		if got, err := b.Get([]byte(key)); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v; want %q", key, got, err, want)
		}
	}
	if p, ok, err := b.First([]byte("xx"), []byte("zz")); err != nil || !ok || string(p.Key) != "z" || string(p.Value) != "30" {
		t.Errorf("first after xx: %s %s %v %v", p.Key, p.Value, ok, err)
	}
	if _, ok, err := b.First([]byte("y"), []byte("z")); err != nil || ok {
		t.Errorf("something is between y and z: %v %v", ok, err)
	}
}

func TestBesideFailsWithTheDatabase(t *testing.T) {
	s := open(t, Config{DB: dbm.NewMemDB()})
	b := s.Beside()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get([]byte("x")); err == nil {
		t.Error("read from a closed database")
	}
	if err := b.Write([]Pair{{[]byte("x"), []byte("1")}}, nil); err == nil {
		t.Error("written to a closed database")
	}
}
