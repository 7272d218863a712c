package app

import (
	"context"

	abci "github.com/cometbft/cometbft/abci/types"
)

// CheckTx lets only transactions into the mempool that the newest state could
// take.
func (a *App) CheckTx(_ context.Context, req *abci.RequestCheckTx) (resp *abci.ResponseCheckTx, _ error) {
	resp = &abci.ResponseCheckTx{Code: CodeInternal, Codespace: Codespace, Log: "internal error"}
	defer a.survive("CheckTx", 0)
	latest := a.store.Latest()
	if latest == nil {
		return &abci.ResponseCheckTx{Code: CodeInternal, Codespace: Codespace, Log: "there is no block yet"}, nil
	}
	defer latest.Release()
	if err := a.machine.CheckTx(latest, req.Tx); err != nil {
		return &abci.ResponseCheckTx{Code: codeOf(err), Codespace: Codespace, Log: err.Error()}, nil
	}
	return &abci.ResponseCheckTx{}, nil
}
