package contracts_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// twins are the contract and its model, to which everything happens alike.
type twins struct {
	*arena
	twin   *bridgetest.Chain
	fickle common.Address // a token that refuses one payee
	past   []era
}

// era is the contract at the end of a block.
type era struct {
	height uint64
	*arena
}

var bareTwins = sync.OnceValue(func() *twins {
	p := &twins{arena: newArena("TestToken", "BlacklistToken")}
	p.fickle = p.lock[1]
	_, err := p.staking.Send(p.Owner, "setBehaviour", true, false) // TestStakingTwin is about stake
	p.must(err)
	p.twin = bridgetest.NewChain(evmtest.NetworkID, types.Chain{ID: here, Label: "twin", Bridge: p.Address}, p.Validators.Set)
	p.twin.Time = p.Chain.Time
	for _, token := range []common.Address{p.lock[0], p.lock[1], types.NativeToken} {
		for _, holder := range append([]common.Address{p.Address}, p.people...) {
			p.twin.Give(token, holder, p.Chain.Holding(token, holder))
		}
	}
	return p
})

var openTwins = sync.OnceValue(func() *twins {
	p := bareTwins().fork(nil)
	for _, c := range p.opening() {
		order, err := p.SealAs(p.State().OutboxNonce+1, types.EncodeCommand(c))
		p.must(err)
		p.run(order, p.people[0], evmtest.Plenty)
	}
	p.check(p.State().InboxNonce == 10, "opening")
	return p
})

func (p *twins) fork(t rapid.TB) *twins {
	f := *p
	f.arena, f.twin = p.arena.fork(t), p.twin.Clone()
	f.twin.WrappedAt = f.wrappedAt
	f.twin.Lockable = func(token types.Address) bool { return f.Chain.HasCode(token) && token != f.staking.Address }
	f.twin.Rejects = func(token, to types.Address) bool {
		banned := common.Address(f.Chain.Storage(f.fickle, 5).Bytes()[12:])
		return token == types.NativeToken && f.Chain.HasCode(to) || token == f.fickle && to == banned
	}
	return &f
}

// agree holds the outcome of the two to each other.
func (p *twins) agree(call string, err, twinErr error) {
	var name bridgetest.Revert
	same := (err == nil) == (twinErr == nil)
	if err != nil && same {
		same = errors.As(twinErr, &name) && strings.Contains(err.Error(), string(name))
	}
	p.check(same, "%s\ncontract: %v\nmodel:    %v", call, err, twinErr)
}

// run executes an order on both. What runs out of gas is the contract's own
// matter: the model knows none.
func (p *twins) run(o evmtest.Order, relayer common.Address, gas uint64) {
	r, err := p.Execute(relayer, o, gas)
	if err != nil && gas != evmtest.Plenty {
		return
	}
	items := uint32(math.MaxUint32)
	var receipt types.Executed
	if err == nil {
		p.follow(r, err)
		receipt = p.last().(types.Executed)
		items = receipt.Count
	}
	twinErr := p.twin.Run(bridgetest.Order{
		Command: o.Command, From: o.From, Proof: o.Path, Quorum: o.Quorum,
		Seal: bridge.SealState{Epoch: o.Seal.Epoch, Height: o.Seal.Height, Root: o.Seal.Root},
	}, relayer, items)
	p.agree("execute", err, twinErr)
	if err == nil {
		p.executed(o, receipt)
	}
}

// compare holds all that both keep to each other.
func (p *twins) compare(rt *rapid.T) {
	equal := func(contract, model any, what ...any) {
		if contract != model {
			rt.Fatalf("%v\ncontract: %+v\nmodel:    %+v", what, contract, model)
		}
	}
	equal(bridgetest.State(p.State()), p.twin.State())
	for _, token := range p.tokens {
		state := p.TokenState(token)
		equal(bridgetest.Token(state), p.twin.Token(token), "token", token)
		if state.Mode == types.ModeMint {
			equal(p.Chain.TokenSupply(token), p.twin.Minted(token), "supply of", token)
		}
		for _, holder := range p.payees {
			equal(p.Chain.Holding(token, holder), p.twin.Balance(token, holder), holder, "holds of", token)
		}
		for _, relayer := range p.people {
			equal(p.Claimable(relayer, token), p.twin.Claimable(relayer, token), "fees of", relayer, "in", token)
		}
	}
	for _, d := range p.debts {
		want := common.Hash{}
		if claim, owed := p.twin.Owed(d.nonce, d.index); owed {
			want = debt{d.nonce, d.index, types.BatchEntry{Token: claim.Token, Recipient: claim.Owner, Amount: claim.Amount}}.hash()
		}
		equal(p.Owed(d.nonce, d.index), want, "debt", d.nonce, d.index)
	}
}

// TestTwin makes random calls to the contract and to its model, and wants them
// to agree after each.
func TestTwin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		start := openTwins
		if chance(rt, "bare", 10) {
			start = bareTwins
		}
		p := start().fork(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"":           p.compare,
			"execute":    p.executeSome,
			"execute 2":  p.executeSome,
			"execute 3":  p.executeSome,
			"bent order": func(rt *rapid.T) { p.run(p.bent(rt, p.next(rt)), p.people[1], evmtest.Plenty) },
			"deposit":    p.depositSome,
			"deposit 2":  p.depositSome,
			"claim":      p.claimSome,
			"fees":       p.withdrawSome,
			"wait":       p.wait,
			"ban":        p.ban,
			"blocks":     p.blocks,
		})
	})
}

func (p *twins) executeSome(rt *rapid.T) {
	relayer := rapid.SampledFrom(p.people).Draw(rt, "relayer")
	p.run(p.sealed(rt, p.next(rt)), relayer, someGas(rt))
}

func (p *twins) depositSome(rt *rapid.T) {
	d := p.someDeposit(rt)
	r, err := p.sendDeposit(d)
	if err == nil {
		p.follow(r, err)
	}
	_, twinErr := p.twin.Deposit(d)
	p.agree("deposit", err, twinErr)
}

func (p *twins) claimSome(rt *rapid.T) {
	d, to := p.someDebt(rt), rapid.SampledFrom(p.payees).Draw(rt, "to")
	bent := d
	switch pick(rt, "bend", "", "", "", "token", "amount", "index") {
	case "token":
		bent.Token = p.lock[0]
	case "amount":
		bent.Amount = units(rt, "amount")
	case "index":
		bent.index++
	}
	if bent != d && p.Owed(bent.nonce, bent.index) != bent.hash() {
		_, err := p.sendClaim(bent, to)
		p.reverts(err, "NotOwed")
		return
	}
	r, err := p.sendClaim(d, to)
	if err == nil {
		p.follow(r, err)
	}
	p.agree("claim", err, p.twin.Claim(d.nonce, d.index, to))
}

func (p *twins) withdrawSome(rt *rapid.T) {
	relayer, to := rapid.SampledFrom(p.people).Draw(rt, "relayer"), rapid.SampledFrom(p.payees).Draw(rt, "to")
	token := p.known(rt)
	r, err := p.Send(relayer, "withdrawFees", token, to)
	amount, twinErr := p.twin.WithdrawFees(relayer, token, to)
	p.agree("withdrawFees", err, twinErr)
	if err == nil {
		p.follow(r, err)
		returned, _ := types.AmountFromUint256(new(uint256.Int).SetBytes(r.Output))
		p.check(returned == amount, "contract returns %s, model %s", returned, amount)
	}
}

func (p *twins) wait(rt *rapid.T) {
	p.Chain.Time += pick(rt, "seconds", uint64(1), 7, 60, 1000, 1<<40)
	p.twin.Time = p.Chain.Time
}

func (p *twins) ban(rt *rapid.T) {
	_, err := p.at("BlacklistToken", p.fickle).Send(p.Owner, "ban", rapid.SampledFrom(p.people).Draw(rt, "who"))
	p.must(err)
}

// blocks ends a block, or takes some back.
func (p *twins) blocks(rt *rapid.T) {
	if len(p.past) == 0 || !chance(rt, "reorg", 4) {
		p.past = append(p.past, era{p.twin.Height(), p.arena.fork(p.t)})
		p.twin.Mine()
		return
	}
	i := rapid.IntRange(0, len(p.past)-1).Draw(rt, "to")
	p.must(p.twin.Reorg(p.past[i].height))
	p.arena = p.past[i].arena.fork(p.t)
	p.past = p.past[:i+1]
	p.check(p.twin.Time == p.Chain.Time, "time %d, want %d", p.twin.Time, p.Chain.Time)
}
