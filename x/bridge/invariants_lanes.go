package bridge

import (
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// held names the releases of an asset that wait for a chain.
type held struct {
	asset types.AssetID
	chain types.ChainID
}

// lanes checks that a chain's lanes hold what their records and its counter say.
func (a *audit) lanes(chain *pb.Chain) {
	var queued uint64
	for _, id := range a.v.Lanes(types.ChainID(chain.Id)) {
		lane := a.v.Lane(id)
		var entries uint64
		for number := lane.Head; number < lane.Tail; number++ {
			entries += uint64(len(a.v.Segment(id, number).Entries))
		}
		if entries != lane.Entries || entries == 0 {
			a.fail("I6", "%s: lane %+v says %d entries, but %d are there", chain.Label, id, lane.Entries, entries)
		}
		queued += entries
		if id.Kind != state.LaneRefund && id.Kind != state.LaneShortRefund {
			a.held[held{id.Asset, id.Chain}] += uint32(entries) //nolint:gosec // a count
		}
	}
	if queued != chain.Queued {
		a.fail("I6", "%s: %d queued, but %d are there", chain.Label, chain.Queued, queued)
	}
}

// entries checks every entry that waits against its lane, and every open one
// against its transfer.
func (a *audit) entries() {
	var last uint64
	var before state.LaneID
	eachQueued(a.v, func(chain *pb.Chain, id state.LaneID, e *pb.Entry) {
		a.entry(chain, e)
		if id != before {
			before, last = id, 0
		}
		inOrder := id.Kind == state.LaneShort || id.Kind == state.LaneShortRefund || e.Since >= last
		last = e.Since
		switch {
		case types.AssetID(e.Transfer.Asset) != id.Asset || types.ChainID(e.Transfer.Source) != id.Source:
			a.fail("I4", "%s: transfer %s waits in a lane of another asset or source", chain.Label, transferID(e.Transfer))
		case isRefund(e) != (id.Kind == state.LaneRefund || id.Kind == state.LaneShortRefund):
			a.fail("I4", "%s: transfer %s waits in a lane of another kind", chain.Label, transferID(e.Transfer))
		case !inOrder:
			a.fail("I4", "%s: transfer %s waits in front of an older one", chain.Label, transferID(e.Transfer))
		case (id.Kind == state.LaneRelease || id.Kind == state.LaneShort) != (e.Expires != 0):
			a.fail("I7", "%s: transfer %s: what waits to be released expires, and nothing else does", chain.Label, transferID(e.Transfer))
		}
	})
	for _, chain := range a.v.Chains() {
		a.v.Commands(types.ChainID(chain.Id), 0, func(c *pb.Command) bool {
			if chain.Refused != "" && c.Nonce > chain.Executed {
				a.fail("I7", "%s is not served, but command %d waits for it", chain.Label, c.Nonce)
			}
			for _, e := range c.Entries[min(int(c.Executed), len(c.Entries)):] {
				a.entry(chain, e)
			}
			for _, span := range spansOf(types.ChainID(chain.Id), c.Nonce, c.Entries) {
				found := false
				a.v.Spans(span.Source, span.Last, func(s state.Span) bool {
					found = s == span
					return !found
				})
				if !found {
					a.fail("I6", "%s: the transfers of command %d cannot be found", chain.Label, c.Nonce)
				}
			}
			return true
		})
	}
}

func isRefund(e *pb.Entry) bool { return e.Kind == uint32(types.EntryRefund) }

// entry checks the amounts of an entry, and that it is paid where its transfer
// says.
func (a *audit) entry(chain *pb.Chain, e *pb.Entry) {
	t := e.Transfer
	pays := t.Destination
	if isRefund(e) {
		pays = t.Source
	}
	asset := a.v.Asset(types.AssetID(t.Asset))
	token := tokenOn(asset, types.ChainID(chain.Id))
	rest, err := amountOf(e.Amount).Sub(amountOf(e.Fee))
	switch {
	case pays != chain.Id || token == nil:
		a.fail("I2", "transfer %s would be paid on %s", transferID(t), chain.Label)
	case err != nil || floor(rest, scaleOf(asset, token)).Cmp(amountOf(e.Payout)) != 0:
		a.fail("I1", "transfer %s: of %s and a fee of %s, %s would be paid", transferID(t), amountOf(e.Amount), amountOf(e.Fee), amountOf(e.Payout))
	case amountOf(e.Amount).Cmp(amountOf(t.Amount)) > 0:
		a.fail("I1", "transfer %s: %s came in, and %s is to go out", transferID(t), amountOf(t.Amount), amountOf(e.Amount))
	}
	if source := a.v.Chain(types.ChainID(t.Source)); source == nil || t.Nonce > source.Cursor+source.Offset {
		a.fail("I3", "transfer %s is above the cursor of its source", transferID(t))
	}
}

// segments checks that no segment lies outside its lane.
func (a *audit) segments() {
	a.v.Segments(func(id state.LaneID, number uint64) bool {
		if lane := a.v.Lane(id); number < lane.Head || number >= lane.Tail {
			a.fail("I6", "segment %d of lane %+v is lost", number, id)
		}
		return true
	})
}
