package node

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/observer"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// alarmPoll is how often the operator's alarms are read again.
const alarmPoll = 500 * time.Millisecond

// alarms brings what the operator raises in a file to the mailbox, and writes
// down what observers raise for those who look at the home.
type alarms struct {
	home      config.Home
	box       *mailbox.Box
	observers func() []observer.Status
	log       *slog.Logger

	raised  []ops.OperatorAlarm // in force
	written []ops.ObserverAlarm

	mu      sync.Mutex
	trouble error // with the operator's file
}

// wireAlarms lets the first vote know the operator's alarms, and every vote
// after a re-anchoring that the old one is over.
func (n *Node) wireAlarms(state view) error {
	chains, err := state.chains()
	if err != nil && !errors.Is(err, app.ErrNoBlock) {
		return err
	}
	n.mailbox.Chains(state.Height(), chains)
	n.listeners = append(n.listeners, func(height int64) {
		if !n.mailbox.Contradicted() {
			return
		}
		// Not the keeper's work: the next vote may be faster.
		if chains, err := state.chains(); err == nil {
			n.mailbox.Chains(uint64(height), chains)
		}
	})
	a := &alarms{home: n.Home, box: n.mailbox, observers: n.observers, log: n.Logger.With("component", "alarms")}
	if err := ops.WriteAlarms(n.Home.ContradictionsFile(), []ops.ObserverAlarm{}); err != nil {
		return err // of an earlier run: this one has yet to look
	}
	a.readOperators()
	n.health.Add("alarms", a.check)
	n.workers = append(n.workers, worker{"alarms", a.run})
	return nil
}

func (n *Node) observers() []observer.Status {
	all := make([]observer.Status, len(n.chains))
	for i, c := range n.chains {
		all[i] = c.observer.Status()
	}
	return all
}

func (a *alarms) run(ctx context.Context) error {
	ticker := time.NewTicker(alarmPoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		a.readOperators()
		a.writeObservers()
	}
}

// check is the readiness of the operator's alarms.
func (a *alarms) check() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.trouble
}

// readOperators takes the operator's alarms over. Those of a file that cannot be
// read stay as they were: trouble with it ends no alarm.
func (a *alarms) readOperators() {
	raised, err := ops.ReadAlarms[ops.OperatorAlarm](a.home.AlarmsFile())
	if a.news(err) {
		a.log.Error("the operator's alarms stay as they were (will retry)", "err", err)
	}
	if err != nil || slices.EqualFunc(raised, a.raised, sameAlarm) {
		return
	}
	ids := make([]types.ChainID, len(raised))
	for i, r := range raised {
		ids[i] = r.Chain
		if !slices.ContainsFunc(a.raised, func(b ops.OperatorAlarm) bool { return sameAlarm(r, b) }) {
			a.log.Warn("operator's alarm: this validator votes to pause the chain", "chain", r.Label, "chain_id", r.Chain, "reason", r.Reason)
		}
	}
	for _, r := range a.raised {
		if !slices.Contains(ids, r.Chain) {
			a.log.Info("operator's alarm cleared", "chain", r.Label, "chain_id", r.Chain)
		}
	}
	a.box.SetOperatorAlarms(ids)
	a.raised = raised
}

func sameAlarm(a, b ops.OperatorAlarm) bool { return a.Chain == b.Chain && a.Reason == b.Reason }

// news notes a trouble, and says whether it is another one than before.
func (a *alarms) news(err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.trouble
	a.trouble = err
	return err != nil && (before == nil || before.Error() != err.Error())
}

func (a *alarms) writeObservers() {
	found := []ops.ObserverAlarm{}
	for _, s := range a.observers() {
		if s.Alarm == types.AlarmContradiction {
			found = append(found, ops.ObserverAlarm{Chain: s.Chain, Label: s.Label, Since: s.AlarmSince, Found: s.Found, Evidence: s.Evidence})
		}
	}
	if slices.Equal(found, a.written) {
		return
	}
	if err := ops.WriteAlarms(a.home.ContradictionsFile(), found); err != nil {
		a.log.Warn("what observers found is not written down (will retry)", "err", err)
		return
	}
	a.written = found
}
