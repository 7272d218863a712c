// Package bridgetest drives the state machine of package bridge without a
// consensus engine: a memory store, N validators that vote, propose and apply
// in lock step, and model chains with the rules of the Bridge contract. It is
// exported so that whoever embeds package bridge can test their own host with
// it.
//
// After every block a Network compares the state of all replicas (I5), and
// regularly it runs bridge.CheckInvariants; a difference or a violation fails
// the test.
package bridgetest

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"slices"
)

// Store is a bridge.Store in memory. The zero value is empty and ready.
type Store struct {
	values map[string][]byte
	sorted []string // the keys in order, or nil when they have to be sorted again
}

// Get implements bridge.Reader.
func (s *Store) Get(key []byte) ([]byte, error) { return s.values[string(key)], nil }

// Set implements bridge.Store.
func (s *Store) Set(key, value []byte) error {
	if s.values == nil {
		s.values = map[string][]byte{}
	}
	if _, known := s.values[string(key)]; !known {
		s.sorted = nil
	}
	s.values[string(key)] = bytes.Clone(value)
	return nil
}

// Delete implements bridge.Store.
func (s *Store) Delete(key []byte) error {
	if _, known := s.values[string(key)]; known {
		s.sorted = nil
		delete(s.values, string(key))
	}
	return nil
}

// Iterate implements bridge.Reader.
func (s *Store) Iterate(start, end []byte, visit func(key, value []byte) bool) error {
	if s.sorted == nil {
		s.sorted = slices.Sorted(maps.Keys(s.values))
	}
	first, _ := slices.BinarySearch(s.sorted, string(start))
	for _, key := range s.sorted[first:] {
		if end != nil && key >= string(end) {
			break
		}
		if !visit([]byte(key), s.values[key]) {
			break
		}
	}
	return nil
}

// Len is the number of keys.
func (s *Store) Len() int { return len(s.values) }

// Clone is an independent copy.
func (s *Store) Clone() *Store { return &Store{values: maps.Clone(s.values)} }

// Digest is a hash over all keys and values, for the comparison of replicas.
func (s *Store) Digest() [32]byte {
	h := sha256.New()
	_ = s.Iterate(nil, nil, func(key, value []byte) bool { // cannot fail
		for _, part := range [][]byte{key, value} {
			n := len(part)
			h.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
			h.Write(part)
		}
		return true
	})
	return [32]byte(h.Sum(nil))
}
