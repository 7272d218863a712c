package bridge

import (
	"fmt"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// quarantine consumes an event that the rules have no place for. It is counted
// and told, and consensus goes on.
func (a *applier) quarantine(chain *pb.Chain, nonce uint64, reason types.Reason) {
	a.network.Quarantined++
	a.emit(EventQuarantined, "chain", decimal(chain.Id), "nonce", decimal(nonce), "reason", string(reason))
}

// booked tells of a booking that the totals do not allow: what led to it has
// been ruled out before.
func (a *applier) booked(chain *pb.Chain, nonce uint64, err error) {
	if err != nil {
		a.quarantine(chain, nonce, types.ReasonBreach)
	}
}

// keep makes the record of an amount that the books have put into quarantine;
// governance decides what becomes of it.
func (a *applier) keep(t *pb.Transfer, deposited *pb.Deposited, reason types.Reason) {
	a.network.Quarantined++
	a.network.Quarantines++
	id := a.network.Quarantines
	a.s.SetQuarantine(&pb.Quarantine{Id: id, Transfer: t, Deposited: deposited, Reason: string(reason)})
	a.emit(EventQuarantined, "chain", decimal(t.Source), "nonce", decimal(t.Nonce), "reason", string(reason),
		"id", decimal(id), "asset", types.AssetID(t.Asset).String(), "amount", amountOf(t.Amount).String())
}

// strand puts an amount in flight into quarantine that nobody can be paid.
func (a *applier) strand(t *pb.Transfer, amount types.Amount, reason types.Reason) {
	books := a.ledger(types.AssetID(t.Asset))
	if err := books.stranded(amount); err != nil {
		a.booked(a.chain(types.ChainID(t.Source)), t.Nonce, err)
		return
	}
	a.keep(&pb.Transfer{
		Source: t.Source, Nonce: t.Nonce, Destination: t.Destination, Asset: t.Asset, Amount: amount.Bytes(),
		Recipient: t.Recipient, RefundTo: t.RefundTo, Height: t.Height,
	}, nil, reason)
}

// resolve carries out what governance decided about a record in quarantine.
func (a *applier) resolve(id uint64, action types.QuarantineAction) error {
	record := a.s.Quarantine(id)
	if record == nil {
		return fmt.Errorf("quarantine %d: there is no such record", id)
	}
	var err error
	switch action {
	case types.QuarantineCredit:
		err = a.creditQuarantined(record)
	case types.QuarantineRefund:
		err = a.refundQuarantined(record)
	case types.QuarantineDrop:
		err = a.ledger(types.AssetID(record.Transfer.Asset)).dropped(amountOf(record.Transfer.Amount))
		if err == nil && len(record.Transfer.RefundTo) > 0 {
			a.ended(record.Transfer)
		}
	default:
		err = action.Validate()
	}
	if err != nil {
		return fmt.Errorf("quarantine %d: %w", id, err)
	}
	a.resume(record)
	a.s.RemoveQuarantine(id)
	a.emit(EventResolved, "id", decimal(id), "chain", decimal(record.Transfer.Source),
		"nonce", decimal(record.Transfer.Nonce), "action", action.String())
	return nil
}

// resume lets an asset go on where its last record is resolved.
func (a *applier) resume(record *pb.Quarantine) {
	books := a.ledger(types.AssetID(record.Transfer.Asset))
	if at, found := books.find(types.ChainID(record.Transfer.Source)); found && record.Deposited != nil {
		books.balances[at].quarantines--
	}
}

func (a *applier) creditQuarantined(record *pb.Quarantine) error {
	if record.Deposited == nil {
		return fmt.Errorf("it is no deposit: refund or drop it")
	}
	t := record.Transfer
	source := a.chain(types.ChainID(t.Source))
	asset := a.asset(types.AssetID(t.Asset))
	event, err := eventFromPB(&pb.InboxEvent{Event: &pb.InboxEvent_Deposited{Deposited: record.Deposited}})
	if err != nil {
		return err
	}
	deposited, ok := event.(types.Deposited)
	token := tokenOn(asset, types.ChainID(t.Source))
	if !ok || token == nil {
		return fmt.Errorf("its token is not mapped any more")
	}
	entry, reason := a.release(asset, t, deposited, scaleOf(asset, token))
	if reason != types.ReasonNone {
		return fmt.Errorf("it cannot be released: %s", reason.Text())
	}
	if err := a.ledger(types.AssetID(t.Asset)).released(amountOf(t.Amount)); err != nil {
		return err
	}
	entry.Expires = source.Head + source.ExpiryBlocks
	a.enqueue(types.ChainID(t.Destination), entry)
	return nil
}

func (a *applier) refundQuarantined(record *pb.Quarantine) error {
	t := record.Transfer
	if source := a.chain(types.ChainID(t.Source)); source.Refused != "" {
		return fmt.Errorf("chain %s takes no refund any more: drop it", source.Label)
	}
	if len(t.RefundTo) == 0 {
		return fmt.Errorf("nobody is known to be its owner: drop it")
	}
	if err := a.ledger(types.AssetID(t.Asset)).released(amountOf(t.Amount)); err != nil {
		return err
	}
	a.refund(t, amountOf(t.Amount), types.ReasonQuarantined)
	return nil
}
