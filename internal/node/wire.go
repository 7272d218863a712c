package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/keeper"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/observer"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// open is the start of a node, in order. Closing is the same backwards, in
// Close.
//
//	home ──▶ keys ──▶ store ──▶ mailbox ──▶ app ──▶ CometBFT (replays) ──▶ workers
//
//	          observer a chain ──▶ mailbox ◀── signer, alarms of the operator
//	                                 │ ▲
//	              own marks, events, │ │ other validators' seal signatures,
//	              signatures         ▼ │ on the way into a block
//	                                app ──▶ store ──OnCommit──▶ wakes observers, signer, relayers
//	                                          │
//	                                          └──▶ view (committed state) ──▶ signer, relayer a chain
func (n *Node) open(ctx context.Context) error {
	if err := n.openHome(); err != nil {
		return err
	}
	n.progress.step("the keys to be opened")
	if err := n.loadKeys(); err != nil {
		return err
	}
	n.progress.step("the state to be opened")
	logger, err := ops.NewCometLogger(n.Logger, n.App.Log.CometLevel)
	if err != nil {
		return err
	}
	if err := n.openState(ctx, logger); err != nil {
		return err
	}
	if err := n.finishRestore(ctx, logger); err != nil {
		return err
	}
	n.progress.step("blocks to be replayed")
	if err := n.openComet(ctx, logger); err != nil {
		return err
	}
	n.progress.step("the workers to be wired")
	return n.Wire(ctx)
}

// openHome takes the home and makes what is missing in it.
func (n *Node) openHome() (err error) {
	if n.lock, err = lockHome(n.Home); err != nil {
		return err
	}
	if err := leftovers(n.Home); err != nil {
		return err
	}
	if err := CheckModes(n.Home, HasRemoteSigner(n.Comet)); err != nil {
		return err
	}
	if n.genesis, err = ReadGenesis(n.Home.GenesisFile()); err != nil {
		return err
	}
	if err := n.genesis.Validate(); err != nil {
		return err
	}
	return createDatabases(n.Home, n.Comet, n.App.State)
}

// openState joins what the application needs, store, mailbox and consensus key,
// and what is known of earlier signatures.
func (n *Node) openState(ctx context.Context, logger ops.CometLogger) (err error) {
	n.store, err = store.Open(store.Config{
		Dir: appDir(n.Home), Backend: n.App.State.Backend, Keep: int64(n.App.State.KeepVersions), Logger: n.Logger,
	})
	if err != nil {
		return err
	}
	if err := n.openGuard(); err != nil {
		return err
	}
	if err := n.openValidator(ctx, logger); err != nil {
		return err
	}
	if err := n.openSnapshots(); err != nil {
		return err
	}
	n.mailbox = mailbox.New()
	n.app, err = app.New(app.Options{
		Store: n.store, Mailbox: n.mailbox, Self: n.self,
		Logger: n.Logger, Version: n.Version, RetainBlocks: int64(n.App.State.KeepBlocks), OnCommit: n.onCommit,
		ChainID: n.genesis.Doc.ChainID, Snapshots: n.archive,
	})
	return err
}

// onCommit wakes everybody who works on the committed state. Consensus waits
// for it, so nobody here may.
func (n *Node) onCommit(height int64) {
	if n.running.Load() { // else it is a replay
		n.committed.Store(true)
	}
	for _, wake := range n.listeners {
		wake(height)
	}
	if n.OnCommit != nil {
		n.OnCommit(height)
	}
}

// Wire makes the workers: a signer, for each chain an observer and a relayer, and
// one that makes snapshots. All of them are restarted with the process and keep nothing.
func (n *Node) Wire(ctx context.Context) error {
	state := newView(n.app, n.keys.signerAddresses())
	if len(n.keys.signers) > 0 {
		w, err := signer.NewWorker(signer.WorkerConfig{
			Keys: n.keys.signers, Seals: state, Mailbox: n.mailbox, Guard: n.guard, Logger: n.Logger,
		})
		if err != nil {
			return err
		}
		n.listeners = append(n.listeners, func(int64) { w.Committed() })
		n.workers = append(n.workers, worker{"signer", w.Run})
	}
	check := newSignerCheck(state, n.self, n.Logger)
	n.health.Add("signer", check.check)
	n.listeners = append(n.listeners, func(int64) { check.committed() })
	n.workers = append(n.workers, worker{"signer check", check.run})
	var relayers []*relayer.Worker
	for _, c := range n.App.Chains {
		if len(c.Endpoints) == 0 {
			n.log.Warn("this node does not observe the chain: it has no endpoints in app.toml", "chain", c.Name)
			continue
		}
		w, err := n.wireChain(ctx, c, state)
		if err != nil {
			return fmt.Errorf("chain %s: %w", c.Name, err)
		}
		if w.relayer != nil {
			relayers = append(relayers, w.relayer)
		}
	}
	if len(n.relayers) > 0 {
		n.workers = append(n.workers, worker{"reports of relayers", reporter(n.Home, n.relayers, n.log)})
	}
	n.workers = append(n.workers, worker{"report", n.runReporter})
	n.wireSnapshots()
	tidying := keeper.New(state.View, n.mailbox, relayers, n.log)
	n.listeners = append(n.listeners, func(int64) { tidying.Committed() })
	n.workers = append(n.workers, worker{"mailbox", tidying.Run})
	if err := n.wireAlarms(state); err != nil {
		return err
	}
	return n.wireTelemetry(state)
}

// chainWorkers are the observer and the relayer of one chain.
type chainWorkers struct {
	config   config.Chain
	client   *evm.Client
	observer *observer.Observer
	relayer  *relayer.Worker // nil: this node does not relay
}

// wireChain makes one chain's workers. A chain out of reach is no error: its
// workers wait for it, and nobody else does.
func (n *Node) wireChain(ctx context.Context, c config.Chain, state view) (*chainWorkers, error) {
	client, err := evm.Dial(ctx, ChainConfig(c))
	if err != nil {
		return nil, err
	}
	w := &chainWorkers{config: c, client: client}
	n.chains = append(n.chains, w)
	source := evm.NewSource(client, n.Logger)
	w.observer, err = observer.New(observer.Config{
		Chain: types.ChainID(c.ID), Label: c.Name, Source: source, Newest: source.Newest,
		State: state, Mailbox: n.mailbox, Logger: n.Logger, Interval: c.PollInterval, EvidenceDir: n.Home.EvidenceDir(),
	})
	if err != nil {
		return nil, err
	}
	n.health.Add("observer_"+c.Name, func() error { return observerTrouble(w.observer.Status()) })
	n.workers = append(n.workers, worker{"observer of " + c.Name, n.served(c, state, w.observer.Run)})
	if n.keys.relayer == nil {
		return w, nil
	}
	relaying, err := newRelaying(ctx, relayingSpec{
		home: n.Home, chain: c, client: client, key: n.keys.relayer, state: state, signatures: n.mailbox, log: n.Logger,
		worker: relayer.Config{Self: n.keys.signerAddresses(), Eager: n.App.Relayer.Eager}, limits: n.App.Relayer,
	})
	if err != nil { // no reason for a validator not to run
		n.log.Error("this node does not relay to the chain", "chain", c.Name, "err", err)
		n.health.Add("relayer_"+c.Name, func() error { return err })
		return w, nil
	}
	n.relayers = append(n.relayers, relaying)
	w.relayer = relaying.worker
	n.listeners = append(n.listeners, func(int64) { w.relayer.Committed() })
	n.workers = append(n.workers, worker{"relayer of " + c.Name, n.served(c, state, w.relayer.Run)})
	return w, nil
}

// served runs a chain's worker once the network is known to serve that chain
// with that contract. A configuration that contradicts the state keeps the
// worker from ever starting; the rest of the node goes on.
func (n *Node) served(c config.Chain, state view, run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := n.awaitChain(ctx, c, state); err != nil {
			<-ctx.Done()
			return nil
		}
		return run(ctx)
	}
}

// ChainConfig is a configured chain as internal/chain/evm takes it.
func ChainConfig(c config.Chain) evm.Config {
	endpoints := make([]evm.Endpoint, len(c.Endpoints))
	for i, e := range c.Endpoints {
		endpoints[i] = evm.Endpoint{URL: e.URL, Group: e.Group}
	}
	return evm.Config{
		Name: c.Name, ChainID: types.ChainID(c.ID), Bridge: c.Contract, Endpoints: endpoints,
		MinAgree: int(c.MinAgree), Finality: evm.Finality{Tag: c.Finality.Tag, Confirmations: c.Finality.Confirmations},
		Verification: evm.Verification(c.Verification), MaxRange: c.MaxRange, RequestTimeout: c.RequestTimeout, StartBlock: c.StartBlock, ForeignHeaders: c.ForeignHeaders,
		Rate: int(c.Rate), Burst: int(c.Burst), GenesisHash: c.GenesisHash,
	}
}

// wireTelemetry opens the port that monitoring asks.
func (n *Node) wireTelemetry(state view) error {
	n.health.Add("consensus", n.caughtUp)
	n.health.Add("chains", func() error { return n.observesAll(n.self) })
	if !n.App.Telemetry.Enabled {
		return nil
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newMetrics(n, state), newRelayerMetrics(n.relayers))
	server, err := ops.Listen(n.App.Telemetry.Listen, &n.health, registry, prometheus.DefaultGatherer)
	if err != nil {
		return err
	}
	n.telemetry = server
	n.workers = append(n.workers, worker{"telemetry", server.Run})
	return nil
}

// caughtUp is the readiness of consensus: blocks are there and no older ones
// are being fetched.
func (n *Node) caughtUp() error {
	switch {
	case n.store.Version() == 0:
		return app.ErrNoBlock
	case n.comet.ConsensusReactor().WaitSync():
		return errors.New("catching up")
	}
	return nil
}
