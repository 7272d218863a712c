// Package config is what an operator sets: one typed Config read from app.toml,
// the environment and flags, and the settings of CometBFT that this network
// wants.
//
// It stands at level 2 of the import order, is the only package that knows
// viper, and knows no worker: internal/node turns its sections into what each
// part wants. Every key is described once, in keys.go; default, parser,
// template, origin and documentation follow from there.
package config

import (
	"fmt"
	"time"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// Config is app.toml.
type Config struct {
	Log       Log
	State     State
	Snapshot  Snapshot
	Signer    Signer
	Relayer   Relayer
	Telemetry Telemetry
	Chains    []Chain
}

// Log says what is written to stderr, and how.
type Log struct {
	Level      string
	CometLevel string
	Format     string
}

// State is how the replicated state is kept on this disk.
type State struct {
	Backend      string
	KeepVersions uint64
	KeepBlocks   uint64
}

// Snapshot says when snapshots of the state are made for nodes that join.
type Snapshot struct {
	Interval uint64
	Keep     uint64
}

// Signer is where the keys that sign seals come from: the present one, and the
// one of the next epoch while the signer is being rotated.
type Signer struct {
	Enabled            bool
	Backend            string
	Key                string
	PassphraseFile     string
	NextKey            string
	NextPassphraseFile string
}

// Relayer sends sealed commands to their chains.
type Relayer struct {
	Enabled        bool
	Key            string
	PassphraseFile string
	MaxFeeGwei     uint64
	Eager          bool
	Nodes          []string // whom "bridged relayer run" asks
	Patience       uint64   // of "bridged relayer run", in heights
}

// Telemetry is what monitoring asks.
type Telemetry struct {
	Enabled bool
	Listen  string
}

// Chain is a connected chain as this node reaches it. Without endpoints it is
// not observed, and nothing is sent to it.
type Chain struct {
	Name           string
	ID             uint64
	Contract       types.Address
	Endpoints      []Endpoint
	MinAgree       uint64
	SingleEndpoint bool
	Finality       Finality
	Verification   string
	StartBlock     uint64
	PollInterval   time.Duration
	MaxRange       uint64
	RequestTimeout time.Duration
	Rate           uint64
	Burst          uint64
	GenesisHash    types.Hash
	ForeignHeaders bool

	PrivateEndpoints []Endpoint // where the relayer's transactions go instead
	MaxFeeGwei       uint64     // by the relayer, for a unit of gas; 0: that of all chains
	SpendPerDay      Coins      // by the relayer; 0: no limit
	LowBalance       Coins      // of the relayer
}

// MaxFee is the most that the relayer pays for a unit of gas on a chain, in wei.
func (r Relayer) MaxFee(c Chain) uint64 {
	const gwei = 1_000_000_000
	if c.MaxFeeGwei > 0 {
		return c.MaxFeeGwei * gwei
	}
	return r.MaxFeeGwei * gwei
}

// Default is the configuration of a new node: no chain, everything else set.
func Default() Config {
	return Config{
		Log:       Log{Level: "info", CometLevel: "error", Format: "auto"},
		State:     State{Backend: "goleveldb", KeepVersions: 1000, KeepBlocks: 0},
		Snapshot:  Snapshot{Interval: 1000, Keep: 3},
		Signer:    Signer{Enabled: true, Backend: "keystore", Key: "default"},
		Relayer:   Relayer{Enabled: true, Key: "default", MaxFeeGwei: 500},
		Telemetry: Telemetry{Enabled: false, Listen: "127.0.0.1:26680"},
	}
}

// DefaultChain is a chain with everything but its identity: name, id, contract
// and endpoints.
func DefaultChain() Chain {
	return Chain{
		MinAgree: 2, Finality: Finality{Tag: "finalized"}, Verification: "proof",
		PollInterval: 2 * time.Second, MaxRange: 2000, RequestTimeout: 10 * time.Second, Rate: 100,
		LowBalance: CoinsOf(types.NewAmount(5e16)),
	}
}

// Validate checks every value; the error is an *Invalid that names all
// problems.
func (c Config) Validate() error { return invalid("(in memory)", c.problems()) }

func (c Config) problems() []error {
	var errs []error
	for _, k := range c.keys() {
		errs = append(errs, k.check()...)
	}
	if keep, least := c.State.KeepBlocks, 2*c.Snapshot.Interval; keep > 0 && keep < least {
		errs = append(errs, &Error{"state.keep_blocks", literal(&keep), fmt.Sprintf(
			"nodes that join by a snapshot need the blocks since; want 0 (all) or at least %d, twice snapshot.interval", least)})
	}
	names, ids := map[string]bool{}, map[uint64]bool{}
	for i := range c.Chains {
		chain := &c.Chains[i]
		errs = append(errs, chain.problems()...)
		if names[chain.Name] || ids[chain.ID] {
			errs = append(errs, &Error{Key: "chains." + chain.Name, Want: "its name or id stands there twice; remove one of the two tables"})
		}
		names[chain.Name], ids[chain.ID] = true, true
	}
	return errs
}

func (c *Chain) problems() []error {
	var errs []error
	for _, k := range c.keys() {
		k.Name = "chains." + c.label() + "." + k.local()
		errs = append(errs, k.check()...)
	}
	if err := types.ValidateLabel(c.Name); err != nil {
		errs = append(errs, &Error{Key: "chains.name", Value: c.Name, Want: err.Error()})
	}
	return append(errs, c.quorumProblems()...)
}

// quorumProblems holds min_agree against the endpoints there are: one endpoint
// alone is believed only where the file says so in as many words.
func (c *Chain) quorumProblems() []error {
	key := "chains." + c.label() + ".min_agree"
	groups := map[string]bool{}
	for _, e := range c.Endpoints {
		groups[e.Group] = true
	}
	n := uint64(len(groups))
	switch {
	case c.MinAgree == 1 && !c.SingleEndpoint:
		return []error{&Error{key, "1", "one endpoint could forge a deposit; want 2 or more, or set single_endpoint = true for a node of your own"}}
	case c.SingleEndpoint && c.MinAgree > 1:
		return []error{&Error{"chains." + c.label() + ".single_endpoint", "true", "contradicts min_agree above 1; set one of the two"}}
	case n > 0 && c.MinAgree > n:
		return []error{&Error{key, literal(&c.MinAgree), "more than the groups of endpoints; add endpoints of other operators, or name their groups as GROUP=URL"}}
	}
	return nil
}

// label names the chain in messages.
func (c *Chain) label() string {
	if c.Name == "" {
		return "(unnamed)"
	}
	return c.Name
}
