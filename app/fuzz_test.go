package app

import (
	"bytes"
	"slices"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmttypes "github.com/cometbft/cometbft/types"
	dbm "github.com/cosmos/cosmos-db"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// Run them with -fuzzminimizetime 5x: an input takes milliseconds, and the
// default would spend a minute on making each new one shorter.

// fixture is a running network at rest: each input gets a copy of it, so a
// finding does not depend on what came before.
type fixture struct {
	*network
	proposal *abci.RequestProcessProposal // good for the next block, with a payload
}

func newFixture(f *testing.F) fixture {
	f.Helper()
	n := newNetworkOf(f, 10, 4) // the first alone has more than 2/3
	n.settle()
	n.world.deposit(100)
	n.block() // its votes carry the marks
	return fixture{n, n.propose()}
}

// weak is the position of the validator without whom the others are a quorum.
func (n *network) weak() int {
	return slices.IndexFunc(n.nodes, func(v *node) bool { return v.Power == 4 })
}

// copy is the same network anew, over copies of its stores.
func (x fixture) copy(t *testing.T) *network {
	t.Helper()
	n := &network{
		t: t, world: x.world.copy(), init: x.init, height: x.height, at: x.at,
		last: abci.ExtendedCommitInfo{Votes: slices.Clone(x.last.Votes)},
	}
	for _, old := range x.nodes {
		db := dbm.NewMemDB()
		it, err := old.db.Iterator(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for ; it.Valid(); it.Next() {
			if err := db.Set(it.Key(), it.Value()); err != nil {
				t.Fatal(err)
			}
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
		n.nodes = append(n.nodes, n.start(old.testValidator, db))
	}
	return n
}

func (w *world) copy() *world {
	c := &world{chains: map[types.ChainID]*testChain{}}
	for id, chain := range w.chains {
		twin := *chain
		c.chains[id] = &twin
	}
	return c
}

// goesOn checks that honest content still gets through.
func (n *network) goesOn() {
	n.t.Helper()
	n.world.deposit(5)
	deposit := n.world.size(alpha)
	for range 4 {
		n.block()
		for _, chain := range n.chains() {
			if chain.ID == alpha && chain.Cursor >= deposit {
				return
			}
		}
	}
	n.t.Fatal("a deposit was not applied")
}

// FuzzVote has the weaker validator say anything: to its peer's face, and behind
// its back as a late precommit that only the proposer sees.
func FuzzVote(f *testing.F) {
	x := newFixture(f)
	for _, v := range x.last.Votes {
		f.Add(v.VoteExtension, []byte{}, true)
		f.Add(v.VoteExtension, v.ExtensionSignature, false)
		f.Add(flip(v.VoteExtension), v.ExtensionSignature, true)
	}
	f.Add([]byte{}, []byte{}, true)
	f.Add([]byte{1}, []byte{}, true)
	f.Add(bytes.Repeat([]byte{1}, types.MaxVoteBytes+1), []byte{}, true)
	f.Fuzz(func(t *testing.T, extension, signature []byte, signed bool) {
		n := x.copy(t)
		liar := n.weak()
		vote := n.precommit(n.nodes[liar], n.height, extension)
		if !signed {
			vote.ExtensionSignature = signature
		}
		n.verify(n.nodes[1-liar], n.height+1, vote)
		n.last.Votes[liar] = vote
		n.block()
		n.goesOn()
	})
}

// FuzzProposal has a proposer propose anything, and more than 2/3 decide it.
func FuzzProposal(f *testing.F) {
	x := newFixture(f)
	system := x.proposal.Txs[0]
	f.Add(system, []byte{}, uint16(0))
	f.Add(system, []byte("user's"), uint16(0))
	f.Add(system, system, uint16(0))
	f.Add(flip(system), []byte{}, uint16(1))
	f.Add(system[:len(system)/2], []byte{}, uint16(2))
	f.Add([]byte{0, 1}, []byte{}, uint16(0))
	f.Add([]byte{}, []byte{0}, uint16(3))
	f.Fuzz(func(t *testing.T, first, second []byte, flags uint16) {
		n := x.copy(t)
		p := *x.proposal
		p.Txs = [][]byte{first}
		if len(second) > 0 {
			p.Txs = append(p.Txs, second)
		}
		p.Hash = cmttypes.ToTxs(p.Txs).Hash()
		p.ProposedLastCommit = abci.CommitInfo{Votes: slices.Clone(x.proposal.ProposedLastCommit.Votes)}
		for i := range p.ProposedLastCommit.Votes {
			if flags>>i&1 == 1 {
				p.ProposedLastCommit.Votes[i].BlockIdFlag = 3 // nil
			}
		}
		if got := n.process(&p); got != 0 && got != len(n.nodes) {
			t.Fatalf("%d of %d accept", got, len(n.nodes))
		}
		n.decide(&p)
		n.goesOn()
		n.checkInvariants()
	})
}

// FuzzTx sends a user's transaction through the mempool, into a proposal, and
// into a block.
func FuzzTx(f *testing.F) {
	x := newFixture(f)
	f.Add([]byte{})
	f.Add([]byte("user's"))
	f.Add([]byte{0})
	f.Add(x.proposal.Txs[0])
	f.Add(x.operatorTx(0, 1, question("yes?")))
	f.Add(x.operatorTx(1, 1, answer(true)))
	f.Add(x.operatorTx(0, 2, types.Tx{Propose: &types.GovPropose{Content: types.Content{RetireChain: &types.RetireChain{ID: alpha}}}}))
	f.Fuzz(func(t *testing.T, tx []byte) {
		n := x.copy(t)
		resp, err := n.nodes[0].CheckTx(ctx, &abci.RequestCheckTx{Tx: tx})
		if err != nil || resp.Code == CodeInternal {
			t.Fatal(resp, err)
		}
		n.block(tx)
		p := n.propose()
		p.Txs = append(p.Txs, tx)
		n.process(p)
		n.decide(p)
		n.goesOn()
	})
}

// FuzzQuery asks anything.
func FuzzQuery(f *testing.F) {
	x := newFixture(f)
	for _, path := range []string{
		"network", "chains", "assets", "supply", "validators", "transfer", "transfers", "why", "batches", "seals", "inbox", "invariants",
	} {
		f.Add(BridgePath+path, []byte{}, int64(0), false)
		f.Add(BridgePath+path, []byte(`{"chain":"alpha","id":"alpha/1","after":1,"limit":2}`), int64(0), false)
		f.Add(BridgePath+path, []byte(`{"chain":"202","id":"101/9","limit":-1}`), int64(3), true)
	}
	for _, path := range []string{"proposals", "proposal", "account", "effect"} {
		f.Add(BridgePath+path, []byte(`{"id":"1","operator":"0x0000000000000000000000000000000000000001"}`), int64(0), false)
		f.Add(BridgePath+path, []byte(`{"content":{"retire_chain":{"id":101}}}`), int64(0), false)
		f.Add(BridgePath+path, []byte(`{"content":{"params":{"changes":[{"name":"max_marks","value":9}]}},"height":1,"time_ms":1}`), int64(0), false)
	}
	f.Add(StorePath, []byte("key"), int64(0), true)
	f.Add(StorePath, []byte{}, int64(-1), true)
	n := x.network
	f.Fuzz(func(t *testing.T, path string, data []byte, height int64, prove bool) {
		resp, err := n.nodes[0].Query(ctx, &abci.RequestQuery{Path: path, Data: data, Height: height, Prove: prove})
		if err != nil || resp.Code == CodeInternal {
			t.Fatal(resp, err)
		}
		if resp.Code == 0 && prove != (resp.ProofOps != nil) {
			t.Fatalf("proof wanted %t: %v", prove, resp)
		}
	})
}
