package chains

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/icrosschain/bridged/test/bench/usage"
	"github.com/icrosschain/bridged/x/bridge"
)

const (
	startWithin = 2 * time.Minute  // until all chains take deposits
	warmUp      = 10 * time.Second // with deposits, before anything counts
	coolDown    = 15 * time.Second // for what became final last
)

// latencies are of events, from final to applied.
type latencies []time.Duration

// at is a percentile in milliseconds; not a number where there is none.
func (l latencies) at(percent int) float64 {
	if len(l) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(l))
	return float64(sorted[min(len(sorted)*percent/100, len(sorted)-1)].Microseconds()) / 1000
}

// measured is one run.
type measured struct {
	took    latencies // of events of the chains that work
	marks   float64   // source blocks with events, a second
	missing int       // events of those chains that were not applied in time
	blocks  float64   // of consensus, a second
	cores   float64   // that the process used
}

// measure runs a network with so many chains, of which the last ones are bad.
func measure(ctx context.Context, o options, chains, bad int) (m measured, err error) {
	specs := slices.Repeat([]spec{{block: o.block, lag: 2}}, chains)
	n, err := newNetwork(ctx, o, specs, chains-bad)
	if err != nil {
		return m, err
	}
	err = n.with(ctx, func(ctx context.Context, _ *chain, i int) error { return n.run(ctx, i, o.every) },
		func(ctx context.Context) (err error) {
			m, err = n.measure(ctx, o.length, bad)
			return err
		})
	return m, errors.Join(err, n.close())
}

func (n *network) measure(ctx context.Context, length time.Duration, bad int) (m measured, err error) {
	if err := n.ready(ctx); err != nil {
		return m, err
	}
	healthy := n.chains[:len(n.chains)-bad]
	for i, c := range n.chains {
		c.set(true, trouble(max(0, i-len(healthy)+1))) //nolint:gosec // at most 2
	}
	begin := time.Now().Add(warmUp)
	end := begin.Add(length)
	var blocks int
	var used, usedBefore time.Duration
	ctx, cancel := context.WithDeadline(ctx, end.Add(coolDown))
	defer cancel()
	err = n.watch(ctx, func(at time.Time, states []bridge.ChainState) bool {
		switch {
		case at.Before(begin):
			usedBefore = usage.ThisProcess().CPU
		case at.Before(end):
			blocks++
			used = usage.ThisProcess().CPU - usedBefore
		}
		waiting := 0
		for i, c := range healthy {
			took, marks := c.applied(states[i].Cursor, at, begin, end)
			m.took = append(m.took, took...)
			m.marks += float64(marks) / length.Seconds()
			waiting += c.waiting(begin, end)
		}
		m.missing = waiting
		return at.After(end) && waiting == 0
	})
	m.blocks, m.cores = float64(blocks)/length.Seconds(), used.Seconds()/length.Seconds()
	return m, err
}

// ready waits until all chains take deposits and know their tokens.
func (n *network) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	done := false
	err := n.watch(ctx, func(_ time.Time, chains []bridge.ChainState) bool {
		done = len(chains) == len(n.chains) && !slices.ContainsFunc(chains, func(c bridge.ChainState) bool {
			return !c.Active || c.Executed < c.Outbox
		})
		return done
	})
	if err == nil && !done {
		err = fmt.Errorf("the chains are not ready after %s", startWithin)
	}
	return err
}
