package main

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	all, err := jobs(false, nil)
	if err != nil || len(all) != len(benchmarks) {
		t.Errorf("no names are %d benchmarks, %v", len(all), err)
	}
	short, err := jobs(true, nil)
	if err != nil || len(short) >= len(all) {
		t.Errorf("a short run has %d benchmarks, %v", len(short), err)
	}
	all, err = jobs(false, []string{"throughput", "--seconds", "5", "throughput"})
	if err != nil || len(all) != 2 || !reflect.DeepEqual(all[0].args, []string{"--seconds", "5"}) || all[1].args != nil {
		t.Errorf("%+v, %v", all, err)
	}
	for _, bad := range [][]string{{"nothing"}, {"--seconds", "throughput"}} {
		if all, err := jobs(false, bad); err == nil {
			t.Errorf("%v is %v", bad, all)
		}
	}
}

// A short run is to take less than 20 minutes, and the plan says how long.
func TestPlan(t *testing.T) {
	t.Parallel()
	short, err := jobs(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	var sum time.Duration
	for _, j := range short {
		sum += j.takes(true)
	}
	text := plan(short, true)
	if sum >= 20*time.Minute || !strings.Contains(text, "together     about "+sum.String()) || !strings.Contains(text, "latency      about 4m0s") {
		t.Errorf("%s:\n%s", sum, text)
	}
	for _, b := range benchmarks {
		if b.full < b.short || b.full == 0 {
			t.Errorf("%s takes %s, and a short run %s", b.name, b.full, b.short)
		}
	}
	if text := plan([]job{{benchmarks[0], []string{"--length", "1s"}}}, true); strings.Contains(text, "4m0s") {
		t.Errorf("with flags of its own:\n%s", text)
	}
}

// One benchmark fails, and one has a value that JSON does not know: the figures of
// all others are there, and those that they have.
func TestFailureKeepsTheOthers(t *testing.T) {
	t.Parallel()
	good := figure.Figure{Name: "x", Value: 1, Unit: "ms"}
	of := func(name string, run func() ([]figure.Figure, error)) job {
		return job{benchmark: benchmark{name: name, run: func(context.Context, figure.Options) ([]figure.Figure, error) { return run() }}}
	}
	all := []job{
		of("fine", func() ([]figure.Figure, error) { return []figure.Figure{good}, nil }),
		of("fails", func() ([]figure.Figure, error) { return []figure.Figure{good}, errors.New("it broke") }),
		of("odd", func() ([]figure.Figure, error) {
			return []figure.Figure{{Name: "y", Value: math.NaN(), Unit: "ms"}, good}, nil
		}),
		of("last", func() ([]figure.Figure, error) { return []figure.Figure{good}, nil }),
	}
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "bench.json")
	err := measureAll(t.Context(), settings{json: file}, nil, all, nil, &out)
	if err == nil || !strings.Contains(err.Error(), "fails: it broke") || !strings.Contains(err.Error(), "odd: y: there is no value") {
		t.Error(err)
	}
	report, err := figure.Read(file)
	if err != nil || len(report.Figures) != len(all) {
		t.Errorf("%+v, %v", report, err)
	}
	for _, j := range all {
		if !strings.Contains(out.String(), j.name+": x") || !strings.Contains(out.String(), "== "+j.name+" took") {
			t.Errorf("nothing is said of %s:\n%s", j.name, out.String())
		}
	}
}

// An interruption ends the benchmark that runs, and leaves what was measured.
func TestInterruption(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	good := figure.Figure{Name: "x", Value: 1, Unit: "ms"}
	begun := false
	all := []job{
		{benchmark: benchmark{name: "first", run: func(context.Context, figure.Options) ([]figure.Figure, error) {
			return []figure.Figure{good}, nil
		}}},
		{benchmark: benchmark{name: "second", run: func(ctx context.Context, _ figure.Options) ([]figure.Figure, error) {
			interrupt()
			<-ctx.Done()
			return []figure.Figure{good}, ctx.Err()
		}}},
		{benchmark: benchmark{name: "third", run: func(context.Context, figure.Options) ([]figure.Figure, error) {
			begun = true
			return nil, nil
		}}},
	}
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "bench.json")
	err := measureAll(ctx, settings{json: file}, nil, all, nil, &out)
	report, readErr := figure.Read(file)
	if !errors.Is(err, context.Canceled) || readErr != nil || len(report.Figures) != 2 || begun || !strings.Contains(out.String(), "second: x") {
		t.Errorf("%v, %v, %d figures, third begun: %v\n%s", err, readErr, len(report.Figures), begun, out.String())
	}
}

// The program measures, writes what it has measured, and compares with it.
func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "bench.json")
	args := []string{"catchup", "--blocks", "20"}
	if err := run(t.Context(), settings{short: true, json: file}, args, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	report, err := figure.Read(file)
	if err != nil || report.Command != "go run ./test/bench --short catchup --blocks 20" || report.Figures[0].Bench != "catchup" || report.Figures[0].Command != report.Command {
		t.Fatalf("%+v, %v", report, err)
	}
	out.Reset()
	if err := run(t.Context(), settings{against: file}, args, &out); err != nil || !strings.Contains(out.String(), "value ÷ previous") {
		t.Errorf("%v\n%s", err, out.String())
	}
	for _, bad := range []settings{{against: file + ".none"}, {json: filepath.Join(file, "below")}} {
		if err := run(t.Context(), bad, args, &out); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if err := run(t.Context(), settings{}, append(args, "--endpoints", "0"), &out); err == nil || !strings.Contains(err.Error(), "catchup: --blocks") {
		t.Error(err)
	}
}
