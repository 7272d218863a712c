package latency

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/keeper"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/bench/model"
	"github.com/icrosschain/bridged/test/bench/wait"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	setupWithin = time.Minute
	sentWithin  = time.Minute // after the last deposit
	pollEvery   = 20 * time.Millisecond

	// sourceBlock is how far the source's blocks with deposits are apart, on average.
	sourceBlock = 200 * time.Millisecond
)

// network is running validators.
type network struct {
	*model.Network
	trace   *trace
	cluster *cluster.Cluster
	workers []*workers
	running atomic.Bool // the workers may be woken
}

// workers are what one validator does beside consensus.
type workers struct {
	model.View
	guard    *signer.Guard
	signer   *signer.Worker
	relayers []*relayer.Worker
	keeper   *keeper.Keeper
}

func start(ctx context.Context, commit time.Duration, o figure.Options) (n *network, err error) {
	n = &network{trace: newTrace()}
	// One batch takes whatever comes: how a destination bounds its batches is not
	// measured here.
	if n.Network, err = model.New(model.Options{Validators: validators, BatchGas: 1 << 30, ReleaseGas: types.MinReleaseGas}); err != nil {
		return nil, err
	}
	mailboxes := make([]app.Mailbox, validators)
	for i, box := range n.Boxes {
		mailboxes[i] = heard{box, n.trace, i}
	}
	n.cluster, err = cluster.Start(ctx, cluster.Config{
		Dir: o.Dir, ChainID: model.ChainID, Genesis: n.Genesis, Mailboxes: mailboxes, OnCommit: n.committed, Commit: commit,
	})
	if err != nil {
		return nil, fmt.Errorf("starting the validators: %w", err)
	}
	for i := range n.cluster.Nodes {
		w, err := n.newWorkers(i, o)
		if err != nil {
			return nil, errors.Join(err, n.close())
		}
		n.workers = append(n.workers, w)
	}
	n.running.Store(true)
	return n, nil
}

func (n *network) newWorkers(i int, o figure.Options) (w *workers, err error) {
	w = &workers{View: n.NewView(i, n.cluster.Nodes[i].App)}
	log := slog.New(slog.DiscardHandler)
	path := filepath.Join(o.Dir, fmt.Sprintf("signed%d", i))
	network := evmsig.NetworkID(model.ChainID)
	if err := signer.CreateGuard(path, network); err != nil {
		return nil, err
	}
	if w.guard, err = signer.OpenGuard(path, network); err != nil {
		return nil, err
	}
	w.signer, err = signer.NewWorker(signer.WorkerConfig{
		Keys: []signer.Key{n.Keys[i]}, Seals: w.View, Mailbox: w.Box, Guard: w.guard, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	for _, id := range model.IDs {
		r, err := relayer.New(relayer.Config{Chain: id, Self: []types.Address{w.By}}, relayer.Deps{
			State: w.View, Signatures: w.Box, Sink: newSink(n, id, w.View), Logger: log,
		})
		if err != nil {
			return nil, err
		}
		w.relayers = append(w.relayers, r)
	}
	w.keeper = keeper.New(w.View.View, w.Box, w.relayers, log)
	return w, nil
}

// committed notes a height and wakes the workers of a validator.
func (n *network) committed(node int, height int64) {
	if !n.running.Load() {
		return
	}
	w := n.workers[node]
	if chains, err := w.Chains(); err == nil { // from memory
		n.trace.committed(height, chains[model.Source].Cursor)
	}
	w.signer.Committed()
	for _, r := range w.relayers {
		r.Committed()
	}
	w.keeper.Committed()
}

// with runs the workers until main has returned.
func (n *network) with(ctx context.Context, main func(context.Context) error) error {
	var others []func(context.Context) error
	for _, w := range n.workers {
		others = append(others, w.keeper.Run, w.signer.Run)
		for _, r := range w.relayers {
			others = append(others, func(ctx context.Context) error {
				if err := await(ctx, setupWithin, "the first block", w.hasBlock); err != nil {
					return err
				}
				return r.Run(ctx)
			})
		}
	}
	return wait.While(ctx, func(ctx context.Context) error {
		if err := await(ctx, setupWithin, "tokens to be registered", n.workers[0].Ready); err != nil {
			return err
		}
		return main(ctx)
	}, others...)
}

// hasBlock says whether there is a state to relay from, as a node makes sure of
// before its relayers start.
func (w *workers) hasBlock() (bool, error) { return w.Height() > 0, nil }

// await polls until a state says that something holds; there may be none yet.
func await(ctx context.Context, within time.Duration, what string, holds func() (bool, error)) error {
	return wait.Until(ctx, within, pollEvery, what, func(context.Context) (bool, error) {
		ok, err := holds()
		if errors.Is(err, app.ErrNoBlock) {
			return false, nil
		}
		return ok, err
	})
}

func (n *network) close() error {
	n.running.Store(false)
	errs := []error{n.cluster.Stop()}
	for _, w := range n.workers {
		errs = append(errs, w.guard.Close())
	}
	return errors.Join(errs...)
}

// pass lets transfers become final at a rate, and returns what was traced of them
// when the last one was sent.
func (n *network) pass(ctx context.Context, l load) (passage, error) {
	first := len(n.trace.final)
	begin := time.Now()
	if err := n.feed(ctx, l, begin); err != nil {
		return passage{}, err
	}
	end := time.Now()
	sent := func() (bool, error) { return n.trace.unsent(first) == 0, nil }
	if err := await(ctx, sentWithin, "releases to be sent", sent); err != nil {
		return passage{}, fmt.Errorf("%w: %d of %d are missing", err, n.trace.unsent(first), len(n.trace.final)-first)
	}
	return n.trace.passage(first, begin, end)
}

// feed makes the source's blocks. One lies in each span of equal length, anywhere
// in it: so they keep no step with the network's.
func (n *network) feed(ctx context.Context, l load, begin time.Time) error {
	span := max(sourceBlock, time.Second/time.Duration(l.rate))
	each := int(time.Duration(l.rate) * span / time.Second)
	for i := range int(l.length / span) {
		at := time.Duration(i)*span + rand.N(span) //nolint:gosec // it decides nothing
		if err := wait.For(ctx, time.Until(begin.Add(at))); err != nil {
			return err
		}
		first, deposits := n.Made()+1, n.Deposits(each)
		n.trace.became(first, n.Chains[model.Source].Nonce()+1, each)
		if err := n.Final(model.Source, deposits...); err != nil {
			return err
		}
	}
	return nil
}
