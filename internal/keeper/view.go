// Package keeper is what a validator's workers have between them and its
// committed state: the state as signer and relayers see it, and a keeper that
// after each commit lets the mailbox drop what the state has taken over. The
// node runs it over CometBFT, and benchmarks over models. It keeps nothing on disk.
package keeper

import (
	"errors"

	"github.com/icrosschain/bridged/app"
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
	open    *outboxes
}

// NewView is the view of one validator's workers.
func NewView(a *app.App, signers ...types.Address) View {
	return View{App: a, Signers: signers, open: &outboxes{of: map[types.ChainID][]bridge.OutboxCommand{}}}
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
