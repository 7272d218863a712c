package evm

import (
	"context"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// receiptAnswer is the part of a receipt that is read.
type receiptAnswer struct {
	Status  hexutil.Uint64 `json:"status"`
	Block   hexutil.Uint64 `json:"blockNumber"`
	GasUsed hexutil.Uint64 `json:"gasUsed"`
	Price   *hexutil.Big   `json:"effectiveGasPrice"` // some clients leave it out
	L1Fee   *hexutil.Big   `json:"l1Fee"`             // of a rollup, beside the gas
}

// Receipt implements chain.Sink. All endpoints are asked, for one may be behind;
// of several receipts it takes the middle one by cost, of two the dearer: what is
// counted against a limit must not be too little.
func (s *Sink) Receipt(ctx context.Context, hash types.Hash) (*chain.Receipt, error) {
	var (
		mu       sync.Mutex
		receipts []chain.Receipt
	)
	errs := s.cfg.Client.DoAll(ctx, func(ctx context.Context, c Conn) error {
		var a *receiptAnswer
		if err := c.RPC.CallContext(ctx, &a, "eth_getTransactionReceipt", hash); err != nil || a == nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		receipts = append(receipts, a.receipt())
		return nil
	})
	if len(receipts) == 0 {
		if slices.Contains(errs, nil) {
			return nil, nil
		}
		return nil, s.classify("receipt", join(errs))
	}
	slices.SortFunc(receipts, func(a, b chain.Receipt) int { return a.Cost.Cmp(b.Cost) })
	middle := receipts[len(receipts)/2]
	return &middle, nil
}

func (a *receiptAnswer) receipt() chain.Receipt {
	r := chain.Receipt{Succeeded: a.Status == 1, Block: uint64(a.Block), GasUsed: uint64(a.GasUsed)}
	if a.Price != nil {
		r.Cost = chain.GasCost(r.GasUsed, saturate(a.Price.ToInt()))
	}
	if a.L1Fee != nil {
		if sum, err := r.Cost.Add(types.NewAmount(saturate(a.L1Fee.ToInt()))); err == nil {
			r.Cost = sum
		}
	}
	return r
}
