package modelchain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	blockGas = 30_000_000
	callGas  = 1_000_000 // the limit of a transaction of nobody
	gasUsed  = 100_000   // by whatever transaction
	gwei     = 1_000_000_000
)

// made is a transaction of the block being made.
type made struct {
	tx     *gethtypes.Transaction
	failed bool
	events []bridgetest.Logged
}

// block is a block as its servers tell it.
type block struct {
	header   *gethtypes.Header
	raw      json.RawMessage // as eth_getBlockByNumber answers, with hashes of transactions
	state    bridgetest.State
	receipts []*gethtypes.Receipt
}

func (b *block) number() uint64 { return b.header.Number.Uint64() }

// block seals what was made above the newest block.
func (c *Chain) block(made []made) (*block, error) {
	b := &block{header: &gethtypes.Header{
		Number: new(big.Int).SetUint64(uint64(len(c.blocks))), Time: c.now(), GasLimit: blockGas, GasUsed: gasUsed * uint64(len(made)),
		UncleHash: gethtypes.EmptyUncleHash, Difficulty: new(big.Int), BaseFee: big.NewInt(gwei), Extra: []byte("model"),
		WithdrawalsHash: &gethtypes.EmptyWithdrawalsHash, BlobGasUsed: new(uint64), ExcessBlobGas: new(uint64),
		ParentBeaconRoot: &common.Hash{}, RequestsHash: &gethtypes.EmptyRequestsHash,
	}}
	if len(c.blocks) > 0 {
		b.header.ParentHash = c.blocks[len(c.blocks)-1].header.Hash()
		b.state = c.model.State()
	}
	account, err := openState(c.cfg.Bridge, b.state)
	if err != nil {
		return nil, err
	}
	b.header.Root = account.root
	var txs gethtypes.Transactions
	for i, m := range made {
		receipt, err := c.receipt(b, i, m)
		if err != nil {
			return nil, err
		}
		txs, b.receipts = append(txs, m.tx), append(b.receipts, receipt)
	}
	b.header.TxHash = gethtypes.DeriveSha(txs, trie.NewStackTrie(nil))
	b.header.ReceiptHash = gethtypes.DeriveSha(gethtypes.Receipts(b.receipts), trie.NewStackTrie(nil))
	b.header.Bloom = gethtypes.MergeBloom(b.receipts)
	for _, r := range b.receipts {
		r.BlockHash = b.header.Hash()
		for _, l := range r.Logs {
			l.BlockHash = r.BlockHash
		}
	}
	b.raw, err = rawBlock(b.header, txs)
	return b, err
}

// receipt is that of a block's transaction number i; the block's hash is not
// known yet.
func (c *Chain) receipt(b *block, i int, m made) (*gethtypes.Receipt, error) {
	r := &gethtypes.Receipt{
		Type: m.tx.Type(), Status: gethtypes.ReceiptStatusSuccessful, TxHash: m.tx.Hash(),
		GasUsed: gasUsed, CumulativeGasUsed: gasUsed * uint64(i+1), EffectiveGasPrice: b.header.BaseFee, //nolint:gosec // few
		BlockNumber: b.header.Number, TransactionIndex: uint(i), Logs: []*gethtypes.Log{}, //nolint:gosec // as above
	}
	if m.failed {
		r.Status = gethtypes.ReceiptStatusFailed
	}
	first := 0
	for _, before := range b.receipts {
		first += len(before.Logs)
	}
	for j, e := range m.events {
		l, err := encodeLog(c.cfg.Bridge, e)
		if err != nil {
			return nil, err
		}
		l.TxHash, l.TxIndex, l.Index = r.TxHash, r.TransactionIndex, uint(first+j) //nolint:gosec // as above
		l.BlockNumber, l.BlockTimestamp = b.number(), b.header.Time
		r.Logs = append(r.Logs, l)
	}
	r.Bloom = gethtypes.CreateBloom(r)
	return r, nil
}

// rawBlock is a header's JSON with what a block has besides.
func rawBlock(h *gethtypes.Header, txs gethtypes.Transactions) (json.RawMessage, error) {
	header, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode the header: %w", err)
	}
	hashes := make([]types.Hash, len(txs))
	for i, tx := range txs {
		hashes[i] = tx.Hash()
	}
	rest, err := json.Marshal(map[string]any{
		"size": "0x400", "transactions": hashes, "uncles": []types.Hash{}, "withdrawals": []any{},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the block: %w", err)
	}
	return append(append(bytes.TrimSuffix(header, []byte("}")), ','), rest[1:]...), nil
}
