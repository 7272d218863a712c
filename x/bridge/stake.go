package bridge

import (
	"cmp"
	"math/big"
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// stakeScale is the sum of all powers that follow stake, about.
const stakeScale = 1_000_000

// staked books stake, and registers its validator where the stake brings a
// registration. A bad one leaves the stake as it is: another stake may bring a
// good one, and it can be taken back.
func (a *applier) staked(chain *pb.Chain, nonce uint64, e types.Staked) {
	a.emit(EventStaked, "chain", decimal(chain.Id), "nonce", decimal(nonce), "operator", e.Operator.Hex(), "amount", e.Amount.String())
	stake := a.s.Stake(e.Operator)
	total, err := amountOf(stake.Staked).Add(e.Amount)
	if chain.Id != a.network.Staking.GetChain() || err != nil {
		a.quarantine(chain, nonce, types.ReasonForeignStake)
		return
	}
	stake.Staked = total.Bytes()
	a.s.SetStake(e.Operator, stake)
	if len(e.Data) > 0 && a.registerByStake(e.Operator, e.Data) != nil {
		a.emit(EventRegistrationBad, "chain", decimal(chain.Id), "nonce", decimal(nonce), "operator", e.Operator.Hex())
	}
	a.stakeChanged(e.Operator)
}

// registerByStake admits the validator of a registration that its operator has
// staked with.
func (a *applier) registerByStake(operator types.Address, data []byte) error {
	r, err := DecodeRegistration(data)
	if err != nil {
		return err
	}
	if r.Operator != operator {
		return refuse(ErrMalformed, "the registration is of operator %s, the stake of %s", r.Operator, operator)
	}
	if err := a.mayRegisterValidator(r); err != nil {
		return err
	}
	if member := a.s.Member(r.ID()); member != nil && !a.jailOver(member) {
		return refuse(ErrStatus, "the validator has just left; to leave and to come back must not be quicker than a jail")
	}
	a.admit(r, 0)
	return nil
}

// stakeChanged makes the change of a validator's power a wish of this block, and
// powers follow stake once there is enough of it.
func (a *applier) stakeChanged(operator types.Address) {
	if member := a.memberOf(operator); member != nil {
		a.wished(member)
	}
	staking := a.network.Staking
	if staking.Active {
		return
	}
	sum := new(big.Int)
	a.s.Members(func(member *pb.Member) bool {
		if status(member) == types.ValidatorActive {
			sum.Add(sum, a.stakeOf(member))
		}
		return true
	})
	staking.Active = sum.Cmp(new(big.Int).SetBytes(staking.Activation)) >= 0
}

func (a *applier) memberOf(operator types.Address) *pb.Member {
	id, known := a.s.Owner(state.UseOperator, operator)
	if !known {
		return nil
	}
	return a.s.Member(id)
}

func (a *applier) stakeOf(member *pb.Member) *big.Int {
	return new(big.Int).SetBytes(a.s.Stake(types.Address(member.Operator)).Staked)
}

func (a *applier) hasStake(member *pb.Member) bool {
	stake := a.s.Stake(types.Address(member.Operator))
	return len(stake.Staked) > 0 || len(stake.Unbonding) > 0
}

// powersByStake gives the max_validators wishes with the most stake their share
// of stakeScale, at least 1, and the others nothing. Of equal ones the older goes
// first.
func (a *applier) powersByStake(wishes []wish) {
	type candidate struct {
		w     *wish
		stake *big.Int
	}
	var candidates []candidate
	for i := range wishes {
		member := a.s.Member(types.ConsensusKey(wishes[i].validator.ConsensusKey).ID())
		active := status(member) == types.ValidatorActive
		wishes[i].validator.Power = 0
		if stake := a.stakeOf(member); active && stake.Sign() > 0 {
			candidates = append(candidates, candidate{&wishes[i], stake})
		}
	}
	slices.SortStableFunc(candidates, func(x, y candidate) int {
		if c := y.stake.Cmp(x.stake); c != 0 {
			return c
		}
		return cmp.Compare(x.w.since, y.w.since)
	})
	candidates = candidates[:min(len(candidates), int(a.network.Params.MaxValidators))]
	// Capped before they are rounded: one huge stake must not make the others' equal.
	stakes := make([]*big.Int, len(candidates))
	for i, c := range candidates {
		stakes[i] = c.stake
	}
	stakes = capped(stakes, uint64(a.network.Params.MaxShare))
	total := new(big.Int)
	for _, stake := range stakes {
		total.Add(total, stake)
	}
	for i, c := range candidates {
		share := new(big.Int).Mul(stakes[i], big.NewInt(stakeScale))
		c.w.validator.Power = uint32(max(1, share.Div(share, total).Uint64())) //nolint:gosec // at most stakeScale
	}
}

// unstaked books what an operator asks back, or what a slash took. Which of the
// two it is the next event says: a slash's receipt follows its report.
func (a *applier) unstaked(chain *pb.Chain, nonce uint64, e types.Unstaked) {
	a.emit(EventUnstaked, "chain", decimal(chain.Id), "nonce", decimal(nonce), "operator", e.Operator.Hex(), "amount", e.Amount.String())
	stake := a.s.Stake(e.Operator)
	rest, err := amountOf(stake.Staked).Sub(e.Amount)
	if chain.Id != a.network.Staking.GetChain() || err != nil {
		a.quarantine(chain, nonce, types.ReasonForeignStake)
		return
	}
	stake.Staked, stake.Slash = rest.Bytes(), nonce
	stake.Unbonding = append(stake.Unbonding, &pb.Unbonding{Amount: e.Amount.Bytes(), Height: a.height(), Ms: a.block.Time.UnixMilli()})
	a.s.SetStake(e.Operator, stake)
	a.stakeChanged(e.Operator)
}

// slash orders the home chain to take a part of an operator's stake.
func (a *applier) slash(operator types.Address) {
	fraction := a.network.Params.SlashFraction
	if a.network.Staking == nil || fraction == 0 {
		return
	}
	if chain := a.chain(types.ChainID(a.network.Staking.Chain)); chain.Refused == "" && heardOf(chain) {
		a.order(chain, types.Slash{Operator: operator, Fraction: fraction})
	}
}

// slashed takes the report that came with a slash, the event before its receipt,
// off what is to be released: it has gone.
func (a *applier) slashed(command *pb.Command, nonce uint64) {
	if types.CommandKind(command.Kind) != types.CommandSlash || bit(command.Failures, 0) { //nolint:gosec // written from a CommandKind
		return
	}
	decoded, err := types.DecodeCommand(command.Bytes)
	c, ok := decoded.(types.Slash)
	if err != nil || !ok {
		state.Failf("command %d is no slash: %w", command.Nonce, err)
	}
	stake := a.s.Stake(c.Operator)
	if last := len(stake.Unbonding) - 1; last >= 0 && stake.Slash+1 == nonce {
		stake.Unbonding = stake.Unbonding[:last]
		a.s.SetStake(c.Operator, stake)
	}
}

// releases orders the end of unbonding where it is time: the unbonding time is
// over, and every contract obeys the set that follows from the lower stake.
func (a *applier) releases() {
	staking := a.network.Staking
	if staking == nil || a.height()%a.network.Params.DutyBlocks != 0 || a.network.Handover != 0 || a.oldestInForce() != a.network.Epoch {
		return
	}
	chain := a.chain(types.ChainID(staking.Chain))
	if chain.Refused != "" || !heardOf(chain) {
		return
	}
	set := a.s.Epoch(a.network.Epoch).GetMembers()
	pending := map[string]bool{}
	for _, w := range a.wishes() {
		pending[string(w.validator.ConsensusKey)] = exceeds(set, w)
	}
	var due []types.Address
	a.s.Stakes(func(operator types.Address, stake *pb.Stake) bool {
		member := a.memberOf(operator)
		if len(stake.Unbonding) > 0 && a.ripe(stake.Unbonding[0]) && (member == nil || !pending[string(member.ConsensusKey)]) {
			due = append(due, operator)
		}
		return true
	})
	for _, operator := range due {
		stake := a.s.Stake(operator)
		stake.Unbonding[0].Ordered = true
		a.s.SetStake(operator, stake)
		a.order(chain, types.ReleaseStake{Operator: operator, Amount: amountOf(stake.Unbonding[0].Amount)})
	}
}

// exceeds says whether a validator has more power than it is to have, by more
// than a hundredth: whatever anybody stakes changes everybody's share by a
// little, and must not keep another's stake back.
func exceeds(set []*pb.Validator, w wish) bool {
	at := indexOf(set, w.validator.ConsensusKey)
	return at >= 0 && set[at].Power > w.validator.Power+w.validator.Power/100
}

// ripe says whether the unbonding time of a request is over, and nothing is
// ordered for it yet.
func (a *applier) ripe(u *pb.Unbonding) bool {
	return !u.Ordered && a.unbondingOver(u.Height, u.Ms)
}

// stakeReleased ends a request whose release was executed. One that the contract
// refused, for its own clock, is ordered again after another unbonding time.
func (a *applier) stakeReleased(command *pb.Command) {
	decoded, err := types.DecodeCommand(command.Bytes)
	c, ok := decoded.(types.ReleaseStake)
	if err != nil || !ok {
		state.Failf("command %d is no release of stake: %w", command.Nonce, err)
	}
	stake := a.s.Stake(c.Operator)
	if len(stake.Unbonding) == 0 || !stake.Unbonding[0].Ordered {
		return
	}
	if bit(command.Failures, 0) {
		first := stake.Unbonding[0]
		first.Ordered, first.Height, first.Ms = false, a.height(), a.block.Time.UnixMilli()
	} else {
		stake.Unbonding = stake.Unbonding[1:]
	}
	a.s.SetStake(c.Operator, stake)
}

// endStaking has votes decide about validators again, for the home chain is
// retired: its contract can neither report nor be told anything. Validators keep
// the powers that they have; who has none would need a vote. What is staked
// there is beyond the network.
func (a *applier) endStaking() {
	epoch := a.network.Epoch
	if a.network.Handover != 0 {
		epoch++
	}
	set := a.s.Epoch(epoch).GetMembers()
	var members []*pb.Member
	a.s.Members(func(member *pb.Member) bool {
		members = append(members, member)
		return true
	})
	for _, member := range members {
		member.Power = 0
		at := indexOf(set, member.ConsensusKey)
		if at >= 0 {
			member.Power = set[at].Power
		}
		if at < 0 && status(member) == types.ValidatorActive {
			a.setStatus(member, types.ValidatorLeaving, reasonHomeRetired)
			continue
		}
		a.s.SetMember(member)
	}
	var stakers []types.Address
	a.s.Stakes(func(operator types.Address, _ *pb.Stake) bool {
		stakers = append(stakers, operator)
		return true
	})
	for _, operator := range stakers {
		a.s.SetStake(operator, &pb.Stake{})
	}
	a.network.Staking = nil
}
