package bridge_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/x/bridge"
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Each cap of the protocol, far beyond it: what is left over waits in its order,
// and is not lost.

// spread is alpha and some more chains on which gold is wrapped.
func spread(t *testing.T, more int, bend func(*types.Genesis)) (*bridgetest.Network, []types.ChainID) {
	t.Helper()
	chains := []types.ChainID{beta}
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		g.Params.MarkStride, g.Params.KeepBlocks = 16, 20
		for i := range more {
			c := g.Chains[1]
			c.ID += types.ChainID(i) + 1 //nolint:gosec // a few
			c.Label, c.Bridge = fmt.Sprintf("chain-%d", i), types.Address{0xb1, byte(i)}
			g.Chains = append(g.Chains, c)
			g.Assets[0].Tokens = append(g.Assets[0].Tokens, types.Token{Chain: c.ID, Mode: types.ModeMint, Decimals: 18})
			chains = append(chains, c.ID)
		}
		bend(g)
	})
	return n, chains
}

// Two marks a vote, and sixty source blocks with events.
func TestFarBeyondTheMarksOfAVote(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Params.MaxMarks = 2 })
	for range 60 {
		n.Send(goldFor(bob, 1), alpha)
		n.Chains[alpha].Mine()
	}
	for range 90 {
		run(n, 1)
		for _, vote := range query[bridge.InboxView](t, n, "inbox", bridge.QueryArgs{Chain: "alpha"}).Votes {
			if len(vote.Marks) > 3 { // one more is the evidence for the cursor
				t.Fatalf("%d marks are held", len(vote.Marks))
			}
		}
	}
	n.Settle(1)
	wantPaidInOrder(t, n, beta)
	wantBalance(t, n, beta, wrappedGold(n), bob, units(60))
}

// Two chains bring ten times the payload of a block each: no block holds more,
// and neither chain waits for the other.
func TestFarBeyondThePayloadOfABlock(t *testing.T) {
	const most, count = 256 << 10, 1100 // of 1.2 KiB
	n := newMoney(t, func(g *types.Genesis) { g.Params.PayloadBytes, g.Params.MarkStride = most, 16 })
	n.Send(goldFor(bob, 10_000), alpha)
	n.Settle(10)
	for range count {
		there := goldFor(carol, 1)
		there.Data = make([]byte, types.MaxDataBytes)
		n.Send(there, alpha)
		back := bridgetest.To(alpha, carol, wrappedGold(n), bob, units(1))
		back.Data = there.Data
		n.Send(back, beta)
	}
	n.Events = nil
	n.SkipAudit = true
	cursors := map[types.ChainID]uint64{alpha: chainState(t, n, alpha).Cursor, beta: chainState(t, n, beta).Cursor}
	n.Propose = func(honest [][]byte) [][]byte {
		message := &pb.SystemTx{}
		if err := decodeInto(t, honest[0][2:], message); err != nil {
			t.Fatal(err)
		}
		size := 0
		for _, p := range message.Payloads {
			size += proto.Size(p)
		}
		if size > most {
			t.Fatalf("a payload of %d bytes", size)
		}
		return honest
	}
	n.Run(1) // votes marks
	for range 6 {
		n.Run(1)
		for chain, before := range cursors {
			if cursors[chain] = chainState(t, n, chain).Cursor; cursors[chain] < before+50 {
				t.Errorf("%s went from %d to %d", chain, before, cursors[chain])
			}
		}
	}
	n.Settle(80)
	n.SkipAudit = false
	n.Audit()
	for _, chain := range []types.ChainID{alpha, beta} {
		wantPaidInOrder(t, n, chain)
	}
	wantBalance(t, n, beta, wrappedGold(n), carol, units(count))
	wantBalance(t, n, alpha, goldToken, carol, units(count))
}

// Hundreds of releases where a batch holds three.
func TestFarBeyondTheReleasesOfABatch(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Chains[1].BatchGas = 1_000_000 })
	n.SkipAudit = true
	for range 200 {
		n.Send(goldFor(bob, 1), alpha)
	}
	for i := 0; chainState(t, n, beta).Queued > 0 || i < 3; i++ {
		if i > 150 {
			t.Fatalf("%+v", chainState(t, n, beta))
		}
		n.Step()
		n.Relay(types.MaxBatchItems)
		if c := chainState(t, n, beta); c.OpenBatches > n.Genesis.Params.MaxOpenBatches {
			t.Fatalf("%+v", c)
		}
		for _, c := range query[[]bridge.CommandView](t, n, "batches", bridge.QueryArgs{Chain: "beta"}) {
			if c.Items > 3 {
				t.Fatalf("%+v", c)
			}
		}
	}
	n.SkipAudit = false
	n.Settle(20)
	wantPaidInOrder(t, n, beta)
	wantBalance(t, n, beta, wrappedGold(n), bob, units(200))
}

// Twelve chains want a command in each block that orders four: all get their
// turn, none twice before another.
func TestFarBeyondTheCommandsOfABlock(t *testing.T) {
	n, chains := spread(t, 11, func(g *types.Genesis) { g.Params.MaxCommands = 4 })
	n.SkipAudit = true
	n.Events = nil
	sent := uint64(0)
	for range 30 {
		for _, chain := range chains {
			n.Send(bridgetest.To(chain, bob, goldToken, alice, units(1)), alpha)
		}
		sent++
		n.Step()
		n.Relay(types.MaxBatchItems)
	}
	most, ordered := 0, map[string]int{}
	block := 0
	for _, e := range n.Events {
		switch e.Type {
		case bridge.EventCommandOrdered:
			block++
			ordered[e.Attributes[0].Value]++
		case bridge.EventSealed:
			most, block = max(most, block), 0
		}
	}
	if most != 4 {
		t.Errorf("%d commands in one block", most)
	}
	for _, chain := range chains {
		if got := ordered[chain.String()]; got < 3 {
			t.Errorf("%s had %d batches: %v", chain, got, ordered)
		}
	}
	n.SkipAudit = false
	n.Settle(40)
	for _, chain := range chains {
		wantPaidInOrder(t, n, chain)
		wantBalance(t, n, chain, n.Chains[chain].WrappedToken(gold), bob, units(sent))
	}
}

// Ten times as many as may be held: the first wait and are paid, all others are
// refunded, and nothing is counted twice.
func TestFarBeyondWhatMayBeHeld(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Params.MaxHeld = 100 })
	before := goldOf(n, alice)
	n.RaiseAlarm(2, beta, alarmPause)
	run(n, 2)
	for range 1000 {
		n.Send(goldFor(bob, 1), alpha)
	}
	n.SkipAudit = true
	for range 20 {
		n.Step()
		n.Relay(types.MaxBatchItems)
	}
	after, _ := before.Sub(units(100))
	wantBalance(t, n, alpha, goldToken, alice, after)
	if got := limitsOf(t, n, "beta", gold).Queued; got != (bridge.QueuedView{Release: 100}) {
		t.Errorf("%+v", got)
	}
	n.SkipAudit = false
	n.RaiseAlarm(2, beta, alarmOff)
	run(n, 2)
	pass(t, n, unpause(beta))
	n.Settle(12)
	wantPaidInOrder(t, n, beta)
	wantBalance(t, n, beta, wrappedGold(n), bob, units(100))
	wantBalance(t, n, alpha, goldToken, alice, after)
}

// More than 1/3 of the power sign nothing for very long. At most max_open_seals
// wait, everything else queues, and all of it is paid when they sign again.
func TestFarBeyondTheOpenSeals(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Params.MaxOpenSeals, g.Params.MaxOpenBatches = 4, 64 })
	for _, v := range n.Validators[:2] {
		v.Vote = withoutSignatures(t)
	}
	for range 50 {
		n.Send(goldFor(bob, 1), alpha)
		hold(n, 1)
		n.Relay(types.MaxBatchItems)
		open := 0
		for _, seal := range query[[]bridge.SealView](t, n, "seals", bridge.QueryArgs{}) {
			if seal.Complete == 0 {
				open++
			}
		}
		if open > 4 {
			t.Fatalf("%d seals are open", open)
		}
	}
	wantBalance(t, n, beta, wrappedGold(n), bob, types.Amount{})
	for _, v := range n.Validators {
		v.Vote = nil
	}
	n.Settle(30)
	wantPaidInOrder(t, n, beta)
	wantBalance(t, n, beta, wrappedGold(n), bob, units(50))
}

// Alarms against all chains, in extensions that have room for two at a time:
// they come before marks, and all are heard.
func TestFarBeyondTheAlarmsOfAVote(t *testing.T) {
	n, chains := spread(t, 11, func(*types.Genesis) {})
	for _, v := range n.Validators[:2] {
		pending := bridge.Pending{}
		for _, chain := range chains {
			pending.Chains = append(pending.Chains, types.ChainVote{
				Chain: chain, Alarm: types.AlarmPause, Head: 1 << 20, Marks: []types.Mark{{Nonce: 1 << 20, Hash: types.Hash{1}}},
			})
		}
		v.Vote = func([]byte) []byte {
			vote, err := n.Machine.BuildVote(v.Store, n.Block(), nil, v.ID(), pending, 24)
			if err != nil || len(vote) > 24 {
				t.Fatalf("%d bytes, %v", len(vote), err)
			}
			return vote
		}
	}
	paused := func() int {
		count := 0
		for _, chain := range chains {
			if chainState(t, n, chain).Paused != bridge.PauseNone {
				count++
			}
		}
		return count
	}
	n.Run(3)
	if got := paused(); got == 0 || got == len(chains) {
		t.Fatalf("%d of %d are paused", got, len(chains))
	}
	n.Run(10)
	if got := paused(); got != len(chains) {
		t.Errorf("%d of %d are paused", got, len(chains))
	}
}

// Several segments of a lane, and more expired entries than a block moves: they
// go in order, and those that are not expired stay.
func TestFarBeyondTheMovesOfABlock(t *testing.T) {
	const count, most = 2500, 1024
	n := newMoney(t, func(g *types.Genesis) { g.Chains[0].ExpiryBlocks = 50 })
	n.SkipAudit = true
	n.RaiseAlarm(2, beta, alarmPause)
	run(n, 2)
	before := goldOf(n, alice)
	for range count {
		n.Send(goldFor(bob, 1), alpha)
	}
	n.Run(3)
	if got := limitsOf(t, n, "beta", gold).Queued.Release; got != count {
		t.Fatalf("%d wait", got)
	}
	mine(n, alpha, 38)
	n.Run(4)
	young := n.Send(goldFor(bob, 1), alpha)
	n.Run(2)
	n.Events = nil
	left := uint64(count + 1)
	for i := 0; left > 1; i++ {
		n.Step()
		n.Relay(types.MaxBatchItems)
		now := limitsOf(t, n, "beta", gold).Queued.Release
		if left-now > most || i > 12 {
			t.Fatalf("%d, then %d", left, now)
		}
		left = now
	}
	for range 32 {
		n.Step()
		n.Relay(types.MaxBatchItems)
	}
	n.SkipAudit = false
	n.Audit()
	wantAt(t, n, young, types.StatusHeld, types.ReasonChainPaused)
	rest, _ := before.Sub(units(1))
	wantBalance(t, n, alpha, goldToken, alice, rest)
	var refunded []uint64
	for _, e := range n.Events {
		if e.Type == bridge.EventTransferRefunded {
			_, nonce, err := types.SplitTransferID(e.Attributes[0].Value)
			if err != nil {
				t.Fatal(err)
			}
			refunded = append(refunded, nonce)
		}
	}
	if len(refunded) != count || !slices.IsSorted(refunded) {
		t.Errorf("%d refunds, in order: %v", len(refunded), slices.IsSorted(refunded))
	}
}
