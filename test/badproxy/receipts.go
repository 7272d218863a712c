package badproxy

import (
	"encoding/json"
	"slices"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

var receipts = []Trouble{
	{Name: "receipt missing", Methods: receiptMethods, Tell: func(x *Exchange) bool {
		return onReceipts(func(all []object) []object { return all[:len(all)-1] })(x)
	}},
	{Name: "receipt's logs missing", Methods: receiptMethods, Tell: onReceipts(func(all []object) []object {
		for _, r := range all {
			if logs, ok := r["logs"].([]any); ok && len(logs) > 0 {
				r["logs"] = logs[:len(logs)-1]
			}
		}
		return all
	})},
	{Name: "receipt altered", Methods: receiptMethods, Tell: onReceipts(func(all []object) []object {
		for _, r := range all {
			logs, _ := r["logs"].([]any)
			for _, l := range logs {
				if l, ok := l.(object); ok {
					if _, ok := depositNonce(l); ok {
						alterAmount([]object{l}, 0)
					}
				}
			}
		}
		return all
	})},
	{Name: "receipt failed", Methods: receiptMethods, Tell: onReceipts(func(all []object) []object {
		for _, r := range all {
			r["status"] = hexutil.Uint64(0)
		}
		return all
	})},
	{Name: "receipt cheap", Methods: receiptMethods, Tell: onReceipts(func(all []object) []object {
		for _, r := range all {
			r["effectiveGasPrice"] = hexutil.Uint64(1)
		}
		return all
	})},
	{Name: "receipts reordered", Methods: []string{"eth_getBlockReceipts"}, Tell: onReceipts(func(all []object) []object {
		slices.Reverse(all)
		return all
	})},
}

// onReceipts bends a block's receipts, or the one of a transaction; without it
// the answer is null.
func onReceipts(bend func([]object) []object) func(*Exchange) bool {
	many := On(func(_ *Exchange, all []object) []object {
		if len(all) == 0 {
			return all
		}
		return bend(all)
	})
	one := On(func(_ *Exchange, r object) object {
		if all := bend([]object{r}); len(all) > 0 {
			return all[0]
		}
		return nil
	})
	return func(x *Exchange) bool {
		if json.Valid(x.Answer.Result) && x.Answer.Result[0] == '[' {
			return many(x)
		}
		return one(x)
	}
}
