package simnet

import (
	"bytes"
	"testing"

	dbm "github.com/cosmos/cosmos-db"
	"pgregory.net/rapid"
)

// The database of the simulation answers as the one in memory of cosmos-db does,
// and a copy keeps what it was.
func TestMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.ByteRange(0, 3), 1, 3)
		ours, theirs := newMemory(), dbm.NewMemDB()
		for range rapid.IntRange(0, 30).Draw(t, "writes") {
			k, v := key.Draw(t, "key"), key.Draw(t, "value")
			if rapid.Bool().Draw(t, "batch") {
				for _, b := range []dbm.Batch{ours.NewBatch(), theirs.NewBatch()} {
					must(t, b.Set(k, v))
					must(t, b.Delete(v))
					must(t, b.Write())
				}
				continue
			}
			must(t, ours.Set(k, v))
			must(t, theirs.Set(k, v))
		}
		same(t, ours, theirs, key)
		before := ours.clone()
		must(t, ours.Set([]byte{9}, []byte{9}))
		must(t, ours.Delete([]byte{1}))
		same(t, before, theirs, key)
	})
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *rapid.T, ours, theirs dbm.DB, key *rapid.Generator[[]byte]) {
	bound := func(what string) []byte {
		if rapid.Bool().Draw(t, "no "+what) {
			return nil
		}
		return key.Draw(t, what)
	}
	start, end := bound("start"), bound("end")
	for _, open := range []func(dbm.DB) (dbm.Iterator, error){
		func(db dbm.DB) (dbm.Iterator, error) { return db.Iterator(start, end) },
		func(db dbm.DB) (dbm.Iterator, error) { return db.ReverseIterator(start, end) },
	} {
		a, err := open(ours)
		must(t, err)
		b, err := open(theirs)
		must(t, err)
		for ; a.Valid() && b.Valid(); a.Next() {
			if !bytes.Equal(a.Key(), b.Key()) || !bytes.Equal(a.Value(), b.Value()) {
				t.Fatalf("from %x to %x: %x = %x, want %x = %x", start, end, a.Key(), a.Value(), b.Key(), b.Value())
			}
			b.Next()
		}
		if a.Valid() || b.Valid() {
			t.Fatalf("from %x to %x: more is %t, want %t", start, end, a.Valid(), b.Valid())
		}
		must(t, b.Close())
	}
}
