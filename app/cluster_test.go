package app

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmtdb "github.com/cometbft/cometbft-db"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	cmtnode "github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
	cmttypes "github.com/cometbft/cometbft/types"
	ics23 "github.com/cosmos/ics23/go"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// cluster is CometBFT nodes in this process, each with an application.
type cluster struct {
	t       *testing.T
	world   *world
	genesis *cmttypes.GenesisDoc
	members []*member
}

type member struct {
	*node
	comet   *cmtnode.Node
	nodeKey *p2p.NodeKey
	laddr   string
	dir     string
	dbs     map[string]cmtdb.DB
	commits chan int64
}

// keptDB stays open when a node stops: some of its goroutines read on.
type keptDB struct{ cmtdb.DB }

func (keptDB) Close() error { return nil }

func newCluster(t *testing.T, size int) *cluster {
	t.Helper()
	var validators []testValidator
	for i := range size {
		validators = append(validators, newValidator(i))
	}
	state := testGenesis(validators)
	params := cmttypes.DefaultConsensusParams()
	params.ABCI.VoteExtensionsEnableHeight = 1
	params.Block.MaxBytes = 4 << 20
	c := &cluster{t: t, world: newWorld(state), genesis: &cmttypes.GenesisDoc{
		ChainID: testChainID, GenesisTime: time.Now(), InitialHeight: 1, ConsensusParams: params,
		AppState: initChain(t, state).AppStateBytes,
	}}
	listen := ports.ForTest(t, size)
	for i, v := range validators {
		c.members = append(c.members, &member{
			node: &node{testValidator: v, db: newMemDB()}, nodeKey: &p2p.NodeKey{PrivKey: v.consensus},
			laddr: listen.Address(i), dir: t.TempDir(), dbs: map[string]cmtdb.DB{}, commits: make(chan int64, 1),
		})
	}
	for i := range c.members {
		c.start(i)
	}
	return c
}

// start opens a member over what its databases hold, and joins it.
func (c *cluster) start(i int) {
	c.t.Helper()
	m := c.members[i]
	s, err := store.Open(store.Config{DB: m.db, Keep: 1000})
	if err != nil {
		c.t.Fatal(err)
	}
	mailbox := &testMailbox{world: c.world, self: m.testValidator, observed: map[types.ValidatorID]int{}}
	m.App, err = New(Options{
		Store: s, Mailbox: mailbox, Self: m.ID(), Logger: slog.New(&strictLog{t: c.t}),
		OnCommit: func(height int64) {
			select {
			case m.commits <- height:
			default:
			}
		},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	mailbox.app, m.store, m.mailbox = m.App, s, mailbox

	keys := filepath.Join(m.dir, "key.json")
	validator := privval.NewFilePV(m.consensus, keys, filepath.Join(m.dir, "state.json"))
	if previous, err := filepath.Glob(keys); err == nil && len(previous) > 0 {
		validator = privval.LoadFilePV(keys, filepath.Join(m.dir, "state.json"))
	}
	validator.Save()
	m.comet, err = cmtnode.NewNode(c.config(i), validator, m.nodeKey, proxy.NewConnSyncLocalClientCreator(m.App),
		func() (*cmttypes.GenesisDoc, error) { return c.genesis, nil }, m.openDB,
		cmtnode.DefaultMetricsProvider(config.DefaultInstrumentationConfig()), log.NewNopLogger())
	if err != nil {
		c.t.Fatal(err)
	}
	if err := m.comet.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { c.stop(i) })
}

func (m *member) openDB(ctx *config.DBContext) (cmtdb.DB, error) {
	if m.dbs[ctx.ID] == nil {
		m.dbs[ctx.ID] = keptDB{cmtdb.NewMemDB()}
	}
	return m.dbs[ctx.ID], nil
}

func (c *cluster) stop(i int) {
	m := c.members[i]
	if !m.comet.IsRunning() {
		return
	}
	if err := m.comet.Stop(); err != nil {
		c.t.Error(err)
	}
	m.comet.Wait()
	if err := m.store.Close(); err != nil {
		c.t.Error(err)
	}
}

func (c *cluster) config(i int) *config.Config {
	cfg := config.DefaultConfig().SetRoot(c.members[i].dir)
	cfg.RPC.ListenAddress, cfg.RPC.GRPCListenAddress = "", ""
	cfg.P2P.ListenAddress = "tcp://" + c.members[i].laddr
	cfg.P2P.AddrBookStrict, cfg.P2P.AllowDuplicateIP, cfg.P2P.PexReactor = false, true, false
	var peers []string
	for j, peer := range c.members {
		if j != i {
			peers = append(peers, fmt.Sprintf("%s@%s", peer.nodeKey.ID(), peer.laddr))
		}
	}
	cfg.P2P.PersistentPeers = strings.Join(peers, ",")
	cfg.Consensus.TimeoutCommit = 100 * time.Millisecond
	cfg.Consensus.PeerGossipSleepDuration = 10 * time.Millisecond
	cfg.TxIndex.Indexer = "null"
	return cfg
}

// until lets the world move on with each commit of member i until done.
func (c *cluster) until(i int, what string, done func(*member) bool) {
	c.t.Helper()
	m := c.members[i]
	deadline := time.After(90 * time.Second)
	for {
		select {
		case <-m.commits:
		case <-deadline:
			c.t.Fatalf("not in time: %s (height %d)", what, m.store.Version())
		}
		state := m.store.Latest()
		if err := c.world.relay(m.Machine(), state); err != nil {
			c.t.Fatal(err)
		}
		if done(m) {
			return
		}
	}
}

// applied says whether a member has applied a chain's inbox up to nonce.
func (c *cluster) applied(id types.ChainID, nonce uint64) func(*member) bool {
	return func(m *member) bool {
		chain, err := m.Machine().Chain(m.store.Latest(), id)
		if err != nil {
			c.t.Fatal(err)
		}
		return chain.Cursor >= nonce
	}
}

// executed says whether a chain has executed its batch of releases.
func (c *cluster) executed(id types.ChainID, commands uint64) func(*member) bool {
	return func(m *member) bool {
		chain, err := m.Machine().Chain(m.store.Latest(), id)
		if err != nil {
			c.t.Fatal(err)
		}
		return chain.Executed >= commands
	}
}

// Four real CometBFT nodes carry deposits through, one of them stopped and
// started again over its databases, with one app hash everywhere.
func TestCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("runs four CometBFT nodes")
	}
	c := newCluster(t, 4)
	c.until(0, "chains are set up", c.executed(beta, 3))
	c.until(0, "tokens are registered", c.applied(alpha, c.world.size(alpha)))
	c.world.deposit(1_000)
	c.until(0, "the deposit is released", c.executed(beta, 4))

	c.stop(3)
	c.world.deposit(2_000)
	c.until(0, "released with a node down", c.executed(beta, 5))
	c.start(3)
	c.world.deposit(3_000)
	c.until(0, "released again", c.executed(beta, 6))
	c.until(3, "the stopped node caught up", c.executed(beta, 6))
	c.compare()
	c.prove()
}

// compare checks the app hash of each height on all members.
func (c *cluster) compare() {
	c.t.Helper()
	height := c.members[0].store.Version()
	for i, m := range c.members {
		c.until(i, "common height", func(m *member) bool { return m.store.Version() > height })
		violations, err := m.Machine().CheckInvariants(m.store.Latest())
		if err != nil || len(violations) > 0 {
			c.t.Fatalf("node %d: %v %v", i, violations, err)
		}
	}
	for h := int64(1); h <= height; h++ {
		want := c.members[0].comet.BlockStore().LoadBlockMeta(h + 1).Header.AppHash
		for i, m := range c.members {
			state, err := m.store.At(h)
			if err != nil {
				c.t.Fatal(err)
			}
			if !bytes.Equal(state.Hash(), want) {
				c.t.Fatalf("height %d: node %d has app hash %X, the chain %X", h, i, state.Hash(), want)
			}
		}
	}
}

// prove takes a record's proof from one node and checks it by another's header.
func (c *cluster) prove() {
	c.t.Helper()
	var key []byte
	if err := c.members[1].store.Latest().Iterate(nil, nil, func(k, _ []byte) bool { key = k; return false }); err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.members[1].Query(context.Background(), &abci.RequestQuery{Path: StorePath, Data: key, Prove: true})
	if err != nil || resp.Code != 0 {
		c.t.Fatal(resp, err)
	}
	c.until(2, "header with the proof's root", func(m *member) bool { return m.comet.BlockStore().Height() > resp.Height })
	root := c.members[2].comet.BlockStore().LoadBlockMeta(resp.Height + 1).Header.AppHash
	proof := &ics23.CommitmentProof{}
	if err := proof.Unmarshal(resp.ProofOps.Ops[0].Data); err != nil {
		c.t.Fatal(err)
	}
	if !ics23.VerifyMembership(ics23.IavlSpec, []byte(root), proof, key, resp.Value) {
		c.t.Fatalf("%x of height %d is not proven by header %d", key, resp.Height, resp.Height+1)
	}
}
