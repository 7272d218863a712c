package evm

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/internal/chain"
)

const (
	// loyalty is by how much another endpoint has to do better than the one that
	// is used: two servers are never at the same block.
	loyalty = 1.5
	// tries is how often all endpoints are asked before an error is one.
	tries = 2
	// Bounds of the wait between tries.
	firstRetry, lastRetry = 100 * time.Millisecond, time.Second
)

// weight is how much an endpoint is to be preferred for a class of requests: by
// its latency, by how often it fails at them, and by how far it is behind.
func (e *endpoint) weight(kind class, now time.Time) float64 {
	shut := e.gate.shut() != nil
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.all
	own := &e.stats[kind]
	s.failure, s.failedAt = own.failure, own.failedAt
	w := s.weight(now) / float64(1+e.status.Lag)
	if shut {
		w /= 1e6
	}
	return w
}

// best is the endpoint that does best at a class of requests. It stays the same
// until another one does much better.
func (c *Client) best(kind class) int {
	now := time.Now()
	weights := make([]float64, len(c.endpoints))
	at := 0
	for i, e := range c.endpoints {
		if weights[i] = e.weight(kind, now); weights[i] > weights[at] {
			at = i
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if used := slices.Index(c.endpoints, c.favourite[kind]); used >= 0 && weights[used]*loyalty >= weights[at] {
		return used
	}
	c.favourite[kind] = c.endpoints[at]
	return at
}

// from is the order in which endpoints are asked that begins with a certain one:
// the others as they do.
func (c *Client) from(first int) []int {
	order := c.ranked(classState, func(weight float64) float64 { return weight })
	order = slices.DeleteFunc(order, func(i int) bool { return i == first })
	return slices.Insert(order, 0, first)
}

// drawn is all endpoints in an order that chance decides, by their weights: the
// better ones are mostly asked first, and all of them now and then.
func (c *Client) drawn(kind class) []int {
	return c.ranked(kind, func(weight float64) float64 { return weight / rand.ExpFloat64() }) //nolint:gosec // only spreads load
}

func (c *Client) ranked(kind class, value func(weight float64) float64) []int {
	now := time.Now()
	order, values := make([]int, len(c.endpoints)), make([]float64, len(c.endpoints))
	for i, e := range c.endpoints {
		order[i], values[i] = i, value(e.weight(kind, now))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[b], values[a]) })
	return order
}

// spread puts the first of each group before the others: it takes answers of
// different groups.
func (c *Client) spread(order []int) []int {
	seen := map[string]bool{}
	var first, rest []int
	for _, i := range order {
		if group := c.endpoints[i].group; seen[group] {
			rest = append(rest, i)
		} else {
			seen[group], first = true, append(first, i)
		}
	}
	return append(first, rest...)
}

// after puts one behind the first other that may be asked now.
func (c *Client) after(order []int, last int) []int {
	for at, i := range order {
		if i != last && c.endpoints[i].gate.shut() == nil {
			return slices.Insert(slices.Delete(order, at, at+1), 0, i)
		}
	}
	return order
}

// again tries once more, after a moment, what failed for a reason that may pass.
func again(ctx context.Context, try func() error) error {
	wait := backoff.ExponentialBackOff{
		InitialInterval: firstRetry, MaxInterval: lastRetry, Multiplier: 2, RandomizationFactor: 0.5,
	}
	wait.Reset()
	for n := 1; ; n++ {
		err := try()
		if err == nil || n == tries || ctx.Err() != nil || !passes(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait.NextBackOff()):
		}
	}
}

// passes says whether an error is of the kind that a moment may mend: not an
// answer, not a lie, nothing that took its whole time, and nobody who is left
// alone anyway.
func passes(err error) bool {
	if several, ok := errors.AsType[flatError](err); ok {
		return slices.ContainsFunc(several, passes)
	}
	_, answered := errors.AsType[rpc.Error](err)
	return !answered && chain.CheckOf(err) == chain.CheckTransport &&
		!errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errNotAsked) && !errors.Is(err, errSilent)
}
