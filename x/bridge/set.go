package bridge

import (
	"bytes"
	"cmp"
	"math/big"
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

// capShares lowers powers to what capped says.
func capShares(wishes []wish, share uint64) {
	members := slices.DeleteFunc(slices.Clone(wishes), func(w wish) bool { return w.validator.Power == 0 })
	powers := make([]*big.Int, len(members))
	for i, w := range members {
		powers[i] = new(big.Int).SetUint64(uint64(w.validator.Power))
	}
	for i, power := range capped(powers, share) {
		members[i].validator.Power = uint32(power.Uint64()) //nolint:gosec // at most what it was
	}
}

// capped is weights above 0, lowered so that none is more than share thousandths
// of the sum, as far as that is possible with so many; else all are equal. Where
// n weights are above the cap, it is share × the others' sum / (1000 - n × share).
func capped(weights []*big.Int, share uint64) []*big.Int {
	if len(weights) < smallSet {
		return weights
	}
	falling := slices.Clone(weights)
	slices.SortFunc(falling, func(a, b *big.Int) int { return b.Cmp(a) })
	rest := new(big.Int)
	for _, weight := range falling {
		rest.Add(rest, weight)
	}
	most := falling[len(falling)-1]
	for i, weight := range falling {
		above := uint64(i) * share //nolint:gosec // an index
		if above >= 1000 {
			break
		}
		limit := new(big.Int).Mul(rest, new(big.Int).SetUint64(share))
		if limit.Div(limit, new(big.Int).SetUint64(1000-above)).Sign() == 0 {
			limit.SetUint64(1)
		}
		if weight.Cmp(limit) <= 0 {
			most = limit
			break
		}
		rest.Sub(rest, weight)
	}
	lowered := make([]*big.Int, len(weights))
	for i, weight := range weights {
		lowered[i] = weight
		if weight.Cmp(most) > 0 {
			lowered[i] = most
		}
	}
	return lowered
}

// nextSet is the members of the next epoch, ascending by signer: the present
// ones with as much of the wishes as comes to at most gain thousandths of the
// power in other hands. Bans go first, then the oldest wishes; what is left of
// them stays a wish. The first ban always goes, and the set is never empty.
//
// Powers by stake are shares of one sum. Where not all wishes fit, all shares go
// the same part of their way.
func nextSet(current []*pb.Validator, wishes []wish, most int, gain uint64, byStake bool) []*pb.Validator {
	next := slices.Clone(current)
	pending := slices.DeleteFunc(slices.Clone(wishes), func(w wish) bool { return !changes(current, w) })
	slices.SortStableFunc(pending, func(a, b wish) int {
		return cmp.Or(boolCompare(b.banned, a.banned), cmp.Compare(a.since, b.since),
			bytes.Compare(a.validator.ConsensusKey, b.validator.ConsensusKey))
	})
	if all := fulfilled(current, pending); within(current, all, most, limitOf(current, gain)) {
		return sorted(all)
	}
	if byStake {
		return sorted(blended(withoutBanned(current, pending), wishes, limitOf(current, gain)))
	}
	for i, w := range pending {
		limit := limitOf(current, gain)
		if i == 0 && w.banned {
			limit = 1000
		}
		next = towards(current, next, w, most, limit)
	}
	return sorted(next)
}

func sorted(set []*pb.Validator) []*pb.Validator {
	slices.SortFunc(set, func(a, b *pb.Validator) int { return bytes.Compare(a.Signer, b.Signer) })
	return set
}

// limitOf is the gain that a set may bear in thousandths.
func limitOf(current []*pb.Validator, gain uint64) uint64 {
	if len(current) < smallSet {
		return 1000
	}
	return gain
}

// fulfilled is a set with all wishes.
func fulfilled(set []*pb.Validator, wishes []wish) []*pb.Validator {
	for _, w := range wishes {
		set = replaced(set, w.validator, w.validator.Power)
	}
	return slices.Clone(set)
}

// withoutBanned is a set without those who are banned, or without the first of
// them where that would be everybody.
func withoutBanned(set []*pb.Validator, pending []wish) []*pb.Validator {
	for _, w := range pending {
		if left := replaced(set, w.validator, 0); w.banned && len(left) > 0 {
			set = left
		}
	}
	return set
}

// blended is a set whose shares have gone as far to the wished ones as the gain
// lets them. With c and w the present and the wished power of a validator, C and
// W the sums of all, and G the gains of the whole way, that part of the way is
// p = (gain/1000) / G, and the validator's power W × (c/C × (1-p) + w/W × p).
// What others gain grows by the same part each epoch, so the way has an end.
func blended(current []*pb.Validator, wishes []wish, gain uint64) []*pb.Validator {
	wished := fulfilled(nil, wishes)
	before, after := totalPower(current), totalPower(wished)
	switch {
	case len(wished) == 0: // all stake is gone: somebody has to go on
		return current
	case gain >= 1000:
		return wished
	}
	gained := gains(current, wished) // G in 1 / (C × W)
	all := union(current, wished)
	// Powers are rounded to millionths: leave room for that.
	millionths := gain*1000 - min(gain*1000-1, 4*uint64(len(all)))
	limit := new(big.Int).Mul(new(big.Int).SetUint64(before*after), new(big.Int).SetUint64(millionths))
	whole := new(big.Int).Mul(new(big.Int).SetUint64(gained), big.NewInt(1_000_000))
	if limit.Cmp(whole) >= 0 {
		return wished
	}
	rest := new(big.Int).Sub(whole, limit)
	var next []*pb.Validator
	for _, w := range all {
		var present, aim uint64
		if at := indexOf(current, w.ConsensusKey); at >= 0 {
			present = uint64(current[at].Power)
		}
		if at := indexOf(wished, w.ConsensusKey); at >= 0 {
			aim = uint64(wished[at].Power)
		}
		stays := new(big.Int).Mul(new(big.Int).SetUint64(present*after), rest)
		moves := new(big.Int).Mul(new(big.Int).SetUint64(aim*before), limit)
		power := stays.Add(stays, moves).Div(stays, new(big.Int).Mul(whole, new(big.Int).SetUint64(before))).Uint64()
		if aim > 0 {
			power = max(power, 1)
		}
		if power > 0 && len(next) < types.MaxValidators {
			next = append(next, replaced(nil, w, uint32(power))...) //nolint:gosec // at most the sum wished
		}
	}
	return next
}

// union is the members of one set, and those of another that are not in it.
func union(set, other []*pb.Validator) []*pb.Validator {
	all := slices.Clone(set)
	for _, v := range other {
		if at := indexOf(all, v.ConsensusKey); at < 0 {
			all = append(all, v)
		} else {
			all[at] = v // with its new signer
		}
	}
	return all
}

// within says whether a set keeps all limits. One that is too large already, for
// max_validators was lowered, may not grow.
func within(from, to []*pb.Validator, most int, gain uint64) bool {
	return len(to) > 0 && len(to) <= max(most, len(from)) && totalPower(to) <= types.MaxTotalPower && withinGain(from, to, gain)
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
	fits := func(step int) bool { return within(current, with(step), most, gain) }
	if fits(way) {
		return with(way)
	}
	// With no step at all, it has its power, and its new signer.
	return with(sort.Search(way, func(i int) bool { return !fits(i + 1) }))
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
// grow by at most gain thousandths together.
func withinGain(from, to []*pb.Validator, gain uint64) bool {
	gainedHigh, gainedLow := bits.Mul64(gains(from, to), 1000)
	limitHigh, limitLow := bits.Mul64(totalPower(from)*totalPower(to), gain)
	return gainedHigh < limitHigh || gainedHigh == limitHigh && gainedLow <= limitLow
}

// gains is by how much the shares of all who gain grow, from one set to another,
// in 1 / (the product of both totals). A share is power / total; the sum stays
// at most 2^60, for both totals are at most 2^30.
func gains(from, to []*pb.Validator) (gained uint64) {
	before, after := totalPower(from), totalPower(to)
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
	return gained
}
