// Package chain says what a blockchain is to a validator: a Source, whose inbox
// it reads, and a Sink, whose outbox it fills.
//
// Observers read sources and relayers drive sinks; both know a chain only
// through this package. What a Source returns is proven, never merely told:
// trouble with a chain's servers gives an error and so no vote, never a wrong
// one (evm and fake are the implementations).
package chain

import (
	"context"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// Source reads the inbox of one chain. Its methods are called from one
// goroutine at a time; they end soon after ctx does, and return errors that
// SeverityOf understands.
type Source interface {
	// Finalized is the newest finalised position, proven: nobody has to be
	// believed for it beyond what the configuration says (min_agree). It never
	// goes back while the Source lives: a chain that has replaced what was
	// returned before gives a *Contradiction.
	Finalized(ctx context.Context) (Position, error)

	// Read returns the inbox events between two positions: it is complete and
	// exact, or an error. The caller answers for from (agreed by the network, or
	// proven before) and to (proven: Position.Inbox, or one of Batch.Ahead).
	Read(ctx context.Context, from, to types.Mark, o ReadOptions) (Batch, error)

	// At is the inbox as it stood at an earlier nonce of the chain that ends in
	// to, proven by the events between. It costs reading them, from the newest
	// back to the nonce.
	At(ctx context.Context, nonce uint64, to types.Mark) (types.Mark, error)

	// Answers is what the servers said for the position that Finalized returned
	// last.
	Answers() []Answer

	// Forget drops what Finalized returned before, so that nothing is compared
	// with it any more: the network has given the chain another history.
	Forget()
}

// Position is a finalised block and the inbox as it stands after that block.
type Position struct {
	Block uint64
	Hash  types.Hash // of the block
	Time  uint64     // the block's own time, Unix seconds
	// Inbox is the newest event, proven. Its Block says up to where it is proven
	// that none is newer: the finalised block, or no more than the event's own.
	Inbox types.Mark
}

// Complete says whether it is proven that no event up to the block is newer than
// Inbox. Where it is not, silence contradicts nothing.
func (p Position) Complete() bool { return p.Inbox.Block >= p.Block }

// ReadOptions bound what Read keeps. It always reads, and proves, the whole
// span; what is beyond the bounds it forgets again.
type ReadOptions struct {
	MarkStride uint64 // a mark at every nonce divisible by it
	MaxEvents  int    // events kept, at least 1; each is below types.MaxEventBytes
	// Progress, where set, hears the last block read, from time to time.
	Progress func(block uint64)
}

// Batch is a proven piece of an inbox.
type Batch struct {
	// Events follow each other without a gap, from the first after Read's from
	// on.
	Events []types.InboxEvent
	// Marks are those among Events: at the end of each block with events and
	// at each nonce divisible by the stride. Their Block is the event's own.
	Marks []types.Mark
	// Last is the last of Events, or Read's from if there are none: where the
	// next Read goes on.
	Last types.Mark
	// Ahead are proven marks beyond Last, ascending and far apart, the last of
	// them Read's to: the next Read may stop at any of them. Empty if Events is
	// everything.
	Ahead []types.Mark
}
