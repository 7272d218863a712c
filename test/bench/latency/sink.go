package latency

import (
	"context"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/test/bench/model"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// sink is one relayer's account on a model chain, where a transaction is executed
// as it is sent.
type sink struct {
	n     *network
	chain *model.Chain
	view  model.View
	begin time.Time
	nonce uint64 // of the account
	made  map[types.Hash]chain.Execution
}

func newSink(n *network, id types.ChainID, view model.View) *sink {
	return &sink{n: n, chain: n.Chains[id], view: view, begin: time.Now(), made: map[types.Hash]chain.Execution{}}
}

// destinationBlock is how far the blocks are apart that Position names.
const destinationBlock = 250 * time.Millisecond

// Position implements chain.Sink.
func (s *sink) Position(context.Context) (chain.OutboxPosition, error) {
	return chain.OutboxPosition{
		Block: 1 + uint64(time.Since(s.begin)/destinationBlock), BlockGas: 1 << 30, Nonce: s.chain.Executed(), //nolint:gosec // not negative
		Account: chain.Account{Address: s.view.By, Mined: s.nonce, Pending: s.nonce, Balance: types.NewAmount(1 << 62)},
		Market:  chain.Fees{Tip: 1, Cap: 10},
	}, nil
}

// Make implements chain.Sink.
func (s *sink) Make(e chain.Execution, _ chain.OutboxPosition, accountNonce uint64, f chain.Fees) (chain.Tx, error) {
	hash := crypto.Keccak256Hash(fmt.Append(nil, s.chain.ID, s.view.By, accountNonce, e.Nonce, f))
	s.made[hash] = e
	return chain.Tx{Hash: hash, Nonce: accountNonce, Gas: 1 << 20, Fees: f, Whole: true, Batch: e.Kind() == types.CommandBatch}, nil
}

// Simulate implements chain.Sink.
func (s *sink) Simulate(context.Context, chain.Tx) (gas uint64, err error) { return 0, nil }

// Send implements chain.Sink.
func (s *sink) Send(_ context.Context, tx chain.Tx) error {
	now := moment{time.Now(), int64(s.view.Height()) + 1} //nolint:gosec // a height
	if tx.Nonce < s.nonce {
		return chain.ErrNonceUsed
	}
	s.nonce = tx.Nonce + 1
	e := s.made[tx.Hash]
	events, err := s.chain.Execute(e.Nonce, e.Command, e.Items)
	if err != nil || len(events) == 0 { // another relayer was faster
		return err
	}
	if err := s.n.trace.release(e, now); err != nil {
		return err
	}
	return s.n.Final(s.chain.ID, events...)
}

// Receipt implements chain.Sink.
func (s *sink) Receipt(_ context.Context, hash types.Hash) (*chain.Receipt, error) {
	if _, sent := s.made[hash]; !sent {
		return nil, nil //nolint:nilnil // the interface's word for "in no block"
	}
	delete(s.made, hash)
	return &chain.Receipt{Succeeded: true, Block: 1, GasUsed: 1 << 20}, nil
}
