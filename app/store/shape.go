package store

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cosmos/iavl"
)

// shape follows the nodes of a tree in the order of export, children before
// their parent, and refuses what no tree of its version gives. The root hash
// covers everything of a node but the key of an inner one: that is not part of a
// snapshot, and found again here.
type shape struct {
	version int64
	open    []subtree // that have no parent yet
	last    []byte    // key of the newest leaf
	leaves  int64
}

type subtree struct {
	height  int8
	version int64
	least   []byte // key of its first leaf
}

var errShape = errors.New("store: the nodes make no tree")

// leaf takes the next leaf.
func (s *shape) leaf(version int64, key []byte) error {
	if len(key) == 0 || s.leaves > 0 && bytes.Compare(key, s.last) <= 0 {
		return fmt.Errorf("%w: key %x follows %x", errShape, key, s.last)
	}
	if version < 1 || version > s.version {
		return fmt.Errorf("%w: a leaf of version %d in version %d", errShape, version, s.version)
	}
	s.leaves++
	s.last = key
	s.open = append(s.open, subtree{version: version, least: key})
	return nil
}

// inner takes the parent of the two newest subtrees, and gives the key that it
// has: the least of its right side.
func (s *shape) inner(version int64, height int8) (key []byte, err error) {
	if len(s.open) < 2 {
		return nil, fmt.Errorf("%w: an inner node without two children", errShape)
	}
	left, right := s.open[len(s.open)-2], s.open[len(s.open)-1]
	if high, low := max(left.height, right.height), min(left.height, right.height); height != high+1 || high-low > 1 {
		return nil, fmt.Errorf("%w: height %d over %d and %d", errShape, height, left.height, right.height)
	}
	if version < max(left.version, right.version) || version > s.version {
		return nil, fmt.Errorf("%w: version %d over %d and %d, in version %d", errShape, version, left.version, right.version, s.version)
	}
	s.open = append(s.open[:len(s.open)-2], subtree{height: height, version: version, least: left.least})
	return right.least, nil
}

// complete is an error unless all nodes have come together in one root.
func (s *shape) complete() error {
	if len(s.open) != 1 {
		return fmt.Errorf("%w: it ends with %d parts", errShape, len(s.open))
	}
	return nil
}

// exported takes a node as IAVL gives it.
func (s *shape) exported(n *iavl.ExportNode) error {
	if n.Height == 0 {
		return s.leaf(n.Version, n.Key)
	}
	key, err := s.inner(n.Version, n.Height)
	if err == nil && !bytes.Equal(key, n.Key) {
		err = fmt.Errorf("%w: an inner node has key %x, the least on its right is %x", errShape, n.Key, key)
	}
	return err
}
