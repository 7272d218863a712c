package keeper

import (
	"slices"
	"sync"

	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// outboxes remembers open commands that will not change any more: those with a
// complete seal. A chain has as many of them as it takes batches until its
// receipts are final, thousands of transfers each, and every relayer looks at
// them after each block.
type outboxes struct {
	mu sync.Mutex
	of map[types.ChainID][]bridge.OutboxCommand // consecutive; guarded by mu
}

// Outbox implements relayer.State. What it gives is shared, and not to be
// changed.
func (v View) Outbox(id types.ChainID, most int) (o relayer.Outbox, err error) {
	err = v.App.View(func(r bridge.Reader, height int64) error {
		machine := v.App.Machine()
		chain, err := machine.Chain(r, id)
		if err != nil {
			return err
		}
		o = relayer.Outbox{Height: uint64(height), Executed: chain.Executed}
		v.open.mu.Lock()
		defer v.open.mu.Unlock()
		known := stillOpen(v.open.of[id], chain.Executed)
		after := uint64(0)
		if len(known) > 0 {
			after = known[len(known)-1].Nonce
		}
		fresh, err := machine.OpenCommandsAfter(r, id, after, most-len(known))
		if err != nil {
			return err
		}
		all := slices.Concat(known, fresh)
		v.open.of[id] = complete(all, len(known))
		o.Commands = all[:min(most, len(all))]
		return nil
	})
	return o, err
}

// stillOpen leaves out what is executed. Where a chain was re-anchored, commands
// before the first one known may be open again: then nothing is known.
func stillOpen(known []bridge.OutboxCommand, executed uint64) []bridge.OutboxCommand {
	if len(known) == 0 || known[0].Nonce > executed+1 {
		return nil
	}
	return known[min(uint64(len(known)), executed+1-known[0].Nonce):]
}

// complete is the commands up to the first whose seal is not complete, of which
// the first ones are known to be.
func complete(all []bridge.OutboxCommand, known int) []bridge.OutboxCommand {
	for known < len(all) && all[known].Seal.Complete != 0 {
		known++
	}
	return slices.Clip(all[:known])
}
