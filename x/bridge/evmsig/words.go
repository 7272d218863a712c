package evmsig

import (
	"encoding/binary"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// words is Solidity's abi.encode of fields that take one word each. Fixed width
// is what makes the hash of several fields unambiguous.
type words struct{ b []byte }

// newWords has room for n words.
func newWords(n int) words { return words{make([]byte, 0, n*32)} }

func (w *words) word(v [32]byte) { w.b = append(w.b, v[:]...) }

func (w *words) uint(v uint64) {
	w.b = append(w.b, make([]byte, 24)...)
	w.b = binary.BigEndian.AppendUint64(w.b, v)
}

func (w *words) address(v types.Address) {
	w.b = append(w.b, make([]byte, 12)...)
	w.b = append(w.b, v[:]...)
}

func (w *words) amount(v types.Amount) { w.word(v.Bytes32()) }

// emptyDigest is the hash of no bytes.
var emptyDigest = crypto.Keccak256Hash()

// digest stands for a field of any length. Most are empty.
func (w *words) digest(v []byte) {
	if len(v) == 0 {
		w.word(emptyDigest)
		return
	}
	w.word(crypto.Keccak256Hash(v))
}

func (w *words) hash() types.Hash { return crypto.Keccak256Hash(w.b) }
