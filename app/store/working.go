package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/cosmos/iavl"
	corestore "github.com/cosmos/iavl/db"

	"github.com/icrosschain/bridged/x/bridge"
)

// working is the tree being written, as the state machine wants it.
type working struct{ s *Store }

var _ bridge.Store = working{}

// Working is the state being written: the newest version, and what was written
// since.
func (s *Store) Working() bridge.Store { return s.working }

// Get implements bridge.Reader.
func (w working) Get(key []byte) ([]byte, error) { return w.s.flat.get(key), nil }

// Iterate implements bridge.Reader.
func (w working) Iterate(start, end []byte, visit func(key, value []byte) bool) error {
	w.s.flat.iterate(start, end, visit)
	return nil
}

// Set implements bridge.Store. An empty value is kept, and is not the same as
// none, but ICS-23 has no proof for it, nor for the absence of its neighbours.
func (w working) Set(key, value []byte) error {
	if len(key) == 0 {
		return errors.New("store: set: empty key")
	}
	// The tree keeps what it is given, and takes no nil.
	value = append([]byte{}, value...)
	if _, err := w.s.writer.Set(slices.Clone(key), value); err != nil {
		return fmt.Errorf("store: set %x: %w", key, err)
	}
	w.s.flat.set(key, value)
	return nil
}

// Delete implements bridge.Store. Deleting an absent key does nothing.
func (w working) Delete(key []byte) error {
	if _, _, err := w.s.writer.Remove(slices.Clone(key)); err != nil {
		return fmt.Errorf("store: delete %x: %w", key, err)
	}
	w.s.flat.remove(key)
	return nil
}

func get(tree *iavl.ImmutableTree, key []byte) ([]byte, error) {
	value, err := tree.Get(key)
	if err != nil {
		return nil, fmt.Errorf("store: get %x: %w", key, err)
	}
	return value, nil
}

var errShort = errors.New("iteration ended early: a node cannot be read")

// iterate visits [start, end). IAVL's iterator ends silently when it cannot
// read a node, so what it visits is counted against the tree's own indexes.
func iterate(tree *iavl.ImmutableTree, start, end []byte, visit func(key, value []byte) bool) error {
	if start != nil && end != nil && bytes.Compare(start, end) >= 0 {
		return nil
	}
	next, stop, err := bounds(tree, start, end)
	if err != nil {
		return fmt.Errorf("store: iterate from %x: %w", start, err)
	}
	if next == stop {
		return nil
	}
	it, err := tree.Iterator(start, end, true)
	if err != nil {
		return fmt.Errorf("store: iterate from %x: %w", start, err)
	}
	more := visitAll(it, &next, visit)
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("store: iterate from %x: %w", start, err)
	}
	if more && next != stop {
		return fmt.Errorf("store: iterate from %x: %w (%d of %d)", start, errShort, next, stop)
	}
	return nil
}

// visitAll counts next up for each pair, and says whether visit wanted more.
func visitAll(it corestore.Iterator, next *int64, visit func(key, value []byte) bool) bool {
	for ; it.Valid(); it.Next() {
		*next++
		if !visit(it.Key(), it.Value()) {
			return false
		}
	}
	return true
}

// bounds gives the index of the first key in [start, end) and one past the last.
func bounds(tree *iavl.ImmutableTree, start, end []byte) (first, stop int64, err error) {
	stop = tree.Size()
	if start != nil {
		if first, _, err = tree.GetWithIndex(start); err != nil {
			return 0, 0, err
		}
	}
	if end != nil {
		if stop, _, err = tree.GetWithIndex(end); err != nil {
			return 0, 0, err
		}
	}
	return first, stop, nil
}
