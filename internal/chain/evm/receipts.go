package evm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// knownReceipts are the transaction types whose receipts go-ethereum encodes as
// consensus does. Those of L2s (deposits of the OP stack, 0x7e, and others) have
// fields of their own: without them the root comes out wrong.
var knownReceipts = []uint8{
	gethtypes.LegacyTxType, gethtypes.AccessListTxType, gethtypes.DynamicFeeTxType, gethtypes.BlobTxType, gethtypes.SetCodeTxType,
}

// fetchReceipts asks one endpoint for a block's receipts, as it tells them.
func fetchReceipts(ctx context.Context, conn Conn, number uint64) (chain.Answer, error) {
	var raw json.RawMessage
	if err := conn.RPC.CallContext(ctx, &raw, "eth_getBlockReceipts", hexutil.Uint64(number)); err != nil {
		return chain.Answer{}, fmt.Errorf("eth_getBlockReceipts: %w", err)
	}
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return chain.Answer{}, fmt.Errorf("receipts of block %d: %w", number, ethereum.NotFound)
	}
	request := fmt.Sprintf("eth_getBlockReceipts(%d)", number)
	return chain.Answer{Endpoint: conn.Endpoint, Group: conn.Group, Request: request, Answer: raw}, nil
}

// shown is what the receipts of a block prove.
type shown struct {
	mark   types.Mark // newest inbox event of the block; nonce 0: there is none
	answer chain.Answer
}

// blockOf is the key of what the receipts of a header's block show.
type blockOf header

func (blockOf) fact() fact { return factReceipts }

// shown proves a block's newest event by whichever endpoint can; that of the same
// header is known for good.
func (c *Client) shown(ctx context.Context, h header) (shown, error) {
	if p, ok := recall[shown](c.memory, blockOf(h)); ok {
		return p, nil
	}
	p, err := read(ctx, c, classReceipts, func(ctx context.Context, conn Conn) (p shown, err error) {
		p.mark, p.answer, err = proveBlock(ctx, conn, c.cfg.Bridge, h)
		return p, err
	})
	if err != nil {
		return shown{}, err
	}
	p.answer = bounded([]chain.Answer{p.answer})[0]
	remember(c.memory, blockOf(h), p)
	return p, nil
}

// proveBlock has one endpoint prove the newest inbox event of a header's block;
// nonce 0 says that the block holds none.
func proveBlock(ctx context.Context, conn Conn, bridge types.Address, h header) (types.Mark, chain.Answer, error) {
	answer, err := fetchReceipts(ctx, conn, h.Number)
	if err != nil {
		return types.Mark{}, chain.Answer{}, err
	}
	receipts, err := verifyReceipts(answer.Answer, h)
	if err != nil {
		return types.Mark{}, chain.Answer{}, err
	}
	mark, err := newestEvent(receipts, bridge, h)
	return mark, answer, err
}

// verifyReceipts decodes a block's receipts, all of them and in their order, if
// their trie has the root that the header names.
func verifyReceipts(raw []byte, h header) (gethtypes.Receipts, error) {
	var receipts gethtypes.Receipts
	if err := json.Unmarshal(raw, &receipts); err != nil {
		return nil, chain.Failed(chain.CheckReceipts, "block %d: %w", h.Number, err)
	}
	for i, r := range receipts {
		if r == nil || slices.Contains(r.Logs, nil) {
			return nil, chain.Failed(chain.CheckReceipts, "block %d: receipt %d has nothing where it must have something", h.Number, i)
		}
		if !slices.Contains(knownReceipts, r.Type) {
			return nil, chain.Failed(chain.CheckReceipts,
				`block %d: receipt %d is of the type 0x%x, which Ethereum has not: set verification = "proof", or "agreement", for this chain`,
				h.Number, i, r.Type)
		}
	}
	if root := gethtypes.DeriveSha(receipts, trie.NewStackTrie(nil)); root != h.Receipts {
		return nil, chain.Failed(chain.CheckReceipts, "block %d: %d receipts lead to the root %s, the header names %s",
			h.Number, len(receipts), root, h.Receipts)
	}
	return receipts, nil
}

// newestEvent is the last inbox event among verified receipts; nonce 0 says that
// there is none. Nothing in a log counts that the root does not cover.
func newestEvent(receipts gethtypes.Receipts, bridge types.Address, h header) (types.Mark, error) {
	for _, r := range slices.Backward(receipts) {
		for _, l := range slices.Backward(r.Logs) {
			if l.Address != bridge || len(l.Topics) == 0 {
				continue
			}
			if _, isEvent := layouts[l.Topics[0]]; !isEvent {
				continue
			}
			l.BlockNumber = h.Number
			event, err := DecodeLog(l)
			if err != nil {
				return types.Mark{}, err
			}
			return types.Mark{Nonce: event.Nonce, Hash: event.Hash, Block: h.Number}, nil
		}
	}
	return types.Mark{}, nil
}
