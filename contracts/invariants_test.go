package contracts_test

import (
	"bytes"
	"math/big"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// hostiles are the tokens of TestInvariants; only the first is good to all.
var hostiles = []string{
	"TestToken", "SilentToken", "FeeToken", "FalseToken", "OddToken", "BlacklistToken", "BombToken", "HogToken",
	"ThresholdToken", "ReentrantToken",
}

// audited is an arena with books: what the contract must hold, told by its
// events and the commands that it was given, and by nothing that it stores.
type audited struct {
	*arena
	hooked []hooked

	base     map[common.Address]*big.Int    // a vault's balance, or a supply, without the bridge's doing
	moved    map[common.Address]*big.Int    // what came in less what was paid; for a wrapped token minted less burned
	fees     map[[2]common.Address]*big.Int // by relayer and token
	owed     map[debt]bool                  // refunds that failed and were not claimed
	payments map[common.Address][]payment   // since the token's limit was set
	seen     int                            // inbox events that are booked
	position evmtest.State                  // after the last call
}

// hooked is a contract that calls out when it is paid, or pays.
type hooked struct {
	evmtest.Contract
	slot   uint64 // of its first variable, the target of the calls
	before uint64 // calls that got through to earlier targets
}

type payment struct {
	time   uint64
	amount *big.Int
}

var (
	bareAudited = sync.OnceValue(func() *audited {
		a := &audited{
			arena: newArena(hostiles...), base: map[common.Address]*big.Int{}, moved: map[common.Address]*big.Int{},
			fees: map[[2]common.Address]*big.Int{}, owed: map[debt]bool{}, payments: map[common.Address][]payment{},
		}
		recipient := a.deploy("ReentrantRecipient")
		a.payees = append(a.payees, recipient.Address)
		a.hooked = []hooked{{a.at("ReentrantToken", a.lock[len(hostiles)-1]), 5, 0}, {recipient, 0, 0}}
		for _, token := range a.tokens {
			a.base[token] = number(a.holds(token))
		}
		a.seen, a.position = len(a.inbox.Events), a.State()
		return a
	})
	openAudited = sync.OnceValue(func() *audited {
		a := bareAudited().fork(nil)
		for _, c := range a.opening() {
			order, err := a.SealAs(a.State().OutboxNonce+1, types.EncodeCommand(c))
			a.must(err)
			a.run(order, a.people[0], evmtest.Plenty)
		}
		a.check(a.position.OutboxNonce == uint64(len(hostiles))+3, "opening")
		return a
	})
)

func (a *audited) fork(t rapid.TB) *audited {
	f := *a
	f.arena = a.arena.fork(t)
	f.hooked = nil
	for _, h := range a.hooked {
		f.hooked = append(f.hooked, hooked{h.On(f.Chain), h.slot, h.before})
	}
	f.moved, f.fees = cloneNumbers(a.moved), cloneNumbers(a.fees)
	f.owed, f.payments = map[debt]bool{}, map[common.Address][]payment{} // nobody was paid before the fork
	return &f
}

func cloneNumbers[K comparable](m map[K]*big.Int) map[K]*big.Int {
	clone := map[K]*big.Int{}
	for k, v := range m {
		clone[k] = new(big.Int).Set(v)
	}
	return clone
}

func number(a types.Amount) *big.Int {
	word := a.Bytes32()
	return new(big.Int).SetBytes(word[:])
}

// book adds to an entry of the books.
func book[K comparable](m map[K]*big.Int, at K, amount *big.Int) {
	if m[at] == nil {
		m[at] = new(big.Int)
	}
	m[at].Add(m[at], amount)
}

func entry[K comparable](m map[K]*big.Int, at K) *big.Int {
	if m[at] == nil {
		return new(big.Int)
	}
	return m[at]
}

// holds is what the books are held to: the vault of a locked token, or the
// supply of a wrapped one. A token that is neither has moved nothing.
func (a *audited) holds(token common.Address) types.Amount {
	if slices.Contains(a.lock, token) {
		return a.Chain.Holding(token, a.Address)
	}
	return a.Chain.TokenSupply(token)
}

// paid books a payout: it leaves the vault, or is minted.
func (a *audited) paid(token common.Address, amount types.Amount, bucket types.Amount) {
	change := number(amount)
	if a.TokenState(token).Mode == types.ModeLock {
		change.Neg(change)
	}
	book(a.moved, token, change)
	a.payments[token] = append(a.payments[token], payment{a.Chain.Time, number(bucket)})
}

// audit books the events of the last call, which was made with these bytes if it
// was an execution, and checks everything.
func (a *audited) audit(command []byte) {
	before := a.position
	a.position = a.State()
	for _, e := range a.inbox.Events[a.seen:] {
		switch e := e.(type) {
		case types.Deposited:
			a.check(before.Deposits && before.Activated, "a deposit was taken while deposits were off: %+v", e)
			change := number(e.Amount)
			if a.TokenState(e.Token).Mode == types.ModeMint {
				change.Neg(change)
			}
			book(a.moved, e.Token, change)
		case types.Executed:
			a.bookReceipt(command, e)
		case types.Claimed:
			d := debt{e.OutboxNonce, e.Index, types.BatchEntry{Token: e.Token, Recipient: e.Owner, Amount: e.Amount}}
			a.check(a.owed[d], "claimed what was not owed: %+v", e)
			delete(a.owed, d)
			// A debt above the capacity empties a full bucket.
			bucket := e.Amount
			if state := a.TokenState(e.Token); state.Limited && bucket.Cmp(state.Capacity) > 0 {
				bucket = state.Capacity
			}
			a.paid(e.Token, e.Amount, bucket)
		}
	}
	a.seen = len(a.inbox.Events)
	a.checkOrder(before)
	a.checkMoney()
	for _, h := range a.hooked {
		// Nothing that is done in the middle of a call of the bridge gets through to it.
		target := common.Address(a.Chain.Storage(h.Address, h.slot).Bytes()[12:])
		a.check(target != a.Address || a.successes(h) == h.before, "%s got through to the bridge", h.Name)
	}
}

// bookReceipt books a slice by the command that it is of.
func (a *audited) bookReceipt(command []byte, e types.Executed) {
	entries := batchEntries(command)
	if len(entries) == 0 {
		a.bookControl(command, e)
		return
	}
	a.bookFees(command, e)
	for i := range e.Count {
		item := entries[e.First+i]
		switch {
		case !e.Failed(i):
			a.check(a.TokenState(item.Token).Mode != 0, "an unknown token was paid out: %+v", item)
			a.paid(item.Token, item.Amount, item.Amount)
		case item.Kind == types.EntryRefund:
			a.owed[debt{e.OutboxNonce, e.First + i, types.BatchEntry{Token: item.Token, Recipient: item.Recipient, Amount: item.Amount}}] = true
		}
	}
}

// bookFees books what a slice earned, a group at a time. What would make a token's
// fees more than 128 bits is not credited: no deposit can have brought it.
func (a *audited) bookFees(command []byte, e types.Executed) {
	start, first, end := int64(0), int64(e.First), int64(e.First+e.Count)
	for _, group := range batchGroups(command) {
		after := start + int64(len(group))
		items := min(after, end) - max(start, first)
		start = after
		token := group[0].Token
		if items <= 0 || a.TokenState(token).Mode == 0 {
			continue
		}
		earned := new(big.Int).Mul(number(group[0].Fee), big.NewInt(items))
		total := new(big.Int).Set(earned)
		for at, fees := range a.fees {
			if at[1] == token {
				total.Add(total, fees)
			}
		}
		if total.BitLen() <= 128 {
			book(a.fees, [2]common.Address{e.Relayer, token}, earned)
		}
	}
}

// bookControl forgets the payments under limits that were replaced.
func (a *audited) bookControl(command []byte, e types.Executed) {
	if c, err := types.DecodeCommand(command); err == nil && len(e.Failures) == 0 {
		if params, ok := c.(types.SetParams); ok {
			for _, t := range params.Tokens {
				delete(a.payments, t.Token)
			}
		}
	}
}

func (a *audited) checkOrder(before evmtest.State) {
	now := a.position
	forward := now.OutboxNonce == before.OutboxNonce && now.NextIndex >= before.NextIndex || now.OutboxNonce == before.OutboxNonce+1
	a.check(forward && now.SealHeight >= before.SealHeight, "the outbox went from %+v to %+v", before, now)
	toldOf := before.Epoch == 0 // by its first seal
	a.check(now.Epoch == before.Epoch && now.SetHash == before.SetHash || now.Epoch == before.Epoch+1 || toldOf, "epoch: from %+v to %+v", before, now)
	a.check(now.Activated || !before.Activated && !now.Deposits, "activation: from %+v to %+v", before, now)
	a.check(now.InboxNonce == a.inbox.Nonce && now.InboxHash == a.inbox.Hash, "inbox: %+v", now)
}

func (a *audited) checkMoney() {
	for _, token := range a.tokens {
		state := a.TokenState(token)
		want := new(big.Int).Add(a.base[token], entry(a.moved, token))
		a.check(number(a.holds(token)).Cmp(want) == 0, "token %s: contract %s, books %s", token, a.holds(token), want)
		sum := new(big.Int)
		for _, relayer := range append([]common.Address{a.hooked[0].Address}, a.people...) {
			fees := a.Claimable(relayer, token)
			booked := entry(a.fees, [2]common.Address{relayer, token})
			a.check(number(fees).Cmp(booked) == 0, "fees of %s in %s: contract %s, books %s", relayer, token, fees, booked)
			sum.Add(sum, number(fees))
		}
		a.check(number(state.Fees).Cmp(sum) == 0, "token %s: fees are %s, of all relayers %s", token, state.Fees, sum)
		a.checkFlow(token, state)
	}
	for _, d := range a.debts {
		d.Kind, d.Fee = 0, types.Amount{}
		want := common.Hash{}
		if a.owed[d] {
			want = d.hash()
		}
		a.check(a.Owed(d.nonce, d.index) == want, "debt %+v: contract %s, books %s", d, a.Owed(d.nonce, d.index), want)
	}
}

// checkFlow: whatever window ends with the last payout, no more was paid in it
// than a full bucket and what flowed back.
func (a *audited) checkFlow(token common.Address, state evmtest.TokenState) {
	if !state.Limited {
		return
	}
	list, sum := a.payments[token], new(big.Int)
	for _, p := range slices.Backward(list) {
		sum.Add(sum, p.amount)
		bound := new(big.Int).SetUint64(list[len(list)-1].time - p.time)
		bound.Add(bound.Mul(bound, number(state.Rate)), number(state.Capacity))
		a.check(sum.Cmp(bound) <= 0, "token %s paid %s since %d, at most %s", token, sum, p.time, bound)
	}
}

// successes is how many calls of a hook got through.
func (a *audited) successes(h hooked) uint64 {
	return a.Chain.Storage(h.Address, h.slot+3).Big().Uint64()
}

// TestInvariants makes random calls to a bridge among hostile tokens and
// recipients, and after each compares all that it holds with books of its own.
// With BRIDGED_LONG the sequences are ten times as long.
func TestInvariants(t *testing.T) {
	rounds := 1
	if os.Getenv("BRIDGED_LONG") != "" {
		rounds = 10
	}
	rapid.Check(t, func(rt *rapid.T) {
		start := openAudited
		if chance(rt, "bare", 10) {
			start = bareAudited
		}
		a := start().fork(rt)
		actions := map[string]func(*rapid.T){
			"execute":    a.executeSome,
			"execute 2":  a.executeSome,
			"execute 3":  a.executeSome,
			"bent order": func(rt *rapid.T) { a.run(a.bent(rt, a.next(rt)), a.people[1], evmtest.Plenty) },
			"burst":      a.burst,
			"deposit":    a.depositSome,
			"deposit 2":  a.depositSome,
			"claim":      a.claimSome,
			"fees":       a.withdrawSome,
			"wait":       func(rt *rapid.T) { a.Chain.Time += pick(rt, "seconds", uint64(1), 7, 60, 1000) },
			"contract":   a.executeByContract,
			"nuisance":   a.nuisance,
			"theft":      a.theft,
		}
		for range rounds {
			rt.Repeat(actions)
		}
	})
}

func (a *audited) run(o evmtest.Order, relayer common.Address, gas uint64) {
	r, err := a.Execute(relayer, o, gas)
	if err == nil {
		a.follow(r, err)
		a.executed(o, a.last().(types.Executed))
	}
	a.audit(o.Command)
}

func (a *audited) executeSome(rt *rapid.T) {
	relayer := rapid.SampledFrom(a.people).Draw(rt, "relayer")
	a.run(a.sealed(rt, a.next(rt)), relayer, someGas(rt))
}

// burst orders ten times what a token's bucket holds, in one block.
func (a *audited) burst(rt *rapid.T) {
	token := a.known(rt)
	state := a.TokenState(token)
	if !state.Limited || a.State().NextIndex > 0 {
		rt.Skip("no limit, or in the middle of a batch")
	}
	quarter, _ := state.Capacity.DivMod(types.NewAmount(4))
	item := types.BatchEntry{Token: token, Recipient: a.people[0], Amount: quarter, Kind: pick(rt, "kind", types.EntryRelease, types.EntryRefund)}
	batch := types.Batch{Entries: slices.Repeat([]types.BatchEntry{item}, 40)}
	a.run(a.sealed(rt, types.EncodeCommand(batch)), a.people[0], evmtest.Plenty)
}

func (a *audited) depositSome(rt *rapid.T) {
	if r, err := a.sendDeposit(a.someDeposit(rt)); err == nil {
		a.follow(r, err)
	}
	a.audit(nil)
}

func (a *audited) claimSome(rt *rapid.T) {
	d := a.someDebt(rt)
	if chance(rt, "bend amount", 4) {
		d.Amount = units(rt, "amount")
	}
	if r, err := a.sendClaim(d, rapid.SampledFrom(a.payees).Draw(rt, "to")); err == nil {
		a.follow(r, err)
	}
	a.audit(nil)
}

func (a *audited) withdrawSome(rt *rapid.T) {
	relayer, token := rapid.SampledFrom(a.people).Draw(rt, "relayer"), a.known(rt)
	r, err := a.Send(relayer, "withdrawFees", token, rapid.SampledFrom(a.payees).Draw(rt, "to"))
	if err == nil {
		a.follow(r, err)
		amount, _ := types.AmountFromBytes(bytes.TrimLeft(r.Output, "\x00"))
		book(a.fees, [2]common.Address{relayer, token}, new(big.Int).Neg(number(amount)))
		a.paid(token, amount, amount)
	}
	a.audit(nil)
}

// nuisance changes how a foreign contract behaves.
func (a *audited) nuisance(rt *rapid.T) {
	var err error
	switch pick(rt, "nuisance", "ban", "threshold", "hook", "hook", "staking", "stake") {
	case "ban":
		who := rapid.SampledFrom(append([]common.Address{a.Address}, a.people...)).Draw(rt, "who")
		_, err = a.at("BlacklistToken", a.lock[slices.Index(hostiles, "BlacklistToken")]).Send(a.Owner, "ban", who)
	case "threshold":
		threshold := big.NewInt(int64(rapid.IntRange(0, 400_000).Draw(rt, "threshold")))
		_, err = a.at("ThresholdToken", a.lock[slices.Index(hostiles, "ThresholdToken")]).Send(a.Owner, "setThreshold", threshold)
	case "hook":
		h := &a.hooked[rapid.IntRange(0, len(a.hooked)-1).Draw(rt, "who")]
		target, input := a.hook(rt, *h)
		a.setHook(h, target, input)
	case "staking":
		_, err = a.staking.Send(a.Owner, "setBehaviour", rapid.Bool().Draw(rt, "broken"), chance(rt, "hungry", 4))
	case "stake":
		a.follow(a.staking.Send(a.Owner, "stake", types.Address{1}, big.NewInt(1000), []byte{}))
	}
	a.must(err)
	a.audit(nil)
}

func (a *audited) setHook(h *hooked, target common.Address, input []byte) {
	h.before = a.successes(*h)
	_, err := h.Send(a.Owner, "setHook", target, input)
	a.must(err)
}

// executeByContract makes the reentrant token a relayer: somebody's transfer of
// nothing makes it execute. What it then earns it may try to fetch in the middle
// of a payout.
func (a *audited) executeByContract(rt *rapid.T) {
	order, h := a.sealed(rt, a.next(rt)), &a.hooked[0]
	input, err := a.Pack(order)
	a.must(err)
	a.setHook(h, a.Address, input)
	events := len(a.inbox.Events)
	a.follow(h.Send(a.people[0], "transfer", a.people[0], common.Big0))
	if len(a.inbox.Events) > events {
		a.check(a.successes(*h) == h.before+1, "the order was executed within itself")
		a.executed(order, a.last().(types.Executed))
	}
	a.setHook(h, common.Address{}, nil)
	a.audit(order.Command)
}

// hook draws what a foreign contract tries when it has control.
func (a *audited) hook(rt *rapid.T, h hooked) (target common.Address, input []byte) {
	var err error
	person := rapid.SampledFrom(a.people).Draw(rt, "person")
	switch pick(rt, "hook", "execute", "deposit", "native", "claim", "fees", "stake") {
	case "execute":
		input, err = a.Pack(a.sealed(rt, a.batch(rt)))
	case "deposit":
		input, err = a.ABI.Pack("deposit", a.known(rt), big.NewInt(5), uint64(there), [32]byte{1}, person, big.NewInt(0), []byte{})
	case "native":
		input, err = a.ABI.Pack("depositNative", uint64(there), [32]byte{1}, person, big.NewInt(0), []byte{})
	case "claim":
		var mine debt
		for _, d := range a.debts {
			if d.Recipient == h.Address {
				mine = d
			}
		}
		input, err = a.ABI.Pack("claim", mine.nonce, mine.index, mine.Token, number(mine.Amount), person)
	case "fees":
		input, err = a.ABI.Pack("withdrawFees", a.known(rt), person)
	case "stake":
		input, err = a.staking.ABI.Pack("stake", person, big.NewInt(1), []byte{})
		a.must(err)
		return a.staking.Address, input
	}
	a.must(err)
	return a.Address, input
}

// theft tries what nobody may.
func (a *audited) theft(rt *rapid.T) {
	thief := rapid.SampledFrom(a.people).Draw(rt, "thief")
	if token := a.known(rt); a.TokenState(token).Mode == types.ModeMint {
		wrapped := a.wrapped.On(a.Chain)
		wrapped.Address = token
		for _, method := range []string{"mint", "burn"} {
			_, err := wrapped.Send(thief, method, thief, big.NewInt(1))
			a.reverts(err, "OnlyBridge")
		}
	}
	_, err := a.Send(thief, "noteStaked", thief, big.NewInt(1), []byte{})
	a.reverts(err, "OnlyStaking")
	_, err = a.Send(thief, "noteUnstaked", thief, big.NewInt(1))
	a.reverts(err, "OnlyStaking")
	a.audit(nil)
}
