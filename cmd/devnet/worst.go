package main

import (
	"context"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/config"
)

// decisionTimeout is how long the validators may take to agree on a proposal. It
// covers the time for which a chain must have been silent to be retired.
const decisionTimeout = 60 * time.Second

// trouble is a case of the worst day: transfers that all pay one account in the
// end.
type trouble struct {
	name      string
	transfers []*transfer
	held      string // reason for which the last one has to be seen held
	reason    string // of the refunds
}

// worstDay sends what cannot be paid as it stands, all at once: to a contract that
// reverts, of a token that bans its recipient, more than a flow limit lets
// through, a large amount, and to a chain that dies, which the validators retire.
func (d *demo) worstDay(ctx context.Context) error {
	d.progress.say("the worst day: recipients that refuse, amounts above the limits, and the end of %s", gammaName)
	reverts, banned, err := d.refusers(ctx)
	if err != nil {
		return err
	}
	if err := d.chains[2].die(); err != nil {
		return err
	}
	gold, silver, stone, coin := d.asset("GOLD"), d.asset("SILVER"), d.asset("STONE"), d.asset("ALPHA")
	away := transfer{asset: coin, from: coin.home, to: d.chains[2], amount: coin.milli(2_000), recipient: d.stranger(), fate: refunded}
	d.troubles = []trouble{
		{name: "to a contract that reverts", reason: "release_failed", transfers: d.copies(1, transfer{
			asset: coin, from: coin.away, to: coin.home, amount: coin.milli(1_000), recipient: reverts, fate: failed,
		})},
		{name: "to whom the token has banned", reason: "release_failed", transfers: d.copies(1, transfer{
			asset: stone, from: stone.away, to: stone.home, amount: stone.milli(1_000), recipient: banned, fate: failed,
		})},
		{name: fmt.Sprintf("above the flow limit of %d", flowCapacity), held: "flow_limit", transfers: d.copies(5, transfer{
			asset: gold, from: gold.home, to: gold.away, amount: gold.milli(50_000), recipient: d.stranger(),
		})},
		{name: fmt.Sprintf("above %d, a large amount", largeAmount), held: "large_amount", transfers: d.copies(1, transfer{
			asset: silver, from: silver.home, to: silver.away, amount: silver.milli(600_000), recipient: d.stranger(),
		})},
		{name: "to a chain that is gone", reason: "chain_retired", transfers: d.copies(2, away)},
	}
	all := transfersOf(d.troubles)
	if err := d.send(ctx, all); err != nil {
		return err
	}
	err = d.until(ctx, transferTimeout, "transfers to be held", func(ctx context.Context) (bool, error) {
		_, err := d.refresh(ctx, all)
		return !slices.ContainsFunc(d.troubles, func(t trouble) bool { return !t.wasHeld() }), err
	})
	if err != nil {
		return err
	}
	d.progress.say("the validators vote to retire %s", gammaName)
	if err := d.decide(ctx, "retire", gammaName); err != nil {
		return err
	}
	late := trouble{name: "to a chain that is retired", reason: "unknown_destination", transfers: d.copies(1, away)}
	d.troubles = append(d.troubles, late)
	if err := d.send(ctx, late.transfers); err != nil {
		return err
	}
	return d.follow(ctx, transfersOf(d.troubles))
}

// copies are deposits of users who have the asset, as many as wanted, with one
// refund address for all.
func (d *demo) copies(count int, one transfer) []*transfer {
	one.refundTo = d.stranger()
	// Who has it on its second chain is who has sent it there.
	first := slices.Index(d.assets, one.asset)
	copies := make([]*transfer, count)
	for i := range copies {
		t := one
		t.sender = d.people.users[first+i]
		copies[i] = &t
	}
	return copies
}

// refusers are an account on alpha that takes no coin, and one that takes no
// STONE.
func (d *demo) refusers(ctx context.Context) (reverts, banned common.Address, err error) {
	stone := d.tokens[slices.IndexFunc(d.tokens, func(t *token) bool { return t.picky })]
	w, err := d.wallet(ctx, stone.home, d.people.deployer)
	if err != nil {
		return reverts, banned, err
	}
	if reverts, err = w.deploy(ctx, "BombRecipient"); err != nil {
		return reverts, banned, fmt.Errorf("deploy a recipient that reverts: %w", err)
	}
	banned = d.stranger()
	ban, err := stone.ban(banned)
	if err != nil {
		return reverts, banned, err
	}
	_, err = w.do(ctx, ban)
	return reverts, banned, err
}

// asset finds one by its symbol; the demo knows which there are.
func (n *network) asset(symbol string) *asset {
	return n.assets[slices.IndexFunc(n.assets, func(a *asset) bool { return a.symbol == symbol })]
}

// die ends a chain as if all of its nodes were gone.
func (c *chain) die() error {
	c.dead = true
	return c.node.Close()
}

func transfersOf(troubles []trouble) (all []*transfer) {
	for _, t := range troubles {
		all = append(all, t.transfers...)
	}
	return all
}

// wasHeld says whether the network has said of it what it had to.
func (t *trouble) wasHeld() bool { return t.held == "" || t.last().held == t.held }

func (t *trouble) last() *transfer { return t.transfers[len(t.transfers)-1] }

// decide has the operator of the first validator propose, and the others vote
// for it until it is applied. What may not be proposed yet is proposed again.
func (n *network) decide(ctx context.Context, what ...string) error {
	var proposal proposalAnswer
	err := n.until(ctx, decisionTimeout, "a proposal", func(ctx context.Context) (_ bool, err error) {
		proposal, err = n.operate(ctx, 0, append([]string{"propose"}, what...)...)
		return err == nil, err
	})
	for i := 1; i < len(n.homes) && err == nil && proposal.Status == "open"; i++ {
		proposal, err = n.operate(ctx, i, "vote", fmt.Sprint(proposal.ID), "yes")
	}
	if err == nil && proposal.Status != "applied" {
		err = fmt.Errorf("proposal %d is %s: %s", proposal.ID, proposal.Status, proposal.Result)
	}
	return err
}

// proposalAnswer is how a proposal stands after a transaction about it.
type proposalAnswer struct {
	ID     uint64 `json:"id"`
	Status string `json:"status"`
	Result string `json:"result"`
}

// operate sends a transaction of a validator's operator.
func (n *network) operate(ctx context.Context, i int, args ...string) (proposalAnswer, error) {
	home := config.Home(n.homes[i].Home)
	var outcome struct {
		Proposal proposalAnswer `json:"proposal"`
	}
	args = append(append([]string{"tx", "gov"}, args...),
		"--home", n.homes[i].Home, "--yes", "--passphrase-file", filepath.Join(home.Keys(), "passphrase"))
	err := n.bridged.query(ctx, &outcome, args...)
	return outcome.Proposal, err
}

// judgeTroubles looks where the money of each case is.
func judgeTroubles(ctx context.Context, troubles []trouble, r *report) error {
	for _, t := range troubles {
		last, sent, want := t.last(), new(big.Int), new(big.Int)
		for _, one := range t.transfers {
			sent.Add(sent, one.amount)
			want.Add(want, one.payout())
			if one.state.Reason != t.reason {
				r.fail("%s: %s is %s for %q; want %q", t.name, one.id(), one.state.Status, one.state.Reason, t.reason)
			}
		}
		if !t.wasHeld() {
			r.fail("%s: %s was never held for %s", t.name, last.id(), t.held)
		}
		payer := last.payer()
		have, err := payer.balance(ctx, last.asset.token(payer), last.payee())
		if err != nil {
			return err
		}
		r.WorstDay = append(r.WorstDay, caseReport{
			Case: t.name, Transfers: len(t.transfers), Sent: last.asset.text(sent), Happened: t.happened(), Where: t.where(),
			Asset: last.asset.symbol, Expected: last.asset.text(want), Seen: last.asset.text(have),
		})
	}
	return nil
}

// happened is what the network says has become of it.
func (t *trouble) happened() string {
	last := t.last()
	text := last.state.Status
	if last.held != "" {
		text = "held (" + last.held + "), then " + text
	}
	if last.state.Reason != "" {
		text += " (" + last.state.Reason + ")"
	}
	return text
}

func (t *trouble) where() string {
	last := t.last()
	if last.fate == released {
		return "recipient on " + last.payer().name
	}
	return "refund address on " + last.payer().name
}
