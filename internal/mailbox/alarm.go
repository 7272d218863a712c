package mailbox

import (
	"slices"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// SetAlarm puts in what a chain's observer says: AlarmContradiction, AlarmOff,
// or AlarmUnsaid while it cannot tell yet. The vote then leaves the alarm that
// the state holds as it is; a chain that no observer ever spoke of has none. What
// was found before the last re-anchoring, by the count that Anchored gave, is out
// of date and passed over.
func (b *Box) SetAlarm(id types.ChainID, alarm types.Alarm, anchored uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.chain(id)
	if anchored == c.anchored && (!c.observed || c.alarm != alarm) {
		c.observed, c.alarm = true, alarm
		b.notify()
	}
}

// Anchored is how often governance was seen to re-anchor a chain.
func (b *Box) Anchored(id types.ChainID) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.chain(id).anchored
}

// SetOperatorAlarms puts in the chains that the operator wants paused, instead
// of those before.
func (b *Box) SetOperatorAlarms(ids []types.ChainID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		b.chain(id)
	}
	for id, c := range b.chains {
		before := c.operator
		switch {
		case slices.Contains(ids, id):
			c.operator = types.AlarmPause
		case before == types.AlarmPause:
			c.operator = types.AlarmOff
		}
		if c.operator != before {
			b.notify()
		}
	}
}

// said is the greater of what observer and operator say.
func (c *inbox) said() types.Alarm {
	if !c.observed {
		return max(c.operator, types.AlarmOff)
	}
	return max(c.operator, c.alarm)
}

// Contradicted says whether an observer raises the alarm for any chain, or the
// state holds one for contradicted: then Chains is to be told of each commit
// before the next vote.
func (b *Box) Contradicted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.chains {
		if c.stopped || c.alarm == types.AlarmContradiction {
			return true
		}
	}
	return false
}

// Chains tells of all chains as a committed state has them. Where governance has
// re-anchored one, nothing that is held of it belongs to its history any more,
// the observer's alarm neither: a vote with that would stop the chain again.
func (b *Box) Chains(height uint64, chains []bridge.ChainState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if height < b.height {
		return // another goroutine was faster
	}
	b.height = height
	for i := range chains {
		b.chain(chains[i].ID).follow(&chains[i])
	}
}

func (c *inbox) follow(state *bridge.ChainState) {
	stopped := state.Paused == bridge.PauseContradicted
	if c.stopped && !stopped {
		*c = inbox{observed: c.observed, operator: c.operator, anchored: c.anchored + 1}
	}
	c.stopped = stopped
	c.cursor = max(c.cursor, state.Cursor)
	c.prune()
}
