package bridge

import (
	"fmt"
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// reanchor sets a contradicted chain to where it really is, and starts it again.
// What the books say beyond that becomes deficit; what it has beyond the books
// goes into quarantine. An error has changed nothing.
func (a *applier) reanchor(chain *pb.Chain, r types.Reanchor) error {
	if chain.Paused != contradicted {
		return fmt.Errorf("chain %s has not contradicted what was agreed", chain.Label)
	}
	if r.Common > chain.Cursor {
		return fmt.Errorf("chain %s: common %d is above the cursor %d", chain.Label, r.Common, chain.Cursor)
	}
	if err := a.checkBalances(chain, r); err != nil {
		return err
	}
	if err := a.checkPosition(chain, r); err != nil {
		return err
	}
	a.registerSkipped(chain, r)
	a.skipExecutions(chain, r)
	a.undoExecutions(chain, r)
	for _, b := range r.Balances {
		books := a.ledger(b.Asset)
		surplus, err := books.corrected(books.at(tokenOn(a.asset(b.Asset), r.ID)), b.Amount)
		a.booked(chain, r.Nonce, err)
		a.surplus(chain, b.Asset, surplus)
	}
	a.dropVanished(chain, r.Common)
	a.moveCursor(chain, r)
	a.emit(EventChainReanchored, "chain", decimal(chain.Id), "nonce", decimal(r.Nonce), "hash", r.Hash.Hex(),
		"outbox_nonce", decimal(r.OutboxNonce))
	a.resumeChain(chain)
	return nil
}

// moveCursor sets the inbox's position. The new inbox may be shorter than what
// was applied; transfers are numbered on, for a number is never used twice.
func (a *applier) moveCursor(chain *pb.Chain, r types.Reanchor) {
	if chain.Cursor > r.Nonce {
		chain.Offset += chain.Cursor - r.Nonce
	}
	chain.Cursor, chain.CursorHash, chain.CursorBlock, chain.Anchor = r.Nonce, r.Hash[:], r.Block, r.Nonce
	a.ballot.clearMarks(a.ballot.of(r.ID))
}

// checkBalances wants the balance of each asset that the chain holds, and of no
// other.
func (a *applier) checkBalances(chain *pb.Chain, r types.Reanchor) error {
	named := map[types.AssetID]bool{}
	for _, b := range r.Balances {
		if tokenOn(a.asset(b.Asset), r.ID) == nil {
			return fmt.Errorf("chain %s: asset %s has no token there", chain.Label, b.Asset)
		}
		named[b.Asset] = true
	}
	for _, asset := range a.s.Assets() {
		if tokenOn(asset, r.ID) != nil && !named[types.AssetID(asset.Id)] {
			return fmt.Errorf("chain %s: the balance of asset %x is missing", chain.Label, asset.Id)
		}
	}
	return nil
}

// checkPosition wants every command between the books' position in the outbox
// and the anchor's to be in the state.
func (a *applier) checkPosition(chain *pb.Chain, r types.Reanchor) error {
	last := max(begun(chain.Executed, chain.NextItem), begun(r.OutboxNonce, r.NextItem))
	for nonce := min(chain.Executed, r.OutboxNonce) + 1; nonce <= last; nonce++ {
		command := a.s.Command(r.ID, nonce)
		switch {
		case nonce > chain.Outbox:
			return fmt.Errorf("chain %s: outbox nonce %d: only %d commands were ordered", chain.Label, nonce, chain.Outbox)
		case command == nil:
			return fmt.Errorf("chain %s: command %d has left the state: it cannot be executed again", chain.Label, nonce)
		case nonce == r.OutboxNonce+1 && r.NextItem >= command.Items:
			return fmt.Errorf("chain %s: command %d has no item %d", chain.Label, nonce, r.NextItem)
		}
	}
	for _, s := range r.Skipped {
		if s.Nonce <= chain.Executed || s.Nonce > begun(r.OutboxNonce, r.NextItem) {
			return fmt.Errorf("chain %s: skipped: command %d is not between the books' position (%d) and the anchor's (%d)",
				chain.Label, s.Nonce, chain.Executed, r.OutboxNonce)
		}
		if items := a.s.Command(r.ID, s.Nonce).GetItems(); uint32(len(s.Failures)) > (items+7)/8 { //nolint:gosec // at most MaxBatchItems
			return fmt.Errorf("chain %s: skipped: command %d has %d items, and %d bytes say which failed", chain.Label, s.Nonce, items, len(s.Failures))
		}
	}
	return a.checkRegistered(chain, r)
}

// begun is the last command of which anything is executed.
func begun(executed uint64, next uint32) uint64 {
	if next > 0 {
		return executed + 1
	}
	return executed
}

// checkRegistered wants the token of every registration that the contract has
// executed and whose event is never applied: nobody else would ever say it.
func (a *applier) checkRegistered(chain *pb.Chain, r types.Reanchor) error {
	named := map[types.AssetID]bool{}
	for _, t := range r.Registered {
		token := tokenOn(a.asset(t.Asset), r.ID)
		if token == nil || token.Registered || token.Mode == uint32(types.ModeLock) && types.Address(token.Token) != t.Token {
			return fmt.Errorf("chain %s: registered: asset %s has no token there that waits for its registration, or another one", chain.Label, t.Asset)
		}
		if _, taken := a.s.TokenAsset(r.ID, t.Token); taken {
			return fmt.Errorf("chain %s: registered: token %s belongs to another asset", chain.Label, t.Token)
		}
		named[t.Asset] = true
	}
	for nonce := chain.Executed + 1; nonce <= r.OutboxNonce; nonce++ {
		command := a.s.Command(r.ID, nonce)
		if command.GetKind() != uint32(types.CommandRegisterToken) || skippedFailed(r, nonce) {
			continue
		}
		decoded, err := types.DecodeCommand(command.Bytes)
		order, ok := decoded.(types.RegisterToken)
		if err != nil || !ok {
			state.Failf("command %d of chain %s is no registration: %w", nonce, chain.Label, err)
		}
		if token := tokenOn(a.asset(order.Asset), r.ID); token != nil && !token.Registered && !named[order.Asset] {
			return fmt.Errorf("chain %s: registered: the token of asset %s is missing, which command %d has registered", chain.Label, order.Asset, nonce)
		}
	}
	return nil
}

// skippedFailed says whether a skipped command that is no batch has failed.
func skippedFailed(r types.Reanchor, nonce uint64) bool {
	return slices.ContainsFunc(r.Skipped, func(s types.SkippedCommand) bool { return s.Nonce == nonce && bit(s.Failures, 0) })
}

func (a *applier) registerSkipped(chain *pb.Chain, r types.Reanchor) {
	for _, t := range r.Registered {
		asset := a.asset(t.Asset)
		a.register(chain, asset, tokenOn(asset, r.ID), t.Token)
	}
}

// behind says whether the books' position in the outbox is behind the anchor's.
func behind(chain *pb.Chain, r types.Reanchor) bool {
	return chain.Executed < r.OutboxNonce || chain.Executed == r.OutboxNonce && chain.NextItem < r.NextItem
}

// skipExecutions books what the new history executed before its anchor: the
// receipts themselves are never applied.
func (a *applier) skipExecutions(chain *pb.Chain, r types.Reanchor) {
	for behind(chain, r) {
		command := a.s.Command(r.ID, chain.Executed+1)
		end := command.Items
		if chain.Executed == r.OutboxNonce {
			end = r.NextItem
		}
		receipt := types.Executed{OutboxNonce: command.Nonce, First: chain.NextItem, Count: end - chain.NextItem}
		for _, skipped := range r.Skipped {
			for i := uint32(0); skipped.Nonce == command.Nonce && i < receipt.Count; i++ {
				receipt.Failures = setBit(receipt.Failures, i, bit(skipped.Failures, receipt.First+i))
			}
		}
		a.receipt(chain, command, receipt, r.Nonce)
	}
}

// undoExecutions takes the outbox back to the anchor's position: what vanished is
// executed again.
func (a *applier) undoExecutions(chain *pb.Chain, r types.Reanchor) {
	for chain.Executed != r.OutboxNonce || chain.NextItem != r.NextItem {
		nonce, first := begun(chain.Executed, chain.NextItem), uint32(0)
		if nonce == r.OutboxNonce+1 {
			first = r.NextItem
		}
		a.undoExecution(chain, nonce, first)
		chain.ExecutedSeal = 0 // that of a command which may be gone
	}
}

// undoExecution takes one command back to its first items.
func (a *applier) undoExecution(chain *pb.Chain, nonce uint64, first uint32) {
	id := types.ChainID(chain.Id)
	command := a.s.Command(id, nonce)
	if command.Executed == command.Items {
		a.s.RemovePruned(state.Pruned{Height: command.PrunedAt, Chain: id, Nonce: nonce})
		command.ExecutedHeight, command.PrunedAt = 0, 0
		if len(command.Entries) > 0 {
			chain.OpenBatches++
		}
		a.undoSet(chain, command)
	}
	for index := first; index < command.Executed && len(command.Entries) > 0; index++ {
		a.undoItem(chain, command, index)
	}
	command.Undone = max(command.Undone, command.Executed)
	command.Executed, chain.Executed, chain.NextItem = first, nonce-1, first
	a.s.SetCommand(id, command)
}

// undoSet notes that a contract obeys the set before again: each epoch's set
// follows that of the epoch before it.
func (a *applier) undoSet(chain *pb.Chain, command *pb.Command) {
	if types.CommandKind(command.Kind) == types.CommandSetValidators && !bit(command.Failures, 0) { //nolint:gosec // written from a CommandKind
		chain.SetInForce--
	}
}

// undoItem takes the booking of one item back: it is committed again.
func (a *applier) undoItem(chain *pb.Chain, command *pb.Command, index uint32) {
	entry := command.Entries[index]
	id, asset := types.ChainID(chain.Id), types.AssetID(entry.Transfer.Asset)
	books, p := a.ledger(asset), paymentOf(entry)
	balance := books.at(tokenOn(a.asset(asset), id))
	failed := bit(command.Failures, index)
	switch {
	case failed && entry.Kind == uint32(types.EntryRelease):
		a.booked(chain, command.Nonce, books.reopened(balance, p))
	case failed && a.s.Owed(id, command.Nonce, index) != nil:
		a.s.RemoveOwed(id, command.Nonce, index)
		a.booked(chain, command.Nonce, books.notOwed(balance, p))
		return // it was not ended
	default:
		a.booked(chain, command.Nonce, books.unpaid(balance, p))
	}
	a.chain(types.ChainID(entry.Transfer.Source)).Ended--
}

// failedBefore says of an item that it is a release whose first execution has
// vanished, and had failed.
func failedBefore(command *pb.Command, index uint32) bool {
	return index < command.Undone && bit(command.Failures, index) &&
		len(command.Entries) > 0 && command.Entries[index].Kind == uint32(types.EntryRelease)
}

// recallRefund ends a refund that still waits: its release has been paid.
func (a *applier) recallRefund(t *pb.Transfer) {
	source := a.chain(types.ChainID(t.Source))
	for _, l := range a.lanesOf(source) {
		if l.id.Asset != types.AssetID(t.Asset) || l.id.Source != l.id.Chain {
			continue
		}
		for range l.entries() { // each goes once around, so the order stays
			entry := a.pop(l)
			if entry.Transfer.Nonce == t.Nonce {
				a.lose(t, amountOf(entry.Amount))
				continue
			}
			a.push(l.id, entry)
		}
	}
}

// dropVanished ends the waiting transfers whose deposits are not in the new
// history, and remembers the others: none of them is ever refunded.
func (a *applier) dropVanished(chain *pb.Chain, common uint64) {
	if common == chain.Cursor {
		return
	}
	chain.Vanished = append(chain.Vanished, &pb.Vanished{First: common + 1 + chain.Offset, Last: chain.Cursor + chain.Offset})
	for _, destination := range a.chains {
		for _, l := range a.lanesOf(destination) {
			if l.id.Source != types.ChainID(chain.Id) {
				continue
			}
			for range l.entries() { // each goes once around, so the order stays
				entry := a.pop(l)
				if !vanished(chain, entry.Transfer.Nonce) {
					a.push(l.id, entry)
					continue
				}
				a.lose(entry.Transfer, amountOf(entry.Amount))
			}
		}
	}
}

// vanished says whether a transfer's deposit is in no history any more.
func vanished(source *pb.Chain, nonce uint64) bool {
	return slices.ContainsFunc(source.Vanished, func(v *pb.Vanished) bool { return v.First <= nonce && nonce <= v.Last })
}

// lose ends a transfer, or the rest of one, that there is nothing behind.
func (a *applier) lose(t *pb.Transfer, amount types.Amount) {
	source := a.chain(types.ChainID(t.Source))
	surplus, err := a.ledger(types.AssetID(t.Asset)).lose(amount)
	a.booked(source, t.Nonce, err)
	a.surplus(source, types.AssetID(t.Asset), surplus)
	a.ended(t)
	a.emit(EventTransferVanished, "transfer_id", transferID(t), "amount", amount.String())
}

// surplus keeps a record of what the books came to hold for nobody.
func (a *applier) surplus(chain *pb.Chain, asset types.AssetID, amount types.Amount) {
	if !amount.IsZero() {
		a.keep(&pb.Transfer{Source: chain.Id, Nonce: chain.Cursor, Asset: asset[:], Amount: amount.Bytes()}, nil, types.ReasonSurplus)
	}
}
