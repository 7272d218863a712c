package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// RelayOptions are what a relayer without a node needs: a home with app.toml and
// a relayer key.
type RelayOptions struct {
	Home   config.Home
	App    config.Config
	Logger *slog.Logger
}

// ErrNotSetUp says what a home lacks for what is asked of it.
var ErrNotSetUp = errors.New("the home is not set up for this")

// soleRelayer is a relayer without a node.
type soleRelayer struct {
	RelayOptions
	log      *slog.Logger
	lock     *os.File
	key      signer.Key
	remote   *remote
	clients  []*evm.Client
	relayers []*relaying
	health   ops.Health
	workers  []worker
}

// RunRelayer relays what the nodes in app.toml tell of, to all chains that have
// endpoints there, until ctx ends. It keeps its home from other processes: two
// with one key would take each other's account nonces.
func RunRelayer(ctx context.Context, o RelayOptions) (err error) {
	r := &soleRelayer{RelayOptions: o, log: o.Logger.With("component", "relayer")}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, w := range r.workers {
		group.Go(func() error {
			if err := w.run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			return nil
		})
	}
	r.log.Info("relaying", "account", r.key.Address(), "chains", len(r.relayers), "nodes", len(r.remote.nodes))
	err = group.Wait()
	if err == nil {
		r.log.Info("stopping")
	}
	return err
}

func (r *soleRelayer) open(ctx context.Context) (err error) {
	if len(r.App.Relayer.Nodes) == 0 {
		return fmt.Errorf("%w: name RPC servers of the network in nodes of [relayer] in app.toml", ErrNotSetUp)
	}
	if err := os.MkdirAll(r.Home.Data(), 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if r.lock, err = lockHome(r.Home); err != nil {
		return err
	}
	source := RelayerSource(r.Home, r.App.Relayer)
	if _, err := os.Stat(source.File); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: there is no key %s; make one with \"bridged keys add relayer\"", ErrNotSetUp, source.File)
	}
	if r.key, err = source.Load(); err != nil {
		return fmt.Errorf("load the relayer key: %w", err)
	}
	if r.remote, err = newRemote(r.App.Relayer.Nodes, r.log); err != nil {
		return err
	}
	r.health.Add("nodes", r.remote.check)
	for _, c := range r.App.Chains {
		if len(c.Endpoints) == 0 {
			r.log.Info("nothing is relayed to the chain: it has no endpoints in app.toml", "chain", c.Name)
			continue
		}
		if err := r.serve(ctx, c); err != nil {
			return fmt.Errorf("chain %s: %w", c.Name, err)
		}
	}
	if len(r.relayers) == 0 {
		return fmt.Errorf("%w: no [[chains]] table of app.toml has endpoints", ErrNotSetUp)
	}
	for i := range r.remote.nodes {
		r.workers = append(r.workers, worker{"node " + r.remote.nodes[i].host(), r.remote.follow(i)})
	}
	r.workers = append(r.workers, worker{"reports", reporter(r.Home, r.relayers, r.log)})
	return r.openTelemetry()
}

// serve makes the relayer of one chain.
func (r *soleRelayer) serve(ctx context.Context, c config.Chain) error {
	client, err := evm.Dial(ctx, ChainConfig(c))
	if err != nil {
		return err
	}
	r.clients = append(r.clients, client)
	relaying, err := newRelaying(ctx, relayingSpec{
		home: r.Home, chain: c, client: client, key: r.key, state: r.remote, signatures: r.remote, log: r.Logger,
		worker: relayer.Config{
			Alone: true, Eager: r.App.Relayer.Patience == 0, Patience: r.App.Relayer.Patience,
		},
		limits: r.App.Relayer,
	})
	if err != nil {
		return err
	}
	r.relayers = append(r.relayers, relaying)
	r.remote.served[types.ChainID(c.ID)] = &served{
		bridge: c.Contract, wake: relaying.worker.Committed, outdated: relaying.worker.Outdated,
		position: func() chain.OutboxPosition { return relaying.worker.Status().Position },
	}
	r.health.Add("relayer_"+c.Name, func() error {
		if trouble := relaying.worker.Status().Err; trouble != "" {
			return errors.New(trouble)
		}
		return nil
	})
	r.workers = append(r.workers, worker{"relayer of " + c.Name, relaying.worker.Run})
	return nil
}

func (r *soleRelayer) openTelemetry() error {
	if !r.App.Telemetry.Enabled {
		return nil
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newRelayerMetrics(r.relayers))
	server, err := ops.Listen(r.App.Telemetry.Listen, &r.health, registry, prometheus.DefaultGatherer)
	if err != nil {
		return err
	}
	r.log.Info("telemetry", "address", server.Address())
	r.workers = append(r.workers, worker{"telemetry", server.Run})
	return nil
}

func (r *soleRelayer) close() error {
	for _, relaying := range r.relayers {
		relaying.close()
	}
	for _, client := range r.clients {
		client.Close()
	}
	if r.lock == nil {
		return nil
	}
	return r.lock.Close()
}

// RelayerSpec is a new home of a relayer.
type RelayerSpec struct {
	Nodes       []string                     // RPC servers of the network
	Endpoints   map[string][]config.Endpoint // by the name of the chain
	OneEndpoint bool                         // one of a chain is enough
}

// InitRelayer makes a home for RunRelayer: app.toml with the nodes, and with the
// network's chains and what endpoints are given for them. All nodes have to name
// the same chains.
func InitRelayer(ctx context.Context, home config.Home, spec RelayerSpec) (config.Config, error) {
	if home.Exists() {
		return config.Config{}, fmt.Errorf("%w: %s exists", ErrInitialised, home.AppFile())
	}
	app := config.Default()
	app.Relayer.Nodes = spec.Nodes
	for i, address := range spec.Nodes {
		server, err := dialServer(address)
		if err != nil {
			return config.Config{}, err
		}
		chains, err := fetchChains(ctx, server, spec.Endpoints)
		if err != nil {
			return config.Config{}, err
		}
		if i > 0 && !sameChains(chains, app.Chains) {
			return config.Config{}, fmt.Errorf("%w about the network's chains: %s and %s", ErrDisagree, spec.Nodes[0], address)
		}
		app.Chains = chains
	}
	for i := range app.Chains {
		if spec.OneEndpoint {
			app.Chains[i].MinAgree, app.Chains[i].SingleEndpoint = 1, true
		}
	}
	if err := app.Validate(); err != nil {
		return config.Config{}, err
	}
	return app, config.Write(home, app)
}

func sameChains(a, b []config.Chain) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || a[i].ID != b[i].ID || a[i].Contract != b[i].Contract {
			return false
		}
	}
	return true
}
