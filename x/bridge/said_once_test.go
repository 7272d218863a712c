package bridge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A vote is not said again while it is on its way into the state: the block that
// is being voted on brings it.
func TestVotesAreSaidOnce(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) { g.Params.HeadInterval = 5 })
	said := map[string]int{}
	count := func(what string, arguments ...any) { said[fmt.Sprintf(what, arguments...)]++ }
	for i, v := range n.Validators {
		v.Vote = func(honest []byte) []byte {
			vote, err := bridge.DecodeVote(honest)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range vote.Signatures {
				count("signature of %d over %d", i, s.Height)
			}
			for _, c := range vote.Chains {
				if c.Head != 0 {
					count("head %d of %d by %d", c.Head, c.Chain, i)
				}
				for _, m := range c.Marks {
					count("mark %d of %d by %d", m.Nonce, c.Chain, i)
				}
			}
			return honest
		}
	}
	for i := range 30 {
		if i%3 == 0 {
			n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		}
		n.Step()
		n.Relay(types.MaxBatchItems)
	}
	n.Settle(10)
	for what, times := range said {
		if times != 1 {
			t.Errorf("%s was said %d times", what, times)
		}
	}
	if len(said) < 100 {
		t.Errorf("only %d different things were said", len(said))
	}
}

// A vote that a block did not take up is said again at once.
func TestLostVotesAreSaidAgain(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	wrapped := n.Chains[beta].WrappedToken(bridgetest.Gold)
	lost := 0
	for _, v := range n.Validators {
		said := 0
		v.Vote = func(honest []byte) []byte {
			if len(honest) == 0 {
				return nil
			}
			if said++; said%2 == 1 {
				lost++
				return nil
			}
			return honest
		}
	}
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Settle(30)
	wantBalance(t, n, beta, wrapped, bob, types.NewAmount(10))
	if lost < 3*len(n.Validators) {
		t.Errorf("only %d votes were lost", lost)
	}
}

// Releases far beyond what a batch holds are ordered in the block that has room
// for them, in several batches; only a batch that is not full begins a gap.
func TestFullBatchesHaveNoGap(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Chains[1].BatchGas, g.Chains[1].BatchGapMS = 1_000_000, 3_600_000 }) // three releases a batch
	outbox := chainState(t, n, beta).Outbox
	for range 10 {
		n.Send(goldFor(bob, 1), alpha)
	}
	hold(n, 2)
	if c := chainState(t, n, beta); c.Outbox != outbox+4 || c.OpenBatches != 4 || c.Queued != 0 {
		t.Fatalf("want three full batches and one of a single release in one block: %+v", c)
	}
	late := n.Send(goldFor(bob, 1), alpha)
	hold(n, 3)
	if got := transfer(t, n, late.String()); got.OutboxNonce != 0 || got.Wait != types.ReasonBatchGap {
		t.Errorf("behind a batch that is not full: %+v", got)
	}
	for range 2 {
		n.Send(goldFor(bob, 1), alpha)
	}
	hold(n, 3)
	later(n, time.Hour)
	hold(n, 1)
	if c := chainState(t, n, beta); c.Outbox != outbox+5 || c.Queued != 0 {
		t.Errorf("the gap is over: %+v", c)
	}
}

// A batch takes as many entries as their bytes allow, which name a group once.
func TestBatchesAreBoundByTheirBytes(t *testing.T) {
	const most = 96 << 10
	n := newMoney(t, func(g *types.Genesis) {
		g.Chains[1].BatchGas, g.Chains[1].ReleaseGas = 1<<30, types.MinReleaseGas
		g.Params.MaxOpenBatches = 1
	})
	n.SkipAudit = true
	for i := range 3000 {
		n.Send(goldFor(bob, uint64(1+i%7)), alpha)
	}
	n.Run(2)
	commands, err := n.Machine.OpenCommands(n.State(), beta, 1)
	if err != nil || len(commands) != 1 {
		t.Fatalf("%d commands, %v", len(commands), err)
	}
	want := (most - types.BatchGroupBytes) / types.BatchEntryBytes
	if got := commands[0]; int(got.Items) != want || len(got.Bytes) > most+1 { // and the command's kind
		t.Errorf("%d entries of one group in %d bytes, want %d", got.Items, len(got.Bytes), want)
	}
	n.Settle(40)
	n.SkipAudit = false
	n.Audit()
	wantPaidInOrder(t, n, beta)
}

// The open seals are those of the open commands.
func TestOpenSeals(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	most := 0
	for i := range 24 {
		n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		n.Step()
		if i%5 == 4 {
			n.Relay(types.MaxBatchItems)
		}
		want := map[uint64]bool{}
		for _, c := range n.Genesis.Chains {
			commands, err := n.Machine.OpenCommands(n.State(), c.ID, 1000)
			if err != nil {
				t.Fatal(err)
			}
			for _, command := range commands {
				want[command.Seal.Height] = true
			}
		}
		open, err := n.Machine.OpenSeals(n.State())
		if err != nil || len(open) != len(want) {
			t.Fatalf("%d open seals, %v, want %d", len(open), err, len(want))
		}
		for _, seal := range open {
			if !want[seal.Height] || seal.Digest == (types.Hash{}) {
				t.Errorf("%+v covers nothing open", seal)
			}
		}
		most = max(most, len(open))
	}
	if most < 3 {
		t.Errorf("never more than %d seals were open", most)
	}
}
