// Package throughput measures how many transfers a second four validators
// finalise and release: real CometBFT over loopback, real stores on disk, every
// deposit with a recipient and an amount of its own, two destinations. Only the
// chains are models: they have no consensus of their own and execute at once.
package throughput

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// Report is what a run measured.
type Report struct {
	Validators     int
	Seconds        float64
	Blocks         int64
	Finalised      uint64
	Released       uint64
	VoteBytes      int64
	InvariantsHold bool
}

// Run measures.
func Run(ctx context.Context, o figure.Options) ([]figure.Figure, error) {
	flags := flag.NewFlagSet("throughput", flag.ContinueOnError)
	seconds := flags.Int("seconds", 60, "how long to measure, 1 to 3600")
	validators := flags.Int("validators", 4, "validators, 1 to 16")
	if err := o.Parse(flags); err != nil {
		return nil, err
	}
	if *seconds < 1 || *seconds > 3600 || *validators < 1 || *validators > 16 {
		return nil, errors.New("--seconds is 1 to 3600 and --validators 1 to 16")
	}
	report, err := measure(ctx, o.Dir, *validators, time.Duration(*seconds)*time.Second)
	if err != nil {
		return nil, err
	}
	if !report.InvariantsHold {
		return nil, errors.New("an invariant does not hold: see above")
	}
	return report.figures(), nil
}

func (r Report) figures() []figure.Figure {
	of := func(what string) string { return fmt.Sprintf("%s, %d validators", what, r.Validators) }
	figures := []figure.Figure{
		{Name: of("blocks"), Value: float64(r.Blocks) / r.Seconds, Unit: "1/s"},
		{Name: of("transfers finalised"), Value: float64(r.Finalised) / r.Seconds, Unit: "1/s", Aim: 10_000},
		{Name: of("transfers released and acknowledged"), Value: float64(r.Released) / r.Seconds, Unit: "1/s"},
	}
	if r.Finalised > 0 {
		each := float64(r.VoteBytes) / float64(r.Finalised) / float64(r.Validators)
		figures = append(figures, figure.Figure{Name: of("vote bytes an event and validator"), Value: each, Unit: "B", Aim: 1, AtMost: true})
	}
	return figures
}
