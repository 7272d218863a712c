// Package sealhistory remembers every seal that a network has made in a few
// hashes, so that a seal which was pruned long ago still speaks for or against
// whoever signed at its height.
//
// The history is a Merkle mountain range (Todd, "Merkle Mountain Ranges",
// 2012): perfect binary trees over all entries in their order, one for each bit
// of their number, the largest first. The state holds their roots, the peaks.
// Leaves and inner nodes are hashed apart, as in RFC 6962.
package sealhistory

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// What is hashed begins with one of these bytes.
const (
	leafTag = 0
	nodeTag = 1
)

// Levels is how many trees a history may have: enough for a seal in each block
// of ten thousand years.
const Levels = 40

// History is what the state holds of all entries. Its zero value has none. It is
// of the same size from the first seal on.
type History struct {
	Count uint64
	Peaks [Levels]types.Hash // of the tree with 2^level leaves; zero where Count has no such bit
	Last  types.SealEntry
}

// Append adds an entry behind the last one, which becomes its Previous.
func (h *History) Append(e types.SealEntry) {
	e.Previous = h.Last.Height
	node, level := Leaf(e), 0
	for ; h.Count>>level&1 == 1; level++ {
		node = Parent(h.Peaks[level], node)
		h.Peaks[level] = types.Hash{}
	}
	h.Peaks[level] = node
	h.Count++
	h.Last = e
}

// Holds says whether a witness shows an entry of this history. Of a witness
// that was true once the path is too short after its tree grew into a larger one.
func (h *History) Holds(w types.SealWitness) bool {
	level, ok := h.Level(w.Position)
	if !ok || len(w.Path) != level {
		return false
	}
	node := Leaf(w.Entry)
	for i, sibling := range w.Path {
		if w.Position>>i&1 == 0 {
			node = Parent(node, sibling)
		} else {
			node = Parent(sibling, node)
		}
	}
	return node == h.Peaks[level]
}

// Level is that of the peak over the entry at a position; ok is false if there
// is no such entry.
func (h *History) Level(position uint64) (level int, ok bool) {
	if position >= h.Count {
		return 0, false
	}
	// The trees are in the order of Count's bits. An entry is in the tree of the
	// highest bit in which its position differs from Count.
	level = bits.Len64(position^h.Count) - 1
	return level, level < Levels
}

// Leaf is the hash of an entry.
func Leaf(e types.SealEntry) types.Hash {
	b := []byte{leafTag}
	for _, n := range []uint64{e.Previous, e.Height, e.Epoch} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return sha256.Sum256(append(b, e.Root[:]...))
}

// Parent is the hash of two nodes.
func Parent(left, right types.Hash) types.Hash {
	b := append([]byte{nodeTag}, left[:]...)
	return sha256.Sum256(append(b, right[:]...))
}
