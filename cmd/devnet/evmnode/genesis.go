package evmnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/params"
)

const (
	genesisFile = "genesis.json"

	// genesisAge is how long before its making a chain claims to have begun,
	// so that the first blocks do not have to claim to be from the future.
	genesisAge = 10 * time.Second
)

// chainConfig activates every upgrade up to the wanted one at genesis. It starts
// from go-ethereum's developer configuration, minus the upgrade after the wanted
// one: with it the gas table would be a mixture that no network has.
func chainConfig(id uint64, rules Rules) *params.ChainConfig {
	c := *params.AllDevChainProtocolChanges
	c.ChainID = new(big.Int).SetUint64(id)
	c.BogotaTime = nil
	c.AmsterdamTime = nil
	if rules == Amsterdam {
		c.AmsterdamTime = new(uint64)
	}
	return &c
}

func newGenesis(cfg Config) *core.Genesis {
	alloc := core.SystemContractAllocs()
	for addr, balance := range cfg.Alloc {
		account := alloc[addr]
		account.Balance = new(big.Int).Set(balance)
		alloc[addr] = account
	}
	born := cfg.born
	if born == 0 {
		born = uint64(time.Now().Add(-genesisAge).Unix())
	}
	return &core.Genesis{
		Config:     chainConfig(cfg.ChainID, cfg.Rules),
		Timestamp:  born,
		GasLimit:   cfg.GasLimit,
		Difficulty: new(big.Int),
		BaseFee:    big.NewInt(params.InitialBaseFee),
		Alloc:      alloc,
	}
}

// loadGenesis returns the genesis of the chain in cfg.DataDir, and for a new or
// an in-memory chain a new one. A genesis holds the time of its making, so that
// of a kept chain has to be kept too.
func loadGenesis(cfg Config) (*core.Genesis, error) {
	if cfg.DataDir == "" {
		return newGenesis(cfg), nil
	}
	path := filepath.Join(cfg.DataDir, genesisFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		genesis := newGenesis(cfg)
		return genesis, writeGenesis(path, genesis)
	}
	if err != nil {
		return nil, fmt.Errorf("read genesis: %w", err)
	}
	var genesis core.Genesis
	if err := json.Unmarshal(raw, &genesis); err != nil {
		return nil, fmt.Errorf("decode %s: %w", path, err)
	}
	if genesis.Config == nil || genesis.Config.ChainID == nil {
		return nil, fmt.Errorf("%s names no chain id", path)
	}
	if have := genesis.Config.ChainID.Uint64(); have != cfg.ChainID {
		return nil, fmt.Errorf("%s holds chain %d, not %d", cfg.DataDir, have, cfg.ChainID)
	}
	return &genesis, nil
}

// writeGenesis writes by rename: half a file would make the directory useless.
func writeGenesis(path string, genesis *core.Genesis) error {
	raw, err := json.MarshalIndent(genesis, "", "  ")
	if err != nil {
		return fmt.Errorf("encode genesis: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("write genesis: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write genesis: %w", err)
	}
	return nil
}
