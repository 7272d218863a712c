package state

import (
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// The keys of the registry of validators.
const (
	prefixMember = 'r' // validator → Member
	prefixFaults = 'f' // validator → Faults
	prefixOwner  = 'i' // section, address → validator
	prefixStake  = 'd' // operator → Stake
)

// Use is what an address is to a validator.
type Use byte

// An address has one of these uses, for one validator, ever.
const (
	UseOperator Use = 'o'
	UseSigner   Use = 's'
)

// MemberKey is the key of a Member.
func MemberKey(id types.ValidatorID) []byte { return key(prefixMember, id[:]) }

func ownerKey(use Use, address types.Address) []byte {
	return key(prefixOwner, []byte{byte(use)}, address[:])
}

// Member is a validator that the network knows, or nil.
func (v View) Member(id types.ValidatorID) *pb.Member {
	member := &pb.Member{}
	if !v.get(MemberKey(id), member) {
		return nil
	}
	return member
}

// Members visits all validators that the network knows, in the order of their
// ids.
func (v View) Members(visit func(*pb.Member) bool) {
	v.each(key(prefixMember), func(_, value []byte) bool {
		member := &pb.Member{}
		must(proto.Unmarshal(value, member))
		return visit(member)
	})
}

// SetMember writes one.
func (s State) SetMember(member *pb.Member) {
	s.set(MemberKey(types.ConsensusKey(member.ConsensusKey).ID()), member)
}

// RemoveMember deletes one and what counts against it.
func (s State) RemoveMember(id types.ValidatorID) {
	s.remove(MemberKey(id))
	s.remove(key(prefixFaults, id[:]))
}

// Owner is the validator that an address belongs to, if it belongs to one.
func (v View) Owner(use Use, address types.Address) (id types.ValidatorID, found bool) {
	raw := v.Raw(ownerKey(use, address))
	if raw == nil {
		return id, false
	}
	if len(raw) != len(id) {
		Failf("owner of %d bytes", len(raw))
	}
	return types.ValidatorID(raw), true
}

// SetOwner gives an address to a validator.
func (s State) SetOwner(use Use, address types.Address, id types.ValidatorID) {
	must(s.s.Set(ownerKey(use, address), id[:]))
}

// RemoveOwner takes an address back.
func (s State) RemoveOwner(use Use, address types.Address) { s.remove(ownerKey(use, address)) }

// Faults is what counts against a validator; nothing is an empty record.
func (v View) Faults(id types.ValidatorID) *pb.Faults {
	faults := &pb.Faults{}
	v.get(key(prefixFaults, id[:]), faults)
	return faults
}

// SetFaults writes it; an empty one is no record.
func (s State) SetFaults(id types.ValidatorID, faults *pb.Faults) {
	if len(faults.Strikes) == 0 && len(faults.Misses) == 0 {
		s.remove(key(prefixFaults, id[:]))
		return
	}
	s.set(key(prefixFaults, id[:]), faults)
}

// Stake is what an operator has staked; nothing is an empty record.
func (v View) Stake(operator types.Address) *pb.Stake {
	stake := &pb.Stake{}
	v.get(key(prefixStake, operator[:]), stake)
	return stake
}

// Stakes visits all stakes, in the order of their operators.
func (v View) Stakes(visit func(operator types.Address, stake *pb.Stake) bool) {
	v.each(key(prefixStake), func(k, value []byte) bool {
		if len(k) != 21 {
			Failf("stake key of %d bytes", len(k))
		}
		stake := &pb.Stake{}
		must(proto.Unmarshal(value, stake))
		return visit(types.Address(k[1:]), stake)
	})
}

// SetStake writes one; nothing is no record.
func (s State) SetStake(operator types.Address, stake *pb.Stake) {
	if len(stake.Staked) == 0 && len(stake.Unbonding) == 0 {
		s.remove(key(prefixStake, operator[:]))
		return
	}
	s.set(key(prefixStake, operator[:]), stake)
}

// SealHistory is what is kept of all seals; empty before the first.
func (v View) SealHistory() *pb.SealHistory {
	h := &pb.SealHistory{}
	v.get(key(prefixSealHistory), h)
	return h
}

// SetSealHistory writes it.
func (s State) SetSealHistory(h *pb.SealHistory) { s.set(key(prefixSealHistory), h) }

// Epochs is the numbers of all epochs whose sets are kept.
func (v View) Epochs() []uint64 {
	var all []uint64
	v.each(key(prefixEpoch), func(k, _ []byte) bool {
		all = append(all, binary.BigEndian.Uint64(k[1:]))
		return true
	})
	return all
}

// RemoveEpoch deletes an epoch's set.
func (s State) RemoveEpoch(epoch uint64) { s.remove(EpochKey(epoch)) }

// PruneConsensus deletes the consensus sets that hold for no height from this
// one on.
func (s State) PruneConsensus(height uint64) {
	var starts []uint64
	s.each(key(prefixConsensus), func(k, _ []byte) bool {
		starts = append(starts, binary.BigEndian.Uint64(k[1:]))
		return true
	})
	for i := 0; i+1 < len(starts) && starts[i+1] <= height; i++ {
		s.remove(key(prefixConsensus, num(starts[i])))
	}
}

// RemoveVote deletes what a validator has said of a chain.
func (s State) RemoveVote(c types.ChainID, id types.ValidatorID) {
	s.remove(key(prefixVote, chainPart(c), id[:]))
}

// Owners visits all addresses of validators.
func (v View) Owners(visit func(use Use, address types.Address, id types.ValidatorID) bool) {
	v.each(key(prefixOwner), func(k, value []byte) bool {
		if len(k) != 22 || len(value) != 20 {
			Failf("owner key of %d and %d bytes", len(k), len(value))
		}
		return visit(Use(k[1]), types.Address(k[2:]), types.ValidatorID(value))
	})
}

// Votes visits whose votes about which chain are kept.
func (v View) Votes(visit func(c types.ChainID, id types.ValidatorID) bool) {
	v.each(key(prefixVote), func(k, _ []byte) bool {
		if len(k) != 29 {
			Failf("vote key of %d bytes", len(k))
		}
		return visit(types.ChainID(binary.BigEndian.Uint64(k[1:])), types.ValidatorID(k[9:]))
	})
}
