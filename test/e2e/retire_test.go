package e2e

import (
	"context"
	"fmt"
	"time"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// farTerms let two transfers of farAmount to gamma, and then nothing for hours.
const (
	farAmount = 10_000
	farBack   = 50_000 // from there
	farTerms  = ",flow_capacity=20000,flow_rate=1"
)

// stranded is what is on its way to gamma when it dies.
type stranded struct {
	sealed, held string
	back         string // from gamma, waiting for coins on alpha
}

// gammaDies lets coins go to gamma and back, as they do, and then ends that chain
// with transfers on their way to it: one in a sealed command that nobody executes
// any more, one that waits.
func (w *worstDay) gammaDies() (s stranded) {
	w.t.Helper()
	ids, _ := w.deposit(
		deposit{from: w.gamma, asset: w.coin, sender: w.rich, amount: farBack, recipient: word(stranger(20))},
		deposit{from: w.alpha, asset: w.coin, sender: w.rich, amount: farAmount, destination: gammaID, recipient: word(stranger(21))})
	w.reach(time.Minute, types.StatusReleased, ids[1])
	w.has(w.gamma, native, stranger(21), farAmount-w.coin.fee)
	back := ids[0]
	w.explains("more than alpha has", back, types.StatusHeld, types.ReasonMissingLiquidity)
	w.coin.deficit = farBack - farAmount
	w.gamma.die()

	d := deposit{from: w.alpha, asset: w.coin, sender: w.rich, amount: farAmount, destination: gammaID, recipient: word(stranger(22)), refundTo: stranger(23)}
	ids, _ = w.deposit(d, d)
	w.reach(time.Minute, types.StatusSealed, ids[0])
	w.reach(time.Minute, types.StatusHeld, ids[1])
	w.explains("a transfer to a dead chain", ids[1], types.StatusHeld, types.ReasonFlowLimit)
	return stranded{sealed: ids[0], held: ids[1], back: back}
}

// retireGamma lets the validators decide that gamma is gone: what was to be paid
// there is refunded, and what is sent there from now on.
func (w *worstDay) retireGamma(s stranded) {
	w.t.Helper()
	w.released(s.back)
	w.has(w.alpha, native, stranger(20), farBack-w.coin.fee)
	w.has(w.alpha, native, stranger(23), 0)
	w.decide("retire", "gamma")
	w.reach(time.Minute, types.StatusRefunded, s.sealed, s.held)
	for _, id := range []string{s.sealed, s.held} {
		w.explains("a transfer to a retired chain", id, types.StatusRefunded, types.ReasonChainRetired)
	}
	w.has(w.alpha, native, stranger(23), 2*(farAmount-w.coin.refund))

	ids, _ := w.deposit(deposit{from: w.alpha, asset: w.coin, sender: w.rich, amount: farAmount, destination: gammaID, recipient: word(stranger(22)), refundTo: stranger(24)})
	w.reach(time.Minute, types.StatusRefunded, ids...)
	w.explains("a deposit for a retired chain", ids[0], types.StatusRefunded, types.ReasonUnknownDestination)
	w.has(w.alpha, native, stranger(24), farAmount-w.coin.refund)
}

// chainState is what the network says of a chain.
func (n *network) chainState(ctx context.Context, c *chain) (bridge.ChainState, error) {
	var states []bridge.ChainState
	if err := n.ask(ctx, 0, "chains", bridge.QueryArgs{}, &states); err != nil {
		return bridge.ChainState{}, err
	}
	for _, s := range states {
		if s.Label == c.name {
			return s, nil
		}
	}
	return bridge.ChainState{}, fmt.Errorf("the network has no chain %s", c.name)
}
