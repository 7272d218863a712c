package bridge

import (
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// ValidatorView is a validator that the network knows, in the epoch or not.
type ValidatorView struct {
	types.Validator // power is that of the epoch, 0 while it is not in it

	ID         types.ValidatorID     `json:"id"`
	Status     types.ValidatorStatus `json:"status"`
	Reason     string                `json:"reason"` // of the status: a stable code
	InSet      bool                  `json:"in_set"`
	NextPower  uint32                `json:"next_power"`  // that it wants from the next epoch on, before the limits of shares and gains
	NextSigner types.Address         `json:"next_signer"` // from the next epoch on; zero for none
	Since      uint64                `json:"since"`       // block of its status, or of its latest wish
	Joined     uint64                `json:"joined"`      // block that admitted it

	JailedUntil   uint64     `json:"jailed_until"`    // first block that may unjail it; 0 while it is not jailed
	JailedUntilMS int64      `json:"jailed_until_ms"` // and the least block time, Unix milliseconds
	Strikes       int        `json:"strikes"`         // that count, of max_strikes
	Misses        []MissView `json:"misses"`          // duties of which it has missed something in the window
}

// MissView is how often a validator has missed a duty.
type MissView struct {
	Chain  types.ChainID `json:"chain"`  // that it was to observe; 0 for signing seals
	Missed uint64        `json:"missed"` // in the window
	Most   uint32        `json:"most"`   // beyond which it is jailed
}

func validatorView(network *pb.Network, members *pb.Validators, member *pb.Member, faults *pb.Faults) ValidatorView {
	p := network.Params
	view := ValidatorView{
		ID: idOf(member), Status: status(member), Reason: member.Reason, InSet: member.InSet, NextSigner: types.Address{},
		Since: member.Since, Joined: member.Joined, Strikes: len(faults.Strikes), Misses: []MissView{},
		Validator: types.Validator{
			ConsensusKey: member.ConsensusKey, Signer: types.Address(member.Signer), Operator: types.Address(member.Operator), Moniker: member.Moniker,
		},
	}
	if at := indexOf(members.GetMembers(), member.ConsensusKey); at >= 0 {
		view.Power = members.Members[at].Power
	}
	if view.Status == types.ValidatorActive {
		view.NextPower = member.Power
	}
	if len(member.NextSigner) > 0 {
		view.NextSigner = types.Address(member.NextSigner)
	}
	if view.Status == types.ValidatorJailed {
		view.JailedUntil, view.JailedUntilMS = member.Since+p.JailBlocks, member.SinceMs+int64(p.JailMs) //nolint:gosec // at most a month
	}
	for _, m := range faults.Misses {
		view.Misses = append(view.Misses, MissView{types.ChainID(m.Duty), missesIn(m), p.MaxMisses})
	}
	return view
}

// Validator reads a validator that the network knows; ErrNotFound if there is
// none with that id.
func (m *Machine) Validator(r Reader, id types.ValidatorID) (view ValidatorView, err error) {
	defer state.Catch(&err)
	return validatorOf(state.NewView(r), id)
}

func validatorOf(v state.View, id types.ValidatorID) (ValidatorView, error) {
	member := v.Member(id)
	if member == nil {
		return ValidatorView{}, refuse(ErrNotFound, "validator %s is not known: it was never admitted, or has left and is accountable no more", id)
	}
	network := v.Network()
	return validatorView(network, v.Epoch(network.Epoch), member, v.Faults(id)), nil
}

// queryValidators is all validators that the network knows: those of the epoch,
// ascending by signer as contracts have them, then the others by their ids.
func queryValidators(v state.View, _ QueryArgs) (any, error) {
	network := v.Network()
	members := v.Epoch(network.Epoch)
	views := []ValidatorView{}
	for _, m := range members.GetMembers() {
		id := types.ConsensusKey(m.ConsensusKey).ID()
		views = append(views, validatorView(network, members, v.Member(id), v.Faults(id)))
	}
	v.Members(func(member *pb.Member) bool {
		if !member.InSet {
			views = append(views, validatorView(network, members, member, v.Faults(idOf(member))))
		}
		return true
	})
	return views, nil
}

func queryValidator(v state.View, args QueryArgs) (any, error) {
	var id types.ValidatorID
	if err := id.UnmarshalText([]byte(args.ID)); err != nil {
		return nil, refuse(ErrBadQuery, "validator: %v", err)
	}
	return validatorOf(v, id)
}
