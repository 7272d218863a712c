package observer

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Bounds of the search for where two histories part.
const (
	maxHistory  = 4096 // marks remembered, about 50 bytes each
	maxShared   = 4096 // events read from a shared mark on
	searchLimit = time.Minute
)

// remember keeps agreed marks, ascending; the oldest go.
func (o *Observer) remember(marks ...types.Mark) {
	for _, m := range marks {
		if last := len(o.history) - 1; m.Nonce > 0 && (last < 0 || m.Nonce > o.history[last].Nonce) {
			o.history = append(o.history, m)
		}
	}
	if more := len(o.history) - maxHistory; more > 0 {
		o.history = slices.Delete(o.history, 0, more)
	}
}

// common is the last mark that the agreed history shares with the one that ends
// in to; the zero mark if this node cannot tell. Governance needs it to re-anchor
// the chain. It goes back in growing steps, since each reads all that follows.
func (o *Observer) common(ctx context.Context, to types.Mark) types.Mark {
	ctx, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	beyond, _ := slices.BinarySearchFunc(o.history, to.Nonce+1, func(m types.Mark, nonce uint64) int { return cmp.Compare(m.Nonce, nonce) })
	known := o.history[:beyond]
	for step := 1; step < 2*len(known); step *= 2 {
		from := known[max(len(known)-step, 0)]
		at, err := o.cfg.Source.At(ctx, from.Nonce, to)
		if err != nil {
			o.log.Warn("where the histories part is not known", "err", err)
			return types.Mark{}
		}
		if at.Hash == from.Hash {
			return o.lastShared(ctx, at, to, known)
		}
	}
	return types.Mark{}
}

// lastShared goes forward from a mark that both histories share.
func (o *Observer) lastShared(ctx context.Context, from, to types.Mark, known []types.Mark) types.Mark {
	batch, err := o.cfg.Source.Read(ctx, from, to, chain.ReadOptions{MarkStride: 1, MaxEvents: maxShared})
	if err != nil {
		o.log.Warn("where the histories part is not known exactly", "err", err)
		return from
	}
	for _, m := range batch.Marks {
		if slices.ContainsFunc(known, func(k types.Mark) bool { return k.Nonce == m.Nonce && k.Hash == m.Hash }) {
			from = m
		}
	}
	return from
}
