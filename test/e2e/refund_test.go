package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const nowhere = 999_999 // a chain that is not connected

// unreleasable has what one test of refunds uses on its network.
type unreleasable struct {
	*network
	black  *asset         // a token that can refuse one address
	iron   *asset         // two such tokens, one on each chain
	lone   *asset         // a token that beta has nothing for
	puppet common.Address // a contract on alpha that takes no coin
}

// TestUnreleasable sends transfers that cannot be released, in every way that
// the contract lets through, and follows each to its refund, and those whose
// refund fails too to their claim.
func TestUnreleasable(t *testing.T) {
	t.Parallel()
	u := &unreleasable{}
	u.network = newNetwork(t, plan{users: 4, assets: func(n *network) []*asset {
		u.black = &asset{symbol: "BLACK", origin: n.alpha.deploy(n.deployer, "BlacklistToken"), fee: 10, refund: 3}
		u.lone = &asset{symbol: "LONE", origin: n.alpha.deploy(n.deployer, "TestToken", "Lone", "LONE", uint8(18)), fee: 10, refund: 3, lone: true}
		u.iron = &asset{symbol: "IRON", origin: n.alpha.deploy(n.deployer, "BlacklistToken"), wrapped: n.beta.deploy(n.deployer, "BlacklistToken"), fee: 10, refund: 3}
		return []*asset{u.black, u.lone, u.iron}
	}})
	u.puppet = u.alpha.deployPuppet(u.deployer)
	u.invalid()
	u.refused()
	u.owed()
	u.audit()
}

// invalid are transfers that never get a release.
func (u *unreleasable) invalid() {
	u.t.Helper()
	const start, amount = 100_000, 1000
	user := u.users[0]
	u.equip(u.gold, start, user)
	u.equip(u.lone, start, user)
	good := word(stranger(0))
	cases := []struct {
		name   string
		reason types.Reason
		d      deposit
	}{
		{"unknown destination", types.ReasonUnknownDestination, deposit{destination: nowhere, recipient: good}},
		{"recipient with high bytes", types.ReasonBadRecipient, deposit{recipient: common.Hash{0: 1, 31: 1}}},
		{"no address but one high byte", types.ReasonBadRecipient, deposit{recipient: common.Hash{11: 1, 31: 1}}},
		{"the bridge as recipient", types.ReasonBadRecipient, deposit{recipient: word(u.beta.bridge)}},
		{"the token as recipient", types.ReasonBadRecipient, deposit{recipient: word(u.gold.wrapped)}},
		{"fee above the maximum", types.ReasonFeeAboveMaximum, deposit{recipient: good, maxFee: big.NewInt(u.gold.fee - 1)}},
		{"as much as its fee", types.ReasonTooSmall, deposit{recipient: good, amount: u.gold.fee}},
		{"asset without a token there", types.ReasonUnmappedAsset, deposit{asset: u.lone, recipient: good}},
		{"one that pays", types.ReasonNone, deposit{recipient: good}},
	}
	deposits := make([]deposit, len(cases))
	want := int64(start)
	for i, c := range cases {
		c.d.from, c.d.sender = u.alpha, user
		if c.d.amount == 0 {
			c.d.amount = amount
		}
		switch {
		case c.d.asset == u.lone:
		case c.reason == types.ReasonNone:
			want -= amount
		default:
			want -= u.gold.refund
		}
		if c.d.asset == nil {
			c.d.asset = u.gold
		}
		deposits[i] = c.d
	}
	ids, _ := u.deposit(deposits...)
	for i, c := range cases {
		status := types.StatusRefunded
		if c.reason == types.ReasonNone {
			status = types.StatusReleased
		}
		u.reach(time.Minute, status, ids[i])
		u.explains(c.name, ids[i], status, c.reason)
	}
	u.has(u.alpha, u.gold.origin, user.Address, want)
	u.has(u.alpha, u.lone.origin, user.Address, start-u.lone.refund)
	u.has(u.beta, u.gold.wrapped, stranger(0), amount-u.gold.fee)
	u.belowRefundFee()
}

// belowRefundFee is a deposit that is not worth its own refund.
func (u *unreleasable) belowRefundFee() {
	u.t.Helper()
	before := u.alpha.balance(u.gold.origin, u.users[0].Address).Int64()
	ids, _ := u.deposit(deposit{from: u.alpha, asset: u.gold, sender: u.users[0], amount: u.gold.refund, recipient: word(stranger(0))})
	u.finished(ids[0])
	u.has(u.alpha, u.gold.origin, u.users[0].Address, before-u.gold.refund)
}

// finished waits until the network has nothing more to say of a transfer.
func (u *unreleasable) finished(id string) {
	u.t.Helper()
	cluster.Eventually(u.t, time.Minute, id+" to be finished", func(ctx context.Context) error {
		view, err := u.stands(ctx, id)
		var said *refusal
		if errors.As(err, &said) && strings.Contains(said.log, "its transfer has ended") {
			return nil
		}
		return fmt.Errorf("%s, %w", view.Status, errors.Join(err, errors.New("not finished")))
	})
}

// refused are transfers whose recipient cannot be paid: a contract that takes no
// coin, and somebody whom a token has banned.
func (u *unreleasable) refused() {
	u.t.Helper()
	const amount = 5000
	home, away := u.users[1], u.users[2]
	u.equip(u.black, 100_000, home)
	ids, _ := u.deposit(
		deposit{from: u.alpha, asset: u.coin, sender: home, amount: amount + u.coin.fee, recipient: word(away.Address)},
		deposit{from: u.alpha, asset: u.black, sender: home, amount: amount + u.black.fee, recipient: word(away.Address)})
	u.reach(time.Minute, types.StatusReleased, ids...)
	banned := stranger(1)
	u.ban(banned)
	sealed := len(u.beta.executed())
	ids, _ = u.deposit(
		deposit{from: u.beta, asset: u.coin, sender: away, amount: amount, recipient: word(u.puppet)},
		deposit{from: u.beta, asset: u.black, sender: away, amount: amount, recipient: word(banned)})
	u.reach(time.Minute, types.StatusRefunded, ids...)
	for _, id := range ids {
		u.explains("a recipient that cannot be paid", id, types.StatusRefunded, types.ReasonReleaseFailed)
	}
	u.has(u.alpha, u.black.origin, banned, 0)
	u.has(u.alpha, native, u.puppet, 0)
	for _, a := range []*asset{u.coin, u.black} {
		u.has(u.beta, a.wrapped, away.Address, amount-a.fee-a.refund)
		if n := u.minted(a, away.Address); n != 2 {
			u.t.Errorf("%s was minted for the depositor %d times; want a release and a refund", a.symbol, n)
		}
	}
	if n := len(u.beta.executed()) - sealed; n != 2 {
		u.t.Errorf("beta has executed %d items for two refunds", n)
	}
}

// minted counts how often an account was paid on beta.
func (u *unreleasable) minted(a *asset, to common.Address) (times int) {
	u.t.Helper()
	for _, m := range u.mints(a) {
		if m.to == to {
			times++
		}
	}
	return times
}

func (u *unreleasable) ban(who common.Address) {
	u.t.Helper()
	u.alpha.ban(u.deployer, u.black.origin, who)
}

func (c *chain) ban(by evmnode.Account, token, who common.Address) {
	c.t.Helper()
	c.invoke(by, "BlacklistToken", token, "ban", who)
}

// owed are transfers that can neither be released nor refunded: the last one
// because of two tokens, which have banned its recipient here and its owner
// there. Their owners claim them, to somebody who can be paid.
func (u *unreleasable) owed() {
	u.t.Helper()
	const amount = 7000
	depositor, owner := u.users[1], u.users[3]
	settle := u.custody(amount)
	u.ban(owner.Address)
	u.alpha.ban(u.deployer, u.iron.origin, owner.Address)
	u.beta.ban(u.deployer, u.iron.wrapped, stranger(2))
	ids, _ := u.deposit(
		deposit{from: u.alpha, asset: u.coin, sender: depositor, amount: amount, destination: nowhere, recipient: word(stranger(2)), refundTo: u.puppet},
		deposit{from: u.alpha, asset: u.black, sender: depositor, amount: amount, destination: nowhere, recipient: word(stranger(2)), refundTo: owner.Address},
		deposit{from: u.alpha, asset: u.iron, sender: depositor, amount: amount, recipient: word(stranger(2)), refundTo: owner.Address})
	views := u.reach(time.Minute, types.StatusOwed, ids...)
	assets := []*asset{u.coin, u.black, u.iron}
	payouts := []int64{amount - u.coin.refund, amount - u.black.refund, amount - u.iron.fee - u.iron.refund}
	for i, id := range ids {
		u.explains("a refund that cannot be paid", id, types.StatusOwed, types.ReasonRefundFailed)
		u.owes(assets[i], payouts[i])
	}
	u.has(u.beta, u.iron.wrapped, stranger(2), 0)

	claim := func(i int, to common.Address) call {
		data := bindings.NewBridge().PackClaim(views[i].OutboxNonce, views[i].OutboxIndex, assets[i].origin, big.NewInt(payouts[i]), to)
		if i == 0 {
			return told(u.puppet, u.alpha.bridge, 1, data)
		}
		return call{to: &u.alpha.bridge, data: data}
	}
	claimants := []evmnode.Account{u.deployer, owner, owner}
	for i, a := range assets {
		to := stranger(3 + int64(i))
		u.fails(depositor.Address, "a claim by somebody else", call{to: &u.alpha.bridge, data: claim(i, to).data})
		if i > 0 {
			u.fails(owner.Address, "a claim that cannot be paid", claim(i, owner.Address))
		}
		u.alpha.do(claimants[i], claim(i, to))
		u.fails(claimants[i].Address, "a second claim", claim(i, to))
		u.has(u.alpha, a.origin, to, payouts[i])
	}
	u.reach(time.Minute, types.StatusClaimed, ids...)
	for i, id := range ids {
		u.explains("a refund that was claimed", id, types.StatusClaimed, types.ReasonRefundFailed)
		u.owes(assets[i], 0)
	}
	settle()
}

// custody brings IRON into beta's contract: by a deposit that nothing on alpha
// can pay yet. What it returns brings that in, and waits until both are paid.
func (u *unreleasable) custody(amount int64) (settle func()) {
	u.t.Helper()
	user := u.users[1]
	u.equip(u.iron, 10*amount, user)
	u.equipOn(u.beta, u.iron, 10*amount, user)
	d := deposit{from: u.beta, asset: u.iron, sender: user, amount: 2 * amount, recipient: word(stranger(6))}
	waiting, _ := u.deposit(d)
	u.reach(time.Minute, types.StatusHeld, waiting...)
	u.explains("more than alpha has", waiting[0], types.StatusHeld, types.ReasonMissingLiquidity)
	return func() {
		u.t.Helper()
		// A fee of beta has been paid out of the custody there for nothing.
		d.from, d.amount = u.alpha, d.amount-u.iron.fee
		ids, _ := u.deposit(d)
		u.reach(time.Minute, types.StatusReleased, append(ids, waiting...)...)
		u.has(u.alpha, u.iron.origin, stranger(6), 2*amount-u.iron.fee)
		u.has(u.beta, u.iron.wrapped, stranger(6), 2*amount-2*u.iron.fee)
	}
}

// owes wants the ledger to say that so much of an asset is owed.
func (u *unreleasable) owes(a *asset, want int64) {
	u.t.Helper()
	var supply []bridge.SupplyView
	u.Decode(&supply, "query", "supply", "--home", u.Homes[0].Home)
	for _, s := range supply {
		if s.Symbol == a.symbol && s.Owed.String() != fmt.Sprint(want) {
			u.t.Errorf("%s of %s is owed; want %d", s.Owed, a.symbol, want)
		}
	}
	var verdict bridge.InvariantsView
	u.Decode(&verdict, "query", "invariants", "--home", u.Homes[0].Home)
	if !verdict.OK {
		u.t.Errorf("while something is owed: %v", verdict.Violations)
	}
}

// fails wants the contract to refuse a call.
func (u *unreleasable) fails(from common.Address, what string, c call) {
	u.t.Helper()
	ctx, cancel := context.WithTimeout(u.t.Context(), askTimeout)
	defer cancel()
	if err := u.alpha.simulate(ctx, from, c); err == nil {
		u.t.Errorf("%s is not refused", what)
	} else if !strings.Contains(err.Error(), "revert") {
		u.t.Errorf("%s: %v", what, err)
	}
}

// mint is one payment of a wrapped token on beta.
type mint struct {
	to     common.Address
	amount *big.Int
}

var transferTopic = crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)"))

// mints are all payments of a wrapped token, in the order of the chain.
func (n *network) mints(a *asset) (all []mint) {
	n.t.Helper()
	for _, log := range n.beta.logs(a.wrapped, transferTopic) {
		if log.Topics[1] == (common.Hash{}) {
			all = append(all, mint{common.BytesToAddress(log.Topics[2][:]), new(big.Int).SetBytes(log.Data)})
		}
	}
	return all
}
