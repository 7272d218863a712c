package bridge

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
)

func setValidator(i int, power uint32) *pb.Validator {
	return &pb.Validator{ConsensusKey: fmt.Appendf(nil, "key %02d", i), Signer: fmt.Appendf(nil, "signer %02d", i), Power: power}
}

// share is a power in thousandths of a total, exactly.
func share(power, total uint64) *big.Rat {
	return big.NewRat(int64(power)*1000, int64(total)) //nolint:gosec // at most 2^30
}

// Whatever is wished: the set is never empty, has no key twice, grows by at most
// the allowed gains, and after enough epochs is what was wished.
func TestNextSet(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var current []*pb.Validator
		var wishes []wish
		size := rapid.IntRange(4, 12).Draw(rt, "size")
		for i := range size {
			current = append(current, setValidator(i, rapid.Uint32Range(1, 1000).Draw(rt, "power")))
		}
		for i := range size + rapid.IntRange(0, 6).Draw(rt, "newcomers") {
			power := rapid.Uint32Range(0, 1000).Draw(rt, "wish")
			if i == 0 {
				power = max(power, 1) // somebody stays
			}
			wishes = append(wishes, wish{
				validator: setValidator(i, power), since: rapid.Uint64Range(0, 5).Draw(rt, "since"),
				banned: power == 0 && i < size && rapid.Bool().Draw(rt, "banned"),
			})
		}
		gain := rapid.Uint64Range(50, 333).Draw(rt, "gain")
		byStake := rapid.Bool().Draw(rt, "by stake")
		if byStake { // then powers are shares of a million
			var total uint64
			for _, w := range wishes {
				total += uint64(w.validator.Power)
			}
			for _, w := range wishes {
				w.validator.Power = uint32(uint64(w.validator.Power) * stakeScale / total) //nolint:gosec // at most stakeScale
			}
		}
		for range 200 {
			next := nextSet(current, wishes, 100, gain, byStake)
			checkStep(rt, current, next, wishes, gain)
			if sameSet(current, next) {
				break
			}
			current = next
		}
		for _, w := range wishes {
			if len(current) >= smallSet && changes(current, w) && !stuck(current, w, gain) {
				rt.Fatalf("validator %s is not what was wished", w.validator.ConsensusKey)
			}
		}
	})
}

// stuck says whether not even one unit of power may change hands.
func stuck(current []*pb.Validator, w wish, gain uint64) bool {
	return sameSet(current, nextSet(current, []wish{w}, 100, gain, false))
}

func checkStep(rt *rapid.T, before, after []*pb.Validator, wishes []wish, gain uint64) {
	if len(after) == 0 {
		rt.Fatal("nobody is left")
	}
	seen := map[string]bool{}
	for _, v := range after {
		if seen[string(v.ConsensusKey)] || v.Power == 0 {
			rt.Fatalf("validator %s stands there twice, or has no power", v.ConsensusKey)
		}
		seen[string(v.ConsensusKey)] = true
	}
	banned := false
	for _, w := range wishes {
		banned = banned || w.banned && indexOf(before, w.validator.ConsensusKey) >= 0
	}
	if len(before) < smallSet || banned { // the first ban is not bound by the limit
		return
	}
	gained := new(big.Rat)
	for _, v := range after {
		then := new(big.Rat)
		if at := indexOf(before, v.ConsensusKey); at >= 0 {
			then = share(uint64(before[at].Power), totalPower(before))
		}
		if more := new(big.Rat).Sub(share(uint64(v.Power), totalPower(after)), then); more.Sign() > 0 {
			gained.Add(gained, more)
		}
	}
	if gained.Cmp(big.NewRat(int64(gain), 1)) > 0 { //nolint:gosec // at most 333
		rt.Fatalf("%s thousandths of the power came into other hands, at most %d may", gained.FloatString(3), gain)
	}
}

// With shares capped nobody has more than allowed, as far as that can be, and
// nobody gets more than it wished.
func TestCapShares(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.IntRange(smallSet, 12).Draw(rt, "size")
		most := rapid.Uint64Range(1, 1000).Draw(rt, "share")
		var wishes []wish
		var wished []uint32
		for i := range size {
			power := rapid.Uint32Range(1000, 1<<20).Draw(rt, "power")
			wished = append(wished, power)
			wishes = append(wishes, wish{validator: setValidator(i, power)})
		}
		capShares(wishes, most)
		var total, least, greatest uint64
		for i, w := range wishes {
			power := uint64(w.validator.Power)
			if power == 0 || power > uint64(wished[i]) {
				rt.Fatalf("power %d of a wished %d", power, wished[i])
			}
			total, greatest = total+power, max(greatest, power)
			if least == 0 || power < least {
				least = power
			}
		}
		feasible := most*uint64(size) >= 1000                              //nolint:gosec // a size
		over := share(greatest, total).Cmp(big.NewRat(int64(most), 1)) > 0 //nolint:gosec // at most 1000
		if feasible && over && greatest != least {
			rt.Fatalf("share %s, at most %d: %d of %d", share(greatest, total).FloatString(3), most, greatest, total)
		}
		if !feasible && greatest != least {
			rt.Fatalf("nobody can be within %d, and powers go from %d to %d", most, least, greatest)
		}
	})
}

// A validator whose power cannot change yet gets its new signer nevertheless.
func TestRotationDoesNotWaitForPower(t *testing.T) {
	var current []*pb.Validator
	for i := range 4 {
		current = append(current, setValidator(i, 1))
	}
	rotated := setValidator(0, 1000)
	rotated.Signer = []byte("signer 99")
	next := nextSet(current, []wish{{validator: rotated}}, 100, 10, false)
	if at := indexOf(next, rotated.ConsensusKey); at < 0 || string(next[at].Signer) != "signer 99" || next[at].Power != 1 {
		t.Errorf("%+v", next)
	}
}
