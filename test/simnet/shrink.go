package simnet

import (
	"fmt"
	"slices"
	"strings"
)

// Overrides bend a drawn scenario; what is zero stays as it was drawn.
type Overrides struct {
	Off        []Fault
	Validators int
	Chains     int
	Assets     int
	Deposits   int
}

// Bend is the scenario with some of it replaced.
func (s Scenario) Bend(o Overrides) Scenario {
	if o.Validators > 0 && o.Validators != s.Validators {
		s.Validators = o.Validators
		s.drawPowers(newDice(s.Seed).of("powers again"))
	}
	for _, c := range []struct {
		field *int
		value int
	}{{&s.Chains, o.Chains}, {&s.Assets, o.Assets}, {&s.Deposits, o.Deposits}} {
		if c.value > 0 {
			*c.field = c.value
		}
	}
	rates := map[Fault]int{}
	for _, f := range Faults {
		if !slices.Contains(o.Off, f) {
			rates[f] = s.Rates[f]
		}
	}
	s.Rates = rates
	return s
}

// Case is a seed with all that replays it.
type Case struct {
	Seed   uint64
	Blocks int
	Overrides
}

// Scenario draws the case's scenario.
func (c Case) Scenario() Scenario { return NewScenario(c.Seed, c.Blocks).Bend(c.Overrides) }

// Command replays the case.
func (c Case) Command() string {
	var args []string
	if len(c.Off) > 0 {
		off := make([]string, len(c.Off))
		for i, f := range c.Off {
			off[i] = string(f)
		}
		args = append(args, "--off "+strings.Join(off, ","))
	}
	for _, o := range []struct {
		name  string
		value int
	}{{"validators", c.Validators}, {"chains", c.Chains}, {"assets", c.Assets}, {"deposits", c.Deposits}} {
		if o.value > 0 {
			args = append(args, fmt.Sprintf("--%s %d", o.name, o.value))
		}
	}
	command := fmt.Sprintf("make sim SEEDS=%d:%d BLOCKS=%d", c.Seed, c.Seed, c.Blocks)
	if len(args) > 0 {
		command += fmt.Sprintf(" ARGS=%q", strings.Join(args, " "))
	}
	return command
}

// Shrink makes a failing case smaller as long as it fails by the same invariant:
// without kinds of faults, with fewer validators, chains, assets, deposits and
// blocks. It gives up after so many runs.
func Shrink(c Case, failed Result, runs int) (Case, Result) { return shrink(c, failed, runs, Run) }

func shrink(c Case, failed Result, runs int, run func(Scenario) Result) (Case, Result) {
	attempt := func(smaller Case) bool {
		if runs == 0 {
			return false
		}
		runs--
		result := run(smaller.Scenario())
		if result.Break == nil || result.Break.Invariant != failed.Break.Invariant {
			return false
		}
		c, failed = smaller, result
		return true
	}
	cut := func() {
		for _, blocks := range []int{int(failed.Break.Height) + 1, c.Blocks / 2, c.Blocks * 3 / 4} {
			smaller := c
			if smaller.Blocks = blocks; blocks > 0 && blocks < c.Blocks {
				attempt(smaller)
			}
		}
	}
	cut()
	for _, f := range Faults {
		smaller := c
		smaller.Off = append(slices.Clone(c.Off), f)
		if c.Scenario().Rates[f] > 0 {
			attempt(smaller)
		}
	}
	for _, reduce := range []func(*Case){
		func(c *Case) { c.Validators = 4 }, func(c *Case) { c.Chains = 2 }, func(c *Case) { c.Assets = 1 }, func(c *Case) { c.Deposits = 1 },
	} {
		smaller := c
		reduce(&smaller)
		attempt(smaller)
	}
	cut()
	return c, failed
}
