package app

import (
	"context"

	abci "github.com/cometbft/cometbft/abci/types"
)

// ProtocolVersion is the version of the replicated rules; every header of a
// block carries it.
const ProtocolVersion = 1

// Info tells CometBFT at start from which block on to replay.
func (a *App) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	response := &abci.ResponseInfo{Data: Codespace, Version: a.version, AppVersion: ProtocolVersion}
	if latest := a.store.Latest(); latest != nil {
		defer latest.Release()
		response.LastBlockHeight = latest.Version()
		response.LastBlockAppHash = latest.Hash()
	}
	return response, nil
}
