package modelchain

import (
	"errors"
	"fmt"
	"math/big"
	"slices"

	gethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// What the pool says, in geth's words.
var (
	errKnown       = errors.New("already known")
	errNonceTooLow = errors.New("nonce too low")
	errReplacement = errors.New("replacement transaction underpriced")
)

// pool is transactions that no block has, and the accounts' nonces.
type pool struct {
	signer  gethtypes.Signer
	waiting []*sent // in the order in which they came
	nonces  map[types.Address]uint64
}

// sent is a transaction with the account that signed it.
type sent struct {
	tx   *gethtypes.Transaction
	from types.Address
}

func newPool(id types.ChainID) pool {
	return pool{
		signer: gethtypes.LatestSignerForChainID(new(big.Int).SetUint64(uint64(id))), nonces: map[types.Address]uint64{},
	}
}

// add takes a transaction, in the place of one with the same nonce where it
// pays a tenth more.
func (p *pool) add(tx *gethtypes.Transaction) error {
	from, err := gethtypes.Sender(p.signer, tx)
	if err != nil {
		return fmt.Errorf("invalid sender: %w", err)
	}
	if tx.Nonce() < p.nonces[from] {
		return errNonceTooLow
	}
	for i, other := range p.waiting {
		if other.from != from || other.tx.Nonce() != tx.Nonce() {
			continue
		}
		least := new(big.Int).Mul(other.tx.GasFeeCap(), big.NewInt(11))
		switch {
		case other.tx.Hash() == tx.Hash():
			return errKnown
		case new(big.Int).Mul(tx.GasFeeCap(), big.NewInt(10)).Cmp(least) < 0:
			return errReplacement
		}
		p.waiting[i] = &sent{tx, from}
		return nil
	}
	p.waiting = append(p.waiting, &sent{tx, from})
	return nil
}

// ready takes the next transaction that may be executed, nil if there is none.
func (p *pool) ready() *sent {
	i := slices.IndexFunc(p.waiting, func(s *sent) bool { return s.tx.Nonce() == p.nonces[s.from] })
	if i < 0 {
		return nil
	}
	next := p.waiting[i]
	p.waiting = slices.Delete(p.waiting, i, i+1)
	p.nonces[next.from]++
	return next
}

// pending is an account's next nonce after all that waits without a gap.
func (p *pool) pending(of types.Address) uint64 {
	next := p.nonces[of]
	for slices.ContainsFunc(p.waiting, func(s *sent) bool { return s.from == of && s.tx.Nonce() == next }) {
		next++
	}
	return next
}
