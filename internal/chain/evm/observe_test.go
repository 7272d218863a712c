package evm

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/observer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// agreed is a state in which the network agrees on what this node has marked.
type agreed struct {
	mu    sync.Mutex
	state bridge.ChainState
}

// Chain implements observer.State.
func (a *agreed) Chain(types.ChainID) (bridge.ChainState, types.Params, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state, types.DefaultParams(), nil
}

// follow moves the cursor to the newest mark pending.
func (a *agreed) follow(box *mailbox.Box) uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range box.Pending().Chains {
		if n := len(c.Marks); n > 0 {
			m := c.Marks[n-1]
			a.state.Cursor, a.state.CursorHash, a.state.CursorBlock = m.Nonce, m.Hash, m.Block
		}
	}
	box.Committed(1, []bridge.ChainState{a.state}, nil)
	return a.state.Cursor
}

// TestObserverOfARealChain deposits while an observer with a restart behind it
// and a lying server in front watches.
func TestObserverOfARealChain(t *testing.T) {
	w := newWorld(t)
	state := &agreed{state: bridge.ChainState{
		Chain: types.Chain{ID: testChain, Bridge: w.bridge}, CursorHash: w.seed().Hash,
	}}
	liar := newProxy(t, w.node.HTTPURL(), lie{})
	until := func(box *mailbox.Box, nonce uint64) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); state.follow(box) != nonce; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the cursor is at %d, want %d", state.follow(box), nonce)
			}
		}
	}
	run := func(test func(*mailbox.Box, *observer.Observer)) {
		box := mailbox.New()
		o, err := observer.New(observer.Config{
			Chain: testChain, Source: w.source(w.config(2, liar.URL, w.node.HTTPURL(), w.node.WSURL())), State: state, Mailbox: box,
			Interval: 10 * time.Millisecond, FirstWait: 10 * time.Millisecond, LastWait: 50 * time.Millisecond,
		})
		w.must(err)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := o.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		defer wg.Wait()
		defer cancel()
		test(box, o)
	}
	run(func(box *mailbox.Box, _ *observer.Observer) {
		w.deposits(3, 1)
		w.finalize()
		until(box, 8)
	})
	liar.tell(on("eth_getLogs", func(logs) logs { return logs{} }))
	run(func(box *mailbox.Box, o *observer.Observer) {
		w.deposits(0, 2)
		w.finalize()
		until(box, 10)
		w.must(w.node.Reorg(1, false)) // above finality: nothing to see
		w.deposits(1)
		w.finalize()
		until(box, 11)
		if s := o.Status(); s.Inbox != 11 || s.Held != 0 && s.Held != 1 {
			t.Errorf("status %+v", s)
		}
	})
}
