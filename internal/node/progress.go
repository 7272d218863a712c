package node

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// reportInterval is how often a slow start says what it waits for.
const reportInterval = 10 * time.Second

// progress says what a start waits for, until the first block.
type progress struct {
	log *slog.Logger

	mu     sync.Mutex
	waits  string
	since  time.Time
	isOver bool
}

func newProgress(log *slog.Logger) *progress {
	return &progress{log: log, waits: "the home", since: time.Now()}
}

// step notes what is waited for from now on.
func (p *progress) step(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waits != what {
		p.waits = what
	}
}

// done ends the reports.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isOver = true
}

// report logs every ten seconds until ctx ends, stop is called or done was. A
// start that is quick says nothing.
func (p *progress) report(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(reportInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if !p.say() {
				return
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

func (p *progress) say() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isOver {
		return false
	}
	p.log.Info("still starting", "waits_for", p.waits, "seconds", int(time.Since(p.since).Seconds()))
	return true
}
