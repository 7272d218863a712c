package bridge

import (
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// place is where the state keeps a transfer: the latest station of its life.
type place struct {
	entry   *pb.Entry // nil when only the owed record is left
	owed    *pb.Owed
	chain   *pb.Chain   // whose outbox pays it
	command *pb.Command // nil while it is queued
	index   uint32
	seal    *pb.Seal
	claimed bool // a refund that could not be paid, and is not owed any more
}

func (p place) transfer() *pb.Transfer {
	if p.entry == nil {
		return p.owed.Transfer
	}
	return p.entry.Transfer
}

// find looks a transfer up: among the commands, then the queues, then what is
// owed. A refund is a later station than a release.
func find(v state.View, id types.TransferID) (place, bool) {
	var best place
	found := false
	better := func(p place) {
		if !found || p.entry != nil && p.entry.Kind == uint32(types.EntryRefund) {
			best, found = p, true
		}
	}
	v.Spans(id.Source, id.Nonce, func(span state.Span) bool {
		command := v.Command(span.Chain, span.Nonce)
		at := slices.IndexFunc(command.GetEntries(), func(e *pb.Entry) bool { return is(e.Transfer, id) })
		if at >= 0 {
			better(place{
				entry: command.Entries[at], chain: v.Chain(span.Chain), command: command,
				index: uint32(at), seal: v.Seal(command.Height), //nolint:gosec // an index
			})
		}
		return true
	})
	eachQueued(v, func(chain *pb.Chain, e *pb.Entry) {
		if is(e.Transfer, id) {
			better(place{entry: e, chain: chain})
		}
	})
	if found {
		best.claimed = claimed(v, best)
		return best, true
	}
	v.AllOwed(func(c types.ChainID, nonce uint64, index uint32, owed *pb.Owed) bool {
		if !is(owed.Transfer, id) {
			return true
		}
		best, found = place{owed: owed, chain: v.Chain(c), command: &pb.Command{Nonce: nonce}, index: index}, true
		return false
	})
	return best, found
}

func is(t *pb.Transfer, id types.TransferID) bool {
	return t.Source == uint64(id.Source) && t.Nonce == id.Nonce
}

// claimed says of a refund that could not be paid that its owner has fetched it:
// the command stays for a while, the debt is gone.
func claimed(v state.View, p place) bool {
	return p.status() == types.StatusOwed && v.Owed(types.ChainID(p.chain.Id), p.command.Nonce, p.index) == nil
}

// eachQueued visits all entries that wait for a batch, chain by chain in order.
func eachQueued(v state.View, visit func(*pb.Chain, *pb.Entry)) {
	for _, chain := range v.Chains() {
		for number := chain.QueueHead; number < chain.QueueTail; number++ {
			for _, e := range v.Segment(types.ChainID(chain.Id), number).GetEntries() {
				visit(chain, e)
			}
		}
	}
}

// status says at which station of its life the transfer is.
func (p place) status() types.Status {
	if p.entry == nil {
		return types.StatusOwed
	}
	refund := p.entry.Kind == uint32(types.EntryRefund)
	switch {
	case p.command == nil && refund:
		return types.StatusRefunding
	case p.command == nil:
		return types.StatusQueued
	case p.index < p.command.Executed && bit(p.command.Failures, p.index):
		switch {
		case !refund:
			return types.StatusFailed
		case p.claimed:
			return types.StatusClaimed
		}
		return types.StatusOwed
	case p.index < p.command.Executed:
		if refund {
			return types.StatusRefunded
		}
		return types.StatusReleased
	case refund:
		return types.StatusRefunding
	case p.seal != nil && p.seal.Complete != 0:
		return types.StatusSealed
	}
	return types.StatusCommitted
}

// reason is why it is there: the code of a refund, or of a wait.
func (p place) reason(v state.View, network *pb.Network) types.Reason {
	if status := p.status(); status == types.StatusOwed || status == types.StatusClaimed {
		return types.ReasonRefundFailed
	}
	if p.entry.Reason != "" {
		return types.Reason(p.entry.Reason)
	}
	if p.command != nil {
		return types.ReasonNone
	}
	return p.waits(v, network)
}

// waits is why a queued entry is not in a batch yet.
func (p place) waits(v state.View, network *pb.Network) types.Reason {
	id := types.AssetID(p.entry.Transfer.Asset)
	token := tokenOn(v.Asset(id), types.ChainID(p.chain.Id))
	balance := ledgerFromPB(v.Ledger(id)).on(types.ChainID(p.chain.Id), types.TokenMode(token.GetMode())) //nolint:gosec // written from a TokenMode
	if !balance.reserve(amountOf(p.entry.Payout), amountOf(p.entry.Fee)) {
		return types.ReasonMissingLiquidity
	}
	if p.chain.OpenBatches >= network.Params.MaxOpenBatches {
		return types.ReasonOpenBatches
	}
	return types.ReasonBatchGap
}
