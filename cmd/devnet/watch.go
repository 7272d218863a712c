package main

import (
	"context"
	"sync"
	"time"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

// watchInterval is how exactly a watch knows its moments.
const watchInterval = 10 * time.Millisecond

// watch notes when each block of a chain came, and when it became final. Block
// times cannot say it: they count whole seconds.
type watch struct {
	stop context.CancelFunc
	done chan struct{}

	mu    sync.Mutex
	heads moments
	final moments
}

// moments are when blocks were first seen, by their numbers.
type moments struct {
	next uint64 // first block not seen yet
	at   []time.Time
}

func (m *moments) reach(number uint64, now time.Time) {
	for ; m.next <= number; m.next++ {
		m.at = append(m.at, now)
	}
}

func (m *moments) of(number uint64) (time.Time, bool) {
	if number >= m.next {
		return time.Time{}, false
	}
	return m.at[number], true
}

func watchChain(node *evmnode.Node) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{stop: cancel, done: make(chan struct{})}
	go w.run(ctx, node)
	return w
}

func (w *watch) run(ctx context.Context, node *evmnode.Node) {
	defer close(w.done)
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		head, final := node.Head(), node.Finalized()
		w.mu.Lock()
		w.heads.reach(head.Number.Uint64(), time.Now())
		if final != nil {
			w.final.reach(final.Number.Uint64(), time.Now())
		}
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// mined is when a block came, if it has.
func (w *watch) mined(number uint64) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heads.of(number)
}

// finalised is when a block became final, if it has.
func (w *watch) finalised(number uint64) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.final.of(number)
}

func (w *watch) close() {
	w.stop()
	<-w.done
}
