package bridge_test

import (
	"testing"
	"time"

	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Nobody is kept waiting by what somebody else sends.

// coinFor is a deposit of coins on alpha for bob on beta.
func coinFor(amount types.Amount) types.Deposited {
	return bridgetest.To(beta, bob, types.NativeToken, alice, amount)
}

// Batches took the oldest entries first: a coin waited for all dust of gold that
// was there before it.
func TestDustOfOneAssetDoesNotDelayAnother(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Chains[1].BatchGas, g.Params.MaxOpenBatches = 1_000_000, 4 }) // three releases a batch
	for range 40 {
		n.Send(goldFor(bob, 1), alpha)
	}
	hold(n, 2)
	coin := n.Send(coinFor(ether(1)), alpha)
	hold(n, 1)
	outbox := chainState(t, n, beta).Outbox
	run(n, 6)
	if got := transfer(t, n, coin.String()); got.OutboxNonce == 0 || got.OutboxNonce > outbox+2 {
		t.Errorf("the coin is in command %d (%s), %d were ordered before it came", got.OutboxNonce, got.Status, outbox)
	}
	if queued := limitsOf(t, n, "beta", gold).Queued.Release; queued == 0 {
		t.Error("no dust waits any more: there was not enough of it")
	}
}

// All assets of a chain shared max_held: dust that waited for its flow limit had
// every other transfer to that chain refunded.
func TestMaxHeldIsOfEachAsset(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) {
		g.Params.MaxHeld = 100
		g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(10), Rate: units(1)}
	})
	n.Send(goldFor(bob, 100_000), alpha) // passes, and leaves a day of the limit spent
	run(n, 3)
	for range 100 {
		n.Send(goldFor(bob, 1), alpha)
	}
	beyond := n.Send(goldFor(bob, 1), alpha)
	coin := n.Send(coinFor(ether(1)), alpha)
	run(n, 6)
	wantReleased(t, n, coin)
	wantAt(t, n, beyond, types.StatusRefunded, types.ReasonQueueFull)
	if queued := limitsOf(t, n, "beta", gold).Queued.Release; queued != 100 {
		t.Errorf("%d wait", queued)
	}
}

// Refunds counted against max_held: junk that was only sent back kept everybody's
// transfers to its chain out.
func TestRefundsDoNotCountAgainstMaxHeld(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Params.MaxHeld = 100 })
	n.Send(goldFor(bob, 1000), alpha)
	n.Settle(12)
	for range 101 {
		n.Send(bridgetest.To(99, bob, goldToken, alice, units(1)), alpha)
	}
	id := n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(100)), beta)
	run(n, 6)
	wantReleased(t, n, id)
	wantBalance(t, n, alpha, goldToken, carol, units(100))
}

// A refund that the custody covers stood behind one that it did not, for ever:
// refunds do not expire, and newcomers took what came in.
func TestShortRefundKeepsNoSmallerOneWaiting(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Chains[0].BatchGapMS = 6000 })
	batch := func() {
		later(n, 6*time.Second)
		run(n, 6)
	}
	n.Send(bridgetest.To(99, bob, goldToken, alice, units(1)), alpha) // alpha has a batch, now the gap
	run(n, 3)
	drain := n.Send(bridgetest.To(alpha, carol, twinBeta, bob, units(10_005)), beta)
	run(n, 2)
	big := n.Send(bridgetest.To(99, bob, twinAlpha, alice, units(10_000)), alpha)
	small := n.Send(bridgetest.To(99, bob, twinAlpha, alice, units(10)), alpha)
	batch()
	wantReleased(t, n, drain)
	for _, id := range []types.TransferID{big, small} {
		if got := wantAt(t, n, id, types.StatusRefunding, types.ReasonUnknownDestination); got.Wait != types.ReasonMissingLiquidity {
			t.Fatalf("%+v", got)
		}
	}
	n.Send(bridgetest.To(beta, bob, twinAlpha, alice, units(500)), alpha) // custody comes in
	batch()
	wantAt(t, n, small, types.StatusRefunded, types.ReasonUnknownDestination)
	wantAt(t, n, big, types.StatusRefunding, types.ReasonUnknownDestination)
	n.Send(bridgetest.To(beta, bob, twinAlpha, alice, units(9505)), alpha)
	batch()
	wantAt(t, n, big, types.StatusRefunded, types.ReasonUnknownDestination)
}

// What is above the capacity waits until nothing is spent. A trickle from another
// chain never let that come, and its own lane stood still behind it.
func TestFlowLimitCannotBeStarvedByAnotherSource(t *testing.T) {
	n, chains := spread(t, 1, func(g *types.Genesis) {
		g.Params.KeepBlocks = 1000
		g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(100), Rate: units(10)}
	})
	other := chains[1]
	trickle := func(amount uint64) {
		n.Send(bridgetest.To(beta, carol, n.Chains[other].WrappedToken(gold), bob, units(amount)), other)
	}
	n.Send(bridgetest.To(other, bob, goldToken, alice, units(1000)), alpha)
	n.Settle(12)
	trickle(20)
	run(n, 4)
	whale := n.Send(goldFor(bob, 101), alpha)
	behind := n.Send(goldFor(bob, 1), alpha)
	for range 30 { // nine seconds; alone, the limit would be free in two
		trickle(4) // a little more than flows back
		run(n, 1)
	}
	wantReleased(t, n, whale, behind)
	later(n, time.Minute)
	run(n, 6)
	wantBalance(t, n, beta, wrappedGold(n), carol, units(20+30*4))
}
