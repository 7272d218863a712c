package keeper

import (
	"context"
	"log/slog"

	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/x/bridge"
)

// Keeper lets the mailbox drop what the committed state has taken over, and
// tells the relayers of new signatures. It is level-triggered: a commit that it
// misses is covered by the next.
type Keeper struct {
	state    View
	box      *mailbox.Box
	relayers []*relayer.Worker
	log      *slog.Logger
	wake     chan struct{}
}

// New is a keeper that does not run yet.
func New(state View, box *mailbox.Box, relayers []*relayer.Worker, log *slog.Logger) *Keeper {
	return &Keeper{state: state, box: box, relayers: relayers, log: log, wake: make(chan struct{}, 1)}
}

// Committed says that there is a new state. It never blocks.
func (k *Keeper) Committed() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, which is no error.
func (k *Keeper) Run(ctx context.Context) error {
	for {
		changed := k.box.Changed()
		for _, r := range k.relayers {
			r.SignaturesChanged()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
			continue
		case <-k.wake:
		}
		if err := k.state.Tidy(k.box); err != nil {
			k.log.Warn("the mailbox keeps what it could drop (will retry)", "err", err)
		}
	}
}

// Tidy reads one committed state and hands a mailbox what is in force there.
func (v View) Tidy(box *mailbox.Box) error {
	machine := v.App.Machine()
	return v.App.View(func(r bridge.Reader, height int64) error {
		chains, err := machine.Chains(r)
		if err != nil {
			return err
		}
		seals, err := machine.OpenSeals(r)
		if err != nil {
			return err
		}
		for _, by := range v.Signers { // a seal wants one of them at most
			wanted, err := machine.SealsToSign(r, height+1, by, maxSeals)
			if err != nil {
				return err
			}
			seals = append(seals, wanted...) // some twice
		}
		box.Committed(uint64(height), chains, seals)
		return nil
	})
}
