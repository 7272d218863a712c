package bridge

import (
	"fmt"

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
	if r.Nonce < chain.Cursor || r.Common > chain.Cursor {
		return fmt.Errorf("chain %s: nonce %d and common %d: want nonce ≥ %d ≥ common, for a nonce is never used twice",
			chain.Label, r.Nonce, r.Common, chain.Cursor)
	}
	if err := a.checkBalances(chain, r); err != nil {
		return err
	}
	if err := a.checkPosition(chain, r); err != nil {
		return err
	}
	a.skipExecutions(chain, r)
	undone := a.undoExecutions(chain, r)
	a.dropVanished(chain, r.Common)
	for _, b := range r.Balances {
		a.correct(chain, r.Nonce, b, undone[b.Asset])
	}
	chain.Cursor, chain.CursorHash, chain.CursorBlock, chain.Anchor = r.Nonce, r.Hash[:], r.Block, r.Nonce
	a.ballot.clearMarks(a.ballot.of(r.ID))
	a.emit(EventChainReanchored, "chain", decimal(chain.Id), "nonce", decimal(r.Nonce), "hash", r.Hash.Hex(),
		"outbox_nonce", decimal(r.OutboxNonce))
	a.resumeChain(chain)
	return nil
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
	last := max(chain.Executed, r.OutboxNonce)
	if chain.NextItem > 0 || r.NextItem > 0 {
		last++
	}
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
	return nil
}

// behind says whether the books' position in the outbox is behind the anchor's.
func behind(chain *pb.Chain, r types.Reanchor) bool {
	return chain.Executed < r.OutboxNonce || chain.Executed == r.OutboxNonce && chain.NextItem < r.NextItem
}

// skipExecutions books what the new history executed before its anchor, as done:
// the receipts that would say more are never applied.
func (a *applier) skipExecutions(chain *pb.Chain, r types.Reanchor) {
	for behind(chain, r) {
		command := a.s.Command(r.ID, chain.Executed+1)
		end := command.Items
		if chain.Executed == r.OutboxNonce {
			end = r.NextItem
		}
		a.receipt(chain, command, types.Executed{
			OutboxNonce: command.Nonce, First: chain.NextItem, Count: end - chain.NextItem,
		}, r.Nonce)
	}
}

// undoExecutions takes the outbox back to the anchor's position. What vanished is
// executed again; it stays booked, and its sum is returned for each asset.
func (a *applier) undoExecutions(chain *pb.Chain, r types.Reanchor) map[types.AssetID]types.Amount {
	undone := map[types.AssetID]types.Amount{}
	for chain.Executed != r.OutboxNonce || chain.NextItem != r.NextItem {
		nonce, first := chain.Executed, uint32(0)
		if chain.NextItem > 0 { // the command after it is partly executed
			nonce++
		}
		if nonce == r.OutboxNonce+1 {
			first = r.NextItem
		}
		a.undoExecution(chain, nonce, first, undone)
	}
	return undone
}

// undoExecution takes one command back to its first items.
func (a *applier) undoExecution(chain *pb.Chain, nonce uint64, first uint32, undone map[types.AssetID]types.Amount) {
	id := types.ChainID(chain.Id)
	command := a.s.Command(id, nonce)
	if command.Executed == command.Items {
		a.s.RemovePruned(state.Pruned{Height: command.ExecutedHeight + a.network.Params.KeepBlocks, Chain: id, Nonce: nonce})
		command.ExecutedHeight = 0
		if len(command.Entries) > 0 {
			chain.OpenBatches++
		}
	}
	for index := first; index < command.Executed && len(command.Entries) > 0; index++ {
		entry := command.Entries[index]
		left := amountOf(entry.Fee)
		if !bit(command.Failures, index) {
			left = needOf(entry)
		}
		asset := types.AssetID(entry.Transfer.Asset)
		sum, err := undone[asset].Add(left)
		a.booked(chain, nonce, err)
		undone[asset] = sum
	}
	command.Booked = max(command.Booked, command.Executed)
	command.Executed, chain.Executed, chain.NextItem = first, nonce-1, first
	a.s.SetCommand(id, command)
}

// dropVanished ends the waiting transfers whose deposits are not in the new
// history.
func (a *applier) dropVanished(chain *pb.Chain, common uint64) {
	for _, destination := range a.chains {
		for _, l := range a.lanesOf(destination) {
			if l.id.Source != types.ChainID(chain.Id) {
				continue
			}
			for range l.entries() { // each goes once around, so the order stays
				entry := a.pop(l)
				if entry.Transfer.Nonce <= common {
					a.push(l.id, entry)
					continue
				}
				books := a.ledger(l.id.Asset)
				a.booked(chain, entry.Transfer.Nonce, books.vanished(books.at(tokenOn(a.asset(l.id.Asset), l.id.Source)), amountOf(entry.Amount)))
				a.emit(EventTransferVanished, "transfer_id", transferID(entry.Transfer), "amount", amountOf(entry.Amount).String())
			}
		}
	}
}

// correct makes the books say what the chain really has, as soon as what was
// undone is executed again.
func (a *applier) correct(chain *pb.Chain, nonce uint64, real types.AssetBalance, undone types.Amount) {
	books := a.ledger(real.Asset)
	surplus, err := books.corrected(books.at(tokenOn(a.asset(real.Asset), types.ChainID(chain.Id))), real.Amount, undone)
	a.booked(chain, nonce, err)
	if err == nil && !surplus.IsZero() {
		a.keep(&pb.Transfer{Source: chain.Id, Nonce: nonce, Asset: real.Asset[:], Amount: surplus.Bytes()}, nil, types.ReasonSurplus)
	}
}

// settleAgain books an item whose first execution vanished, and which ended
// differently this time.
func (a *applier) settleAgain(chain *pb.Chain, command *pb.Command, index uint32, failed bool) error {
	entry := command.Entries[index]
	id := types.ChainID(chain.Id)
	asset := types.AssetID(entry.Transfer.Asset)
	books, payout := a.ledger(asset), amountOf(entry.Payout)
	balance := books.at(tokenOn(a.asset(asset), id))
	a.tell(chain, command, index, failed)
	release := entry.Kind == uint32(types.EntryRelease)
	switch {
	case failed && release: // it was paid out, and is not any more
		if err := books.returned(balance, payout); err != nil {
			return err
		}
		a.refund(entry.Transfer, payout, types.ReasonReleaseFailed)
		return nil
	case failed:
		a.s.SetOwed(id, command.Nonce, index, &pb.Owed{Transfer: entry.Transfer, Amount: entry.Payout, Reason: entry.Reason})
		return books.returnedOwed(balance, payout)
	case !release && a.s.Owed(id, command.Nonce, index) != nil:
		a.s.RemoveOwed(id, command.Nonce, index)
		return books.claimed(balance, payout)
	}
	return books.paidTwice(balance, payout) // its refund is on the way, or was fetched
}
