package store

import (
	"errors"
	"fmt"

	dbm "github.com/cosmos/cosmos-db"
)

// besidePrefix is the first byte of keys that are no node of the tree; IAVL has
// f, m, n, o, r and s.
const besidePrefix = 'b'

// Beside is what a node keeps for itself in the database of the state. It is not
// part of the state: other nodes may have more, less or nothing of it. What is
// written is on disk with the next Commit at the latest, whose sync covers it: the
// database has one log for both. It is safe for concurrent use.
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
	all, err := b.db.Iterator(beside(from), beside(to))
	if err != nil {
		return p, false, err
	}
	if ok = all.Valid(); ok {
		p = Pair{Key: append([]byte(nil), all.Key()[1:]...), Value: append([]byte(nil), all.Value()...)}
	}
	return p, ok, errors.Join(all.Error(), all.Close())
}

// Write sets and removes keys, all of them or none.
func (b Beside) Write(set []Pair, remove [][]byte) error {
	batch, err := b.db.loose()
	if err != nil {
		return err
	}
	for _, p := range set {
		if err := batch.Set(beside(p.Key), p.Value); err != nil {
			return errors.Join(fmt.Errorf("write beside the state: %w", err), batch.Close())
		}
	}
	for _, key := range remove {
		if err := batch.Delete(beside(key)); err != nil {
			return errors.Join(fmt.Errorf("write beside the state: %w", err), batch.Close())
		}
	}
	if err := errors.Join(batch.Write(), batch.Close()); err != nil {
		return fmt.Errorf("write beside the state: %w", err)
	}
	return nil
}

func beside(key []byte) []byte { return append([]byte{besidePrefix}, key...) }

// loose is a batch that needs no sync of its own.
func (g *guardedDB) loose() (dbm.Batch, error) {
	if err := g.failure(); err != nil {
		return nil, err
	}
	return g.db.NewBatch(), nil
}
