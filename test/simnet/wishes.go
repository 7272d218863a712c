package simnet

import (
	"maps"
	"slices"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// small is below how many validators nothing is limited.
const small = 4

// share is a part of something.
type share struct{ part, of uint64 }

func (s share) within(thousandths uint64) bool { return s.part*1000 <= s.of*thousandths }

// gained is how much of the power is in other hands.
func gained(before, after map[types.ValidatorID]uint64) share {
	b, a := sum(before), sum(after)
	s := share{of: a * b}
	for id, power := range after {
		if now, then := power*b, before[id]*a; now > then {
			s.part += now - then
		}
	}
	return s
}

func sum(powers map[types.ValidatorID]uint64) (total uint64) {
	for _, power := range powers {
		total += power
	}
	return total
}

// wishes is what the set is to be: every active validator, with its power and
// not more than max_share.
func (reg *registry) wishes() map[types.ValidatorID]uint64 {
	wishes := map[types.ValidatorID]uint64{}
	for id, v := range reg.known {
		if v.Status == types.ValidatorActive && v.NextPower > 0 {
			wishes[id] = uint64(v.NextPower)
		}
	}
	most := mostPower(slices.Collect(maps.Values(wishes)), uint64(reg.params.MaxShare))
	for id := range wishes {
		wishes[id] = min(wishes[id], most)
	}
	return wishes
}

// mostPower is the most that one of them may have: the greatest that is within
// its share of what all have then; without any, all are equal.
func mostPower(powers []uint64, thousandths uint64) uint64 {
	if len(powers) == 0 {
		return 0
	}
	least, most := slices.Min(powers), slices.Max(powers)
	if len(powers) < small {
		return most
	}
	for ; most > least; most-- {
		var total uint64
		for _, p := range powers {
			total += min(p, most)
		}
		if most*1000 <= total*thousandths {
			break
		}
	}
	return most
}

// asWished holds that an epoch which is old enough to end, and does not, has the
// set that is wished: every wish that is open could not come a step nearer.
func (r *run) asWished() {
	reg := r.registry
	if reg.settled || reg.handover != 0 || r.height < reg.begun+r.epochLasts() {
		return
	}
	reg.settled = true
	wishes := reg.wishes()
	for _, n := range r.nodes {
		id := n.id
		v, want, have := reg.known[id], wishes[id], reg.powers[id]
		if (want != have || v.InSet && v.NextSigner != types.Address{}) && !reg.stuck(id, have, want) {
			r.broken("wishes", "%s (%s) has the power %d in epoch %d, which could end; wished is %d, signer %s then %s",
				v.Moniker, v.Status, have, reg.epoch, want, v.Signer, v.NextSigner)
		}
		if want != have {
			r.rare("a wish that no epoch can grant")
		}
	}
	r.stats.Checks += int64(len(reg.known))
}

// stuck says whether the next step towards a wish is beyond a limit.
func (reg *registry) stuck(id types.ValidatorID, have, want uint64) bool {
	next := maps.Clone(reg.powers)
	switch {
	case have < want:
		next[id]++
	case have > want:
		next[id]--
	default:
		return false
	}
	if next[id] == 0 {
		delete(next, id)
	}
	gain := uint64(reg.params.MaxGain)
	full := have == 0 && len(next) > int(reg.params.MaxValidators)
	return len(next) == 0 || full || len(reg.powers) >= small && !gained(reg.powers, next).within(gain)
}

// reform makes liars honest before they could have 1/3 of the power: what they
// may gain counts, and what the others may lose.
func (r *run) reform() {
	if r.scenario.Beyond {
		return
	}
	wishes := r.registry.wishes()
	for {
		var honest, lying, most uint64
		var worst *node
		for _, n := range r.nodes {
			have, want := r.registry.powers[n.id], wishes[n.id]
			if !n.liar {
				honest += min(have, want)
			} else if power := max(have, want); power > 0 {
				if lying += power; power > most {
					worst, most = n, power
				}
			}
		}
		if worst == nil || 2*lying < honest {
			return
		}
		r.rare("a liar reforms")
		worst.liar, worst.reformed = false, true
		if worst.up() {
			worst.crash(0, "to be repaired")
		}
		for _, c := range r.world.chains { // alarms that it has raised stand for a while
			r.mayPause[c.ID] = true
		}
	}
}

// epochLasts is for how many blocks an epoch lasts: a chain of which nothing was
// heard makes it twice as long.
func (r *run) epochLasts() int64 {
	lasts := int64(r.registry.params.EpochBlocks)
	if slices.ContainsFunc(r.agreed, func(s bridge.ChainState) bool { return s.Refused == "" && s.Cursor == 0 }) {
		return 2 * lasts
	}
	return lasts
}
