package chains

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	rpcclient "github.com/cometbft/cometbft/rpc/client"
	rpchttp "github.com/cometbft/cometbft/rpc/client/http"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/test/bench/wait"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// network is one validator over a world.
type network struct {
	*world
	node    *node.Node
	address string // of its RPC
	ports   *ports.Range
	dir     string
	home    config.Home

	mu      sync.Mutex
	commits map[int64]time.Time
	newest  int64
	wake    chan struct{}
}

// newNetwork makes a home and a world, and opens the node. The caller closes it.
func newNetwork(ctx context.Context, o options, specs []spec, healthy int) (n *network, err error) {
	n = &network{commits: map[int64]time.Time{}, wake: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	if n.dir, err = os.MkdirTemp(o.Dir, "network-"); err != nil {
		return n, fmt.Errorf("make a directory: %w", err)
	}
	if n.ports, err = ports.Reserve(1); err != nil {
		return n, err
	}
	n.address = "tcp://" + n.ports.Address(0)
	n.home = config.Home(filepath.Join(n.dir, "home"))
	key, err := keys(n.home)
	if err != nil {
		return n, err
	}
	if n.world, err = newWorld(specs, healthy, types.ValidatorSet{{Signer: key, Power: 1}}); err != nil {
		return n, err
	}
	if err := n.create(key, o.poll); err != nil {
		return n, err
	}
	return n, n.open(ctx, o.node)
}

// keys makes a signer and a relayer, and returns the signer's address.
func keys(home config.Home) (types.Address, error) {
	if err := os.MkdirAll(home.Keys(), 0o700); err != nil {
		return types.Address{}, fmt.Errorf("make keys: %w", err)
	}
	if err := os.WriteFile(filepath.Join(home.Keys(), "passphrase"), []byte("benchmark\n"), 0o600); err != nil {
		return types.Address{}, fmt.Errorf("make keys: %w", err)
	}
	store, phrase := signer.NewStore(home.String(), signer.LightScrypt()), signer.NewPassphrase("benchmark")
	if _, err := store.Create(signer.RoleRelayer, "default", phrase); err != nil {
		return types.Address{}, err
	}
	info, err := store.Create(signer.RoleSigner, "default", phrase)
	return info.Address, err
}

// create makes the home with its genesis.
func (n *network) create(key types.Address, poll time.Duration) error {
	genesis, err := node.NewGenesis(networkName, time.Now())
	if err != nil {
		return err
	}
	settings := config.Default()
	settings.Signer.PassphraseFile, settings.Relayer.PassphraseFile = "keys/passphrase", "keys/passphrase"
	settings.Chains = n.configs(poll)
	identity, err := node.CreateHome(n.home, node.HomeSpec{
		Moniker: "validator", App: settings, Genesis: genesis, Comet: func(c *cmtconfig.Config) {
			c.P2P.ListenAddress, c.RPC.ListenAddress = "tcp://127.0.0.1:0", n.address
		},
	})
	if err != nil {
		return err
	}
	genesis.State.Validators = []types.Validator{{
		ConsensusKey: identity.ConsensusKey, Signer: key, Operator: types.Address{9}, Power: 1, Moniker: "validator",
	}}
	for _, c := range n.chains {
		genesis.State.Chains = append(genesis.State.Chains, c.config)
	}
	genesis.State.Assets = n.assets()
	if err := genesis.Validate(); err != nil {
		return err
	}
	return genesis.Write(n.home.GenesisFile())
}

func (n *network) open(ctx context.Context, log io.Writer) error {
	comet, err := config.LoadComet(n.home)
	if err != nil {
		return err
	}
	loaded, err := config.Load(n.home, nil)
	if err != nil {
		return err
	}
	n.node, err = node.Open(ctx, node.Options{
		Home: n.home, App: loaded.Config, Comet: comet, OnCommit: n.committed,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	return err
}

// committed notes when a height was committed. It does not wait.
func (n *network) committed(height int64) {
	n.mu.Lock()
	n.commits[height], n.newest = time.Now(), height
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// with runs the node, and something for each chain, until main has returned.
func (n *network) with(ctx context.Context, each func(context.Context, *chain, int) error, main func(context.Context) error) error {
	others := []func(context.Context) error{n.node.Run}
	for i, c := range n.chains {
		others = append(others, func(ctx context.Context) error { return each(ctx, c, i) })
	}
	return wait.While(ctx, main, others...)
}

// close ends everything, and removes the home.
func (n *network) close() error {
	var errs []error
	if n.node != nil {
		errs = append(errs, n.node.Close())
	}
	if n.world != nil {
		errs = append(errs, n.world.close())
	}
	if n.ports != nil {
		errs = append(errs, n.ports.Close())
	}
	for range 20 { // CometBFT writes its address book once more when it has stopped
		if err := os.RemoveAll(n.dir); err == nil {
			return errors.Join(errs...)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.Join(append(errs, os.RemoveAll(n.dir))...)
}

// watch hands on the chains' state after each height, with the time at which it
// was committed, until ctx ends or see says that it has seen enough.
func (n *network) watch(ctx context.Context, see func(at time.Time, chains []bridge.ChainState) (enough bool)) error {
	client, err := rpchttp.New(n.address, "/websocket")
	if err != nil {
		return fmt.Errorf("ask the node: %w", err)
	}
	n.mu.Lock()
	height := n.newest
	n.mu.Unlock()
	for {
		n.mu.Lock()
		newest, at := n.newest, n.commits[height+1]
		n.mu.Unlock()
		if newest <= height {
			select {
			case <-ctx.Done():
				return nil
			case <-n.wake:
			}
			continue
		}
		height++
		chains, err := states(ctx, client, height)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the state at height %d: %w", height, err)
		}
		if see(at, chains) {
			return nil
		}
	}
}

func states(ctx context.Context, client *rpchttp.HTTP, height int64) (chains []bridge.ChainState, err error) {
	answer, err := client.ABCIQueryWithOptions(ctx, "/bridge/chains", nil, rpcclient.ABCIQueryOptions{Height: height})
	if err != nil {
		return nil, err
	}
	if answer.Response.Code != 0 {
		return nil, errors.New(answer.Response.Log)
	}
	return chains, json.Unmarshal(answer.Response.Value, &chains)
}
