package simnet

import (
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// timeline is what the state was after each block, for rules about time.
type timeline struct {
	seconds []int64 // block time, by height; index 0 is before the first block
	millis  []int64
	events  []uint64 // inbox events that the block applied, of all chains
	chains  map[types.ChainID]*past
}

// past is one chain after each block.
type past struct {
	paused  []bridge.Pause
	heads   []uint64
	queued  []uint64
	applied []int64 // by inbox nonce - 1: the block that applied the event
}

func newTimeline() *timeline {
	return &timeline{seconds: []int64{0}, millis: []int64{0}, events: []uint64{0}, chains: map[types.ChainID]*past{}}
}

func (t *timeline) of(id types.ChainID) *past {
	if t.chains[id] == nil {
		t.chains[id] = &past{}
	}
	return t.chains[id]
}

// add notes the state after a block.
func (t *timeline) add(height, millis int64, chains []bridge.ChainState) {
	t.seconds, t.millis = append(t.seconds, millis/1000), append(t.millis, millis)
	t.events = append(t.events, 0)
	for i := range chains {
		c := &chains[i]
		p := t.of(c.ID)
		for int64(len(p.paused)) <= height {
			p.paused, p.heads, p.queued = append(p.paused, c.Paused), append(p.heads, c.Head), append(p.queued, c.Queued)
		}
		for uint64(len(p.applied)) < c.Cursor {
			p.applied = append(p.applied, height)
			t.events[height]++
		}
	}
}

// appliedAt is the block that applied an inbox event; 0 if none has yet.
func (p *past) appliedAt(nonce uint64) int64 {
	if nonce > uint64(len(p.applied)) {
		return 0
	}
	return p.applied[nonce-1]
}

// pausedAt says whether a chain was paused before and after a block.
func (p *past) pausedAt(height uint64) bool {
	return height > 0 && height < uint64(len(p.paused)) && p.paused[height] != bridge.PauseNone && p.paused[height-1] != bridge.PauseNone
}
