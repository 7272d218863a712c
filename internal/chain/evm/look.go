package evm

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// looking is what a source keeps from one look at the chain's head to the next.
type looking struct {
	pace     pace
	lead     int            // endpoint that was asked first
	calm     bool           // the last look found nothing new
	trusting bool           // the last look went well: it takes no more endpoints than have to agree
	looks    uint64         // that found something new
	calls    *atomic.Uint64 // that all looks took
}

func newLooking() looking { return looking{calls: new(atomic.Uint64)} }

// moved notes that a look has found and verified a new position.
func (s *Source) moved() {
	s.calm, s.trusting, s.looks = false, true, s.looks+1
	s.pace.moved(s.last.Block, s.last.Time, time.Now(), s.calls.Load())
}

// unmoved notes that a look has found nothing new.
func (s *Source) unmoved() {
	s.calm, s.trusting = true, true
	s.pace.same(time.Now())
}

type countKey struct{}

// counted makes the calls that are made with the context count.
func counted(ctx context.Context, calls *atomic.Uint64) context.Context {
	return context.WithValue(ctx, countKey{}, calls)
}

// gather asks endpoints in an order for headers, as many at once as lacks says
// after each answer, and one more whenever one takes longer than it mostly does.
// It ends when nothing is lacking, or nobody is left; those that are under way
// then are given up, if enough of them have answered.
func (c *Client) gather(ctx context.Context, order []int, answers []said, lacks func([]said) int, ask func(context.Context, Conn) (told, error)) {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	start := time.Now()
	defer func() {
		reason := errFaster
		if time.Since(start) >= agreeGrace {
			reason = errSilent
		}
		cancel(reason)
	}()
	type result struct {
		at   int
		said said
	}
	done, next, underWay := make(chan result, len(order)), 0, 0
	var late, grace <-chan time.Time
	begin := func() bool {
		for ; next < len(order); next++ {
			if at := order[next]; answers[at].err == errUnasked { //nolint:errorlint // a mark, never wrapped
				next, underWay = next+1, underWay+1
				late = time.After(c.endpoints[at].patience(classHeader))
				wg.Go(func() {
					r := result{at: at}
					r.said.err = c.endpoints[at].guarded(ctx, func(ctx context.Context, conn Conn) (err error) {
						r.said.told, err = ask(ctx, conn)
						return err
					})
					done <- r
				})
				return true
			}
		}
		return false
	}
	for {
		for lacking := lacks(answers); underWay < lacking && begin(); {
		}
		if underWay == 0 {
			return
		}
		select {
		case r := <-done:
			underWay--
			answers[r.at] = r.said
			if lacks(answers) == 0 {
				return
			}
			if grace == nil && c.enough(answers, 0) {
				grace = time.After(agreeGrace)
			}
		case <-late:
			late = nil
			begin()
		case <-grace:
			return
		}
	}
}

// enough says that the answers may agree without any other, about that block or
// a later one.
func (c *Client) enough(answers []said, from uint64) bool {
	for _, n := range answers {
		if n.err == nil && n.header.Number >= from && c.groupsAt(answers, n.header.Number) >= c.cfg.MinAgree {
			return true
		}
	}
	return false
}

// Agreement is how the last look at the newest finalised header went.
type Agreement struct {
	Wanted int // groups that have to name the same
	Groups int // that did
	Block  uint64
	At     time.Time // zero: none has ended yet
	Lost   bool      // too few: this node does not vote for the chain
}

// Agreement is how the endpoints agree.
func (c *Client) Agreement() Agreement {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.agreement
}

// noteAgreement keeps what status says of agreement and heads.
func (c *Client) noteAgreement(newest []said, a agreement, err error) {
	same := map[header]map[string]bool{}
	most := 0
	for i, n := range newest {
		if n.err != nil {
			continue
		}
		e := c.endpoints[i]
		e.mu.Lock()
		e.status.Head = n.header.Number
		if err == nil {
			e.status.Lag = a.header.Number - min(a.header.Number, n.header.Number)
		}
		e.mu.Unlock()
		if same[n.header] == nil {
			same[n.header] = map[string]bool{}
		}
		same[n.header][e.group] = true
		most = max(most, len(same[n.header]))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.agreement.At, c.agreement.Lost = time.Now(), err != nil
	if err != nil {
		c.agreement.Groups = most
		return
	}
	if a.groups > 0 { // else it is the one before
		c.agreement.Groups, c.agreement.Block = a.groups, a.header.Number
	}
}
