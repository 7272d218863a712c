package bridge

import (
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// proposals checks that every kept proposal is either open, and not one too
// many, or has its end in the state planned.
func (a *audit) proposals() {
	open := a.v.OpenProposals()
	own := map[types.Address]int{}
	for _, p := range open {
		if own[types.Address(p.Proposer)]++; own[types.Address(p.Proposer)] == maxOperatorProposals+1 {
			a.fail("I6", "operator %x has more than %d open proposals", p.Proposer, maxOperatorProposals)
		}
	}
	ended := a.v.EndedProposals()
	kept := 0
	a.v.Proposals(0, func(p *pb.Proposal) bool {
		kept++
		listed := slices.ContainsFunc(open, func(o *pb.Proposal) bool { return o.Id == p.Id })
		if isOpen := p.Status == string(types.ProposalOpen); listed != isOpen || slices.Contains(ended, p.Id) == isOpen || p.Id > a.network.Proposals {
			a.fail("I6", "proposal %d (%s) is not where it belongs", p.Id, p.Status)
		}
		return true
	})
	if kept != len(open)+len(ended) {
		a.fail("I6", "%d proposals are kept, %d are open and %d ends are planned", kept, len(open), len(ended))
	}
}
