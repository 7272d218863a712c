package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// maxMedianLatency is the most heights from a mark to the release being sent
// that the network may take at the median.
const maxMedianLatency = 3

// invariants are those that `query invariants` checks. I5, that all replicas
// have the same state, is what the validators' app hashes are compared for.
var invariants = []struct{ name, about string }{
	{"I1", "conservation"},
	{"I2", "once"},
	{"I3", "quorum"},
	{"I4", "order"},
	{"I6", "bounded state"},
}

// judge compares what the network says with what chains, blocks and logs say.
// Its error is that something could not be found out; what is wrong is in the
// report.
func (n *network) judge(ctx context.Context, transfers []*transfer, troubles []trouble) (*report, error) {
	r := &report{}
	all := slices.Concat(transfers, transfersOf(troubles))
	if _, err := n.refresh(ctx, all); err != nil {
		return nil, err
	}
	if err := judgeTroubles(ctx, troubles, r); err != nil {
		return nil, err
	}
	if err := n.judgeInvariants(ctx, r); err != nil {
		return nil, err
	}
	if err := n.judgeSupply(ctx, r); err != nil {
		return nil, err
	}
	if err := n.judgeBalances(ctx, all, r); err != nil {
		return nil, err
	}
	if err := n.judgeValidators(ctx, r); err != nil {
		return nil, err
	}
	top, _, err := n.height(ctx, 0)
	if err != nil {
		return nil, err
	}
	e, err := n.gather(ctx, top)
	if err != nil {
		return nil, err
	}
	lines := n.judgeTransfers(all, e, r)
	r.Transfers = lines[:len(transfers)]
	r.conclude()
	return r, nil
}

func (n *network) judgeTransfers(transfers []*transfer, e *evidence, r *report) (lines []transferReport) {
	type place struct {
		chain, nonce uint64
		index        uint32
	}
	paidBy := map[place]string{}
	made := map[uint64]map[uint64]bool{}
	for _, t := range transfers {
		lines = append(lines, n.judgeTransfer(t, e, r))
		at := place{t.state.OutboxChain, t.state.OutboxNonce, t.state.OutboxIndex}
		if other, taken := paidBy[at]; taken {
			r.fail("%s and %s are said to be paid by the same entry", other, t.id())
		}
		paidBy[at] = t.id()
		source := t.from.node.ChainID()
		if made[source] == nil {
			made[source] = map[uint64]bool{}
		}
		made[source][t.nonce] = true
	}
	for _, c := range n.chains.living() {
		for nonce, count := range e.deposits[c.node.ChainID()] {
			if count != 1 || !made[c.node.ChainID()][nonce] {
				r.fail("%s has logged deposit %d %d times; made by the demo: %t", c.name, nonce, count, made[c.node.ChainID()][nonce])
			}
		}
	}
	return lines
}

// judgeTransfer holds one transfer to having been paid exactly once, where and
// how it should.
func (n *network) judgeTransfer(t *transfer, e *evidence, r *report) transferReport {
	line := transferReport{
		ID: t.id(), Source: t.from.name, Destination: t.to.name, Asset: t.asset.symbol,
		Amount: t.asset.text(t.amount), Status: t.state.Status,
	}
	if payer := t.payer().node.ChainID(); t.state.Status != t.fate.status() || t.state.OutboxChain != payer || t.state.Payout != t.payout().String() {
		r.fail("%s is %s on chain %d with a payout of %s; want %s on chain %d with %s", t.id(),
			t.state.Status, t.state.OutboxChain, t.state.Payout, t.fate.status(), payer, t.payout())
		return line
	}
	payment, err := e.payment(t)
	if err != nil {
		r.fail("%s: %v", t.id(), err)
		return line
	}
	final, isFinal := n.watches[t.from].finalised(t.block)
	paid, isPaid := n.watches[t.payer()].mined(payment.block)
	if isFinal && isPaid {
		line.Milliseconds = paid.Sub(final).Milliseconds()
	}
	line.SealHeight = t.state.SealHeight
	if line.MarkHeight, err = e.marked(t); err != nil {
		r.fail("%s: %v", t.id(), err)
	}
	if line.SentHeight, err = e.sentAt(t); err != nil {
		r.fail("%s: %v", t.id(), err)
	}
	line.LatencyBlocks = line.SentHeight - line.MarkHeight
	return line
}

// account is somebody who has a token.
type account struct {
	chain  *chain
	token  common.Address
	holder common.Address
}

// judgeBalances compares what everybody should have got, and not given on, with
// what the chains say they have. Users' own deposits are not in it: they begin
// with tokens and pay for gas, and what leaves them is in the vaults.
func (n *network) judgeBalances(ctx context.Context, transfers []*transfer, r *report) error {
	want := map[account]*big.Int{}
	var order []account
	for _, t := range transfers {
		to := account{t.payer(), t.asset.token(t.payer()), t.payee()}
		if want[to] == nil {
			want[to] = new(big.Int)
			order = append(order, to)
		}
		want[to].Add(want[to], t.payout())
		if from := (account{t.from, t.asset.token(t.from), t.sender.Address}); want[from] != nil {
			want[from].Sub(want[from], t.amount)
		}
	}
	for _, a := range order {
		have, err := a.chain.balance(ctx, a.token, a.holder)
		if err != nil {
			return err
		}
		if have.Cmp(want[a]) != 0 {
			r.fail("%s on %s has %s of token %s, and should have %s", a.holder, a.chain.name, have, a.token, want[a])
		}
	}
	return nil
}

// balance is how much of a token, or of the chain's own coin, somebody has.
func (c *chain) balance(ctx context.Context, token, holder common.Address) (*big.Int, error) {
	if token == nativeToken {
		return c.reader.Native(ctx, holder)
	}
	return c.reader.Token(ctx, token, holder)
}

// supplyAnswer is what `query supply` says of an asset.
type supplyAnswer struct {
	Symbol      string `json:"symbol"`
	InFlight    string `json:"in_flight"`
	Owed        string `json:"owed"`
	Quarantined string `json:"quarantined"`
	Deficit     string `json:"deficit"`
	Chains      []struct {
		Chain   uint64 `json:"chain"`
		Mode    string `json:"mode"`
		Custody string `json:"custody"`
		Supply  string `json:"supply"`
	} `json:"chains"`
}

// judgeSupply compares the ledger with the chains. A relay fee has left the
// ledger's custody, or is in its supply, before the relayer fetches it.
//
//	balance of the contract = custody + claimable
//	total supply of the token + claimable = supply
func (n *network) judgeSupply(ctx context.Context, r *report) error {
	var answers []supplyAnswer
	if err := n.query(ctx, &answers, "supply"); err != nil {
		return err
	}
	for _, a := range n.assets {
		at := slices.IndexFunc(answers, func(s supplyAnswer) bool { return s.Symbol == a.symbol })
		if at < 0 {
			r.fail("the ledger has no %s", a.symbol)
			continue
		}
		said := answers[at]
		for name, value := range map[string]string{"in flight": said.InFlight, "owed": said.Owed, "quarantined": said.Quarantined, "deficit": said.Deficit} {
			if value != "0" {
				r.fail("%s of %s is %s at the end", value, a.symbol, name)
			}
		}
		for _, c := range n.chains.living() {
			line := supplyReport{Asset: a.symbol, Chain: c.name}
			for _, b := range said.Chains {
				if b.Chain == c.node.ChainID() && c == a.home {
					line.Ledger = b.Custody
				} else if b.Chain == c.node.ChainID() {
					line.Ledger = b.Supply
				}
			}
			if err := n.weigh(ctx, a, c, &line); err != nil {
				return err
			}
			r.Supply = append(r.Supply, line)
		}
	}
	return nil
}

// weigh reads from a chain what the ledger claims about it.
func (n *network) weigh(ctx context.Context, a *asset, c *chain, line *supplyReport) error {
	token := a.token(c)
	claimable, err := c.reader.Claimable(ctx, c.bridge, token)
	if err != nil {
		return err
	}
	var amount *big.Int
	if c == a.home {
		line.Kind = "custody"
		if amount, err = c.balance(ctx, token, c.bridge); err != nil {
			return err
		}
		amount.Sub(amount, claimable)
	} else {
		line.Kind = "supply"
		if amount, err = c.reader.Supply(ctx, token); err != nil {
			return err
		}
		amount.Add(amount, claimable)
	}
	line.OnChain = a.text(amount)
	ledger, ok := new(big.Int).SetString(line.Ledger, 10)
	if !ok {
		return fmt.Errorf("the ledger says %q of %s on %s", line.Ledger, a.symbol, c.name)
	}
	line.Ledger = a.text(ledger)
	return nil
}

func (n *network) judgeInvariants(ctx context.Context, r *report) error {
	var answer struct {
		OK         bool `json:"ok"`
		Violations []struct {
			Invariant string `json:"invariant"`
			Text      string `json:"text"`
		} `json:"violations"`
	}
	// It fails, with the answer, where an invariant is broken.
	if err := n.query(ctx, &answer, "invariants"); err != nil && len(answer.Violations) == 0 {
		return err
	}
	broken := map[string][]string{}
	for _, v := range answer.Violations {
		broken[v.Invariant] = append(broken[v.Invariant], v.Text)
	}
	for _, i := range invariants {
		r.Invariants = append(r.Invariants, checkReport{
			Name: i.name + " " + i.about, OK: len(broken[i.name]) == 0, Detail: strings.Join(broken[i.name], "; "),
		})
	}
	if !answer.OK && len(answer.Violations) == 0 {
		r.fail("the invariants do not hold, and the network does not say which")
	}
	return nil
}

// judgeValidators asks each validator what hash its own application had at one
// height that all of them have executed.
func (n *network) judgeValidators(ctx context.Context, r *report) error {
	var members []struct {
		Moniker string `json:"moniker"`
		Power   uint32 `json:"power"`
	}
	if err := n.query(ctx, &members, "validators"); err != nil {
		return err
	}
	heights := make([]int64, len(n.homes))
	for i := range n.homes {
		var err error
		if heights[i], _, err = n.height(ctx, i); err != nil {
			return err
		}
	}
	common := slices.Min(heights) - 1
	for i, h := range n.homes {
		client, err := n.node(i)
		if err != nil {
			return err
		}
		results, err := client.BlockResults(ctx, &common)
		if err != nil {
			return fmt.Errorf("results of block %d at %s: %w", common, h.Moniker, err)
		}
		line := validatorReport{Moniker: h.Moniker, Height: heights[i], AppHash: strings.ToUpper(hex.EncodeToString(results.AppHash))}
		for _, m := range members {
			if m.Moniker == h.Moniker {
				line.Power = m.Power
			}
		}
		r.Validators = append(r.Validators, line)
	}
	r.HashHeight = common
	return nil
}
