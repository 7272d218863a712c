package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
	dbm "github.com/cosmos/cosmos-db"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// network drives applications through the ABCI calls of CometBFT in lockstep,
// one block after the other, without CometBFT.
type network struct {
	t      testing.TB
	nodes  []*node // in the order of the commit
	world  *world
	init   *abci.RequestInitChain
	height int64
	at     time.Time
	last   abci.ExtendedCommitInfo // of the last block, as the proposer holds it
	hashes []string                // app hash of each block
	events []abci.Event            // of the last block
}

type node struct {
	*App
	testValidator
	db      *dbm.MemDB
	store   *store.Store
	mailbox *testMailbox
}

const testMaxTxBytes = 1 << 20

func newNetwork(t testing.TB, size int) *network {
	t.Helper()
	return newNetworkOf(t, slices.Repeat([]uint32{10}, size)...)
}

func newNetworkOf(t testing.TB, powers ...uint32) *network {
	t.Helper()
	var validators []testValidator
	for i, power := range powers {
		v := newValidator(i)
		v.Power = power
		validators = append(validators, v)
	}
	genesis := testGenesis(validators)
	n := &network{t: t, world: newWorld(genesis), at: time.Unix(1_800_000_000, 0).UTC(), init: initChain(t, genesis)}
	for _, v := range validators {
		n.nodes = append(n.nodes, n.start(v, dbm.NewMemDB()))
	}
	slices.SortFunc(n.nodes, func(a, b *node) int {
		x, y := a.ID(), b.ID()
		return bytes.Compare(x[:], y[:])
	})
	for _, node := range n.nodes {
		if _, err := node.InitChain(context.Background(), n.init); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func initChain(t testing.TB, state any) *abci.RequestInitChain {
	t.Helper()
	bytes, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	return &abci.RequestInitChain{
		ChainId: testChainID, InitialHeight: 1, AppStateBytes: bytes,
		ConsensusParams: &cmtproto.ConsensusParams{
			Block:     &cmtproto.BlockParams{MaxBytes: 4 << 20, MaxGas: -1},
			Evidence:  &cmtproto.EvidenceParams{MaxBytes: 1 << 20},
			Abci:      &cmtproto.ABCIParams{VoteExtensionsEnableHeight: 1},
			Validator: &cmtproto.ValidatorParams{PubKeyTypes: []string{"ed25519"}},
		},
	}
}

func newMemDB() *dbm.MemDB { return dbm.NewMemDB() }

func (n *network) start(v testValidator, db *dbm.MemDB) *node {
	n.t.Helper()
	s, err := store.Open(store.Config{DB: db, Keep: 20})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			n.t.Error(err)
		}
	})
	mailbox := &testMailbox{world: n.world, self: v, observed: map[types.ValidatorID]int{}}
	app, err := New(Options{Store: s, Mailbox: mailbox, Self: v.ID(), Logger: slog.New(&strictLog{t: n.t}), Version: "test", ChainID: testChainID})
	if err != nil {
		n.t.Fatal(err)
	}
	mailbox.app = app
	return &node{App: app, testValidator: v, db: db, store: s, mailbox: mailbox}
}

// restart opens a node anew over what its database holds.
func (n *network) restart(i int) {
	n.t.Helper()
	n.nodes[i] = n.start(n.nodes[i].testValidator, n.nodes[i].db)
	info := n.info(i)
	if info.LastBlockHeight == 0 {
		if _, err := n.nodes[i].InitChain(context.Background(), n.init); err != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *network) info(i int) *abci.ResponseInfo {
	n.t.Helper()
	info, err := n.nodes[i].Info(context.Background(), &abci.RequestInfo{})
	if err != nil {
		n.t.Fatal(err)
	}
	return info
}

// strictLog fails the test on errors: an app that recovers from a panic, or
// whose own proposal is not good, says so.
type strictLog struct{ t testing.TB }

func (*strictLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (l *strictLog) Handle(_ context.Context, r slog.Record) error {
	if r.Level < slog.LevelError {
		return nil
	}
	var text strings.Builder
	r.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&text, " %s", a); return true })
	l.t.Errorf("logged: %s%s", r.Message, text.String())
	return nil
}

func (l *strictLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *strictLog) WithGroup(string) slog.Handler      { return l }

func (n *network) proposer() *node { return n.nodes[int(n.height)%len(n.nodes)] }

// propose has the next block's proposer make it.
func (n *network) propose(users ...[]byte) *abci.RequestProcessProposal {
	n.t.Helper()
	height, at := n.height+1, n.at.Add(time.Second)
	resp, err := n.proposer().PrepareProposal(context.Background(), &abci.RequestPrepareProposal{
		MaxTxBytes: testMaxTxBytes, Txs: users, LocalLastCommit: n.last, Height: height, Time: at,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	id := n.proposer().ID()
	return &abci.RequestProcessProposal{
		Txs: resp.Txs, ProposedLastCommit: commitOf(n.last), Height: height, Time: at, ProposerAddress: id[:],
		Hash: cmttypes.ToTxs(resp.Txs).Hash(),
	}
}

func commitOf(last abci.ExtendedCommitInfo) abci.CommitInfo {
	info := abci.CommitInfo{Round: last.Round}
	for _, v := range last.Votes {
		info.Votes = append(info.Votes, abci.VoteInfo{Validator: v.Validator, BlockIdFlag: v.BlockIdFlag})
	}
	return info
}

// process says which nodes accept a proposal.
func (n *network) process(p *abci.RequestProcessProposal) (accepted int) {
	n.t.Helper()
	for _, node := range n.nodes {
		resp, err := node.ProcessProposal(context.Background(), p)
		if err != nil {
			n.t.Fatal(err)
		}
		if resp.IsAccepted() {
			accepted++
		}
	}
	return accepted
}

// decide has all nodes vote for a block, apply and commit it.
func (n *network) decide(p *abci.RequestProcessProposal) []*abci.ExecTxResult {
	n.t.Helper()
	last := n.vote(p)
	resp := n.finalize(p)
	for _, node := range n.nodes {
		if _, err := node.Commit(context.Background(), &abci.RequestCommit{}); err != nil {
			n.t.Fatal(err)
		}
	}
	n.height, n.at, n.last = p.Height, p.Time, last
	n.hashes = append(n.hashes, hex(resp.AppHash))
	n.events = resp.Events
	return resp.TxResults
}

// vote collects the precommits of all nodes, every one verified by the others.
func (n *network) vote(p *abci.RequestProcessProposal) abci.ExtendedCommitInfo {
	n.t.Helper()
	var info abci.ExtendedCommitInfo
	for _, node := range n.nodes {
		resp, err := node.ExtendVote(context.Background(), &abci.RequestExtendVote{
			Height: p.Height, Time: p.Time, Txs: p.Txs, ProposedLastCommit: p.ProposedLastCommit, Hash: p.Hash,
		})
		if err != nil {
			n.t.Fatal(err)
		}
		vote := n.precommit(node, p.Height, resp.VoteExtension)
		for _, peer := range n.nodes {
			if !n.verify(peer, p.Height, vote) {
				n.t.Errorf("height %d: %s refused the extension of %s", p.Height, peer.Moniker, node.Moniker)
			}
		}
		info.Votes = append(info.Votes, vote)
	}
	return info
}

// precommit signs an extension of round 0, as CometBFT does.
func (n *network) precommit(v *node, height int64, extension []byte) abci.ExtendedVoteInfo {
	n.t.Helper()
	signature, err := v.consensus.Sign(cmttypes.VoteExtensionSignBytes(testChainID, &cmtproto.Vote{Height: height, Extension: extension}))
	if err != nil {
		n.t.Fatal(err)
	}
	id := v.ID()
	return abci.ExtendedVoteInfo{
		Validator: abci.Validator{Address: id[:], Power: int64(v.Power)}, BlockIdFlag: cmtproto.BlockIDFlagCommit,
		VoteExtension: extension, ExtensionSignature: signature,
	}
}

func (n *network) verify(at *node, height int64, vote abci.ExtendedVoteInfo) bool {
	n.t.Helper()
	resp, err := at.VerifyVoteExtension(context.Background(), &abci.RequestVerifyVoteExtension{
		Height: height, ValidatorAddress: vote.Validator.Address, VoteExtension: vote.VoteExtension,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return resp.IsAccepted()
}

// finalize applies a block on all nodes, which have to agree.
func (n *network) finalize(p *abci.RequestProcessProposal) *abci.ResponseFinalizeBlock {
	n.t.Helper()
	var first *abci.ResponseFinalizeBlock
	for _, node := range n.nodes {
		resp, err := node.FinalizeBlock(context.Background(), finalizeRequest(p))
		if err != nil {
			n.t.Fatalf("height %d: %v", p.Height, err)
		}
		if first == nil {
			first = resp
		}
		if !bytes.Equal(resp.AppHash, first.AppHash) || len(resp.TxResults) != len(p.Txs) {
			n.t.Fatalf("height %d: app hash %X, another's %X; %d results", p.Height, resp.AppHash, first.AppHash, len(resp.TxResults))
		}
	}
	return first
}

func finalizeRequest(p *abci.RequestProcessProposal) *abci.RequestFinalizeBlock {
	return &abci.RequestFinalizeBlock{
		Txs: p.Txs, DecidedLastCommit: p.ProposedLastCommit, Hash: p.Hash, Height: p.Height, Time: p.Time,
		ProposerAddress: p.ProposerAddress,
	}
}

// block makes, accepts and commits one block, and lets the world move on.
func (n *network) block(users ...[]byte) *abci.RequestProcessProposal {
	n.t.Helper()
	p := n.propose(users...)
	if accepted := n.process(p); accepted != len(n.nodes) {
		n.t.Fatalf("height %d: %d of %d accept the proposal", p.Height, accepted, len(n.nodes))
	}
	n.decide(p)
	n.relay()
	return p
}

// relay executes what is complete on the model chains.
func (n *network) relay() {
	n.t.Helper()
	a := n.nodes[0]
	err := a.View(func(state bridge.Reader, _ int64) error { return n.world.relay(a.Machine(), state) })
	if err != nil {
		n.t.Fatal(err)
	}
}

func (n *network) chains() (chains []bridge.ChainState) {
	n.t.Helper()
	a := n.nodes[0]
	err := a.View(func(state bridge.Reader, _ int64) (err error) {
		chains, err = a.Machine().Chains(state)
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return chains
}

// caughtUp says whether both inboxes are applied to their ends.
func (n *network) caughtUp() bool {
	n.t.Helper()
	chains := n.chains()
	return !slices.ContainsFunc(chains, func(c chainState) bool { return c.Cursor != n.world.size(c.ID) })
}

// settle makes blocks until every inbox is applied and every command executed.
func (n *network) settle() {
	n.t.Helper()
	for range 30 {
		n.block()
		if n.caughtUp() && n.open() == 0 {
			return
		}
	}
	n.t.Fatalf("height %d: not settled, %d commands open", n.height, n.open())
}

// open is how many commands are not executed.
func (n *network) open() (open uint64) {
	n.t.Helper()
	chains := n.chains()
	for _, c := range chains {
		open += c.Outbox - c.Executed + c.Queued
	}
	return open
}

// checkInvariants asks the machine, on every node.
func (n *network) checkInvariants() {
	n.t.Helper()
	for _, node := range n.nodes {
		err := node.View(func(state bridge.Reader, _ int64) error {
			violations, err := node.Machine().CheckInvariants(state)
			if len(violations) > 0 {
				n.t.Errorf("invariants of %s: %v", node.Moniker, violations)
			}
			return err
		})
		if err != nil {
			n.t.Fatalf("invariants of %s: %v", node.Moniker, err)
		}
	}
}

func hex(b []byte) string { return fmt.Sprintf("%X", b) }
