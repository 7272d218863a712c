package store

import (
	"errors"
	"fmt"

	"github.com/cosmos/iavl"
	"github.com/google/btree"
)

// flat is the pairs of one version in memory, in the order of their keys. The
// Merkle tree needs a walk down its nodes for every read; a block reads far more
// than it writes. Clones share what has not changed since, so that each version
// costs what it differs by. The state is bounded by what is in flight, and so is
// this.
type flat struct{ pairs *btree.BTreeG[pair] }

type pair struct {
	key   string
	value []byte
}

const flatDegree = 32

func newFlat() flat {
	return flat{btree.NewG(flatDegree, func(a, b pair) bool { return a.key < b.key })}
}

// flatOf reads a whole version.
func flatOf(tree *iavl.ImmutableTree) (flat, error) {
	f := newFlat()
	err := iterate(tree, nil, nil, func(key, value []byte) bool {
		f.set(key, value)
		return true
	})
	if err != nil {
		return flat{}, err
	}
	return f, f.agrees(tree)
}

var errFlat = errors.New("store: the pairs in memory are not those of the tree")

// agrees fails if the tree has another number of pairs: a program error, after
// which this node must not go on.
func (f flat) agrees(tree *iavl.ImmutableTree) error {
	if int64(f.pairs.Len()) != tree.Size() {
		return fmt.Errorf("%w: %d of %d", errFlat, f.pairs.Len(), tree.Size())
	}
	return nil
}

// clone is an independent copy. It may be made while others read f, and not
// while anybody writes or clones it.
func (f flat) clone() flat { return flat{f.pairs.Clone()} }

func (f flat) get(key []byte) []byte {
	p, _ := f.pairs.Get(pair{key: string(key)})
	return p.value
}

// set keeps value, which nobody changes afterwards.
func (f flat) set(key, value []byte) { f.pairs.ReplaceOrInsert(pair{string(key), value}) }

func (f flat) remove(key []byte) { f.pairs.Delete(pair{key: string(key)}) }

// iterate visits [start, end).
func (f flat) iterate(start, end []byte, visit func(key, value []byte) bool) {
	each := func(p pair) bool { return visit([]byte(p.key), p.value) }
	if end == nil {
		f.pairs.AscendGreaterOrEqual(pair{key: string(start)}, each)
		return
	}
	f.pairs.AscendRange(pair{key: string(start)}, pair{key: string(end)}, each)
}
