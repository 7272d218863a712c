package app

import (
	"context"
	"crypto/sha256"
	"sync"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// waiting is what this node's mempool holds, as far as it was let in after the
// newest block: at most one transaction for each operator and sequence. After a
// block CometBFT asks for all that it still holds again, so every block begins
// with nothing, and what CometBFT has lost meanwhile keeps no place.
type waiting struct {
	mu     sync.Mutex // held while a transaction is checked: two of one place may come at once
	height int64      // of the state that they were checked by
	places map[place][sha256.Size]byte
}

type place struct {
	operator types.Address
	sequence uint64
}

// CheckTx lets only transactions into the mempool that the newest state could
// take: those of the epoch's operators, at most types.MaxTxAhead of each. It
// runs beside consensus.
func (a *App) CheckTx(_ context.Context, req *abci.RequestCheckTx) (resp *abci.ResponseCheckTx, _ error) {
	resp = &abci.ResponseCheckTx{Code: CodeInternal, Codespace: Codespace, Log: "internal error"}
	defer a.survive("CheckTx", 0)
	a.waiting.mu.Lock()
	defer a.waiting.mu.Unlock()
	latest := a.store.Latest()
	if latest == nil {
		return &abci.ResponseCheckTx{Code: CodeInternal, Codespace: Codespace, Log: "there is no block yet"}, nil
	}
	defer latest.Release()
	tx, err := a.machine.CheckTx(latest, latest.Version()+1, req.Tx)
	if err == nil {
		err = a.waiting.enter(latest.Version(), tx, req.Tx)
	}
	if err != nil {
		return &abci.ResponseCheckTx{Code: codeOf(err), Codespace: Codespace, Log: err.Error()}, nil
	}
	return &abci.ResponseCheckTx{}, nil
}

// enter takes the place of a transaction that is good by the state of a height,
// unless another has it. The caller holds mu.
func (w *waiting) enter(height int64, tx bridge.SignedTx, b []byte) error {
	if height != w.height || w.places == nil {
		w.height, w.places = height, map[place][sha256.Size]byte{}
	}
	at, id := place{tx.Operator, tx.Sequence}, sha256.Sum256(b)
	if other, taken := w.places[at]; taken && other != id {
		return bridge.ErrPending
	}
	w.places[at] = id
	return nil
}
