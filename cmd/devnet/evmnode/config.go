package evmnode

import (
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Defaults of Config's fields.
const (
	DefaultFinalityLag = 2
	DefaultSafeLag     = 1
	DefaultGasLimit    = 60_000_000
	DefaultHost        = "127.0.0.1"
)

const (
	minGasLimit  = 5_000_000
	maxGasLimit  = 1_000_000_000
	minBlockTime = 10 * time.Millisecond
)

// Rules selects the protocol rules of a chain, which hold from its genesis on.
type Rules uint8

const (
	// Osaka is what Ethereum's main network runs in November 2026.
	Osaka Rules = iota
	// Amsterdam is the upgrade after it, with other gas prices for state and calldata.
	Amsterdam
)

// String returns the name of the upgrade in lower case.
func (r Rules) String() string {
	switch r {
	case Osaka:
		return "osaka"
	case Amsterdam:
		return "amsterdam"
	default:
		return fmt.Sprintf("rules(%d)", uint8(r))
	}
}

// Config says what chain to run. Zero fields other than ChainID and BlockTime
// take their defaults.
type Config struct {
	// ChainID is the EIP-155 id, and the network id. It must not be zero.
	ChainID uint64

	// BlockTime is the time between two blocks, at least 10 ms. Zero means that
	// only Mine makes blocks.
	BlockTime time.Duration

	// FinalityLag and SafeLag are how many blocks the tags `finalized` and
	// `safe` trail behind the head. SafeLag may not exceed FinalityLag.
	FinalityLag uint64
	SafeLag     uint64

	// Alloc gives accounts their balances, in wei, at genesis.
	Alloc map[common.Address]*big.Int

	// DataDir keeps the chain over restarts; empty for a chain in memory. A
	// directory that holds a chain goes on with it: its genesis, with its Alloc,
	// Rules and GasLimit, then beats this Config's, and the ChainID must agree.
	DataDir string

	// Host is the address to listen on. The ports are free ones when zero, and
	// HTTP and WebSocket share one when they are equal.
	Host     string
	HTTPPort int
	WSPort   int

	// Rules are the protocol rules.
	Rules Rules

	// GasLimit is the gas limit of each block.
	GasLimit uint64

	// Logger hears of blocks that could not be made; slog.Default() when nil.
	Logger *slog.Logger

	born uint64 // time of the genesis, of a fork; 0: now
}

// withDefaults returns c with its zero fields filled, or why it cannot be used.
func (c Config) withDefaults() (Config, error) {
	if c.FinalityLag == 0 {
		c.FinalityLag = DefaultFinalityLag
	}
	if c.SafeLag == 0 {
		c.SafeLag = min(DefaultSafeLag, c.FinalityLag)
	}
	if c.Host == "" {
		c.Host = DefaultHost
	}
	if c.GasLimit == 0 {
		c.GasLimit = DefaultGasLimit
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if err := c.validate(); err != nil {
		return Config{}, fmt.Errorf("evmnode: config: %w", err)
	}
	return c, nil
}

func (c Config) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.ChainID == 0 {
		bad("chain id is zero")
	}
	if c.BlockTime != 0 && c.BlockTime < minBlockTime {
		bad("block time %s is below %s", c.BlockTime, minBlockTime)
	}
	if c.SafeLag > c.FinalityLag {
		bad("safe lag %d exceeds finality lag %d", c.SafeLag, c.FinalityLag)
	}
	for name, port := range map[string]int{"HTTP": c.HTTPPort, "WebSocket": c.WSPort} {
		if port < 0 || port > 65535 {
			bad("%s port %d is out of range", name, port)
		}
	}
	if c.Rules > Amsterdam {
		bad("unknown %s", c.Rules)
	}
	if c.GasLimit < minGasLimit || c.GasLimit > maxGasLimit {
		bad("gas limit %d is outside %d to %d", c.GasLimit, minGasLimit, maxGasLimit)
	}
	for addr, balance := range c.Alloc {
		if balance == nil || balance.Sign() < 0 || balance.BitLen() > 256 {
			bad("allocation of %s is not a 256-bit amount", addr)
		}
	}
	return errors.Join(errs...)
}
