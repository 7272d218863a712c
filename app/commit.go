package app

import (
	"context"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
)

// Commit saves the state of the block that FinalizeBlock applied, as the version
// of its height.
func (a *App) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	height := a.applied
	if height == 0 {
		return nil, fmt.Errorf("commit: no block was finalized after height %d", a.store.Version())
	}
	if err := a.logSeal(uint64(height)); err != nil {
		// The state does not need the log, and says itself if it cannot be written.
		a.log.Error("this seal cannot be witnessed by this node later", "height", height, "err", err)
	}
	version, _, err := a.store.Commit()
	if err != nil {
		return nil, fmt.Errorf("commit block %d: %w", height, err)
	}
	if version != height {
		return nil, fmt.Errorf("commit block %d: the store made version %d of it", height, version)
	}
	a.applied, a.genesis = 0, nil
	if a.onCommit != nil {
		a.onCommit(height)
	}
	return &abci.ResponseCommit{RetainHeight: a.retainHeight(height)}, nil
}

// logSeal keeps what a witness of this block's seal will need, if it made one.
func (a *App) logSeal(height uint64) error {
	working := a.store.Working()
	history, err := a.machine.SealHistory(working)
	if err != nil || history.Last.Height != height {
		return err
	}
	since, err := a.machine.AccountableSince(working, int64(height)) //nolint:gosec // it was one
	if err != nil {
		return err
	}
	return a.seals.Append(history, since)
}

// retainHeight is the oldest block that CometBFT is asked to keep, 0 for all.
// It keeps longer what evidence may refer to.
func (a *App) retainHeight(height int64) int64 {
	if a.retain == 0 {
		return 0
	}
	return max(height-a.retain+1, 0)
}
