package evmsig

import (
	"bytes"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// CommandLeaf is a command's leaf in the tree of its block. It names chain,
// contract and nonce, so a signed command runs once, there and then. It is
// hashed twice so that an inner node can never pass for a leaf.
func CommandLeaf(chain types.ChainID, bridge types.Address, nonce uint64, command []byte) types.Hash {
	var w words
	w.uint(uint64(chain))
	w.address(bridge)
	w.uint(nonce)
	w.digest(command)
	once := w.hash()
	return crypto.Keccak256Hash(once[:])
}

// MerkleRoot is the root over leaves in their given order; without leaves it is
// the zero hash, which is never valid. Siblings are hashed in ascending order,
// and the last node of an odd level goes up unchanged.
func MerkleRoot(leaves []types.Hash) types.Hash {
	if len(leaves) == 0 {
		return types.Hash{}
	}
	level := leaves
	for len(level) > 1 {
		level = parents(level)
	}
	return level[0]
}

// MerklePath is the path from leaf i to the root: the siblings from the bottom
// up. It is nil if there is no leaf i, and empty where i is the only leaf.
func MerklePath(leaves []types.Hash, i int) []types.Hash {
	if i < 0 || i >= len(leaves) {
		return nil
	}
	path := []types.Hash{}
	for level := leaves; len(level) > 1; level = parents(level) {
		if sibling := i ^ 1; sibling < len(level) {
			path = append(path, level[sibling])
		}
		i /= 2
	}
	return path
}

// VerifyPath says whether path leads from leaf to root. The zero root proves
// nothing.
func VerifyPath(root, leaf types.Hash, path []types.Hash) bool {
	node := leaf
	for _, sibling := range path {
		node = parent(node, sibling)
	}
	return root != types.Hash{} && node == root
}

func parents(level []types.Hash) []types.Hash {
	up := make([]types.Hash, 0, (len(level)+1)/2)
	for i := 0; i+1 < len(level); i += 2 {
		up = append(up, parent(level[i], level[i+1]))
	}
	if len(level)%2 == 1 {
		up = append(up, level[len(level)-1])
	}
	return up
}

func parent(a, b types.Hash) types.Hash {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return crypto.Keccak256Hash(a[:], b[:])
}
