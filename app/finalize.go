package app

import (
	"context"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/x/bridge"
)

// FinalizeBlock applies a decided block to the working state. Whatever was
// applied before and not committed is taken back first, so a block may be
// applied again. An error, or a panic, stops the node: going on could make
// another state than the network's.
func (a *App) FinalizeBlock(_ context.Context, req *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	result, err := a.apply(req)
	if err != nil {
		return nil, fmt.Errorf("finalize block %d: %w", req.Height, err)
	}
	a.applied = req.Height
	return &abci.ResponseFinalizeBlock{
		Events:           abciEvents(result.Events),
		TxResults:        txResults(result.Txs),
		ValidatorUpdates: validatorUpdates(result.Validators),
		AppHash:          a.store.WorkingHash(),
	}, nil
}

func (a *App) apply(req *abci.RequestFinalizeBlock) (bridge.Result, error) {
	if err := a.checkHeight(req.Height); err != nil {
		return bridge.Result{}, err
	}
	if a.applied != 0 {
		if err := a.discard(); err != nil {
			return bridge.Result{}, err
		}
	}
	block, err := decidedBlock(req.Height, req.Time, req.DecidedLastCommit)
	if err != nil {
		return bridge.Result{}, err
	}
	if block.Misbehavior, err = misbehavior(req.Misbehavior); err != nil {
		return bridge.Result{}, err
	}
	if len(req.Txs) > 0 {
		block.Reading = a.read(req.Txs[0])
	}
	a.applied = req.Height // from here on there is something to take back
	result, err := a.machine.Apply(a.store.Working(), block, req.Txs)
	if err != nil {
		return bridge.Result{}, err
	}
	if len(result.Txs) != len(req.Txs) {
		return bridge.Result{}, fmt.Errorf("%d results for %d transactions", len(result.Txs), len(req.Txs))
	}
	return result, nil
}

// checkHeight refuses a block that does not follow the state.
func (a *App) checkHeight(height int64) error {
	next := a.store.Version() + 1
	if next == 1 {
		if a.genesis == nil {
			return errNoState
		}
		next = a.genesis.initialHeight
	}
	if height != next {
		return fmt.Errorf("the state wants block %d", next)
	}
	return nil
}

func txResults(results []bridge.TxResult) []*abci.ExecTxResult {
	out := make([]*abci.ExecTxResult, len(results))
	for i, r := range results {
		out[i] = &abci.ExecTxResult{Code: r.Code, Log: r.Log}
		if r.Code != 0 {
			out[i].Codespace = Codespace
		}
	}
	return out
}
