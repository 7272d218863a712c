package quorum_test

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge/quorum"
)

func TestReachedBoundary(t *testing.T) {
	for _, c := range []struct {
		signed, total uint64
		want          bool
	}{
		{0, 0, false},
		{1, 0, false},
		{1, 1, true},
		{2, 3, false},
		{3, 3, true},
		{2, 4, false},
		{3, 4, true},
		{4, 6, false},
		{5, 6, true},
		{66, 100, false},
		{67, 100, true},
		{14, 21, false},
		{15, 21, true},
		{1<<64 - 1, 1<<64 - 1, true},
	} {
		if got := quorum.Reached(c.signed, c.total); got != c.want {
			t.Errorf("Reached(%d, %d) = %v", c.signed, c.total, got)
		}
	}
}

// The dumb twin: 3·signed > 2·total without bounds on the numbers.
func TestReachedAgainstBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Uint64().Draw(t, "total")
		signed := rapid.Uint64Range(0, total).Draw(t, "signed")
		left := new(big.Int).Mul(big.NewInt(3), new(big.Int).SetUint64(signed))
		right := new(big.Int).Mul(big.NewInt(2), new(big.Int).SetUint64(total))
		if got, want := quorum.Reached(signed, total), total > 0 && left.Cmp(right) > 0; got != want {
			t.Fatalf("Reached(%d, %d) = %v, want %v", signed, total, got, want)
		}
	})
}

func TestTallyCountsAVoterOnceAndStrangersNever(t *testing.T) {
	tally := quorum.NewTally[string, int](map[string]uint64{"a": 1, "b": 1, "c": 1, "d": 1})
	for _, id := range []string{"a", "a", "b", "b", "stranger", "stranger"} {
		tally.Add(id, 7)
	}
	if tally.Power(7) != 2 || tally.Reached(7) {
		t.Fatalf("power %d, reached %v", tally.Power(7), tally.Reached(7))
	}
	tally.Add("c", 7)
	if !tally.Reached(7) || tally.Reached(8) || tally.Total() != 4 {
		t.Fatal("three of four are a quorum")
	}
}

// The dumb twin of GreatestReached sorts and walks down.
func TestGreatestReached(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 7).Draw(t, "n")
		power, said := map[int]uint64{}, map[int]uint64{}
		var numbers []uint64
		var total uint64
		for i := range n {
			power[i] = rapid.Uint64Range(1, 5).Draw(t, "power")
			said[i] = rapid.Uint64Range(0, 9).Draw(t, "said")
			numbers = append(numbers, said[i])
			total += power[i]
		}
		slices.Sort(numbers)
		slices.Reverse(numbers)
		var want uint64
		for _, candidate := range numbers {
			var sum uint64
			for i := range n {
				if said[i] >= candidate {
					sum += power[i]
				}
			}
			if 3*sum > 2*total {
				want = candidate
				break
			}
		}
		if got := quorum.GreatestReached(power, said); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	})
}
