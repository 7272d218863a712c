package seallog_test

import (
	"errors"
	"testing"

	dbm "github.com/cosmos/cosmos-db"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/app/seallog"
	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/x/bridge/sealhistory"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// fataler is *testing.T or *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// newLog is an empty log, and its database.
func newLog(t fataler) (*seallog.Log, *dbm.MemDB) {
	t.Helper()
	db := dbm.NewMemDB()
	return reopen(t, db), db
}

// reopen is the log of a database after a restart.
func reopen(t fataler, db *dbm.MemDB) *seallog.Log {
	t.Helper()
	s, err := store.Open(store.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	return seallog.New(s.Beside())
}

// seal makes the seal of a height, and logs it.
func seal(t fataler, l *seallog.Log, h *sealhistory.History, height, since uint64) {
	t.Helper()
	h.Append(types.SealEntry{Height: height, Epoch: 1, Root: types.Hash{byte(height)}})
	if err := l.Append(h, since); err != nil {
		t.Fatal(err)
	}
}

// Whatever is sealed, replayed and removed, each height of the window has a
// witness that the history holds.
func TestEveryHeightOfTheWindowHasAWitness(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, _ := newLog(t)
		var h sealhistory.History
		window := rapid.Uint64Range(1, 60).Draw(t, "window")
		height, since := uint64(0), uint64(0)
		for range rapid.IntRange(1, 80).Draw(t, "seals") {
			height += rapid.Uint64Range(1, 3).Draw(t, "gap")
			since = height - min(height, window)
			seal(t, l, &h, height, since)
			if rapid.IntRange(0, 9).Draw(t, "replay") == 0 {
				if err := l.Append(&h, since); err != nil {
					t.Fatal(err)
				}
			}
		}
		for at := max(since, 1); at <= height; at++ {
			w, err := l.Witness(&h, at)
			if err != nil || !h.Holds(w) || w.Entry.Previous >= at || w.Entry.Height < at {
				t.Fatalf("height %d of %d to %d: %+v %v", at, since, height, w, err)
			}
		}
	})
}

// A node that begins in the middle, with a snapshot, makes witnesses of all that
// it has seen, and says that it cannot of the rest. It may begin again.
func TestBeginInTheMiddle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h sealhistory.History
		before := rapid.Uint64Range(1, 40).Draw(t, "before")
		for height := range before {
			h.Append(types.SealEntry{Height: height + 1, Epoch: 1, Root: types.Hash{1}})
		}
		l, _ := newLog(t)
		if err := l.Begin(&h); err != nil {
			t.Fatal(err)
		}
		height := before
		for range rapid.IntRange(1, 40).Draw(t, "after") {
			height++
			seal(t, l, &h, height, 0)
			if err := l.Begin(&h); err != nil {
				t.Fatal(err)
			}
		}
		for at := uint64(1); at <= height; at++ {
			w, err := l.Witness(&h, at)
			if at < before && !errors.Is(err, seallog.ErrUnknown) {
				t.Fatalf("height %d was sealed before %d: %+v %v", at, before, w, err)
			}
			if at > before && (err != nil || !h.Holds(w)) {
				t.Fatalf("height %d of %d to %d: %v", at, before, height, err)
			}
		}
	})
}

// What was committed and not logged, before a power failure, is logged when the
// node starts again.
func TestBeginLogsWhatIsLacking(t *testing.T) {
	for seals := uint64(1); seals <= 40; seals++ {
		l, db := newLog(t)
		var h sealhistory.History
		for height := uint64(1); height < seals; height++ {
			seal(t, l, &h, height, 0)
		}
		h.Append(types.SealEntry{Height: seals, Epoch: 1, Root: types.Hash{1}})
		again := reopen(t, db)
		if err := again.Begin(&h); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			seal(t, again, &h, h.Last.Height+1, 0)
		}
		for at := uint64(1); at <= h.Last.Height; at++ {
			if w, err := again.Witness(&h, at); err != nil {
				t.Fatalf("height %d of %d: %+v %v", at, seals, w, err)
			}
		}
	}
}

// What is removed is gone: the log grows with its window and not with time.
func TestTheLogIsBounded(t *testing.T) {
	const window = 50
	l, db := newLog(t)
	var h sealhistory.History
	for height := uint64(1); height <= 2000; height++ {
		seal(t, l, &h, height, height-min(height, window))
	}
	pairs := 0
	all, err := db.Iterator([]byte("b"), []byte("c"))
	if err != nil {
		t.Fatal(err)
	}
	for ; all.Valid(); all.Next() {
		pairs++
	}
	if err := errors.Join(all.Error(), all.Close()); err != nil {
		t.Fatal(err)
	}
	// An entry, a leaf and an inner node for each height, twice as many nodes where
	// the window cuts trees, and what stands left of it.
	if most := 5*window + 64; pairs > most || pairs < 3*window {
		t.Errorf("%d pairs for a window of %d seals, want at most %d", pairs, window, most)
	}
}

func TestBrokenLogIsSeen(t *testing.T) {
	l, db := newLog(t)
	var h sealhistory.History
	for height := uint64(1); height <= 4; height++ {
		seal(t, l, &h, height, 0)
	}
	leaf := append([]byte("bn\x00"), 0, 0, 0, 0, 0, 0, 0, 1)
	if has, err := db.Has(leaf); err != nil || !has {
		t.Fatal("the leaf of seal 1 is not at", leaf, err)
	}
	if err := db.Set(leaf, make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	if w, err := l.Witness(&h, 1); !errors.Is(err, seallog.ErrBroken) {
		t.Errorf("%+v %v", w, err)
	}
	if err := db.Set(leaf, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if w, err := l.Witness(&h, 1); !errors.Is(err, seallog.ErrBroken) {
		t.Errorf("%+v %v", w, err)
	}
	if w, err := l.Witness(&h, 5); !errors.Is(err, seallog.ErrUnknown) {
		t.Errorf("a height to come: %+v %v", w, err)
	}
}
