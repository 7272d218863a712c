package store

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/cosmos/iavl"
	ics23 "github.com/cosmos/ics23/go"

	"github.com/icrosschain/bridged/x/bridge"
)

// Snapshot is one committed version, for any number of goroutines. Pruning
// spares it until Release, or until the garbage collector finds it forgotten.
type Snapshot struct {
	tree    *iavl.ImmutableTree
	flat    *flat // nil unless this was the newest version
	version int64
	hash    []byte
	pin     *pin
	cleanup runtime.Cleanup
}

var _ bridge.Reader = (*Snapshot)(nil)

// pin keeps a version from being pruned until it is released, once.
type pin struct {
	s        *Store
	version  int64
	released atomic.Bool
}

func (p *pin) release() {
	if !p.released.CompareAndSwap(false, true) {
		return
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.s.pins[p.version]--; p.s.pins[p.version] == 0 {
		delete(p.s.pins, p.version)
	}
}

// Latest is the newest committed version, or nil if there is none.
func (s *Store) Latest() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest.version == 0 {
		return nil
	}
	return s.newest()
}

// At is a committed version. It fails with ErrNoVersion or ErrPruned.
func (s *Store) At(version int64) (*Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case version < 1 || version > s.latest.version:
		return nil, fmt.Errorf("%w: %d (newest is %d)", ErrNoVersion, version, s.latest.version)
	case version < s.first:
		return nil, fmt.Errorf("%w: %d (oldest kept is %d)", ErrPruned, version, s.first)
	case version == s.latest.version:
		return s.newest(), nil
	}
	tree, err := s.reader.GetImmutable(version)
	if err != nil {
		return nil, fmt.Errorf("store: read version %d: %w", version, err)
	}
	return s.snapshot(version, tree), nil
}

// First is the oldest version that At gives, 0 if there is none.
func (s *Store) First() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

// newest is the newest version; mu is held.
func (s *Store) newest() *Snapshot {
	snap := s.snapshot(s.latest.version, s.latest.tree)
	pairs := s.latest.flat
	snap.flat = &pairs
	return snap
}

// snapshot pins version; mu is held.
func (s *Store) snapshot(version int64, tree *iavl.ImmutableTree) *Snapshot {
	s.pins[version]++
	p := &pin{s: s, version: version}
	snap := &Snapshot{tree: tree, version: version, hash: tree.Hash(), pin: p}
	snap.cleanup = runtime.AddCleanup(snap, (*pin).release, p)
	return snap
}

// Release lets the version be pruned. The snapshot is not used afterwards.
func (s *Snapshot) Release() {
	s.cleanup.Stop()
	s.pin.release()
}

// Version is the height of the block that wrote this version.
func (s *Snapshot) Version() int64 { return s.version }

// Hash is the root: the app hash that the header of the next block carries.
func (s *Snapshot) Hash() []byte { return s.hash }

var errReleased = errors.New("store: snapshot is released")

// explain gives back the closed store as the reason of err; IAVL's errors carry
// only its text.
func (s *Snapshot) explain(err error) error {
	if err != nil && errors.Is(s.pin.s.db.failure(), ErrClosed) {
		return ErrClosed
	}
	return err
}

// Get implements bridge.Reader.
func (s *Snapshot) Get(key []byte) ([]byte, error) {
	if s.pin.released.Load() {
		return nil, errReleased
	}
	if s.flat != nil {
		return s.flat.get(key), nil
	}
	value, err := get(s.tree, key)
	runtime.KeepAlive(s) // the tree alone would not keep the version
	return value, s.explain(err)
}

// Iterate implements bridge.Reader.
func (s *Snapshot) Iterate(start, end []byte, visit func(key, value []byte) bool) error {
	if s.pin.released.Load() {
		return errReleased
	}
	if s.flat != nil {
		s.flat.iterate(start, end, visit)
		return nil
	}
	err := iterate(s.tree, start, end, visit)
	runtime.KeepAlive(s)
	return s.explain(err)
}

// Prove gives the ICS-23 proof (ics23.IavlSpec, root Hash) that key has its
// value, or that it has none.
func (s *Snapshot) Prove(key []byte) (*ics23.CommitmentProof, error) {
	if s.pin.released.Load() {
		return nil, errReleased
	}
	if len(key) == 0 {
		return nil, errors.New("store: prove: empty key")
	}
	proof, err := s.tree.GetProof(key)
	runtime.KeepAlive(s)
	if err != nil {
		return nil, s.explain(fmt.Errorf("store: prove %x at version %d: %w", key, s.version, err))
	}
	return proof, nil
}

// Prove is At(version).Prove(key).
func (s *Store) Prove(version int64, key []byte) (*ics23.CommitmentProof, error) {
	snap, err := s.At(version)
	if err != nil {
		return nil, err
	}
	defer snap.Release()
	return snap.Prove(key)
}
