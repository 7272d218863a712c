// Command catchup measures how fast an observer catches up: a real go-ethereum
// node serves a chain with a deposit in each block, and the real observer, source
// and mailbox read it from the first block on, prove it and mark it, while a
// stand-in for the network agrees with the marks. All in one process: the figures
// of memory have the server in them, which "heap before" shows.
//
//	go run ./test/bench/catchup [--blocks 100000] [--endpoints 3] [--json FILE]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"time"
)

// most is how long the catching up may take.
const most = 3 * time.Minute

func main() {
	blocks := flag.Int("blocks", 100_000, "blocks with a deposit each, 10 to 1000000")
	endpoints := flag.Int("endpoints", 3, "endpoints that are configured, all of one node, 1 to 8")
	verbose := flag.Bool("verbose", false, "show the observer's log")
	out := flag.String("json", "", "also write the report to this file")
	flag.Parse()
	if *blocks < 10 || *blocks > 1_000_000 || *endpoints < 1 || *endpoints > 8 || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	log := slog.New(slog.DiscardHandler)
	if *verbose {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if err := run(ctx, *blocks, *endpoints, log, *out); err != nil {
		fmt.Fprintln(os.Stderr, "catchup:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, blocks, endpoints int, log *slog.Logger, out string) error {
	dir, err := os.MkdirTemp("", "bridged-catchup-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	report, err := measure(ctx, dir, blocks, endpoints, log)
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
	if report.Seconds > most.Seconds() {
		return fmt.Errorf("it took longer than %s", most)
	}
	return nil
}

func (r Report) print() {
	const mb = 1 << 20
	fmt.Printf("%-52s %12d\n", "cores", r.Cores)
	fmt.Printf("%-52s %12d\n", "endpoints, all of one node in this process", r.Endpoints)
	fmt.Printf("%-52s %12d\n", "blocks, each with a deposit", r.Blocks)
	fmt.Printf("%-52s %12.1f\n", "seconds to make the chain", r.Making)
	fmt.Printf("%-52s %12.1f\n", "seconds to read, prove and mark it", r.Seconds)
	fmt.Printf("%-52s %12.0f\n", "deposits a second", r.PerSecond)
	for _, class := range slices.Sorted(maps.Keys(r.Requests)) {
		fmt.Printf("%-52s %12d\n", "requests: "+class, r.Requests[class])
	}
	fmt.Printf("%-52s %12d\n", "requests that failed", r.Errors)
	fmt.Printf("%-52s %12d\n", "heap before, MiB", r.HeapFirst/mb)
	fmt.Printf("%-52s %12d\n", "heap at most, MiB", r.HeapPeak/mb)
	fmt.Printf("%-52s %12d\n", "resident at most, with the making, MiB", r.RSSPeak/mb)
}
