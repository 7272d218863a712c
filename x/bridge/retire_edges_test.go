package bridge_test

import (
	"testing"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// What had come from a paused chain waited for its unpausing, which a retired
// chain does not get: it waited for ever. A contradicted chain's word is not
// taken: its transfers end in quarantine.
func TestRetiredWhilePausedHoldsNothing(t *testing.T) {
	for _, c := range []struct {
		alarm  types.Alarm
		status types.Status
		reason types.Reason
	}{
		{alarmPause, types.StatusReleased, noReason},
		{contradiction, types.StatusQuarantined, types.ReasonChainRetired},
	} {
		t.Run(c.alarm.String(), func(t *testing.T) {
			n := newMoney(t, nil)
			n.RaiseAlarm(2, beta, alarmPause)
			hold(n, 2)
			id := n.Send(goldFor(bob, 10), alpha)
			hold(n, 2)
			n.RaiseAlarm(2, alpha, c.alarm)
			run(n, 3)
			wantAt(t, n, id, types.StatusHeld, types.ReasonChainPaused)
			n.RaiseAlarm(2, beta, alarmOff)
			die(n, alpha)
			pass(t, n, retire(alpha))
			pass(t, n, unpause(beta))
			runOn(t, n, 6, beta)
			wantAt(t, n, id, c.status, c.reason)
		})
	}
}

// A chain that nobody had voted about yet had been silent since ever: it could be
// retired, for good, right after it was added. Its time begins when it is added.
func TestNewChainHasItsTimeBeforeItIsRetired(t *testing.T) {
	n := newMoney(t, nil)
	gamma := n.Genesis.Chains[1]
	gamma.ID, gamma.Label, gamma.Bridge = 31003, "gamma", types.Address{0xb0, 3}
	n.Connect(gamma)
	n.Chains[gamma.ID].Lag = 1 << 30 // and it never says anything
	id := n.Pass(retire(gamma.ID))
	wantProposal(t, n, id, types.ProposalFailed, "not_applicable")
	refused(t, n, retire(gamma.ID), "may be retired")
	if c := chainState(t, n, gamma.ID); c.Refused != "" {
		t.Errorf("%+v", c)
	}
	hold(n, 12)
	pass(t, n, retire(gamma.ID))
}

// A release that vanished, on a chain that is re-anchored and then dies, was
// neither paid nor refunded.
func TestRetiredAfterAReanchoringRefundsWhatVanished(t *testing.T) {
	n := newMoney(t, nil)
	before := goldOf(n, alice)
	hold(n, 1)
	back := n.Chains[beta].Height() - 1
	id := n.Send(goldFor(bob, 1000), alpha)
	run(n, 6)
	wantReleased(t, n, id)
	common := reorg(t, n, beta, back)
	contradict(t, n, beta)
	pad(t, n, beta)
	pass(t, n, anchorOf(t, n, beta, common))
	die(n, beta)
	pass(t, n, retire(beta))
	runOn(t, n, 6, alpha)
	wantAt(t, n, id, types.StatusRefunded, types.ReasonChainRetired)
	wantBalance(t, n, alpha, goldToken, alice, before)
	wantBooks(t, n)
}
