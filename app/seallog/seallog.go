// Package seallog keeps the nodes of the seal history's trees beside the state,
// which holds their peaks only, and makes witnesses of them.
//
// A node logs each seal as it commits it. One that has restored a snapshot
// knows nothing of earlier seals but the peaks, and can witness later ones only.
package seallog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/x/bridge/sealhistory"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Errors that callers tell apart.
var (
	// ErrUnknown says that a seal is not logged: this node has not seen it made, or
	// nobody answers for it any more.
	ErrUnknown = errors.New("the seal log of this node begins later: ask a node that was there before")
	// ErrBroken says that what is logged is not what the state says.
	ErrBroken = errors.New("the seal log does not agree with the state")
)

// The first byte of each kind of key.
const (
	prefixEntry = 'e' // height → position, previous, epoch, root
	prefixNode  = 'n' // level, index → hash
)

// Log is the log in the database of a store. Begin and Append belong to the
// goroutine that commits; Witness is safe for concurrent use.
type Log struct {
	db store.Beside
	// oldest is the lowest height of which there may be an entry: below it a
	// database has nothing but what it has yet to sweep up.
	oldest atomic.Uint64
}

// New uses what is beside a state.
func New(db store.Beside) *Log { return &Log{db: db} }

// Begin makes the log go on from a history, when the state was restored or
// opened. It does nothing where that is logged already.
func (l *Log) Begin(h *sealhistory.History) error {
	if h.Count == 0 {
		return nil
	}
	if _, position, err := l.covering(h.Last.Height, h.Last.Height+1); !errors.Is(err, ErrUnknown) && (err != nil || position == h.Count-1) {
		return err
	}
	set, err := l.newest(h)
	if err != nil {
		return err
	}
	return l.db.Write(append(set, peaks(h)...), nil)
}

// Append logs the newest entry of a history. It may be called again with the
// same history, and after entries that were never logged. Entries below the
// height since are removed by and by.
func (l *Log) Append(h *sealhistory.History, since uint64) error {
	if h.Count == 0 {
		return nil
	}
	set, err := l.newest(h)
	if err != nil {
		return err
	}
	stale, oldest, err := l.stale(since)
	if err != nil {
		return err
	}
	if err := l.db.Write(set, stale); err != nil {
		return err
	}
	l.oldest.Store(oldest)
	return nil
}

// newest is what is to be logged of a history's last entry. If what is left of it
// is not logged, the peaks stand for it from now on.
func (l *Log) newest(h *sealhistory.History) ([]store.Pair, error) {
	nodes, err := l.climb(h)
	if errors.Is(err, ErrUnknown) {
		nodes, err = peaks(h), nil
	}
	return append(nodes, entryPair(h.Count-1, h.Last)), err
}

// climb makes the nodes that the last entry completes, from its leaf to its
// peak; ErrUnknown if what is left of them is not logged.
func (l *Log) climb(h *sealhistory.History) ([]store.Pair, error) {
	node, index := sealhistory.Leaf(h.Last), h.Count-1
	nodes := []store.Pair{nodePair(0, index, node)}
	for level := 0; index&1 == 1; level++ {
		left, err := l.node(level, index-1)
		if err != nil {
			return nil, err
		}
		node, index = sealhistory.Parent(left, node), index>>1
		nodes = append(nodes, nodePair(level+1, index, node))
	}
	if node != h.Peaks[len(nodes)-1] {
		return nil, fmt.Errorf("%w: seal of height %d", ErrBroken, h.Last.Height)
	}
	return nodes, nil
}

// peaks are the roots of a history's trees, and its last leaf.
func peaks(h *sealhistory.History) []store.Pair {
	nodes := []store.Pair{nodePair(0, h.Count-1, sealhistory.Leaf(h.Last))}
	for level, peak := range h.Peaks {
		if h.Count>>level&1 == 1 {
			nodes = append(nodes, nodePair(level, h.Count>>level-1, peak))
		}
	}
	return nodes
}

// maxStale bounds how many entries a call removes: more than one, so that the
// log shrinks if it was long.
const maxStale = 2

// stale is the keys of the oldest entries below a height, and of the nodes that
// no witness of a later one needs; and what is the oldest without them.
func (l *Log) stale(since uint64) (keys [][]byte, oldest uint64, err error) {
	oldest = l.oldest.Load()
	for range maxStale {
		entry, position, err := l.covering(oldest, since)
		if errors.Is(err, ErrUnknown) {
			return keys, max(oldest, since), nil
		}
		if err != nil {
			return nil, 0, err
		}
		keys = append(keys, entryKey(entry.Height))
		for level, index := 0, position; index&1 == 1; level, index = level+1, index>>1 {
			keys = append(keys, nodeKey(level, index-1), nodeKey(level, index))
		}
		oldest = entry.Height + 1
	}
	return keys, oldest, nil
}

// Witness shows what was sealed at a height. ErrUnknown says that this node
// cannot.
func (l *Log) Witness(h *sealhistory.History, height uint64) (w types.SealWitness, err error) {
	w.Path = []types.Hash{}
	if w.Entry, w.Position, err = l.covering(max(height, l.oldest.Load()), h.Last.Height+1); err != nil {
		return w, err
	}
	if w.Entry.Previous >= height {
		return w, ErrUnknown
	}
	level, ok := h.Level(w.Position)
	if !ok {
		return w, fmt.Errorf("%w: there is seal %d of %d", ErrBroken, w.Position, h.Count)
	}
	for at := range level {
		sibling, err := l.node(at, w.Position>>at^1)
		if err != nil {
			return w, err
		}
		w.Path = append(w.Path, sibling)
	}
	if !h.Holds(w) {
		return w, fmt.Errorf("%w: seal of height %d", ErrBroken, w.Entry.Height)
	}
	return w, nil
}

// covering is the first entry from a height on, below another.
func (l *Log) covering(from, to uint64) (e types.SealEntry, position uint64, err error) {
	if from >= to {
		return e, 0, ErrUnknown
	}
	pair, ok, err := l.db.First(entryKey(from), entryKey(to))
	if err != nil {
		return e, 0, fmt.Errorf("read the seal log: %w", err)
	}
	if !ok {
		return e, 0, ErrUnknown
	}
	if len(pair.Key) != entryKeyBytes || len(pair.Value) != entryBytes {
		return e, 0, fmt.Errorf("%w: an entry of %d bytes", ErrBroken, len(pair.Value))
	}
	number := func(i int) uint64 { return binary.BigEndian.Uint64(pair.Value[8*i:]) }
	e = types.SealEntry{
		Height: binary.BigEndian.Uint64(pair.Key[1:]), Previous: number(1), Epoch: number(2), Root: types.Hash(pair.Value[24:]),
	}
	return e, number(0), nil
}

// node is a node of a tree; ErrUnknown if it is not logged.
func (l *Log) node(level int, index uint64) (node types.Hash, err error) {
	raw, err := l.db.Get(nodeKey(level, index))
	switch {
	case err != nil:
		return node, fmt.Errorf("read the seal log: %w", err)
	case raw == nil:
		return node, ErrUnknown
	case len(raw) != len(node):
		return node, fmt.Errorf("%w: a node of %d bytes", ErrBroken, len(raw))
	}
	return types.Hash(raw), nil
}

const (
	entryKeyBytes = 1 + 8
	entryBytes    = 3*8 + len(types.Hash{})
)

func entryKey(height uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixEntry}, height)
}

func nodeKey(level int, index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixNode, byte(level)}, index)
}

func entryPair(position uint64, e types.SealEntry) store.Pair {
	value := binary.BigEndian.AppendUint64(nil, position)
	value = binary.BigEndian.AppendUint64(value, e.Previous)
	value = binary.BigEndian.AppendUint64(value, e.Epoch)
	return store.Pair{Key: entryKey(e.Height), Value: append(value, e.Root[:]...)}
}

func nodePair(level int, index uint64, node types.Hash) store.Pair {
	return store.Pair{Key: nodeKey(level, index), Value: node[:]}
}
