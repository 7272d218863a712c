package badproxy

import (
	"encoding/binary"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

var logs = []Trouble{
	{Name: "log missing", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object { return slices.Delete(all, i, i+1) })},
	{Name: "end missing", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object { return all[:i] })},
	{Name: "logs missing", Methods: logMethods, Tell: Say([]object{})},
	{Name: "amount altered", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object { return alterAmount(all, i) })},
	{Name: "amount altered with care", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object {
		return refold(alterAmount(all, i), i)
	})},
	{Name: "recipient altered", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object {
		return alterData(all, i, func(data []byte) { data[5*word-1]++ })
	})},
	{Name: "log duplicated", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object {
		return slices.Insert(all, i, all[i])
	})},
	{Name: "logs reordered", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object {
		if other := max(i, 1); other < len(all) {
			all[other-1], all[other] = all[other], all[other-1]
		}
		return all
	})},
	{Name: "foreign emitter", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object {
		all[i]["address"] = common.Address{1}
		return all
	})},
	{Name: "another event", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object {
		all[i]["topics"] = []any{common.Hash{1}, all[i]["topics"].([]any)[1]}
		return all
	})},
	{Name: "log removed", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object {
		all[i]["removed"] = true
		return all
	})},
	{Name: "log of another block", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object {
		all[i]["blockNumber"] = hexutil.Uint64(1 << 40)
		return all
	})},
	{Name: "log cut", Methods: logMethods, Tell: onDeposit(func(all []object, i int) []object {
		data := text(all[i]["data"])
		all[i]["data"] = data[:len(data)-2]
		return all
	})},
}

// word is the size of a word of the ABI.
const word = 32

// onDeposit makes a Tell that bends answers that hold a deposit which the rule is
// about; i is its place.
func onDeposit(bend func(all []object, i int) []object) func(*Exchange) bool {
	return On(func(x *Exchange, all []object) []object {
		var fitting []int
		for i, l := range all {
			if nonce, ok := depositNonce(l); ok && nonce >= x.From {
				fitting = append(fitting, i)
			}
		}
		switch {
		case len(fitting) == 0:
			return all
		case x.From == 0:
			return bend(all, fitting[x.Dice.IntN(len(fitting))])
		}
		return bend(all, fitting[0])
	})
}

// depositNonce is the inbox nonce of a deposit's log.
func depositNonce(l object) (uint64, bool) {
	e, ok := eventOf(l)
	if !ok || e.name != "Deposited" || len(bytesOf(l["data"])) < 9*word {
		return 0, false
	}
	return nonceOf(l), true
}

// nonceOf is the inbox nonce of a log that eventOf knows.
func nonceOf(l object) uint64 {
	nonce := bytesOf(l["topics"].([]any)[1])
	return binary.BigEndian.Uint64(nonce[len(nonce)-8:])
}

// alterAmount adds one to the amount of a deposit.
func alterAmount(all []object, i int) []object {
	return alterData(all, i, func(data []byte) { data[7*word-1]++ })
}

func alterData(all []object, i int, bend func(data []byte)) []object {
	data := bytesOf(all[i]["data"])
	bend(data)
	all[i]["data"] = hexutil.Encode(data)
	return all
}

func bytesOf(v any) []byte {
	raw, err := hexutil.Decode(text(v))
	if err != nil {
		return nil
	}
	return raw
}
