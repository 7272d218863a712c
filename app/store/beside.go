package store

import (
	"errors"
	"fmt"
	"slices"

	dbm "github.com/cosmos/cosmos-db"
)

// besideName is the database beside the state's. It is one of its own: keys that
// are far from the newest version's nodes, in the same database, would make it
// write all nodes again and again.
const besideName = "beside"

// besidePrefix is the first byte of keys that stand in a database that was given,
// together with the state; IAVL has f, m, n, o, r and s.
const besidePrefix = "b"

// Beside is what a node keeps for itself beside the state. It is not part of it:
// other nodes may have more, less or nothing of it. It is safe for concurrent
// use.
type Beside struct{ db *guardedDB }

// openBeside opens what is beside the state of a configuration.
func openBeside(c Config) (Beside, error) {
	if c.DB != nil {
		return Beside{newGuardedDB(dbm.NewPrefixDB(c.DB, []byte(besidePrefix)), false)}, nil
	}
	db, owned, err := openDB(c, besideName)
	if err != nil {
		return Beside{}, err
	}
	return Beside{newGuardedDB(db, owned)}, nil
}

// Beside is this store's.
func (s *Store) Beside() Beside { return s.beside }

// Pair is a key and its value.
type Pair struct{ Key, Value []byte }

// Get is the value at a key, nil if there is none.
func (b Beside) Get(key []byte) ([]byte, error) { return b.db.Get(key) }

// First is the first pair from a key on, up to another; ok is false if there is
// none.
func (b Beside) First(from, to []byte) (p Pair, ok bool, err error) {
	err = b.db.read("search", from, func() error {
		all, err := b.db.db.Iterator(from, to)
		if err != nil {
			return err
		}
		if ok = all.Valid(); ok {
			p = Pair{Key: slices.Clone(all.Key()), Value: slices.Clone(all.Value())}
		}
		return errors.Join(all.Error(), all.Close())
	})
	return p, ok, err
}

// Write sets and removes keys on disk, all of them or none.
func (b Beside) Write(set []Pair, remove [][]byte) error {
	batch := b.db.NewBatch()
	fill := func() error {
		for _, p := range set {
			if err := batch.Set(p.Key, p.Value); err != nil {
				return err
			}
		}
		for _, key := range remove {
			if err := batch.Delete(key); err != nil {
				return err
			}
		}
		return batch.WriteSync()
	}
	if err := errors.Join(fill(), batch.Close()); err != nil {
		return fmt.Errorf("write beside the state: %w", err)
	}
	return nil
}
