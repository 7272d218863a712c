package bridge

import (
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// perform executes what an authenticated transaction says, for the operator's
// validator.
func (a *applier) perform(tx SignedTx, member *pb.Member) error {
	switch {
	case tx.Propose != nil, tx.Vote != nil:
		if !member.InSet {
			return refuse(ErrNotMember, "validator %s is not in epoch %d", idOf(member), a.network.Epoch)
		}
		if tx.Propose != nil {
			return a.submit(tx.Operator, tx.Propose.Content)
		}
		return a.cast(tx.Operator, *tx.Vote)
	case tx.Edit != nil:
		member.Moniker = tx.Edit.Moniker
		a.relabel(member)
		return nil
	case tx.Rotate != nil:
		return a.rotate(member, *tx.Rotate)
	case tx.ChangeOperator != nil:
		return a.changeOperator(member, *tx.ChangeOperator)
	case tx.Leave != nil:
		return a.leave(member)
	case tx.Unjail != nil:
		return a.unjail(member)
	}
	return a.report(*tx.Report)
}

// registrationOf is the registration that a validator's keys would sign now.
func registrationOf(member *pb.Member) types.Registration {
	return types.Registration{
		Operator: types.Address(member.Operator), ConsensusKey: member.ConsensusKey,
		Signer: types.Address(member.Signer), Moniker: member.Moniker,
	}
}

// proven says whether an address has signed a registration.
func (a *applier) proven(r types.Registration, signature types.Signature, by types.Address) error {
	digest := evmsig.RegistrationDigest(evmsig.NetworkID(a.network.ChainId), r)
	if signer, err := a.machine.recoverSigner(digest, signature); err != nil || signer != by {
		return refuse(ErrProof, "%s, for network %s", by, a.network.ChainId)
	}
	return nil
}

// rotate changes the signer with the next epoch. The present one stays
// accountable for what it signed.
func (a *applier) rotate(member *pb.Member, m types.RotateSigner) error {
	r := registrationOf(member)
	r.Signer = m.Signer
	if err := a.proven(r, m.Signature, m.Signer); err != nil {
		return err
	}
	if _, taken := a.s.Owner(state.UseSigner, m.Signer); taken {
		return refuse(ErrKeyTaken, "signer %s is a validator's, or was", m.Signer)
	}
	if a.network.Handover != 0 {
		return refuse(ErrStatus, "a handover is going on: the next set is fixed; try again when epoch %d has begun", a.network.Epoch+1)
	}
	a.forgetSigners(member)
	if len(member.Signers) >= maxFormerSigners {
		return refuse(ErrTooMany, "the validator has had %d signers within the time that it is accountable for them", len(member.Signers))
	}
	if len(member.NextSigner) > 0 { // it never signed anything
		a.s.RemoveOwner(state.UseSigner, types.Address(member.NextSigner))
	}
	a.s.SetOwner(state.UseSigner, m.Signer, idOf(member))
	if !member.InSet {
		a.giveUpSigner(member)
		member.Signer, member.NextSigner = m.Signer[:], nil
	} else {
		member.NextSigner = m.Signer[:]
	}
	a.wished(member)
	a.emit(EventSignerRotated, "validator", idOf(member).String(), "signer", m.Signer.Hex())
	return nil
}

// giveUpSigner makes a validator's signer a former one.
func (a *applier) giveUpSigner(member *pb.Member) {
	member.Signers = append(member.Signers, &pb.FormerSigner{
		Signer: member.Signer, Height: a.height(), Ms: a.block.Time.UnixMilli(),
	})
}

// forgetSigners frees the former signers that nobody is accountable for any more:
// no contract obeys a set with them, and the unbonding time is over.
func (a *applier) forgetSigners(member *pb.Member) {
	if a.oldestInForce() != a.network.Epoch {
		return
	}
	member.Signers = slices.DeleteFunc(member.Signers, func(s *pb.FormerSigner) bool {
		gone := a.unbondingOver(s.Height, s.Ms)
		if gone {
			a.s.RemoveOwner(state.UseSigner, types.Address(s.Signer))
		}
		return gone
	})
}

// changeOperator hands a validator to another key. The old one is free again,
// with its sequence.
func (a *applier) changeOperator(member *pb.Member, m types.ChangeOperator) error {
	if a.network.Staking != nil {
		return refuse(ErrStatus, "stake belongs to its operator: unstake it, and stake with the new one")
	}
	r := registrationOf(member)
	r.Operator = m.Operator
	if err := a.proven(r, m.Signature, m.Operator); err != nil {
		return err
	}
	if _, taken := a.s.Owner(state.UseOperator, m.Operator); taken {
		return refuse(ErrKeyTaken, "operator %s has a validator", m.Operator)
	}
	a.s.RemoveOwner(state.UseOperator, types.Address(member.Operator))
	a.s.SetOwner(state.UseOperator, m.Operator, idOf(member))
	a.emit(EventOperatorChanged, "validator", idOf(member).String(), "from", types.Address(member.Operator).Hex(), "to", m.Operator.Hex())
	a.handProposals(types.Address(member.Operator), m.Operator)
	member.Operator = m.Operator[:]
	a.relabel(member)
	return nil
}

// handProposals makes a validator's open proposals and votes its new operator's:
// else it could have any number of them.
func (a *applier) handProposals(from, to types.Address) {
	for _, p := range a.s.OpenProposals() {
		if types.Address(p.Proposer) == from {
			p.Proposer = to[:]
		}
		if at, voted := voteOf(p, from); voted {
			yes := p.Votes[at].Yes
			p.Votes = slices.Delete(p.Votes, at, at+1)
			setVote(p, to, yes)
		}
		a.s.SetProposal(p)
	}
}

// relabel writes a validator's new name or operator, which contracts do not
// know, into its record and the sets that it is in.
func (a *applier) relabel(member *pb.Member) {
	a.s.SetMember(member)
	for _, epoch := range []uint64{a.network.Epoch, a.network.Epoch + 1} {
		set := a.s.Epoch(epoch)
		if at := indexOf(set.GetMembers(), member.ConsensusKey); at >= 0 {
			set.Members[at].Moniker, set.Members[at].Operator = member.Moniker, member.Operator
			a.s.SetEpoch(epoch, set)
		}
	}
}

func (a *applier) leave(member *pb.Member) error {
	if status(member) == types.ValidatorLeaving {
		return refuse(ErrStatus, "the validator is leaving already")
	}
	a.setStatus(member, types.ValidatorLeaving, reasonLeft)
	return nil
}

// unjail brings a validator back, once its time is over by both clocks.
func (a *applier) unjail(member *pb.Member) error {
	p := a.network.Params
	if status(member) != types.ValidatorJailed {
		return refuse(ErrStatus, "the validator is %s, not jailed", status(member))
	}
	if a.stays(member) {
		return refuse(ErrStatus, "jailed, and still in the set, until block %d at least: try again when it has left", a.epochEnds())
	}
	if until := member.Since + p.JailBlocks; a.height() < until {
		return refuse(ErrStatus, "jailed until block %d, this is %d", until, a.height())
	}
	if until := member.SinceMs + int64(p.JailMs); a.block.Time.UnixMilli() < until { //nolint:gosec // at most a month
		return refuse(ErrStatus, "jailed for %d more ms of block time", until-a.block.Time.UnixMilli())
	}
	a.s.SetFaults(idOf(member), &pb.Faults{})
	a.setStatus(member, types.ValidatorActive, "")
	return nil
}

// stays says whether a member of the epoch has yet to leave it: the next set is
// not made, or has it.
func (a *applier) stays(member *pb.Member) bool {
	if a.network.Handover == 0 {
		return member.InSet && a.height() <= a.epochEnds()
	}
	return member.InSet && indexOf(a.s.Epoch(a.network.Epoch+1).GetMembers(), member.ConsensusKey) >= 0
}

// report bans who signed a seal that the network never made: nobody signs what
// is not committed, so one such signature proves a stolen key or a liar. That is
// so for heights to come, too.
func (a *applier) report(m types.ReportSignature) error {
	if since := accountableSince(a.network, a.chains, a.height()); m.Height < since {
		return refuse(ErrReport, "nobody answers for seals below height %d any more", since)
	}
	entry, err := sealedAt(a.s.View, m.Height, m.Witness)
	if err != nil {
		return err
	}
	if entry.Height == m.Height && entry.Epoch == m.Epoch && entry.Root == m.Root {
		return refuse(ErrReport, "that is the seal of height %d", m.Height)
	}
	digest := evmsig.SealDigest(evmsig.NetworkID(a.network.ChainId), m.Epoch, m.Height, m.Root)
	signer, err := a.machine.recoverSigner(digest, m.Signature)
	if err != nil {
		return refuse(ErrReport, "%v", err)
	}
	id, known := a.s.Owner(state.UseSigner, signer)
	if !known {
		return refuse(ErrReport, "%s is no validator's signer", signer)
	}
	member := a.s.Member(id)
	if status(member) == types.ValidatorTombstoned {
		return refuse(ErrReport, "validator %s is banned already", id)
	}
	a.ban(member, reasonForgedSeal)
	return nil
}
