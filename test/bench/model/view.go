package model

import (
	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/keeper"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// View is a validator's committed state as its signer and its relayers see it.
type View struct {
	keeper.View
	Box *mailbox.Box
	By  types.Address // the validator's signer
}

// NewView is that of one of a network's validators.
func (n *Network) NewView(i int, a *app.App) View {
	by := n.Keys[i].Address()
	return View{View: keeper.NewView(a, by), Box: n.Boxes[i], By: by}
}

// Chains is the state of all chains, by id.
func (v View) Chains() (map[types.ChainID]bridge.ChainState, error) {
	all := map[types.ChainID]bridge.ChainState{}
	err := v.App.View(func(r bridge.Reader, _ int64) error {
		states, err := v.App.Machine().Chains(r)
		for _, c := range states {
			all[c.ID] = c
		}
		return err
	})
	return all, err
}

// Ready says whether the tokens of all chains are registered, so that their
// outboxes have nothing open but batches.
func (v View) Ready() (bool, error) {
	chains, err := v.Chains()
	for _, c := range chains {
		if !c.Active || c.Executed < 3 || c.Executed != c.Outbox {
			return false, err
		}
	}
	return len(chains) == len(IDs), err
}
