package model

import (
	"errors"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// most is how many open commands or seals are looked at, as internal/node does.
const most = 64

// View is a validator's committed state as its signer and its relayers see it.
type View struct {
	App *app.App
	Box *mailbox.Box
	By  types.Address // the validator's signer
}

// Height implements relayer.State.
func (v View) Height() uint64 { return uint64(v.App.Height()) } //nolint:gosec // heights are positive

// Outbox implements relayer.State.
func (v View) Outbox(id types.ChainID, most int) (o relayer.Outbox, err error) {
	err = v.App.View(func(r bridge.Reader, height int64) error {
		chain, err := v.App.Machine().Chain(r, id)
		if err != nil {
			return err
		}
		commands, err := v.App.Machine().OpenCommands(r, id, most)
		o = relayer.Outbox{Height: uint64(height), Executed: chain.Executed, Commands: commands} //nolint:gosec // heights are positive
		return err
	})
	return o, err
}

// SealsToSign implements signer.Seals.
func (v View) SealsToSign(by types.Address) (seals []bridge.SealState, err error) {
	err = v.App.View(func(r bridge.Reader, height int64) error {
		seals, err = v.App.Machine().SealsToSign(r, height+1, by, most)
		return err
	})
	if errors.Is(err, app.ErrNoBlock) {
		return nil, nil
	}
	return seals, err
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

// Tidy lets the mailbox drop what the committed state has taken over, as
// internal/node does after each commit.
func (v View) Tidy() error {
	wanted, err := v.SealsToSign(v.By)
	if err != nil {
		return err
	}
	return v.App.View(func(r bridge.Reader, height int64) error {
		machine := v.App.Machine()
		chains, err := machine.Chains(r)
		if err != nil {
			return err
		}
		for _, c := range chains {
			commands, err := machine.OpenCommands(r, c.ID, most)
			if err != nil {
				return err
			}
			for _, command := range commands {
				wanted = append(wanted, command.Seal)
			}
		}
		v.Box.Committed(uint64(height), chains, wanted) //nolint:gosec // heights are positive
		return nil
	})
}
