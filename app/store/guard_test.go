package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	dbm "github.com/cosmos/cosmos-db"
)

// failingDB fails reads of tree nodes when told to.
type failingDB struct {
	*dbm.MemDB
	fail    bool // an error
	missing bool // nothing there
}

var errDisk = errors.New("disk")

func (d *failingDB) Get(key []byte) ([]byte, error) {
	if key[0] == 's' && d.fail {
		return nil, errDisk
	}
	if d.missing && isInnerKey(key) {
		return nil, nil
	}
	return d.MemDB.Get(key)
}

func failing(t *testing.T) (*failingDB, *Store) {
	t.Helper()
	db := &failingDB{MemDB: dbm.NewMemDB()}
	s := open(t, Config{DB: db})
	for i := range 200 {
		put(t, s, fmt.Sprintf("key%03d", i), "value")
	}
	commit(t, s)
	put(t, s, "key199", "newer")
	commit(t, s)
	// A second store on the same database has nothing in its cache.
	return db, open(t, Config{DB: db, Keep: 1, CacheNodes: 1})
}

func TestFailedReadIsAnErrorAndStopsWrites(t *testing.T) {
	for _, mode := range []string{"error", "missing"} {
		t.Run(mode, func(t *testing.T) {
			db, s := failing(t)
			put(t, s, "key100", "other")
			snap, err := s.At(1) // the newest version is in memory
			if err != nil {
				t.Fatal(err)
			}
			db.fail, db.missing = mode == "error", mode == "missing"
			if value, err := snap.Get([]byte("key050")); err == nil {
				t.Errorf("get gives %q", value)
			}
			visited := 0
			err = snap.Iterate(nil, nil, func(_, _ []byte) bool { visited++; return true })
			if err == nil {
				t.Errorf("iteration ended without an error after %d of 200", visited)
			}
			if _, err := snap.Prove([]byte("key070")); err == nil {
				t.Error("proved what cannot be read")
			}
			if _, _, err := s.Commit(); err == nil || !strings.Contains(err.Error(), "failed read") {
				t.Errorf("commit after a failed read: %v", err)
			}
			db.fail, db.missing = false, false
			if s = open(t, Config{DB: db}); s.Version() != 2 {
				t.Errorf("version %d was written after a failed read", s.Version())
			}
		})
	}
}

func TestFailedReadWhilePruningDeletesNothing(t *testing.T) {
	db, s := failing(t)
	for i := range 3 {
		put(t, s, fmt.Sprintf("key%03d", i*60), "other")
		held := s.Latest() // no pruning yet
		commit(t, s)
		defer held.Release()
	}
	s = open(t, Config{DB: db, Keep: 1, CacheNodes: 1})
	before := len(dumpDB(t, db))
	db.missing = true
	if err := s.prune(); err == nil {
		t.Fatal("pruning past unreadable nodes succeeded")
	}
	db.missing = false
	if after := len(dumpDB(t, db)); after != before {
		t.Fatalf("pruning past unreadable nodes left %d of %d keys", after, before)
	}
}

func dumpDB(t *testing.T, db dbm.DB) map[string]string {
	t.Helper()
	it, err := db.Iterator(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = it.Close() }()
	all := map[string]string{}
	for ; it.Valid(); it.Next() {
		all[string(it.Key())] = string(it.Value())
	}
	return all
}

func TestFailureAfterClose(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", "b")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal("second close:", err)
	}
	if _, _, err := s.Commit(); !errors.Is(err, ErrClosed) {
		t.Fatalf("commit after close: %v", err)
	}
}
