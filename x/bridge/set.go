package bridge

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
	"sort"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// smallSet is below how many validators nobody's share or gain is limited: there
// are no shares that would be within the limits.
const smallSet = 4

// wish is what a validator is to be in the next epoch.
type wish struct {
	validator *pb.Validator // with the power that it is to have; 0 for none
	banned    bool          // it goes first
	since     uint64        // block of the wish: the older ones go first
}

// capShares lowers powers so that nobody has more than share thousandths of the
// sum, as far as that is possible with so many validators; else all are equal.
// Where n powers P are above the cap, it is share × the others' sum / (1000 - n × share).
func capShares(wishes []wish, share uint64) {
	members := slices.DeleteFunc(slices.Clone(wishes), func(w wish) bool { return w.validator.Power == 0 })
	if len(members) < smallSet {
		return
	}
	slices.SortStableFunc(members, func(a, b wish) int { return cmp.Compare(b.validator.Power, a.validator.Power) })
	var rest uint64
	for _, w := range members {
		rest += uint64(w.validator.Power)
	}
	for capped := range members {
		above := uint64(capped) //nolint:gosec // an index
		if above*share >= 1000 {
			break
		}
		limit := share * rest / (1000 - above*share)
		if uint64(members[capped].validator.Power) <= max(limit, 1) {
			for _, w := range members[:capped] {
				w.validator.Power = uint32(max(limit, 1)) //nolint:gosec // below its power
			}
			return
		}
		rest -= uint64(members[capped].validator.Power)
	}
	for _, w := range members {
		w.validator.Power = members[len(members)-1].validator.Power
	}
}

// nextSet is the members of the next epoch, ascending by signer: the present
// ones with as much of the wishes as comes to at most gain thousandths of the
// power in other hands. Bans go first, then the oldest wishes; what is left of
// them stays a wish. The first ban always goes, and the set is never empty.
func nextSet(current []*pb.Validator, wishes []wish, most int, gain uint64) []*pb.Validator {
	next := slices.Clone(current)
	pending := slices.DeleteFunc(slices.Clone(wishes), func(w wish) bool { return !changes(current, w) })
	slices.SortStableFunc(pending, func(a, b wish) int {
		return cmp.Or(boolCompare(b.banned, a.banned), cmp.Compare(a.since, b.since),
			bytes.Compare(a.validator.ConsensusKey, b.validator.ConsensusKey))
	})
	for i, w := range pending {
		limit := gain
		if len(current) < smallSet || i == 0 && w.banned {
			limit = 1000
		}
		next = towards(current, next, w, most, limit)
	}
	slices.SortFunc(next, func(a, b *pb.Validator) int { return bytes.Compare(a.Signer, b.Signer) })
	return next
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// changes says whether a wish is another than what is.
func changes(current []*pb.Validator, w wish) bool {
	at := indexOf(current, w.validator.ConsensusKey)
	if at < 0 {
		return w.validator.Power > 0
	}
	return !sameMember(current[at], w.validator)
}

// sameMember says whether two records of a validator are one and the same to
// CometBFT, the contracts and the operators.
func sameMember(a, b *pb.Validator) bool {
	return a.Power == b.Power && bytes.Equal(a.Signer, b.Signer)
}

func sameSet(a, b []*pb.Validator) bool {
	return slices.EqualFunc(a, b, func(x, y *pb.Validator) bool {
		return bytes.Equal(x.ConsensusKey, y.ConsensusKey) && sameMember(x, y)
	})
}

func indexOf(members []*pb.Validator, key []byte) int {
	return slices.IndexFunc(members, func(v *pb.Validator) bool { return bytes.Equal(v.ConsensusKey, key) })
}

// towards is a set with a wish fulfilled, as far as the limits let it: a power
// that cannot be reached in one epoch is approached.
func towards(current, set []*pb.Validator, w wish, most int, gain uint64) []*pb.Validator {
	present, wanted := 0, int(w.validator.Power)
	if at := indexOf(set, w.validator.ConsensusKey); at >= 0 {
		present = int(set[at].Power)
	}
	sign, way := 1, wanted-present
	if way < 0 {
		sign, way = -1, -way
	}
	with := func(step int) []*pb.Validator {
		return replaced(set, w.validator, uint32(present+sign*step)) //nolint:gosec // between two powers
	}
	fits := func(step int) bool {
		tried := with(step)
		return len(tried) > 0 && len(tried) <= most && totalPower(tried) <= types.MaxTotalPower && withinGain(current, tried, gain)
	}
	if fits(way) {
		return with(way)
	}
	if steps := sort.Search(way, func(i int) bool { return !fits(i + 1) }); steps > 0 {
		return with(steps)
	}
	return set
}

// replaced is a set with a validator's record in the place of its present one,
// if it has one, and with another power; one with no power is left out.
func replaced(set []*pb.Validator, v *pb.Validator, power uint32) []*pb.Validator {
	next := slices.DeleteFunc(slices.Clone(set), func(x *pb.Validator) bool { return bytes.Equal(x.ConsensusKey, v.ConsensusKey) })
	if power == 0 {
		return next
	}
	return append(next, &pb.Validator{
		ConsensusKey: v.ConsensusKey, Signer: v.Signer, Operator: v.Operator, Moniker: v.Moniker, Power: power,
	})
}

// withinGain says whether the shares of all who gain, from one set to another,
// grow by at most gain thousandths together. A share is power / total; the sum
// below stays under 2^60, for both totals are at most 2^30.
func withinGain(from, to []*pb.Validator, gain uint64) bool {
	before, after := totalPower(from), totalPower(to)
	var gained uint64 // in 1 / (before × after)
	for _, v := range to {
		now := uint64(v.Power) * before
		var then uint64
		if at := indexOf(from, v.ConsensusKey); at >= 0 {
			then = uint64(from[at].Power) * after
		}
		if now > then {
			gained += now - then
		}
	}
	gainedHigh, gainedLow := bits.Mul64(gained, 1000)
	limitHigh, limitLow := bits.Mul64(before*after, gain)
	return gainedHigh < limitHigh || gainedHigh == limitHigh && gainedLow <= limitLow
}
