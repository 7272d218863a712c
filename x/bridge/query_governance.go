package bridge

import (
	"strconv"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// ProposalView is a proposal and how it stands.
type ProposalView struct {
	ID       uint64               `json:"id"`
	Status   types.ProposalStatus `json:"status"`
	Result   string               `json:"result"` // why it failed: a stable code
	Kind     string               `json:"kind"`
	Action   string               `json:"action"` // one line for people: what it would do
	Proposer types.Address        `json:"proposer"`
	Height   uint64               `json:"height"`   // block that submitted it
	Deadline uint64               `json:"deadline"` // last block whose votes count
	Ended    uint64               `json:"ended"`    // block in which it ended; 0 while it is open
	Content  types.Content        `json:"content"`
	Tally    TallyView            `json:"tally"`
	Votes    []ProposalVoteView   `json:"votes"`
}

// TallyView is the power behind the answers, by the present epoch.
type TallyView struct {
	Yes    uint64 `json:"yes"`
	No     uint64 `json:"no"`
	Total  uint64 `json:"total"`
	Needed uint64 `json:"needed"` // least power of yes with which it passes
}

// ProposalVoteView is one operator's answer.
type ProposalVoteView struct {
	Operator types.Address `json:"operator"`
	Yes      bool          `json:"yes"`
}

func proposalView(v state.View, members *pb.Validators, p *pb.Proposal) ProposalView {
	content := contentOf(v, p.Id)
	votes := tallyOf(members, p)
	view := ProposalView{
		ID: p.Id, Status: types.ProposalStatus(p.Status), Result: p.Result, Kind: content.Kind(), Action: content.Action(),
		Proposer: types.Address(p.Proposer), Height: p.Height, Deadline: p.Deadline, Ended: p.Ended, Content: content,
		Tally: TallyView{Yes: votes.yes, No: votes.no, Total: votes.total, Needed: votes.total*2/3 + 1},
		Votes: []ProposalVoteView{},
	}
	for _, vote := range p.Votes {
		view.Votes = append(view.Votes, ProposalVoteView{Operator: types.Address(vote.Operator), Yes: vote.Yes})
	}
	return view
}

// queryProposals lists the open proposals, then the ended ones that are kept;
// both by id, after the one that the arguments name.
func queryProposals(v state.View, args QueryArgs) (any, error) {
	members := v.Epoch(v.Network().Epoch)
	views := []ProposalView{}
	for _, p := range v.OpenProposals() {
		if p.Id > args.After && len(views) < args.Limit {
			views = append(views, proposalView(v, members, p))
		}
	}
	v.Proposals(following(args.After), func(p *pb.Proposal) bool {
		if p.Ended != 0 && len(views) < args.Limit {
			views = append(views, proposalView(v, members, p))
		}
		return len(views) < args.Limit
	})
	return views, nil
}

func queryProposal(v state.View, args QueryArgs) (any, error) {
	p, err := proposalNamed(v, args.ID)
	if err != nil {
		return nil, err
	}
	return proposalView(v, v.Epoch(v.Network().Epoch), p), nil
}

func proposalNamed(v state.View, name string) (*pb.Proposal, error) {
	id, err := strconv.ParseUint(name, 10, 64)
	if err != nil || id == 0 {
		return nil, refuse(ErrBadQuery, "proposal %.40q: want its number, from 1", name)
	}
	switch p := v.Proposal(id); {
	case p != nil:
		return p, nil
	case id <= v.Network().Proposals:
		return nil, refuse(ErrFinished, "proposal %d has ended", id)
	}
	return nil, refuse(ErrNotFound, "proposal %d: there is none yet", id)
}

// AccountView is what an operator needs for its next transaction.
type AccountView struct {
	Operator types.Address `json:"operator"`
	Member   bool          `json:"member"` // whether its transactions are taken now
	Next     uint64        `json:"next"`   // sequence of its next transaction
	ChainID  string        `json:"chain_id"`
}

func queryAccount(v state.View, args QueryArgs) (any, error) {
	if args.Operator == (types.Address{}) {
		return nil, refuse(ErrBadQuery, "account: want an operator's address")
	}
	network := v.Network()
	auth := newAuth(evmsig.Recover, v, network, 0)
	return AccountView{
		Operator: args.Operator, Member: auth.member(args.Operator) != nil, Next: auth.next(args.Operator), ChainID: network.ChainId,
	}, nil
}
