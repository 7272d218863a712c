package bridge_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// lives is a whole life for each reason that a transfer can have: how it comes
// to it, what the queries say at each station, and how it ends in order.
var lives = map[types.Reason]func(*testing.T){
	types.ReasonUnknownDestination: invalid(types.ReasonUnknownDestination, func(d *types.Deposited) { d.Destination = 99 }),
	types.ReasonUnmappedAsset:      lifeUnmapped,
	types.ReasonBadRecipient: invalid(types.ReasonBadRecipient, func(d *types.Deposited) {
		d.Recipient = types.RecipientFromAddress(bridgetest.PairGenesis().Chains[1].Bridge)
	}),
	types.ReasonFeeAboveMaximum: invalid(types.ReasonFeeAboveMaximum, func(d *types.Deposited) { d.MaxFee = units(9) }),
	types.ReasonTooSmall:        invalid(types.ReasonTooSmall, func(d *types.Deposited) { d.Amount, d.MaxFee = units(10), units(10) }),
	types.ReasonQueueFull:       lifeQueueFull,

	types.ReasonReleaseFailed:  lifeReleaseFailed,
	types.ReasonExpired:        lifeExpired,
	types.ReasonChainRetired:   lifeChainRetired,
	types.ReasonQuarantined:    lifeQuarantined,
	types.ReasonRefundFailed:   lifeRefundFailed,
	types.ReasonBelowRefundFee: lifeBelowRefundFee,

	types.ReasonBatchGap:    lifeBatchGap,
	types.ReasonOpenBatches: lifeOpenBatches,
	types.ReasonOpenSeals:   lifeOpenSeals,
	types.ReasonBacklog:     lifeBacklog,
	types.ReasonHandover:    lifeHandover,

	types.ReasonMissingLiquidity: lifeMissingLiquidity,
	types.ReasonFlowLimit:        lifeFlowLimit,
	types.ReasonLargeAmount:      lifeLargeAmount,
	types.ReasonChainPaused:      lifeChainPaused,
	types.ReasonAssetStopped:     lifeAssetStopped,
	types.ReasonOverBurn:         lifeOverBurn,
}

// events are the reasons of inbox events that are no transfer's: they are
// counted, and nothing else. Nothing can lead to a breach of the ledger.
var events = map[types.Reason]func(*testing.T, *bridgetest.Network){
	types.ReasonUnknownToken: func(_ *testing.T, n *bridgetest.Network) {
		n.Chains[alpha].Log(bridgetest.To(beta, bob, types.Address{0x66}, alice, units(1)))
	},
	types.ReasonAmountTooLarge: func(t *testing.T, n *bridgetest.Network) {
		most, err := types.AmountFromBytes([]byte(strings.Repeat("\xff", 16)))
		if err != nil {
			t.Fatal(err)
		}
		n.Chains[beta].Log(bridgetest.To(alpha, bob, n.Chains[beta].WrappedToken(bridgetest.Coin), bob, most))
	},
	types.ReasonUnknownCommand: func(_ *testing.T, n *bridgetest.Network) {
		n.Chains[alpha].Log(types.Executed{OutboxNonce: 99, Count: 1})
	},
	types.ReasonUnknownClaim: func(_ *testing.T, n *bridgetest.Network) {
		n.Chains[alpha].Log(types.Claimed{OutboxNonce: 1, Token: goldToken, Owner: bob, To: bob, Amount: units(1)})
	},
	types.ReasonForeignStake: func(_ *testing.T, n *bridgetest.Network) {
		n.Chains[alpha].Log(types.Staked{Operator: bob, Amount: units(1)})
	},
	types.ReasonReinitialized: func(_ *testing.T, n *bridgetest.Network) {
		n.Chains[alpha].Log(types.Initialized{SetHash: types.Hash{1}})
	},
}

func TestEveryReasonHasItsLife(t *testing.T) {
	elsewhere := []types.Reason{types.ReasonBreach, types.ReasonSurplus} // never; reanchor_test.go
	for _, reason := range types.Reasons() {
		switch life, event := lives[reason], events[reason]; {
		case life != nil:
			t.Run(string(reason), life)
		case event != nil:
			t.Run(string(reason), func(t *testing.T) { consumed(t, reason, event) })
		case !slices.Contains(elsewhere, reason):
			t.Errorf("nothing tests %s", reason)
		}
	}
}

// consumed logs an event that the rules have no place for: it is counted and
// told, and the chain goes on.
func consumed(t *testing.T, reason types.Reason, log func(*testing.T, *bridgetest.Network)) {
	n := newMoney(t, nil)
	log(t, n)
	n.Events = nil
	run(n, 3)
	told := slices.ContainsFunc(n.Events, func(e bridge.Event) bool {
		return e.Type == bridge.EventQuarantined && e.Attributes[2].Value == string(reason)
	})
	if network, err := n.Machine.Network(n.State()); err != nil || network.Quarantined != 1 || !told {
		t.Errorf("quarantined %d, told %v, %v", network.Quarantined, told, err)
	}
	id := n.Send(bridgetest.To(beta, bob, goldToken, alice, units(5)), alpha)
	n.Settle(10)
	wantAt(t, n, id, types.StatusReleased, noReason)
}

// gold is a deposit of gold on alpha for bob on beta.
func goldFor(recipient types.Address, amount uint64) types.Deposited {
	return bridgetest.To(beta, recipient, goldToken, alice, units(amount))
}

// wantFor follows a transfer through a batch to its end.
func wantReleased(t *testing.T, n *bridgetest.Network, ids ...types.TransferID) {
	t.Helper()
	for _, id := range ids {
		wantAt(t, n, id, types.StatusReleased, noReason)
	}
}

// wantRefunded runs until nothing moves, and wants a transfer refunded, once.
func wantRefunded(t *testing.T, n *bridgetest.Network, id types.TransferID, reason types.Reason, before types.Amount) {
	t.Helper()
	run(n, 8)
	wantAt(t, n, id, types.StatusRefunded, reason)
	wantBalance(t, n, alpha, goldToken, alice, before)
	run(n, 6)
	wantBalance(t, n, alpha, goldToken, alice, before)
}

func goldOf(n *bridgetest.Network, holder types.Address) types.Amount {
	return n.Chains[alpha].Balance(goldToken, holder)
}

func wrappedGold(n *bridgetest.Network) types.Address { return n.Chains[beta].WrappedToken(gold) }

func invalid(reason types.Reason, bend func(*types.Deposited)) func(*testing.T) {
	return func(t *testing.T) {
		n := newMoney(t, func(g *types.Genesis) { g.Assets[0].Tokens[1].ReleaseFee = units(10) })
		before := goldOf(n, alice)
		d := goldFor(bob, 1000)
		bend(&d)
		id := n.Send(d, alpha)
		hold(n, 2)
		wantAt(t, n, id, types.StatusRefunding, reason)
		wantRefunded(t, n, id, reason, before)
	}
}

func lifeUnmapped(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Assets[0].Tokens = g.Assets[0].Tokens[:1] })
	before := goldOf(n, alice)
	id := n.Send(goldFor(bob, 1000), alpha)
	hold(n, 2)
	wantAt(t, n, id, types.StatusRefunding, types.ReasonUnmappedAsset)
	wantRefunded(t, n, id, types.ReasonUnmappedAsset, before)
}

func lifeQueueFull(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Params.MaxHeld = 100 })
	n.RaiseAlarm(2, beta, alarmPause)
	run(n, 3)
	before := goldOf(n, alice)
	var held []types.TransferID
	for range 100 {
		held = append(held, n.Send(goldFor(bob, 1), alpha))
	}
	beyond := n.Send(goldFor(bob, 1), alpha)
	hold(n, 2)
	wantAt(t, n, held[99], types.StatusHeld, types.ReasonChainPaused)
	wantAt(t, n, beyond, types.StatusRefunding, types.ReasonQueueFull)
	rest, _ := before.Sub(units(100))
	wantRefunded(t, n, beyond, types.ReasonQueueFull, rest)
	n.RaiseAlarm(2, beta, alarmOff)
	run(n, 2)
	pass(t, n, unpause(beta))
	run(n, 8)
	wantReleased(t, n, held...)
	again := n.Send(goldFor(bob, 1), alpha)
	run(n, 6)
	wantReleased(t, n, again)
}

func lifeReleaseFailed(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Chains[0].BatchGapMS = 2000 })
	n.Chains[beta].Refuses[refuser] = true
	before := goldOf(n, alice)
	id := n.Send(goldFor(refuser, 1000), alpha)
	hold(n, 2)
	wantAt(t, n, id, types.StatusCommitted, noReason)
	hold(n, 2)
	wantAt(t, n, id, types.StatusSealed, noReason)
	n.Relay(types.MaxBatchItems)
	hold(n, 2)
	wantAt(t, n, id, types.StatusRefunding, types.ReasonReleaseFailed)
	wantRefunded(t, n, id, types.ReasonReleaseFailed, before)
}

// holds is every way to hold a transfer of gold from alpha to beta.
var holds = map[types.Reason]struct {
	bend func(*types.Genesis)
	hold func(*testing.T, *bridgetest.Network)
}{
	types.ReasonFlowLimit: {func(g *types.Genesis) {
		g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(1000), Rate: units(1)}
	}, func(_ *testing.T, n *bridgetest.Network) {
		n.Send(goldFor(bob, 1000), alpha)
		run(n, 6)
	}},
	types.ReasonChainPaused: {nil, func(_ *testing.T, n *bridgetest.Network) {
		n.RaiseAlarm(2, beta, alarmPause)
		run(n, 3)
	}},
	types.ReasonAssetStopped: {nil, func(t *testing.T, n *bridgetest.Network) {
		n.Chains[beta].Log(bridgetest.To(alpha, bob, wrappedGold(n), bob, units(1))) // of nothing
		run(n, 3)
		wantAt(t, n, types.TransferID{Source: beta, Nonce: chainState(t, n, beta).Cursor}, types.StatusQuarantined, types.ReasonOverBurn)
	}},
}

// A held transfer is given up when the agreed head of its source has moved
// expiry_blocks, neither earlier nor by anything else, whatever holds it. It is
// refunded once.
func lifeExpired(t *testing.T) {
	for reason, way := range holds {
		t.Run(string(reason), func(t *testing.T) {
			n := newMoney(t, func(g *types.Genesis) {
				g.Chains[0].ExpiryBlocks = 200
				if way.bend != nil {
					way.bend(g)
				}
			})
			if way.hold != nil {
				way.hold(t, n)
			}
			before := goldOf(n, alice)
			id := n.Send(goldFor(bob, 1000), alpha)
			hold(n, 2)
			applied := chainState(t, n, alpha).Head
			if got := wantAt(t, n, id, types.StatusHeld, reason); !strings.Contains(got.Why, fmt.Sprintf("reaches %d, it is refunded", applied+199)) &&
				!strings.Contains(got.Why, fmt.Sprintf("reaches %d, it is refunded", applied+200)) {
				t.Errorf("%q at head %d", got.Why, applied)
			}
			mine(n, beta, 500) // another chain's blocks do not count
			later(n, time.Second)
			run(n, 20)
			wantAt(t, n, id, types.StatusHeld, reason)
			mine(n, alpha, 200)
			n.Validators[2].Down, n.Validators[3].Down = true, true // half of the power agree on no head
			hold(n, 4)
			wantAt(t, n, id, types.StatusHeld, reason)
			n.Validators[2].Down, n.Validators[3].Down = false, false
			hold(n, 2)
			wantAt(t, n, id, types.StatusRefunding, types.ReasonExpired)
			wantRefunded(t, n, id, types.ReasonExpired, before)
		})
	}
}

func lifeChainRetired(t *testing.T) {
	n := newMoney(t, nil)
	before := goldOf(n, alice)
	n.RaiseAlarm(2, beta, alarmPause)
	run(n, 3)
	id := n.Send(goldFor(bob, 1000), alpha)
	n.Chains[beta].Lag = 1 << 30 // it finalises nothing any more
	run(n, 12)
	pass(t, n, retire(beta))
	wantAt(t, n, id, types.StatusRefunding, types.ReasonChainRetired)
	wantRefunded(t, n, id, types.ReasonChainRetired, before)
}

func lifeQuarantined(t *testing.T) {
	n := newMoney(t, nil)
	n.Send(goldFor(bob, 5), alpha)
	n.Settle(10)
	n.Chains[beta].Log(bridgetest.To(alpha, carol, wrappedGold(n), carol, units(7)))
	id := types.TransferID{Source: beta, Nonce: uint64(len(n.Chains[beta].Inbox()))}
	run(n, 3)
	wantAt(t, n, id, types.StatusQuarantined, types.ReasonOverBurn)
	pass(t, n, resolve(1, types.QuarantineRefund))
	wantAt(t, n, id, types.StatusRefunding, types.ReasonQuarantined)
	run(n, 6)
	wantAt(t, n, id, types.StatusRefunded, types.ReasonQuarantined)
	wantBalance(t, n, beta, wrappedGold(n), carol, units(7))
}

func lifeRefundFailed(t *testing.T) {
	n := newMoney(t, nil)
	n.Chains[alpha].Refuses[alice] = true
	id := n.Send(bridgetest.To(99, bob, goldToken, alice, units(1000)), alpha)
	run(n, 6)
	owed := wantAt(t, n, id, types.StatusOwed, types.ReasonRefundFailed)
	if !strings.Contains(owed.Why, fmt.Sprintf("claim(%d, %d", owed.OutboxNonce, owed.OutboxIndex)) {
		t.Errorf("%q does not say how to claim it", owed.Why)
	}
	if err := n.Chains[alpha].Claim(owed.OutboxNonce, owed.OutboxIndex, carol); err != nil {
		t.Fatal(err)
	}
	run(n, 3)
	wantAt(t, n, id, types.StatusClaimed, types.ReasonRefundFailed)
	wantBalance(t, n, alpha, goldToken, carol, units(1000))
	if s := supplyOf(t, n, gold); !s.Owed.IsZero() || !s.InFlight.IsZero() || !balanceOf(t, n, gold, alpha).Custody.IsZero() {
		t.Errorf("%+v", s)
	}
	n.Chains[alpha].Log(types.Claimed{OutboxNonce: owed.OutboxNonce, Index: owed.OutboxIndex, Token: goldToken, Amount: units(1000)})
	before := supplyOf(t, n, gold)
	run(n, 3)
	if after := supplyOf(t, n, gold); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("claimed twice: %+v, before %+v", after, before)
	}
}

// What is not worth its refund becomes fee: of an invalid deposit at once, of a
// release that failed behind it.
func lifeBelowRefundFee(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Assets[0].Tokens[0].RefundFee = units(30) })
	n.Chains[beta].Refuses[refuser] = true
	n.Events = nil
	small := n.Send(bridgetest.To(99, bob, goldToken, alice, units(30)), alpha)
	failing := n.Send(goldFor(refuser, 30), alpha)
	run(n, 6)
	told := 0
	for _, e := range n.Events {
		if e.Type == bridge.EventTransferRefunded && e.Attributes[3].Value == string(types.ReasonBelowRefundFee) {
			told++
		}
	}
	if fees := supplyOf(t, n, gold).Fees; told != 2 || fees != units(60) {
		t.Errorf("told %d times, fees %s", told, fees)
	}
	if _, err := n.Machine.Query(n.State(), "why", []byte(`{"id":"`+small.String()+`"}`)); !errors.Is(err, bridge.ErrFinished) {
		t.Errorf("%v", err)
	}
	wantAt(t, n, failing, types.StatusFailed, types.ReasonBelowRefundFee)
}

func lifeBatchGap(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Chains[1].BatchGapMS = 5000 })
	first := n.Send(goldFor(bob, 1), alpha)
	run(n, 2)
	second := n.Send(goldFor(bob, 1), alpha)
	run(n, 4)
	wantReleased(t, n, first)
	if got := wantAt(t, n, second, types.StatusQueued, types.ReasonBatchGap); got.Wait != types.ReasonBatchGap {
		t.Errorf("waits for %q", got.Wait)
	}
	later(n, 5*time.Second)
	run(n, 5)
	wantReleased(t, n, second)
}

func lifeOpenBatches(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Params.MaxOpenBatches = 1 })
	first := n.Send(goldFor(bob, 1), alpha)
	hold(n, 2)
	second := n.Send(goldFor(bob, 1), alpha)
	hold(n, 12)
	wantAt(t, n, first, types.StatusSealed, noReason)
	wantAt(t, n, second, types.StatusQueued, types.ReasonOpenBatches)
	run(n, 8)
	wantReleased(t, n, first, second)
}

// More than 1/3 of the power sign nothing for long: at max_open_seals nothing
// more is ordered, and all goes on in order when they sign again.
func lifeOpenSeals(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Params.MaxOpenSeals, g.Params.MaxOpenBatches = 4, 64 })
	for _, v := range n.Validators[:2] {
		v.Vote = withoutSignatures(t)
	}
	var ids []types.TransferID
	for range 12 {
		ids = append(ids, n.Send(goldFor(bob, 1), alpha))
		run(n, 1)
	}
	run(n, 3)
	for i, id := range ids {
		if i < 4 {
			wantAt(t, n, id, types.StatusCommitted, noReason)
		} else {
			wantAt(t, n, id, types.StatusQueued, types.ReasonOpenSeals)
		}
	}
	for _, v := range n.Validators {
		v.Vote = nil
	}
	run(n, 12)
	wantReleased(t, n, ids...)
	wantPaidInOrder(t, n, beta)
}

// Commands that control a chain go before its batches.
func lifeBacklog(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Params.MaxCommands = 1 })
	id := types.TransferID{}
	for _, chain := range []types.ChainID{alpha, beta} {
		n.RaiseAlarm(2, chain, alarmPause)
	}
	id = n.Send(goldFor(bob, 1), alpha)
	hold(n, 2) // both pauses order SetParams; one block orders one of them
	waits := chainState(t, n, beta).Paused != bridge.PauseNone
	if !waits {
		t.Fatal("not paused")
	}
	wantAt(t, n, id, types.StatusHeld, types.ReasonChainPaused)
	for _, chain := range []types.ChainID{alpha, beta} {
		n.RaiseAlarm(2, chain, alarmOff)
	}
	run(n, 6)
	pass(t, n, unpause(alpha))
	n.Operate(types.Tx{Propose: &types.GovPropose{Content: unpause(beta)}}, 0)
	for range 5 { // each asks for an order to beta
		n.Operate(types.Tx{Propose: &types.GovPropose{Content: types.Content{ChangeChain: &types.ChangeChain{
			ID: beta, BatchGas: types.DefaultBatchGas, ReleaseGas: types.DefaultReleaseGas + 1, ExpiryBlocks: types.DefaultExpiry,
		}}}}, 1)
		break
	}
	seen := false
	network, err := n.Machine.Network(n.State())
	if err != nil {
		t.Fatal(err)
	}
	for _, proposal := range []uint64{network.Proposals - 1, network.Proposals} {
		for _, v := range []int{0, 1, 2, 3} {
			n.Waiting = append(n.Waiting, n.Sign(v, types.Tx{Vote: &types.GovVote{Proposal: proposal, Yes: true}}))
		}
	}
	hold(n, 1)
	n.Waiting = nil
	for range 4 {
		if got := transfer(t, n, id.String()); got.Reason == types.ReasonBacklog {
			wantAt(t, n, id, types.StatusQueued, types.ReasonBacklog)
			seen = true
		}
		run(n, 1)
	}
	run(n, 6)
	if !seen {
		t.Error("it never waited for commands")
	}
	wantReleased(t, n, id)
}

// An asset that both chains lock: what the destination does not hold waits, is
// first when it comes in, and keeps no other waiting.
func lifeMissingLiquidity(t *testing.T) {
	n := newMoney(t, nil)
	twinFor := func(amount uint64) types.Deposited {
		return bridgetest.To(beta, carol, twinAlpha, alice, units(amount))
	}
	first := n.Send(twinFor(70), alpha)
	second := n.Send(twinFor(20), alpha)
	other := n.Send(goldFor(bob, 5), alpha)
	run(n, 6)
	wantReleased(t, n, other)
	if got := wantAt(t, n, first, types.StatusHeld, types.ReasonMissingLiquidity); got.Wait != types.ReasonMissingLiquidity {
		t.Errorf("waits for %q", got.Wait)
	}
	back := n.Send(bridgetest.To(alpha, alice, twinBeta, bob, units(69)), beta)
	run(n, 6)
	wantReleased(t, n, back)
	wantAt(t, n, first, types.StatusHeld, types.ReasonMissingLiquidity)
	wantReleased(t, n, second) // what does not suffice for the first does for this one
	n.Send(bridgetest.To(alpha, alice, twinBeta, bob, units(20)), beta)
	run(n, 6)
	wantAt(t, n, first, types.StatusHeld, types.ReasonMissingLiquidity)
	n.Send(bridgetest.To(alpha, alice, twinBeta, bob, units(1)), beta)
	run(n, 6)
	wantReleased(t, n, first)
	if held := n.Chains[beta].Custody(twinBeta); !held.IsZero() || balanceOf(t, n, twin, beta).Custody != held {
		t.Errorf("custody %s, in the books %+v", held, balanceOf(t, n, twin, beta))
	}
}

func lifeFlowLimit(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) {
		g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(1000), Rate: units(10)}
	})
	first := n.Send(goldFor(bob, 900), alpha)
	held := n.Send(goldFor(bob, 200), alpha)
	behind := n.Send(goldFor(bob, 1), alpha) // it would pass, but is not its turn
	coin := n.Send(bridgetest.To(beta, bob, types.NativeToken, alice, ether(1)), alpha)
	run(n, 6)
	wantReleased(t, n, first, coin)
	wantAt(t, n, held, types.StatusHeld, types.ReasonFlowLimit)
	wantAt(t, n, behind, types.StatusHeld, types.ReasonFlowLimit)
	later(n, 10*time.Second)
	run(n, 6)
	wantReleased(t, n, held, behind)
}

// Both the blocks and the time are needed.
func lifeLargeAmount(t *testing.T) {
	for _, c := range []struct {
		name          string
		blocks, delay uint64
		first, then   func(*bridgetest.Network)
	}{
		{"blocks last", 30, 1000, func(n *bridgetest.Network) { later(n, time.Hour); run(n, 15) }, func(n *bridgetest.Network) { run(n, 20) }},
		{"time last", 5, 60_000, func(n *bridgetest.Network) { run(n, 30) }, func(n *bridgetest.Network) { later(n, time.Minute); run(n, 6) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newMoney(t, func(g *types.Genesis) {
				g.Assets[0].Tokens[1].Large = units(1000)
				g.Params.LargeDelayBlocks, g.Params.LargeDelayMS = c.blocks, c.delay
			})
			below := n.Send(goldFor(bob, 999), alpha)
			large := n.Send(goldFor(bob, 1000), alpha)
			after := n.Send(goldFor(bob, 1), alpha)
			run(n, 4)
			if limits := limitsOf(t, n, "beta", gold); limits.Queued != (bridge.QueuedView{Large: 1}) || limits.Large != units(1000) {
				t.Errorf("%+v", limits)
			}
			c.first(n)
			wantReleased(t, n, below, after)
			wantAt(t, n, large, types.StatusHeld, types.ReasonLargeAmount)
			c.then(n)
			wantReleased(t, n, large)
		})
	}
}

// A pause of the source or of the destination holds releases, and nothing else.
func lifeChainPaused(t *testing.T) {
	for _, chain := range []types.ChainID{alpha, beta} {
		t.Run(chain.String(), func(t *testing.T) {
			n := newMoney(t, nil)
			id := n.Send(goldFor(bob, 5), alpha)
			n.RaiseAlarm(2, chain, alarmPause)
			run(n, 8)
			if got := wantAt(t, n, id, types.StatusHeld, types.ReasonChainPaused); got.Wait != types.ReasonChainPaused {
				t.Errorf("waits for %q", got.Wait)
			}
			n.RaiseAlarm(2, chain, alarmOff)
			run(n, 3)
			pass(t, n, unpause(chain))
			run(n, 6)
			wantReleased(t, n, id)
		})
	}
}

func lifeAssetStopped(t *testing.T) {
	n := newMoney(t, nil)
	n.Send(goldFor(bob, 50), alpha)
	n.Settle(10)
	holds[types.ReasonAssetStopped].hold(t, overburn(n, 60))
	there := n.Send(goldFor(bob, 5), alpha)
	coin := n.Send(bridgetest.To(beta, bob, types.NativeToken, alice, ether(1)), alpha)
	refund := n.Send(bridgetest.To(99, bob, goldToken, alice, units(5)), alpha)
	run(n, 6)
	wantAt(t, n, there, types.StatusHeld, types.ReasonAssetStopped)
	wantReleased(t, n, coin)
	wantAt(t, n, refund, types.StatusRefunded, types.ReasonUnknownDestination)
	pass(t, n, resolve(1, types.QuarantineDrop))
	run(n, 4)
	wantAt(t, n, there, types.StatusHeld, types.ReasonAssetStopped) // there is a second record
	pass(t, n, resolve(2, types.QuarantineDrop))
	run(n, 6)
	wantReleased(t, n, there)
}

// overburn logs a burn of gold on beta.
func overburn(n *bridgetest.Network, amount uint64) *bridgetest.Network {
	n.Chains[beta].Log(bridgetest.To(alpha, carol, wrappedGold(n), carol, units(amount)))
	return n
}

func lifeOverBurn(t *testing.T) {
	n := newMoney(t, nil)
	n.Send(goldFor(bob, 50), alpha)
	n.Settle(10)
	overburn(n, 51)
	id := types.TransferID{Source: beta, Nonce: uint64(len(n.Chains[beta].Inbox()))}
	run(n, 3)
	wantAt(t, n, id, types.StatusQuarantined, types.ReasonOverBurn)
	pass(t, n, resolve(1, types.QuarantineCredit))
	run(n, 6)
	wantAt(t, n, id, types.StatusHeld, types.ReasonMissingLiquidity) // alpha holds 50
	n.Send(goldFor(bob, 1), alpha)
	run(n, 6)
	wantReleased(t, n, id)
	wantBalance(t, n, alpha, goldToken, carol, units(51))
}

func limitsOf(t *testing.T, n *bridgetest.Network, chain string, asset types.AssetID) bridge.LimitView {
	t.Helper()
	for _, l := range query[[]bridge.LimitView](t, n, "limits", bridge.QueryArgs{Chain: chain}) {
		if l.Asset == asset {
			return l
		}
	}
	t.Fatalf("no limits of %s on %s", asset, chain)
	return bridge.LimitView{}
}

// wantPaidInOrder wants the releases on a chain in the order of their deposits,
// for each asset and source.
func wantPaidInOrder(t testing.TB, n *bridgetest.Network, chain types.ChainID) {
	t.Helper()
	last := map[types.ChainID]uint64{}
	for _, id := range released(t, n, chain) {
		if id.Nonce <= last[id.Source] {
			t.Fatalf("released %s after %d", id, last[id.Source])
		}
		last[id.Source] = id.Nonce
	}
}

// released is the transfers that were released on a chain, in that order.
func released(t testing.TB, n *bridgetest.Network, chain types.ChainID) []types.TransferID {
	t.Helper()
	var all []types.TransferID
	for _, e := range n.Events {
		if e.Type == bridge.EventCommandExecuted && attribute(e, "chain") == chain.String() {
			all = append(all, transfersOf(t, e)...)
		}
	}
	return all
}

func attribute(e bridge.Event, key string) string {
	for _, a := range e.Attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// transfersOf is the transfers that an event lists.
func transfersOf(t testing.TB, e bridge.Event) []types.TransferID {
	t.Helper()
	list, err := types.ParseTransferList(attribute(e, "transfers"))
	if err != nil {
		t.Fatalf("%s: %v", e.Type, err)
	}
	return list
}

// The page of reasons is generated from the code.
func TestReasonCodesPage(t *testing.T) {
	var page strings.Builder
	page.WriteString(`# Reason codes

<!-- generated by go test ./x/bridge/ -run TestReasonCodesPage -update; do not edit -->

Why a transfer, or an event of a chain, stands where it stands. ` + "`query why`, `query transfer` and `query quarantine`" + `
give the code and these words; codes never change their meaning. The station is the one at which a code is first given:
a refund keeps its code to its end.

| code | station | meaning | what happens next |
| --- | --- | --- | --- |
`)
	for _, r := range types.Reasons() {
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", r, r.Station(), r.Text(), r.Next())
		if r.Station() == "" || r.Text() == "" || r.Next() == "" || strings.Contains(r.Text()+r.Next(), "|") {
			t.Errorf("%s is not described", r)
		}
	}
	path := filepath.Join("..", "..", "docs", "reason-codes.md")
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != page.String() {
		t.Errorf("%s is out of date (%v): run go test ./x/bridge/ -run TestReasonCodesPage -update", path, err)
	}
}
