package node

import (
	"context"
	"log/slog"

	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/x/bridge"
)

// keeper lets the mailbox drop what the committed state has taken over, and
// tells the relayers of new signatures. It is level-triggered: a commit that it
// misses is covered by the next.
type keeper struct {
	state    view
	box      *mailbox.Box
	relayers []*relayer.Worker
	log      *slog.Logger
	wake     chan struct{}
}

func newKeeper(state view, box *mailbox.Box, relayers []*relayer.Worker, log *slog.Logger) *keeper {
	return &keeper{state: state, box: box, relayers: relayers, log: log, wake: make(chan struct{}, 1)}
}

// committed never blocks.
func (k *keeper) committed() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) run(ctx context.Context) error {
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
		if err := k.tidy(); err != nil {
			k.log.Warn("the mailbox keeps what it could drop (will retry)", "err", err)
		}
	}
}

// tidy reads one committed state and hands the mailbox what is in force there.
func (k *keeper) tidy() error { return k.state.app.View(k.tidyTo) }

func (k *keeper) tidyTo(r bridge.Reader, height int64) error {
	machine := k.state.app.Machine()
	chains, err := machine.Chains(r)
	if err != nil {
		return err
	}
	seals, err := machine.OpenSeals(r)
	if err != nil {
		return err
	}
	for _, by := range k.state.signers { // a seal wants one of them at most
		wanted, err := machine.SealsToSign(r, height+1, by, maxSeals)
		if err != nil {
			return err
		}
		seals = append(seals, wanted...) // some twice
	}
	k.box.Committed(uint64(height), chains, seals)
	return nil
}
