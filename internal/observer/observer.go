// Package observer turns finalised logs into inbox events and marks: one
// Observer a chain, beside consensus, which it never makes wait.
//
// An observer needs nothing on disk and is level-triggered: each round it reads
// the agreed cursor from the state and the finalised position from the chain,
// and closes the gap between them. What it hands to the mailbox is proven; any
// trouble with the chain means that it hands over nothing, and tries again. A
// chain that breaks its word about finalised data is an alarm: see alarm.go.
package observer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// State is the committed state of the network. The node hands it in.
type State interface {
	// Chain returns the latest committed state of a chain, and the parameters.
	Chain(id types.ChainID) (bridge.ChainState, types.Params, error)
}

// Mailbox takes what was proven, for votes and proposals.
type Mailbox interface {
	// Add takes events that follow those it holds, or refuses them all.
	Add(id types.ChainID, n mailbox.News) error
	// Reset forgets the events and marks of a chain.
	Reset(id types.ChainID)
	// Held is how many events of a chain it holds: those above the cursor.
	Held(id types.ChainID) int
	// SetAlarm takes what this validator says of a chain: AlarmContradiction
	// holds its marks back, AlarmUnsaid leaves what it said before. It passes
	// over what was found before the last re-anchoring.
	SetAlarm(id types.ChainID, alarm types.Alarm, anchored uint64)
	// Anchored is how often governance has given the chain another history.
	Anchored(id types.ChainID) uint64
}

// Config is what an Observer needs. A zero takes its default.
type Config struct {
	Chain   types.ChainID
	Label   string // for logs and status
	Source  chain.Source
	State   State
	Mailbox Mailbox
	Logger  *slog.Logger // nil: silent

	EvidenceDir string // for contradictions; empty: none is kept

	// Newest is the number of the newest block that a server names, final or
	// not: asked for only where finality does not move. nil: that is not said.
	Newest func(context.Context) (uint64, error)

	Interval  time.Duration // between rounds; 1 s
	MaxEvents int           // held above the cursor, each below types.MaxEventBytes; 50,000
	FirstWait time.Duration // after a first error; 500 ms
	LastWait  time.Duration // after many; 30 s
}

func (c Config) withDefaults() (Config, error) {
	if c.Source == nil || c.State == nil || c.Mailbox == nil || c.Chain == 0 {
		return Config{}, errors.New("observer: chain, source, state and mailbox are needed")
	}
	if c.Label == "" {
		c.Label = c.Chain.String()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		value *time.Duration
		other time.Duration
	}{{&c.Interval, time.Second}, {&c.FirstWait, 500 * time.Millisecond}, {&c.LastWait, 30 * time.Second}} {
		if *d.value <= 0 {
			*d.value = d.other
		}
	}
	if c.MaxEvents <= 0 {
		c.MaxEvents = 50_000
	}
	return c, nil
}

// Observer watches one chain.
type Observer struct {
	cfg Config
	log *slog.Logger

	// Of Run's goroutine alone: what has been proven so far.
	reading bool         // the rest is valid
	tip     types.Mark   // newest event handed over, or the cursor; Block is where to read on
	marks   []types.Mark // handed over, above the cursor
	ahead   []types.Mark // proven, beyond the tip
	agreed  bridge.ChainState
	history []types.Mark // agreed, newest last: what the chain said once
	alarm   alarm

	finality finality

	mu     sync.Mutex
	status Status
}

// New makes an Observer.
func New(cfg Config) (*Observer, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	anchored := cfg.Mailbox.Anchored(cfg.Chain)
	cfg.Mailbox.SetAlarm(cfg.Chain, types.AlarmUnsaid, anchored)
	return &Observer{
		cfg: cfg, log: cfg.Logger.With("component", "observer", "chain", cfg.Label),
		alarm:  alarm{anchored: anchored},
		status: Status{Chain: cfg.Chain, Label: cfg.Label, Alarm: types.AlarmOff},
	}, nil
}

// Run observes until ctx ends, and then returns nil. No trouble with the chain
// ends it, not even a panic: it waits, longer each time, and tries again.
func (o *Observer) Run(ctx context.Context) error {
	wait := backoff.ExponentialBackOff{
		InitialInterval: o.cfg.FirstWait, MaxInterval: o.cfg.LastWait, Multiplier: 2, RandomizationFactor: 0.5,
	}
	for ctx.Err() == nil {
		more, err := o.supervised(ctx)
		if ctx.Err() != nil {
			break
		}
		pause := jitter(o.cfg.Interval)
		switch {
		case chain.ContradictionOf(err) != nil: // no endpoint's trouble: to be watched
			pause = min(wait.NextBackOff(), watchRounds*pause)
			o.failed(ctx, err, pause)
		case err != nil:
			pause = wait.NextBackOff()
			o.failed(ctx, err, pause)
		case more:
			pause = 0
			fallthrough
		default:
			wait.Reset()
			o.recovered()
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// jitter spreads the validators' requests to the same servers.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + time.Duration(rand.Int64N(int64(d/5)+1)) //nolint:gosec // only spreads load
}

// supervised is a round in which a panic is an error.
func (o *Observer) supervised(ctx context.Context) (more bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			o.log.Error("observer panicked (will retry)", "err", p, "stack", string(debug.Stack()))
			more, err = false, fmt.Errorf("panic: %v", p)
		}
		if chain.SeverityOf(err) != chain.Retry {
			o.rewind()
		}
	}()
	more, err = o.runOnce(ctx)
	if c := chain.ContradictionOf(err); c != nil {
		o.raise(ctx, c, chain.CheckOf(err))
	}
	return more, err
}

// rewind forgets what the network has not agreed on yet.
func (o *Observer) rewind() {
	o.reading, o.tip, o.marks, o.ahead = false, types.Mark{}, nil, nil
	o.cfg.Mailbox.Reset(o.cfg.Chain)
}
