// Package cluster runs several CometBFT nodes with the bridge application in
// this process, over loopback, for tests and benchmarks that want real consensus
// and no real chains.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	cmtdb "github.com/cometbft/cometbft-db"
	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Config is a cluster. Everything but Dir, Genesis and Mailboxes has a default.
type Config struct {
	Dir       string        // one directory below it for each node
	ChainID   string        // default "bridged-cluster"
	Genesis   types.Genesis // its validators' consensus keys are filled in here
	Mailboxes []app.Mailbox // one for each validator, in the order of Genesis.Validators
	OnCommit  func(node int, height int64)
	Commit    time.Duration // timeout_commit, default what is shipped
	MaxBytes  int64         // of a block, default what is shipped
	Logger    *slog.Logger
}

// Node is one validator of a cluster.
type Node struct {
	App   *app.App
	Comet *node.Node
	store *store.Store
}

// Cluster is running nodes.
type Cluster struct {
	Nodes []*Node
	ports *ports.Range
}

// Start makes the homes and starts all nodes. The caller stops the cluster.
func Start(ctx context.Context, c Config) (*Cluster, error) {
	if c.ChainID == "" {
		c.ChainID = "bridged-cluster"
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = config.MaxBlockBytes
	}
	listen, err := ports.Reserve(len(c.Genesis.Validators))
	if err != nil {
		return nil, err
	}
	cluster := &Cluster{ports: listen}
	if err := cluster.start(ctx, c); err != nil {
		return nil, errors.Join(err, cluster.Stop())
	}
	return cluster, nil
}

func (c *Cluster) start(ctx context.Context, config Config) error {
	homes, err := config.homes(c.ports)
	if err != nil {
		return err
	}
	doc, err := config.document(homes)
	if err != nil {
		return err
	}
	for i := range homes {
		started, err := config.start(ctx, homes, i, doc)
		if err != nil {
			return fmt.Errorf("starting node %d: %w", i, err)
		}
		c.Nodes = append(c.Nodes, started)
	}
	return nil
}

// Stop ends all nodes and waits for them.
func (c *Cluster) Stop() error {
	var all []error
	for i, n := range c.Nodes {
		if err := n.Comet.Stop(); err != nil {
			all = append(all, fmt.Errorf("stopping node %d: %w", i, err))
		}
		n.Comet.Wait()
		all = append(all, n.store.Close())
	}
	all = append(all, c.ports.Close())
	return errors.Join(all...)
}

type home struct {
	dir  string
	pv   *privval.FilePV
	key  *p2p.NodeKey
	addr string
}

func (c Config) homes(listen *ports.Range) ([]home, error) {
	var homes []home
	for i := range c.Genesis.Validators {
		dir := filepath.Join(c.Dir, fmt.Sprintf("node%d", i))
		cmtconfig.EnsureRoot(dir)
		key, err := p2p.LoadOrGenNodeKey(filepath.Join(dir, "config", "node_key.json"))
		if err != nil {
			return nil, fmt.Errorf("node key %d: %w", i, err)
		}
		pv := privval.NewFilePV(ed25519.GenPrivKey(), filepath.Join(dir, "config", "priv_validator_key.json"),
			filepath.Join(dir, "data", "priv_validator_state.json"))
		pv.Save()
		homes = append(homes, home{dir, pv, key, listen.Address(i)})
	}
	return homes, nil
}

func (c Config) document(homes []home) (*cmttypes.GenesisDoc, error) {
	for i, h := range homes {
		c.Genesis.Validators[i].ConsensusKey = h.pv.Key.PubKey.Bytes()
	}
	state, err := json.Marshal(c.Genesis)
	if err != nil {
		return nil, fmt.Errorf("encoding the genesis: %w", err)
	}
	params := cmttypes.DefaultConsensusParams()
	params.ABCI.VoteExtensionsEnableHeight = 1
	params.Block.MaxBytes = c.MaxBytes
	doc := &cmttypes.GenesisDoc{
		ChainID: c.ChainID, GenesisTime: time.Now().Add(-time.Second), InitialHeight: 1,
		ConsensusParams: params, AppState: state,
	}
	return doc, doc.ValidateAndComplete()
}

func (c Config) start(ctx context.Context, homes []home, i int, doc *cmttypes.GenesisDoc) (*Node, error) {
	h := homes[i]
	logger := c.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s, err := store.Open(store.Config{Dir: filepath.Join(h.dir, "data", "bridge"), Backend: "goleveldb", Keep: 100, Logger: logger})
	if err != nil {
		return nil, err
	}
	options := app.Options{
		Store: s, Mailbox: c.Mailboxes[i], Self: c.Genesis.Validators[i].ID(), Logger: logger.With("node", i),
	}
	if c.OnCommit != nil {
		options.OnCommit = func(height int64) { c.OnCommit(i, height) }
	}
	application, err := app.New(options)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	comet, err := node.NewNodeWithContext(ctx, c.comet(homes, i), h.pv, h.key,
		proxy.NewConnSyncLocalClientCreator(application),
		func() (*cmttypes.GenesisDoc, error) { return doc, nil },
		openDatabase, node.DefaultMetricsProvider(&cmtconfig.InstrumentationConfig{}), log.NewNopLogger())
	if err == nil {
		err = comet.Start()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Node{App: application, Comet: comet, store: s}, nil
}

// lastingDB is a database of CometBFT's that stays open until the process ends: a
// stopped node leaves goroutines behind that read once more, and panic when they
// cannot.
type lastingDB struct{ cmtdb.DB }

// Close implements cmtdb.DB.
func (lastingDB) Close() error { return nil }

func openDatabase(c *cmtconfig.DBContext) (cmtdb.DB, error) {
	db, err := cmtconfig.DefaultDBProvider(c)
	return lastingDB{db}, err
}

// comet is the configuration that a new home gets, loopback only.
func (c Config) comet(homes []home, i int) *cmtconfig.Config {
	cfg := config.Comet(config.Home(homes[i].dir), fmt.Sprintf("node%d", i))
	cfg.RPC.ListenAddress = ""
	cfg.P2P.ListenAddress = "tcp://" + homes[i].addr
	cfg.P2P.PexReactor = false
	cfg.P2P.AddrBookStrict = false
	cfg.P2P.AllowDuplicateIP = true
	if c.Commit > 0 {
		cfg.Consensus.TimeoutCommit = c.Commit
	}
	var peers []string
	for j, h := range homes {
		if j < i { // the later node dials the earlier one
			peers = append(peers, p2p.IDAddressString(h.key.ID(), h.addr))
		}
	}
	cfg.P2P.PersistentPeers = strings.Join(peers, ",")
	return cfg
}
