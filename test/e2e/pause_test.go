package e2e

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// pauseExpiry is for how many of its blocks what comes from beta may wait: not
// as long as a large amount has to.
const pauseExpiry = "25"

// pausedBeta has two of four operators raise an alarm for beta. What goes there
// waits, its contract takes no deposit, and refunds go on in both directions,
// until more than two thirds of the power have unpaused it.
func (w *worstDay) pausedBeta() {
	w.t.Helper()
	const amount = 5000
	w.equip(w.gold, 2*amount, w.rich)
	// A large amount from beta, which is not paid before beta is paused.
	before := w.beta.balance(w.coin.wrapped, w.away.Address).Int64()
	there := deposit{from: w.beta, asset: w.coin, sender: w.away, amount: before, recipient: word(stranger(30))}
	gone, _ := w.deposit(there)
	w.has(w.beta, w.coin.wrapped, w.away.Address, 0)
	w.reach(time.Minute, types.StatusHeld, gone...)
	w.explains("a large amount", gone[0], types.StatusHeld, types.ReasonLargeAmount)
	w.alarm(w.beta, true, 0, 1)
	since := w.becomes(w.beta, bridge.PausePaused).PausedHeight
	w.takesDeposits(w.beta, false)

	good := deposit{from: w.alpha, asset: w.gold, sender: w.rich, amount: amount, recipient: word(stranger(31))}
	bad := good
	bad.recipient = common.Hash{0: 1}
	ids, _ := w.deposit(good, bad)
	for _, v := range w.reach(time.Minute, types.StatusRefunded, gone[0], ids[1]) {
		if v.SealHeight <= since {
			w.t.Errorf("the refund of %s was ordered at height %d; the pause began at %d", v.ID, v.SealHeight, since)
		}
	}
	w.explains("what expired while it was paused", gone[0], types.StatusRefunded, types.ReasonExpired)
	w.has(w.beta, w.coin.wrapped, w.away.Address, before-w.coin.refund)
	w.has(w.alpha, native, stranger(30), 0)
	w.has(w.alpha, w.gold.origin, w.rich.Address, amount-w.gold.refund)
	w.held(ids[0], types.ReasonChainPaused, w.gold, stranger(31))
	w.becomes(w.beta, bridge.PausePaused)

	w.alarm(w.beta, false, 0, 1)
	w.decide("unpause", "beta")
	w.becomes(w.beta, bridge.PauseNone)
	w.released(ids[0])
	w.has(w.beta, w.gold.wrapped, stranger(31), amount-w.gold.fee)
	w.takesDeposits(w.beta, true)
	there.amount = amount
	ids, _ = w.deposit(there)
	w.released(ids...)
	w.has(w.alpha, native, stranger(30), amount-w.coin.fee)
}

// becomes waits until the network says that a chain is paused, or is not.
func (n *network) becomes(c *chain, want bridge.Pause) (state bridge.ChainState) {
	n.t.Helper()
	eventually(n.t, time.Minute, fmt.Sprintf("%s to be %q", c.name, want), func(ctx context.Context) (err error) {
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
	eventually(w.t, time.Minute, fmt.Sprintf("%s to take deposits: %t", c.name, want), func(ctx context.Context) error {
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
