package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/icrosschain/bridged/test/simnet"
)

// report sums all runs up.
type report struct {
	all        simnet.Stats
	breaks     int
	beyond     int // runs with liars beyond 1/3
	churn      int // runs with validators that come and go
	first      uint64
	last       uint64
	validators map[int]int // runs, by their number of validators
}

func (r *report) add(d done) {
	if r.validators == nil {
		r.validators, r.first = map[int]int{}, d.Seed
	}
	r.all.Add(d.result.Stats)
	r.validators[d.scenario.Validators]++
	r.first, r.last = min(r.first, d.Seed), max(r.last, d.Seed)
	if d.scenario.Beyond {
		r.beyond++
	}
	if d.scenario.Rates[simnet.FaultChurn] > 0 {
		r.churn++
	}
	if d.result.Break == nil {
		return
	}
	r.breaks++
	fmt.Printf("BREAK in seed %d: %s\n", d.Seed, d.result.Break)
	for _, line := range d.result.Trace {
		fmt.Println("  ", line)
	}
	fmt.Printf("   replay: %s\n\n", d.Command())
}

func (r *report) print(took time.Duration) {
	line := func(name, format string, args ...any) { fmt.Printf("%-22s %s\n", name, fmt.Sprintf(format, args...)) }
	var sizes []string
	for _, n := range slices.Sorted(maps.Keys(r.validators)) {
		sizes = append(sizes, fmt.Sprintf("%d with %d validators", r.validators[n], n))
	}
	line("seeds", "%d (%d to %d): %s; %d with liars beyond 1/3, %d with churn", r.all.Seeds, r.first, r.last, strings.Join(sizes, ", "), r.beyond, r.churn)
	line("blocks", "%d, and %d replayed after crashes", r.all.Blocks, r.all.Replayed)
	line("transfers", "%d", r.all.Transfers)
	line("faults by kind", "")
	for _, f := range simnet.Faults {
		line("", "%8d  %s", r.all.Faults[f], f)
	}
	line("rare states reached", "")
	var never []string
	for _, state := range simnet.RareStates {
		if n := r.all.Rare[state]; n > 0 {
			line("", "%8d  %s", n, state)
		} else {
			never = append(never, state)
		}
	}
	for _, state := range never {
		line("", "   NEVER  %s", state)
	}
	line("invariant checks", "%d comparisons with the world, %d whole states", r.all.Checks, r.all.Audits)
	line("breaks", "%d", r.breaks)
	cpu := processorTime()
	line("blocks/s", "%.0f (%.1f s), %.0f a second of processor time (%.1f s)", float64(r.all.Blocks)/took.Seconds(), took.Seconds(),
		float64(r.all.Blocks)/cpu.Seconds(), cpu.Seconds())
}

// processorTime is what this process has used: on a machine with other work the
// only measure of its speed.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return time.Nanosecond
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
