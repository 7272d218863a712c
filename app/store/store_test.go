package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	dbm "github.com/cosmos/cosmos-db"
	ics23 "github.com/cosmos/ics23/go"
	"pgregory.net/rapid"
)

func open(t *testing.T, c Config) *Store {
	t.Helper()
	if c.Backend == "" && c.Dir == "" {
		c.Backend = Memory
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t *testing.T, s *Store, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if err := s.Working().Set([]byte(pairs[i]), []byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
}

func commit(t *testing.T, s *Store) (int64, []byte) {
	t.Helper()
	want := s.WorkingHash()
	version, hash, err := s.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(hash, want) {
		t.Fatalf("version %d: committed hash %x, working hash was %x", version, hash, want)
	}
	return version, hash
}

type reader interface {
	Get(key []byte) ([]byte, error)
	Iterate(start, end []byte, visit func(key, value []byte) bool) error
}

func dump(t *testing.T, r reader, start, end []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Iterate(start, end, func(k, v []byte) bool {
		fmt.Fprintf(&out, "%s=%s ", k, v)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReadWhatWasWritten(t *testing.T) {
	s := open(t, Config{})
	if s.Version() != 0 || s.Hash() != nil || s.Latest() != nil {
		t.Fatal("a new store has no version")
	}
	put(t, s, "b", "1", "a", "2", "d", "3")
	commit(t, s)
	put(t, s, "c", "4", "a", "5")
	if err := s.Working().Delete([]byte("b")); err != nil {
		t.Fatal(err)
	}
	if err := s.Working().Delete([]byte("never there")); err != nil {
		t.Fatal(err)
	}

	old := s.Latest()
	for _, c := range []struct {
		name       string
		r          reader
		start, end []byte
		want       string
	}{
		{"working", s.Working(), nil, nil, "a=5 c=4 d=3 "},
		{"snapshot", old, nil, nil, "a=2 b=1 d=3 "},
		{"from a key", s.Working(), []byte("c"), nil, "c=4 d=3 "},
		{"from between keys", old, []byte("c"), nil, "d=3 "},
		{"end is excluded", s.Working(), nil, []byte("d"), "a=5 c=4 "},
		{"range", old, []byte("aa"), []byte("bb"), "b=1 "},
		{"empty range", old, []byte("b"), []byte("b"), ""},
		{"reversed range", old, []byte("d"), []byte("a"), ""},
		{"beyond the end", old, []byte("x"), []byte("y"), ""},
	} {
		if got := dump(t, c.r, c.start, c.end); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	var visited int
	if err := old.Iterate(nil, nil, func(_, _ []byte) bool { visited++; return false }); err != nil || visited != 1 {
		t.Errorf("stopped iteration visited %d, error %v", visited, err)
	}
	if value, err := old.Get([]byte("c")); err != nil || value != nil {
		t.Errorf("an absent key gives %q, %v", value, err)
	}
}

func TestSetKeepsNoReference(t *testing.T) {
	s := open(t, Config{})
	key, value := []byte("key"), []byte("value")
	if err := s.Working().Set(key, value); err != nil {
		t.Fatal(err)
	}
	key[0], value[0] = 'x', 'x'
	if got := dump(t, s.Working(), nil, nil); got != "key=value " {
		t.Fatal(got)
	}
}

func TestEmptyValueIsNotNone(t *testing.T) {
	db := dbm.NewMemDB()
	s := open(t, Config{DB: db})
	for _, r := range []func() reader{
		func() reader { return s.Working() },
		func() reader { commit(t, s); return s.Latest() },
		func() reader { return open(t, Config{DB: db}).Latest() },
	} {
		if s.Version() == 0 {
			put(t, s, "empty", "")
			if err := s.Working().Set([]byte("nil"), nil); err != nil {
				t.Fatal(err)
			}
		}
		read := r()
		for _, key := range []string{"empty", "nil"} {
			if value, err := read.Get([]byte(key)); err != nil || value == nil {
				t.Errorf("%s reads %v, %v", key, value, err)
			}
		}
		if value, err := read.Get([]byte("absent")); err != nil || value != nil {
			t.Errorf("absent reads %v, %v", value, err)
		}
	}
	if s.Working().Set(nil, []byte("value")) == nil {
		t.Error("an empty key was taken")
	}
}

func TestRollbackAndInitialVersion(t *testing.T) {
	s := open(t, Config{})
	if err := s.SetInitialVersion(100); err != nil {
		t.Fatal(err)
	}
	put(t, s, "genesis", "1")
	s.Rollback()
	if got := dump(t, s.Working(), nil, nil); got != "" {
		t.Fatalf("after rollback of the first version: %q", got)
	}
	put(t, s, "genesis", "2")
	if version, _ := commit(t, s); version != 100 {
		t.Fatalf("first version is %d", version)
	}
	put(t, s, "genesis", "3", "more", "4")
	s.Rollback()
	put(t, s, "a", "1")
	if got := dump(t, s.Working(), nil, nil); got != "a=1 genesis=2 " {
		t.Fatal(got)
	}
	if version, _ := commit(t, s); version != 101 {
		t.Fatalf("second version is %d", version)
	}
	if s.SetInitialVersion(7) == nil {
		t.Fatal("the initial version of a store in use was changed")
	}
	if s.First() != 100 {
		t.Fatalf("first is %d", s.First())
	}
}

func TestReopen(t *testing.T) {
	for _, backend := range []string{GoLevelDB, Pebble} {
		t.Run(backend, func(t *testing.T) {
			c := Config{Dir: filepath.Join(t.TempDir(), "deep", "dir"), Backend: backend, Keep: 3}
			s := open(t, c)
			var want []byte
			for i := range 10 {
				put(t, s, fmt.Sprint("key", i), "value")
				_, want = commit(t, s)
			}
			put(t, s, "uncommitted", "value")
			older, err := s.At(9) // the newest is in memory
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := older.Get([]byte("key1")); !errors.Is(err, ErrClosed) {
				t.Fatalf("reading a closed store: %v", err)
			}
			s = open(t, c)
			if s.Version() != 10 || !bytes.Equal(s.Hash(), want) || s.First() != 8 {
				t.Fatalf("version %d, first %d, hash %x want %x", s.Version(), s.First(), s.Hash(), want)
			}
			if value, err := s.Working().Get([]byte("uncommitted")); err != nil || value != nil {
				t.Fatalf("uncommitted write is there: %q %v", value, err)
			}
		})
	}
	if _, err := Open(Config{Backend: "rocks"}); err == nil {
		t.Fatal("unknown backend was taken")
	}
}

func TestVersionsAndPruning(t *testing.T) {
	s := open(t, Config{Keep: 2})
	put(t, s, "n", "1", "stays", "x")
	commit(t, s)
	held, err := s.At(1)
	if err != nil {
		t.Fatal(err)
	}
	for i := 2; i <= 8; i++ {
		put(t, s, "n", fmt.Sprint(i))
		commit(t, s)
	}
	if got := dump(t, held, nil, nil); got != "n=1 stays=x " {
		t.Fatalf("held version reads %q", got)
	}
	if s.First() != 1 {
		t.Fatalf("a held version was pruned: first is %d", s.First())
	}
	held.Release()
	held.Release()
	if _, err := held.Get([]byte("n")); err == nil {
		t.Fatal("a released snapshot still reads")
	}
	put(t, s, "n", "9")
	commit(t, s)
	if s.First() != 8 {
		t.Fatalf("first is %d after release, want 8", s.First())
	}
	for version, want := range map[int64]error{0: ErrNoVersion, -1: ErrNoVersion, 10: ErrNoVersion, 7: ErrPruned, 8: nil, 9: nil} {
		snap, err := s.At(version)
		if !errors.Is(err, want) {
			t.Errorf("version %d: %v, want %v", version, err, want)
		}
		if err == nil {
			if got, want := dump(t, snap, nil, nil), fmt.Sprintf("n=%d stays=x ", version); got != want {
				t.Errorf("version %d: %q, want %q", version, got, want)
			}
		}
	}
}

func TestForgottenSnapshotIsReleased(t *testing.T) {
	s := open(t, Config{Keep: 1})
	put(t, s, "n", "1")
	commit(t, s)
	s.Latest()
	for i := range 200 {
		runtime.GC()
		put(t, s, "n", fmt.Sprint(i))
		commit(t, s)
		if s.First() == s.Version() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("first is %d, newest %d", s.First(), s.Version())
}

// Blocks that change nothing share a root; IAVL renames it when it prunes.
func TestPruningUnchangedVersions(t *testing.T) {
	db := dbm.NewMemDB()
	s := open(t, Config{Keep: 2, DB: db})
	put(t, s, "a", "1", "b", "2", "c", "3")
	_, hash := commit(t, s)
	for i := range 20 {
		held := s.Latest()
		if _, got := commit(t, s); !bytes.Equal(got, hash) {
			t.Fatalf("the hash changed to %x", got)
		}
		if i%5 == 4 {
			s = open(t, Config{Keep: 2, DB: db})
			continue
		}
		if got := dump(t, held, nil, nil); got != "a=1 b=2 c=3 " {
			t.Fatal(got)
		}
		held.Release()
	}
	put(t, s, "b", "4")
	_, hash = commit(t, s)
	for range 5 {
		commit(t, s)
	}
	s = open(t, Config{Keep: 2, DB: db})
	if got := dump(t, s.Latest(), nil, nil); got != "a=1 b=4 c=3 " || !bytes.Equal(s.Hash(), hash) {
		t.Fatal(got)
	}
}

func TestProofs(t *testing.T) {
	s := open(t, Config{})
	for i := range 100 {
		put(t, s, fmt.Sprintf("key%02d", i), fmt.Sprint("value", i))
		if i%10 == 9 {
			commit(t, s)
		}
	}
	snap, err := s.At(8)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"key00", "key41", "key79"} {
		value, _ := snap.Get([]byte(key))
		proof, err := s.Prove(8, []byte(key))
		if err != nil || !ics23.VerifyMembership(ics23.IavlSpec, snap.Hash(), proof, []byte(key), value) {
			t.Errorf("%s = %q is not proven: %v", key, value, err)
		}
		if ics23.VerifyMembership(ics23.IavlSpec, s.Hash(), proof, []byte(key), value) {
			t.Errorf("%s: the proof holds for another version", key)
		}
	}
	for _, key := range []string{"a", "key415", "key80", "z"} {
		proof, err := snap.Prove([]byte(key))
		if err != nil || !ics23.VerifyNonMembership(ics23.IavlSpec, snap.Hash(), proof, []byte(key)) {
			t.Errorf("%s: absence is not proven: %v", key, err)
		}
	}
	if _, err := s.Prove(99, []byte("a")); !errors.Is(err, ErrNoVersion) {
		t.Error(err)
	}
	if _, err := snap.Prove(nil); err == nil {
		t.Error("an empty key was proven")
	}
	empty := open(t, Config{})
	commit(t, empty)
	if _, err := empty.Latest().Prove([]byte("a")); err == nil {
		t.Error("an empty tree proved something")
	}
}

// Readers of all ages work while versions are committed and pruned. It is worth
// most with -race.
func TestReadersBesideCommits(t *testing.T) {
	s := open(t, Config{Keep: 3, Dir: t.TempDir(), CacheNodes: 200})
	write := func(version int64) {
		random := rand.New(rand.NewPCG(uint64(version), 0))
		for range 40 {
			put(t, s, fmt.Sprint("key", random.IntN(300)), fmt.Sprint(version))
		}
		put(t, s, "version", fmt.Sprint(version))
		commit(t, s)
	}
	write(1)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				snap := s.Latest()
				if older, err := s.At(snap.Version() - 1); err == nil && i%2 == 0 {
					snap.Release()
					snap = older
				}
				checkSnapshot(t, snap)
				if n%3 != 0 {
					snap.Release()
				}
			}
		})
	}
	deadline := time.Now().Add(time.Second)
	for version := int64(2); time.Now().Before(deadline); version++ {
		write(version)
	}
	close(stop)
	readers.Wait()
	if err := s.db.failure(); err != nil {
		t.Fatal(err)
	}
}

func checkSnapshot(t *testing.T, snap *Snapshot) {
	want := fmt.Sprint(snap.Version())
	value, err := snap.Get([]byte("version"))
	if err != nil || string(value) != want {
		t.Errorf("version %s reads %q: %v", want, value, err)
	}
	var keys []string
	if err := snap.Iterate(nil, nil, func(k, _ []byte) bool {
		keys = append(keys, string(k))
		return true
	}); err != nil {
		t.Errorf("version %s: %v", want, err)
	}
	if !slices.IsSorted(keys) || len(keys) < 2 {
		t.Errorf("version %s: %d keys, sorted %t", want, len(keys), slices.IsSorted(keys))
	}
	proof, err := snap.Prove([]byte("version"))
	if err != nil || !ics23.VerifyMembership(ics23.IavlSpec, snap.Hash(), proof, []byte("version"), value) {
		t.Errorf("version %s: no proof: %v", want, err)
	}
}

// What is read from memory is what the tree holds, in every version, after
// rollbacks and restarts.
func TestMemoryIsTheTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		db := dbm.NewMemDB()
		s, err := Open(Config{DB: db})
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				if _, _, err := s.Commit(); err != nil {
					t.Fatal(err)
				}
				sameAsTree(t, s)
			case 1:
				s.Rollback()
			case 2:
				if s, err = Open(Config{DB: db}); err != nil {
					t.Fatal(err)
				}
			case 3, 4:
				if err := s.Working().Delete([]byte{rapid.Byte().Draw(t, "key")}); err != nil {
					t.Fatal(err)
				}
			default:
				key := []byte{rapid.Byte().Draw(t, "key")}
				if err := s.Working().Set(key, rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "value")); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.flat.agrees(s.writer.ImmutableTree); err != nil {
				t.Fatal(err)
			}
			if got, want := pairsOf(t, s.Working().Iterate), pairsOf(t, func(start, end []byte, visit func(k, v []byte) bool) error {
				return iterate(s.writer.ImmutableTree, start, end, visit)
			}); !slices.Equal(got, want) {
				t.Fatalf("working %v, the tree %v", got, want)
			}
		}
	})
}

func sameAsTree(t *rapid.T, s *Store) {
	latest := s.Latest()
	defer latest.Release()
	got := pairsOf(t, latest.Iterate)
	want := pairsOf(t, func(start, end []byte, visit func(k, v []byte) bool) error {
		return iterate(latest.tree, start, end, visit)
	})
	if !slices.Equal(got, want) {
		t.Fatalf("version %d: %v, the tree %v", latest.Version(), got, want)
	}
}

func pairsOf(t *rapid.T, iterate func(start, end []byte, visit func(k, v []byte) bool) error) []string {
	var pairs []string
	if err := iterate(nil, nil, func(k, v []byte) bool {
		pairs = append(pairs, fmt.Sprintf("%x=%x", k, v))
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return pairs
}
