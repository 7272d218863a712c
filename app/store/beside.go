package store

import (
	"errors"
	"fmt"
	"slices"

	dbm "github.com/cosmos/cosmos-db"
)

// besidePrefix is the first byte of keys that are no node of the tree; IAVL has
// f, m, n, o, r and s.
const besidePrefix = 'b'

// Beside is what a node keeps for itself in the database of the state. It is not
// part of the state: other nodes may have more, less or nothing of it. A process
// that is killed loses nothing of it. A machine that loses power may lose what was
// written since the last commits: only commits are synced. It is safe for
// concurrent use.
type Beside struct{ db *guardedDB }

// Beside is this store's.
func (s *Store) Beside() Beside { return Beside{s.db} }

// Pair is a key and its value.
type Pair struct{ Key, Value []byte }

// Get is the value at a key, nil if there is none.
func (b Beside) Get(key []byte) ([]byte, error) { return b.db.Get(beside(key)) }

// First is the first pair from a key on, up to another; ok is false if there is
// none.
func (b Beside) First(from, to []byte) (p Pair, ok bool, err error) {
	err = b.db.read("search", from, func() error {
		all, err := b.db.db.Iterator(beside(from), beside(to))
		if err != nil {
			return err
		}
		if ok = all.Valid(); ok {
			p = Pair{Key: slices.Clone(all.Key()[1:]), Value: slices.Clone(all.Value())}
		}
		return errors.Join(all.Error(), all.Close())
	})
	return p, ok, err
}

// Write sets and removes keys, all of them or none.
func (b Beside) Write(set []Pair, remove [][]byte) error {
	b.db.mu.RLock() // Close waits
	defer b.db.mu.RUnlock()
	if b.db.closed {
		return ErrClosed
	}
	if b.db.failed != nil {
		return fmt.Errorf("store: not written after a failed read: %w", b.db.failed)
	}
	batch := b.db.db.NewBatch()
	err := fill(batch, set, remove)
	if err == nil {
		err = batch.Write()
	}
	if err = errors.Join(err, batch.Close()); err != nil {
		return fmt.Errorf("write beside the state: %w", err)
	}
	return nil
}

func fill(batch dbm.Batch, set []Pair, remove [][]byte) error {
	for _, p := range set {
		if err := batch.Set(beside(p.Key), p.Value); err != nil {
			return err
		}
	}
	for _, key := range remove {
		if err := batch.Delete(beside(key)); err != nil {
			return err
		}
	}
	return nil
}

func beside(key []byte) []byte { return append([]byte{besidePrefix}, key...) }
