// Package reading measures how fast logs are fetched and verified, as a part of
// the rate of a bare eth_getLogs loop: it runs the Go benchmark that does so.
package reading

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// aim is what verifying may cost: a fifth of the rate.
const aim = 0.8

// Run measures.
func Run(ctx context.Context, o figure.Options) ([]figure.Figure, error) {
	flags := flag.NewFlagSet("reading", flag.ContinueOnError)
	length := flags.Duration("length", 10*time.Second, "how long to measure")
	if err := o.Parse(flags); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkRead$", "-benchtime", length.String(),
		"github.com/icrosschain/bridged/internal/chain/evm")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("running BenchmarkRead: %w\n%s", err, out)
	}
	return parse(string(out))
}

// parse reads the benchmark's line: its name, how often it ran, and pairs of
// value and unit.
func parse(out string) (figures []figure.Figure, err error) {
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "BenchmarkRead") {
			continue
		}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("reading %q: %w", line, err)
			}
			switch fields[i+1] {
			case "logs/s":
				figures = append(figures, figure.Figure{Name: "logs fetched and verified", Value: value, Unit: "1/s"})
			case "of-bare":
				figures = append(figures, figure.Figure{
					Name: "rate of logs fetched and verified ÷ rate of a bare eth_getLogs loop", Value: value, Unit: figure.Ratio,
					Aim: aim, Note: "in turns over the same ranges, median",
				})
			}
		}
	}
	if len(figures) != 2 {
		return nil, errors.New("BenchmarkRead has not said its rates")
	}
	return figures, nil
}
