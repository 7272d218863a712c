package bridge

import (
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/quorum"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Limits of governance. What exceeds them is refused, with ErrTooMany; what is
// due beyond prunedProposals leaves the state in later blocks. There is no limit
// over all operators, which a few of them could use up.
const (
	maxOperatorProposals = 4 // open ones of one operator
	prunedProposals      = 64
)

// submit makes a proposal, with its proposer's vote for it.
func (a *applier) submit(proposer types.Address, c types.Content) error {
	own := 0
	for _, p := range a.s.OpenProposals() {
		if types.Address(p.Proposer) == proposer {
			own++
		}
	}
	if own >= maxOperatorProposals {
		return refuse(ErrTooMany, "%d of this operator's are open, at most %d may be", own, maxOperatorProposals)
	}
	if err := a.applicable(c); err != nil {
		return refuse(ErrContent, "%v", err)
	}
	a.network.Proposals++
	p := &pb.Proposal{
		Id: a.network.Proposals, Proposer: proposer[:], Height: a.height(),
		Deadline: a.height() + a.network.Params.VotingPeriod,
		Votes:    []*pb.ProposalVote{{Operator: proposer[:], Yes: true}}, Status: string(types.ProposalOpen),
	}
	a.s.AddProposal(p, contentToPB(c))
	a.emit(EventProposalSubmitted, "proposal", decimal(p.Id), "proposer", proposer.Hex(), "kind", c.Kind(),
		"deadline", decimal(p.Deadline))
	return nil
}

// cast takes an operator's vote, in the place of an earlier one.
func (a *applier) cast(operator types.Address, vote types.GovVote) error {
	p := a.s.Proposal(vote.Proposal)
	if p == nil || p.Ended != 0 {
		return refuse(ErrNotOpen, "proposal %d", vote.Proposal)
	}
	setVote(p, operator, vote.Yes)
	a.s.SetProposal(p)
	option := "no"
	if vote.Yes {
		option = "yes"
	}
	a.emit(EventProposalVoted, "proposal", decimal(p.Id), "operator", operator.Hex(), "vote", option)
	return nil
}

// voteOf is where an operator's vote is, or would be, and whether it is there.
func voteOf(p *pb.Proposal, operator types.Address) (at int, found bool) {
	return slices.BinarySearchFunc(p.Votes, operator, func(v *pb.ProposalVote, o types.Address) int {
		return types.Address(v.Operator).Cmp(o)
	})
}

func setVote(p *pb.Proposal, operator types.Address, yes bool) {
	at, found := voteOf(p, operator)
	if !found {
		p.Votes = slices.Insert(p.Votes, at, &pb.ProposalVote{Operator: operator[:]})
	}
	p.Votes[at].Yes = yes
}

// governance decides the open proposals by the votes up to this block, the
// oldest first, and applies those that pass.
func (a *applier) governance() {
	for _, p := range a.s.OpenProposals() {
		a.decide(p)
	}
	a.s.PruneProposals(a.height(), prunedProposals)
}

func (a *applier) decide(p *pb.Proposal) {
	votes := tallyOf(a.s.Epoch(a.network.Epoch), p)
	var status types.ProposalStatus
	switch {
	case quorum.Reached(votes.yes, votes.total):
		status = types.ProposalApplied
		if err := a.enact(contentOf(a.s.View, p.Id)); err != nil {
			status, p.Result = types.ProposalFailed, resultOf(err)
		}
	case !quorum.Reached(votes.total-votes.no, votes.total): // it cannot pass any more
		status = types.ProposalRejected
	case a.height() >= p.Deadline:
		status = types.ProposalExpired
	default:
		return
	}
	p.Status, p.Ended = string(status), a.height()
	a.s.EndProposal(p, a.height()+a.network.Params.KeepBlocks)
	a.emit(EventProposalEnded, "proposal", decimal(p.Id), "status", p.Status, "result", p.Result)
}

// tally is the power behind the answers to a proposal.
type tally struct{ yes, no, total uint64 }

// tallyOf counts by the powers of the present epoch: an operator that has left
// counts no more, one that has come can still vote.
func tallyOf(members *pb.Validators, p *pb.Proposal) tally {
	var t tally
	answers := map[types.Address]bool{}
	for _, v := range p.Votes {
		answers[types.Address(v.Operator)] = v.Yes
	}
	for _, member := range members.GetMembers() {
		power := uint64(member.Power)
		t.total += power
		switch yes, voted := answers[types.Address(member.Operator)]; {
		case yes:
			t.yes += power
		case voted:
			t.no += power
		}
	}
	return t
}

// contentOf reads what the state holds; it was checked when it was submitted.
func contentOf(v state.View, id uint64) types.Content {
	f := &fields{}
	content := f.content(v.Content(id))
	if f.err != nil {
		state.Failf("proposal %d: %w", id, f.err)
	}
	return content
}
