package simnet

import (
	"bytes"
	"cmp"
	"slices"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// updateDelay is how many heights after a block its validator updates are in
// force.
const updateDelay = 2

// seat is a validator of consensus.
type seat struct {
	node  *node
	power uint64
}

// consensusSet is the validators of consensus from a height on, in the order of
// commits: by power, the greatest first, then by address.
type consensusSet struct {
	from  int64
	seats []seat
	power uint64
}

func newConsensusSet(from int64, seats []seat) *consensusSet {
	s := &consensusSet{from: from, seats: seats}
	slices.SortFunc(s.seats, func(a, b seat) int {
		return cmp.Or(-cmp.Compare(a.power, b.power), bytes.Compare(a.node.id[:], b.node.id[:]))
	})
	for _, seat := range seats {
		s.power += seat.power
	}
	return s
}

// at is the place of a validator, or -1.
func (s *consensusSet) at(id types.ValidatorID) int {
	return slices.IndexFunc(s.seats, func(seat seat) bool { return seat.node.id == id })
}

// isQuorum is more than 2/3, reckoned by the simulation itself.
func (s *consensusSet) isQuorum(power uint64) bool { return 3*power > 2*s.power }

// setOf is the validators of consensus at a height.
func (r *run) setOf(height int64) *consensusSet {
	for i := len(r.sets) - 1; i > 0; i-- {
		if r.sets[i].from <= height {
			return r.sets[i]
		}
	}
	return r.sets[0]
}

// update puts what a block changes in force, two heights later. What CometBFT
// would stop at is a break.
func (r *run) update(height int64, updates []abci.ValidatorUpdate) {
	if len(updates) == 0 {
		return
	}
	seats := slices.Clone(r.sets[len(r.sets)-1].seats)
	seen := map[types.ValidatorID]bool{}
	for _, u := range updates {
		id := types.ConsensusKey(u.PubKey.GetEd25519()).ID()
		n := r.nodeOf(id)
		at := slices.IndexFunc(seats, func(s seat) bool { return s.node.id == id })
		switch {
		case seen[id]:
			r.broken("consensus", "block %d updates validator %s twice", height, id)
		case n == nil || u.Power < 0:
			r.broken("consensus", "block %d gives validator %s the power %d", height, id, u.Power)
		case at < 0 && u.Power == 0:
			r.broken("consensus", "block %d removes validator %s, which is not there", height, id)
		case at < 0:
			seats = append(seats, seat{n, uint64(u.Power)})
		case u.Power == 0:
			seats = slices.Delete(seats, at, at+1)
		default:
			seats[at].power = uint64(u.Power)
		}
		seen[id] = true
	}
	if len(seats) == 0 {
		r.broken("consensus", "block %d leaves no validator", height)
	}
	r.sets = append(r.sets, newConsensusSet(height+updateDelay, seats))
}

func (r *run) nodeOf(id types.ValidatorID) *node {
	for _, n := range r.nodes {
		if n.id == id {
			return n
		}
	}
	return nil
}

// votes says whether a node has a seat in consensus now, or will have one.
func (r *run) votes(n *node) bool {
	for _, s := range r.sets {
		if (s == r.sets[len(r.sets)-1] || s.from > r.height-updateDelay) && s.at(n.id) >= 0 {
			return true
		}
	}
	return r.setOf(r.height+1).at(n.id) >= 0
}
