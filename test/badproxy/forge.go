package badproxy

import (
	"encoding/binary"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// Lies that fit each other, whatever is asked: only those who do not ask this
// server alone can know.
var forged = []Trouble{
	// Another history from the first header on that is asked for: the same
	// blocks with other extra data, hashed and linked as they must be. All else
	// is true, so whatever is proven under such a header proves out.
	{Name: "fork", Methods: consistent, Ask: translate, Tell: func(x *Exchange) bool { return x.forge.tell(x, fork{x.proxy.config.Seed}) }},
	// A deposit with one unit more than there was, and everything that proves it:
	// accumulator, receipts, state, proofs, headers.
	{Name: "counterfeit", Methods: consistent, Ask: translate, Tell: func(x *Exchange) bool { return x.forge.tell(x, &counterfeit{x}) }},
}

// consistent are the methods whose answers name blocks.
var consistent = append(append(append([]string{}, headerMethods...), receiptMethods...), "eth_getLogs", "eth_getProof")

// history is how a forged one differs from the true one.
type history interface {
	// begins says at which block it does, given the first header asked for.
	begins(first uint64) (uint64, bool)
	// header changes the fields of one, but for hash and parent, if it can.
	header(h object, number uint64) bool
	// content changes what else is told: logs, receipts, proofs.
	content(x *Exchange)
}

// forge keeps a forged history, so that it stays the same.
type forge struct {
	mu      sync.Mutex
	began   bool
	from    uint64                      // the first block that is forged
	told    map[common.Hash]common.Hash // true hash to forged one
	truth   map[common.Hash]common.Hash // and back
	faked   map[uint64][]byte           // data of forged logs, by nonce
	blocks  []fakedBlock                // with forged logs, in order
	through uint64                      // the newest block whose logs were looked at
	account *proof                      // of the bridge, as it was once
	before  common.Hash                 // accumulator before the first forged event
}

func newForge() *forge {
	return &forge{told: map[common.Hash]common.Hash{}, truth: map[common.Hash]common.Hash{}, faked: map[uint64][]byte{}}
}

// tell tells an answer as the forged history has it.
func (f *forge) tell(x *Exchange, as history) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, method := range headerMethods {
		if x.Call.Method == method {
			return On(func(x *Exchange, h object) object { return f.header(x, as, h) })(x)
		}
	}
	before := string(x.Answer.Result)
	as.content(x)
	On(func(x *Exchange, content any) any { return f.rename(x, as, content) })(x)
	return string(x.Answer.Result) != before
}

// header forges a header, and all between it and where the forging began.
func (f *forge) header(x *Exchange, as history, h object) object {
	truth, ok := header(h)
	if !ok || truth.Number.Sign() == 0 {
		return h // everybody knows the genesis
	}
	number := truth.Number.Uint64()
	if !f.began {
		f.from, f.began = as.begins(number)
	}
	if !f.began || number < f.from {
		return h
	}
	hash := truth.Hash()
	parent := f.hash(x, as, truth.ParentHash, number-1)
	if !as.header(h, number) {
		return h
	}
	h["parentHash"] = parent
	lie := common.HexToHash(hexOf(rehashed(h)["hash"]))
	f.told[hash], f.truth[lie] = lie, hash
	return h
}

// hash is the forged one of a block.
func (f *forge) hash(x *Exchange, as history, truth common.Hash, number uint64) common.Hash {
	if !f.began || number < f.from {
		return truth
	}
	if lie, known := f.told[truth]; known {
		return lie
	}
	var h object
	if x.Node(&h, "eth_getBlockByHash", truth, false) != nil || h == nil {
		return truth
	}
	f.header(x, as, h)
	if lie, known := f.told[truth]; known {
		return lie
	}
	return truth
}

// rename gives the blocks that are named anywhere in an answer their forged names.
func (f *forge) rename(x *Exchange, as history, content any) any {
	switch c := content.(type) {
	case []any:
		for i := range c {
			c[i] = f.rename(x, as, c[i])
		}
	case object:
		for name, value := range c {
			c[name] = f.rename(x, as, value)
		}
		number, err := hexutil.DecodeUint64(text(c["blockNumber"]))
		if hash := text(c["blockHash"]); err == nil && hash != "" {
			c["blockHash"] = f.hash(x, as, common.HexToHash(hash), number).Hex()
		}
	}
	return content
}

// translate makes a request that names a forged block one for the true block.
func translate(x *Exchange) bool {
	x.forge.mu.Lock()
	defer x.forge.mu.Unlock()
	changed := false
	for i := range x.Call.Params {
		var value any
		if x.param(i, &value) {
			switch v := value.(type) {
			case string:
				if truth, ok := x.forge.truth[common.HexToHash(v)]; ok && len(v) == 2+2*word {
					changed = x.setParam(i, truth) || changed
				}
			case object:
				if truth, ok := x.forge.truth[common.HexToHash(text(v["blockHash"]))]; ok {
					v["blockHash"] = truth
					changed = x.setParam(i, v) || changed
				}
			}
		}
	}
	return changed
}

func hexOf(v any) string {
	if h, ok := v.(common.Hash); ok {
		return h.Hex()
	}
	return text(v)
}

// fork is a history that differs in nothing but the extra data, which is its
// proxy's seed: two of them agree only where they have the same seed.
type fork struct{ seed uint64 }

func (fork) begins(first uint64) (uint64, bool) { return first, true }

func (f fork) header(h object, _ uint64) bool {
	h["extraData"] = hexutil.Bytes(binary.BigEndian.AppendUint64(nil, f.seed))
	return true
}

func (fork) content(*Exchange) {}
