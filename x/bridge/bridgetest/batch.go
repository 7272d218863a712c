package bridgetest

import (
	"encoding/binary"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// The model of contracts/src/Batch.sol: payouts, in slices.

// group is entries of a batch that share kind, token and fee.
type group struct {
	first   uint32 // index of its first entry in the batch
	entries []types.BatchEntry
}

// readBatch reads a batch as the contract does, and returns no items for what
// the contract does not take as one. types.DecodeCommand is stricter: it refuses
// groups that could be one, which the contract pays one after the other.
func readBatch(command []byte) (groups []group, items uint32) {
	if len(command) == 0 || types.CommandKind(command[0]) != types.CommandBatch {
		return nil, 0
	}
	rest := command[1:]
	for len(rest) > 0 {
		if len(rest) < types.BatchGroupBytes {
			return nil, 0
		}
		shared := types.BatchEntry{Kind: types.EntryKind(rest[0]), Token: types.Address(rest[1:21]), Fee: amountAt(rest, 21)}
		count := uint32(binary.BigEndian.Uint16(rest[37:]))
		rest = rest[types.BatchGroupBytes:]
		if shared.Kind != types.EntryRelease && shared.Kind != types.EntryRefund || count == 0 ||
			items+count > types.MaxBatchItems || len(rest) < int(count)*types.BatchEntryBytes {
			return nil, 0
		}
		g := group{first: items}
		for range count {
			entry := shared
			entry.Recipient, entry.Amount = types.Address(rest[:20]), amountAt(rest, 20)
			g.entries = append(g.entries, entry)
			rest = rest[types.BatchEntryBytes:]
		}
		groups, items = append(groups, g), items+count
	}
	return groups, items
}

func amountAt(b []byte, at int) types.Amount {
	amount, _ := types.AmountFromBytes(b[at : at+16]) // 16 bytes are in range
	return amount
}

// batch pays a slice and returns the bitmap of what failed, which is empty when
// nothing did.
func (c *Chain) batch(groups []group, slice types.Executed) []byte {
	failures := make([]byte, (slice.Count+7)/8)
	failed := false
	for _, g := range groups {
		token, items := g.entries[0].Token, uint32(0)
		for i, e := range g.entries {
			index := g.first + uint32(i) //nolint:gosec // at most MaxBatchItems
			if index < slice.First || index >= slice.First+slice.Count {
				continue
			}
			items++
			if !c.payout(e) {
				failed = true
				failures[(index-slice.First)/8] |= 1 << ((index - slice.First) % 8)
				c.owe(slice.OutboxNonce, index, e)
			}
		}
		// The relayer's work was the same for items that failed.
		if c.tokens[token].Mode != 0 {
			c.credit(token, slice.Relayer, g.entries[0].Fee, items)
		}
	}
	if !failed {
		return nil
	}
	return failures
}

// payout pays an entry within its token's limit.
func (c *Chain) payout(e types.BatchEntry) bool {
	token := c.tokens[e.Token]
	available := token.Available(c.Time)
	rest, err := available.Sub(e.Amount)
	if token.Mode == 0 || err != nil || c.FailCommands[types.CommandBatch] || !c.pay(e.Token, e.Recipient, e.Amount) {
		return false
	}
	if token.Limited && rest != available {
		token.setLevel(rest, c.Time)
		c.tokens[e.Token] = token
	}
	return true
}

// owe writes down a refund that could not be paid. A failed release is refunded
// by the network, on the chain where it came from.
func (c *Chain) owe(nonce uint64, index uint32, e types.BatchEntry) {
	if e.Kind != types.EntryRefund {
		return
	}
	c.owed[owedKey{nonce, index}] = types.Claimed{
		OutboxNonce: nonce, Index: index, Token: e.Token, Owner: e.Recipient, Amount: e.Amount,
	}
}
