package app

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmttypes "github.com/cometbft/cometbft/types"
	ics23 "github.com/cosmos/ics23/go"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/x/bridge"
)

type chainState = bridge.ChainState

var ctx = context.Background()

func TestADepositIsReleased(t *testing.T) {
	n := newNetwork(t, 4)
	n.settle()
	n.world.deposit(1_000)
	n.settle()
	n.checkInvariants()
	var supply []bridge.SupplyView
	if err := json.Unmarshal(n.query(0, "/bridge/supply", ""), &supply); err != nil {
		t.Fatal(err)
	}
	for _, c := range supply[0].Chains {
		if c.Chain == beta && c.Supply.String() != "1000" {
			t.Errorf("supply on beta is %s", c.Supply)
		}
	}
}

func (n *network) query(i int, path, data string) []byte {
	n.t.Helper()
	resp, err := n.nodes[i].Query(ctx, &abci.RequestQuery{Path: path, Data: []byte(data)})
	if err != nil || resp.Code != 0 {
		n.t.Fatalf("%s: %v %v", path, resp, err)
	}
	return resp.Value
}

func TestOptions(t *testing.T) {
	s, err := store.Open(store.Config{Backend: store.Memory})
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"no store":        {Mailbox: &testMailbox{}},
		"no mailbox":      {Store: s},
		"negative retain": {Store: s, Mailbox: &testMailbox{}, RetainBlocks: -1},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if err := s.Working().Set([]byte("something"), []byte("else")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Store: s, Mailbox: &testMailbox{}}); err == nil {
		t.Error("the state of another program was taken")
	}
}

func TestInfoAndRestart(t *testing.T) {
	n := newNetwork(t, 4)
	if info := n.info(0); info.LastBlockHeight != 0 || len(info.LastBlockAppHash) != 0 {
		t.Fatalf("before the first block: %v", info)
	}
	if err := n.nodes[0].View(nil); !errors.Is(err, ErrNoBlock) || n.nodes[0].Height() != 0 {
		t.Fatalf("a state before the first block: %v", err)
	}
	n.restart(0) // before the first commit: InitChain runs again
	n.settle()
	n.restart(1)
	info := n.info(1)
	if info.LastBlockHeight != n.height || info.AppVersion != ProtocolVersion || info.Version != "test" {
		t.Fatalf("after a restart: %v", info)
	}
	n.world.deposit(5)
	n.settle()
	for i := range n.nodes {
		n.restart(i)
	}
	n.world.deposit(6)
	n.settle()
	n.checkInvariants()
}

// A node that crashed between FinalizeBlock and Commit finalizes again, from the
// committed state.
func TestFinalizeBlockIsRepeatable(t *testing.T) {
	n := newNetwork(t, 4)
	for range 12 {
		p := n.propose()
		if n.process(p) != 4 {
			t.Fatal("refused")
		}
		last := n.vote(p)
		other := *p
		other.Txs = [][]byte{[]byte("another block of this height")}
		n.finalize(&other)
		first := n.finalize(p)
		n.nodes[2] = n.start(n.nodes[2].testValidator, n.nodes[2].db)
		if p.Height == 1 {
			if _, err := n.nodes[2].InitChain(ctx, n.init); err != nil {
				t.Fatal(err)
			}
		}
		again := n.finalize(p)
		if string(first.AppHash) != string(again.AppHash) {
			t.Fatalf("height %d: app hash %X, then %X", p.Height, first.AppHash, again.AppHash)
		}
		if p.Height == 1 && n.process(p) != 4 { // judged by the genesis state, not by what was applied
			t.Fatal("refused after it was applied")
		}
		n.finalize(p)
		for _, node := range n.nodes {
			if _, err := node.Commit(ctx, &abci.RequestCommit{}); err != nil {
				t.Fatal(err)
			}
		}
		n.height, n.at, n.last = p.Height, p.Time, last
		n.relay()
	}
}

func TestFinalizeAndCommitRefuseDisorder(t *testing.T) {
	n := newNetwork(t, 1)
	a := n.nodes[0]
	if _, err := a.Commit(ctx, &abci.RequestCommit{}); err == nil {
		t.Error("committed no block")
	}
	for _, height := range []int64{0, 2, -1} {
		if _, err := a.FinalizeBlock(ctx, &abci.RequestFinalizeBlock{Height: height, Time: n.at}); err == nil {
			t.Errorf("took block %d first", height)
		}
	}
	n.block()
	for _, height := range []int64{1, 3} {
		if _, err := a.FinalizeBlock(ctx, &abci.RequestFinalizeBlock{Height: height, Time: n.at}); err == nil {
			t.Errorf("took block %d after 1", height)
		}
	}
	if _, err := a.InitChain(ctx, n.init); err == nil {
		t.Error("took InitChain after a block")
	}
}

func TestInitChain(t *testing.T) {
	good := func() *abci.RequestInitChain { return newNetwork(t, 2).init }
	fresh := func() *node {
		n := newNetwork(t, 1)
		return n.start(n.nodes[0].testValidator, newMemDB())
	}
	updates := validatorUpdates(testGenesis([]testValidator{newValidator(0), newValidator(1)}).Validators)
	for name, bend := range map[string]func(*abci.RequestInitChain){
		"no chain id":     func(r *abci.RequestInitChain) { r.ChainId = "" },
		"no params":       func(r *abci.RequestInitChain) { r.ConsensusParams = nil },
		"no extensions":   func(r *abci.RequestInitChain) { r.ConsensusParams.Abci = nil },
		"extensions late": func(r *abci.RequestInitChain) { r.ConsensusParams.Abci.VoteExtensionsEnableHeight = 2 },
		"other keys": func(r *abci.RequestInitChain) {
			r.ConsensusParams.Validator.PubKeyTypes = []string{"ed25519", "secp256k1"}
		},
		"small blocks":     func(r *abci.RequestInitChain) { r.ConsensusParams.Block.MaxBytes = 1 << 20 },
		"no app state":     func(r *abci.RequestInitChain) { r.AppStateBytes = nil },
		"not json":         func(r *abci.RequestInitChain) { r.AppStateBytes = []byte("{") },
		"unknown field":    func(r *abci.RequestInitChain) { r.AppStateBytes = []byte(`{"admin":"me"}`) },
		"two objects":      func(r *abci.RequestInitChain) { r.AppStateBytes = append(r.AppStateBytes, '{', '}') },
		"no validators":    func(r *abci.RequestInitChain) { r.AppStateBytes = []byte("{}") },
		"other validators": func(r *abci.RequestInitChain) { r.Validators = updates[:1] },
		"other powers":     func(r *abci.RequestInitChain) { r.Validators = slicesWithPower(updates, 11) },
		"another's records": func(r *abci.RequestInitChain) {
			r.AppStateBytes = []byte(`{"records":[{"key":"0x01","value":"0x02"}]}`)
		},
		"unsorted, as it is": nil,
	} {
		req := good()
		if bend != nil {
			bend(req)
		} else {
			req.Validators = []abci.ValidatorUpdate{updates[1], updates[0]}
		}
		resp, err := fresh().InitChain(ctx, req)
		if (err == nil) != (bend == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && (len(resp.Validators) != 2 || len(resp.AppHash) != 32) {
			t.Errorf("%s: %v", name, resp)
		}
	}
}

func slicesWithPower(updates []abci.ValidatorUpdate, power int64) []abci.ValidatorUpdate {
	out := append([]abci.ValidatorUpdate{}, updates...)
	out[0].Power = power
	return out
}

func TestInitialHeight(t *testing.T) {
	n := newNetwork(t, 3)
	n.init.InitialHeight = 500
	n.init.ConsensusParams.Abci.VoteExtensionsEnableHeight = 500
	for i := range n.nodes {
		n.nodes[i] = n.start(n.nodes[i].testValidator, newMemDB())
		if _, err := n.nodes[i].InitChain(ctx, n.init); err != nil {
			t.Fatal(err)
		}
	}
	n.height = 499
	n.block()
	if n.info(0).LastBlockHeight != 500 {
		t.Fatalf("the first block is %d", n.info(0).LastBlockHeight)
	}
	n.settle()
	n.restart(0)
	n.world.deposit(1)
	n.settle()
}

func TestCommitTellsAndRetains(t *testing.T) {
	n := newNetwork(t, 1)
	var told []int64
	a := n.nodes[0]
	a.onCommit, a.retain = func(height int64) { told = append(told, height) }, 3
	for range 5 {
		n.block()
	}
	if len(told) != 5 || told[4] != 5 {
		t.Errorf("told of %v", told)
	}
	for height, want := range map[int64]int64{1: 0, 2: 0, 3: 1, 100: 98} {
		if got := a.retainHeight(height); got != want {
			t.Errorf("at height %d retains from %d, want %d", height, got, want)
		}
	}
	a.retain = 0
	if a.retainHeight(100) != 0 {
		t.Error("0 does not keep all")
	}
}

func TestCheckTx(t *testing.T) {
	n := newNetwork(t, 1)
	check := func(tx string) *abci.ResponseCheckTx {
		resp, err := n.nodes[0].CheckTx(ctx, &abci.RequestCheckTx{Tx: []byte(tx)})
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	if check("tx").Code != CodeInternal {
		t.Error("checked without a state")
	}
	n.block()
	for tx, want := range map[string]*bridge.Error{
		"": bridge.ErrMalformed, "\x00\x01": bridge.ErrSystemTx, "a stranger's": bridge.ErrMalformed,
	} {
		if resp := check(tx); resp.Code != want.Code || resp.Codespace != Codespace {
			t.Errorf("%q: %v", tx, resp)
		}
	}
}

func TestQuery(t *testing.T) {
	n := newNetwork(t, 3)
	ask := func(path, data string, height int64, prove bool) *abci.ResponseQuery {
		resp, err := n.nodes[0].Query(ctx, &abci.RequestQuery{Path: path, Data: []byte(data), Height: height, Prove: prove})
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	if resp := ask("/bridge/network", "", 0, false); resp.Code != bridge.ErrBadQuery.Code {
		t.Errorf("before the first block: %v", resp)
	}
	n.settle()
	for n.height < 30 { // 20 versions are kept
		n.block()
	}
	for _, c := range []struct {
		name, path, data string
		height           int64
		prove            bool
		code             uint32
		at               int64
	}{
		{"newest", "/bridge/network", "", 0, false, 0, 30},
		{"older", "/bridge/chains", "{}", 25, false, 0, 25},
		{"arguments", "/bridge/chains", `{"chain":"alpha"}`, 0, false, 0, 30},
		{"bad arguments", "/bridge/chains", "[", 0, false, bridge.ErrBadQuery.Code, 0},
		{"unknown chain", "/bridge/chains", `{"chain":"gamma"}`, 0, false, bridge.ErrNotFound.Code, 0},
		{"unknown transfer", "/bridge/transfer", `{"id":"alpha/99"}`, 0, false, bridge.ErrNotFound.Code, 0},
		{"unknown query", "/bridge/secrets", "", 0, false, bridge.ErrBadQuery.Code, 0},
		{"no query", "/bridge", "", 0, false, bridge.ErrBadQuery.Code, 0},
		{"no path", "", "", 0, false, bridge.ErrBadQuery.Code, 0},
		{"proof of many records", "/bridge/chains", "", 0, true, bridge.ErrBadQuery.Code, 0},
		{"future", "/bridge/network", "", 31, false, bridge.ErrBadQuery.Code, 0},
		{"pruned", "/bridge/network", "", 2, false, bridge.ErrBadQuery.Code, 0},
		{"negative", "/bridge/network", "", -1, false, bridge.ErrBadQuery.Code, 0},
		{"too much", "/bridge/network", strings.Repeat(" ", maxQueryBytes+1), 0, false, bridge.ErrBadQuery.Code, 0},
		{"no key", "/store", "", 0, false, bridge.ErrBadQuery.Code, 0},
		{"absent key", "/store", "absent", 0, false, 0, 30},
		{"proof is of the one before", "/store", "absent", 0, true, 0, 29},
		{"proof of the newest", "/store", "absent", 30, true, 0, 30},
	} {
		resp := ask(c.path, c.data, c.height, c.prove)
		if resp.Code != c.code || resp.Height != c.at || (c.code != 0) != (resp.Codespace == Codespace) {
			t.Errorf("%s: %v", c.name, resp)
		}
	}
}

// Every record of the state has a proof against the app hash of its height, and
// every gap between two records one too.
func TestEveryRecordIsProven(t *testing.T) {
	n := newNetwork(t, 3)
	n.settle()
	n.world.deposit(7)
	n.block()
	n.block()
	height := n.height - 1
	root, err := n.nodes[1].store.At(height)
	if err != nil {
		t.Fatal(err)
	}
	records := 0
	err = root.Iterate(nil, nil, func(key, value []byte) bool {
		records++
		if !ics23.VerifyMembership(ics23.IavlSpec, root.Hash(), n.proof(0, key), key, value) {
			t.Errorf("%x = %x is not proven", key, value)
		}
		gap := append(append([]byte{}, key...), 0)
		if !ics23.VerifyNonMembership(ics23.IavlSpec, root.Hash(), n.proof(0, gap), gap) {
			t.Errorf("absence of %x is not proven", gap)
		}
		return true
	})
	if err != nil || records < 10 {
		t.Fatalf("%d records: %v", records, err)
	}
}

func (n *network) proof(i int, key []byte) *ics23.CommitmentProof {
	n.t.Helper()
	resp, err := n.nodes[i].Query(ctx, &abci.RequestQuery{Path: StorePath, Data: key, Prove: true})
	if err != nil || resp.Code != 0 || resp.Height != n.height-1 || len(resp.ProofOps.GetOps()) != 1 {
		n.t.Fatalf("%x: %v %v", key, resp, err)
	}
	op := resp.ProofOps.Ops[0]
	proof := &ics23.CommitmentProof{}
	if err := proof.Unmarshal(op.Data); err != nil || op.Type != ProofType || string(op.Key) != string(key) {
		n.t.Fatalf("%x: %v %v", key, op, err)
	}
	return proof
}

func TestEventsAreIndexed(t *testing.T) {
	n := newNetwork(t, 1)
	n.settle()
	n.world.deposit(3)
	n.block()
	n.block()
	seen := false
	for _, e := range n.events {
		seen = seen || e.Type == "inbox_applied"
		for _, a := range e.Attributes {
			if !a.Index {
				t.Errorf("%s.%s is not indexed", e.Type, a.Key)
			}
		}
	}
	if !seen {
		t.Errorf("events %v", n.events)
	}
}

func TestVerifyExtensionWantsChainID(t *testing.T) {
	n := newNetwork(t, 1)
	a := n.nodes[0]
	vote := n.precommit(a, 9, []byte("extension"))
	check := func(app *App) bool {
		return app.verifyExtension(a.ConsensusKey, 9, 0, vote.VoteExtension, vote.ExtensionSignature)
	}
	if !check(a.App) {
		t.Error("a good signature is refused")
	}
	if check(n.start(a.testValidator, newMemDB()).App) {
		t.Error("a signature was verified without a chain id")
	}
	if a.verifyExtension(a.ConsensusKey[:31], 9, 0, vote.VoteExtension, vote.ExtensionSignature) ||
		a.verifyExtension(a.ConsensusKey, 8, 0, vote.VoteExtension, vote.ExtensionSignature) ||
		a.verifyExtension(a.ConsensusKey, 9, 1, vote.VoteExtension, vote.ExtensionSignature) ||
		a.verifyExtension(a.ConsensusKey, 9, 0, vote.VoteExtension[1:], vote.ExtensionSignature) ||
		a.verifyExtension(a.ConsensusKey, 9, 0, vote.VoteExtension, nil) {
		t.Error("a bad signature is taken")
	}
}

func TestProposalSizes(t *testing.T) {
	n := newNetwork(t, 4)
	n.settle()
	for range 40 {
		n.world.deposit(1)
	}
	n.block()
	for _, limit := range []int64{100, 300, 1000, 3000, 6000, 10_000, testMaxTxBytes} {
		resp, err := n.proposer().PrepareProposal(ctx, &abci.RequestPrepareProposal{
			MaxTxBytes: limit, LocalLastCommit: n.last, Height: n.height + 1, Time: n.at,
		})
		if err != nil {
			t.Fatal(err)
		}
		size := cmttypes.ComputeProtoSizeForTxs(cmttypes.ToTxs(resp.Txs))
		t.Logf("limit %d: %d bytes", limit, size)
		if size > limit || len(resp.Txs) != 1 {
			t.Errorf("limit %d: %d bytes in %d transactions", limit, size, len(resp.Txs))
		}
	}
}
