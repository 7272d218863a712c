// Package catchup measures how fast an observer catches up: a real go-ethereum
// node serves a chain with a deposit in each block, and the real observer, source
// and mailbox read it from the first block on, prove it and mark it, while a
// stand-in for the network agrees with the marks. All in one process: the figures
// of memory have the server in them, which "heap before" shows.
package catchup

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// most is how many seconds the catching up of 100,000 blocks may take.
const (
	most  = 180
	whole = 100_000
)

// Run measures.
func Run(ctx context.Context, o figure.Options) ([]figure.Figure, error) {
	flags := flag.NewFlagSet("catchup", flag.ContinueOnError)
	blocks := flags.Int("blocks", whole, "blocks with a deposit each, 10 to 1000000")
	endpoints := flags.Int("endpoints", 3, "endpoints that are configured, all of one node, 1 to 8")
	verbose := flags.Bool("verbose", false, "show the observer's log")
	if err := o.Parse(flags); err != nil {
		return nil, err
	}
	if *blocks < 10 || *blocks > 1_000_000 || *endpoints < 1 || *endpoints > 8 {
		return nil, errors.New("--blocks is 10 to 1000000 and --endpoints 1 to 8")
	}
	log := slog.New(slog.DiscardHandler)
	if *verbose {
		log = slog.New(slog.NewTextHandler(o.Log, nil))
	}
	report, err := measure(ctx, o.Dir, *blocks, *endpoints, log)
	if err != nil {
		return nil, err
	}
	o.Printf("%d blocks with a deposit each, made in %.0f s, and %d endpoints of one node\n", report.Blocks, report.Making, report.Endpoints)
	return report.figures(), nil
}

func (r Report) figures() []figure.Figure {
	const mib = 1 << 20
	seconds := figure.Figure{Name: fmt.Sprintf("read, prove and mark %d blocks with deposits", r.Deposits), Value: r.Seconds, Unit: "s"}
	if r.Deposits >= whole {
		seconds.Aim, seconds.AtMost = most, true
	}
	all := []figure.Figure{seconds, {Name: "deposits", Value: float64(r.Deposits) / r.Seconds, Unit: "1/s"}}
	for _, class := range slices.Sorted(maps.Keys(r.Requests)) {
		all = append(all, figure.Figure{Name: "requests: " + class, Value: float64(r.Requests[class]), Unit: "1"})
	}
	return append(all,
		figure.Figure{Name: "requests that failed", Value: float64(r.Errors), Unit: "1"},
		figure.Figure{Name: "heap before", Value: float64(r.HeapFirst) / mib, Unit: "MiB", Note: "with the chain's server"},
		figure.Figure{Name: "heap at most", Value: float64(r.HeapPeak) / mib, Unit: "MiB", Note: "with the chain's server"},
		figure.Figure{Name: "resident at most", Value: float64(r.RSSPeak) / mib, Unit: "MiB", Note: "with the chain's server and its making"},
	)
}
