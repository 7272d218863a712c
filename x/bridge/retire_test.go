package bridge_test

import (
	"testing"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// die lets a chain finalise nothing any more, for as long as it takes to retire
// it.
func die(n *bridgetest.Network, chain types.ChainID) {
	n.Chains[chain].Lag = 1 << 30
	hold(n, 14)
}

// relayTo executes what is complete on some chains only.
func relayTo(t testing.TB, n *bridgetest.Network, chains ...types.ChainID) {
	t.Helper()
	for _, id := range chains {
		commands, err := n.Machine.OpenCommands(n.State(), id, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range commands {
			for command.Seal.Complete != 0 {
				if done, _ := n.Chains[id].Position(); done >= command.Nonce {
					break
				}
				if err := n.Chains[id].Execute(command, bridgetest.Relayer, types.MaxBatchItems); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// runOn makes blocks and relays to some chains only.
func runOn(t testing.TB, n *bridgetest.Network, blocks int, chains ...types.ChainID) {
	t.Helper()
	for range blocks {
		hold(n, 1)
		relayTo(t, n, chains...)
	}
}

// At every station there is one transfer to, and one from, a chain that dies.
// Whatever its pause was, each ends: to it by a refund, into it by quarantine,
// from it by its release, or by quarantine where it had broken its word. Its
// custody becomes deficit.
func TestRetireEndsWhatIsOnItsWay(t *testing.T) {
	for _, alarm := range []types.Alarm{alarmOff, alarmPause, contradiction} {
		t.Run(alarm.String(), func(t *testing.T) {
			n := newMoney(t, func(g *types.Genesis) {
				g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(100), Rate: units(1)} // into beta
				g.Assets[0].Tokens[0].Flow = types.FlowLimit{Capacity: units(10), Rate: units(1)}  // out of beta
			})
			n.Send(goldFor(bob, 100), alpha)
			n.Send(bridgetest.To(alpha, alice, twinBeta, bob, units(500)), beta) // 500 of custody on beta
			run(n, 6)
			later(n, 100e9)
			sealed := n.Send(goldFor(bob, 60), alpha)
			hold(n, 4)
			committed := n.Send(goldFor(bob, 30), alpha)
			waiting := n.Send(goldFor(bob, 70), alpha)
			refund := n.Send(bridgetest.To(99, bob, wrappedGold(n), bob, units(7)), beta)
			n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(10)), beta)
			from := n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(9)), beta)
			hold(n, 2)
			wantAt(t, n, sealed, types.StatusSealed, noReason)
			wantAt(t, n, committed, types.StatusCommitted, noReason)
			wantAt(t, n, waiting, types.StatusHeld, types.ReasonFlowLimit)
			wantAt(t, n, refund, types.StatusRefunding, types.ReasonUnknownDestination)
			wantAt(t, n, from, types.StatusHeld, types.ReasonFlowLimit)
			n.RaiseAlarm(2, beta, alarm)
			hold(n, 2)
			refused(t, n, retire(beta), "may be retired")
			die(n, beta)
			before := goldOf(n, alice)
			pass(t, n, retire(beta))
			refused(t, n, retire(beta), "retired already")
			for _, id := range []types.TransferID{sealed, committed, waiting} {
				wantAt(t, n, id, types.StatusRefunding, types.ReasonChainRetired)
			}
			stranded := wantAt(t, n, refund, types.StatusQuarantined, types.ReasonChainRetired)
			later(n, 100e9)
			runOn(t, n, 8, alpha)
			for _, id := range []types.TransferID{sealed, committed, waiting} {
				wantAt(t, n, id, types.StatusRefunded, types.ReasonChainRetired)
			}
			back, _ := before.Add(units(160))
			wantBalance(t, n, alpha, goldToken, alice, back)
			trusted := alarm != contradiction
			if trusted {
				wantReleased(t, n, from)
				wantBalance(t, n, alpha, goldToken, carol, units(19))
			} else {
				wantAt(t, n, from, types.StatusQuarantined, types.ReasonChainRetired)
				wantBalance(t, n, alpha, goldToken, carol, units(10))
			}
			if s := supplyOf(t, n, twin); s.Deficit != units(500) || !balanceOf(t, n, twin, beta).Custody.IsZero() {
				t.Errorf("%+v", s)
			}
			if c := chainState(t, n, beta); c.Refused != "retired" || c.OpenBatches != 0 || c.Queued != 0 || c.Executed != c.Outbox {
				t.Errorf("%+v", c)
			}
			records := query[[]bridge.QuarantineView](t, n, "quarantine", bridge.QueryArgs{})
			if trusted != (len(records) == 1) || records[0].Amount != stranded.Amount || records[0].Reason != types.ReasonChainRetired {
				t.Fatalf("%+v", records)
			}
			for _, record := range records {
				refused(t, n, resolve(record.ID, types.QuarantineRefund), "takes no refund any more")
				pass(t, n, resolve(record.ID, types.QuarantineDrop))
			}
			fees := units(7)
			if !trusted {
				fees = units(7 + 9)
			}
			if s := supplyOf(t, n, gold); !s.Quarantined.IsZero() || s.Fees != fees || !s.InFlight.IsZero() {
				t.Errorf("%+v", s)
			}
			late := n.Send(goldFor(bob, 5), alpha)
			runOn(t, n, 8, alpha)
			wantAt(t, n, late, types.StatusRefunded, types.ReasonUnknownDestination)
		})
	}
}

// More waits for a chain than one block moves: nothing of it is ordered there any
// more, and all is refunded by the following blocks.
func TestRetireWithMoreThanOneBlockMoves(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Params.MaxOpenBatches = 4 })
	before := goldOf(n, alice)
	for range 2500 {
		n.Send(goldFor(bob, 1), alpha)
	}
	die(n, beta)
	if c := chainState(t, n, beta); c.Queued < 1500 || c.OpenBatches != 4 {
		t.Fatalf("%+v", c)
	}
	outbox := chainState(t, n, beta).Outbox
	pass(t, n, retire(beta))
	n.SkipAudit = true // of thousands of entries, at the end only
	for range 40 {
		hold(n, 1)
		relayTo(t, n, alpha)
	}
	n.SkipAudit = false
	n.Audit()
	if c := chainState(t, n, beta); c.Queued != 0 || c.Outbox != outbox {
		t.Errorf("%d wait, outbox %d, when it was retired %d", c.Queued, c.Outbox, outbox)
	}
	wantBalance(t, n, alpha, goldToken, alice, before)
}
