// Package chains measures what many chains in one validator do to each other: a
// real node with a real relayer, model chains with real JSON-RPC servers, three
// endpoints each. One of the chains hangs and one lies; how long do the events of
// the others take, from the source block that makes them final to the block that
// applies them? The same is measured with two chains, in turns in the same run.
//
// With --rest it counts what a node asks of chains on which nothing happens.
package chains

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/bench/usage"
)

const (
	few = 2 // chains of the run that is compared with
	bad = 2 // chains of the other that do not work: one hangs, one lies
	// mostRatio is what many chains may cost.
	mostRatio = 1.1
)

type options struct {
	figure.Options
	chains int
	length time.Duration
	rounds int
	poll   time.Duration
	block  time.Duration
	every  int
	rest   bool
	node   io.Writer // the node's log
}

// Run measures.
func Run(ctx context.Context, told figure.Options) (figures []figure.Figure, err error) {
	o := options{Options: told}
	flags := flag.NewFlagSet("chains", flag.ContinueOnError)
	flags.IntVar(&o.chains, "chains", 32, "chains of the large run, two of them bad; 4 to 64")
	flags.DurationVar(&o.length, "length", 0, "how long to measure each time (default 20s, and at rest 15m)")
	flags.IntVar(&o.rounds, "rounds", 6, "how often each run is made")
	flags.DurationVar(&o.poll, "poll", 0, "poll_interval of the chains (default 500ms, and at rest 2s)")
	flags.DurationVar(&o.block, "block", time.Second, "time between two blocks of a chain")
	flags.IntVar(&o.every, "every", 4, "blocks between two deposits of a chain")
	flags.BoolVar(&o.rest, "rest", false, "count requests at rest instead")
	log := flags.String("log", os.DevNull, "write the node's log to this file")
	if err := o.Parse(flags); err != nil {
		return nil, err
	}
	if o.chains < 4 || o.chains > 64 || o.length < 0 || o.rounds < 1 || o.every < 1 || o.block <= 0 || o.poll < 0 {
		return nil, errors.New("--chains is 4 to 64, and the other flags are positive")
	}
	o.defaults()
	file, err := os.OpenFile(*log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	o.node = file
	if o.Profile != "" {
		stop, err := usage.Profile(o.Profile)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	if o.rest {
		return rest(ctx, o)
	}
	return compare(ctx, o)
}

// Rest is Run with --rest.
func Rest(ctx context.Context, o figure.Options) ([]figure.Figure, error) {
	o.Args = append([]string{"--rest"}, o.Args...)
	return Run(ctx, o)
}

// defaults are what they are for a reason. At rest it is the default of
// app.toml, and long enough for a look at the relayer's balance; else polls that
// hide little.
func (o *options) defaults() {
	poll, length := 500*time.Millisecond, 20*time.Second
	if o.rest {
		poll, length = config.DefaultChain().PollInterval, 15*time.Minute
	}
	o.poll, o.length = cmp.Or(o.poll, poll), cmp.Or(o.length, length)
}

// compare makes both runs in turns, so that what else the machine does falls on
// both. Many short runs are better than a long one: a chain's blocks and the
// polls of its observer may keep step for as long as a run lasts.
func compare(ctx context.Context, o options) ([]figure.Figure, error) {
	o.Printf("a deposit every %s on each chain, poll_interval %s\n\n", time.Duration(o.every)*o.block, o.poll)
	o.Printf("%6s %6s %8s %8s %10s %10s %8s %10s %8s\n",
		"chains", "bad", "events", "marks/s", "p50 ms", "p95 ms", "missing", "blocks/s", "cores")
	var c comparison
	for range o.rounds {
		for _, side := range []struct {
			chains, bad int
			all         *latencies
		}{{few, 0, &c.small}, {o.chains, bad, &c.large}} {
			m, err := measure(ctx, o, side.chains, side.bad)
			if err != nil {
				return c.figures(o.chains), err
			}
			o.Printf("%6d %6d %8d %8.1f %10.0f %10.0f %8d %10.2f %8.2f\n",
				side.chains, side.bad, len(m.took), m.marks, m.took.at(50), m.took.at(95), m.missing, m.blocks, m.cores)
			*side.all = append(*side.all, m.took...)
			if side.bad > 0 {
				c.cores = append(c.cores, m.cores)
			}
		}
	}
	return c.figures(o.chains), nil
}

// comparison is what the runs measured, of which there are as many with few chains
// as with many.
type comparison struct {
	small, large latencies
	cores        []float64 // used with many chains, by run
}

// figures are none before both have been measured.
func (c comparison) figures(chains int) []figure.Figure {
	if len(c.cores) == 0 {
		return nil
	}
	of := func(chains, bad int) string {
		return fmt.Sprintf("final on the source chain → applied, %d chains, %d of them bad", chains, bad)
	}
	cores := 0.0
	for _, used := range c.cores {
		cores += used / float64(len(c.cores))
	}
	return []figure.Figure{
		{Name: of(few, 0) + ", p50", Value: c.small.at(50), Unit: "ms"},
		{Name: of(few, 0) + ", p95", Value: c.small.at(95), Unit: "ms"},
		{Name: of(chains, bad) + ", p50", Value: c.large.at(50), Unit: "ms"},
		{Name: of(chains, bad) + ", p95", Value: c.large.at(95), Unit: "ms"},
		{
			Name: fmt.Sprintf("p50 of %d chains ÷ p50 of %d", chains, few), Value: c.large.at(50) / c.small.at(50), Unit: figure.Ratio,
			Aim: mostRatio, AtMost: true, Note: fmt.Sprintf("%d runs of each", len(c.cores)),
		},
		{Name: fmt.Sprintf("share of a core, %d chains with their servers", chains), Value: cores, Unit: "cores"},
	}
}
