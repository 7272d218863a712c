package mailbox

import (
	"testing"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func saidOf(b *Box, id types.ChainID) types.ChainVote {
	for _, c := range b.Pending().Chains {
		if c.Chain == id {
			return c
		}
	}
	return types.ChainVote{Chain: id}
}

func chainStates(pause bridge.Pause, cursor uint64) []bridge.ChainState {
	return []bridge.ChainState{{Chain: types.Chain{ID: 1}, Paused: pause, Cursor: cursor}}
}

func TestTheGreaterAlarmIsVoted(t *testing.T) {
	const unsaid, off, pause, contradiction = types.AlarmUnsaid, types.AlarmOff, types.AlarmPause, types.AlarmContradiction
	raised, cleared := []types.ChainID{2, 1}, []types.ChainID{2}
	for name, c := range map[string]struct {
		observed []types.Alarm
		operator [][]types.ChainID
		want     types.Alarm
	}{
		"nobody speaks of it":                      {nil, nil, off},
		"only the operator, raised":                {nil, [][]types.ChainID{raised}, pause},
		"only the operator, cleared":               {nil, [][]types.ChainID{raised, cleared}, off},
		"the observer does not know":               {[]types.Alarm{unsaid}, nil, unsaid},
		"the observer does not know, raised":       {[]types.Alarm{unsaid}, [][]types.ChainID{raised}, pause},
		"the observer does not know, cleared":      {[]types.Alarm{unsaid}, [][]types.ChainID{raised, cleared}, off},
		"the observer does not know, never raised": {[]types.Alarm{unsaid}, [][]types.ChainID{cleared}, unsaid},
		"all is well":                              {[]types.Alarm{unsaid, off}, [][]types.ChainID{cleared}, off},
		"the operator beats the observer":          {[]types.Alarm{off}, [][]types.ChainID{raised}, pause},
		"the observer beats the operator":          {[]types.Alarm{contradiction}, [][]types.ChainID{raised}, contradiction},
		"withdrawn":                                {[]types.Alarm{contradiction, off}, nil, off},
		"withdrawn, and raised":                    {[]types.Alarm{contradiction, off}, [][]types.ChainID{raised}, pause},
	} {
		t.Run(name, func(t *testing.T) {
			b := New()
			b.Chains(1, chainStates("", 0))
			for _, a := range c.observed {
				b.SetAlarm(1, a, 0)
			}
			for _, ids := range c.operator {
				b.SetOperatorAlarms(ids)
			}
			if got := saidOf(b, 1).Alarm; got != c.want {
				t.Errorf("alarm %d, want %d", got, c.want)
			}
		})
	}
}

func TestContradictionHoldsMarksBack(t *testing.T) {
	b := New()
	b.SetAlarm(1, types.AlarmUnsaid, 0)
	if err := b.Add(1, News{Events: span(1, 2), Marks: []types.Mark{mark(2)}, Head: 7}); err != nil {
		t.Fatal(err)
	}
	changed := b.Changed()
	b.SetAlarm(1, types.AlarmContradiction, 0)
	if !isChanged(changed) {
		t.Error("nobody was woken")
	}
	if got := saidOf(b, 1); got.Head != 0 || len(got.Marks) != 0 || got.Validate() != nil {
		t.Errorf("votes %+v", got)
	}
	b.SetAlarm(1, types.AlarmOff, 0)
	if got := saidOf(b, 1); got.Head != 7 || len(got.Marks) != 1 {
		t.Errorf("votes %+v", got)
	}
}

// From the commit on that re-anchors a chain, nothing of its old history is said.
func TestReanchoredChain(t *testing.T) {
	b := New()
	b.Chains(1, chainStates("", 0))
	b.SetAlarm(1, types.AlarmOff, 0)
	b.SetOperatorAlarms([]types.ChainID{1})
	if err := b.Add(1, News{Events: span(1, 2), Marks: []types.Mark{mark(2)}, Head: 7}); err != nil {
		t.Fatal(err)
	}
	if b.Contradicted() {
		t.Error("contradicted before anybody said so")
	}
	b.SetAlarm(1, types.AlarmContradiction, 0)
	b.Chains(5, chainStates(bridge.PauseContradicted, 0))
	if !b.Contradicted() || saidOf(b, 1).Alarm != types.AlarmContradiction {
		t.Error("the alarm is gone while the chain is contradicted")
	}
	b.Chains(6, chainStates(bridge.PauseNone, 3))
	b.Chains(5, chainStates(bridge.PauseContradicted, 0)) // late
	b.SetAlarm(1, types.AlarmContradiction, 0)            // found before
	if got := saidOf(b, 1); got.Alarm != types.AlarmPause || b.Anchored(1) != 1 || got.Head != 0 || b.Held(1) != 0 || b.Contradicted() {
		t.Errorf("after the re-anchoring %+v, %d events held", got, b.Held(1))
	}
	b.Chains(7, chainStates(bridge.PauseNone, 3))
	if err := b.Add(1, News{Events: span(4, 5), Marks: []types.Mark{mark(5)}, Head: 9}); err != nil {
		t.Fatal(err)
	}
	b.Chains(8, chainStates(bridge.PauseNone, 4))
	if got := saidOf(b, 1); got.Head != 9 || len(got.Marks) != 1 || b.Held(1) != 1 {
		t.Errorf("then %+v, %d events held", got, b.Held(1))
	}
}
