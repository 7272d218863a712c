package kvstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cometbft/cometbft/abci/example/kvstore"
	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/mempool"
	cmtnode "github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/test/bench/fleet"
)

// Kind is what the processes of this benchmark are, for fleet.Serve.
const Kind = "kvstore"

// Told is what a validator's process is told.
type Told struct {
	Home   string
	Number int
	Listen string
	Peers  []string
	Setting
}

// Status is how far a validator is.
type Status struct {
	Height int64
	At     time.Time // of that block
	Txs    int64     // in all blocks
}

// Validator is one process.
type Validator struct {
	told Told
	node *cmtnode.Node
	app  *kvstore.Application

	mu     sync.Mutex
	status Status
}

// NewValidator makes a node. It is a fleet.Kind.
func NewValidator(ctx context.Context, text []byte) (fleet.Member, error) {
	v := &Validator{}
	if err := json.Unmarshal(text, &v.told); err != nil {
		return nil, fmt.Errorf("reading what the validator is told: %w", err)
	}
	home := config.Home(v.told.Home)
	c := v.comet(home)
	key, err := p2p.LoadNodeKey(home.NodeKeyFile())
	if err != nil {
		return nil, fmt.Errorf("reading the node key: %w", err)
	}
	v.app = kvstore.NewPersistentApplication(filepath.Join(home.Data(), "app"))
	v.node, err = cmtnode.NewNodeWithContext(ctx, c, privval.LoadFilePV(home.ValidatorKeyFile(), home.ValidatorStateFile()), key,
		proxy.NewConnSyncLocalClientCreator(v.app), cmtnode.DefaultGenesisDocProviderFunc(c), cmtconfig.DefaultDBProvider,
		cmtnode.DefaultMetricsProvider(&cmtconfig.InstrumentationConfig{}), log.NewNopLogger())
	if err != nil {
		return nil, fmt.Errorf("making a node: %w", err)
	}
	return v, nil
}

// comet is what is shipped, with the setting, and a mempool for a load: it is
// large and checks nothing twice, for these transactions stay good.
func (v *Validator) comet(home config.Home) *cmtconfig.Config {
	c := config.Comet(home, fmt.Sprintf("kvstore%d", v.told.Number))
	c.P2P.ListenAddress, c.RPC.ListenAddress = "tcp://"+v.told.Listen, ""
	c.P2P.AddrBookStrict, c.P2P.AllowDuplicateIP, c.P2P.PexReactor = false, true, false
	c.P2P.PersistentPeers = strings.Join(v.told.Peers, ",")
	c.Consensus.TimeoutCommit, c.Consensus.PeerGossipSleepDuration = v.told.TimeoutCommit, v.told.Sleep
	c.Mempool.Recheck, c.Mempool.Size, c.Mempool.CacheSize = false, 10*v.told.Waiting, 50*v.told.Waiting
	c.Mempool.MaxTxsBytes, c.Mempool.Broadcast = 1<<30, !v.told.Silent
	return c
}

// Run implements fleet.Member.
func (v *Validator) Run(ctx context.Context) error {
	if err := v.node.Start(); err != nil {
		return fmt.Errorf("starting the node: %w", err)
	}
	err := v.load(ctx)
	err = errors.Join(err, v.node.Stop())
	v.node.Wait()
	return errors.Join(err, v.app.Close())
}

// load keeps the mempool full. Each validator's transactions are its own, but all
// have the same ones where none are gossiped.
func (v *Validator) load(ctx context.Context) error {
	pool, by := v.node.Mempool(), v.told.Number
	if v.told.Silent {
		by = 0
	}
	for number := 0; ctx.Err() == nil; {
		if pool.Size() >= v.told.Waiting {
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
			continue
		}
		err := pool.CheckTx(transaction(by, number), nil, mempool.TxInfo{})
		if err != nil && !errors.Is(err, mempool.ErrTxInCache) { // it was in a block already
			return fmt.Errorf("adding a transaction: %w", err)
		}
		number++
	}
	return nil
}

// transaction is a key of its own and a value.
func transaction(validator, number int) []byte {
	tx := fmt.Appendf(make([]byte, 0, txBytes), "%02d-%012d=", validator, number)
	return append(tx, bytes.Repeat([]byte{'v'}, txBytes-len(tx))...)
}

// Status tells how many transactions are in blocks.
func (v *Validator) Status(_ int, s *Status) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	blocks := v.node.BlockStore()
	for newest := blocks.Height(); v.status.Height < newest; {
		block := blocks.LoadBlockMeta(v.status.Height + 1)
		v.status = Status{Height: block.Header.Height, At: block.Header.Time, Txs: v.status.Txs + int64(block.NumTxs)}
	}
	*s = v.status
	return nil
}
