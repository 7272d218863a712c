package node

import (
	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/keeper"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// view is the committed state as the node's own workers see it.
type view struct{ keeper.View }

func newView(a *app.App, signers []types.Address) view {
	return view{keeper.NewView(a, signers...)}
}

// Chain implements observer.State.
func (v view) Chain(id types.ChainID) (chain bridge.ChainState, params types.Params, err error) {
	err = v.App.View(func(r bridge.Reader, _ int64) error {
		network, err := v.App.Machine().Network(r)
		if err != nil {
			return err
		}
		params = network.Params
		chain, err = v.App.Machine().Chain(r, id)
		return err
	})
	return chain, params, err
}

// chains is all connected chains.
func (v view) chains() (chains []bridge.ChainState, err error) {
	err = v.App.View(func(r bridge.Reader, _ int64) error {
		chains, err = v.App.Machine().Chains(r)
		return err
	})
	return chains, err
}

// network is the network's own record.
func (v view) network() (network bridge.NetworkState, err error) {
	err = v.App.View(func(r bridge.Reader, _ int64) error {
		network, err = v.App.Machine().Network(r)
		return err
	})
	return network, err
}

// validator is how the network knows a validator; bridge.ErrNotFound if it does
// not. The epoch is the present one.
func (v view) validator(id types.ValidatorID) (found bridge.ValidatorView, epoch uint64, err error) {
	err = v.App.View(func(r bridge.Reader, _ int64) error {
		network, err := v.App.Machine().Network(r)
		if err != nil {
			return err
		}
		epoch = network.Epoch
		found, err = v.App.Machine().Validator(r, id)
		return err
	})
	return found, epoch, err
}

// validators is the members of the epoch.
func (v view) validators() (members []types.Validator, err error) {
	err = v.App.View(func(r bridge.Reader, _ int64) error {
		members, err = v.App.Machine().Validators(r)
		return err
	})
	return members, err
}
