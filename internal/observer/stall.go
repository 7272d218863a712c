package observer

import (
	"context"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
)

// When a finalised block that does not move is worth a word. Chains finalise
// every few seconds or every few minutes, and now and then one round late.
const (
	stallFactor  = 4                // times the usual interval
	stallLeast   = 2 * time.Minute  // however fast it usually is
	stallUnknown = 30 * time.Minute // while no interval is known
	stallEvery   = time.Minute      // between two looks at the newest block
)

// finality is how the finalised block moves. Of Run's goroutine alone.
type finality struct {
	block  uint64
	moved  time.Time     // when it did so last, or was first seen
	usual  time.Duration // between two moves; 0: not known
	looked time.Time     // at the newest block
	newest uint64        // what that was; 0: not looked at since the last move
	said   bool
}

// watch notes whether the finalised block has moved, and says so where it stands
// still for much longer than usual.
func (o *Observer) watch(ctx context.Context, p chain.Position) {
	f, now := &o.finality, time.Now()
	if p.Block == f.block {
		if now.Sub(f.moved) > f.patience() && now.Sub(f.looked) >= stallEvery {
			o.look(ctx, now)
		}
		return
	}
	stood := now.Sub(f.moved)
	if f.said {
		o.log.Info("finality moves again", "height", p.Block, "stood", stood.Round(time.Second))
	}
	if f.block > 0 {
		f.learn(stood)
	}
	*f = finality{block: p.Block, moved: now, usual: f.usual}
	o.update(func(s *Status) { s.Stalled, s.Newest = time.Time{}, 0 })
}

// patience is how long the block may stand still without a word.
func (f *finality) patience() time.Duration {
	if f.usual == 0 {
		return stallUnknown
	}
	return max(stallFactor*f.usual, stallLeast)
}

// learn takes an interval into the usual one, as an average that one long stall
// does not spoil.
func (f *finality) learn(interval time.Duration) {
	if f.usual == 0 {
		f.usual = min(interval, stallUnknown/stallFactor)
		return
	}
	f.usual += (min(interval, 2*f.usual) - f.usual) / 8
}

// look finds out whether the chain goes on without its finality. It takes two
// looks: the first has nothing to compare with.
func (o *Observer) look(ctx context.Context, now time.Time) {
	f := &o.finality
	f.looked = now
	if o.cfg.Newest == nil {
		return
	}
	newest, err := o.cfg.Newest(ctx)
	if err != nil {
		return // the next round's own requests say what is wrong
	}
	before := f.newest
	f.newest = newest
	if before == 0 {
		return
	}
	o.update(func(s *Status) { s.Stalled, s.Newest = f.moved, newest })
	if f.said {
		return
	}
	f.said = true
	args := []any{"height", f.block, "newest", newest, "stands", now.Sub(f.moved).Round(time.Second), "usual", f.usual.Round(time.Second)}
	if newest > before {
		o.log.Warn("finality stalls while the chain goes on: nothing newer is voted until it moves. "+
			"If other operators see the same, wait; if not, replace the endpoints", args...)
		return
	}
	o.log.Warn("the chain stands still: nothing newer is voted until it moves. "+
		"If other operators see new blocks, replace the endpoints", args...)
}
