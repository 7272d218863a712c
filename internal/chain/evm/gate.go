package evm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"
)

const (
	// breakerFailures in a row open an endpoint's breaker, for breakerOpen: then
	// one request finds out whether it answers again.
	breakerFailures = 5
	breakerOpen     = 5 * time.Second
	// Bounds of the pause after "too many requests": that of a server that does
	// not say how long, and what is believed of one that does.
	firstPause, lastPause, longestPause = time.Second, time.Minute, 10 * time.Minute
)

// errNotAsked is the reason of all errors of requests that were not made.
var errNotAsked = errors.New("not asked for now")

// gate lets requests to one endpoint through: not those beyond the configured
// rate, not while the server asks for quiet, and not while it is down.
type gate struct {
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	limiter *rate.Limiter

	mu     sync.Mutex
	quiet  time.Time // until then the server wants no requests
	pauses backoff.ExponentialBackOff
	told   uint64 // how often it said so
}

// newGate takes requests per second and how many may come at once; 0: no limit.
func newGate(perSecond, burst int) *gate {
	g := &gate{
		limiter: rate.NewLimiter(rate.Inf, 0),
		pauses: backoff.ExponentialBackOff{
			InitialInterval: firstPause, MaxInterval: lastPause, Multiplier: 2, RandomizationFactor: 0.3,
		},
	}
	if perSecond > 0 {
		g.limiter = rate.NewLimiter(rate.Limit(perSecond), max(burst, 1))
	}
	g.breaker = newBreaker(breakerOpen)
	return g
}

// newBreaker stays open for so long.
func newBreaker(open time.Duration) *gobreaker.TwoStepCircuitBreaker[struct{}] {
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Timeout:     open,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerFailures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errNoVerdict) },
	})
}

// errNoVerdict is what the breaker hears of a request that says nothing about
// the server.
var errNoVerdict = errors.New("no verdict")

// enter waits for the rate limit, at most so long, and returns what has to be
// told how the request ended. Errors are errNotAsked, or ctx's.
func (g *gate) enter(ctx context.Context, patience time.Duration) (done func(error), err error) {
	if err := g.shut(); err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := g.limiter.Wait(wait); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: the configured rate is used up", errNotAsked)
	}
	if done, err = g.breaker.Allow(); err != nil {
		return nil, fmt.Errorf("%w: it failed %d times in a row", errNotAsked, breakerFailures)
	}
	return done, nil
}

// shut is the reason why no request is made now; nil: none.
func (g *gate) shut() error {
	if wait := g.wait(); wait > 0 {
		return fmt.Errorf("%w: it answers that there are too many requests, for another %s", errNotAsked, wait.Round(time.Second/10))
	}
	if g.breaker.State() == gobreaker.StateOpen {
		return fmt.Errorf("%w: it failed %d times in a row", errNotAsked, breakerFailures)
	}
	return nil
}

// wait is how long the server wants no requests.
func (g *gate) wait() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(time.Until(g.quiet), 0)
}

// spend counts further calls of a request that was let in. Those beyond the rate
// delay the next request.
func (g *gate) spend(calls int) {
	if calls > 0 {
		g.limiter.ReserveN(time.Now(), min(calls, g.limiter.Burst()))
	}
}

// pause is called when the server says that it is asked too much. After is what
// it wants to be waited; 0: it does not say.
func (g *gate) pause(after time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told++
	if time.Until(g.quiet) > 0 {
		return // requests that were under way
	}
	if after <= 0 {
		after = g.pauses.NextBackOff()
	}
	g.quiet = time.Now().Add(min(after, longestPause))
}

// served is called after an answer.
func (g *gate) served() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pauses.Reset()
}

// state is the word for status: open to requests or not, and until when.
func (g *gate) state() (word string, refusals uint64) {
	g.mu.Lock()
	refusals = g.told
	g.mu.Unlock()
	if g.wait() > 0 {
		return StateLimited, refusals
	}
	switch g.breaker.State() {
	case gobreaker.StateOpen:
		return StateDown, refusals
	case gobreaker.StateHalfOpen:
		return StateProbing, refusals
	}
	return StateUp, refusals
}

// What EndpointStatus.State can be.
const (
	StateUp      = "up"
	StateLimited = "rate limited" // it asked for quiet
	StateDown    = "down"         // it failed too often, and is left alone for some seconds
	StateProbing = "probing"      // the next request decides
)

// States are all of them, in the order of the metric's values.
var States = []string{StateUp, StateProbing, StateLimited, StateDown}
