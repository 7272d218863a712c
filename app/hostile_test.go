package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// badMailbox is one that breaks its contract.
type badMailbox struct {
	*testMailbox
	pending func() bridge.Pending
	events  func(id types.ChainID, after, last uint64) []types.Event
	observe func()
}

func (m *badMailbox) Pending() bridge.Pending {
	if m.pending != nil {
		return m.pending()
	}
	return m.testMailbox.Pending()
}

func (m *badMailbox) Events(id types.ChainID, after, last uint64) []types.Event {
	if m.events != nil {
		return m.events(id, after, last)
	}
	return m.testMailbox.Events(id, after, last)
}

func (m *badMailbox) Observe(int64, types.ValidatorID, bridge.Vote) {
	if m.observe != nil {
		m.observe()
	}
}

// replaceMailbox gives a node a bad mailbox, and lets it log errors.
func (a *node) replaceMailbox(m *badMailbox) {
	m.testMailbox = a.mailbox
	a.App.mailbox, a.log = m, slog.New(slog.DiscardHandler)
}

// A validator whose own workers go wrong votes and proposes less, and the
// network goes on.
func TestOwnWorkersGoWrong(t *testing.T) {
	wrong := []types.Event{types.Initialized{SetHash: types.Hash{1}}, nil, types.Executed{}}
	for name, m := range map[string]*badMailbox{
		"pending panics": {pending: func() bridge.Pending { panic("broken") }},
		"events panic":   {events: func(types.ChainID, uint64, uint64) []types.Event { panic("broken") }},
		"observe panics": {observe: func() { panic("broken") }},
		"other events":   {events: func(types.ChainID, uint64, uint64) []types.Event { return wrong }},
		"too many events": {events: func(types.ChainID, uint64, uint64) []types.Event {
			return make([]types.Event, 1000)
		}},
		"bad signatures": {pending: func() bridge.Pending {
			var p bridge.Pending
			for h := range uint64(20) {
				p.Signatures = append(p.Signatures, types.SealSignature{Height: h})
			}
			return p
		}},
		"senseless marks": {pending: func() bridge.Pending {
			return bridge.Pending{Chains: []types.ChainVote{
				{Chain: 9, Head: 1},
				{Chain: alpha, Marks: []types.Mark{{Nonce: 9}, {Nonce: 3, Hash: types.Hash{1}}, {Nonce: 3}}},
				{Chain: alpha},
				{Chain: beta, Head: 1 << 63, Marks: make([]types.Mark, 5000)},
			}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, 4)
			n.nodes[1].replaceMailbox(m)
			if name == "observe panics" {
				// Its answer was settled before: others' votes are taken.
				n.settle()
				return
			}
			n.world.deposit(10)
			n.settle()
			n.checkInvariants()
		})
	}
}

// With no state at all a node votes and proposes nothing, and does not stop.
func TestBeforeInitChain(t *testing.T) {
	n := newNetwork(t, 1)
	a := n.start(n.nodes[0].testValidator, newMemDB())
	a.log = slog.New(slog.DiscardHandler)
	id := a.ID()
	if r, err := a.ExtendVote(ctx, &abci.RequestExtendVote{Height: 1}); err != nil || len(r.VoteExtension) != 0 {
		t.Error(r, err)
	}
	if r, err := a.VerifyVoteExtension(ctx, &abci.RequestVerifyVoteExtension{Height: 1, ValidatorAddress: id[:]}); err != nil || r.IsAccepted() {
		t.Error(r, err)
	}
	if r, err := a.PrepareProposal(ctx, &abci.RequestPrepareProposal{Height: 1, MaxTxBytes: 1000}); err != nil || len(r.Txs) != 0 {
		t.Error(r, err)
	}
	if r, err := a.ProcessProposal(ctx, &abci.RequestProcessProposal{Height: 1}); err != nil || r.IsAccepted() {
		t.Error(r, err)
	}
	if _, err := a.FinalizeBlock(ctx, &abci.RequestFinalizeBlock{Height: 1}); err == nil {
		t.Error("finalized a block without a genesis")
	}
}

// Precommits that come late reach the proposer unverified.
func TestLatePrecommits(t *testing.T) {
	huge := bytes.Repeat([]byte{1}, 1<<20)
	for name, bend := range map[string]func(n *network, v *abci.ExtendedVoteInfo){
		"garbage":            func(n *network, v *abci.ExtendedVoteInfo) { *v = n.precommit(n.nodes[3], n.height, []byte("garbage")) },
		"huge":               func(n *network, v *abci.ExtendedVoteInfo) { *v = n.precommit(n.nodes[3], n.height, huge) },
		"bad signature":      func(_ *network, v *abci.ExtendedVoteInfo) { v.ExtensionSignature[0] ^= 1 },
		"no signature":       func(_ *network, v *abci.ExtendedVoteInfo) { v.ExtensionSignature = nil },
		"another's":          func(n *network, v *abci.ExtendedVoteInfo) { v.VoteExtension = n.last.Votes[0].VoteExtension },
		"of another height":  func(n *network, v *abci.ExtendedVoteInfo) { *v = n.precommit(n.nodes[3], n.height-1, v.VoteExtension) },
		"nil vote":           func(_ *network, v *abci.ExtendedVoteInfo) { v.BlockIdFlag = cmtproto.BlockIDFlagNil },
		"absent":             func(_ *network, v *abci.ExtendedVoteInfo) { v.BlockIdFlag = cmtproto.BlockIDFlagAbsent },
		"extension and none": func(_ *network, v *abci.ExtendedVoteInfo) { v.VoteExtension = nil },
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, 4)
			n.block()
			for range 12 {
				bend(n, &n.last.Votes[3])
				n.block()
			}
			n.world.deposit(3)
			for range 6 {
				bend(n, &n.last.Votes[3])
				n.block()
			}
			n.settle()
			n.checkInvariants()
		})
	}
}

func TestVerifyVoteExtension(t *testing.T) {
	n := newNetwork(t, 4)
	n.settle()
	n.world.deposit(1)
	resp, err := n.nodes[0].ExtendVote(ctx, &abci.RequestExtendVote{Height: n.height + 1})
	if err != nil || len(resp.VoteExtension) == 0 {
		t.Fatal("nothing to say", err)
	}
	good := resp.VoteExtension
	id := n.nodes[0].ID()
	for name, c := range map[string]struct {
		from      []byte
		extension []byte
		want      bool
	}{
		"good":           {id[:], good, true},
		"empty":          {id[:], nil, true},
		"of a stranger":  {bytes.Repeat([]byte{7}, 20), good, true}, // CometBFT knows whose votes it takes
		"no address":     {nil, good, false},
		"short":          {id[:], good[:len(good)-1], false},
		"trailing":       {id[:], append(bytes.Clone(good), 0), false},
		"version":        {id[:], append([]byte{9}, good[1:]...), false},
		"over the limit": {id[:], make([]byte, types.MaxVoteBytes+1), false},
	} {
		got := n.verify(n.nodes[1], n.height+1, abci.ExtendedVoteInfo{Validator: abci.Validator{Address: c.from}, VoteExtension: c.extension})
		if got != c.want {
			t.Errorf("%s: accepted %t", name, got)
		}
	}
	if n.nodes[1].mailbox.observed[id] == 0 || n.nodes[0].mailbox.observed[id] == 0 {
		t.Error("good votes were not told")
	}
}

func TestProcessProposal(t *testing.T) {
	n := newNetwork(t, 4)
	n.settle()
	n.world.deposit(1)
	n.block() // the marks ride in its votes
	good := n.propose()
	system := good.Txs[0]
	user := []byte("user's transaction")
	for name, c := range map[string]struct {
		bend func(*abci.RequestProcessProposal)
		want int
	}{
		"good":              {func(*abci.RequestProcessProposal) {}, 4},
		"stranger's behind": {func(p *abci.RequestProcessProposal) { p.Txs = [][]byte{system, user, user} }, 0},
		"empty":             {func(p *abci.RequestProcessProposal) { p.Txs = nil }, 0},
		"system not first":  {func(p *abci.RequestProcessProposal) { p.Txs = [][]byte{user, system} }, 0},
		"two systems":       {func(p *abci.RequestProcessProposal) { p.Txs = [][]byte{system, system} }, 0},
		"system form":       {func(p *abci.RequestProcessProposal) { p.Txs = [][]byte{system, {0}} }, 0},
		"trailing":          {func(p *abci.RequestProcessProposal) { p.Txs = [][]byte{append(bytes.Clone(system), 0)} }, 0},
		"cut":               {func(p *abci.RequestProcessProposal) { p.Txs = [][]byte{system[:len(system)-1]} }, 0},
		"bit":               {func(p *abci.RequestProcessProposal) { p.Txs = [][]byte{flip(system)} }, 0},
		"other round":       {func(p *abci.RequestProcessProposal) { p.ProposedLastCommit.Round = 1 }, 0},
		"a slot less":       {func(p *abci.RequestProcessProposal) { p.ProposedLastCommit.Votes = p.ProposedLastCommit.Votes[:3] }, 0},
		"other order":       {func(p *abci.RequestProcessProposal) { v := p.ProposedLastCommit.Votes; v[0], v[1] = v[1], v[0] }, 0},
		"malformed address": {func(p *abci.RequestProcessProposal) { p.ProposedLastCommit.Votes[0].Validator.Address = nil }, 0},
		"nil flag": {func(p *abci.RequestProcessProposal) {
			p.ProposedLastCommit.Votes[0].BlockIdFlag = cmtproto.BlockIDFlagNil
		}, 0},
	} {
		p := *good
		p.ProposedLastCommit.Votes = append([]abci.VoteInfo{}, good.ProposedLastCommit.Votes...)
		c.bend(&p)
		if got := n.process(&p); got != c.want {
			t.Errorf("%s: %d accept", name, got)
		}
	}
}

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)/2] ^= 0x10
	return b
}

// What more than 2/3 decided is applied, however bad: replicas stay equal, and
// the next good block carries on.
func TestBadBlocksDecided(t *testing.T) {
	n := newNetwork(t, 4)
	n.settle()
	n.world.deposit(1)
	n.block()
	good := n.propose()
	for _, txs := range [][][]byte{
		nil,
		{{}},
		{{0}},
		{{0, 1}},
		{[]byte("user's"), good.Txs[0]},
		{good.Txs[0], good.Txs[0]},
		{flip(good.Txs[0])},
		{good.Txs[0][:100]},
		{append(bytes.Clone(good.Txs[0]), 9), {}, {1}},
	} {
		p := *good
		p.Height, p.Time, p.Txs = n.height+1, n.at, txs
		p.ProposedLastCommit = commitOf(n.last)
		n.decide(&p)
	}
	n.settle()
	n.checkInvariants()
}

// Operators' transactions never push the system transaction out, and strangers'
// never come in.
func TestUsersTransactionsComeLast(t *testing.T) {
	n := newNetwork(t, 4)
	n.settle()
	var users [][]byte
	for range 100 {
		users = append(users, bytes.Repeat([]byte("u"), 20_000))
	}
	for sequence := uint64(1); sequence <= 16; sequence++ {
		for i := range n.nodes {
			users = append(users, n.operatorTx(i, sequence, types.Tx{Propose: &types.GovPropose{Content: types.Content{
				Text: &types.Text{Title: "long", Text: strings.Repeat("a", 10_000)},
			}}}))
		}
	}
	n.world.deposit(1)
	n.block(users...)
	p := n.block(users...)
	if len(p.Txs) != 1+6 { // what is in 64 KiB
		t.Errorf("%d transactions", len(p.Txs))
	}
	if !n.caughtUp() {
		t.Error("the deposit was not applied")
	}
}
