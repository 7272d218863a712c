package throughput

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/test/bench/fleet"
	"github.com/icrosschain/bridged/test/bench/usage"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Kind is what the processes of this benchmark are, for fleet.Serve.
const Kind = "validator"

// Told is what a validator's process is told.
type Told struct {
	Home    string
	Shared  string // a file with Shared, the same for all
	Samples int    // batches that it keeps
	Profile string // where it writes its profiles; "" wants none
}

// Shared is what all processes know of the chains.
type Shared struct {
	Chains   []Chain // the source first
	SetHash  types.Hash
	Ahead    uint64 // deposits that are final on the source before they are applied
	Deposits Deposits
}

// Status is how far a validator is.
type Status struct {
	Counts
	usage.Usage
	Feed Spent
	// Times are CometBFT's own: in each method of the application, and in each step
	// of consensus.
	Times map[string]time.Duration
}

// Validator is one process: a real node, with a feed in the place of observers,
// relayers and chains.
type Validator struct {
	told Told
	node *node.Node
	feed *feed
	stop func() error // ends the profile
}

// NewValidator opens a node. It is a fleet.Kind.
func NewValidator(ctx context.Context, text []byte) (fleet.Member, error) {
	v := &Validator{}
	if err := json.Unmarshal(text, &v.told); err != nil {
		return nil, fmt.Errorf("reading what the validator is told: %w", err)
	}
	text, err := os.ReadFile(v.told.Shared)
	if err != nil {
		return nil, fmt.Errorf("reading what the validators share: %w", err)
	}
	var shared Shared
	if err := json.Unmarshal(text, &shared); err != nil {
		return nil, fmt.Errorf("reading what the validators share: %w", err)
	}
	home := config.Home(v.told.Home)
	comet, err := config.LoadComet(home)
	if err != nil {
		return nil, err
	}
	settings, err := config.Load(home, nil)
	if err != nil {
		return nil, err
	}
	v.feed = newFeed(shared, v.told.Samples)
	v.node, err = node.Open(ctx, node.Options{
		Home: home, App: settings.Config, Comet: comet, OnCommit: v.feed.committed,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return nil, err
	}
	v.feed.join(v.node)
	return v, nil
}

// Run implements fleet.Member.
func (v *Validator) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return v.node.Run(ctx) })
	group.Go(func() error { return v.feed.run(ctx) })
	return errors.Join(group.Wait(), v.node.Close())
}

// Status tells how far the validator is.
func (v *Validator) Status(_ int, s *Status) error {
	s.Counts, s.Feed = v.feed.now()
	s.Usage = usage.ThisProcess()
	var err error
	s.Times, err = timing()
	return err
}

// timed are CometBFT's metrics of time, with the label that says what is timed.
var timed = map[string]string{
	"cometbft_abci_connection_method_timing_seconds": "method",
	"cometbft_consensus_step_duration_seconds":       "step",
}

// timing reads them.
func timing() (map[string]time.Duration, error) {
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	times := map[string]time.Duration{}
	for _, family := range families {
		by, wanted := timed[family.GetName()]
		if !wanted {
			continue
		}
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == by {
					times[by+" "+label.GetValue()] += time.Duration(m.GetHistogram().GetSampleSum() * float64(time.Second))
				}
			}
		}
	}
	return times, nil
}

// Measure begins or ends what is profiled.
func (v *Validator) Measure(begin bool, _ *int) (err error) {
	switch {
	case v.told.Profile == "":
		return nil
	case begin:
		v.stop, err = usage.Profile(v.told.Profile)
		return err
	default:
		return v.stop()
	}
}

// Finish lets the source have no deposit after one.
func (v *Validator) Finish(last uint64, _ *int) error {
	v.feed.finish(last)
	return nil
}

// Hash is the app hash that the validator itself computed for a height.
func (v *Validator) Hash(height int64, hash *[]byte) (err error) {
	*hash, err = v.feed.hash(height)
	return err
}

// Violations are the invariants that do not hold.
func (v *Validator) Violations(_ int, found *[]string) error {
	a := v.node.Application()
	return a.View(func(state bridge.Reader, _ int64) error {
		violations, err := a.Machine().CheckInvariants(state)
		for _, violation := range violations {
			*found = append(*found, fmt.Sprintf("%+v", violation))
		}
		return err
	})
}

// Sampled are commands that a quorum has signed, in order: those before the first
// batch, and some batches.
type Sampled struct {
	Commands map[types.ChainID][]bridge.OutboxCommand
}

// Samples are what the validator kept.
func (v *Validator) Samples(_ int, s *Sampled) error {
	*s = v.feed.sampled()
	return nil
}
