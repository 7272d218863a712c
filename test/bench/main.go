// Command bench measures: one benchmark for each name, or all of them. A name can
// be followed by flags of its own.
//
//	go run ./test/bench [--short] [--json FILE] [--against FILE] [--profile DIR] [NAME [FLAG...]]...
//
// It says what it is going to do and how long that takes, and then prints a table
// of figures with their aims, and with --against what became of those of an
// earlier run. An aim that is missed is shown and is no error. A benchmark that
// fails is one, and an interruption: what was measured is printed and written all
// the same.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
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
	// How long it takes on two quiet cores, about. What takes no time in a short
	// run is not part of it unless it is named.
	short, full time.Duration
}

// benchmarks are run in this order if none is named.
var benchmarks = []benchmark{
	{"throughput", "transfers a second through real validators, 4 of them and in a full run 1, 4, 7 and 10, beside CometBFT's kvstore", throughput.Run, 4 * time.Minute, 20 * time.Minute},
	{"catchup", "how fast an observer reads, proves and marks 100,000 blocks with deposits", catchup.Run, 3 * time.Minute, 3 * time.Minute},
	{"reading", "the rate of logs fetched and verified, beside a bare eth_getLogs loop", reading.Run, time.Minute, time.Minute},
	{"gas", "what the contract's calls need, beside other bridges' contracts", gas.Run, 10 * time.Second, 10 * time.Second},
	{"chains", "what many chains in one validator cost each other", chains.Run, 0, 12 * time.Minute},
	{"requests", "what a node asks of chains at rest", chains.Rest, 0, 30 * time.Minute},
	{"latency", "how long a transfer takes from final to release sent, step by step", latency.Run, 4 * time.Minute, 16 * time.Minute},
	{"votes", "bytes of votes and blocks, for an event and at rest", votes.Run, 10 * time.Second, time.Minute},
	{"rest", "processor and memory of a validator that has nothing to do", rest.Run, 2 * time.Minute, 11 * time.Minute},
	{"state", "what finished transfers leave behind: keys, bytes, time", state.Run, 30 * time.Second, 6 * time.Minute},
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
	context.AfterFunc(ctx, stop) // a second interruption ends the program at once
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
			if !short || b.short > 0 {
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
	previous, err := s.files()
	if err != nil {
		return err
	}
	say(out, plan(all, s.short))
	return measureAll(ctx, s, args, all, previous, out)
}

// measureAll runs the benchmarks one after the other, and prints and writes what
// they measured, also when some fail.
func measureAll(ctx context.Context, s settings, args []string, all []job, previous *figure.Report, out io.Writer) error {
	report := figure.NewReport(ctx, command(s, args))
	var errs []error
	for _, j := range all {
		figures, err := j.measure(ctx, s, out)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", j.name, err))
		}
		report.Figures = append(report.Figures, figures...)
		// After each one, so that a run that is killed leaves what it has.
		if s.json != "" && len(figures) > 0 {
			if err := report.Write(s.json); err != nil {
				errs = append(errs, err)
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	say(out, fmt.Sprintf("\nall together took %s\n", time.Since(report.Date).Round(time.Second)))
	if previous != nil {
		say(out, "previous: "+previous.Origin()+"\n")
	}
	return errors.Join(append(errs, figure.Print(out, report.Figures, previous))...)
}

func say(out io.Writer, text string) { _, _ = io.WriteString(out, text) }

// files makes sure, before anything is measured, that there is a place for the
// figures, and reads those of an earlier run.
func (s settings) files() (previous *figure.Report, err error) {
	if s.json != "" {
		trial, err := os.CreateTemp(filepath.Dir(s.json), ".bench-*")
		if err != nil {
			return nil, fmt.Errorf("the figures could not be written: %w", err)
		}
		if err := errors.Join(trial.Close(), os.Remove(trial.Name())); err != nil {
			return nil, err
		}
	}
	if s.against == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	report, err := figure.Read(s.against)
	return &report, err
}

// plan says what is going to be done. How long a benchmark takes that has flags of
// its own only who gave them knows.
func plan(all []job, short bool) string {
	var text strings.Builder
	var sum time.Duration
	for _, j := range all {
		about, takes := "as its flags say", j.takes(short)
		if takes > 0 {
			about = "about " + takes.String()
		}
		sum += takes
		fmt.Fprintf(&text, "%-12s %-17s %s\n", j.name, about, j.does)
	}
	if sum > 0 {
		fmt.Fprintf(&text, "%-12s about %s\n", "together", sum)
	}
	text.WriteString("\n")
	return text.String()
}

func (j job) takes(short bool) time.Duration {
	switch {
	case len(j.args) > 0:
		return 0
	case short && j.short > 0:
		return j.short
	default:
		return j.full
	}
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
	all, err := j.run(ctx, o)
	for _, f := range all {
		if math.IsNaN(f.Value) || math.IsInf(f.Value, 0) { // which JSON does not know
			err = errors.Join(err, fmt.Errorf("%s: there is no value", f.Name))
			continue
		}
		f.Bench, f.Command = j.name, command(s, append([]string{j.name}, j.args...))
		figures = append(figures, f)
	}
	o.Printf("== %s took %s\n", j.name, time.Since(start).Round(time.Second))
	return figures, err
}
