package bridge_test

import (
	"slices"
	"testing"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

var stakeToken = types.Address{0x57, 1}

// newStaked is a network whose powers follow stake on alpha: its four validators
// have staked 100 each, and that was enough.
func newStaked(t *testing.T, bend func(*types.Genesis)) *bridgetest.Network {
	t.Helper()
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		quickEpochs(g)
		g.Staking = &types.Staking{Chain: alpha, Activation: types.NewAmount(400)}
		if bend != nil {
			bend(g)
		}
	}, func(n *bridgetest.Network) {
		n.Chains[alpha].Staking = &bridgetest.Staking{
			Address: types.Address{0x57, 2}, Token: stakeToken, Unbonding: 1, Minimum: types.NewAmount(10),
		}
	})
	for _, v := range n.Validators {
		stake(t, n, v, 100, nil)
	}
	untilEpoch(t, n, 2)
	n.Settle(20)
	return n
}

func stake(t *testing.T, n *bridgetest.Network, v *bridgetest.Validator, amount uint64, data []byte) {
	t.Helper()
	n.Chains[alpha].Give(stakeToken, v.Operator, types.NewAmount(amount))
	if err := n.Chains[alpha].Stake(v.Operator, types.NewAmount(amount), data); err != nil {
		t.Fatal(err)
	}
}

func registrationBytes(t *testing.T, v *bridgetest.Validator) []byte {
	t.Helper()
	b, err := bridge.EncodeRegistration(v.Registration())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// settleStake makes blocks until all that is unstaked is released.
func settleStake(t *testing.T, n *bridgetest.Network, v *bridgetest.Validator) {
	t.Helper()
	for range 80 {
		n.Step()
		n.Relay(types.MaxBatchItems)
		if len(n.Chains[alpha].StakeOf(v.Operator).Requests) == 0 {
			n.Settle(20)
			return
		}
	}
	t.Fatalf("what %s has asked back is not released: %+v", v.Moniker, n.Chains[alpha].StakeOf(v.Operator))
}

func TestPowersFollowStake(t *testing.T) {
	n := newStaked(t, nil)
	wantOneSet(t, n, n.Validators...)
	for _, v := range n.Validators {
		if view := validatorOf(t, n, v); view.Power != 250_000 {
			t.Errorf("power %d, want a quarter of 1,000,000", view.Power)
		}
	}
	fifth := n.Join()
	stake(t, n, fifth, 100, registrationBytes(t, fifth))
	untilEpoch(t, n, 3)
	n.Settle(20)
	wantOneSet(t, n, n.Validators...)
	if view := validatorOf(t, n, fifth); view.Power != 200_000 {
		t.Errorf("power %d, want a fifth of 1,000,000", view.Power)
	}
}

// Before there is enough stake, powers are those of genesis: the first to stake
// must not get the network.
func TestStakeBelowActivation(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		quickEpochs(g)
		g.Staking = &types.Staking{Chain: alpha, Activation: types.NewAmount(400)}
	}, func(n *bridgetest.Network) {
		n.Chains[alpha].Staking = &bridgetest.Staking{Address: types.Address{0x57, 2}, Token: stakeToken}
	})
	first := n.Join()
	stake(t, n, first, 399, registrationBytes(t, first))
	n.Run(30)
	wantOneSet(t, n, n.Validators[:4]...)
	if view := validatorOf(t, n, first); view.InSet || view.Status != types.ValidatorActive {
		t.Errorf("%+v", view)
	}
}

// Unstaking ends when the set without the stake is in force on every contract
// and the unbonding time is over.
func TestUnstaking(t *testing.T) {
	n := newStaked(t, nil)
	v := n.Validators[3]
	if err := n.Chains[alpha].RequestUnstake(v.Operator, types.NewAmount(100)); err != nil {
		t.Fatal(err)
	}
	for range 40 { // the contract of beta never hears of the next set
		n.Step()
		relayOnly(t, n, alpha)
	}
	if got := n.Chains[alpha].StakeOf(v.Operator); len(got.Requests) != 1 || epochOf(t, n) != 3 {
		t.Fatalf("epoch %d, %+v: released while a contract obeys a set with it", epochOf(t, n), got)
	}
	settleStake(t, n, v)
	wantOneSet(t, n, n.Validators[:3]...)
	if paid, err := n.Chains[alpha].WithdrawStake(v.Operator, v.Operator); err != nil || paid != types.NewAmount(100) {
		t.Errorf("withdrew %s, %v", paid, err)
	}
}

func relayOnly(t *testing.T, n *bridgetest.Network, id types.ChainID) {
	t.Helper()
	all := n.Genesis.Chains
	n.Genesis.Chains = slices.DeleteFunc(slices.Clone(all), func(c types.Chain) bool { return c.ID != id })
	n.Relay(types.MaxBatchItems)
	n.Genesis.Chains = all
}

// Who is banned loses a part of what it staked and of what it has asked back,
// and gets the rest in time; nobody else's release is touched.
func TestBannedIsSlashed(t *testing.T) {
	n := newStaked(t, func(g *types.Genesis) { g.Params.SlashFraction = 250_000 })
	v := n.Validators[3]
	if err := n.Chains[alpha].RequestUnstake(v.Operator, types.NewAmount(40)); err != nil {
		t.Fatal(err)
	}
	n.Settle(20)
	n.Misbehavior = []types.ValidatorID{v.ID()}
	n.Step()
	untilEpoch(t, n, 3)
	n.Settle(20)
	if got := n.Chains[alpha].StakeOf(v.Operator); got.Staked != types.NewAmount(45) || n.Chains[alpha].Slashed() != types.NewAmount(25) {
		t.Errorf("%+v, slashed %s", got, n.Chains[alpha].Slashed())
	}
	if err := n.Chains[alpha].RequestUnstake(v.Operator, types.NewAmount(45)); err != nil {
		t.Fatal(err)
	}
	settleStake(t, n, v)
	if paid, err := n.Chains[alpha].WithdrawStake(v.Operator, v.Operator); err != nil || paid != types.NewAmount(75) {
		t.Errorf("withdrew %s, %v", paid, err)
	}
	wantOneSet(t, n, n.Validators[:3]...)
}

// Once the home chain is retired, votes decide: powers stay, and newcomers are
// admitted again.
func TestRetiredHomeChainEndsStaking(t *testing.T) {
	n := newStaked(t, func(g *types.Genesis) { g.Params.RetireDelayBlocks, g.Params.RetireDelayMS = 10, 0 })
	late := n.Join()
	stake(t, n, late, 10, []byte("no registration"))
	n.Settle(20)
	n.Chains[alpha].Lag = 1 << 40
	n.Run(30)
	agree(t, n, types.Content{RetireChain: &types.RetireChain{ID: alpha}}, 0, 1, 2)
	before := validatorOf(t, n, n.Validators[0]).Power
	agree(t, n, admission(late, 100_000), 0, 1, 2)
	epoch := epochOf(t, n)
	untilEpoch(t, n, epoch+1)
	if view := validatorOf(t, n, late); !view.InSet || view.Power != 100_000 {
		t.Errorf("%+v", view)
	}
	if after := validatorOf(t, n, n.Validators[0]).Power; after != before {
		t.Errorf("power %d, was %d", after, before)
	}
	n.Audit()
}

// A registration that is not good leaves the stake, which can be taken back or
// tried again.
func TestBadRegistrationWithStake(t *testing.T) {
	n := newStaked(t, nil)
	fifth := n.Join()
	stake(t, n, fifth, 50, []byte("no registration"))
	stake(t, n, fifth, 30, registrationBytes(t, n.Validators[0])) // another's
	n.Settle(20)
	if _, err := n.Machine.Query(n.State(), "validator", []byte(`{"id":"`+fifth.ID().String()+`"}`)); err == nil {
		t.Error("it is registered")
	}
	stake(t, n, fifth, 20, registrationBytes(t, fifth))
	untilEpoch(t, n, 3)
	n.Settle(20)
	wantOneSet(t, n, n.Validators...)
	if view := validatorOf(t, n, fifth); view.Power != 200_000 {
		t.Errorf("power %d, want that of all three stakes: a fifth", view.Power)
	}
	n.Waiting = [][]byte{n.Sign(0, propose(types.Content{SetPower: &types.SetPower{Validator: fifth.ID(), Power: 9}}))}
	n.Step()
	if len(n.Results) != 2 || n.Results[1].Code != bridge.ErrContent.Code {
		t.Errorf("governance sets a power that follows stake: %+v", n.Results)
	}
}

// The greatest max_validators stakes make the set.
func TestSmallestStakeGivesWay(t *testing.T) {
	n := newStaked(t, func(g *types.Genesis) { g.Params.MaxValidators = 4 })
	fifth := n.Join()
	stake(t, n, fifth, 110, registrationBytes(t, fifth))
	n.Settle(20)
	for range 60 {
		n.Step()
		n.Relay(types.MaxBatchItems)
		if validatorOf(t, n, fifth).InSet {
			break
		}
	}
	n.Settle(20)
	n.Run(2)
	in := 0
	for _, v := range n.Validators {
		if validatorOf(t, n, v).InSet {
			in++
		}
	}
	if in != 4 || !validatorOf(t, n, fifth).InSet {
		t.Errorf("%d validators are in the set; the fifth has more stake than one of them", in)
	}
}

func FuzzDecodeRegistration(f *testing.F) {
	good, err := bridge.EncodeRegistration(bridgetest.NewValidators(1)[0].Registration())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := bridge.DecodeRegistration(b)
		if err != nil {
			return
		}
		again, err := bridge.EncodeRegistration(r)
		if err != nil || string(again) != string(b) {
			t.Errorf("%x reads as %+v, which is %x, %v", b, r, again, err)
		}
	})
}

// When everybody asks its stake back, the set stays as it is: without one there
// would be no network to pay it out.
func TestAllStakeIsAskedBack(t *testing.T) {
	n := newStaked(t, nil)
	for _, v := range n.Validators {
		if err := n.Chains[alpha].RequestUnstake(v.Operator, types.NewAmount(100)); err != nil {
			t.Fatal(err)
		}
	}
	n.Settle(20)
	n.Run(30)
	wantOneSet(t, n, n.Validators...)
}

// One huge stake neither makes the others' equal, nor lets newcomers gain more
// in one epoch than the limit.
func TestHugeStakeAmongSmallOnes(t *testing.T) {
	n := newStaked(t, nil)
	stake(t, n, n.Validators[0], 1<<50, nil)
	small, smaller := n.Join(), n.Join()
	stake(t, n, small, 50, registrationBytes(t, small))
	stake(t, n, smaller, 10, registrationBytes(t, smaller))
	untilEpoch(t, n, 3)
	n.Settle(20)
	wantOneSet(t, n, n.Validators...)
	for i, want := range []uint64{333, 185, 185, 185, 92, 18} { // capped, and 667 shared as 100, 100, 100, 50, 10
		power := uint64(validatorOf(t, n, n.Validators[i]).Power)
		if power < want*960 || power > want*1040 {
			t.Errorf("validator %d: power %d of about 1,000,000, want about %d thousandths", i, power, want)
		}
	}
}

// What others stake moves everybody's share a little, in every epoch, and keeps
// nobody's stake back.
func TestOthersStakeKeepsNothingBack(t *testing.T) {
	n := newStaked(t, func(g *types.Genesis) { g.Params.EpochBlocks = 12 })
	for _, v := range n.Validators {
		stake(t, n, v, 1<<30, nil)
	}
	n.Settle(20)
	v := n.Validators[3]
	if err := n.Chains[alpha].RequestUnstake(v.Operator, types.NewAmount(1<<29)); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		stake(t, n, n.Validators[0], 1<<14, nil) // some millionths of all, in every block
		n.Step()
		n.Relay(types.MaxBatchItems)
	}
	if got := n.Chains[alpha].StakeOf(v.Operator); len(got.Requests) > 0 {
		t.Errorf("after 100 blocks, %d epochs: %+v", epochOf(t, n), got)
	}
}

// Whoever registers with a stake and takes it back is forgotten.
func TestRegisteredWithoutStakeIsForgotten(t *testing.T) {
	n := newStaked(t, func(g *types.Genesis) { g.Params.MaxValidators = 4 })
	fifth := n.Join()
	stake(t, n, fifth, 10, registrationBytes(t, fifth))
	n.Settle(20)
	if view := validatorOf(t, n, fifth); view.InSet || view.Status != types.ValidatorActive {
		t.Fatalf("%+v", view)
	}
	if err := n.Chains[alpha].RequestUnstake(fifth.Operator, types.NewAmount(10)); err != nil {
		t.Fatal(err)
	}
	settleStake(t, n, fifth)
	n.Run(30)
	if _, err := n.Machine.Query(n.State(), "validator", []byte(`{"id":"`+fifth.ID().String()+`"}`)); err == nil {
		t.Error("it is still known")
	}
}

// To leave and to stake again is no way around a jail.
func TestLeavingDoesNotEndAJail(t *testing.T) {
	n := newStaked(t, func(g *types.Genesis) { g.Params.JailBlocks, g.Params.MaxMisses = 100_000, 1 })
	v := n.Validators[3]
	v.Down = true
	for range 8 {
		n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		n.Settle(20)
	}
	if view := validatorOf(t, n, v); view.Status != types.ValidatorJailed {
		t.Fatalf("%+v", view)
	}
	untilEpoch(t, n, 3)
	n.Operate(types.Tx{Leave: &types.Leave{}}, 3)
	stake(t, n, v, 10, registrationBytes(t, v))
	n.Run(5)
	if view := validatorOf(t, n, v); view.Status != types.ValidatorLeaving {
		t.Errorf("%+v", view)
	}
}

// Whoever registers with the least stake cannot keep members' transactions out of
// the blocks.
func TestCandidatesDoNotCrowdMembersOut(t *testing.T) {
	n := newStaked(t, func(g *types.Genesis) { g.Params.MaxValidators = 4 })
	for range 4 {
		candidate := n.Join()
		stake(t, n, candidate, 10, registrationBytes(t, candidate))
	}
	n.Settle(20)
	for i := 4; i < 8; i++ {
		for range types.MaxTxAhead {
			n.Waiting = append(n.Waiting, n.Sign(i, types.Tx{Edit: &types.EditValidator{Moniker: "busy"}}))
		}
	}
	n.Waiting = append(n.Waiting, n.Sign(0, propose(question)))
	n.Step()
	if len(n.Results) != 1+types.MaxBlockTxs {
		t.Fatalf("%d transactions in the block", len(n.Results))
	}
	if p := proposal(t, n, 1); p.Status != types.ProposalOpen {
		t.Errorf("%+v", p)
	}
}
