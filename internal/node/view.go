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
	app    *app.App
	signer types.Address
}

// errNoBlock says that nothing is committed yet.
var errNoBlock = errors.New("there is no block yet")

// maxSeals is how many open seals a signer is given at a time.
const maxSeals = 64

func (v view) latest() (bridge.Reader, int64, error) {
	r, height := v.app.Latest()
	if r == nil {
		return nil, 0, errNoBlock
	}
	return r, height, nil
}

// Height implements relayer.State.
func (v view) Height() uint64 {
	_, height := v.app.Latest()
	return uint64(height)
}

// SealsToSign implements signer.Seals.
func (v view) SealsToSign() ([]bridge.SealState, error) {
	r, _, err := v.latest()
	if errors.Is(err, errNoBlock) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return v.app.Machine().SealsToSign(r, v.signer, maxSeals)
}

// Outbox implements relayer.State.
func (v view) Outbox(id types.ChainID, most int) (relayer.Outbox, error) {
	r, height, err := v.latest()
	if err != nil {
		return relayer.Outbox{}, err
	}
	chain, err := v.app.Machine().Chain(r, id)
	if err != nil {
		return relayer.Outbox{}, err
	}
	commands, err := v.app.Machine().OpenCommands(r, id, most)
	if err != nil {
		return relayer.Outbox{}, err
	}
	return relayer.Outbox{Height: uint64(height), Executed: chain.Executed, Commands: commands}, nil
}

// Chain implements observer.State.
func (v view) Chain(id types.ChainID) (bridge.ChainState, types.Params, error) {
	r, _, err := v.latest()
	if err != nil {
		return bridge.ChainState{}, types.Params{}, err
	}
	network, err := v.app.Machine().Network(r)
	if err != nil {
		return bridge.ChainState{}, types.Params{}, err
	}
	chain, err := v.app.Machine().Chain(r, id)
	return chain, network.Params, err
}
