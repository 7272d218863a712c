package bridge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func propose(c types.Content) types.Tx { return types.Tx{Propose: &types.GovPropose{Content: c}} }

func ballotPaper(proposal uint64, yes bool) types.Tx {
	return types.Tx{Vote: &types.GovVote{Proposal: proposal, Yes: yes}}
}

var question = types.Content{Text: &types.Text{Title: "question"}}

func proposal(t *testing.T, n *bridgetest.Network, id uint64) bridge.ProposalView {
	t.Helper()
	return query[bridge.ProposalView](t, n, "proposal", bridge.QueryArgs{ID: fmt.Sprint(id)})
}

func wantProposal(t *testing.T, n *bridgetest.Network, id uint64, status types.ProposalStatus, result string) {
	t.Helper()
	if p := proposal(t, n, id); p.Status != status || p.Result != result {
		t.Errorf("proposal %d (%s): %s %q, want %s %q", id, p.Action, p.Status, p.Result, status, result)
	}
}

func TestProposalPassesAboveTwoThirds(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	change := types.Content{Params: &types.ParamChanges{Changes: []types.ParamChange{{Name: "max_open_batches", Value: 9}}}}
	n.Operate(propose(change), 0)
	n.Operate(ballotPaper(1, true), 1)
	p := proposal(t, n, 1)
	if p.Status != types.ProposalOpen || p.Tally != (bridge.TallyView{Yes: 2, Total: 4, Needed: 3}) || len(p.Votes) != 2 ||
		p.Action != "set max_open_batches to 9" || p.Deadline != p.Height+types.DefaultParams().VotingPeriod {
		t.Errorf("%+v", p)
	}
	n.Operate(ballotPaper(1, true), 2)
	wantProposal(t, n, 1, types.ProposalApplied, "")
	network, _ := n.Machine.Network(n.State())
	if network.Params.MaxOpenBatches != 9 || proposal(t, n, 1).Ended != uint64(n.Height) {
		t.Errorf("params %+v, proposal %+v", network.Params, proposal(t, n, 1))
	}
	n.Waiting = [][]byte{n.Sign(3, ballotPaper(1, false))}
	n.Step()
	if n.Results[1].Code != bridge.ErrNotOpen.Code {
		t.Errorf("a vote after the end: %+v", n.Results[1])
	}
}

func TestProposalIsRejectedExpiresAndIsPruned(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) { g.Params.VotingPeriod, g.Params.KeepBlocks = 10, 8 })
	n.Operate(propose(question), 0)
	n.Operate(ballotPaper(1, false), 1)
	wantProposal(t, n, 1, types.ProposalOpen, "") // 3 of 4 can still say yes
	n.Operate(ballotPaper(1, false), 2)
	wantProposal(t, n, 1, types.ProposalRejected, "")

	n.Operate(propose(question), 3)
	deadline := int64(proposal(t, n, 2).Deadline) //nolint:gosec // a test's height
	n.Operate(ballotPaper(2, true), 0)
	for n.Height < deadline-1 {
		n.Step()
	}
	wantProposal(t, n, 2, types.ProposalOpen, "")
	n.Step()
	wantProposal(t, n, 2, types.ProposalExpired, "")

	before := n.State().Len()
	n.Run(8)
	if _, err := n.Machine.Query(n.State(), "proposal", []byte(`{"id":"2"}`)); !errors.Is(err, bridge.ErrFinished) {
		t.Errorf("a pruned proposal: %v", err)
	}
	if left := query[[]bridge.ProposalView](t, n, "proposals", bridge.QueryArgs{}); len(left) != 0 {
		t.Errorf("%+v are left", left)
	}
	if n.State().Len() >= before {
		t.Errorf("%d keys, before %d", n.State().Len(), before)
	}
}

// The vote of a proposal's last block counts, and a later vote takes the place
// of an earlier one.
func TestVotesAreReplacedUntilTheDeadline(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) { g.Params.VotingPeriod = 10 })
	n.Operate(propose(question), 0)
	n.Operate(ballotPaper(1, false), 1)
	n.Operate(ballotPaper(1, true), 2)
	for n.Height < int64(proposal(t, n, 1).Deadline)-1 { //nolint:gosec // a test's height
		n.Step()
	}
	wantProposal(t, n, 1, types.ProposalOpen, "")
	n.Operate(ballotPaper(1, true), 1)
	wantProposal(t, n, 1, types.ProposalApplied, "")
}

func TestOpenProposalsAreCapped(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	for range 4 {
		n.Operate(propose(question), 0)
	}
	n.Waiting = [][]byte{n.Sign(0, propose(question))}
	n.Step()
	if len(n.Results) != 2 || n.Results[1].Code != bridge.ErrTooMany.Code {
		t.Errorf("a fifth of one operator: %+v", n.Results)
	}
	account := query[bridge.AccountView](t, n, "account", bridge.QueryArgs{Operator: n.Validators[0].Operator})
	if account.Next != 6 || !account.Member || account.ChainID != bridgetest.ChainID {
		t.Errorf("a refused message uses its sequence: %+v", account)
	}
	n.Waiting = nil
	n.Operate(propose(question), 1)
	open := query[[]bridge.ProposalView](t, n, "proposals", bridge.QueryArgs{Limit: 2, After: 1})
	if len(open) != 2 || open[0].ID != 2 || open[1].ID != 3 {
		t.Errorf("%+v", open)
	}
}

// What was good when it was proposed and is not when it passes fails, with its
// reason, and changes nothing.
func TestProposalThatNoLongerApplies(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	silver := types.Content{RegisterAsset: &types.RegisterAsset{Asset: types.Asset{ID: types.AssetID{9}, Name: "Silver", Symbol: "SILV", Decimals: 6}}}
	n.Operate(propose(silver), 0)
	n.Operate(propose(silver), 1)
	for _, id := range []uint64{1, 2} {
		n.Operate(ballotPaper(id, true), 0, 1, 2)
	}
	wantProposal(t, n, 1, types.ProposalApplied, "")
	wantProposal(t, n, 2, types.ProposalFailed, "asset_known")
	ended := 0
	for _, e := range n.Events {
		if e.Type == bridge.EventProposalEnded {
			ended++
		}
	}
	if ended != 2 {
		t.Errorf("%d events of an end", ended)
	}
}

// A transaction is taken from a known operator, in its network, in order, in
// time, with its own signature; everybody refuses a block with another.
func TestOnlyAuthenticTransactions(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	n.Operate(propose(question), 0)
	stranger := bridgetest.NewValidators(1, 1, 1, 1, 1)[4]
	height := uint64(n.Height) //nolint:gosec // a test's height
	first := n.Sign(0, types.Tx{Sequence: 2, Vote: ballotPaper(1, true).Vote})
	for name, c := range map[string]struct {
		tx    types.Tx
		want  *bridge.Error
		waits bool // CheckTx takes it all the same: it may become the next
	}{
		"next":            {tx: types.Tx{Sequence: 2}},
		"replay":          {tx: types.Tx{Sequence: 1}, want: bridge.ErrSequence},
		"gap":             {tx: types.Tx{Sequence: 3}, want: bridge.ErrSequence, waits: true},
		"last that waits": {tx: types.Tx{Sequence: 17}, want: bridge.ErrSequence, waits: true},
		"too far ahead":   {tx: types.Tx{Sequence: 18}, want: bridge.ErrSequence},
		"another network": {tx: types.Tx{Sequence: 2, ChainID: "bridged-other"}, want: bridge.ErrWrongNetwork},
		"a stranger":      {tx: types.Tx{Sequence: 1, Operator: stranger.Operator}, want: bridge.ErrUnknownOperator},
		"another's name":  {tx: types.Tx{Sequence: 1, Operator: n.Validators[1].Operator}, want: bridge.ErrSignature},
		"signer's key":    {tx: types.Tx{Sequence: 1, Operator: n.Validators[0].Signer}, want: bridge.ErrUnknownOperator},
		"expired":         {tx: types.Tx{Sequence: 2, Expiry: height}, want: bridge.ErrExpired},
		"expires now":     {tx: types.Tx{Sequence: 2, Expiry: height + 1}},
		"expires late":    {tx: types.Tx{Sequence: 2, Expiry: height + 1 + types.MaxTxExpiry}},
		"never expires":   {tx: types.Tx{Sequence: 2, Expiry: height + 2 + types.MaxTxExpiry}, want: bridge.ErrExpired},
	} {
		c.tx.Vote = ballotPaper(1, true).Vote
		tx := n.Sign(0, c.tx)
		if _, err := n.Machine.CheckTx(n.State(), n.Height+1, tx); c.want == nil && err != nil || c.want != nil && !c.waits && !errors.Is(err, c.want) || c.waits && err != nil {
			t.Errorf("%s: CheckTx: %v, want %v", name, err, c.want)
		}
		wantInBlock(t, n, name, [][]byte{tx}, c.want)
	}
	wantInBlock(t, n, "twice", [][]byte{first, first}, bridge.ErrSequence)
	for _, position := range []int{1, 32, 33, 64} { // from the end: of s, its parity, and r
		bad := append([]byte(nil), first...)
		bad[len(bad)-position] ^= 0x80
		wantInBlock(t, n, "another signature", [][]byte{bad}, bridge.ErrSignature)
	}
}

// wantInBlock tries a block with operator transactions on copies of the state.
// The last of them is refused, by all, with the error; or none is.
func wantInBlock(t *testing.T, n *bridgetest.Network, name string, txs [][]byte, want *bridge.Error) {
	t.Helper()
	block := n.Block()
	block.Height++
	system, err := n.Machine.BuildProposal(n.State(), block, nil, nobody{}, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	block.Commit = nil
	all := append([][]byte{system}, txs...)
	if err := n.Machine.VerifyProposal(n.State(), block, all); (err == nil) != (want == nil) {
		t.Errorf("%s: VerifyProposal: %v, want %v", name, err, want)
	}
	selected, err := n.Machine.SelectTxs(n.State(), block, txs)
	if err != nil || (len(selected) == len(txs)) != (want == nil) {
		t.Errorf("%s: %d selected of %d: %v", name, len(selected), len(txs), err)
	}
	copied := n.State().Clone()
	result, err := n.Machine.Apply(copied, block, all)
	if err != nil {
		t.Fatal(err)
	}
	code := uint32(0)
	if want != nil {
		code = want.Code
	}
	if got := result.Txs[len(txs)]; got.Code != code {
		t.Errorf("%s: executed with %+v, want code %d", name, got, code)
	}
}

type nobody struct{}

func (nobody) Events(types.ChainID, uint64, uint64) []types.Event { return nil }

// One operator cannot fill a mempool: of a thousand transactions 16 may wait,
// and a proposer takes them in their order.
func TestThousandTransactionsOfOneOperator(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	n.Operate(propose(question), 0)
	taken := 0
	for sequence := uint64(1000); sequence > 1; sequence-- {
		tx := n.Sign(1, types.Tx{Sequence: sequence - 1, Vote: &types.GovVote{Proposal: 1, Yes: sequence%2 == 0}})
		if _, err := n.Machine.CheckTx(n.State(), n.Height+1, tx); err == nil {
			taken++
			n.Waiting = append([][]byte{tx}, n.Waiting...)
		}
	}
	if taken != types.MaxTxAhead {
		t.Errorf("%d of 999 may wait, want %d", taken, types.MaxTxAhead)
	}
	n.Waiting[3], n.Waiting[4] = n.Waiting[4], n.Waiting[3] // then 4 and what follows has to wait
	n.Step()
	if len(n.Results) != 1+4 {
		t.Errorf("%d in the block, want the 4 in sequence", len(n.Results)-1)
	}
	n.Step()
	if len(n.Results) != 1+types.MaxTxAhead-4 {
		t.Errorf("%d in the next block, want the rest", len(n.Results)-1)
	}
}

func TestBlocksOfOperatorTransactionsAreBounded(t *testing.T) {
	powers := make([]uint32, 7)
	for i := range powers {
		powers[i] = 1
	}
	n := bridgetest.New(t, bridgetest.PairGenesis(), powers...)
	n.Settle(20)
	long := types.Content{Text: &types.Text{Title: "long", Text: strings.Repeat("a", types.MaxTextBytes)}}
	for i := range n.Validators {
		for range 16 {
			n.Waiting = append(n.Waiting, n.Sign(i, propose(question)))
		}
	}
	n.Step()
	if len(n.Results) != 1+types.MaxBlockTxs {
		t.Errorf("%d in one block", len(n.Results)-1)
	}
	n.Waiting = nil
	for i := range n.Validators {
		for range 2 {
			sequence := query[bridge.AccountView](t, n, "account", bridge.QueryArgs{Operator: n.Validators[i].Operator}).Next
			n.Waiting = append(n.Waiting, n.Sign(i, types.Tx{Sequence: sequence, Propose: &types.GovPropose{Content: long}}))
		}
	}
	n.Step()
	if len(n.Results) != 1+3 { // 16 KiB each, and a little
		t.Errorf("%d long ones in one block", len(n.Results)-1)
	}
}

// Random proposals and votes, against a tally that is as dumb as can be.
func TestRandomVotes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		powers := rapid.SliceOfN(rapid.Uint32Range(1, 40), 1, 7).Draw(r, "powers")
		g := bridgetest.PairGenesis()
		g.Params.VotingPeriod = rapid.Uint64Range(10, 20).Draw(r, "period")
		n := bridgetest.New(t, g, powers...)
		n.SkipAudit = true
		type paper struct {
			status   types.ProposalStatus
			deadline int64
			votes    map[int]bool
		}
		model := map[uint64]*paper{}
		total := uint64(0)
		for _, power := range powers {
			total += uint64(power)
		}
		for range rapid.IntRange(5, 30).Draw(r, "blocks") {
			n.Waiting = nil
			codes := []uint32{0}
			height := n.Height + 1
			for range rapid.IntRange(0, 4).Draw(r, "transactions") {
				voter := rapid.IntRange(0, len(powers)-1).Draw(r, "voter")
				if len(model) < 4 && rapid.Bool().Draw(r, "propose") {
					n.Waiting = append(n.Waiting, n.Sign(voter, propose(question)))
					model[uint64(len(model))+1] = &paper{
						types.ProposalOpen, height + int64(g.Params.VotingPeriod), map[int]bool{voter: true}, //nolint:gosec // small
					}
					codes = append(codes, 0)
					continue
				}
				id := rapid.Uint64Range(1, 5).Draw(r, "proposal")
				yes := rapid.Bool().Draw(r, "yes")
				n.Waiting = append(n.Waiting, n.Sign(voter, ballotPaper(id, yes)))
				if p := model[id]; p == nil || p.status != types.ProposalOpen {
					codes = append(codes, bridge.ErrNotOpen.Code)
				} else {
					p.votes[voter] = yes
					codes = append(codes, 0)
				}
			}
			n.Step()
			for i, result := range n.Results {
				if len(n.Results) != len(codes) || result.Code != codes[i] {
					r.Fatalf("results %+v, want codes %v", n.Results, codes)
				}
			}
			for id, p := range model {
				var yes, no uint64
				for voter, answer := range p.votes {
					if answer {
						yes += uint64(powers[voter])
					} else {
						no += uint64(powers[voter])
					}
				}
				if p.status == types.ProposalOpen {
					switch {
					case 3*yes > 2*total:
						p.status = types.ProposalApplied
					case 3*no >= total:
						p.status = types.ProposalRejected
					case n.Height >= p.deadline:
						p.status = types.ProposalExpired
					}
				}
				got := proposal(t, n, id)
				if got.Status != p.status || got.Tally.Yes != yes || got.Tally.No != no || got.Tally.Total != total ||
					(got.Tally.Yes >= got.Tally.Needed) != (3*yes > 2*total) {
					r.Fatalf("proposal %d: %+v, the model says %s with %d to %d of %d", id, got, p.status, yes, no, total)
				}
			}
		}
	})
}

// effect is the dry run of a content.
func effect(t *testing.T, n *bridgetest.Network, c types.Content) (bridge.EffectView, map[string]string) {
	t.Helper()
	content, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	digest := n.State().Digest()
	view := query[bridge.EffectView](t, n, "effect", bridge.QueryArgs{Content: content})
	if n.State().Digest() != digest {
		t.Fatal("a dry run has written")
	}
	changes := map[string]string{}
	last := ""
	for _, change := range view.Changes {
		if change.Path <= last {
			t.Errorf("%s comes after %s", change.Path, last)
		}
		last = change.Path
		changes[change.Path] = fmt.Sprintf("%s -> %s", change.Before, change.After)
	}
	return view, changes
}

func TestEffectIsWhatHappens(t *testing.T) {
	for name, c := range map[string]struct {
		content types.Content
		changes map[string]string
	}{
		"text": {content: question, changes: map[string]string{}},
		"params": {
			content: types.Content{Params: &types.ParamChanges{Changes: []types.ParamChange{{Name: "keep_blocks", Value: 7}, {Name: "max_marks", Value: 9}}}},
			changes: map[string]string{"network.params.keep_blocks": "1000 -> 7", "network.params.max_marks": "64 -> 9"},
		},
		"chain": {
			content: types.Content{ChangeChain: &types.ChangeChain{ID: beta, BatchGapMS: 5, BatchGas: types.DefaultBatchGas, ReleaseGas: 200_000, ExpiryBlocks: 7200}},
			changes: map[string]string{
				"chains.31002.batch_gap_ms": "0 -> 5", "chains.31002.release_gas": "150000 -> 200000",
				"commands.31002": `null -> {"0":{"command":{"deposits":true,"release_gas":200000,"tokens":null},"kind":"set_params"}}`,
			},
		},
		"fees and limits": {
			content: types.Content{MapAsset: &types.MapAsset{Asset: bridgetest.Gold, Token: types.Token{
				Chain: alpha, Mode: types.ModeLock, Token: bridgetest.GoldToken, Decimals: 18,
				ReleaseFee: types.NewAmount(3), RefundFee: types.NewAmount(2), Large: types.NewAmount(1000),
			}}},
			changes: map[string]string{
				"assets." + bridgetest.Gold.String() + ".tokens.31001.large":       `"0" -> "1000"`,
				"assets." + bridgetest.Gold.String() + ".tokens.31001.refund_fee":  `"0" -> "2"`,
				"assets." + bridgetest.Gold.String() + ".tokens.31001.release_fee": `"0" -> "3"`,
			},
		},
	} {
		n := bridgetest.NewPair(t, nil)
		view, changes := effect(t, n, c.content)
		if view.Error != "" || fmt.Sprint(changes) != fmt.Sprint(c.changes) || view.Action != c.content.Action() {
			t.Errorf("%s: %q %q, want %q", name, view.Error, changes, c.changes)
		}
		id := n.Pass(c.content)
		wantProposal(t, n, id, types.ProposalApplied, "")
		n.Settle(20)
	}
}

// Whatever does not apply is refused at once, and its dry run says why.
func TestContentsThatDoNotApply(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	lock := func(chain types.ChainID, address types.Address) types.Token {
		return types.Token{Chain: chain, Mode: types.ModeLock, Token: address, Decimals: 18}
	}
	mint := types.Token{Chain: beta, Mode: types.ModeMint, Decimals: 18}
	params := func(changes ...types.ParamChange) types.Content {
		return types.Content{Params: &types.ParamChanges{Changes: changes}}
	}
	gamma := func(bend func(*types.AddChain)) types.Content {
		c := types.AddChain{Chain: bridgetest.PairGenesis().Chains[0], CodeHash: types.Hash{1}, Block: 1, SetHash: currentSet(t, n)}
		c.Chain.ID, c.Chain.Label = 31003, "gamma"
		bend(&c)
		return types.Content{AddChain: &c}
	}
	asset := func(a types.Asset) types.Content { return types.Content{RegisterAsset: &types.RegisterAsset{Asset: a}} }
	silver := types.Asset{ID: types.AssetID{9}, Name: "Silver", Symbol: "SILV", Decimals: 18}
	with := func(a types.Asset, tokens ...types.Token) types.Asset {
		a.Tokens = tokens
		return a
	}
	remap := func(token types.Token) types.Content {
		return types.Content{MapAsset: &types.MapAsset{Asset: bridgetest.Gold, Token: token}}
	}
	for name, c := range map[string]struct {
		content types.Content
		say     string
	}{
		"payload share":    {params(types.ParamChange{Name: "payload_bytes", Value: 256 << 10}), "share"},
		"share by stride":  {params(types.ParamChange{Name: "payload_bytes", Value: 1 << 20}, types.ParamChange{Name: "mark_stride", Value: 1024}), "share"},
		"not paused":       {types.Content{Unpause: &types.Unpause{Chain: alpha}}, "not paused"},
		"no such chain":    {types.Content{Unpause: &types.Unpause{Chain: 5}}, "not connected"},
		"known id":         {gamma(func(c *types.AddChain) { c.Chain.ID = alpha }), "connected"},
		"known label":      {gamma(func(c *types.AddChain) { c.Chain.Label = "beta" }), "connected"},
		"another set":      {gamma(func(c *types.AddChain) { c.SetHash = types.Hash{1} }), "validator set"},
		"too little gas":   {types.Content{ChangeChain: &types.ChangeChain{ID: alpha, BatchGas: 1, ReleaseGas: 150_000, ExpiryBlocks: 1}}, "batch_gas"},
		"unknown asset":    {types.Content{MapAsset: &types.MapAsset{Asset: types.AssetID{9}, Token: mint}}, "not registered"},
		"known asset":      {asset(bridgetest.PairGenesis().Assets[0]), "is registered"},
		"token taken":      {asset(with(silver, lock(alpha, bridgetest.GoldToken))), "belongs to asset GOLD"},
		"unknown chain":    {asset(with(silver, lock(5, bridgetest.GoldToken))), "not connected"},
		"another token":    {remap(lock(alpha, types.Address{0xa7})), "for good"},
		"other decimals":   {remap(types.Token{Chain: beta, Mode: types.ModeMint, Decimals: 6}), "for good"},
		"no contradiction": {types.Content{ReanchorChain: &types.Reanchor{ID: alpha, Block: 1, Hash: types.Hash{1}}}, "not contradicted"},
		"no record":        {types.Content{ResolveQuarantine: &types.ResolveQuarantine{ID: 1, Action: types.QuarantineDrop}}, "no such record"},
	} {
		view, _ := effect(t, n, c.content)
		if !strings.Contains(view.Error, c.say) || len(view.Changes) != 0 {
			t.Errorf("%s: the dry run says %q and %v, want %q", name, view.Error, view.Changes, c.say)
		}
		copied := n.State().Clone()
		tx := n.Sign(0, types.Tx{Sequence: 1, Propose: &types.GovPropose{Content: c.content}})
		block := n.Block()
		block.Height, block.Commit = block.Height+1, nil
		result, err := n.Machine.Apply(copied, block, [][]byte{{0, 1}, tx})
		if err != nil || result.Txs[1].Code != bridge.ErrContent.Code || !strings.Contains(result.Txs[1].Log, c.say) {
			t.Errorf("%s: %+v, %v", name, result.Txs, err)
		}
	}
}

func currentSet(t *testing.T, n *bridgetest.Network) types.Hash {
	t.Helper()
	set, err := types.SignerSet(query[[]types.Validator](t, n, "validators", bridge.QueryArgs{}))
	if err != nil {
		t.Fatal(err)
	}
	return set.Hash()
}
