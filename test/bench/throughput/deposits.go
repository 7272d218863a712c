package throughput

import (
	"encoding/binary"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Deposits are a function of their nonces, so that every process has the same
// ones without a word. Their hash chain is computed once, before anything is
// measured, and is all that processes are told of it.
type Deposits struct {
	After  types.Mark   // the last event of the source before the first deposit
	Stride uint64       // there is a mark at every nonce divisible by it
	Hashes []types.Hash // the accumulator at those nonces, from the first above After on
}

// baseAmount is what is added to a nonce to give its amount.
const baseAmount = 1_000_000

// newDeposits computes marks for at least so many deposits after a mark.
func newDeposits(after types.Mark, stride, count uint64) Deposits {
	d := Deposits{After: after, Stride: stride}
	hash := after.Hash
	for n := after.Nonce + 1; n <= after.Nonce+count || n%stride != 1; n++ {
		hash = evmsig.Accumulate(hash, evmsig.InboxLeaf(n, deposit(n)))
		if n%stride == 0 {
			d.Hashes = append(d.Hashes, hash)
		}
	}
	return d
}

// last is the nonce of the last deposit whose hash is known.
func (d Deposits) last() uint64 { return d.first() + uint64(len(d.Hashes)-1)*d.Stride }

// first is the nonce of the first mark.
func (d Deposits) first() uint64 { return (d.After.Nonce/d.Stride + 1) * d.Stride }

// mark is the one at a nonce divisible by the stride.
func (d Deposits) mark(nonce uint64) types.Mark {
	return types.Mark{Nonce: nonce, Hash: d.Hashes[(nonce-d.first())/d.Stride], Block: d.block(nonce)}
}

// block is the source block of a deposit.
func (d Deposits) block(nonce uint64) uint64 { return setupBlock + (nonce+d.Stride-1)/d.Stride }

// deposit makes the deposit of a nonce: its recipient and amount are its own.
func deposit(nonce uint64) types.Deposited {
	return types.Deposited{
		Token: token, Sender: payer, Destination: destination(nonce), Recipient: types.RecipientFromAddress(recipient(nonce)),
		RefundTo: payer, Amount: types.NewAmount(baseAmount + nonce), MaxFee: types.NewAmount(baseAmount),
	}
}

func destination(nonce uint64) types.ChainID {
	if nonce%2 == 1 {
		return third
	}
	return second
}

// recipient is an address that looks random and ends in the nonce.
func recipient(nonce uint64) (a types.Address) {
	x := nonce
	for i := 0; i < 12; i += 4 { // splitmix64
		x += 0x9e3779b97f4a7c15
		z := (x ^ x>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		binary.BigEndian.PutUint32(a[i:], uint32((z^z>>31)>>32))
	}
	binary.BigEndian.PutUint64(a[12:], nonce)
	return a
}

// nonceOf is the deposit's that a recipient is of.
func nonceOf(a types.Address) (nonce uint64, ok bool) {
	nonce = binary.BigEndian.Uint64(a[12:])
	return nonce, recipient(nonce) == a
}
