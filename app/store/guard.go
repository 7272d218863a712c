package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	dbm "github.com/cosmos/cosmos-db"
	corestore "github.com/cosmos/iavl/db"
)

// guardedDB stands between IAVL and the database, because IAVL
//
//   - goes on after some failed reads, while pruning too, and would then delete
//     nodes that are in use: after one failed read nothing is written any more;
//   - would split a batch above its threshold: only whole, synced batches pass;
//   - asks for batches as large as that threshold, 1 GiB: they start small;
//   - may still be read when the process shuts down: reads then fail, where some
//     databases panic.
type guardedDB struct {
	db    dbm.DB
	owned bool // Close closes db

	mu     sync.RWMutex
	closed bool  // guarded by mu
	failed error // first failed read; guarded by mu
}

var _ corestore.DB = (*guardedDB)(nil)

var (
	errTorn        = errors.New("store: a commit above 1 GiB cannot be atomic")
	errMissingNode = errors.New("a tree node is missing")
)

const batchBytes = 64 << 10

func newGuardedDB(db dbm.DB, owned bool) *guardedDB { return &guardedDB{db: db, owned: owned} }

// read runs a read of the open database, and remembers its failure.
func (g *guardedDB) read(what string, key []byte, do func() error) error {
	g.mu.RLock()
	if g.closed {
		g.mu.RUnlock()
		return ErrClosed
	}
	err := do()
	g.mu.RUnlock()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("database %s %x: %w", what, key, err)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed == nil {
		g.failed = err
	}
	return err
}

// failure is the first failed read; whoever writes asks for it.
func (g *guardedDB) failure() error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return ErrClosed
	}
	return g.failed
}

// Get implements corestore.DB.
func (g *guardedDB) Get(key []byte) (value []byte, err error) {
	err = g.read("get", key, func() error {
		value, err = g.db.Get(key)
		if err == nil && value == nil && isInnerKey(key) {
			err = errMissingNode
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// isInnerKey says whether key is a node that is only ever asked for by a
// parent: 's' ‖ version ‖ nonce with a nonce above 1 (1 and 0 are roots, which
// may be asked for in vain).
func isInnerKey(key []byte) bool {
	return len(key) == 13 && key[0] == 's' && binary.BigEndian.Uint32(key[9:]) > 1
}

// Has implements corestore.DB.
func (g *guardedDB) Has(key []byte) (has bool, err error) {
	err = g.read("has", key, func() error {
		has, err = g.db.Has(key)
		return err
	})
	return has, err
}

// Iterator implements corestore.DB.
func (g *guardedDB) Iterator(start, end []byte) (it corestore.Iterator, err error) {
	err = g.read("iterate", start, func() error {
		it, err = g.db.Iterator(start, end)
		return err
	})
	return it, err
}

// ReverseIterator implements corestore.DB.
func (g *guardedDB) ReverseIterator(start, end []byte) (it corestore.Iterator, err error) {
	err = g.read("iterate back", start, func() error {
		it, err = g.db.ReverseIterator(start, end)
		return err
	})
	return it, err
}

// NewBatch implements corestore.DB.
func (g *guardedDB) NewBatch() corestore.Batch { return g.NewBatchWithSize(batchBytes) }

// NewBatchWithSize implements corestore.DB.
func (g *guardedDB) NewBatchWithSize(size int) corestore.Batch {
	return guardedBatch{Batch: g.db.NewBatchWithSize(min(size, batchBytes)), g: g}
}

// Close implements corestore.DB. It waits for reads in progress.
func (g *guardedDB) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	if !g.owned {
		return nil
	}
	return g.db.Close()
}

type guardedBatch struct {
	corestore.Batch
	g *guardedDB
}

// Write implements corestore.Batch. IAVL calls it only to flush part of a commit.
func (b guardedBatch) Write() error { return errTorn }

// WriteSync implements corestore.Batch.
func (b guardedBatch) WriteSync() error {
	b.g.mu.RLock()
	defer b.g.mu.RUnlock()
	if b.g.closed {
		return ErrClosed
	}
	if b.g.failed != nil {
		return fmt.Errorf("store: not written after a failed read: %w", b.g.failed)
	}
	return b.Batch.WriteSync()
}
