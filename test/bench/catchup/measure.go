package catchup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/observer"
	"github.com/icrosschain/bridged/test/bench/usage"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// firstEvents are those that the bridge emits before the first deposit: that of
// its constructor, of two commands, and of the token's registration.
const firstEvents = 4

// Report is what a run measured.
type Report struct {
	Endpoints int
	Blocks    uint64
	Deposits  uint64
	Making    float64 // seconds
	Seconds   float64
	Requests  map[string]uint64 // by class of method, all endpoints
	HeapFirst uint64            // bytes
	HeapPeak  uint64
	RSSPeak   uint64 // with the chain's server, and its making
	Errors    uint64 // requests that failed
}

// network is a state that agrees on what this node has marked: it takes marks out
// of the mailbox as fast as votes could name them.
type network struct {
	mu    sync.Mutex
	state bridge.ChainState
	marks uint64
}

// Chain implements observer.State.
func (n *network) Chain(types.ChainID) (bridge.ChainState, types.Params, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state, types.DefaultParams(), nil
}

// follow moves the cursor to the newest mark pending.
func (n *network) follow(box *mailbox.Box) types.Mark {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range box.Pending().Chains {
		if count := len(c.Marks); count > 0 {
			m := c.Marks[count-1]
			n.state.Cursor, n.state.CursorHash, n.state.CursorBlock = m.Nonce, m.Hash, m.Block
			n.marks += uint64(count)
		}
	}
	box.Committed(1, []bridge.ChainState{n.state}, nil)
	return types.Mark{Nonce: n.state.Cursor, Hash: n.state.CursorHash}
}

// measure lets an observer catch up a chain with a deposit in each of so many
// blocks.
func measure(ctx context.Context, dir string, blocks, endpoints int, log *slog.Logger) (r Report, err error) {
	start := time.Now()
	server, err := serve(dir, blocks)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, server.stack.Close()) }()
	r = Report{Endpoints: endpoints, Blocks: server.head, Deposits: server.head, Making: time.Since(start).Seconds()}
	cfg := evm.Config{Name: "alpha", ChainID: chainID, Bridge: server.bridge, MinAgree: min(endpoints, 2), RequestTimeout: 30 * time.Second}
	for i := range endpoints {
		cfg.Endpoints = append(cfg.Endpoints, evm.Endpoint{URL: server.url(), Group: fmt.Sprintf("operator-%d", i+1)})
	}
	client, err := evm.Dial(ctx, cfg)
	if err != nil {
		return r, err
	}
	defer client.Close()
	runtime.GC()
	r.HeapFirst = heap()
	if err := r.catchUp(ctx, client, server, log); err != nil {
		return r, err
	}
	r.RSSPeak = usage.ThisProcess().RSS
	r.Requests = map[string]uint64{}
	for _, s := range client.Status() {
		r.Errors += s.Failures
		for class, calls := range s.Calls {
			r.Requests[class] += calls
		}
	}
	maps.DeleteFunc(r.Requests, func(_ string, calls uint64) bool { return calls == 0 })
	return r, nil
}

// catchUp runs the observer until the network has agreed on the last deposit.
func (r *Report) catchUp(ctx context.Context, client *evm.Client, server *server, log *slog.Logger) error {
	source, box := evm.NewSource(client, log), mailbox.New()
	n := &network{state: bridge.ChainState{
		Chain:      types.Chain{ID: chainID, Bridge: server.bridge},
		CursorHash: evmsig.InboxSeed(evmtest.NetworkID, chainID, server.bridge),
	}}
	o, err := observer.New(observer.Config{
		Chain: chainID, Label: "alpha", Source: source, State: n, Mailbox: box, Logger: log, Interval: 50 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	var observing sync.WaitGroup
	defer observing.Wait()
	defer stop()
	observing.Go(func() { err = o.Run(watching) })
	start := time.Now()
	var at types.Mark
	for at.Nonce < server.head+firstEvents {
		select {
		case <-ctx.Done():
			return fmt.Errorf("at event %d: %w; %s", at.Nonce, ctx.Err(), o.Status().Error)
		case <-time.After(5 * time.Millisecond):
		}
		at = n.follow(box)
		r.HeapPeak = max(r.HeapPeak, heap())
	}
	r.Seconds = time.Since(start).Seconds()
	position, err := source.Finalized(ctx)
	if err != nil {
		return err
	}
	if position.Inbox.Nonce != at.Nonce || position.Inbox.Hash != at.Hash || position.Block != server.head {
		return fmt.Errorf("read up to event %d with %s, and the contract holds %d with %s", at.Nonce, at.Hash, position.Inbox.Nonce, position.Inbox.Hash)
	}
	if n.marks < server.head {
		return fmt.Errorf("%d marks for %d blocks with a deposit", n.marks, server.head)
	}
	return nil
}

// heap is what objects take, in bytes.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
