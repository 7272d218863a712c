package evm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
)

const (
	// atOnce is how many ranges one endpoint fetches at the same time: one is on
	// its way while the other is decoded.
	atOnce = 2
	// maxAhead is how many events may wait to be verified before nobody fetches
	// more: together with manyLogs and maxAnswer it bounds the memory.
	maxAhead = 4 * manyLogs
	// leastDue is how long the piece that is wanted next is waited for at least
	// before another endpoint is asked for it too.
	leastDue = time.Second
)

// errMixed says that what two endpoints served does not fit together, so that
// neither can be blamed.
var errMixed = errors.New("the logs of two endpoints do not fit together")

// reading is one pass over a span of blocks. Endpoints fetch pieces of it at the
// same time, each as large as it serves; the pieces are verified in their order.
//
//	pieces:  [fetched, waits to be verified][being fetched][fetched] [nobody's yet ........]
//	           ▲ next                                                 ▲ take
type reading struct {
	source *Source
	order  []*endpoint // who is asked before whom
	alone  bool        // one endpoint at a time: the first that has not failed

	mu      sync.Mutex
	changed *sync.Cond
	pieces  []*piece            // adjoining, ascending; verified ones are gone
	out     map[*endpoint]error // who has failed in this pass
	ahead   int                 // events fetched and not verified
	over    bool

	since map[*endpoint]bool // who served pieces from the last event on
}

// piece is a range of blocks.
type piece struct {
	first, last uint64
	under       map[*endpoint]context.CancelCauseFunc // who fetches it
	due         time.Time                             // when others may fetch it too
	done        bool
	by          *endpoint // has fetched it
	events      []chain.Logged
}

func newPiece(first, last uint64) *piece {
	return &piece{first: first, last: last, under: map[*endpoint]context.CancelCauseFunc{}}
}

func newReading(s *Source, first, last uint64, order []*endpoint, alone bool) *reading {
	r := &reading{source: s, order: order, alone: alone, out: map[*endpoint]error{}, since: map[*endpoint]bool{}}
	r.changed = sync.NewCond(&r.mu)
	if first <= last {
		r.pieces = []*piece{newPiece(first, last)}
	}
	return r
}

// run fetches until the collector has all it wants, or nothing more can be had.
// No goroutine outlives it.
func (r *reading) run(ctx context.Context, collector *chain.Collector, progress func(uint64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer r.end()
	defer cancel(errFaster)
	defer context.AfterFunc(ctx, r.end)()
	for _, e := range r.order {
		for range atOnce {
			workers.Go(func() { r.fetch(ctx, e) })
		}
	}
	for !collector.Done() {
		p, err := r.next()
		if p == nil || err != nil {
			return err
		}
		events, err := collector.Verify(p.events)
		if err != nil {
			if err = r.blame(p, err, collector); err != nil {
				return err
			}
			continue
		}
		collector.Add(events)
		r.accept(p)
		if progress != nil {
			progress(p.last)
		}
	}
	return nil
}

// end lets everybody go home.
func (r *reading) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	r.changed.Broadcast()
}

// fetch is one goroutine of an endpoint.
func (r *reading) fetch(ctx context.Context, e *endpoint) {
	var p *piece
	defer func() {
		// The supervisor of the caller's goroutine does not see this one.
		if v := recover(); v != nil {
			r.fail(e, p, e.failed(fmt.Errorf("panic: %v", v)))
		}
	}()
	for {
		ctx, cancel := context.WithCancelCause(ctx)
		p = nil
		task, ok := r.take(e, cancel)
		if !ok {
			cancel(nil)
			return
		}
		p = task.piece
		late := time.AfterFunc(time.Until(task.due), r.changed.Broadcast)
		events, last, err := r.source.fetchRange(ctx, e, task.first, task.last)
		late.Stop()
		cancel(nil)
		if err != nil {
			r.fail(e, p, err)
			return
		}
		r.give(e, p, events, last)
	}
}

// task is a piece as it was when somebody took it: another may change it.
type task struct {
	piece       *piece
	first, last uint64
	due         time.Time
}

// take waits for the next piece that an endpoint should fetch, and says whether
// there is more to do for it.
func (r *reading) take(e *endpoint, cancel context.CancelCauseFunc) (task, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; !r.over && r.out[e] == nil; r.changed.Wait() {
		p := r.free(e)
		if p == nil {
			p = r.late(e)
		}
		if p != nil {
			p.under[e] = cancel
			p.due = time.Now().Add(max(2*e.patience(classLogs), leastDue))
			return task{p, p.first, p.last, p.due}, true
		}
	}
	return task{}, false
}

// free is the first piece that nobody fetches, as long as the endpoint serves, if
// it is its turn and what is fetched already is not too far ahead.
func (r *reading) free(e *endpoint) *piece {
	if r.alone && e != r.first() {
		return nil
	}
	i := slices.IndexFunc(r.pieces, func(p *piece) bool { return !p.done && len(p.under) == 0 })
	if i < 0 || i > 0 && (r.ahead >= maxAhead || i >= 2*atOnce*len(r.order)) {
		return nil
	}
	p := r.pieces[i]
	r.cut(p, p.first+min(p.last-p.first, r.source.limits[e].blocks()-1))
	return p
}

// late is the piece that everything waits for, where others take too long for it.
func (r *reading) late(e *endpoint) *piece {
	if len(r.pieces) == 0 {
		return nil
	}
	p := r.pieces[0]
	if _, own := p.under[e]; own || p.done || len(p.under) == 0 || time.Now().Before(p.due) {
		return nil
	}
	return p
}

// first is the endpoint whose turn it is where one serves at a time.
func (r *reading) first() *endpoint {
	for _, e := range r.order {
		if r.out[e] == nil {
			return e
		}
	}
	return nil
}

// cut ends a piece at a block; what follows becomes a piece of its own.
func (r *reading) cut(p *piece, last uint64) {
	if last == p.last {
		return
	}
	r.pieces = slices.Insert(r.pieces, slices.Index(r.pieces, p)+1, newPiece(last+1, p.last))
	p.last = last
}

// fail ends an endpoint's part in this pass; its piece is for others.
func (r *reading) fail(e *endpoint, p *piece, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.changed.Broadcast()
	r.out[e] = err
	if p != nil {
		delete(p.under, e)
	}
}

// give brings what was fetched, which may be less than the piece. Whoever was
// slower at the same has been silent too long.
func (r *reading) give(e *endpoint, p *piece, events []chain.Logged, last uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.changed.Broadcast()
	delete(p.under, e)
	if p.done {
		return
	}
	for _, cancel := range p.under {
		cancel(errSilent)
	}
	r.cut(p, last)
	p.done, p.by, p.events = true, e, events
	r.ahead += len(events)
}

// next waits for the piece to be verified next; nil: that was all.
func (r *reading) next() (*piece, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; ; r.changed.Wait() {
		switch {
		case len(r.pieces) == 0:
			return nil, nil
		case r.pieces[0].done:
			return r.pieces[0], nil
		case len(r.pieces[0].under) == 0 && r.first() == nil:
			var errs []error
			for _, e := range r.order {
				errs = append(errs, r.out[e])
			}
			return nil, join(errs)
		case r.over:
			return nil, context.Canceled
		}
	}
}

// accept takes a verified piece away.
func (r *reading) accept(p *piece) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.changed.Broadcast()
	r.ahead -= len(p.events)
	r.pieces = r.pieces[1:]
	if len(p.events) > 0 {
		clear(r.since)
	}
	r.since[p.by] = true
}

// blame gives a piece that does not verify to others. Where its first event does
// not follow what others served before, it may be their fault as well.
func (r *reading) blame(p *piece, err error, collector *chain.Collector) error {
	fresh := slices.IndexFunc(p.events, func(e chain.Logged) bool { return e.Nonce > collector.At().Nonce })
	_, atFirst := collector.Verify(p.events[:fresh+1])
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.changed.Broadcast()
	others := len(r.since)
	if r.since[p.by] {
		others--
	}
	if atFirst != nil && others > 0 {
		return fmt.Errorf("%w: %w", errMixed, err)
	}
	r.out[p.by] = p.by.failed(err)
	r.ahead -= len(p.events)
	p.done, p.by, p.events = false, nil, nil
	return nil
}
