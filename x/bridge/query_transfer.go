package bridge

import (
	"fmt"
	"strconv"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// TransferView is where a transfer stands. Amounts are asset units.
type TransferView struct {
	ID          string        `json:"id"` // label/nonce
	Source      types.ChainID `json:"source"`
	Nonce       uint64        `json:"nonce"`
	Destination types.ChainID `json:"destination"`
	Status      types.Status  `json:"status"`
	Reason      types.Reason  `json:"reason"` // why it is there: empty, or a stable code
	Wait        types.Reason  `json:"wait"`   // why it is not in a batch yet; empty when it is
	Asset       types.AssetID `json:"asset"`
	Amount      types.Amount  `json:"amount"` // what arrived
	Payout      types.Amount  `json:"payout"` // what is paid by the current entry, or owed
	Fee         types.Amount  `json:"fee"`
	Recipient   types.Hash    `json:"recipient"`
	RefundTo    types.Address `json:"refund_to"`
	Height      uint64        `json:"height"`       // block that applied the deposit
	OutboxChain types.ChainID `json:"outbox_chain"` // chain that pays; 0 if none yet
	OutboxNonce uint64        `json:"outbox_nonce"` // command there; 0 while it waits
	OutboxIndex uint32        `json:"outbox_index"`
	SealHeight  uint64        `json:"seal_height"`
	Why         string        `json:"why"` // one sentence for people
}

func queryTransfer(v state.View, args QueryArgs) (any, error) {
	name, nonce, err := types.SplitTransferID(args.ID)
	if err != nil {
		return nil, refuse(ErrBadQuery, "%v", err)
	}
	chain, err := resolveChain(v, name)
	if err != nil {
		return nil, err
	}
	found, ok := find(v, types.TransferID{Source: types.ChainID(chain.Id), Nonce: nonce})
	switch {
	case ok:
		return transferView(v, chain.Label, found), nil
	case nonce <= chain.Cursor+chain.Offset:
		return nil, refuse(ErrFinished, "inbox event %s/%d is applied; its transfer has ended, or it is no deposit", chain.Label, nonce)
	}
	return nil, refuse(ErrNotFound, "%s/%d is not agreed yet: the validators have agreed on %s up to event %d",
		chain.Label, nonce, chain.Label, chain.Cursor)
}

func transferView(v state.View, label string, p place) TransferView {
	t := p.transfer()
	network := v.Network()
	view := TransferView{
		ID: label + "/" + strconv.FormatUint(t.Nonce, 10), Source: types.ChainID(t.Source), Nonce: t.Nonce,
		Destination: types.ChainID(t.Destination), Status: p.statusIn(v, network), Reason: p.reason(v, network),
		Asset: types.AssetID(t.Asset), Amount: amountOf(t.Amount), Recipient: types.Hash(t.Recipient),
		RefundTo: types.Address(t.RefundTo), Height: t.Height, OutboxChain: types.ChainID(p.chain.Id),
	}
	if p.entry != nil {
		view.Payout, view.Fee = amountOf(p.entry.Payout), amountOf(p.entry.Fee)
	}
	if p.owed != nil {
		view.Payout = amountOf(p.owed.Amount)
	}
	if p.entry != nil && p.command == nil {
		view.Wait = p.waits(v, network)
	}
	if p.command != nil {
		view.OutboxNonce, view.OutboxIndex, view.SealHeight = p.command.Nonce, p.index, p.command.Height
	}
	view.Why = why(view, p)
	return view
}

// why says in one sentence where a transfer stands, why it is not further, and
// what happens next.
func why(t TransferView, p place) string {
	where := fmt.Sprintf("command %d of %s", t.OutboxNonce, p.chain.Label)
	cause := ""
	if t.Reason != types.ReasonNone {
		cause = ": " + t.Reason.Text()
	}
	switch t.Status {
	case types.StatusQueued:
		return fmt.Sprintf("It waits for a batch to %s%s; %s.", p.chain.Label, cause, t.Reason.Next())
	case types.StatusHeld:
		return fmt.Sprintf("It is held%s; %s.", cause, next(t.Reason, p.entry))
	case types.StatusQuarantined:
		return fmt.Sprintf("It is in quarantine (record %d)%s; the validators decide by a proposal whether it is credited, refunded or dropped.",
			p.record.Id, cause)
	case types.StatusCommitted:
		return fmt.Sprintf("It is in %s, which the validators are signing; then it is relayed.", where)
	case types.StatusSealed:
		return fmt.Sprintf("It is in %s, which is signed and waits to be executed there and seen to be final.", where)
	case types.StatusReleased:
		return fmt.Sprintf("It was paid out by %s.", where)
	case types.StatusFailed:
		if p.fee {
			return fmt.Sprintf("The release by %s failed%s, and became fee.", where, cause)
		}
		return fmt.Sprintf("The release by %s failed; its refund follows.", where)
	case types.StatusRefunding:
		if p.command == nil {
			return fmt.Sprintf("It is refunded%s; the refund waits for a batch to %s%s.", cause, p.chain.Label, t.wait())
		}
		return fmt.Sprintf("It is refunded%s; the refund is in %s and waits to be executed.", cause, where)
	case types.StatusRefunded:
		return fmt.Sprintf("It was refunded by %s%s.", where, cause)
	case types.StatusOwed:
		return fmt.Sprintf("The refund could not be paid; the contract on %s owes it: the refund address calls claim(%d, %d, …) there.",
			p.chain.Label, t.OutboxNonce, t.OutboxIndex)
	case types.StatusClaimed:
		return fmt.Sprintf("The refund in %s could not be paid; its owner has claimed it there.", where)
	case types.StatusInvalid, types.StatusFinished:
	}
	return string(t.Status)
}

// next is what a held transfer waits for, and what happens if it is in vain.
func next(reason types.Reason, entry *pb.Entry) string {
	text := reason.Next()
	if entry.Expires != 0 {
		text += fmt.Sprintf("; if it still waits when the agreed head of its source chain reaches %d, it is refunded", entry.Expires)
	}
	return text
}

// wait is why a queued refund is not in a batch yet.
func (t TransferView) wait() string {
	if t.Wait == types.ReasonNone {
		return ""
	}
	return ", for now: " + t.Wait.Text()
}

// WhyView is the answer to why: the station, its reason code and a sentence.
type WhyView struct {
	ID     string       `json:"id"`
	Status types.Status `json:"status"`
	Reason types.Reason `json:"reason"`
	Text   string       `json:"text"`
}

func queryWhy(v state.View, args QueryArgs) (any, error) {
	answer, err := queryTransfer(v, args)
	if err != nil {
		return nil, err
	}
	t := answer.(TransferView) //nolint:forcetypeassert // what queryTransfer gives
	return WhyView{ID: t.ID, Status: t.Status, Reason: t.Reason, Text: t.Why}, nil
}

// queryTransfers lists what the state keeps: queued entries, then those of the
// kept commands, chain by chain. A transfer whose release failed stands there
// twice, with both stations.
func queryTransfers(v state.View, args QueryArgs) (any, error) {
	labels := map[uint64]string{}
	for _, c := range v.Chains() {
		labels[c.Id] = c.Label
	}
	views := []TransferView{}
	add := func(p place) bool {
		t := p.transfer()
		if args.Chain == "" || args.Chain == labels[t.Source] || args.Chain == decimal(t.Source) {
			views = append(views, transferView(v, labels[t.Source], p))
		}
		return len(views) < args.Limit
	}
	eachQueued(v, func(chain *pb.Chain, id state.LaneID, e *pb.Entry) {
		if len(views) < args.Limit {
			add(place{entry: e, chain: chain, lane: id})
		}
	})
	for _, chain := range v.Chains() {
		v.Commands(types.ChainID(chain.Id), following(args.After), func(c *pb.Command) bool {
			seal := v.Seal(c.Height)
			for i, e := range c.Entries {
				p := place{entry: e, chain: chain, command: c, index: uint32(i), seal: seal} //nolint:gosec // an index
				p.claimed = claimed(v, p)
				if !add(p) {
					return false
				}
			}
			return true
		})
	}
	return views[:min(len(views), args.Limit)], nil
}
