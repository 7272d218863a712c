package bridge

import (
	"bytes"
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// consensusDelay is how many heights after a block its validator updates are in
// force in CometBFT.
const consensusDelay = 2

// epochs moves the handover from one validator set to the next:
//
//  1. it begins when the epoch is old enough, or at once when a member is
//     banned, and the next set is another one;
//  2. every outbox names the next set, sealed by the present one, and no other
//     command is ordered;
//  3. once the state holds every seal with its quorum, the epoch grows.
func (a *applier) epochs() {
	if a.network.Handover == 0 {
		a.beginHandover()
		return
	}
	if a.network.OpenSeals == 0 && !slices.ContainsFunc(a.chains, a.lacksNextSet) {
		a.completeHandover()
	}
}

// epochEnds is the block in which the epoch is old enough to end. A chain of
// which nothing was heard yet may make it twice as long: its contract was
// deployed with the present set, and would be refused under another.
func (a *applier) epochEnds() uint64 {
	lasts := a.network.Params.EpochBlocks
	if slices.ContainsFunc(a.chains, func(c *pb.Chain) bool { return c.Refused == "" && !heardOf(c) }) {
		lasts *= 2
	}
	return a.network.EpochHeight + lasts
}

// beginHandover fixes the next set, if it is time for one. Before the epoch's end
// only the banned go: else whoever has validators to lose could hurry all else.
func (a *applier) beginHandover() {
	early := a.height() < a.epochEnds()
	if early && !a.network.Urgent {
		return
	}
	a.network.Urgent = false
	current := a.s.Epoch(a.network.Epoch).GetMembers()
	wishes := a.wishes()
	if early {
		wishes = slices.DeleteFunc(wishes, func(w wish) bool { return !w.banned })
	}
	next := nextSet(current, wishes, int(a.network.Params.MaxValidators), uint64(a.network.Params.MaxGain),
		a.network.Staking.GetActive() && !early)
	if sameSet(current, next) {
		return
	}
	a.network.Handover = a.height()
	a.s.SetEpoch(a.network.Epoch+1, &pb.Validators{Members: next})
	a.emit(EventHandoverBegun, "epoch", decimal(a.network.Epoch+1), "validators", decimal(uint64(len(next))))
}

// lacksNextSet says whether a chain's outbox has still to name the next set.
func (a *applier) lacksNextSet(chain *pb.Chain) bool {
	return chain.Refused == "" && heardOf(chain) && chain.SetEpoch <= a.network.Epoch
}

// orderSets has the outboxes name the next set, at most room of them in a block.
func (a *applier) orderSets(room int) {
	var bytes []byte
	for _, chain := range a.chains {
		if room <= 0 || !a.lacksNextSet(chain) {
			continue
		}
		if bytes == nil {
			bytes = types.EncodeCommand(types.SetValidators{
				Epoch: a.network.Epoch + 1, Set: signerSet(a.s.Epoch(a.network.Epoch + 1)),
			})
		}
		a.append(chain, &pb.Command{Kind: uint32(types.CommandSetValidators), Bytes: bytes, Items: 1})
		chain.SetEpoch = a.network.Epoch + 1
		room--
	}
}

// completeHandover puts the next set in force: in CometBFT two heights later,
// for tallies and seals from here on.
func (a *applier) completeHandover() {
	before, after := a.s.Epoch(a.network.Epoch), a.s.Epoch(a.network.Epoch+1)
	a.network.Epoch++
	a.network.EpochHeight, a.network.Handover = a.height(), 0
	a.s.PruneConsensus(a.height() - 1)
	a.s.SetConsensus(a.height()+consensusDelay, after)
	a.updates = updatesOf(before.Members, after.Members)
	for _, chain := range a.chains {
		chain.EpochCursor = chain.Cursor
	}
	for _, member := range before.Members {
		if indexOf(after.Members, member.ConsensusKey) < 0 {
			a.left(member)
		}
	}
	for _, member := range after.Members {
		a.entered(member)
	}
	a.network.Urgent = slices.ContainsFunc(after.Members, a.banned)
	a.pruneEpochs()
	a.emit(EventEpochBegun, "epoch", decimal(a.network.Epoch), "validators", decimal(uint64(len(after.Members))),
		"power", decimal(totalPower(after.Members)), "set", signerSet(after).Hash().Hex())
}

func (a *applier) banned(v *pb.Validator) bool {
	return status(a.s.Member(types.ConsensusKey(v.ConsensusKey).ID())) == types.ValidatorTombstoned
}

// updatesOf is what CometBFT has to be told: the powers that changed, 0 for who
// has left. It never names a validator that CometBFT does not have.
func updatesOf(before, after []*pb.Validator) []types.Validator {
	var updates []*pb.Validator
	for _, v := range before {
		if indexOf(after, v.ConsensusKey) < 0 {
			updates = append(updates, &pb.Validator{
				ConsensusKey: v.ConsensusKey, Signer: v.Signer, Operator: v.Operator, Moniker: v.Moniker,
			})
		}
	}
	for _, v := range after {
		if at := indexOf(before, v.ConsensusKey); at < 0 || before[at].Power != v.Power {
			updates = append(updates, v)
		}
	}
	slices.SortFunc(updates, func(x, y *pb.Validator) int { return bytes.Compare(x.ConsensusKey, y.ConsensusKey) })
	return validatorsFromPB(&pb.Validators{Members: updates})
}

// left notes that a validator is in the epoch no more. Its votes go: what it has
// said counts for nothing.
func (a *applier) left(v *pb.Validator) {
	id := types.ConsensusKey(v.ConsensusKey).ID()
	a.leavers = append(a.leavers, id)
	member := a.s.Member(id)
	member.InSet = false
	member.LeftEpoch, member.Left, member.LeftMs = a.network.Epoch, a.height(), a.block.Time.UnixMilli()
	a.s.SetMember(member)
	a.emit(EventValidatorLeft, "validator", id.String(), "epoch", decimal(a.network.Epoch))
}

// entered notes that a validator is in the epoch, with the keys that it has from
// now on.
func (a *applier) entered(v *pb.Validator) {
	id := types.ConsensusKey(v.ConsensusKey).ID()
	member := a.s.Member(id)
	rotated := bytes.Equal(member.NextSigner, v.Signer)
	if member.InSet && !rotated {
		return
	}
	if rotated {
		a.giveUpSigner(member)
		member.Signer, member.NextSigner = member.NextSigner, nil
	}
	if !member.InSet {
		a.emit(EventValidatorEntered, "validator", id.String(), "epoch", decimal(a.network.Epoch), "power", decimal(v.Power))
	}
	member.LeftEpoch, member.Left, member.LeftMs, member.InSet = 0, 0, 0, true
	a.s.SetMember(member)
}

// pruneEpochs forgets the sets that nothing refers to any more: no contract may
// still obey them, and no seal of theirs is kept.
func (a *applier) pruneEpochs() {
	oldest := a.oldestInForce()
	a.s.Seals(0, func(seal *pb.Seal) bool {
		oldest = min(oldest, seal.Epoch)
		return false // the first is the oldest
	})
	for _, epoch := range a.s.Epochs() {
		if epoch < oldest {
			a.s.RemoveEpoch(epoch)
		}
	}
}

// oldestInForce is the oldest epoch whose set some contract may still obey.
func (a *applier) oldestInForce() uint64 {
	oldest := a.network.Epoch
	for _, chain := range a.chains {
		if chain.Refused == "" && heardOf(chain) {
			oldest = min(oldest, chain.SetInForce)
		}
	}
	return oldest
}

// setInForce notes that a contract has executed SetValidators.
func (a *applier) setInForce(chain *pb.Chain, command *pb.Command) {
	if bit(command.Failures, 0) {
		return
	}
	decoded, err := types.DecodeCommand(command.Bytes)
	c, ok := decoded.(types.SetValidators)
	if err != nil || !ok {
		state.Failf("command %d is no validator set: %w", command.Nonce, err)
	}
	chain.SetInForce = c.Epoch
}
