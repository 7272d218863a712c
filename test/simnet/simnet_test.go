package simnet

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A few seeds in every test run; `make sim` runs many.
func TestSeeds(t *testing.T) {
	seeds, blocks := uint64(3), 60
	if os.Getenv("BRIDGED_LONG") != "" {
		seeds, blocks = 60, 150
	}
	if testing.Short() {
		seeds = 1
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		c := Case{Seed: seed, Blocks: blocks}
		if r := Run(c.Scenario()); r.Break != nil {
			t.Errorf("seed %d: %s\n%s\nreplay: %s", seed, r.Break, strings.Join(r.Trace, "\n"), c.Command())
		}
	}
}

func TestTheSameSeedIsTheSameRun(t *testing.T) {
	c := Case{Seed: 25, Blocks: 40}
	first, second := Run(c.Scenario()), Run(c.Scenario())
	if len(first.AppHash) == 0 || !bytes.Equal(first.AppHash, second.AppHash) {
		t.Errorf("app hash %X, then %X", first.AppHash, second.AppHash)
	}
	if !slices.Equal(first.Trace, second.Trace) || !reflect.DeepEqual(first.Stats, second.Stats) {
		t.Errorf("the same seed gave\n%v %v\nthen\n%v %v", first.Stats, first.Trace, second.Stats, second.Trace)
	}
	c.Seed++
	if other := Run(c.Scenario()); bytes.Equal(first.AppHash, other.AppHash) {
		t.Error("two seeds gave the same run")
	}
}

// Liars stay below 1/3, or reach up to exactly 2/3 where the run is about that.
func TestPowers(t *testing.T) {
	sizes, exact, beyond := map[int]int{}, 0, 0
	const seeds = 2000
	for seed := range uint64(seeds) {
		s := NewScenario(seed, 1)
		var lying, total uint32
		for i, power := range s.Powers {
			total += power
			if s.Liars[i] {
				lying += power
			}
		}
		sizes[s.Validators]++
		switch {
		case s.Beyond && (3*lying <= total || 3*lying > 2*total), !s.Beyond && 3*lying >= total:
			t.Fatalf("seed %d: %d of %d lie; beyond 1/3: %t", seed, lying, total, s.Beyond)
		case s.Beyond:
			beyond++
			if 3*lying == 2*total {
				exact++
			}
		}
	}
	if sizes[4] < seeds*6/10 || sizes[7] < seeds/10 || sizes[10] < seeds/20 || exact < beyond/4 {
		t.Errorf("validators %v, %d runs beyond 1/3, %d of them with exactly 2/3", sizes, beyond, exact)
	}
}

// Validators come and go in about two thirds of the runs, and in a third of these
// nobody honest is hindered.
func TestChurnIsDrawn(t *testing.T) {
	const seeds = 2000
	churn, diligent := 0, 0
	for seed := range uint64(seeds) {
		s := NewScenario(seed, 1)
		if s.Rates[FaultChurn] == 0 {
			continue
		}
		churn++
		if s.Beyond {
			t.Fatalf("seed %d: the powers of liars beyond 1/3 change", seed)
		}
		if s.diligent() {
			diligent++
		}
	}
	if churn < seeds*60/100 || churn > seeds*72/100 || diligent < churn*30/100 {
		t.Errorf("%d of %d runs, %d of them without hindrance", churn, seeds, diligent)
	}
}

func TestMostPower(t *testing.T) {
	for _, c := range []struct {
		powers      []uint64
		thousandths uint64
		want        uint64
	}{
		{[]uint64{100, 1, 1}, 333, 100},         // too few for a limit
		{[]uint64{100, 10, 10, 10}, 1000, 100},  // none
		{[]uint64{100, 10, 10, 10}, 333, 14},    // 14 of 44
		{[]uint64{100, 10, 10, 10}, 250, 10},    // all equal
		{[]uint64{100, 10, 10, 10}, 100, 10},    // it cannot be: all equal
		{[]uint64{40, 40, 10, 10, 10}, 333, 29}, // two at once
	} {
		if got := mostPower(c.powers, c.thousandths); got != c.want {
			t.Errorf("%v, %d thousandths: %d, want %d", c.powers, c.thousandths, got, c.want)
		}
	}
}

func TestShrink(t *testing.T) {
	// What fails wants crashes, two chains or more and 20 blocks.
	run := func(s Scenario) Result {
		if s.Rates[FaultCrash] == 0 || s.Blocks < 20 {
			return Result{}
		}
		return Result{Break: &Break{Invariant: "I2", Height: 19}}
	}
	c := Case{Blocks: 400}
	for c.Seed = 1; c.Scenario().Rates[FaultCrash] == 0; c.Seed++ {
	}
	small, result := shrink(c, run(c.Scenario()), 100, run)
	if result.Break == nil || small.Blocks != 20 || slices.Contains(small.Off, FaultCrash) {
		t.Errorf("shrunk to %+v: %v", small, result.Break)
	}
	s := small.Scenario()
	for _, f := range Faults {
		if f != FaultCrash && s.Rates[f] > 0 {
			t.Errorf("%s is still on", f)
		}
	}
	if s.Validators != 4 || s.Chains != 2 || s.Assets != 1 || s.Deposits != 1 {
		t.Errorf("shrunk to %+v", s)
	}
	command := small.Command()
	for _, part := range []string{"make sim SEEDS=", "BLOCKS=20", "--off ", "--validators 4"} {
		if !strings.Contains(command, part) {
			t.Errorf("the command %q lacks %q", command, part)
		}
	}
}
