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

// dumbTally keeps every vote as it came and counts anew for each question.
type dumbTally struct {
	power map[int]uint64
	votes [][2]int // voter and value
}

func (d *dumbTally) behind(value int) *big.Int {
	sum := new(big.Int)
	for id, power := range d.power {
		if slices.Contains(d.votes, [2]int{id, value}) {
			sum.Add(sum, new(big.Int).SetUint64(power))
		}
	}
	return sum
}

func (d *dumbTally) total() *big.Int {
	sum := new(big.Int)
	for _, power := range d.power {
		sum.Add(sum, new(big.Int).SetUint64(power))
	}
	return sum
}

// The dumb twin of Tally: any sequence of votes, repeated, for several values,
// and of strangers.
func TestTallyAgainstDumbTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		power := map[int]uint64{}
		for id := range rapid.IntRange(0, 7).Draw(t, "voters") {
			power[id] = rapid.SampledFrom([]uint64{0, 1, 1, 2, 3, 100, 1 << 30, 1<<60 - 1}).Draw(t, "power")
		}
		tally, twin := quorum.NewTally[int, int](power), &dumbTally{power: power}
		const values = 3
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				id, value := rapid.IntRange(0, 8).Draw(t, "voter"), rapid.IntRange(0, values-1).Draw(t, "value")
				tally.Add(id, value)
				twin.votes = append(twin.votes, [2]int{id, value})
			},
			"": func(t *rapid.T) {
				total := twin.total()
				if new(big.Int).SetUint64(tally.Total()).Cmp(total) != 0 {
					t.Fatalf("total %d, want %s", tally.Total(), total)
				}
				for value := range values {
					behind := twin.behind(value)
					if new(big.Int).SetUint64(tally.Power(value)).Cmp(behind) != 0 {
						t.Fatalf("power behind %d is %d, want %s", value, tally.Power(value), behind)
					}
					left, right := new(big.Int).Mul(behind, big.NewInt(3)), new(big.Int).Mul(total, big.NewInt(2))
					if want := left.Cmp(right) > 0; tally.Reached(value) != want {
						t.Fatalf("%s of %s reached: %v, want %v", behind, total, !want, want)
					}
				}
			},
		})
	})
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
