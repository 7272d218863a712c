// Command throughput measures how many transfers a second four validators
// finalise and release: real CometBFT over loopback, real stores on disk, every
// deposit with a recipient and an amount of its own, two destinations. Only the
// chains are models: they have no consensus of their own and execute at once.
//
//	go run ./test/bench/throughput [--seconds 60] [--validators 4] [--json FILE]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"time"
)

// Report is what a run measured.
type Report struct {
	Validators        int     `json:"validators"`
	Cores             int     `json:"cores"`
	Seconds           float64 `json:"seconds"`
	Blocks            int64   `json:"blocks"`
	BlocksPerSecond   float64 `json:"blocks_per_second"`
	Finalised         uint64  `json:"finalised"`
	FinalisedPerSec   float64 `json:"finalised_per_second"`
	Released          uint64  `json:"released"`
	ReleasedPerSec    float64 `json:"released_per_second"`
	VoteBytes         int64   `json:"vote_bytes"`
	VoteBytesPerEvent float64 `json:"vote_bytes_per_event_and_validator"`
	InvariantsHold    bool    `json:"invariants_hold"`
}

func main() {
	seconds := flag.Int("seconds", 60, "how long to measure, 1 to 3600")
	validators := flag.Int("validators", 4, "validators in this process, 1 to 16")
	out := flag.String("json", "", "also write the report to this file")
	flag.Parse()
	if *seconds < 1 || *seconds > 3600 || *validators < 1 || *validators > 16 || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *validators, time.Duration(*seconds)*time.Second, *out); err != nil {
		fmt.Fprintln(os.Stderr, "throughput:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, validators int, length time.Duration, out string) error {
	dir, err := os.MkdirTemp("", "bridged-throughput-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	report, err := measure(ctx, dir, validators, length)
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return err
	}
	report.print()
	if out != "" {
		text, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return fmt.Errorf("encoding the report: %w", err)
		}
		if err := os.WriteFile(out, append(text, '\n'), 0o600); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	if !report.InvariantsHold {
		return errors.New("an invariant does not hold: see above")
	}
	return nil
}

func (r Report) print() {
	fmt.Printf("%-44s %12d\n", "validators, in one process", r.Validators)
	fmt.Printf("%-44s %12d\n", "cores", r.Cores)
	fmt.Printf("%-44s %12.1f\n", "seconds", r.Seconds)
	fmt.Printf("%-44s %12.2f\n", "blocks a second", r.BlocksPerSecond)
	fmt.Printf("%-44s %12.0f\n", "transfers finalised a second", r.FinalisedPerSec)
	fmt.Printf("%-44s %12.0f\n", "transfers released and acknowledged a second", r.ReleasedPerSec)
	fmt.Printf("%-44s %12.2f\n", "vote bytes an event and validator", r.VoteBytesPerEvent)
	fmt.Printf("%-44s %12v\n", "invariants hold", r.InvariantsHold)
}

func (r *Report) rates() {
	r.Cores = runtime.NumCPU()
	r.BlocksPerSecond = float64(r.Blocks) / r.Seconds
	r.FinalisedPerSec = float64(r.Finalised) / r.Seconds
	r.ReleasedPerSec = float64(r.Released) / r.Seconds
	if r.Finalised > 0 {
		r.VoteBytesPerEvent = float64(r.VoteBytes) / float64(r.Finalised) / float64(r.Validators)
	}
}
