package bridge

import (
	"cmp"
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	// dutySigning is the duty to sign seals; observing a chain is a duty of the
	// chain's id.
	dutySigning = 0
	// missParts is in how many parts the window of misses slides.
	missParts = 16
)

// evidence bans whom CometBFT has proven to have voted twice.
func (a *applier) evidence() {
	for _, id := range a.block.Misbehavior {
		if member := a.s.Member(id); member != nil && status(member) != types.ValidatorTombstoned {
			a.ban(member, reasonDoubleSign)
		}
	}
}

// ban removes a validator for ever; the handover does not wait for the epoch's
// end.
func (a *applier) ban(member *pb.Member, reason string) {
	a.setStatus(member, types.ValidatorTombstoned, reason)
	if member.InSet {
		a.network.Urgent = true
	}
	a.slash(types.Address(member.Operator))
}

// jail removes an active validator until its operator asks for its return.
func (a *applier) jail(member *pb.Member, reason string) {
	a.setStatus(member, types.ValidatorJailed, reason)
}

// strikes counts, once an inbox is applied, who had voted for another history.
// A provider that lies is likelier than a validator that does, so only several
// strikes jail.
func (a *applier) strikes(slice inboxSlice) {
	if !a.judges(slice.chain) {
		return
	}
	votes := a.ballot.of(types.ChainID(slice.chain.Id))
	for i, held := range votes.held {
		conflict := slices.IndexFunc(held.Marks, func(m *pb.Mark) bool {
			return m.Nonce > slice.chain.Cursor && m.Nonce <= slice.end.Nonce &&
				types.Hash(m.Hash) != slice.hashes[m.Nonce-slice.chain.Cursor-1]
		})
		if conflict >= 0 {
			a.strike(a.ballot.members[i], slice.chain, held.Marks[conflict].Nonce)
		}
	}
}

func (a *applier) strike(id types.ValidatorID, chain *pb.Chain, nonce uint64) {
	member := a.s.Member(id)
	if status(member) != types.ValidatorActive {
		return
	}
	p := a.network.Params
	faults := a.s.Faults(id)
	faults.Strikes = append(slices.DeleteFunc(faults.Strikes, func(at uint64) bool { return at+p.StrikeWindow <= a.height() }), a.height())
	a.s.SetFaults(id, faults)
	a.emit(EventStrike, "validator", id.String(), "chain", decimal(chain.Id), "nonce", decimal(nonce))
	if len(faults.Strikes) >= int(p.MaxStrikes) {
		a.jail(member, reasonConflicting)
	}
}

// judges says whether duties about a chain count now: not while it is paused,
// nor during a handover.
func (a *applier) judges(chain *pb.Chain) bool {
	return a.network.Handover == 0 && chain.Refused == "" && chain.Paused == notPaused
}

// duties looks, every duty_blocks, at who has done nothing of what there was to
// do since the look before.
func (a *applier) duties() {
	p := a.network.Params
	if a.height()%p.DutyBlocks != 0 {
		return
	}
	inForce := a.network.Handover == 0 && a.height() >= a.network.EpochHeight+p.DutyBlocks+consensusDelay
	a.signingDuty(inForce)
	for _, chain := range a.chains {
		if inForce && a.judges(chain) {
			a.observingDuty(chain)
		}
		chain.DutyHead = chain.Head
	}
}

// signingDuty judges the seals that are complete for so long that no more
// signatures are taken.
func (a *applier) signingDuty(inForce bool) {
	signed := make([]bool, len(a.ballot.members))
	judged := 0
	a.s.Seals(a.network.Signed+1, func(seal *pb.Seal) bool {
		if seal.Complete == 0 || a.height() <= seal.Complete+a.network.Params.SigGrace {
			return false
		}
		a.network.Signed = seal.Height
		if seal.Epoch != a.network.Epoch || seal.Height < a.network.EpochHeight+consensusDelay {
			return true
		}
		judged++
		for _, s := range a.s.Signatures(seal.Height).Signatures {
			signed[s.Member] = true
		}
		return true
	})
	for i, id := range a.ballot.members {
		if inForce && judged > 0 && !signed[i] {
			a.miss(id, dutySigning)
		}
	}
}

// observingDuty judges who is behind the head that was agreed at the look
// before. A chain whose head has not moved since makes nobody miss.
func (a *applier) observingDuty(chain *pb.Chain) {
	if chain.DutyHead == 0 || chain.Head == chain.DutyHead {
		return
	}
	for i, held := range a.ballot.of(types.ChainID(chain.Id)).held {
		if held.Head+a.network.Params.LagBlocks < chain.DutyHead {
			a.miss(a.ballot.members[i], chain.Id)
		}
	}
}

// miss counts a missed duty in a window of missParts parts, the newest first.
func (a *applier) miss(id types.ValidatorID, duty uint64) {
	member := a.s.Member(id)
	if status(member) != types.ValidatorActive {
		return
	}
	faults := a.s.Faults(id)
	at, found := slices.BinarySearchFunc(faults.Misses, duty, func(m *pb.Misses, duty uint64) int { return cmp.Compare(m.Duty, duty) })
	if !found {
		faults.Misses = slices.Insert(faults.Misses, at, &pb.Misses{Duty: duty})
	}
	total := addMiss(faults.Misses[at], a.height(), a.network.Params.MissWindow)
	a.s.SetFaults(id, faults)
	if total > uint64(a.network.Params.MaxMisses) {
		a.jail(member, reasonAbsent)
	}
}

// addMiss adds one miss and returns how many the window holds.
func addMiss(m *pb.Misses, height, window uint64) uint64 {
	slide(m, height, window)
	m.Counts[0]++
	return missesIn(m)
}

// slide moves a window's newest part to a height.
func slide(m *pb.Misses, height, window uint64) {
	part := height / max(1, window/missParts)
	if passed := part - min(part, m.Part); passed > 0 || len(m.Counts) == 0 {
		fresh := make([]uint32, min(max(passed, 1), missParts))
		if len(m.Counts) == 0 {
			fresh = make([]uint32, 1)
		}
		m.Counts = append(fresh, m.Counts...)
		m.Counts = m.Counts[:min(len(m.Counts), missParts)]
	}
	m.Part = part
}

func missesIn(m *pb.Misses) (total uint64) {
	for _, count := range m.Counts {
		total += uint64(count)
	}
	return total
}

// signable says whether signatures of a seal are still taken: until it is
// complete, and for sig_grace blocks more, so that being slow is not being
// absent.
func signable(network *pb.Network, seal *pb.Seal, height uint64) bool {
	return seal != nil && (seal.Complete == 0 || height <= seal.Complete+network.Params.SigGrace)
}

// registerAll makes the first validators known.
func registerAll(s state.State, members []*pb.Validator, height uint64) {
	for _, v := range members {
		id := types.ConsensusKey(v.ConsensusKey).ID()
		s.SetMember(&pb.Member{
			ConsensusKey: v.ConsensusKey, Signer: v.Signer, Operator: v.Operator, Moniker: v.Moniker, Power: v.Power,
			Status: uint32(types.ValidatorActive), Joined: height, Since: height, InSet: true,
		})
		s.SetOwner(state.UseOperator, types.Address(v.Operator), id)
		s.SetOwner(state.UseSigner, types.Address(v.Signer), id)
	}
}
