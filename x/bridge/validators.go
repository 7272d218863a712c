package bridge

import (
	"bytes"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// maxFormerSigners is how many signers a validator may have had within the time
// that it is accountable for them.
const maxFormerSigners = 8

// Why a validator is not active; stable codes.
const (
	reasonLeft        = "left"         // by its operator
	reasonHomeRetired = "home_retired" // it had no power when the chain of its stake was retired
	reasonRemoved     = "removed"      // by governance
	reasonAbsent      = "absent"       // too many duties missed
	reasonConflicting = "conflicting"  // too many marks that are not what happened
	reasonDoubleSign  = "double_sign"  // two votes of one round, by CometBFT's evidence
	reasonForgedSeal  = "forged_seal"  // a seal signature over what the network never sealed
)

func status(member *pb.Member) types.ValidatorStatus {
	return types.ValidatorStatus(member.GetStatus()) //nolint:gosec // written from a ValidatorStatus
}

// setStatus moves a validator on; the next epoch follows it.
func (a *applier) setStatus(member *pb.Member, to types.ValidatorStatus, reason string) {
	member.Status, member.Reason = uint32(to), reason
	member.Since, member.SinceMs = a.height(), a.block.Time.UnixMilli()
	a.s.SetMember(member)
	a.emit(EventValidatorStatus, "validator", idOf(member).String(), "status", to.String(), "reason", reason)
}

// wished notes that a validator wants something else from the next epoch on. A
// jail goes on from when it began.
func (a *applier) wished(member *pb.Member) {
	if status(member) != types.ValidatorJailed {
		member.Since, member.SinceMs = a.height(), a.block.Time.UnixMilli()
	}
	a.s.SetMember(member)
}

func idOf(member *pb.Member) types.ValidatorID {
	return types.ConsensusKey(member.ConsensusKey).ID()
}

// admit makes a validator known, and part of the next epoch.
func (a *applier) admit(r types.Registration, power uint32) {
	id := r.ID()
	member := a.s.Member(id)
	if member == nil {
		member = &pb.Member{Joined: a.height()}
	}
	member.ConsensusKey, member.Signer, member.Operator, member.Moniker = r.ConsensusKey, r.Signer[:], r.Operator[:], r.Moniker
	member.Power = power
	a.s.SetOwner(state.UseOperator, r.Operator, id)
	a.s.SetOwner(state.UseSigner, r.Signer, id)
	a.s.SetFaults(id, &pb.Faults{})
	a.setStatus(member, types.ValidatorActive, "")
}

// mayAdmit checks who is to be admitted by vote: the registration's signatures,
// and that none of its keys is, or was, another validator's.
func (a *applier) mayAdmit(c *types.AdmitValidator) error {
	if a.network.Staking != nil {
		return cannot(resultByStake, "validators of this network are admitted by stake")
	}
	return a.mayRegisterValidator(c.Registration)
}

// mayRegisterValidator checks a registration.
func (a *applier) mayRegisterValidator(r types.Registration) error {
	if err := checkRegistration(a.machine.recoverSigner, a.network.ChainId, r); err != nil {
		return cannot(resultBadKeys, "%w", err)
	}
	if member := a.s.Member(r.ID()); member != nil {
		if status(member) != types.ValidatorLeaving || member.InSet || !bytes.Equal(member.Signer, r.Signer[:]) || !bytes.Equal(member.Operator, r.Operator[:]) {
			return cannot(resultKnownValidator, "validator %s is %s; one that has left may come back with the keys that it had", r.ID(), status(member))
		}
		return nil
	}
	if _, taken := a.s.Owner(state.UseOperator, r.Operator); taken {
		return cannot(resultKeyTaken, "operator %s has another validator, or had one", r.Operator)
	}
	if _, taken := a.s.Owner(state.UseSigner, r.Signer); taken {
		return cannot(resultKeyTaken, "signer %s is another validator's, or was", r.Signer)
	}
	return nil
}

// knownValidator finds a validator that governance may still change.
func (a *applier) knownValidator(id types.ValidatorID) (*pb.Member, error) {
	member := a.s.Member(id)
	if member == nil || status(member) == types.ValidatorTombstoned {
		return nil, cannot(resultUnknownValidator, "validator %s is not known, or banned", id)
	}
	return member, nil
}

func (a *applier) maySetPower(c *types.SetPower) (*pb.Member, error) {
	if a.network.Staking != nil {
		return nil, cannot(resultByStake, "powers of this network follow the stake")
	}
	return a.knownValidator(c.Validator)
}

func (a *applier) setPower(c *types.SetPower) error {
	member, err := a.maySetPower(c)
	if err == nil {
		member.Power = c.Power
		a.wished(member)
	}
	return err
}

func (a *applier) removeValidator(c *types.RemoveValidator) error {
	member, err := a.knownValidator(c.Validator)
	if err == nil {
		a.setStatus(member, types.ValidatorLeaving, reasonRemoved)
	}
	return err
}

// wishes is what the next epoch's set should be: every active validator with
// its power, and nobody else.
func (a *applier) wishes() []wish {
	var wishes []wish
	a.s.Members(func(member *pb.Member) bool {
		if !member.InSet && status(member) != types.ValidatorActive {
			return true
		}
		w := wish{banned: status(member) == types.ValidatorTombstoned, since: member.Since, validator: &pb.Validator{
			ConsensusKey: member.ConsensusKey, Signer: member.Signer, Operator: member.Operator, Moniker: member.Moniker,
		}}
		if len(member.NextSigner) > 0 {
			w.validator.Signer = member.NextSigner
		}
		if status(member) == types.ValidatorActive {
			w.validator.Power = member.Power
		}
		wishes = append(wishes, w)
		return true
	})
	if a.network.Staking.GetActive() {
		a.powersByStake(wishes)
	}
	capShares(wishes, uint64(a.network.Params.MaxShare))
	return wishes
}

// gone says whether a validator that is in no set and has no stake comes back
// only with another registration.
func (a *applier) gone(member *pb.Member) bool {
	switch status(member) {
	case types.ValidatorLeaving:
		return true
	case types.ValidatorActive, types.ValidatorJailed: // anybody can register with a stake, and take it back
		return a.network.Staking != nil && (a.network.Staking.Active || member.Power == 0) && a.jailOver(member)
	}
	return false
}

// jailOver says whether the time of a jail is over, by both clocks, if it began
// with the validator's present status.
func (a *applier) jailOver(member *pb.Member) bool {
	p := a.network.Params
	return a.height() >= member.Since+p.JailBlocks && a.block.Time.UnixMilli() >= member.SinceMs+int64(p.JailMs) //nolint:gosec // at most a month
}

// forget ends the accountability of validators that have gone: no contract obeys
// a set with them any more, and the unbonding time is over. The banned stay
// known for ever, so that their keys stay banned.
func (a *applier) forget() {
	var gone []*pb.Member
	a.s.Members(func(member *pb.Member) bool {
		if !member.InSet && a.gone(member) && a.unbonded(member) && !a.hasStake(member) {
			gone = append(gone, member)
		}
		return true
	})
	for _, member := range gone {
		a.s.RemoveOwner(state.UseOperator, types.Address(member.Operator))
		for _, former := range member.Signers {
			a.s.RemoveOwner(state.UseSigner, types.Address(former.Signer))
		}
		a.s.RemoveOwner(state.UseSigner, types.Address(member.Signer))
		if len(member.NextSigner) > 0 {
			a.s.RemoveOwner(state.UseSigner, types.Address(member.NextSigner))
		}
		a.s.RemoveMember(idOf(member))
		a.emit(EventValidatorForgotten, "validator", idOf(member).String())
	}
}

// unbonded says whether a validator that is in no set is accountable no more.
func (a *applier) unbonded(member *pb.Member) bool {
	return a.oldestInForce() >= member.LeftEpoch && a.unbondingOver(max(member.Left, member.Since), max(member.LeftMs, member.SinceMs))
}

// unbondingOver says whether the unbonding time since a block is over, by both
// clocks.
func (a *applier) unbondingOver(height uint64, ms int64) bool {
	p := a.network.Params
	return a.height() >= height+p.UnbondingBlocks && a.block.Time.UnixMilli() >= ms+int64(p.UnbondingMs) //nolint:gosec // at most a year
}
