package node

import (
	"errors"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// view is the committed state as the workers may see it: read-only, always of
// one height, and never of a block that is not committed.
type view struct {
	app     *app.App
	signers []types.Address // of this validator
}

// maxSeals is how many open seals a signer is given at a time.
const maxSeals = 64

// Height implements relayer.State.
func (v view) Height() uint64 { return uint64(v.app.Height()) }

// SealsToSign implements signer.Seals.
func (v view) SealsToSign(by types.Address) (seals []bridge.SealState, err error) {
	err = v.app.View(func(r bridge.Reader, height int64) error {
		seals, err = v.app.Machine().SealsToSign(r, height+1, by, maxSeals)
		return err
	})
	if errors.Is(err, app.ErrNoBlock) {
		return nil, nil
	}
	return seals, err
}

// Outbox implements relayer.State.
func (v view) Outbox(id types.ChainID, most int) (o relayer.Outbox, err error) {
	err = v.app.View(func(r bridge.Reader, height int64) error {
		chain, err := v.app.Machine().Chain(r, id)
		if err != nil {
			return err
		}
		commands, err := v.app.Machine().OpenCommands(r, id, most)
		o = relayer.Outbox{Height: uint64(height), Executed: chain.Executed, Commands: commands}
		return err
	})
	return o, err
}

// Chain implements observer.State.
func (v view) Chain(id types.ChainID) (chain bridge.ChainState, params types.Params, err error) {
	err = v.app.View(func(r bridge.Reader, _ int64) error {
		network, err := v.app.Machine().Network(r)
		if err != nil {
			return err
		}
		params = network.Params
		chain, err = v.app.Machine().Chain(r, id)
		return err
	})
	return chain, params, err
}

// chains is all connected chains.
func (v view) chains() (chains []bridge.ChainState, err error) {
	err = v.app.View(func(r bridge.Reader, _ int64) error {
		chains, err = v.app.Machine().Chains(r)
		return err
	})
	return chains, err
}

// network is the network's own record.
func (v view) network() (network bridge.NetworkState, err error) {
	err = v.app.View(func(r bridge.Reader, _ int64) error {
		network, err = v.app.Machine().Network(r)
		return err
	})
	return network, err
}

// validator is how the network knows a validator; bridge.ErrNotFound if it does
// not. The epoch is the present one.
func (v view) validator(id types.ValidatorID) (found bridge.ValidatorView, epoch uint64, err error) {
	err = v.app.View(func(r bridge.Reader, _ int64) error {
		network, err := v.app.Machine().Network(r)
		if err != nil {
			return err
		}
		epoch = network.Epoch
		found, err = v.app.Machine().Validator(r, id)
		return err
	})
	return found, epoch, err
}

// validators is the members of the epoch.
func (v view) validators() (members []types.Validator, err error) {
	err = v.app.View(func(r bridge.Reader, _ int64) error {
		members, err = v.app.Machine().Validators(r)
		return err
	})
	return members, err
}
