package node

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	cmtconfig "github.com/cometbft/cometbft/config"
	cmtlog "github.com/cometbft/cometbft/libs/log"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/internal/snapshot"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
)

// RestoreSpec says what a snapshot file is held against.
type RestoreSpec struct {
	File    string
	AppHash []byte // that the state must have; nil: the servers prove it
	// RPC are servers for the light client, instead of those of [statesync].
	RPC         []string
	TrustHeight int64
	TrustHash   []byte
	TrustOne    bool
}

// Restored is what came of it.
type Restored struct {
	ChainID string `json:"chain_id"`
	Height  int64  `json:"height"`
	AppHash string `json:"app_hash"`
	// Complete says that consensus has its part too. If not, the next start gets
	// it from the servers of [statesync].
	Complete bool `json:"complete"`
}

// ErrHasBlocks says that a home has a state already.
var ErrHasBlocks = errors.New("this home has taken part already")

// RestoreSnapshot gives a home without blocks the state in a file, once it is
// verified: by the operator's app hash, by the light client, or by both. The
// node has to be stopped.
func RestoreSnapshot(ctx context.Context, home config.Home, spec RestoreSpec) (r Restored, err error) {
	comet, app, err := loadConfig(home)
	if err != nil {
		return Restored{}, err
	}
	lock, err := lockHome(home)
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	genesis, err := ReadGenesis(home.GenesisFile())
	if err != nil {
		return Restored{}, err
	}
	if err := createDatabases(home, comet, app.State); err != nil {
		return Restored{}, err
	}
	state, err := store.Open(store.Config{Dir: appDir(home), Backend: app.State.Backend, Keep: int64(app.State.KeepVersions)})
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	if state.Version() > 0 || hasWAL(comet) {
		return Restored{}, fmt.Errorf("%w: it is at height %d; \"bridged comet reset\" deletes blocks and state", ErrHasBlocks, state.Version())
	}
	if err := trustServers(ctx, comet, genesis, spec); err != nil {
		return Restored{}, err
	}
	return restoreInto(ctx, home, comet, genesis, state, spec)
}

func loadConfig(home config.Home) (*cmtconfig.Config, config.Config, error) {
	comet, err := config.LoadComet(home)
	if err != nil {
		return nil, config.Config{}, err
	}
	loaded, err := config.Load(home, nil)
	return comet, loaded.Config, err
}

// trustServers puts the servers of spec in the place of those of [statesync].
func trustServers(ctx context.Context, c *cmtconfig.Config, g Genesis, spec RestoreSpec) error {
	if len(spec.RPC) == 0 {
		return nil
	}
	join := JoinSpec{RPC: spec.RPC, ChainID: g.Doc.ChainID, TrustHeight: spec.TrustHeight, TrustHash: spec.TrustHash, TrustOne: spec.TrustOne}
	servers, err := openServers(ctx, join)
	if err != nil {
		return err
	}
	height, hash, err := fetchTrust(ctx, servers, g, join)
	if err != nil {
		return err
	}
	c.StateSync.RPCServers, c.StateSync.TrustHeight, c.StateSync.TrustHash = addresses(servers), height, hash
	return nil
}

// restoreInto restores the file into an empty store. Nothing is written before
// it is verified.
func restoreInto(ctx context.Context, home config.Home, c *cmtconfig.Config, g Genesis, state *store.Store, spec RestoreSpec) (Restored, error) {
	light := len(c.StateSync.RPCServers) > 0
	if spec.AppHash == nil && !light {
		return Restored{}, errors.New("nothing to verify the snapshot with: give an app hash that you trust, or servers")
	}
	restore, err := snapshot.RestoreFile(spec.File, func(m store.Manifest) error {
		if m.ChainID != g.Doc.ChainID {
			return fmt.Errorf("the snapshot is of network %q, this home is of %q", m.ChainID, g.Doc.ChainID)
		}
		if spec.AppHash != nil && !bytes.Equal(spec.AppHash, m.AppHash[:]) {
			return fmt.Errorf("%w: the snapshot of height %d has app hash %X, not %X", ErrUnproven, m.Height, m.AppHash, spec.AppHash)
		}
		if !light {
			return nil
		}
		return proveManifest(ctx, c, g, m)
	})
	if err != nil {
		return Restored{}, err
	}
	defer restore.Close()
	m := restore.Manifest()
	// Before the state: a home that has one and no record of seals does not sign.
	if err := newGuard(home, g); err != nil {
		return Restored{}, err
	}
	if err := state.Adopt(restore); err != nil {
		return Restored{}, err
	}
	r := Restored{ChainID: m.ChainID, Height: m.Height, AppHash: hex.EncodeToString(m.AppHash[:])}
	if !light {
		return r, nil
	}
	r.Complete = true
	return r, bootstrap(ctx, c, g, m.Height, m.AppHash[:], cmtlog.NewNopLogger())
}

// proveManifest verifies a manifest's app hash by the headers of the network.
func proveManifest(ctx context.Context, c *cmtconfig.Config, g Genesis, m store.Manifest) error {
	provider, err := stateProvider(ctx, c, g, cmtlog.NewNopLogger())
	if err != nil {
		return err
	}
	hash, err := provider.AppHash(ctx, uint64(m.Height))
	if err != nil {
		return fmt.Errorf("verify the app hash of height %d: %w", m.Height, err)
	}
	if !bytes.Equal(hash, m.AppHash[:]) {
		return fmt.Errorf("%w: the snapshot of height %d has app hash %X, the network %X", ErrUnproven, m.Height, m.AppHash, hash)
	}
	return nil
}

// newGuard begins the record of signed seals, as the first start of a home does.
func newGuard(home config.Home, g Genesis) error {
	if _, err := os.Stat(home.SignedSealsFile()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return signer.CreateGuard(home.SignedSealsFile(), evmsig.NetworkID(g.Doc.ChainID))
}
