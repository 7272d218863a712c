package contracts_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// stakeTwins are the staking contract with its bridge and the model of the two, to
// which everything happens alike, and what a network books by their events.
type stakeTwins struct {
	*staked
	twin *bridgetest.Chain

	booked map[common.Address]*big.Int // Staked less Unstaked
	asked  map[common.Address]*big.Int // requested less released
	seen   int                         // inbox events that are booked
}

func newStakeTwins(t rapid.TB) *stakeTwins {
	p := &stakeTwins{staked: newStaked(t), booked: map[common.Address]*big.Int{}, asked: map[common.Address]*big.Int{}}
	p.seen = len(p.inbox.Events)
	p.twin = bridgetest.NewChain(evmtest.NetworkID, types.Chain{ID: here, Label: "twin", Bridge: p.Address}, p.Validators.Set)
	p.twin.Time = p.Chain.Time
	p.twin.Staking = &bridgetest.Staking{
		Address: p.staking.Address, Token: p.token.Address, Unbonding: unbonding, Minimum: types.NewAmount(minimumStake),
	}
	for _, operator := range p.operators {
		p.twin.Give(p.token.Address, operator, p.Chain.Holding(p.token.Address, operator))
	}
	return p
}

// TestStakingTwin makes random calls to the staking contract and to its model, and
// wants them to agree after each.
func TestStakingTwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newStakeTwins(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"":           p.compare,
			"stake":      p.stakeSome,
			"stake 2":    p.stakeSome,
			"unstake":    p.unstakeSome,
			"unstake 2":  p.unstakeSome,
			"release":    p.releaseSome,
			"slash":      p.slashSome,
			"withdraw":   p.withdrawSome,
			"wait":       p.wait,
			"wait again": p.wait,
		})
	})
}

func (p *stakeTwins) operator(rt *rapid.T) common.Address {
	return pick(rt, "operator", append(p.operators, p.operators[0], p.operators[0])...)
}

// part draws an amount of some whole: any, all, more, or one of the borders.
func part(rt *rapid.T, of uint64) uint64 {
	return pick(rt, "part", rapid.Uint64Range(0, of).Draw(rt, "amount"), rapid.Uint64Range(0, of).Draw(rt, "another"),
		of, of+1, 0, 1, minimumStake-1, minimumStake, max(of, minimumStake)-minimumStake)
}

func whole(a types.Amount) uint64 { return number(a).Uint64() }

// agree wants both to take the call, or to revert for the same reason.
func (p *stakeTwins) agree(call string, r evmtest.Result, err, twinErr error) {
	p.t.Helper()
	var name bridgetest.Revert
	same := (err == nil) == (twinErr == nil)
	if err != nil && same {
		same = errors.As(twinErr, &name) && strings.Contains(err.Error(), string(name))
	}
	p.check(same, "%s\ncontract: %v\nmodel:    %v", call, err, twinErr)
	if err == nil {
		p.follow(r, err)
	}
}

func (p *stakeTwins) stakeSome(rt *rapid.T) {
	operator := p.operator(rt)
	amount := part(rt, 2000)
	if chance(rt, "all", 20) {
		amount = whole(p.Chain.Holding(p.token.Address, operator)) + rapid.Uint64Range(0, 1).Draw(rt, "more")
	}
	data := make([]byte, pick(rt, "data", 0, 0, 100, types.MaxDataBytes, types.MaxDataBytes+1))
	r, err := p.call(operator, "stake", new(big.Int).SetUint64(amount), data)
	p.agree("stake", r, err, p.twin.Stake(operator, types.NewAmount(amount), data))
}

func (p *stakeTwins) unstakeSome(rt *rapid.T) {
	operator := p.operator(rt)
	if chance(rt, "many", 4) { // else the bound on requests is never met
		for range rapid.IntRange(5, bridgetest.MaxUnstakeRequests).Draw(rt, "requests") {
			p.unstake(operator, rapid.Uint64Range(1, 3).Draw(rt, "little"))
		}
		return
	}
	p.unstake(operator, part(rt, whole(p.twin.StakeOf(operator).Staked)))
}

func (p *stakeTwins) unstake(operator common.Address, amount uint64) {
	r, err := p.call(operator, "requestUnstake", new(big.Int).SetUint64(amount))
	p.agree("requestUnstake", r, err, p.twin.RequestUnstake(operator, types.NewAmount(amount)))
	if err == nil {
		book(p.asked, operator, new(big.Int).SetUint64(amount))
	}
}

func (p *stakeTwins) withdrawSome(rt *rapid.T) {
	operator := p.operator(rt)
	to := pick(rt, "to", operator, operator, p.operators[0], p.operators[1], p.Address, common.Address{}, p.staking.Address)
	r, err := p.call(operator, "withdraw", to)
	amount, twinErr := p.twin.WithdrawStake(operator, to)
	p.agree("withdraw", r, err, twinErr)
	if err == nil {
		p.check(new(big.Int).SetBytes(r.Output).Cmp(number(amount)) == 0, "contract returns %x, model %s", r.Output, amount)
	}
}

func (p *stakeTwins) releaseSome(rt *rapid.T) {
	operator := p.operator(rt)
	requests := p.twin.StakeOf(operator).Requests
	if len(requests) == 0 && !chance(rt, "in vain", 4) {
		rt.Skip("nothing to release")
	}
	amount, asked := uint64(0), uint64(0)
	for i, request := range requests {
		asked += whole(request.Asked)
		if i == 0 || request.Ripe <= p.twin.Time {
			amount = asked
		}
	}
	switch pick(rt, "bend", "", "", "", "part", "all", "absurd") {
	case "part":
		amount = part(rt, amount)
	case "all":
		amount = asked
	case "absurd":
		amount = math.MaxUint64
	}
	if p.execute(types.ReleaseStake{Operator: operator, Amount: types.NewAmount(amount)}) {
		book(p.asked, operator, new(big.Int).Neg(new(big.Int).SetUint64(min(amount, asked))))
	}
}

func (p *stakeTwins) slashSome(rt *rapid.T) {
	if !chance(rt, "slash", 3) {
		rt.Skip("else nothing is left")
	}
	p.execute(types.Slash{
		Operator: pick(rt, "whom", p.operator(rt), p.operator(rt), p.operator(rt), common.Address{}),
		Fraction: pick(rt, "fraction", rapid.Uint32Range(1, 1_000_000).Draw(rt, "any"), 1, 10_000, 333_333, 1_000_000, 1_000_001, 0),
	})
}

// execute says whether the command did its work.
func (p *stakeTwins) execute(c types.Command) bool {
	o := p.seal(c)
	r, err := p.Execute(p.relayer, o, 0)
	p.must(err)
	p.agree(c.Kind().String(), r, err, p.twin.Run(bridgetest.Order{
		Command: o.Command, From: o.From, Proof: o.Path, Quorum: o.Quorum,
		Seal: bridge.SealState{Epoch: o.Seal.Epoch, Height: o.Seal.Height, Root: o.Seal.Root},
	}, p.relayer, 1))
	return len(p.last().(types.Executed).Failures) == 0
}

func (p *stakeTwins) wait(rt *rapid.T) {
	p.Chain.Time += pick(rt, "seconds", uint64(1), unbonding-1, unbonding, unbonding)
	p.twin.Time = p.Chain.Time
}

// compare holds contract and model to each other, and both to the books.
func (p *stakeTwins) compare(rt *rapid.T) {
	p.t = rt
	state := p.State()
	p.check(bridgetest.State(state) == p.twin.State(), "contract %+v\nmodel    %+v", state, p.twin.State())
	for _, e := range p.inbox.Events[p.seen:] {
		switch e := e.(type) {
		case types.Staked:
			book(p.booked, e.Operator, number(e.Amount))
		case types.Unstaked:
			book(p.booked, e.Operator, new(big.Int).Neg(number(e.Amount)))
		}
	}
	p.seen = len(p.inbox.Events)
	for _, operator := range p.operators {
		contract, model := p.Chain.StakeOf(p.staking.Address, operator), p.twin.StakeOf(operator)
		same := contract.Staked == model.Staked && contract.Withdrawable == model.Withdrawable && len(contract.Requests) == len(model.Requests)
		asked := new(big.Int)
		for i, request := range contract.Requests {
			same = same && bridgetest.UnstakeRequest(request) == model.Requests[i]
			asked.Add(asked, number(request.Asked))
		}
		p.check(same, "of %s\ncontract: %+v\nmodel:    %+v", operator, contract, model)
		p.check(number(contract.Staked).Cmp(entry(p.booked, operator)) == 0, "%s staked %s, by the events %s", operator, contract.Staked, entry(p.booked, operator))
		p.check(asked.Cmp(entry(p.asked, operator)) == 0, "%s asked for %s, by the books %s", operator, asked, entry(p.asked, operator))
	}
	for _, holder := range append([]common.Address{p.staking.Address, p.Address}, p.operators...) {
		contract, model := p.Chain.Holding(p.token.Address, holder), p.twin.Balance(p.token.Address, holder)
		p.check(contract == model, "%s holds %s, in the model %s", holder, contract, model)
	}
	slashed := p.Chain.Storage(p.staking.Address, 2).Big()
	p.check(slashed.Cmp(number(p.twin.Slashed())) == 0, "slashed %s, in the model %s", slashed, p.twin.Slashed())
	p.balanced()
}
