// Package node is one process: CometBFT, the application, and the workers
// beside them. It is the only package that knows both halves, the replicated
// and the local one. Wire, in wire.go, shows the whole system on one page.
//
// Its invariants: every goroutine ends with the context; nothing that a worker
// does can delay consensus; a process that is of no more use ends with an error
// that says why.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	cmtdb "github.com/cometbft/cometbft-db"
	cmtconfig "github.com/cometbft/cometbft/config"
	cmtnode "github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	cmttypes "github.com/cometbft/cometbft/types"
	"golang.org/x/sync/errgroup"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/internal/snapshot"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Options are what a node needs to start.
type Options struct {
	Home    config.Home
	App     config.Config
	Comet   *cmtconfig.Config
	Logger  *slog.Logger
	Version string
	// OnCommit, if not nil, hears of every committed height. It must not wait.
	OnCommit func(height int64)
	// SignerWait is how long to wait for a remote signer; 0: a minute.
	SignerWait time.Duration
}

// Node is a node that is open: its databases are loaded and blocks replayed.
type Node struct {
	Options
	log       *slog.Logger
	lock      *os.File
	genesis   Genesis
	validator cmttypes.PrivValidator // the home's consensus key, or a *remoteSigner
	self      types.ValidatorID
	store     *store.Store
	archive   *snapshot.Archive
	app       *app.App
	mailbox   *mailbox.Box
	comet     *cmtnode.Node
	databases []cmtdb.DB // CometBFT's; a node that runs closes them itself
	keys      keys
	guard     *signer.Guard // nil: this node signs no seals
	chains    []*chainWorkers
	relayers  []*relaying
	workers   []worker
	health    ops.Health
	telemetry *ops.Server
	progress  *progress
	stateSync chan string          // why CometBFT gave up on it
	listeners []func(height int64) // woken by each commit; fixed before consensus starts
	running   atomic.Bool          // consensus was started
	committed atomic.Bool          // a block was committed since
}

// worker is a loop beside consensus. Its error stops the node.
type worker struct {
	name string
	run  func(context.Context) error
}

// Run opens and runs a node until ctx ends, or until it fails.
func Run(ctx context.Context, o Options) error {
	n, err := Open(ctx, o)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil // interrupted while it started
		}
		return err
	}
	return errors.Join(n.Run(ctx), n.Close())
}

// Open prepares a node: it takes the home for this process, loads keys and
// state, and lets CometBFT replay what the state lacks. Nothing is sent to
// anybody yet.
func Open(ctx context.Context, o Options) (*Node, error) {
	n := &Node{Options: o, log: o.Logger.With("component", "node"), stateSync: make(chan string, 1)}
	n.progress = newProgress(n.log)
	stop := n.progress.report(ctx)
	defer stop()
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// Close stops what Open started. Consensus goes first, for it writes. It may be
// called again.
func (n *Node) Close() error {
	var errs []error
	switch {
	case n.comet != nil && n.comet.IsRunning():
		errs = append(errs, n.comet.Stop())
		n.comet.Wait()
	case n.running.Load(): // it has stopped itself, and its databases with it
	default:
		for _, db := range n.databases {
			errs = append(errs, db.Close())
		}
	}
	n.comet, n.databases = nil, nil
	if remote, ok := n.validator.(*remoteSigner); ok {
		errs = append(errs, remote.Close())
	}
	for _, c := range n.chains {
		c.client.Close()
	}
	n.chains = nil
	for _, r := range n.relayers {
		r.close()
	}
	n.relayers = nil
	if n.store != nil {
		errs = append(errs, n.store.Close())
		n.store = nil
	}
	if n.guard != nil {
		errs = append(errs, n.guard.Close())
		n.guard = nil
	}
	if n.lock != nil {
		errs = append(errs, n.lock.Close())
		n.lock = nil
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop the node: %w", err)
	}
	return nil
}

// Run starts consensus and all workers, and returns when ctx ends (nil) or one
// of them fails.
func (n *Node) Run(ctx context.Context) error {
	n.progress.step("consensus to start")
	stop := n.progress.report(ctx)
	defer stop()
	n.running.Store(true)
	if err := n.comet.Start(); err != nil {
		return fmt.Errorf("start consensus: %w", err)
	}
	consensus, err := n.consensus()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		err := ops.WatchConsensus(ctx, consensus)
		if err != nil {
			n.health.Fail(err)
		}
		return err
	})
	for _, w := range n.workers {
		group.Go(func() error {
			if err := w.run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s: %w", w.name, err)
			}
			return nil
		})
	}
	group.Go(func() error { return n.watchStart(ctx) })
	group.Go(func() error { return n.watchStateSync(ctx) })
	n.log.Info("started", "chain_id", n.genesis.Doc.ChainID, "height", n.store.Version(), "node_id", string(n.comet.NodeInfo().ID()))
	err = group.Wait()
	if err == nil {
		n.log.Info("stopping")
	}
	return err
}

// consensus is CometBFT's consensus state, whose Wait returns when its loop has
// ended. The node gives it away only through its RPC environment.
func (n *Node) consensus() (ops.Routine, error) {
	environment, err := n.comet.ConfigureRPC()
	if err != nil {
		return nil, fmt.Errorf("find the consensus state: %w", err)
	}
	routine, ok := environment.ConsensusState.(ops.Routine)
	if !ok {
		return nil, errors.New("CometBFT's consensus state cannot be waited for")
	}
	return routine, nil
}

// lockName is the file whose lock a process holds that runs on a home.
const lockName = ".lock"

// lockHome keeps a second process out: two with one consensus key would sign
// twice. The kernel lets go of it however this process ends.
func lockHome(home config.Home) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(home.String(), lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock home: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another process runs on %s: %w", home, err), file.Close())
	}
	return file, nil
}

// IsLocked says whether a process runs on the home.
func IsLocked(home config.Home) (bool, error) {
	file, err := os.Open(filepath.Join(home.String(), lockName))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the home's lock: %w", err)
	}
	defer func() { _ = file.Close() }() // lets go of it
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// openComet makes the CometBFT node, which replays blocks here. CometBFT
// panics where its store and the state contradict each other.
func (n *Node) openComet(ctx context.Context, logger ops.CometLogger) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: replaying blocks: %v", ops.ErrConsensusFailure, cause)
		}
	}()
	nodeKey, err := p2p.LoadNodeKey(n.Home.NodeKeyFile())
	if err != nil {
		return fmt.Errorf("read node key: %w", err)
	}
	metrics := cometMetrics(&cmtconfig.InstrumentationConfig{
		Prometheus: n.App.Telemetry.Enabled, Namespace: n.Comet.Instrumentation.Namespace,
	})
	// CometBFT must not serve its metrics on a second port, nor wait for a second
	// remote signer.
	comet := *n.Comet
	comet.PrivValidatorListenAddr = ""
	instrumentation := *comet.Instrumentation
	instrumentation.Prometheus = false
	comet.Instrumentation = &instrumentation
	n.comet, err = cmtnode.NewNodeWithContext(ctx, &comet, n.validator, nodeKey,
		proxy.NewConnSyncLocalClientCreator(n.app),
		func() (*cmttypes.GenesisDoc, error) { return n.genesis.document() },
		n.openDatabase, metrics, syncLogger{logger, n.stateSync})
	if err != nil {
		return fmt.Errorf("open consensus: %w", err)
	}
	return nil
}

// openDatabase opens one of CometBFT's databases for it.
func (n *Node) openDatabase(c *cmtconfig.DBContext) (cmtdb.DB, error) {
	opened, err := cmtconfig.DefaultDBProvider(c)
	if err != nil {
		return nil, err
	}
	db := newClosingDB(opened)
	n.databases = append(n.databases, db)
	return db, nil
}

// hasBlocks says whether this home has taken part already.
func (n *Node) hasBlocks() bool {
	return n.store.Version() > 0 || hasWAL(n.Comet)
}

// hasWAL says whether consensus was ever started: the write-ahead log comes
// before the first block that it makes.
func hasWAL(c *cmtconfig.Config) bool {
	_, err := os.Stat(filepath.Dir(c.Consensus.WalFile()))
	return err == nil
}
