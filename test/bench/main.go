// Command bench measures: one benchmark for each name, or all of them. A name can
// be followed by flags of its own.
//
//	go run ./test/bench [--short] [--json FILE] [--against FILE] [--profile DIR] [NAME [FLAG...]]...
//
// It prints a table of figures with their aims, and with --against what became of
// those of an earlier run. An aim that is missed is shown and is no error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/icrosschain/bridged/test/bench/catchup"
	"github.com/icrosschain/bridged/test/bench/chains"
	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/bench/fleet"
	"github.com/icrosschain/bridged/test/bench/gas"
	"github.com/icrosschain/bridged/test/bench/kvstore"
	"github.com/icrosschain/bridged/test/bench/latency"
	"github.com/icrosschain/bridged/test/bench/reading"
	"github.com/icrosschain/bridged/test/bench/rest"
	"github.com/icrosschain/bridged/test/bench/state"
	"github.com/icrosschain/bridged/test/bench/throughput"
	"github.com/icrosschain/bridged/test/bench/votes"
)

// benchmark is a package of test/bench.
type benchmark struct {
	name string
	does string
	run  func(context.Context, figure.Options) ([]figure.Figure, error)
	long bool // not part of a short run unless it is named
}

// benchmarks are run in this order if none is named.
var benchmarks = []benchmark{
	{"throughput", "transfers a second through real validators", throughput.Run, false},
	{"catchup", "how fast an observer reads, proves and marks blocks with deposits", catchup.Run, false},
	{"reading", "the rate of logs fetched and verified, beside a bare eth_getLogs loop", reading.Run, false},
	{"gas", "what the contract's calls need, beside other bridges' contracts", gas.Run, false},
	{"chains", "what many chains in one validator cost each other", chains.Run, true},
	{"requests", "what a node asks of chains at rest", chains.Rest, true},
	{"latency", "how long a transfer takes from final to release sent, step by step", latency.Run, false},
	{"votes", "bytes of votes and blocks, for an event and at rest", votes.Run, false},
	{"rest", "processor and memory of a validator that has nothing to do", rest.Run, false},
	{"state", "what finished transfers leave behind: keys, bytes, time", state.Run, false},
}

// settings are the flags of the program.
type settings struct {
	short                  bool
	json, against, profile string
}

func main() {
	fleet.Serve(map[string]fleet.Kind{ // in the processes that benchmarks start
		throughput.Kind: throughput.NewValidator, kvstore.Kind: kvstore.NewValidator,
	})
	var s settings
	flag.BoolVar(&s.short, "short", false, "measure what `make bench` does, and not all")
	flag.StringVar(&s.json, "json", "", "write the figures to this file")
	flag.StringVar(&s.against, "against", "", "compare with the figures of this file")
	flag.StringVar(&s.profile, "profile", "", "write profiles into this directory")
	flag.Usage = usage
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func usage() {
	out := flag.CommandLine.Output()
	_, _ = fmt.Fprintln(out, "usage: go run ./test/bench [FLAG...] [NAME [FLAG of it...]]...")
	flag.PrintDefaults()
	for _, b := range benchmarks {
		_, _ = fmt.Fprintf(out, "  %-12s %s\n", b.name, b.does)
	}
}

// job is a benchmark with its own flags.
type job struct {
	benchmark
	args []string
}

// jobs splits arguments before each name; without arguments they are all.
func jobs(short bool, args []string) (all []job, err error) {
	for _, arg := range args {
		i := slices.IndexFunc(benchmarks, func(b benchmark) bool { return b.name == arg })
		switch {
		case i >= 0:
			all = append(all, job{benchmark: benchmarks[i]})
		case len(all) == 0:
			return nil, fmt.Errorf("there is no benchmark %q", arg)
		default:
			all[len(all)-1].args = append(all[len(all)-1].args, arg)
		}
	}
	if len(all) == 0 {
		for _, b := range benchmarks {
			if !short || !b.long {
				all = append(all, job{benchmark: b})
			}
		}
	}
	return all, nil
}

func run(ctx context.Context, s settings, args []string, out io.Writer) error {
	all, err := jobs(s.short, args)
	if err != nil {
		return err
	}
	var previous *figure.Report
	if s.against != "" {
		report, err := figure.Read(s.against)
		if err != nil {
			return err
		}
		previous = &report
	}
	report := figure.NewReport(ctx, command(s, args))
	var errs []error
	for _, j := range all {
		figures, err := j.measure(ctx, s, out)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", j.name, err))
		}
		report.Figures = append(report.Figures, figures...)
		// After each one, so that a run that is cut off leaves what it has.
		if s.json != "" && len(report.Figures) > 0 {
			if err := report.Write(s.json); err != nil {
				return errors.Join(append(errs, err)...)
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	_, _ = fmt.Fprintln(out)
	return errors.Join(append(errs, figure.Print(out, report.Figures, previous))...)
}

// command is what has to be run to measure the same.
func command(s settings, args []string) string {
	words := []string{"go run ./test/bench"}
	if s.short {
		words = append(words, "--short")
	}
	return strings.Join(append(words, args...), " ")
}

// measure runs one benchmark in a directory of its own.
func (j job) measure(ctx context.Context, s settings, out io.Writer) (figures []figure.Figure, err error) {
	dir, err := os.MkdirTemp("", "bridged-bench-"+j.name+"-")
	if err != nil {
		return nil, fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	o := figure.Options{Short: s.short, Dir: dir, Log: out, Args: j.args}
	if s.profile != "" {
		o.Profile = filepath.Join(s.profile, j.name)
		if err := os.MkdirAll(o.Profile, 0o750); err != nil {
			return nil, fmt.Errorf("making a directory for profiles: %w", err)
		}
	}
	start := time.Now()
	o.Printf("== %s\n", j.name)
	figures, err = j.run(ctx, o)
	for i := range figures {
		figures[i].Bench, figures[i].Command = j.name, command(s, append([]string{j.name}, j.args...))
	}
	o.Printf("== %s took %s\n", j.name, time.Since(start).Round(time.Second))
	return figures, err
}
