package evm

import (
	"math/rand/v2"
	"testing"
	"time"
)

// simulated is a chain as a source sees it that polls every so often.
type simulated struct {
	name  string
	block func(*rand.Rand) time.Duration // to the next block
	step  uint64                         // blocks that become final together
	poll  time.Duration
	most  float64 // calls for each block
	late  float64 // blocks, or steps, that a final one is seen after, on average
}

var every = func(d time.Duration) func(*rand.Rand) time.Duration {
	return func(*rand.Rand) time.Duration { return d }
}

var simulations = []simulated{
	{"12 s", every(12 * time.Second), 1, 2 * time.Second, 3.6, 0.4},
	{"12 s, 32 at once", every(12 * time.Second), 32, 2 * time.Second, 1.5, 0.04},
	{"2 s", every(2 * time.Second), 1, 2 * time.Second, 4, 1.1},
	{"2 s, polled often", every(2 * time.Second), 1, 100 * time.Millisecond, 4, 0.4},
	{"1 s", every(time.Second), 1, 100 * time.Millisecond, 4, 0.5},
	{"a quarter of a second", every(time.Second / 4), 1, 2 * time.Second, 0.7, 1},
	{"2 s, 200 at once", every(2 * time.Second), 200, 2 * time.Second, 0.5, 0.03},
	{"missed slots", func(r *rand.Rand) time.Duration { return 12 * time.Second * time.Duration(1+r.IntN(8)/7) }, 1, 2 * time.Second, 3.7, 0.5},
	{"by chance", func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * 13 * float64(time.Second)) }, 1, 2 * time.Second, 4, 1},
	{"10 min", every(10 * time.Minute), 1, 2 * time.Second, 4, 0.1},
}

// TestPace counts the calls of two endpoints of three, and a proof, that an idle
// chain costs, and how late its blocks are seen.
func TestPace(t *testing.T) {
	for _, sim := range simulations {
		t.Run(sim.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
			start := time.Unix(1_700_000_000, 0)
			made := []time.Time{start} // block n at made[n]
			for range 4000 {
				made = append(made, made[len(made)-1].Add(sim.block(r)))
			}
			final := func(now time.Time) (n uint64) {
				low, high := 0, len(made)
				for low+1 < high {
					if middle := (low + high) / 2; made[middle].After(now) {
						high = middle
					} else {
						low = middle
					}
				}
				return uint64(low) / sim.step * sim.step //nolint:gosec // positive
			}
			var p pace
			var calls, before, known, seen uint64
			var late time.Duration
			warm := made[len(made)/4]
			for now := start.Add(time.Second); now.Before(made[len(made)-1]); now = now.Add(sim.poll) {
				if p.early(now) {
					continue
				}
				if now.Before(warm) {
					before = calls
				}
				calls++
				newest := final(now)
				if newest == known {
					p.same(now)
					continue
				}
				calls += 2
				if newest > known+1 {
					calls += 2 // whether the last one is still there
				}
				if now.After(warm) {
					late += now.Sub(made[newest])
					seen++
				}
				known = newest
				p.moved(newest, uint64(made[newest].Unix()), now, calls) //nolint:gosec // positive
			}
			perBlock := float64(calls-before) / float64(len(made)*3/4)
			span := made[len(made)-1].Sub(made[0]) / time.Duration(len(made)) * time.Duration(sim.step) //nolint:gosec // small
			lateness := late.Seconds() / float64(seen) / span.Seconds()
			t.Logf("%.2f calls a block, seen %.2f late", perBlock, lateness)
			if perBlock > sim.most || lateness > sim.late {
				t.Errorf("%.2f calls a block, want %.2f; seen %.2f late, want %.2f", perBlock, sim.most, lateness, sim.late)
			}
		})
	}
}
