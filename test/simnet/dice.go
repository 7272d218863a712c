package simnet

import (
	"hash/fnv"
	"math/rand/v2"
)

// dice gives each purpose a stream of random numbers of its own, all from one
// seed: a fault that is switched off leaves the throws of the others alone, so
// that a failing seed can be shrunk.
type dice struct {
	seed    uint64
	streams map[string]*rand.Rand
}

func newDice(seed uint64) *dice { return &dice{seed: seed, streams: map[string]*rand.Rand{}} }

// of is the stream of a purpose.
func (d *dice) of(purpose string) *rand.Rand {
	r, known := d.streams[purpose]
	if !known {
		h := fnv.New64a()
		_, _ = h.Write([]byte(purpose)) // a hash never fails
		r = rand.New(rand.NewPCG(d.seed, h.Sum64()))
		d.streams[purpose] = r
	}
	return r
}

// chance is true in so many of a thousand throws.
func (d *dice) chance(purpose string, perMille int) bool {
	return perMille > 0 && d.of(purpose).IntN(1000) < perMille
}

// between is a number from low to high, both included.
func (d *dice) between(purpose string, low, high int) int {
	return low + d.of(purpose).IntN(high-low+1)
}

// pick is one of several.
func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
