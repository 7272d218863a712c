// Package kvstore measures CometBFT's own example application, kvstore, to have
// something that transfers a second can be held against: four validators, each a
// process, over loopback, with the databases and the mempool of the same CometBFT
// and transactions of 250 bytes. Each validator puts transactions of its own into
// its mempool, without RPC, keeps it full, and gets the others' by gossip.
//
// That gossip is much of the work, and a bridge has none, for its validators see
// the events themselves. So it is measured without as well: every validator is
// given all transactions.
package kvstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/bench/fleet"
)

const (
	txBytes = 250
	warmUp  = 5 * time.Second

	patience = time.Minute // for blocks with transactions
)

// Setting is what consensus is told. Everything else is as config ships it, but
// for a mempool that takes a load.
type Setting struct {
	TimeoutCommit time.Duration // timeout_commit
	Sleep         time.Duration // peer_gossip_sleep_duration
	Waiting       int           // transactions that a mempool is kept full with
	Silent        bool          // no gossip of transactions
}

func (s Setting) String() string {
	gossip := ""
	if s.Silent {
		gossip = ", without gossip of transactions"
	}
	return fmt.Sprintf("timeout_commit %s, peer_gossip_sleep_duration %s%s", s.TimeoutCommit, s.Sleep, gossip)
}

// settings are those of which the best counts: this project's, CometBFT's own
// defaults, and blocks as fast as they can be; and silent the one without gossip.
func settings() (three []Setting, silent Setting) {
	ours, theirs := config.Comet("", "").Consensus, cmtconfig.DefaultConsensusConfig()
	return []Setting{
		{ours.TimeoutCommit, ours.PeerGossipSleepDuration, 5000, false},
		{theirs.TimeoutCommit, theirs.PeerGossipSleepDuration, 10_000, false},
		{0, ours.PeerGossipSleepDuration, 5000, false},
	}, Setting{ours.TimeoutCommit, ours.PeerGossipSleepDuration, 5000, true}
}

// errStuck says that a network makes no blocks under its load.
var errStuck = fmt.Errorf("there were none for %s", patience)

// Config is one run.
type Config struct {
	Dir        string
	Validators int
	WarmUp     time.Duration
	Length     time.Duration
	Setting
}

// Result is transactions a second; 0 of a network that stands still under its
// load, as many validators on few processors do.
type Result struct {
	Best    float64 // of three settings
	Silent  float64 // without gossip of transactions
	Figures []figure.Figure
}

// Compare measures all settings.
func Compare(ctx context.Context, o figure.Options, validators int, length time.Duration) (r Result, err error) {
	three, silent := settings()
	for i, s := range append(three, silent) {
		rate, err := Measure(ctx, Config{filepath.Join(o.Dir, fmt.Sprintf("kvstore-%d-%d", validators, i)), validators, warmUp, length, s})
		if errors.Is(err, errStuck) { // which is a result
			o.Printf("kvstore, %s: %v\n", s, err)
			err = nil
		}
		if err != nil {
			return r, fmt.Errorf("kvstore, %s: %w", s, err)
		}
		r.Figures = append(r.Figures, figure.Figure{
			Name: fmt.Sprintf("kvstore's transactions, %s, %s", s, figure.Count(validators, "validator")), Value: rate, Unit: "1/s",
			Note: fmt.Sprintf("%d bytes, %s", txBytes, length),
		})
		if s.Silent {
			r.Silent = rate
		} else {
			r.Best = max(r.Best, rate)
		}
	}
	return r, nil
}

// Measure runs a network and returns the transactions a second in its blocks.
func Measure(ctx context.Context, c Config) (perSecond float64, err error) {
	listen, err := ports.Reserve(2 * c.Validators)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, listen.Close()) }()
	specs, err := c.homes(listen)
	if err != nil {
		return 0, err
	}
	f, err := fleet.Start(ctx, Kind, c.Dir, specs)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	from, err := after(ctx, f, c.WarmUp, Status{})
	if err != nil {
		return 0, err
	}
	to, err := after(ctx, f, c.Length, from)
	if err != nil {
		return 0, err
	}
	return float64(to.Txs-from.Txs) / to.At.Sub(from.At).Seconds(), nil
}

// after is where the first validator stands after a time, and at least a few
// blocks with transactions above where it stood.
func after(ctx context.Context, f *fleet.Fleet, least time.Duration, from Status) (Status, error) {
	const blocks = 3
	ctx, cancel := context.WithTimeoutCause(ctx, least+patience, errStuck)
	defer cancel()
	for begin := time.Now(); ; {
		select {
		case <-ctx.Done():
			return from, fmt.Errorf("waiting for transactions above height %d: %w", from.Height, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
		all, err := fleet.Each[Status](f, "Status", 0) // of all, so that one that has died is noticed
		if err != nil {
			return from, err
		}
		if s := all[0]; time.Since(begin) >= least && s.Height >= from.Height+blocks && s.Txs > from.Txs {
			return s, nil
		}
	}
}

// homes makes keys and a genesis, and says what each validator is told.
func (c Config) homes(listen *ports.Range) (specs []fleet.Spec, err error) {
	params := cmttypes.DefaultConsensusParams()
	params.Block.MaxBytes = config.MaxBlockBytes
	genesis := &cmttypes.GenesisDoc{
		ChainID: "kvstore-bench", GenesisTime: time.Now().Add(-time.Second), InitialHeight: 1, ConsensusParams: params,
	}
	var peers []string
	for i := range c.Validators {
		name := fmt.Sprintf("kvstore%d", i)
		home := config.Home(filepath.Join(c.Dir, name))
		cmtconfig.EnsureRoot(home.String())
		key, err := p2p.LoadOrGenNodeKey(home.NodeKeyFile())
		if err != nil {
			return nil, fmt.Errorf("making a node key: %w", err)
		}
		validator := privval.NewFilePV(ed25519.GenPrivKey(), home.ValidatorKeyFile(), home.ValidatorStateFile())
		validator.Save()
		genesis.Validators = append(genesis.Validators, cmttypes.GenesisValidator{PubKey: validator.Key.PubKey, Power: 10, Name: name})
		peers = append(peers, p2p.IDAddressString(key.ID(), listen.Address(2*i)))
		specs = append(specs, fleet.Spec{Name: name + "-process", Address: listen.Address(2*i + 1), Config: Told{
			Home: home.String(), Number: i, Listen: listen.Address(2 * i), Setting: c.Setting,
		}})
	}
	for i := range specs {
		told := specs[i].Config.(Told)
		told.Peers = append(append([]string{}, peers[:i]...), peers[i+1:]...)
		specs[i].Config = told
		if err := genesis.SaveAs(config.Home(told.Home).GenesisFile()); err != nil {
			return nil, fmt.Errorf("writing the genesis: %w", err)
		}
	}
	return specs, nil
}
