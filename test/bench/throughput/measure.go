package throughput

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/test/bench/fleet"
	"github.com/icrosschain/bridged/test/bench/wait"
)

const (
	// mostPerSecond is how many deposits are foreseen.
	mostPerSecond = 40_000
	startWithin   = 2 * time.Minute // until deposits are finalised
	drainWithin   = 3 * time.Minute // until every transfer is complete
	lookEvery     = 100 * time.Millisecond
	samples       = 20 // batches that the real contract executes
)

// Config is one run.
type Config struct {
	Dir           string
	Validators    int
	WarmUp        time.Duration // with deposits, before anything counts
	Length        time.Duration
	Ahead         uint64        // deposits that are final on the source before they are applied
	CommitTimeout time.Duration // timeout_commit
	Profile       string        // where the first validator writes profiles; "" wants none
	say           func(format string, args ...any)
}

// Measured is what a run measured, from its first to its last moment.
type Measured struct {
	Config
	first, last []Status // of all validators
	voteBytes   int64
	gas         uint64 // that the contract took for the sampled releases
	releases    int
	batches     int
}

// Measure runs a network.
func Measure(ctx context.Context, c Config) (m Measured, err error) {
	n, err := newNetwork(c)
	if err != nil {
		return m, err
	}
	m.Config = c
	sampled, err := n.measure(ctx, &m)
	if err = errors.Join(err, n.ports.Close()); err != nil {
		return m, err
	}
	for _, commands := range sampled.Commands {
		m.batches += len(commands)
	}
	m.batches -= len(sampled.Commands) * setupCommands
	c.say("the contract executes %d batches\n", m.batches)
	m.gas, m.releases, err = n.contracts.execute(sampled)
	if err != nil {
		return m, fmt.Errorf("on the real contract: %w", err)
	}
	return m, nil
}

// measure lets the validators run until every transfer is complete.
func (n *network) measure(ctx context.Context, m *Measured) (sampled Sampled, err error) {
	f, err := fleet.Start(ctx, Kind, n.Dir, n.specs())
	if err != nil {
		return sampled, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	shipped := config.Comet("", "")
	n.say("%d validators start: timeout_commit %s, peer_gossip_sleep_duration %s, flush_throttle_timeout %s, send_rate %d\n", n.Validators,
		n.CommitTimeout, shipped.Consensus.PeerGossipSleepDuration, shipped.P2P.FlushThrottleTimeout, shipped.P2P.SendRate)
	if err := await(ctx, f, startWithin, "transfers are complete", func(s Status) bool { return s.Completed > 0 }); err != nil {
		return sampled, err
	}
	if err := wait.For(ctx, n.WarmUp); err != nil {
		return sampled, err
	}
	if m.first, err = n.moment(f, true); err != nil {
		return sampled, err
	}
	n.say("measuring for %s\n", n.Length)
	if err := wait.For(ctx, n.Length); err != nil {
		return sampled, err
	}
	if m.last, err = n.moment(f, false); err != nil {
		return sampled, err
	}
	if err := n.drain(ctx, f); err != nil {
		return sampled, err
	}
	if m.voteBytes, err = n.voteBytes(ctx, m.first[0].Height, m.last[0].Height); err != nil {
		return sampled, err
	}
	return sampled, f.Call(0, "Samples", 0, &sampled)
}

// moment is where all validators stand, at the beginning of the measurement or at
// its end.
func (n *network) moment(f *fleet.Fleet, begin bool) ([]Status, error) {
	if begin {
		if _, err := fleet.Each[int](f, "Measure", true); err != nil {
			return nil, err
		}
	}
	all, err := fleet.Each[Status](f, "Status", 0)
	if err == nil && !begin {
		_, err = fleet.Each[int](f, "Measure", false)
	}
	return all, err
}

// drain ends the deposits, waits until every transfer is complete, and holds the
// validators' states to the invariants and to each other.
func (n *network) drain(ctx context.Context, f *fleet.Fleet) error {
	all, err := fleet.Each[Status](f, "Status", 0)
	if err != nil {
		return err
	}
	var last uint64
	for _, s := range all {
		last = max(last, s.Last)
	}
	if _, err := fleet.Each[int](f, "Finish", last); err != nil {
		return err
	}
	n.say("waiting until the last transfer is complete\n")
	transfers := last - n.contracts.setUp().Nonce
	if err := await(ctx, f, drainWithin, fmt.Sprintf("all %d transfers are complete", transfers), func(s Status) bool {
		return s.Completed == transfers && s.Sealed == transfers && s.Finalised == transfers
	}); err != nil {
		return err
	}
	return n.agree(ctx, f)
}

// agree compares the app hashes that all validators computed for one height, and
// checks the invariants.
func (n *network) agree(ctx context.Context, f *fleet.Fleet) error {
	all, err := fleet.Each[Status](f, "Status", 0)
	if err != nil {
		return err
	}
	var height int64
	for _, s := range all {
		height = max(height, s.Height)
	}
	if err := await(ctx, f, drainWithin, "all validators are at one height", func(s Status) bool { return s.Height >= height }); err != nil {
		return err
	}
	hashes, err := fleet.Each[[]byte](f, "Hash", height)
	if err != nil {
		return err
	}
	for i, hash := range hashes {
		if len(hash) == 0 || !bytes.Equal(hash, hashes[0]) {
			return fmt.Errorf("height %d: validator %d has the app hash %X, and validator 0 %X", height, i, hash, hashes[0])
		}
	}
	violations, err := fleet.Each[[]string](f, "Violations", 0)
	if err != nil {
		return err
	}
	for i, found := range violations {
		if len(found) > 0 {
			return fmt.Errorf("validator %d: invariants do not hold: %v", i, found)
		}
	}
	n.say("all transfers are complete, all app hashes of height %d are %X, all invariants hold\n", height, hashes[0])
	return nil
}

// await asks all validators until a condition holds for each of them.
func await(ctx context.Context, f *fleet.Fleet, limit time.Duration, what string, holds func(Status) bool) error {
	deadline := time.Now().Add(limit)
	for {
		all, err := fleet.Each[Status](f, "Status", 0)
		if err != nil {
			return err
		}
		done := 0
		for _, s := range all {
			if holds(s) {
				done++
			}
		}
		if done == len(all) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s it is not so that %s: %+v", limit, what, all[0].Counts)
		}
		if err := wait.For(ctx, lookEvery); err != nil {
			return err
		}
	}
}
