package bridge

import (
	"fmt"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// LimitView is what bounds the releases of an asset on one chain, and what waits
// there. Amounts are asset units.
type LimitView struct {
	Asset    types.AssetID `json:"asset"`
	Symbol   string        `json:"symbol"`
	Chain    types.ChainID `json:"chain"`
	Capacity types.Amount  `json:"capacity"` // of the flow limit; 0 is no limit
	Rate     types.Amount  `json:"rate"`     // units a second that flow back
	Spent    types.Amount  `json:"spent"`    // as of spent_at
	SpentAt  int64         `json:"spent_at"` // block time in Unix seconds; 0 when nothing is spent
	Large    types.Amount  `json:"large"`    // releases from here on are delayed; 0 for none
	Stopped  bool          `json:"stopped"`  // something of the asset on this chain is in quarantine
	Queued   QueuedView    `json:"queued"`
}

// QueuedView counts what waits for a chain, by the kind of its lane.
type QueuedView struct {
	Refund      uint64 `json:"refund"`
	ShortRefund uint64 `json:"short_refund"` // refunds that the custody does not cover
	Release     uint64 `json:"release"`
	Short       uint64 `json:"short"` // releases that the custody does not cover
	Large       uint64 `json:"large"` // releases whose delay is not over
}

// queryLimits lists every token's limits, asset by asset; of one chain where the
// arguments name one.
func queryLimits(v state.View, args QueryArgs) (any, error) {
	chains := v.Chains()
	if args.Chain != "" {
		chain, err := resolveChain(v, args.Chain)
		if err != nil {
			return nil, err
		}
		chains = []*pb.Chain{chain}
	}
	queued := map[state.LaneID]*QueuedView{}
	for _, chain := range chains {
		for _, id := range v.Lanes(types.ChainID(chain.Id)) {
			place := state.LaneID{Chain: id.Chain, Asset: id.Asset}
			if queued[place] == nil {
				queued[place] = &QueuedView{}
			}
			*queued[place].of(id.Kind) += v.Lane(id).Entries
		}
	}
	views := []LimitView{}
	for _, asset := range v.Assets() {
		books := ledgerFromPB(v.Ledger(types.AssetID(asset.Id)))
		for _, chain := range chains {
			token := tokenOn(asset, types.ChainID(chain.Id))
			if token == nil {
				continue
			}
			view := limitView(asset, token, books.at(token))
			if counts := queued[state.LaneID{Chain: view.Chain, Asset: view.Asset}]; counts != nil {
				view.Queued = *counts
			}
			views = append(views, view)
		}
	}
	return views, nil
}

// of is the counter of a kind of lane.
func (q *QueuedView) of(kind state.LaneKind) *uint64 {
	switch kind {
	case state.LaneRefund:
		return &q.Refund
	case state.LaneShortRefund:
		return &q.ShortRefund
	case state.LaneRelease:
		return &q.Release
	case state.LaneShort:
		return &q.Short
	case state.LaneLarge:
		return &q.Large
	}
	state.Failf("lane of kind %d", kind)
	return nil
}

func limitView(asset *pb.Asset, token *pb.Token, b *balance) LimitView {
	return LimitView{
		Asset: types.AssetID(asset.Id), Symbol: asset.Symbol, Chain: types.ChainID(token.Chain),
		Capacity: amountOf(token.FlowCapacity), Rate: amountOf(token.FlowRate), Spent: b.spent, SpentAt: b.spentAt,
		Large: amountOf(token.Large), Stopped: b.quarantines > 0,
	}
}

// QuarantineView is a record in quarantine, which the validators resolve by a
// proposal.
type QuarantineView struct {
	ID     uint64        `json:"id"`
	Chain  types.ChainID `json:"chain"`
	Nonce  uint64        `json:"nonce"` // inbox event of the chain
	Asset  types.AssetID `json:"asset"`
	Amount types.Amount  `json:"amount"` // asset units
	Reason types.Reason  `json:"reason"`
	Text   string        `json:"text"` // one sentence: how it came here
	Next   string        `json:"next"` // one sentence: what the validators can do
}

// queryQuarantine lists the unresolved records after an id, of one chain where
// the arguments name one.
func queryQuarantine(v state.View, args QueryArgs) (any, error) {
	var of *pb.Chain
	if args.Chain != "" {
		chain, err := resolveChain(v, args.Chain)
		if err != nil {
			return nil, err
		}
		of = chain
	}
	views := []QuarantineView{}
	v.Quarantines(following(args.After), func(record *pb.Quarantine) bool {
		if of == nil || of.Id == record.Transfer.Source {
			views = append(views, quarantineView(record))
		}
		return len(views) < args.Limit
	})
	return views, nil
}

func quarantineView(record *pb.Quarantine) QuarantineView {
	t, reason := record.Transfer, types.Reason(record.Reason)
	return QuarantineView{
		ID: record.Id, Chain: types.ChainID(t.Source), Nonce: t.Nonce, Asset: types.AssetID(t.Asset),
		Amount: amountOf(t.Amount), Reason: reason,
		Text: fmt.Sprintf("It is in quarantine, for %s.", reason.Text()),
		Next: resolutions(record),
	}
}

// resolutions says which decisions about a record are possible.
func resolutions(record *pb.Quarantine) string {
	can := "drop it"
	switch {
	case record.Deposited != nil:
		can = "credit it (release it as the deposit says), refund it or drop it"
	case len(record.Transfer.RefundTo) > 0:
		can = "refund it, unless its source chain is retired, or drop it"
	}
	return fmt.Sprintf("The validators %s, by a proposal to resolve record %d.", can, record.Id)
}
