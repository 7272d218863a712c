package bridge

import (
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// deposited begins a transfer: it is booked, checked, and queued for its release
// or, if it is invalid, for its refund.
func (a *applier) deposited(chain *pb.Chain, nonce uint64, e types.Deposited) {
	source := types.ChainID(chain.Id)
	id, known := a.s.TokenAsset(source, e.Token)
	if !known {
		a.quarantine(chain, nonce, types.ReasonUnknownToken)
		return
	}
	asset := a.asset(id)
	token := tokenOn(asset, source)
	scale := scaleOf(asset, token)
	amount, err := e.Amount.Mul(scale)
	if err != nil {
		a.quarantine(chain, nonce, types.ReasonAmountTooLarge)
		return
	}
	books := a.ledger(id)
	transfer := &pb.Transfer{
		Source: chain.Id, Nonce: nonce + chain.Offset, Destination: uint64(e.Destination), Asset: id[:], Amount: amount.Bytes(),
		Recipient: e.Recipient[:], RefundTo: e.RefundTo[:], Height: a.height(),
	}
	balance := books.at(token)
	if err := books.deposited(balance, amount); err != nil {
		a.excess(chain, nonce, books, balance, transfer, e)
		return
	}
	chain.Transfers++
	a.observed.Add(types.TransferID{Source: source, Nonce: transfer.Nonce})
	entry, reason := a.release(asset, transfer, e, scale)
	if reason != types.ReasonNone {
		a.emit(EventTransferInvalid, "transfer_id", transferID(transfer), "reason", string(reason))
		a.refund(transfer, amount, reason)
		return
	}
	entry.Expires = chain.Head + chain.ExpiryBlocks
	a.enqueue(e.Destination, entry)
}

// excess consumes a deposit that the books have no room for: a burn of more than
// was ever minted stops the asset on that chain until governance has decided
// about it. A custody beyond every range, or a burn whose booking leaves the
// range, is only counted.
func (a *applier) excess(chain *pb.Chain, nonce uint64, books *ledger, b *balance, t *pb.Transfer, e types.Deposited) {
	if b.mode == types.ModeMint && books.overBurned(b, amountOf(t.Amount)) == nil {
		b.quarantines++
		chain.Transfers++
		a.keep(t, depositedToPB(e), types.ReasonOverBurn)
		return
	}
	a.quarantine(chain, nonce, types.ReasonAmountTooLarge)
}

// release makes the entry that pays a transfer out on its destination, or says
// why there cannot be one.
func (a *applier) release(asset *pb.Asset, t *pb.Transfer, e types.Deposited, sourceScale types.Amount) (*pb.Entry, types.Reason) {
	destination := a.chain(e.Destination)
	if destination == nil || destination.Refused != "" || destination.Id == t.Source {
		return nil, types.ReasonUnknownDestination
	}
	token := tokenOn(asset, e.Destination)
	if token == nil || !token.Registered {
		return nil, types.ReasonUnmappedAsset
	}
	recipient, err := types.EVMRecipient(e.Recipient)
	if err != nil || recipient == types.Address(destination.Bridge) || recipient == types.Address(token.Token) {
		return nil, types.ReasonBadRecipient
	}
	fee := amountOf(token.ReleaseFee)
	// A maximum beyond the range accepts every fee.
	if maximum, err := e.MaxFee.Mul(sourceScale); err == nil && fee.Cmp(maximum) > 0 {
		return nil, types.ReasonFeeAboveMaximum
	}
	if a.ledger(types.AssetID(asset.Id)).at(token).held >= a.network.Params.MaxHeld {
		return nil, types.ReasonQueueFull
	}
	amount := amountOf(t.Amount)
	rest, err := amount.Sub(fee)
	if err != nil {
		return nil, types.ReasonTooSmall
	}
	payout := floor(rest, scaleOf(asset, token))
	if payout.IsZero() {
		return nil, types.ReasonTooSmall
	}
	return &pb.Entry{
		Kind: uint32(types.EntryRelease), Transfer: t, Amount: t.Amount, Fee: fee.Bytes(), Payout: payout.Bytes(),
	}, types.ReasonNone
}

// refund queues the return of an amount in flight to the refund address, once.
// What does not exceed the refund's own fee becomes fee; what a retired chain
// would have to pay goes into quarantine.
func (a *applier) refund(t *pb.Transfer, amount types.Amount, reason types.Reason) {
	id := types.AssetID(t.Asset)
	source := a.chain(types.ChainID(t.Source))
	switch {
	case vanished(source, t.Nonce): // nothing came in that could go back
		a.lose(t, amount)
		return
	case source.Refused != "":
		a.strand(t, amount, types.ReasonChainRetired)
		return
	}
	asset := a.asset(id)
	token := tokenOn(asset, types.ChainID(t.Source))
	fee := amountOf(token.RefundFee)
	rest, err := amount.Sub(fee)
	payout := floor(rest, scaleOf(asset, token))
	if err != nil || payout.IsZero() {
		if err := a.ledger(id).becameFee(amount); err != nil {
			a.booked(source, t.Nonce, err)
			return
		}
		a.ended(t)
		a.emit(EventTransferRefunded, "transfer_id", transferID(t), "payout", "0",
			"fee", amount.String(), "reason", string(types.ReasonBelowRefundFee))
		return
	}
	a.enqueue(types.ChainID(t.Source), &pb.Entry{
		Kind: uint32(types.EntryRefund), Transfer: t, Amount: amount.Bytes(), Fee: fee.Bytes(),
		Payout: payout.Bytes(), Reason: string(reason),
	})
}

// settle books an executed item and sends its transfer on its way.
func (a *applier) settle(chain *pb.Chain, command *pb.Command, index uint32, failed bool, nonce uint64) {
	again := failedBefore(command, index)
	command.Failures = setBit(command.Failures, index, failed)
	if len(command.Entries) == 0 {
		return
	}
	entry := command.Entries[index]
	id := types.AssetID(entry.Transfer.Asset)
	books, p := a.ledger(id), paymentOf(entry)
	balance := books.at(tokenOn(a.asset(id), types.ChainID(chain.Id)))
	release := entry.Kind == uint32(types.EntryRelease)
	var err error
	switch {
	case !failed:
		err = books.paid(balance, p)
	case release:
		err = books.notPaid(balance, p)
	default:
		err = books.becameOwed(balance, p)
	}
	if err != nil { // the reservation has ruled this out
		a.booked(chain, nonce, err)
		return
	}
	a.tell(chain, command, index, failed)
	a.proceed(chain, command, index, failed, again)
}

// proceed is what follows from an item that is executed and booked. Again says
// that it is a release whose first execution, which vanished, had failed: its
// refund is on the way already.
func (a *applier) proceed(chain *pb.Chain, command *pb.Command, index uint32, failed, again bool) {
	entry := command.Entries[index]
	p := paymentOf(entry)
	rest, _ := p.amount.Sub(p.fee) // a fee is never above its amount
	switch {
	case !failed:
		a.ended(entry.Transfer)
		if again {
			a.recallRefund(entry.Transfer)
		}
	case again:
		a.lose(entry.Transfer, rest)
	case entry.Kind == uint32(types.EntryRelease):
		a.refund(entry.Transfer, rest, types.ReasonReleaseFailed)
	default:
		a.s.SetOwed(types.ChainID(chain.Id), command.Nonce, index, &pb.Owed{
			Transfer: entry.Transfer, Amount: entry.Payout, Reason: entry.Reason,
		})
	}
}

// ended counts a transfer that has come to its end.
func (a *applier) ended(t *pb.Transfer) { a.chain(types.ChainID(t.Source)).Ended++ }

// tell notes a release, and emits the event of any other executed entry.
func (a *applier) tell(chain *pb.Chain, command *pb.Command, index uint32, failed bool) {
	entry := command.Entries[index]
	var kind string
	switch release := entry.Kind == uint32(types.EntryRelease); {
	case release && !failed:
		a.released.Add(types.TransferID{Source: types.ChainID(entry.Transfer.Source), Nonce: entry.Transfer.Nonce})
		return
	case release:
		kind = EventTransferFailed
	case failed:
		kind = EventTransferOwed
	default:
		kind = EventTransferRefunded
	}
	a.emit(kind, "transfer_id", transferID(entry.Transfer), "chain", decimal(chain.Id),
		"outbox_nonce", decimal(command.Nonce), "index", decimal(index),
		"payout", amountOf(entry.Payout).String(), "fee", amountOf(entry.Fee).String(), "reason", entry.Reason)
}

// claimed closes the books over an owed refund that its owner has fetched.
func (a *applier) claimed(chain *pb.Chain, nonce uint64, e types.Claimed) {
	source := types.ChainID(chain.Id)
	owed := a.s.Owed(source, e.OutboxNonce, e.Index)
	if owed == nil {
		a.unknownClaim(chain, nonce, e)
		return
	}
	id := types.AssetID(owed.Transfer.Asset)
	token := tokenOn(a.asset(id), source)
	books := a.ledger(id)
	balance := books.at(token)
	if err := books.claimed(balance, amountOf(owed.Amount)); err != nil {
		a.quarantine(chain, nonce, types.ReasonBreach)
		return
	}
	a.s.RemoveOwed(source, e.OutboxNonce, e.Index)
	a.ended(owed.Transfer)
	a.emit(EventTransferClaimed, "transfer_id", transferID(owed.Transfer), "chain", decimal(chain.Id),
		"amount", amountOf(owed.Amount).String(), "to", e.To.Hex())
}

// unknownClaim consumes a claim of what is not owed: one that was booked before,
// and has vanished and come again in a re-anchored history. The contract has
// paid it, so the books have a deficit.
func (a *applier) unknownClaim(chain *pb.Chain, nonce uint64, e types.Claimed) {
	if id, known := a.s.TokenAsset(types.ChainID(chain.Id), e.Token); known {
		books, token := a.ledger(id), tokenOn(a.asset(id), types.ChainID(chain.Id))
		if amount, err := e.Amount.Mul(scaleOf(a.asset(id), token)); err == nil {
			a.booked(chain, nonce, books.paidForNothing(books.at(token), amount))
		}
	}
	a.quarantine(chain, nonce, types.ReasonUnknownClaim)
}
