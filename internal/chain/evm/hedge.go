package evm

import (
	"context"
	"sync"
	"time"
)

// hedgeShare is which share of the reads may be asked for twice.
const hedgeShare = 10

// budget bounds the extra load of hedged reads: one in hedgeShare, and a few at
// once after a quiet time.
type budget struct {
	mu     sync.Mutex
	credit int // in reads
	spent  uint64
}

const fullBudget = 5 * hedgeShare

// read is called for every read.
func (b *budget) read() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.credit = min(b.credit+1, fullBudget)
}

// hedge says whether a read may be asked for once more.
func (b *budget) hedge() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.credit < hedgeShare {
		return false
	}
	b.credit -= hedgeShare
	b.spent++
	return true
}

// Hedged is how many reads were asked for at another endpoint too.
func (c *Client) Hedged() uint64 {
	c.hedges.mu.Lock()
	defer c.hedges.mu.Unlock()
	return c.hedges.spent
}

// read asks for something that any endpoint can tell: the one that does best
// first, the next when it fails, or when it takes longer than nearly all of its
// answers do. The first good answer counts, and the other requests are ended. It
// is retried as Do is. Ask must not write to what it shares with other calls.
func read[T any](ctx context.Context, c *Client, kind class, ask func(context.Context, Conn) (T, error)) (value T, err error) {
	err = again(ctx, func() error {
		value, err = race(ctx, c, kind, ask)
		return err
	})
	return value, err
}

func race[T any](ctx context.Context, c *Client, kind class, ask func(context.Context, Conn) (T, error)) (value T, err error) {
	c.hedges.read()
	ctx, cancel := context.WithCancelCause(ctx)
	type result struct {
		value T
		err   error
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(errFaster)
	order, done := c.from(c.best(kind)), make(chan result, len(c.endpoints))
	next, underWay := 0, 0
	var late <-chan time.Time
	begin := func() {
		e := c.endpoints[order[next]]
		next, underWay = next+1, underWay+1
		late = time.After(e.patience(kind))
		wg.Go(func() {
			var r result
			defer func() { done <- r }()
			r.err = e.guarded(ctx, func(ctx context.Context, conn Conn) (err error) {
				r.value, err = ask(ctx, conn)
				return err
			})
		})
	}
	var errs []error
	for begin(); underWay > 0; {
		select {
		case r := <-done:
			underWay--
			if r.err == nil {
				return r.value, nil
			}
			errs = append(errs, r.err)
			if underWay == 0 && next < len(order) && ctx.Err() == nil {
				begin()
			}
		case <-late:
			late = nil
			if next < len(order) && c.hedges.hedge() {
				begin()
			}
		}
	}
	if ctx.Err() != nil {
		return value, context.Cause(ctx)
	}
	return value, join(errs)
}

// patience is how long nearly every answer of a class takes at most.
func (e *endpoint) patience(kind class) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.stats[kind]
	if !s.timed {
		s = e.all
	}
	return min(s.patience(), e.timeout/2)
}
