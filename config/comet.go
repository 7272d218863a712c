package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	cmt "github.com/cometbft/cometbft/config"
	"github.com/spf13/viper"
)

// MaxBlockBytes bounds a block, in genesis. CometBFT's own default is 53 MiB.
const MaxBlockBytes = 8 << 20

// Comet is CometBFT's configuration as this network wants it; LESSONS learned
// stand behind each line that differs from CometBFT's default.
func Comet(home Home, moniker string) *cmt.Config {
	c := cmt.DefaultConfig()
	c.SetRoot(home.String())
	c.Moniker = moniker

	// It brings every vote into the commit. A validator at rest does little but
	// rounds, so a shorter one costs processor time: at 300 ms it is 5 % of a core.
	c.Consensus.TimeoutCommit = 330 * time.Millisecond
	// CometBFT's 100 ms, and not the network, would decide how long a block takes.
	c.Consensus.PeerGossipSleepDuration = 10 * time.Millisecond
	c.P2P.FlushThrottleTimeout = 10 * time.Millisecond

	// A block of 12,000 transfers is 1.2 MB, which 5 MB/s, the default, take
	// 0.2 s to send to one peer: half a block interval.
	c.P2P.SendRate = 20 << 20
	c.P2P.RecvRate = 20 << 20

	// Consensus beside block sync lets a validator equivocate; libp2p needs
	// every validator to switch at once.
	c.BlockSync.AdaptiveSync = false
	c.P2P.LibP2PConfig.Enabled = false

	// Only operators send transactions, small ones.
	c.Mempool.Type = cmt.MempoolTypeFlood
	c.Mempool.Size = 1000
	c.Mempool.CacheSize = 4000
	c.Mempool.MaxTxBytes = 64 << 10
	c.Mempool.MaxTxsBytes = 4 << 20

	// History is an index's business. /block_results feeds it.
	c.TxIndex.Indexer = "null"
	c.Storage.DiscardABCIResponses = false
	return c
}

// WriteComet puts c into the home's config.toml.
func WriteComet(home Home, c *cmt.Config) error {
	if err := os.MkdirAll(home.Dir(), 0o750); err != nil {
		return fmt.Errorf("create the configuration directory: %w", err)
	}
	cmt.WriteConfigFile(home.CometFile(), c)
	return nil
}

// LoadComet reads the home's config.toml. BRIDGED_COMET_P2P_LADDR and the like
// beat the file.
func LoadComet(home Home) (*cmt.Config, error) {
	c := Comet(home, "")
	v := viper.New()
	v.SetEnvPrefix(EnvPrefix + "_COMET")
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_", "-", "_"))
	for _, name := range cometKeys(reflect.TypeFor[cmt.Config](), "") {
		if err := v.BindEnv(name); err != nil {
			return nil, fmt.Errorf("bind %s to the environment: %w", name, err)
		}
	}
	v.SetConfigFile(home.CometFile())
	v.SetConfigType("toml")
	if err := v.ReadInConfig(); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, invalid(home.CometFile(), []error{errors.New(`there is no such file; run "bridged init MONIKER" first`)})
		}
		return nil, invalid(home.CometFile(), []error{fmt.Errorf("read it: %w", err)})
	}
	if err := v.Unmarshal(c); err != nil {
		return nil, invalid(home.CometFile(), []error{err})
	}
	c.SetRoot(home.String())
	if err := c.ValidateBasic(); err != nil {
		return nil, invalid(home.CometFile(), []error{err})
	}
	return c, invalid(home.CometFile(), cometProblems(c))
}

// cometProblems refuses what would harm the network or this validator.
func cometProblems(c *cmt.Config) []error {
	var errs []error
	if c.BlockSync.AdaptiveSync {
		errs = append(errs, &Error{"blocksync.adaptive_sync", "true", "a validator may then sign twice; set it to false"})
	}
	if c.P2P.LibP2PEnabled() {
		errs = append(errs, &Error{"p2p.libp2p.enabled", "true", "this network speaks CometBFT's own protocol; set it to false"})
	}
	return errs
}

// cometKeys are the names of all settings of a struct of CometBFT's, from its
// mapstructure tags.
func cometKeys(t reflect.Type, prefix string) []string {
	var names []string
	for field := range t.Fields() {
		tag := field.Tag.Get("mapstructure")
		inner := field.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case tag == ",squash":
			names = append(names, cometKeys(inner, prefix)...)
		case tag == "" || tag == "home":
		case inner.Kind() == reflect.Struct:
			names = append(names, cometKeys(inner, prefix+tag+".")...)
		default:
			names = append(names, prefix+tag)
		}
	}
	return names
}
