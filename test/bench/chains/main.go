// Command chains measures what many chains in one validator do to each other: a
// real node with a real relayer, model chains with real JSON-RPC servers, three
// endpoints each. One of the chains hangs and one lies; how long do the events of
// the others take, from the source block that makes them final to the block that
// applies them? The same is measured with two chains, in turns in the same run.
//
//	go run ./test/bench/chains [--chains 32] [--length 20s] [--rounds 6]
//
// With --rest it counts what a node asks of chains on which nothing happens:
//
//	go run ./test/bench/chains --rest [--length 15m]
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/icrosschain/bridged/config"
)

const (
	few = 2 // chains of the run that is compared with
	bad = 2 // chains of the other that do not work: one hangs, one lies
	// mostRatio is what many chains may cost.
	mostRatio = 1.1
)

type options struct {
	chains  int
	length  time.Duration
	rounds  int
	poll    time.Duration
	block   time.Duration
	every   int
	rest    bool
	profile string
	log     io.Writer // of the node
}

func main() {
	var o options
	flag.IntVar(&o.chains, "chains", 32, "chains of the large run, two of them bad; 4 to 64")
	flag.DurationVar(&o.length, "length", 0, "how long to measure each time (default 20s, and at rest 15m)")
	flag.IntVar(&o.rounds, "rounds", 6, "how often each run is made")
	flag.DurationVar(&o.poll, "poll", 0, "poll_interval of the chains (default 500ms, and at rest 2s)")
	flag.DurationVar(&o.block, "block", time.Second, "time between two blocks of a chain")
	flag.IntVar(&o.every, "every", 4, "blocks between two deposits of a chain")
	flag.BoolVar(&o.rest, "rest", false, "count requests at rest instead")
	flag.StringVar(&o.profile, "profile", "", "write a profile of the processor's use to this file")
	log := flag.String("log", os.DevNull, "write the node's log to this file")
	flag.Parse()
	if o.chains < 4 || o.chains > 64 || o.length < 0 || o.rounds < 1 || o.every < 1 || o.block <= 0 || o.poll < 0 || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	o.defaults()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, *log); err != nil {
		fmt.Fprintln(os.Stderr, "chains:", err)
		os.Exit(1)
	}
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

func run(ctx context.Context, o options, log string) error {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer func() { _ = file.Close() }()
	o.log = file
	if o.profile != "" {
		file, err := os.Create(o.profile)
		if err != nil {
			return fmt.Errorf("create the profile: %w", err)
		}
		defer func() { _ = file.Close() }()
		if err := pprof.StartCPUProfile(file); err != nil {
			return fmt.Errorf("start the profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	if o.rest {
		return rest(ctx, o)
	}
	return compare(ctx, o)
}

// compare makes both runs in turns, so that what else the machine does falls on
// both. Many short runs are better than a long one: a chain's blocks and the
// polls of its observer may keep step for as long as a run lasts.
func compare(ctx context.Context, o options) error {
	fmt.Printf("%d cores; a deposit every %s on each chain, poll_interval %s\n\n",
		runtime.NumCPU(), time.Duration(o.every)*o.block, o.poll)
	fmt.Printf("%6s %6s %8s %8s %10s %10s %8s %10s %8s\n",
		"chains", "bad", "events", "marks/s", "p50 ms", "p95 ms", "missing", "blocks/s", "cores")
	var small, large latencies
	for range o.rounds {
		for _, c := range []struct {
			chains, bad int
			all         *latencies
		}{{few, 0, &small}, {o.chains, bad, &large}} {
			m, err := measure(ctx, o, c.chains, c.bad)
			if err != nil {
				return err
			}
			fmt.Printf("%6d %6d %8d %8.1f %10.0f %10.0f %8d %10.2f %8.2f\n",
				c.chains, c.bad, len(m.took), m.marks, m.took.at(50), m.took.at(95), m.missing, m.blocks, m.cores)
			*c.all = append(*c.all, m.took...)
		}
	}
	ratio := large.at(50) / small.at(50)
	fmt.Printf("\n%-40s %8.0f ms of %d, %.0f ms of %d\n", "p50", large.at(50), o.chains, small.at(50), few)
	fmt.Printf("%-40s %8.0f ms of %d, %.0f ms of %d\n", "p95", large.at(95), o.chains, small.at(95), few)
	fmt.Printf("%-40s %8.3f, at most %.1f\n", "ratio of p50", ratio, mostRatio)
	if !(ratio <= mostRatio) {
		return errors.New("the ratio is above the limit")
	}
	return nil
}
