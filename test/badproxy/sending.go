package badproxy

import (
	"encoding/json"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// Lies to those who send transactions.
var sending = []Trouble{
	{Name: "transaction swallowed", Methods: []string{"eth_sendRawTransaction"}, Unasked: true, Send: func(x *Exchange, r *Reply) {
		var raw hexutil.Bytes
		if !x.param(0, &raw) {
			return
		}
		answer := Answer{Version: "2.0", ID: x.Call.ID}
		answer.Result, _ = json.Marshal(crypto.Keccak256Hash(raw)) // a hash
		r.Body, _ = json.Marshal(answer)                           // plain values
	}},
	{Name: "transaction doubled", Methods: []string{"eth_sendRawTransaction"}, Ask: func(x *Exchange) bool {
		var raw, hash hexutil.Bytes
		if !x.param(0, &raw) {
			return false
		}
		_ = x.Node(&hash, "eth_sendRawTransaction", raw) // the node may know it already
		return true
	}},
	{Name: "transaction denied", Methods: []string{"eth_sendRawTransaction"}, Tell: refuse(-32000, "transaction underpriced")},
	{Name: "nonce ahead", Methods: []string{"eth_getTransactionCount"}, Tell: On(func(_ *Exchange, n hexutil.Uint64) hexutil.Uint64 { return n + 3 })},
	{Name: "nonce behind", Methods: []string{"eth_getTransactionCount"}, Tell: On(func(_ *Exchange, n hexutil.Uint64) hexutil.Uint64 { return n - min(n, 1) })},
	{Name: "fees too low", Methods: []string{"eth_gasPrice", "eth_maxPriorityFeePerGas"}, Tell: Say(hexutil.Uint64(1))},
	{Name: "fees too high", Methods: []string{"eth_gasPrice", "eth_maxPriorityFeePerGas"}, Tell: Say(hexutil.Uint64(1e18))},
	{Name: "gas too low", Methods: []string{"eth_estimateGas"}, Tell: Say(hexutil.Uint64(21_000))},
	{Name: "call altered", Methods: []string{"eth_call"}, Tell: On(lastByte)},
	{Name: "position ahead", Methods: []string{"eth_getStorageAt"}, Tell: On(func(x *Exchange, value hexutil.Bytes) hexutil.Bytes {
		var slot string
		if x.param(1, &slot) && common.HexToHash(slot) == (common.Hash{}) && len(value) == word {
			value[23]++ // the last byte of the outbox nonce
		}
		return value
	})},
	{Name: "storage altered", Methods: []string{"eth_getStorageAt"}, Tell: On(lastByte)},
}

// lastByte changes the last byte of a result.
func lastByte(_ *Exchange, data hexutil.Bytes) hexutil.Bytes {
	if len(data) > 0 {
		data[len(data)-1]++
	}
	return data
}
