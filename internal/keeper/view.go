// Package keeper is what a validator's workers have between them and its
// committed state: the state as signer and relayers see it, and a keeper that
// after each commit lets the mailbox drop what the state has taken over. The
// node runs it over CometBFT, and benchmarks over models. It keeps nothing.
package keeper

import (
	"errors"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// maxSeals is how many open seals a signer is given at a time.
const maxSeals = 64

// View is the committed state as the workers may see it: read-only, always of
// one height, and never of a block that is not committed.
type View struct {
	App     *app.App
	Signers []types.Address // of this validator
}

// Height implements relayer.State.
func (v View) Height() uint64 { return uint64(v.App.Height()) }

// SealsToSign implements signer.Seals.
func (v View) SealsToSign(by types.Address) (seals []bridge.SealState, err error) {
	err = v.App.View(func(r bridge.Reader, height int64) error {
		seals, err = v.App.Machine().SealsToSign(r, height+1, by, maxSeals)
		return err
	})
	if errors.Is(err, app.ErrNoBlock) {
		return nil, nil
	}
	return seals, err
}

// Outbox implements relayer.State.
func (v View) Outbox(id types.ChainID, most int) (o relayer.Outbox, err error) {
	err = v.App.View(func(r bridge.Reader, height int64) error {
		chain, err := v.App.Machine().Chain(r, id)
		if err != nil {
			return err
		}
		commands, err := v.App.Machine().OpenCommands(r, id, most)
		o = relayer.Outbox{Height: uint64(height), Executed: chain.Executed, Commands: commands}
		return err
	})
	return o, err
}
