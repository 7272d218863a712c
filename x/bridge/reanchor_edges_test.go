package bridge_test

import (
	"testing"
	"time"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A release failed whose deposit had vanished: it was refunded all the same, out
// of the custody of others.
func TestVanishedDepositIsNeverRefunded(t *testing.T) {
	n := newMoney(t, nil)
	n.Chains[beta].Refuses[refuser] = true
	n.Send(goldFor(bob, 5000), alpha)
	n.Settle(12)
	before := goldOf(n, alice)
	back := n.Chains[alpha].Height() - 1
	id := n.Send(goldFor(refuser, 1000), alpha)
	hold(n, 4)
	wantAt(t, n, id, types.StatusSealed, noReason)
	common := reorg(t, n, alpha, back)
	contradict(t, n, alpha)
	pad(t, n, alpha)
	pass(t, n, anchorOf(t, n, alpha, common))
	run(n, 8)
	wantBalance(t, n, alpha, goldToken, alice, before)
	if s := supplyOf(t, n, gold); !s.Deficit.IsZero() || !s.Quarantined.IsZero() || balanceOf(t, n, gold, alpha).Custody != units(5000) {
		t.Errorf("%+v", s)
	}
	wantBooks(t, n)
}

// What the new history had executed before its anchor counted as done, even where
// it had failed: nobody was paid, and nobody was refunded. The anchor names what
// failed; what it does not name is done, and the money of it a surplus.
func TestSkippedFailures(t *testing.T) {
	for _, c := range []struct {
		name        string
		failures    types.HexBytes // none: not named
		status      types.Status
		reason      types.Reason
		quarantined uint64
	}{
		{"named", types.HexBytes{0b10}, types.StatusRefunded, types.ReasonReleaseFailed, 0},
		{"not named", nil, types.StatusReleased, noReason, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newMoney(t, nil)
			n.Chains[beta].Refuses[refuser] = true
			before := goldOf(n, alice)
			common := uint64(len(n.Chains[beta].Inbox()))
			paid := n.Send(goldFor(bob, 5), alpha)
			failing := n.Send(goldFor(refuser, 1000), alpha)
			hold(n, 4)
			contradict(t, n, beta)
			command := transfer(t, n, failing.String()).OutboxNonce
			relayTo(t, n, beta)
			anchor := anchorOf(t, n, beta, common)
			if len(c.failures) > 0 {
				anchor.ReanchorChain.Skipped = []types.SkippedCommand{{Nonce: command, Failures: c.failures}}
			}
			pass(t, n, anchor)
			run(n, 8)
			wantReleased(t, n, paid)
			wantAt(t, n, failing, c.status, c.reason)
			spent := units(5)
			if c.status == types.StatusReleased {
				spent = units(1005)
			}
			after, _ := before.Sub(spent)
			wantBalance(t, n, alpha, goldToken, alice, after)
			if s := supplyOf(t, n, gold); s.Quarantined != units(c.quarantined) || !s.Deficit.IsZero() {
				t.Errorf("%+v", s)
			}
			wantBooks(t, n)
		})
	}
}

// A release that had failed is paid in the new history while its refund still
// waits: it was paid twice, for the refund went on.
func TestPaidAfterAllRecallsTheRefund(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Chains[0].BatchGapMS = 60_000 })
	n.Chains[beta].Refuses[refuser] = true
	n.Send(bridgetest.To(99, bob, goldToken, alice, units(5)), alpha) // alpha has a batch, now the gap
	run(n, 6)
	before := goldOf(n, alice)
	back := n.Chains[beta].Height() - 1
	id := n.Send(goldFor(refuser, 1000), alpha)
	run(n, 6)
	if got := wantAt(t, n, id, types.StatusRefunding, types.ReasonReleaseFailed); got.Wait != types.ReasonBatchGap {
		t.Fatalf("%+v", got)
	}
	common := reorg(t, n, beta, back)
	contradict(t, n, beta)
	pad(t, n, beta)
	pass(t, n, anchorOf(t, n, beta, common))
	n.Chains[beta].Refuses[refuser] = false
	run(n, 6)
	later(n, time.Minute)
	run(n, 6)
	wantReleased(t, n, id)
	wantBalance(t, n, beta, wrappedGold(n), refuser, units(1000))
	after, _ := before.Sub(units(1000))
	wantBalance(t, n, alpha, goldToken, alice, after)
	if s := supplyOf(t, n, gold); !s.Deficit.IsZero() {
		t.Errorf("%+v", s)
	}
	wantBooks(t, n)
}

// The new inbox is shorter than what was applied, and the contract takes no
// deposit that could make it longer: the chain could not be re-anchored. It can
// be, again and again, and no number stands for two transfers.
func TestReanchorToAShorterInboxTwice(t *testing.T) {
	n := newMoney(t, nil)
	n.Events = nil
	var offset uint64
	for range 2 {
		hold(n, 1)
		back := n.Chains[alpha].Height() - 1
		for range 8 {
			n.Send(goldFor(bob, 10), alpha)
		}
		n.Settle(12)
		common := reorg(t, n, alpha, back)
		contradict(t, n, alpha)
		run(n, 6) // the contract learns to take no deposits
		if n.Chains[alpha].State().Deposits {
			t.Fatal("the contract still takes deposits")
		}
		shorter := chainState(t, n, alpha).Cursor - uint64(len(n.Chains[alpha].Inbox()))
		if shorter == 0 || shorter > 8 {
			t.Fatalf("the inbox is %d shorter", shorter)
		}
		offset += shorter
		pass(t, n, anchorOf(t, n, alpha, common))
		if c := chainState(t, n, alpha); c.TransferOffset != offset || c.Cursor != uint64(len(n.Chains[alpha].Inbox())) {
			t.Errorf("offset %d, want %d; cursor %d", c.TransferOffset, offset, c.Cursor)
		}
		n.Settle(12)
		id := n.Send(goldFor(carol, 10), alpha)
		id.Nonce += offset
		n.Settle(12)
		wantReleased(t, n, id)
	}
	wantBalance(t, n, beta, wrappedGold(n), carol, units(20))
	if s := supplyOf(t, n, gold); s.Deficit != units(160) { // released, and their deposits have vanished
		t.Errorf("%+v", s)
	}
	wantBooks(t, n)
	seen := map[types.TransferID]bool{}
	for _, e := range n.Events {
		if e.Type != bridge.EventInboxApplied {
			continue
		}
		for _, id := range transfersOf(t, e) {
			if seen[id] {
				t.Errorf("%s was used twice", id)
			}
			seen[id] = true
		}
	}
	if len(seen) != 18 {
		t.Errorf("%d transfers", len(seen))
	}
}

// A token that the contract registered in the new history, before its anchor: its
// event is never applied, so the proposal has to name it, or no deposit of it
// would ever be known.
func TestReanchorNamesTokensWhoseRegistrationIsSkipped(t *testing.T) {
	n := newMoney(t, nil)
	common := uint64(len(n.Chains[beta].Inbox()))
	pass(t, n, silverAsset(locked(alpha, silverToken), minted(beta, 18)))
	hold(n, 3)
	contradict(t, n, beta)
	relayTo(t, n, alpha, beta)
	anchor := anchorOf(t, n, beta, common)
	anchor.ReanchorChain.Balances = append(anchor.ReanchorChain.Balances, types.AssetBalance{Asset: silver})
	refused(t, n, anchor, "is missing, which command")
	anchor.ReanchorChain.Registered = []types.AssetToken{{Asset: silver, Token: wrappedGold(n)}}
	refused(t, n, anchor, "belongs to another asset")
	token := n.Chains[beta].WrappedToken(silver)
	anchor.ReanchorChain.Registered = []types.AssetToken{{Asset: silver, Token: token}}
	pass(t, n, anchor)
	run(n, 8)
	n.Chains[alpha].Give(silverToken, alice, units(100))
	id := n.Send(bridgetest.To(beta, bob, silverToken, alice, units(70)), alpha)
	run(n, 8)
	wantReleased(t, n, id)
	wantBalance(t, n, beta, token, bob, units(70))
	back := n.Send(bridgetest.To(alpha, carol, token, bob, units(30)), beta)
	run(n, 8)
	wantReleased(t, n, back)
	refused(t, n, anchor, "not contradicted")
}

// Where the new history has not executed SetValidators, the contract obeys the
// set before: who has left stays accountable until it obeys the next one again.
func TestReanchorBeforeASetIsInForce(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		quickEpochs(g)
		g.Params.KeepBlocks = 200
	})
	fifth := n.Join()
	agree(t, n, admission(fifth, 1), 0, 1, 2)
	untilEpoch(t, n, 2)
	n.Settle(20)
	n.Operate(types.Tx{Leave: &types.Leave{}}, 4)
	for n.Events[len(n.Events)-1].Type != bridge.EventSealed {
		n.Step()
	}
	back := n.Chains[alpha].Height() - 1
	untilEpoch(t, n, 3)
	n.Settle(20)
	common := reorg(t, n, alpha, back)
	n.Validators = n.Validators[:4]
	contradict(t, n, alpha)
	pad(t, n, alpha)
	agree(t, n, anchorOf(t, n, alpha, common), 0, 1, 2)
	hold(n, 50) // beyond the unbonding time
	if v := validatorOf(t, n, fifth); v.Status != types.ValidatorLeaving {
		t.Errorf("%+v", v)
	}
	n.Settle(20)
	wantOneSet(t, n, n.Validators...)
	hold(n, 50)
	if _, err := n.Machine.Query(n.State(), "validator", []byte(`{"id":"`+fifth.ID().String()+`"}`)); err == nil {
		t.Error("it is still known")
	}
}
