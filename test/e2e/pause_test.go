package e2e

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// pauseExpiry is for how many of its blocks what comes from beta may wait: not
// as long as a large amount has to.
const pauseExpiry = "30"

const pausedAmount = 5000 // of each deposit that the pause meets

// waiting is what is on its way when beta is paused.
type waiting struct {
	since uint64 // height at which it was paused
	to    string // what goes there
	bad   string // what goes there and cannot be paid
	from  string // a large amount from there
	large int64
}

// pauseBeta has two of four operators raise an alarm for beta. Its contract takes
// no more deposits, and what goes there waits.
func (w *worstDay) pauseBeta() (p waiting) {
	w.t.Helper()
	w.equip(w.gold, 2*pausedAmount, w.rich)
	// A large amount from beta, which is not paid before beta is paused.
	p.large = w.beta.balance(w.coin.wrapped, w.away.Address).Int64()
	ids, _ := w.deposit(w.fromBeta(p.large))
	p.from = ids[0]
	w.has(w.beta, w.coin.wrapped, w.away.Address, 0)
	w.reach(time.Minute, types.StatusHeld, p.from)
	w.explains("a large amount", p.from, types.StatusHeld, types.ReasonLargeAmount)
	w.alarm(w.beta, true, 0, 1)
	p.since = w.becomes(w.beta, bridge.PausePaused).PausedHeight
	w.takesDeposits(w.beta, false)

	good := deposit{from: w.alpha, asset: w.gold, sender: w.rich, amount: pausedAmount, recipient: word(stranger(31))}
	bad := good
	bad.recipient = common.Hash{0: 1}
	ids, _ = w.deposit(good, bad)
	p.to, p.bad = ids[0], ids[1]
	w.held(p.to, types.ReasonChainPaused, w.gold, stranger(31))
	return p
}

func (w *worstDay) fromBeta(amount int64) deposit {
	return deposit{from: w.beta, asset: w.coin, sender: w.away, amount: amount, recipient: word(stranger(30))}
}

// unpauseBeta wants refunds to have gone on in both directions, and lets more than
// two thirds of the power end the pause. Then everything arrives.
func (w *worstDay) unpauseBeta(p waiting) {
	w.t.Helper()
	for _, v := range w.reach(time.Minute, types.StatusRefunded, p.from, p.bad) {
		if v.SealHeight <= p.since {
			w.t.Errorf("the refund of %s was ordered at height %d; the pause began at %d", v.ID, v.SealHeight, p.since)
		}
	}
	w.explains("what expired while it was paused", p.from, types.StatusRefunded, types.ReasonExpired)
	w.has(w.beta, w.coin.wrapped, w.away.Address, p.large-w.coin.refund)
	w.has(w.alpha, native, stranger(30), 0)
	w.has(w.alpha, w.gold.origin, w.rich.Address, pausedAmount-w.gold.refund)
	w.becomes(w.beta, bridge.PausePaused)
	w.held(p.to, types.ReasonChainPaused, w.gold, stranger(31))

	w.alarm(w.beta, false, 0, 1)
	w.decide("unpause", "beta")
	w.becomes(w.beta, bridge.PauseNone)
	w.released(p.to)
	w.has(w.beta, w.gold.wrapped, stranger(31), pausedAmount-w.gold.fee)
	w.takesDeposits(w.beta, true)
	ids, _ := w.deposit(w.fromBeta(pausedAmount))
	w.released(ids...)
	w.has(w.alpha, native, stranger(30), pausedAmount-w.coin.fee)
}

// becomes waits until the network says that a chain is paused, or is not.
func (n *network) becomes(c *chain, want bridge.Pause) (state bridge.ChainState) {
	n.t.Helper()
	cluster.Eventually(n.t, time.Minute, fmt.Sprintf("%s to be %q", c.name, want), func(ctx context.Context) (err error) {
		state, err = n.chainState(ctx, c)
		if err == nil && state.Paused != want {
			return fmt.Errorf("it is %q", state.Paused)
		}
		return err
	})
	return state
}

// takesDeposits waits until a chain's contract takes deposits, or refuses them.
func (w *worstDay) takesDeposits(c *chain, want bool) {
	w.t.Helper()
	contract := bindings.NewBridge()
	cluster.Eventually(w.t, time.Minute, fmt.Sprintf("%s to take deposits: %t", c.name, want), func(ctx context.Context) error {
		raw, err := c.client.CallContract(ctx, ethereum.CallMsg{To: &c.bridge, Data: contract.PackDeposits()}, nil)
		if err != nil {
			return err
		}
		if takes, err := contract.UnpackDeposits(raw); err != nil || takes != want {
			return errors.Join(err, fmt.Errorf("it says %t", takes))
		}
		return nil
	})
}
