package node

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	cmtconfig "github.com/cometbft/cometbft/config"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/light"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/statesync"
	cmtstore "github.com/cometbft/cometbft/store"

	"github.com/icrosschain/bridged/internal/snapshot"
)

// openSnapshots opens the snapshots that peers may have.
func (n *Node) openSnapshots() (err error) {
	n.archive, err = snapshot.Open(n.Home.SnapshotsDir(), int(n.App.Snapshot.Keep))
	if err != nil {
		return err
	}
	if err := n.archive.Broken(); err != nil {
		n.log.Warn("snapshots that cannot be read are not offered; delete them", "err", err)
	}
	return n.archive.Tidy()
}

// wireSnapshots has snapshots made, if any are wanted.
func (n *Node) wireSnapshots() {
	if n.App.Snapshot.Interval == 0 {
		return
	}
	maker := snapshot.NewMaker(n.archive, int64(n.App.Snapshot.Interval), n.genesis.Doc.ChainID, n.Logger)
	n.listeners = append(n.listeners, func(height int64) { maker.Committed(height, n.store.Latest) })
	n.workers = append(n.workers, worker{"snapshots", maker.Run})
}

// syncLogger hears what CometBFT says in no other way: that a state sync has
// failed. It would do nothing any more, and look alive.
type syncLogger struct {
	cmtlog.Logger
	failed chan<- string
}

// The last words of CometBFT's state sync, in node/setup.go.
var syncFailures = map[string]bool{
	"State sync failed":                       true,
	"Failed to bootstrap node with new state": true,
	"Failed to store last seen commit":        true,
	"Failed to switch to block sync":          true,
}

// Error implements CometBFT's Logger.
func (l syncLogger) Error(msg string, keyvals ...any) {
	l.Logger.Error(msg, keyvals...)
	if !syncFailures[msg] {
		return
	}
	select {
	case l.failed <- fmt.Sprint(append([]any{msg}, keyvals...)...):
	default:
	}
}

// With implements CometBFT's Logger.
func (l syncLogger) With(keyvals ...any) cmtlog.Logger {
	return syncLogger{l.Logger.With(keyvals...), l.failed}
}

// ErrStateSync says that this node could not get a state from its peers.
var ErrStateSync = errors.New("state sync")

func (n *Node) watchStateSync(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case why := <-n.stateSync:
		return fmt.Errorf("%w: %s; start the node again, and look at [statesync] in config.toml if that does not help", ErrStateSync, why)
	}
}

// finishRestore gives CometBFT its part of a state that came from a snapshot, if
// the process ended, or a restore by file did, before CometBFT had it. A node
// that has taken part in consensus is not concerned.
func (n *Node) finishRestore(ctx context.Context, logger cmtlog.Logger) error {
	if n.store.Version() == 0 || hasWAL(n.Comet) {
		return nil
	}
	n.progress.step("the servers of [statesync], for consensus's part of the restored state")
	if err := bootstrap(ctx, n.Comet, n.genesis, n.store.Version(), n.store.Hash(), logger); err != nil {
		return fmt.Errorf("finish the restore of height %d: %w", n.store.Version(), err)
	}
	return nil
}

// bootstrap makes CometBFT's stores those of a node that has the state of height
// with an app hash and no block, as far as they are not. What it needs comes from
// the servers of [statesync], verified by the light client. Repeating it after a
// crash mends what was left undone.
func bootstrap(ctx context.Context, c *cmtconfig.Config, g Genesis, height int64, appHash []byte, logger cmtlog.Logger) (err error) {
	blocks, states, err := openCometStores(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, blocks.Close(), states.Close()) }()
	state, err := states.Load()
	if err != nil {
		return err
	}
	if blocks.Height() > 0 {
		return nil
	}
	complete := state.LastBlockHeight == height && blocks.LoadSeenCommit(height) != nil
	if !complete {
		if state, err = fetchState(ctx, c, g, height, appHash, blocks, logger); err != nil {
			return err
		}
	}
	// CometBFT forgets it at each start, and wants it until there is a block.
	if err := states.SetOfflineStateSyncHeight(height); err != nil || complete {
		return err
	}
	return states.Bootstrap(state)
}

func openCometStores(c *cmtconfig.Config) (*cmtstore.BlockStore, sm.Store, error) {
	blockDB, err := cmtconfig.DefaultDBProvider(&cmtconfig.DBContext{ID: "blockstore", Config: c})
	if err != nil {
		return nil, nil, err
	}
	stateDB, err := cmtconfig.DefaultDBProvider(&cmtconfig.DBContext{ID: "state", Config: c})
	if err != nil {
		return nil, nil, errors.Join(err, blockDB.Close())
	}
	return cmtstore.NewBlockStore(blockDB), sm.NewStore(stateDB, sm.StoreOptions{DiscardABCIResponses: c.Storage.DiscardABCIResponses}), nil
}

// fetchState verifies the headers around a height and stores the commit of it.
func fetchState(ctx context.Context, c *cmtconfig.Config, g Genesis, height int64, appHash []byte, blocks *cmtstore.BlockStore, logger cmtlog.Logger) (sm.State, error) {
	provider, err := stateProvider(ctx, c, g, logger)
	if err != nil {
		return sm.State{}, err
	}
	state, err := provider.State(ctx, uint64(height))
	if err != nil {
		return sm.State{}, fmt.Errorf("verify the headers of heights %d to %d: %w", height, height+2, err)
	}
	if string(state.AppHash) != string(appHash) {
		return sm.State{}, fmt.Errorf("%w: the state of height %d has app hash %X, the network %X; run \"bridged comet reset\" to begin again",
			ErrUnproven, height, appHash, state.AppHash)
	}
	commit, err := provider.Commit(ctx, uint64(height))
	if err != nil {
		return sm.State{}, fmt.Errorf("verify the commit of height %d: %w", height, err)
	}
	return state, blocks.SaveSeenCommit(height, commit)
}

// stateProvider is a light client over the servers of [statesync].
func stateProvider(ctx context.Context, c *cmtconfig.Config, g Genesis, logger cmtlog.Logger) (statesync.StateProvider, error) {
	s := c.StateSync
	hash, err := hex.DecodeString(s.TrustHash)
	if err != nil || len(hash) == 0 || len(s.RPCServers) < 2 || s.TrustHeight == 0 {
		return nil, errors.New("[statesync] in config.toml names no servers, trust_height and trust_hash to verify it with; fill them in, or run \"bridged comet reset\" to begin again")
	}
	doc, err := g.document()
	if err != nil {
		return nil, err
	}
	first, err := sm.MakeGenesisState(doc)
	if err != nil {
		return nil, fmt.Errorf("read the genesis: %w", err)
	}
	provider, err := statesync.NewLightClientStateProvider(ctx, doc.ChainID, first.Version, doc.InitialHeight, s.RPCServers,
		light.TrustOptions{Period: s.TrustPeriod, Height: s.TrustHeight, Hash: hash}, logger.With("module", "light"))
	if err != nil {
		return nil, fmt.Errorf("light client over the servers of [statesync]: %w", err)
	}
	return provider, nil
}
