package sealhistory_test

import (
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge/sealhistory"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// drawn is a history of some entries, and the leaves of all of them.
func drawn(t *rapid.T, label string) (h sealhistory.History, entries []types.SealEntry) {
	var last uint64
	for i := range rapid.IntRange(1, 70).Draw(t, label) {
		e := types.SealEntry{Previous: last, Height: last + rapid.Uint64Range(1, 4).Draw(t, "gap"), Epoch: uint64(i / 7), Root: types.Hash{byte(i)}} //nolint:gosec // small
		h.Append(types.SealEntry{Height: e.Height, Epoch: e.Epoch, Root: e.Root})
		last = e.Height
		entries = append(entries, e)
	}
	return h, entries
}

// dumb is the path of a leaf in the perfect tree that has it, and its root: the
// largest trees are cut off first.
func dumb(leaves []types.Hash, at int) (path []types.Hash, root types.Hash) {
	size := 1 << (bits.Len(uint(len(leaves))) - 1) //nolint:gosec // a length
	if at >= size {
		return dumb(leaves[size:], at-size)
	}
	path = []types.Hash{}
	tree := leaves[:size]
	for ; len(tree) > 1; at /= 2 {
		path = append(path, tree[at^1])
		var up []types.Hash
		for i := 0; i < len(tree); i += 2 {
			up = append(up, sealhistory.Parent(tree[i], tree[i+1]))
		}
		tree = up
	}
	return path, tree[0]
}

func TestEachEntryIsHeldByItsPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, entries := drawn(t, "entries")
		var leaves []types.Hash
		for _, e := range entries {
			leaves = append(leaves, sealhistory.Leaf(e))
		}
		if h.Count != uint64(len(entries)) || h.Last != entries[len(entries)-1] {
			t.Fatalf("%+v after %d entries", h, len(entries))
		}
		for i, e := range entries {
			path, root := dumb(leaves, i)
			if !slices.Contains(h.Peaks[:], root) {
				t.Fatalf("the tree of entry %d of %d has no peak", i, len(entries))
			}
			w := types.SealWitness{Entry: e, Position: uint64(i), Path: path} //nolint:gosec // an index
			if !h.Holds(w) {
				t.Fatalf("entry %d of %d is not held by its path of %d", i, len(entries), len(path))
			}
		}
	})
}

func TestNothingElseIsHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, entries := drawn(t, "entries")
		var leaves []types.Hash
		for _, e := range entries {
			leaves = append(leaves, sealhistory.Leaf(e))
		}
		at := rapid.IntRange(0, len(entries)-1).Draw(t, "at")
		path, _ := dumb(leaves, at)
		w := types.SealWitness{Entry: entries[at], Position: uint64(at), Path: path} //nolint:gosec // an index
		lies := []string{"previous", "height", "epoch", "root", "position", "longer", "inner"}
		if len(path) > 0 {
			lies = append(lies, "node", "shorter")
		}
		switch rapid.SampledFrom(lies).Draw(t, "lie") {
		case "previous":
			w.Entry.Previous++
		case "height":
			w.Entry.Height++
		case "epoch":
			w.Entry.Epoch++
		case "root":
			w.Entry.Root[31]++
		case "position":
			w.Position += rapid.Uint64Range(1, 1<<62).Draw(t, "off")
		case "node":
			path[rapid.IntRange(0, len(path)-1).Draw(t, "level")][0]++
		case "longer":
			w.Path = append(w.Path, types.Hash{1})
		case "shorter":
			w.Path = path[:len(path)-1]
		case "inner": // of a larger history that has this one's peaks
			h.Count <<= 1
		}
		if h.Holds(w) {
			t.Fatalf("held: %+v", w)
		}
	})
}

// A witness stays good until its tree grows, and is refused from then on.
func TestAWitnessIsOutdatedWhenItsTreeGrows(t *testing.T) {
	var h sealhistory.History
	for height := uint64(1); height <= 3; height++ {
		h.Append(types.SealEntry{Height: height})
	}
	w := types.SealWitness{
		Entry: types.SealEntry{Height: 1}, Position: 0,
		Path: []types.Hash{sealhistory.Leaf(types.SealEntry{Previous: 1, Height: 2})},
	}
	if !h.Holds(w) {
		t.Fatal("not held")
	}
	h.Append(types.SealEntry{Height: 4})
	if h.Holds(w) {
		t.Error("a path to what is no peak any more is held")
	}
}

// A position that no entry has is held by nothing, and breaks nothing.
func TestPositionsOfNoEntry(t *testing.T) {
	var h sealhistory.History
	for range 12 {
		h.Append(types.SealEntry{Height: h.Last.Height + 1})
		for _, position := range []uint64{h.Count, h.Count + 1, 2 * h.Count, 1 << 39, 1 << 63, 1<<64 - 1} {
			for length := range 66 {
				if h.Holds(types.SealWitness{Entry: h.Last, Position: position, Path: make([]types.Hash, length)}) {
					t.Fatalf("position %d of %d is held by a path of %d", position, h.Count, length)
				}
			}
			if level, ok := h.Level(position); ok {
				t.Fatalf("position %d of %d has level %d", position, h.Count, level)
			}
		}
	}
}

func TestNoEntryIsHeldByAnEmptyHistory(t *testing.T) {
	var h sealhistory.History
	if h.Holds(types.SealWitness{}) {
		t.Error("an empty history")
	}
}
