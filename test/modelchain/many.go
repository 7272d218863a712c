package modelchain

import (
	"context"
	"fmt"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Numbered is the i-th of several chains, with a bridge of its own and the
// defaults of a new chain. A batch may be made for each of its blocks.
func Numbered(i int, block time.Duration) types.Chain {
	return types.Chain{
		ID: types.ChainID(31001 + i), Label: fmt.Sprintf("chain-%d", i), Bridge: types.Address{0xb0, byte(i)}, //nolint:gosec // few
		BatchGapMS: uint64(block.Milliseconds()), BatchGas: types.DefaultBatchGas, //nolint:gosec // positive
		ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: types.DefaultExpiry,
	}
}

// Told is how a home is told of the chain: its endpoints, each of another group,
// and defaults.
func (c *Chain) Told() config.Chain {
	told := config.DefaultChain()
	told.Name, told.ID, told.Contract = c.cfg.Label, uint64(c.cfg.ID), c.cfg.Bridge
	for i, e := range c.Endpoints() {
		told.Endpoints = append(told.Endpoints, config.Endpoint{URL: e.URL(), Group: string(rune('a' + i))})
	}
	return told
}

// Pace calls step, which makes a block of the i-th of so many chains, until ctx
// ends, which is no error. The chains' blocks are not made at the same moment.
func Pace(ctx context.Context, block time.Duration, i, chains int, step func() error) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(block * time.Duration(i) / time.Duration(chains)):
	}
	ticker := time.NewTicker(block)
	defer ticker.Stop()
	for {
		if err := step(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
