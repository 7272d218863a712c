package bridge

import (
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// place is where the state keeps a transfer: the latest station of its life.
type place struct {
	entry   *pb.Entry // nil when only the owed or the quarantine record is left
	owed    *pb.Owed
	record  *pb.Quarantine
	chain   *pb.Chain    // whose outbox pays it
	lane    state.LaneID // while it is queued
	command *pb.Command  // nil while it is queued
	index   uint32
	seal    *pb.Seal
	claimed bool // a refund that could not be paid, and is not owed any more
	fee     bool // a release that failed, and whose rest was not worth its refund
}

func (p place) transfer() *pb.Transfer {
	switch {
	case p.record != nil:
		return p.record.Transfer
	case p.owed != nil:
		return p.owed.Transfer
	}
	return p.entry.Transfer
}

// find looks a transfer up: in quarantine, among the commands, then the lanes,
// then what is owed. A refund is a later station than a release.
func find(v state.View, id types.TransferID) (place, bool) {
	best, found := quarantined(v, id)
	if found {
		return best, true
	}
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
	eachQueued(v, func(chain *pb.Chain, lane state.LaneID, e *pb.Entry) {
		if is(e.Transfer, id) {
			better(place{entry: e, chain: chain, lane: lane})
		}
	})
	if found {
		best.claimed, best.fee = claimed(v, best), becameFee(v, best)
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

// quarantined looks for a transfer's record in quarantine.
func quarantined(v state.View, id types.TransferID) (p place, found bool) {
	v.Quarantines(0, func(record *pb.Quarantine) bool {
		found = len(record.Transfer.RefundTo) > 0 && is(record.Transfer, id)
		if found {
			p = place{record: record, chain: v.Chain(id.Source)}
		}
		return !found
	})
	return p, found
}

func is(t *pb.Transfer, id types.TransferID) bool {
	return t.Source == uint64(id.Source) && t.Nonce == id.Nonce
}

// claimed says of a refund that could not be paid that its owner has fetched it:
// the command stays for a while, the debt is gone.
func claimed(v state.View, p place) bool {
	return p.status() == types.StatusOwed && v.Owed(types.ChainID(p.chain.Id), p.command.Nonce, p.index) == nil
}

// becameFee says of a transfer's last station that it is a failed release whose
// rest did not exceed the refund fee.
func becameFee(v state.View, p place) bool {
	if p.status() != types.StatusFailed {
		return false
	}
	id := types.AssetID(p.entry.Transfer.Asset)
	fee := amountOf(tokenOn(v.Asset(id), types.ChainID(p.entry.Transfer.Source)).GetRefundFee())
	rest, err := amountOf(p.entry.Amount).Sub(amountOf(p.entry.Fee))
	return err == nil && rest.Cmp(fee) <= 0
}

// eachQueued visits all entries that wait for a batch, chain by chain and lane by
// lane in order.
func eachQueued(v state.View, visit func(*pb.Chain, state.LaneID, *pb.Entry)) {
	for _, chain := range v.Chains() {
		for _, id := range v.Lanes(types.ChainID(chain.Id)) {
			lane := v.Lane(id)
			for number := lane.Head; number < lane.Tail; number++ {
				for _, e := range v.Segment(id, number).Entries {
					visit(chain, id, e)
				}
			}
		}
	}
}

// status says at which station of its life the transfer is.
func (p place) status() types.Status {
	switch {
	case p.record != nil:
		return types.StatusQuarantined
	case p.owed != nil:
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
	if p.record != nil {
		return types.Reason(p.record.Reason)
	}
	if status := p.status(); status == types.StatusOwed || status == types.StatusClaimed {
		return types.ReasonRefundFailed
	}
	switch {
	case p.entry.Reason != "":
		return types.Reason(p.entry.Reason)
	case p.fee:
		return types.ReasonBelowRefundFee
	}
	if p.command != nil {
		return types.ReasonNone
	}
	return p.waits(v, network)
}

// statusIn is status, told whether a queued release is held.
func (p place) statusIn(v state.View, network *pb.Network) types.Status {
	status := p.status()
	if status == types.StatusQueued && p.waits(v, network).Holds() {
		return types.StatusHeld
	}
	return status
}

// waits is why a queued entry is not in a batch yet: what holds the head of its
// lane holds it too. The state holds no clock: a flow limit is judged as of the
// last payout that it let pass.
func (p place) waits(v state.View, network *pb.Network) types.Reason {
	if p.lane.Kind == state.LaneLarge {
		return types.ReasonLargeAmount
	}
	head := v.Segment(p.lane, v.Lane(p.lane).Head).Entries[0]
	asset := v.Asset(p.lane.Asset)
	books := ledgerFromPB(v.Ledger(p.lane.Asset))
	now := books.at(tokenOn(asset, p.lane.Chain)).spentAt
	if reason := holdOf(head, p.chain, v.Chain(p.lane.Source), asset, books, now); reason != types.ReasonNone {
		return reason
	}
	if reason := batchDue(network, p.chain, 0); reason != types.ReasonNone {
		return reason
	}
	return types.ReasonBatchGap
}
