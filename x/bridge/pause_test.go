package bridge_test

import (
	"errors"
	"testing"

	"github.com/icrosschain/bridged/x/bridge"
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Exactly 1/3 of the power does not pause, more does; in the very block that
// brings the extensions.
func TestMoreThanAThirdPauses(t *testing.T) {
	for _, c := range []struct {
		powers    []uint32
		raise     int // the first of them
		alarm     types.Alarm
		want      bridge.Pause
		wantEvent int
	}{
		{[]uint32{1, 1, 1}, 1, alarmPause, bridge.PauseNone, 0},
		{[]uint32{1, 1, 1}, 1, contradiction, bridge.PauseNone, 0},
		{[]uint32{100, 100, 100}, 1, alarmPause, bridge.PauseNone, 0},
		{[]uint32{101, 100, 100}, 1, alarmPause, bridge.PausePaused, 1},
		{[]uint32{1, 1, 1, 1}, 1, alarmPause, bridge.PauseNone, 0},
		{[]uint32{1, 1, 1, 1}, 2, alarmPause, bridge.PausePaused, 1},
		{[]uint32{1, 1, 1, 1}, 2, contradiction, bridge.PauseContradicted, 1},
		{[]uint32{2, 1, 1, 1, 1}, 1, alarmPause, bridge.PauseNone, 0},
		{[]uint32{3, 1, 1, 1, 1}, 1, alarmPause, bridge.PausePaused, 1},
	} {
		n := bridgetest.New(t, bridgetest.PairGenesis(), c.powers...)
		n.Settle(20)
		n.Events = nil
		n.RaiseAlarm(c.raise, beta, c.alarm)
		raised := n.Height + 1 // its extensions bring the alarm
		n.Step()
		if got := chainState(t, n, beta); got.Paused != bridge.PauseNone {
			t.Errorf("%v: paused before the extensions are in a block", c)
		}
		n.Step()
		got := chainState(t, n, beta)
		if got.Paused != c.want || c.want != bridge.PauseNone && got.PausedHeight != uint64(raised)+1 {
			t.Errorf("%v: %q at %d, raised at %d", c, got.Paused, got.PausedHeight, raised)
		}
		told := 0
		for _, e := range n.Events {
			if e.Type == bridge.EventChainPaused {
				told++
			}
		}
		if other := chainState(t, n, alpha).Paused; told != c.wantEvent || other != bridge.PauseNone {
			t.Errorf("%v: told %d times, alpha is %q", c, told, other)
		}
	}
}

// An alarm is kept without being repeated; one that is withdrawn does not start
// the chain again, and one that stands does not keep governance from it.
func TestAlarmsAreSticky(t *testing.T) {
	n := newMoney(t, nil)
	n.RaiseAlarm(1, beta, alarmPause)
	run(n, 2)
	n.Validators[0].Down = true // it raised it, and is not heard of any more
	run(n, 6)
	n.Validators[1].Alarms = map[types.ChainID]types.Alarm{beta: alarmPause}
	run(n, 2)
	if c := chainState(t, n, beta); c.Paused != bridge.PausePaused {
		t.Fatalf("%+v", c)
	}
	n.Validators[0].Down = false
	n.RaiseAlarm(2, beta, alarmOff)
	run(n, 4)
	if c := chainState(t, n, beta); c.Paused != bridge.PausePaused {
		t.Fatalf("a withdrawn alarm unpauses: %+v", c)
	}
	pass(t, n, unpause(beta))
	run(n, 4)
	if c := chainState(t, n, beta); c.Paused != bridge.PauseNone || c.PausedHeight != 0 {
		t.Fatalf("%+v", c)
	}
	refused(t, n, unpause(beta), "not paused")
	// Whoever still has a reason says so again.
	n.RaiseAlarm(2, beta, alarmPause)
	run(n, 3)
	pass(t, n, unpause(beta))
	if c := chainState(t, n, beta); c.Paused != bridge.PauseNone {
		t.Fatalf("%+v", c)
	}
	run(n, 2)
	if c := chainState(t, n, beta); c.Paused != bridge.PausePaused {
		t.Fatalf("%+v", c)
	}
	// It can become worse, and an alarm to pause does not make it better.
	n.RaiseAlarm(2, beta, contradiction)
	run(n, 2)
	n.RaiseAlarm(2, beta, alarmPause)
	run(n, 2)
	if c := chainState(t, n, beta); c.Paused != bridge.PauseContradicted {
		t.Fatalf("%+v", c)
	}
	refused(t, n, unpause(beta), "re-anchor it")
}

// A paused chain takes no deposits; what had come is applied, refunds and claims
// go on, and so does everything between others.
func TestWhatAPauseHolds(t *testing.T) {
	n := newMoney(t, nil)
	n.Send(goldFor(bob, 100), alpha)
	n.Send(bridgetest.To(beta, bob, types.NativeToken, alice, ether(1)), alpha)
	n.Settle(12)
	n.Chains[beta].Refuses[refuser] = true
	owing := bridgetest.To(99, bob, wrappedGold(n), bob, units(7))
	owing.RefundTo = refuser
	debt := n.Send(owing, beta)
	n.Settle(12)
	n.RaiseAlarm(2, beta, alarmPause)
	to := n.Send(goldFor(bob, 5), alpha)
	from := n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(5)), beta)
	refund := n.Send(bridgetest.To(99, bob, wrappedGold(n), bob, units(6)), beta)
	run(n, 8)
	if n.Chains[beta].State().Deposits {
		t.Error("the paused contract takes deposits")
	}
	if _, err := n.Chains[beta].Deposit(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(5))); !errors.Is(err, bridgetest.Revert("DepositsOff")) {
		t.Errorf("%v", err)
	}
	wantAt(t, n, to, types.StatusHeld, types.ReasonChainPaused)
	wantAt(t, n, from, types.StatusHeld, types.ReasonChainPaused)
	wantAt(t, n, refund, types.StatusRefunded, types.ReasonUnknownDestination)
	owed := wantAt(t, n, debt, types.StatusOwed, types.ReasonRefundFailed)
	if err := n.Chains[beta].Claim(owed.OutboxNonce, owed.OutboxIndex, carol); err != nil {
		t.Fatal(err)
	}
	head := chainState(t, n, beta).Head
	run(n, 4)
	wantAt(t, n, debt, types.StatusClaimed, types.ReasonRefundFailed)
	if c := chainState(t, n, beta); c.Head <= head || c.Cursor != uint64(len(n.Chains[beta].Inbox())) {
		t.Errorf("inbox or head of the paused chain stand still: %+v", c)
	}
	n.RaiseAlarm(2, beta, alarmOff)
	run(n, 3)
	pass(t, n, unpause(beta))
	run(n, 8)
	if !n.Chains[beta].State().Deposits {
		t.Error("the contract takes no deposits after the pause")
	}
	wantReleased(t, n, to, from)
}

// A contradicted chain: nobody accepts a payload of it, its head stands still,
// refunds into it wait, and all else goes on. The alarm comes in the very block
// that would have applied a deposit.
func TestContradictionStopsTheInbox(t *testing.T) {
	n := newMoney(t, nil)
	n.Send(goldFor(bob, 100), alpha)
	n.Settle(12)
	waiting := n.Send(bridgetest.To(99, bob, wrappedGold(n), bob, units(6)), beta)
	hold(n, 1) // its mark is voted now
	n.RaiseAlarm(2, beta, contradiction)
	n.Send(bridgetest.To(99, bob, wrappedGold(n), bob, units(7)), beta)
	n.Send(bridgetest.To(99, bob, goldToken, alice, units(7)), alpha)
	hold(n, 1) // applies the first, votes the second together with the alarm
	before := chainState(t, n, beta)
	run(n, 1)
	after := chainState(t, n, beta)
	if after.Paused != bridge.PauseContradicted || after.Cursor != before.Cursor || after.Head != before.Head {
		t.Fatalf("before %+v\nafter %+v", before, after)
	}
	other := n.Send(bridgetest.To(99, bob, goldToken, alice, units(8)), alpha)
	run(n, 8)
	wantAt(t, n, other, types.StatusRefunded, types.ReasonUnknownDestination)
	if got := wantAt(t, n, waiting, types.StatusRefunding, types.ReasonUnknownDestination); got.OutboxNonce == 0 && got.Wait != types.ReasonChainPaused {
		t.Errorf("%+v", got)
	}
	if c := chainState(t, n, beta); c.Cursor != before.Cursor || c.Head != before.Head {
		t.Errorf("%+v", c)
	}
	// A proposer that brings the events all the same.
	event := n.Chains[beta].Inbox()[before.Cursor]
	n.Propose = func(honest [][]byte) [][]byte {
		message := &pb.SystemTx{}
		if err := decodeInto(t, honest[0][2:], message); err != nil {
			t.Fatal(err)
		}
		deposited, _ := event.Event.(types.Deposited)
		message.Payloads = append(message.Payloads, &pb.Payload{Chain: uint64(beta), Events: []*pb.InboxEvent{{
			Event: &pb.InboxEvent_Deposited{Deposited: &pb.Deposited{
				Token: deposited.Token[:], Sender: deposited.Sender[:], Destination: uint64(deposited.Destination),
				Recipient: deposited.Recipient[:], RefundTo: deposited.RefundTo[:], Amount: deposited.Amount.Bytes(), MaxFee: deposited.MaxFee.Bytes(),
			}},
		}}})
		tx := encode(t, honest[0][:2], message)
		block := n.Block()
		for i, v := range n.Validators {
			if err := n.Machine.VerifyProposal(v.Store, block, [][]byte{tx}); !errors.Is(err, bridge.ErrBadProposal) {
				t.Errorf("validator %d accepts a payload of the contradicted chain: %v", i, err)
			}
		}
		return [][]byte{tx}
	}
	hold(n, 1) // and if a block held it, it is not applied
	n.Propose = nil
	if c := chainState(t, n, beta); c.Cursor != before.Cursor {
		t.Errorf("%+v", c)
	}
}

// A refund that is not committed when its chain is contradicted waits.
func TestRefundsIntoAContradictedChainWait(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Chains[0].BatchGapMS = 3000 })
	n.Send(bridgetest.To(99, bob, goldToken, alice, units(1)), alpha)
	run(n, 2)
	id := n.Send(bridgetest.To(99, bob, goldToken, alice, units(2)), alpha)
	run(n, 2)
	if got := wantAt(t, n, id, types.StatusRefunding, types.ReasonUnknownDestination); got.Wait != types.ReasonBatchGap {
		t.Fatalf("%+v", got)
	}
	n.RaiseAlarm(2, alpha, contradiction)
	run(n, 20)
	if got := wantAt(t, n, id, types.StatusRefunding, types.ReasonUnknownDestination); got.Wait != types.ReasonChainPaused || got.OutboxNonce != 0 {
		t.Errorf("%+v", got)
	}
}
