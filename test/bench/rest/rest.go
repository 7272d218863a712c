// Package rest measures what a validator costs that has nothing to do: share of a
// core and resident memory of the real program, with two chains that make blocks
// in which nothing concerns the bridge. Four of them run as processes, with the
// configuration that a new home gets; chains and their servers are models in this
// process.
package rest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/bench/wait"
	"github.com/icrosschain/bridged/test/cluster"
)

const validators = 4

// plan is what is measured.
type plan struct {
	executable string        // bridged
	block      time.Duration // between two blocks of a chain
	settle     time.Duration // from when the network is ready
	length     time.Duration
	profile    string // directory for profiles of the first validator; "" wants none
}

// Run measures.
func Run(ctx context.Context, o figure.Options) ([]figure.Figure, error) {
	p := plan{block: 2 * time.Second, settle: 15 * time.Second, profile: o.Profile}
	flags := flag.NewFlagSet("rest", flag.ContinueOnError)
	flags.DurationVar(&p.length, "length", time.Minute, "how long to measure, 1s to 24h")
	if !o.Short {
		p.length = 10 * time.Minute
	}
	if err := o.Parse(flags); err != nil {
		return nil, err
	}
	if p.length < time.Second || p.length > 24*time.Hour {
		return nil, errors.New("--length is 1s to 24h")
	}
	o.Printf("building bridged\n")
	var err error
	if p.executable, err = cluster.Build(o.Dir); err != nil {
		return nil, err
	}
	return measure(ctx, p, o)
}

func measure(ctx context.Context, p plan, o figure.Options) (figures []figure.Figure, err error) {
	n, err := start(ctx, p, filepath.Join(o.Dir, "homes"))
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	err = n.with(ctx, p.block, func(ctx context.Context) error {
		o.Printf("starting %d validators\n", validators)
		if err := n.ready(ctx); err != nil {
			return err
		}
		o.Printf("at rest for %s\n", p.settle+p.length)
		if err := wait.For(ctx, p.settle); err != nil {
			return err
		}
		used, err := n.watch(ctx, p.length)
		if err != nil {
			return err
		}
		figures = used.figures(p)
		if p.profile == "" {
			return nil
		}
		o.Printf("profiling for %s\n", p.length)
		return n.profile(ctx, p)
	})
	return figures, errors.Join(err, n.close())
}

// used is what the validators used in a span.
type used struct {
	length   time.Duration
	heights  int64
	share    []float64 // of a core, by validator
	resident []float64 // most bytes, by validator
}

func (u used) figures(p plan) []figure.Figure {
	percent := func(name string, value float64, note string) figure.Figure {
		return figure.Figure{Name: name, Value: 100 * value, Unit: "% of a core", Aim: 5, AtMost: true, Note: note}
	}
	megabytes := func(name string, value float64, note string) figure.Figure {
		return figure.Figure{Name: name, Value: value / 1e6, Unit: "MB", Aim: 250, AtMost: true, Note: note}
	}
	conditions := fmt.Sprintf("%d validators, 2 chains with 3 endpoints each and a block every %s, %s", validators, p.block, u.length.Round(time.Second))
	return []figure.Figure{
		percent("processor, mean of the validators", mean(u.share), conditions),
		percent("processor, the worst", greatest(u.share), ""),
		megabytes("resident memory at most, mean of the validators", mean(u.resident), "looked at every second"),
		megabytes("resident memory at most, the worst", greatest(u.resident), ""),
		{Name: "blocks", Value: float64(u.heights) / u.length.Seconds(), Unit: "1/s"},
	}
}

func mean(all []float64) (sum float64) {
	for _, v := range all {
		sum += v
	}
	return sum / float64(len(all))
}

func greatest(all []float64) (most float64) {
	for _, v := range all {
		most = max(most, v)
	}
	return most
}
