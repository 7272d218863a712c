package bridge_test

import (
	"testing"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// contradict has half of the validators see that a chain broke its word.
func contradict(t testing.TB, n *bridgetest.Network, chain types.ChainID) {
	t.Helper()
	n.RaiseAlarm(2, chain, contradiction)
	hold(n, 2)
	if c := chainState(t, n, chain); c.Paused != bridge.PauseContradicted {
		t.Fatalf("%+v", c)
	}
	n.RaiseAlarm(2, chain, alarmOff)
}

// pad logs events that mean nothing to money until the inbox reaches the cursor:
// no nonce is used twice.
func pad(t testing.TB, n *bridgetest.Network, chain types.ChainID) {
	t.Helper()
	for cursor := chainState(t, n, chain).Cursor; uint64(len(n.Chains[chain].Inbox())) < cursor; {
		n.Chains[chain].Log(types.Unstaked{Operator: types.Address{1}, Amount: units(1)})
	}
}

// reorg takes a chain back to the end of a block, and returns the last inbox
// nonce that both histories share.
func reorg(t testing.TB, n *bridgetest.Network, chain types.ChainID, to uint64) (common uint64) {
	t.Helper()
	if err := n.Chains[chain].Reorg(to); err != nil {
		t.Fatal(err)
	}
	return uint64(len(n.Chains[chain].Inbox()))
}

// anchorOf is where a model chain really is.
func anchorOf(t testing.TB, n *bridgetest.Network, id types.ChainID, common uint64) types.Content {
	t.Helper()
	chain := n.Chains[id]
	r := types.Reanchor{
		ID: id, Block: chain.Height(), Nonce: uint64(len(chain.Inbox())), Hash: chain.State().InboxHash, Common: common,
	}
	r.OutboxNonce, r.NextItem = chain.Position()
	for _, asset := range n.Genesis.Assets {
		for _, token := range asset.Tokens {
			if token.Chain == id {
				r.Balances = append(r.Balances, types.AssetBalance{Asset: asset.ID, Amount: held(t, n, asset, token)})
			}
		}
	}
	return types.Content{ReanchorChain: &r}
}

// A deposit that only waited is dropped; one behind it that both histories share
// goes on.
func TestReanchorDropsVanishedDepositsThatWait(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) {
		g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(100), Rate: units(1)}
	})
	n.Send(goldFor(bob, 100), alpha)
	shared := n.Send(goldFor(bob, 50), alpha)
	run(n, 6)
	back := n.Chains[alpha].Height() - 1
	before := goldOf(n, alice)
	vanished := n.Send(goldFor(bob, 10), alpha)
	refunding := n.Send(bridgetest.To(99, bob, goldToken, alice, units(5)), alpha)
	hold(n, 2)
	wantAt(t, n, vanished, types.StatusHeld, types.ReasonFlowLimit)
	common := reorg(t, n, alpha, back)
	contradict(t, n, alpha)
	wantAt(t, n, shared, types.StatusHeld, types.ReasonChainPaused)
	pad(t, n, alpha)
	pass(t, n, anchorOf(t, n, alpha, common))
	if got := transfer(t, n, shared.String()); got.Status != types.StatusHeld || got.Reason != types.ReasonFlowLimit {
		t.Errorf("%+v", got)
	}
	if _, err := n.Machine.Query(n.State(), "transfer", []byte(`{"id":"`+vanished.String()+`"}`)); err == nil {
		t.Error("the vanished deposit is still there")
	}
	later(n, 100e9)
	run(n, 8)
	wantReleased(t, n, shared)
	wantBalance(t, n, beta, wrappedGold(n), bob, units(150))
	// The refund was committed: the chain pays it although its deposit is gone.
	wantAt(t, n, refunding, types.StatusRefunded, types.ReasonUnknownDestination)
	after, _ := before.Add(units(5))
	wantBalance(t, n, alpha, goldToken, alice, after)
	if s := supplyOf(t, n, gold); s.Deficit != units(5) {
		t.Errorf("%+v", s)
	}
	wantBooks(t, n)
	again := n.Send(goldFor(bob, 1), alpha)
	run(n, 6)
	wantReleased(t, n, again)
}

// What was released for a deposit that vanished is a deficit.
func TestReanchorBooksReleasedDepositsThatVanishAsDeficit(t *testing.T) {
	n := newMoney(t, nil)
	n.Send(goldFor(bob, 100), alpha)
	run(n, 6)
	back := n.Chains[alpha].Height() - 1
	n.Send(goldFor(bob, 40), alpha)
	run(n, 6)
	common := reorg(t, n, alpha, back)
	contradict(t, n, alpha)
	pad(t, n, alpha)
	pass(t, n, anchorOf(t, n, alpha, common))
	run(n, 6)
	if s := supplyOf(t, n, gold); s.Deficit != units(40) {
		t.Errorf("%+v", s)
	}
	wantBooks(t, n)
}

// Executions that vanish are executed again. Each row is how an entry on alpha
// ended before the reorg and after it.
func TestReanchorExecutesAgain(t *testing.T) {
	release := func(n *bridgetest.Network) types.TransferID {
		return n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(40)), beta)
	}
	refund := func(n *bridgetest.Network) types.TransferID {
		d := bridgetest.To(99, bob, goldToken, alice, units(40))
		d.RefundTo = carol
		return n.Send(d, alpha)
	}
	for _, c := range []struct {
		name          string
		send          func(*bridgetest.Network) types.TransferID
		first, again  bool // whether carol is paid
		claimed       bool // between the two
		status        types.Status
		reason        types.Reason
		carol         uint64 // what she has in the end
		bob           uint64
		deficit, owed uint64
	}{
		{name: "release paid, paid", send: release, first: true, again: true, status: types.StatusReleased, carol: 40, bob: 60},
		{name: "release paid, failed", send: release, first: true, status: types.StatusRefunded, reason: types.ReasonReleaseFailed, bob: 100},
		{name: "release failed, failed", send: release, status: types.StatusRefunded, reason: types.ReasonReleaseFailed, bob: 100},
		{name: "release failed, paid", send: release, again: true, status: types.StatusRefunded, reason: types.ReasonReleaseFailed, carol: 40, bob: 100, deficit: 40},
		{name: "refund paid, paid", send: refund, first: true, again: true, status: types.StatusRefunded, reason: types.ReasonUnknownDestination, carol: 40, bob: 100},
		{name: "refund paid, failed", send: refund, first: true, status: types.StatusOwed, reason: types.ReasonRefundFailed, bob: 100, owed: 40},
		{name: "refund failed, failed", send: refund, status: types.StatusOwed, reason: types.ReasonRefundFailed, bob: 100, owed: 40},
		{name: "refund failed, paid", send: refund, again: true, status: types.StatusRefunded, reason: types.ReasonUnknownDestination, carol: 40, bob: 100},
		// The claim has vanished too.
		{name: "refund failed and claimed, paid", send: refund, claimed: true, again: true, status: types.StatusRefunded, reason: types.ReasonUnknownDestination, carol: 40, bob: 100},
		{name: "refund failed and claimed, failed", send: refund, claimed: true, status: types.StatusOwed, reason: types.ReasonRefundFailed, bob: 100, owed: 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newMoney(t, nil)
			n.Send(goldFor(bob, 100), alpha)
			n.Settle(12)
			id := c.send(n)
			hold(n, 4)
			common := uint64(len(n.Chains[alpha].Inbox()))
			back := n.Chains[alpha].Height() - 1
			n.Chains[alpha].Refuses[carol] = !c.first
			run(n, 6)
			if c.claimed {
				owed := wantAt(t, n, id, types.StatusOwed, types.ReasonRefundFailed)
				n.Chains[alpha].Refuses[carol] = false
				if err := n.Chains[alpha].Claim(owed.OutboxNonce, owed.OutboxIndex, carol); err != nil {
					t.Fatal(err)
				}
				run(n, 3)
			}
			if got := reorg(t, n, alpha, back); got != common {
				t.Fatalf("common %d, want %d", got, common)
			}
			n.Chains[alpha].Refuses[carol] = !c.again
			contradict(t, n, alpha)
			pad(t, n, alpha)
			pass(t, n, anchorOf(t, n, alpha, common))
			run(n, 10)
			wantAt(t, n, id, c.status, c.reason)
			wantBalance(t, n, alpha, goldToken, carol, units(c.carol))
			wantBalance(t, n, beta, wrappedGold(n), bob, units(c.bob))
			s := supplyOf(t, n, gold)
			if s.Deficit != units(c.deficit) || s.Owed != units(c.owed) || !s.Quarantined.IsZero() {
				t.Errorf("%+v", s)
			}
			wantBooks(t, n)
			if c.owed > 0 {
				owed := transfer(t, n, id.String())
				n.Chains[alpha].Refuses[carol] = false
				if err := n.Chains[alpha].Claim(owed.OutboxNonce, owed.OutboxIndex, carol); err != nil {
					t.Fatal(err)
				}
				run(n, 3)
				wantAt(t, n, id, types.StatusClaimed, types.ReasonRefundFailed)
				wantBooks(t, n)
			}
		})
	}
}

// The new history executes commands before its anchor: their receipts are never
// applied, they count as done, and what they did not pay is a surplus.
func TestReanchorSkipsExecutionsBeforeTheAnchor(t *testing.T) {
	for _, pays := range []bool{true, false} {
		n := newMoney(t, nil)
		n.Send(goldFor(bob, 100), alpha)
		n.Settle(12)
		common := uint64(len(n.Chains[alpha].Inbox()))
		id := n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(40)), beta)
		hold(n, 4)
		n.Chains[alpha].Refuses[carol] = !pays
		contradict(t, n, alpha)
		relayTo(t, n, alpha)
		pass(t, n, anchorOf(t, n, alpha, common))
		run(n, 6)
		wantReleased(t, n, id)
		wantBooks(t, n)
		s := supplyOf(t, n, gold)
		if pays && !s.Quarantined.IsZero() || !pays && s.Quarantined != units(40) {
			t.Errorf("carol is paid %v: %+v", pays, s)
		}
	}
}

// What a chain has beyond the books is quarantined, and the validators drop it.
func TestReanchorQuarantinesASurplus(t *testing.T) {
	n := newMoney(t, nil)
	n.Send(goldFor(bob, 100), alpha)
	n.Settle(12)
	common := uint64(len(n.Chains[alpha].Inbox()))
	contradict(t, n, alpha)
	n.Send(goldFor(bob, 30), alpha) // before the anchor, so it is never applied
	pass(t, n, anchorOf(t, n, alpha, common))
	records := query[[]bridge.QuarantineView](t, n, "quarantine", bridge.QueryArgs{Chain: "alpha"})
	if len(records) != 1 || records[0].Reason != types.ReasonSurplus || records[0].Amount != units(30) {
		t.Fatalf("%+v", records)
	}
	wantSentence(t, records[0].Text)
	wantSentence(t, records[0].Next)
	refused(t, n, resolve(records[0].ID, types.QuarantineCredit), "refund or drop")
	refused(t, n, resolve(records[0].ID, types.QuarantineRefund), "drop it")
	other := n.Send(goldFor(bob, 1), alpha) // a surplus stops nothing
	run(n, 6)
	wantReleased(t, n, other)
	pass(t, n, resolve(records[0].ID, types.QuarantineDrop))
	if s := supplyOf(t, n, gold); s.Fees != units(30) || !s.Quarantined.IsZero() {
		t.Errorf("%+v", s)
	}
	wantBooks(t, n)
}

// Slices: the books, and the anchor, stand in the midst of a batch or at its end,
// the last command of the outbox too.
func TestReanchorInTheMidstOfABatch(t *testing.T) {
	const everything = 99 // also what the pause had ordered after the batch
	for _, c := range []struct{ books, anchor uint32 }{{2, 0}, {5, 2}, {2, 5}, {3, 5}, {0, 3}, {5, 0}, {4, 1}, {2, everything}, {0, everything}} {
		n := newMoney(t, nil)
		n.Send(goldFor(bob, 100), alpha)
		n.Settle(12)
		for i := range uint64(5) {
			n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(i+1)), beta)
		}
		hold(n, 4)
		common := uint64(len(n.Chains[alpha].Inbox()))
		back := n.Chains[alpha].Height() - 1
		slice := func(items uint32) {
			command, err := n.Machine.OpenCommands(n.State(), alpha, 1)
			if err != nil || len(command) != 1 {
				t.Fatal(command, err)
			}
			if err := n.Chains[alpha].Execute(command[0], bridgetest.Relayer, items); err != nil {
				t.Fatal(err)
			}
		}
		command, err := n.Machine.OpenCommands(n.State(), alpha, 1)
		if err != nil {
			t.Fatal(err)
		}
		if c.books > 0 {
			slice(c.books)
		}
		hold(n, 3)
		reorg(t, n, alpha, back)
		contradict(t, n, alpha)
		switch {
		case c.anchor == everything:
			hold(n, 2)
			relayTo(t, n, alpha)
		case c.anchor > 0:
			if err := n.Chains[alpha].Execute(command[0], bridgetest.Relayer, c.anchor); err != nil {
				t.Fatal(err)
			}
		}
		pad(t, n, alpha)
		pass(t, n, anchorOf(t, n, alpha, common))
		run(n, 8)
		wantBalance(t, n, alpha, goldToken, carol, units(15))
		wantBooks(t, n)
		if t.Failed() {
			t.Fatalf("books at %d, anchor at %d", c.books, c.anchor)
		}
	}
}

// The chain breaks its word a second time, before what had vanished is executed
// again: that is still to be paid.
func TestReanchorTwice(t *testing.T) {
	n := newMoney(t, nil)
	n.Send(goldFor(bob, 100), alpha)
	n.Settle(12)
	id := n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(40)), beta)
	hold(n, 4)
	common := uint64(len(n.Chains[alpha].Inbox()))
	back := n.Chains[alpha].Height() - 1
	run(n, 4)
	reorg(t, n, alpha, back)
	for range 2 {
		contradict(t, n, alpha)
		pad(t, n, alpha)
		pass(t, n, anchorOf(t, n, alpha, common))
		hold(n, 3)
	}
	run(n, 8)
	wantReleased(t, n, id)
	wantBalance(t, n, alpha, goldToken, carol, units(40))
	if s := supplyOf(t, n, gold); !s.Deficit.IsZero() || !s.Quarantined.IsZero() {
		t.Errorf("%+v", s)
	}
	wantBooks(t, n)
}

// The deposit that had paid for a release vanishes together with the release,
// which then cannot be paid again: it is refunded, and the deposit is a deficit.
func TestReanchorWhereTheFundsOfAnExecutionVanish(t *testing.T) {
	n := newMoney(t, nil)
	hold(n, 1)
	back := n.Chains[alpha].Height() - 1
	common := uint64(len(n.Chains[alpha].Inbox()))
	n.Send(goldFor(bob, 100), alpha)
	run(n, 6)
	id := n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(100)), beta)
	run(n, 6)
	wantReleased(t, n, id)
	reorg(t, n, alpha, back)
	contradict(t, n, alpha)
	pad(t, n, alpha)
	pass(t, n, anchorOf(t, n, alpha, common))
	run(n, 10)
	wantAt(t, n, id, types.StatusRefunded, types.ReasonReleaseFailed)
	wantBalance(t, n, beta, wrappedGold(n), bob, units(100))
	if s := supplyOf(t, n, gold); s.Deficit != units(100) {
		t.Errorf("%+v", s)
	}
	wantBooks(t, n)
}

// The custody that a vanished deposit had brought is spent already: of an asset
// that two chains lock, on the other way.
func TestReanchorWhereTheCustodyOfAVanishedDepositIsSpent(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) {
		g.Assets[2].Tokens[1].Flow = types.FlowLimit{Capacity: units(1), Rate: units(1)}
		g.Assets[2].Tokens[1].Large = units(100)
	})
	hold(n, 1)
	back := n.Chains[alpha].Height() - 1
	common := uint64(len(n.Chains[alpha].Inbox()))
	vanishing := n.Send(bridgetest.To(beta, carol, twinAlpha, alice, units(100)), alpha)
	run(n, 4)
	wantAt(t, n, vanishing, types.StatusHeld, types.ReasonLargeAmount)
	id := n.Send(bridgetest.To(alpha, carol, twinBeta, bob, units(100)), beta)
	run(n, 6)
	wantReleased(t, n, id)
	reorg(t, n, alpha, back)
	contradict(t, n, alpha)
	pad(t, n, alpha)
	pass(t, n, anchorOf(t, n, alpha, common))
	run(n, 10)
	wantAt(t, n, id, types.StatusRefunded, types.ReasonReleaseFailed)
	wantBalance(t, n, beta, twinBeta, bob, ether(1_000_000))
	if s := supplyOf(t, n, twin); !s.Deficit.IsZero() {
		t.Errorf("%+v", s)
	}
	wantBooks(t, n)
}

// A release that was committed on custody that vanished fails, and the fee of its
// relayer is more than there is: it is refunded all the same. The contract credits
// that fee out of the next deposits, and the books do not know.
func TestReanchorWhereNotEvenAFeeIsLeft(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Assets[0].Tokens[0].ReleaseFee = units(3) })
	hold(n, 1)
	back := n.Chains[alpha].Height() - 1
	common := uint64(len(n.Chains[alpha].Inbox()))
	n.Send(goldFor(bob, 100), alpha)
	run(n, 6)
	id := n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(100)), beta)
	hold(n, 4)
	wantAt(t, n, id, types.StatusSealed, noReason)
	reorg(t, n, alpha, back)
	contradict(t, n, alpha)
	pad(t, n, alpha)
	pass(t, n, anchorOf(t, n, alpha, common))
	run(n, 10)
	wantAt(t, n, id, types.StatusRefunded, types.ReasonReleaseFailed)
	wantBalance(t, n, beta, wrappedGold(n), bob, units(97))
	deposit := n.Send(goldFor(bob, 10), alpha)
	run(n, 6)
	wantReleased(t, n, deposit)
	if s := supplyOf(t, n, gold); s.Deficit != units(100-3) || balanceOf(t, n, gold, alpha).Custody != units(7+3) || !s.InFlight.IsZero() {
		t.Errorf("%+v", s)
	}
}

// A command that was executed, and is not any more, stays although its time to
// be pruned was planned, by other parameters too.
func TestReanchorKeepsWhatWasToBePruned(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Params.KeepBlocks = 40 })
	n.Send(goldFor(bob, 100), alpha)
	n.Settle(12)
	id := n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(40)), beta)
	hold(n, 4)
	common := uint64(len(n.Chains[alpha].Inbox()))
	back := n.Chains[alpha].Height() - 1
	run(n, 4)
	pass(t, n, types.Content{Params: &types.ParamChanges{Changes: []types.ParamChange{{Name: "keep_blocks", Value: 50}}}})
	reorg(t, n, alpha, back)
	contradict(t, n, alpha)
	pad(t, n, alpha)
	pass(t, n, anchorOf(t, n, alpha, common))
	hold(n, 60)
	wantAt(t, n, id, types.StatusSealed, noReason)
	run(n, 8)
	wantReleased(t, n, id)
	wantBooks(t, n)
	run(n, 60)
	if batches := query[[]bridge.CommandView](t, n, "batches", bridge.QueryArgs{}); len(batches) != 0 {
		t.Errorf("%+v", batches)
	}
}

// Each row bends one thing of a good anchor. A refused one changes nothing.
func TestReanchorRefuses(t *testing.T) {
	n := newMoney(t, nil)
	n.Send(goldFor(bob, 100), alpha)
	n.Settle(12)
	n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(40)), beta)
	hold(n, 4)
	common := uint64(len(n.Chains[alpha].Inbox()))
	refused(t, n, anchorOf(t, n, alpha, common), "has not contradicted")
	contradict(t, n, alpha)
	refused(t, n, unpause(alpha), "re-anchor it")
	for want, bend := range map[string]func(*types.Reanchor){
		"is above the cursor": func(r *types.Reanchor) { r.Nonce++; r.Common = r.Nonce },
		"has no token":        func(r *types.Reanchor) { r.Balances[2].Asset = types.AssetID{9} },
		"is missing":          func(r *types.Reanchor) { r.Balances = r.Balances[:2] },
		"were ordered":        func(r *types.Reanchor) { r.OutboxNonce = 99 },
		"has no item":         func(r *types.Reanchor) { r.NextItem = 1 },
	} {
		c := anchorOf(t, n, alpha, common)
		bend(c.ReanchorChain)
		refused(t, n, c, want)
	}
	hold(n, 40) // then what is executed has left the state
	gone := anchorOf(t, n, alpha, common)
	gone.ReanchorChain.OutboxNonce = 1
	refused(t, n, gone, "has left the state")
	pass(t, n, anchorOf(t, n, alpha, common))
}

// The new inbox is shorter than what was applied: transfers are numbered on, so
// that no number stands for two of them.
func TestReanchorOfAShorterInbox(t *testing.T) {
	n := newMoney(t, nil)
	n.Send(goldFor(bob, 100), alpha)
	n.Settle(12)
	common := uint64(len(n.Chains[alpha].Inbox()))
	back := n.Chains[alpha].Height() - 1
	var vanished []types.TransferID
	for range 5 {
		vanished = append(vanished, n.Send(goldFor(bob, 1), alpha))
	}
	run(n, 6)
	wantReleased(t, n, vanished...)
	cursor := chainState(t, n, alpha).Cursor
	reorg(t, n, alpha, back)
	contradict(t, n, alpha)
	anchor := anchorOf(t, n, alpha, common)
	pass(t, n, anchor)
	run(n, 4)
	wantReleased(t, n, vanished...) // what has happened there has happened
	offset := cursor - anchor.ReanchorChain.Nonce
	for range 5 {
		id := n.Send(goldFor(carol, 10), alpha)
		id.Nonce += offset
		run(n, 6)
		wantReleased(t, n, id)
	}
	wantBalance(t, n, beta, wrappedGold(n), bob, units(105))
	wantBalance(t, n, beta, wrappedGold(n), carol, units(50))
	if s := supplyOf(t, n, gold); s.Deficit != units(5) {
		t.Errorf("%+v", s)
	}
	wantBooks(t, n)
}

// Only a claim has vanished: the contract owes again what the books have closed.
func TestReanchorWhereOnlyAClaimVanishes(t *testing.T) {
	n := newMoney(t, nil)
	n.Chains[alpha].Refuses[alice] = true
	id := n.Send(bridgetest.To(99, bob, goldToken, alice, units(40)), alpha)
	run(n, 6)
	owed := wantAt(t, n, id, types.StatusOwed, types.ReasonRefundFailed)
	common := uint64(len(n.Chains[alpha].Inbox()))
	back := n.Chains[alpha].Height() - 1
	for range 2 {
		if err := n.Chains[alpha].Claim(owed.OutboxNonce, owed.OutboxIndex, carol); err != nil {
			t.Fatal(err)
		}
		run(n, 3)
		if n.Chains[alpha].Height() > back+6 {
			break
		}
		reorg(t, n, alpha, back)
		contradict(t, n, alpha)
		pass(t, n, anchorOf(t, n, alpha, common))
	}
	wantBalance(t, n, alpha, goldToken, carol, units(40))
	wantBooks(t, n)
}
