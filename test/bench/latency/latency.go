// Package latency measures how long a transfer takes from being final on its
// source to its release being sent, step by step, in heights and in time: four
// validators with CometBFT over loopback and the settings that are shipped, with
// real mailboxes, signers and relayers. The chains are models: an event is in all
// mailboxes at the moment in which it is final (the observer is measured apart),
// and a destination executes at once.
package latency

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
)

const validators = 4

// load is a number of transfers a second for some time.
type load struct {
	rate   int
	length time.Duration
}

// plan is what is measured.
type plan struct {
	loads  []load
	commit time.Duration // timeout_commit; 0: what is shipped
}

// Run measures.
func Run(ctx context.Context, o figure.Options) ([]figure.Figure, error) {
	flags := flag.NewFlagSet("latency", flag.ContinueOnError)
	length := flags.Duration("length", time.Minute, "how long each load lasts, 1s to 1h")
	if !o.Short {
		*length = 5 * time.Minute
	}
	if err := o.Parse(flags); err != nil {
		return nil, err
	}
	if *length < time.Second || *length > time.Hour {
		return nil, errors.New("--length is 1s to 1h")
	}
	return measure(ctx, plan{loads: []load{{1, *length}, {100, *length}, {1000, *length}}}, o)
}

func measure(ctx context.Context, p plan, o figure.Options) (figures []figure.Figure, err error) {
	n, err := start(ctx, p.commit, o)
	if err != nil {
		return nil, err
	}
	err = n.with(ctx, func(ctx context.Context) error {
		for _, l := range p.loads {
			o.Printf("%d transfers a second for %s\n", l.rate, l.length)
			passed, err := n.pass(ctx, l)
			if err != nil {
				return fmt.Errorf("%d transfers a second: %w", l.rate, err)
			}
			figures = append(figures, passed.figures(l.rate)...)
		}
		return nil
	})
	return figures, errors.Join(err, n.close())
}
