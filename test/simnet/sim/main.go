// Command sim simulates whole networks of validators, chains and users, one for
// each seed, with faults, and holds each to the invariants after every block.
//
//	go run ./test/simnet/sim [--seeds FROM:TO] [--blocks N] [--for 80s]
//
// A seed that fails is shrunk, and its last events are printed with the command
// that replays it; the exit code is then 1.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/icrosschain/bridged/test/simnet"
)

// config is the flags.
type config struct {
	from, to uint64 // seeds, both included
	cases    simnet.Case
	budget   time.Duration
	workers  int
	shrink   int
	first    bool
}

func main() {
	// The runs live from garbage; memory is there.
	debug.SetGCPercent(400)
	c, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "sim:", err)
		os.Exit(2)
	}
	if breaks := run(c); breaks > 0 {
		os.Exit(1)
	}
}

func parse(args []string) (config, error) {
	c := config{}
	flags := flag.NewFlagSet("sim", flag.ExitOnError)
	seeds := flags.String("seeds", "1:100", "seeds FROM:TO, both included, or how many from 1 on")
	flags.IntVar(&c.cases.Blocks, "blocks", 150, "blocks with faults; until all has settled, more follow")
	flags.DurationVar(&c.budget, "for", 0, "begin no seed after this time; 0: no limit")
	flags.IntVar(&c.workers, "workers", runtime.GOMAXPROCS(0), "seeds at once")
	flags.IntVar(&c.shrink, "shrink", 60, "runs for shrinking a failing seed; 0 leaves it as it is")
	flags.BoolVar(&c.first, "first", false, "stop at the first break")
	off := flags.String("off", "", "kinds of faults to leave out, with commas: "+names())
	flags.IntVar(&c.cases.Validators, "validators", 0, "instead of what the seed says: 4, 7 or 10")
	flags.IntVar(&c.cases.Chains, "chains", 0, "instead of what the seed says: 2 to 4")
	flags.IntVar(&c.cases.Assets, "assets", 0, "instead of what the seed says: 1 to 3")
	flags.IntVar(&c.cases.Deposits, "deposits", 0, "instead of what the seed says: about so many a block")
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	if err := parseSeeds(*seeds, &c); err != nil {
		return c, err
	}
	for name := range strings.SplitSeq(*off, ",") {
		if name == "" {
			continue
		}
		if !slices.Contains(simnet.Faults, simnet.Fault(name)) {
			return c, fmt.Errorf("--off %s: there is no such fault; there are %s", name, names())
		}
		c.cases.Off = append(c.cases.Off, simnet.Fault(name))
	}
	if flags.NArg() > 0 || c.cases.Blocks < 1 || c.workers < 1 {
		return c, errors.New("want no arguments, and at least one block and worker")
	}
	return c, nil
}

func names() string {
	all := make([]string, len(simnet.Faults))
	for i, f := range simnet.Faults {
		all[i] = string(f)
	}
	return strings.Join(all, ",")
}

func parseSeeds(text string, c *config) (err error) {
	from, to, found := strings.Cut(text, ":")
	if !found {
		from, to = "1", text
	}
	if c.from, err = strconv.ParseUint(from, 10, 64); err == nil {
		c.to, err = strconv.ParseUint(to, 10, 64)
	}
	if err != nil || c.to < c.from {
		return fmt.Errorf("--seeds %s: want FROM:TO with FROM ≤ TO, or a number", text)
	}
	return nil
}

// done is a run that has ended.
type done struct {
	simnet.Case
	scenario simnet.Scenario
	result   simnet.Result
}

// run runs all seeds, and returns how many break something.
func run(c config) (breaks int) {
	begin := time.Now()
	var stop atomic.Bool
	seeds, results := make(chan uint64), make(chan done)
	go func() {
		defer close(seeds)
		for seed := c.from; seed <= c.to && !stop.Load() && (c.budget == 0 || time.Since(begin) < c.budget); seed++ {
			seeds <- seed
		}
	}()
	for range c.workers {
		go func() {
			for seed := range seeds {
				d := done{Case: c.cases}
				d.Seed = seed
				d.scenario = d.Scenario()
				d.result = simnet.Run(d.scenario)
				if d.result.Break != nil {
					d.Case, d.result = simnet.Shrink(d.Case, d.result, c.shrink)
				}
				results <- d
			}
			results <- done{}
		}()
	}
	var report report
	for open := c.workers; open > 0; {
		d := <-results
		if d.Blocks == 0 {
			open--
			continue
		}
		report.add(d)
		stop.Store(c.first && report.breaks > 0)
	}
	report.print(time.Since(begin))
	return report.breaks
}
