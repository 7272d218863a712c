package badproxy

import (
	"encoding/json"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// staleBy is for how many blocks a stale server is behind.
const staleBy = 3

var (
	tagMethods = []string{"eth_getBlockByNumber", "eth_getHeaderByNumber"}
	tags       = []string{"latest", "safe", "finalized"}
)

var heads = []Trouble{
	{Name: "stale head", Methods: append(tagMethods, "eth_blockNumber"), Ask: atTag(behind), Tell: numberBehind},
	{Name: "frozen head", Methods: tagMethods, Ask: atTag(frozen)},
	{Name: "head ahead", Methods: headerMethods, Tell: On(func(_ *Exchange, h object) object {
		if number, err := hexutil.DecodeUint64(text(h["number"])); err == nil {
			h["number"] = hexutil.EncodeUint64(number + 1_000_000)
		}
		return rehashed(h)
	})},
	{Name: "wrong chain", Methods: []string{"eth_chainId", "net_version"}, Tell: Say("0x1")},
}

// atTag makes an Ask that asks for another block where the newest of a kind is
// asked for.
func atTag(choose func(x *Exchange, tag string, newest uint64) uint64) func(*Exchange) bool {
	return func(x *Exchange) bool {
		var tag string
		if !x.param(0, &tag) || strings.HasPrefix(tag, "0x") {
			return false
		}
		for _, known := range tags {
			if tag != known {
				continue
			}
			var h object
			if x.Node(&h, "eth_getBlockByNumber", tag, false) != nil {
				return false
			}
			newest, err := hexutil.DecodeUint64(text(h["number"]))
			return err == nil && x.setParam(0, hexutil.Uint64(choose(x, tag, newest)))
		}
		return false
	}
}

func behind(_ *Exchange, _ string, newest uint64) uint64 {
	return newest - min(newest, staleBy)
}

func frozen(x *Exchange, tag string, newest uint64) uint64 {
	x.proxy.mu.Lock()
	defer x.proxy.mu.Unlock()
	if _, known := x.proxy.frozen[tag]; !known {
		x.proxy.frozen[tag] = newest
	}
	return x.proxy.frozen[tag]
}

func numberBehind(x *Exchange) bool {
	if x.Call.Method != "eth_blockNumber" {
		return false
	}
	return On(func(x *Exchange, newest hexutil.Uint64) hexutil.Uint64 {
		return hexutil.Uint64(behind(x, "", uint64(newest)))
	})(x)
}

var headers = []Trouble{
	{Name: "forged hash", Methods: headerMethods, Tell: onHeader(func(h object) { h["hash"] = common.Hash{1} })},
	{Name: "forged root", Methods: headerMethods, Tell: onHeader(func(h object) { h["stateRoot"] = common.Hash{1} })},
	{Name: "no root", Methods: headerMethods, Tell: onHeader(func(h object) { delete(h, "stateRoot") })},
	{Name: "forged header", Methods: headerMethods, Tell: On(func(_ *Exchange, h object) object {
		h["stateRoot"] = common.Hash{1}
		return rehashed(h)
	})},
	{Name: "forged receipts root", Methods: headerMethods, Tell: On(func(_ *Exchange, h object) object {
		h["receiptsRoot"] = common.Hash{1}
		return rehashed(h)
	})},
	{Name: "another block", Methods: tagMethods, Ask: func(x *Exchange) bool {
		var number hexutil.Uint64
		return x.param(0, &number) && number > 0 && x.setParam(0, number-1)
	}},
}

func onHeader(bend func(object)) func(*Exchange) bool {
	return On(func(_ *Exchange, h object) object {
		bend(h)
		return h
	})
}

// rehashed gives a header the hash that its fields have.
func rehashed(h object) object {
	if parsed, ok := header(h); ok {
		h["hash"] = parsed.Hash()
	}
	return h
}

// header is a header as go-ethereum knows it, if it does.
func header(h object) (*types.Header, bool) {
	raw, err := json.Marshal(h)
	if err != nil {
		return nil, false
	}
	parsed := new(types.Header)
	return parsed, json.Unmarshal(raw, parsed) == nil
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
