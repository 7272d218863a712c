package chain

import (
	"fmt"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// aheadStride is how many events lie at least between two marks of Batch.Ahead.
const aheadStride = 4096

// Logged is an inbox event as a server tells it, with the accumulator that the
// contract is said to have emitted with it.
type Logged struct {
	types.InboxEvent
	Hash types.Hash
}

// Collector checks logged events one after the other against the accumulator
// and keeps what the options allow. What it holds is proven only once Finish
// has succeeded.
//
// Marks are placed by the events' nonces and blocks alone, so that honest
// validators name the same ones.
type Collector struct {
	to      types.Mark
	o       ReadOptions
	at      types.Mark // newest event checked, or where reading began
	started bool       // at is an event, not where reading began
	batch   Batch
}

// NewCollector begins after from and is to end in to.
func NewCollector(from, to types.Mark, o ReadOptions) *Collector {
	return &Collector{to: to, o: o, at: from, batch: Batch{Last: from}}
}

// At is the newest event that was checked.
func (c *Collector) At() types.Mark { return c.at }

// Done says whether the last event wanted has been checked.
func (c *Collector) Done() bool { return c.at.Nonce >= c.to.Nonce }

// Verify checks that events follow the ones before and hash as they say, and
// changes nothing. It ignores events up to the collector's position (a span may
// begin inside a block) and, in to's own block, those beyond to.
func (c *Collector) Verify(events []Logged) ([]Logged, error) {
	at := c.at
	first := 0
	for i, e := range events {
		if e.Nonce <= c.at.Nonce && i == first {
			first++
			continue
		}
		if at.Nonce == c.to.Nonce {
			if e.Block < c.to.Block {
				return nil, Failed(CheckLog, "event %d in block %d is beyond the proven inbox, which ends at nonce %d",
					e.Nonce, e.Block, c.to.Nonce)
			}
			return events[first:i], nil
		}
		if e.Nonce != at.Nonce+1 {
			return nil, Failed(CheckHidden, "event %d follows event %d", e.Nonce, at.Nonce)
		}
		if e.Block < at.Block && (i > first || c.started) {
			return nil, Failed(CheckLog, "event %d in block %d follows one in block %d", e.Nonce, e.Block, at.Block)
		}
		hash := evmsig.Accumulate(at.Hash, evmsig.InboxLeaf(e.Nonce, e.Event))
		if hash != e.Hash {
			return nil, Failed(CheckAccumulator, "mismatch at nonce %d: its event hashes to %s, the log says %s", e.Nonce, hash, e.Hash)
		}
		at = types.Mark{Nonce: e.Nonce, Hash: hash, Block: e.Block}
	}
	return events[first:], nil
}

// Add takes events that Verify has returned.
func (c *Collector) Add(events []Logged) {
	for _, e := range events {
		if c.started && e.Block > c.at.Block {
			c.mark()
		}
		c.at, c.started = types.Mark{Nonce: e.Nonce, Hash: e.Hash, Block: e.Block}, true
		c.keep(e.InboxEvent)
		if c.o.MarkStride != 0 && e.Nonce%c.o.MarkStride == 0 {
			c.mark()
		}
	}
}

// keep holds an event while there is room, and after the first one that found
// none no other: events have no gaps.
func (c *Collector) keep(e types.InboxEvent) {
	if len(c.batch.Events) >= max(c.o.MaxEvents, 1) {
		return
	}
	c.batch.Events = append(c.batch.Events, e)
	c.batch.Last = c.at
}

// mark sets a mark at the newest event.
func (c *Collector) mark() {
	marks, apart := &c.batch.Marks, uint64(1)
	if c.at.Nonce > c.batch.Last.Nonce {
		marks, apart = &c.batch.Ahead, aheadStride
	}
	if last := len(*marks) - 1; last >= 0 && c.at.Nonce < (*marks)[last].Nonce+apart {
		return
	}
	*marks = append(*marks, c.at)
}

// Finish says that there are no more events, and gives the batch if they end
// where they have to.
func (c *Collector) Finish() (Batch, error) {
	if c.at.Nonce != c.to.Nonce {
		return Batch{}, Failed(CheckHidden, "the logs end at nonce %d, the inbox at %d", c.at.Nonce, c.to.Nonce)
	}
	if c.at.Hash != c.to.Hash {
		return Batch{}, Failed(CheckAccumulator, "mismatch at nonce %d: the events hash to %s, the contract holds %s",
			c.at.Nonce, c.at.Hash, c.to.Hash)
	}
	if !c.started {
		return c.batch, nil
	}
	if c.batch.Last.Nonce == c.to.Nonce {
		c.mark()
		return c.batch, nil
	}
	ahead := c.batch.Ahead
	if last := len(ahead) - 1; last < 0 || ahead[last].Nonce < c.to.Nonce {
		c.batch.Ahead = append(ahead, c.to)
	} else {
		ahead[last] = c.to
	}
	return c.batch, nil
}

// String is for errors and logs.
func (p Position) String() string {
	return fmt.Sprintf("block %d, inbox nonce %d", p.Block, p.Inbox.Nonce)
}
