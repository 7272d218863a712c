package state

import (
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// The keys of governance. Proposals are found by id; which of them are open, and
// when the others leave the state, stands beside them, so that a block reads
// only what concerns it.
const (
	prefixProposal = 'v' // section, …
	prefixAccount  = 'u' // operator → Account
)

// The sections of prefixProposal.
const (
	sectionRecord  = 'r' // id → Proposal without its content
	sectionContent = 'c' // id → its Content
	sectionOpen    = 'o' // id → nothing
	sectionEnded   = 'e' // height at which it is pruned, id → nothing
)

func proposalKey(section byte, numbers ...uint64) []byte {
	k := []byte{prefixProposal, section}
	for _, n := range numbers {
		k = binary.BigEndian.AppendUint64(k, n)
	}
	return k
}

// ProposalKey is the key of a Proposal.
func ProposalKey(id uint64) []byte { return proposalKey(sectionRecord, id) }

// AccountKey is the key of an operator's Account.
func AccountKey(operator types.Address) []byte { return key(prefixAccount, operator[:]) }

// Account is an operator's record; that of one who never sent anything is empty.
func (v View) Account(operator types.Address) *pb.Account {
	account := &pb.Account{}
	v.get(AccountKey(operator), account)
	return account
}

// SetAccount writes it.
func (s State) SetAccount(operator types.Address, account *pb.Account) {
	s.set(AccountKey(operator), account)
}

// Proposal is one proposal without its content, or nil.
func (v View) Proposal(id uint64) *pb.Proposal {
	proposal := &pb.Proposal{}
	if !v.get(ProposalKey(id), proposal) {
		return nil
	}
	return proposal
}

// Content is what a proposal says. It may be long, and is read only where it
// matters.
func (v View) Content(id uint64) *pb.Content {
	content := &pb.Content{}
	if !v.get(proposalKey(sectionContent, id), content) {
		Failf("proposal %d has no content", id)
	}
	return content
}

// Proposals visits the kept proposals from an id on, in order.
func (v View) Proposals(from uint64, visit func(*pb.Proposal) bool) {
	must(v.r.Iterate(ProposalKey(from), after(proposalKey(sectionRecord)), func(_, value []byte) bool {
		proposal := &pb.Proposal{}
		must(proto.Unmarshal(value, proposal))
		return visit(proposal)
	}))
}

// OpenProposals is all open proposals, the oldest first.
func (v View) OpenProposals() []*pb.Proposal {
	var ids []uint64
	v.each(proposalKey(sectionOpen), func(k, _ []byte) bool {
		ids = append(ids, lastNumber(k))
		return true
	})
	open := make([]*pb.Proposal, len(ids))
	for i, id := range ids {
		if open[i] = v.Proposal(id); open[i] == nil {
			Failf("open proposal %d has no record", id)
		}
	}
	return open
}

// lastNumber reads the number that ends a key of governance.
func lastNumber(k []byte) uint64 {
	if len(k) < 10 {
		Failf("proposal key of %d bytes", len(k))
	}
	return binary.BigEndian.Uint64(k[len(k)-8:])
}

// AddProposal writes a new proposal.
func (s State) AddProposal(proposal *pb.Proposal, content *pb.Content) {
	s.set(proposalKey(sectionContent, proposal.Id), content)
	s.SetProposal(proposal)
}

// SetProposal writes an open proposal.
func (s State) SetProposal(proposal *pb.Proposal) {
	s.set(ProposalKey(proposal.Id), proposal)
	must(s.s.Set(proposalKey(sectionOpen, proposal.Id), []byte{1}))
}

// EndProposal writes a proposal that has ended, and plans when it leaves the
// state.
func (s State) EndProposal(proposal *pb.Proposal, pruned uint64) {
	s.set(ProposalKey(proposal.Id), proposal)
	s.remove(proposalKey(sectionOpen, proposal.Id))
	must(s.s.Set(proposalKey(sectionEnded, pruned, proposal.Id), []byte{1}))
}

// EndedProposals is the ids of all proposals whose end in the state is planned.
func (v View) EndedProposals() []uint64 {
	var ids []uint64
	v.each(proposalKey(sectionEnded), func(k, _ []byte) bool {
		ids = append(ids, lastNumber(k))
		return true
	})
	return ids
}

// PruneProposals deletes the ended proposals whose time has come at a height, at
// most limit of them.
func (s State) PruneProposals(height uint64, limit int) {
	var due [][]byte
	must(s.r.Iterate(proposalKey(sectionEnded), proposalKey(sectionEnded, height+1), func(k, _ []byte) bool {
		due = append(due, append([]byte(nil), k...))
		return len(due) < limit
	}))
	for _, k := range due {
		s.remove(ProposalKey(lastNumber(k)))
		s.remove(proposalKey(sectionContent, lastNumber(k)))
		s.remove(k)
	}
}
