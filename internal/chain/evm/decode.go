package evm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const wordBytes = 32

// layout is how one event's data lies: words is the number of words of its
// head, the accumulator's included; the last of them is the offset of the only
// field of variable length, where there is one.
type layout struct {
	kind  types.EventKind
	words int
	tail  bool
}

var layouts = map[types.Hash]layout{
	topic("Initialized(uint64,bytes32,bytes32)"):                                                    {types.EventInitialized, 2, false},
	topic("Deposited(uint64,bytes32,address,address,uint64,bytes32,address,uint128,uint128,bytes)"): {types.EventDeposited, 9, true},
	topic("Executed(uint64,bytes32,uint64,uint32,uint32,address,bytes)"):                            {types.EventExecuted, 6, true},
	topic("Claimed(uint64,bytes32,uint64,uint32,address,address,uint128,address)"):                  {types.EventClaimed, 7, false},
	topic("TokenRegistered(uint64,bytes32,bytes32,address,uint8,uint8)"):                            {types.EventTokenRegistered, 5, false},
	topic("Staked(uint64,bytes32,address,uint128,bytes)"):                                           {types.EventStaked, 4, true},
	topic("Unstaked(uint64,bytes32,address,uint128)"):                                               {types.EventUnstaked, 3, false},
}

func topic(signature string) types.Hash { return crypto.Keccak256Hash([]byte(signature)) }

// topics are all inbox events', the filter of eth_getLogs.
var topics = func() []common.Hash {
	var all []common.Hash
	for t := range layouts {
		all = append(all, t)
	}
	return all
}()

var errWord = errors.New("a word is out of its type's range")

// DecodeLog reads a log of the bridge contract. It takes only what the contract
// can have emitted, in the one form in which Solidity encodes it; anything else
// is an error. Who emitted the log, and whether it is the right one, is not
// checked here.
func DecodeLog(l *gethtypes.Log) (chain.Logged, error) {
	bad := func(format string, args ...any) (chain.Logged, error) {
		return chain.Logged{}, chain.Failed(chain.CheckLog, format, args...)
	}
	if l == nil || len(l.Topics) != 2 {
		return bad("want two topics: event and nonce")
	}
	form, known := layouts[l.Topics[0]]
	if !known {
		return bad("unknown event %s", l.Topics[0])
	}
	r := words{head: l.Data}
	if err := r.split(form); err != nil {
		return bad("event kind %d: %w", form.kind, err)
	}
	nonce := words{head: l.Topics[1][:]}
	logged := chain.Logged{InboxEvent: types.InboxEvent{Nonce: nonce.uint(64), Block: l.BlockNumber}, Hash: r.hash()}
	logged.Event = r.event(form.kind)
	if r.bad || nonce.bad {
		return bad("event kind %d: %w", form.kind, errWord)
	}
	if logged.Nonce == 0 {
		return bad("event kind %d: nonce 0", form.kind)
	}
	if err := logged.Event.Validate(); err != nil {
		return bad("nonce %d: %w", logged.Nonce, err)
	}
	return logged, nil
}

// words reads ABI words one after the other. A word out of range sets bad.
type words struct {
	head []byte
	tail []byte
	bad  bool
}

// split checks the length, the offset and the padding, after which no read can
// go beyond the end.
func (w *words) split(form layout) error {
	size := form.words * wordBytes
	if len(w.head) < size || !form.tail && len(w.head) != size {
		return fmt.Errorf("%d bytes of data, want %d", len(w.head), size)
	}
	if !form.tail {
		return nil
	}
	rest := w.head[size:]
	offset := words{head: w.head[size-wordBytes : size]}
	if offset.uint(64) != uint64(size) || offset.bad {
		return errors.New("the offset is not that of the first byte after the head")
	}
	if len(rest) < wordBytes {
		return errors.New("the length is missing")
	}
	number := words{head: rest[:wordBytes]}
	length := number.uint(32)
	if number.bad || length > types.MaxDataBytes {
		return fmt.Errorf("more than %d bytes", types.MaxDataBytes)
	}
	rest = rest[wordBytes:]
	if padded := (length + wordBytes - 1) / wordBytes * wordBytes; uint64(len(rest)) != padded {
		return fmt.Errorf("%d bytes after the length, want %d", len(rest), padded)
	}
	for _, b := range rest[length:] {
		if b != 0 {
			return errors.New("the padding is not zero")
		}
	}
	w.head, w.tail = w.head[:size-wordBytes], rest[:length]
	return nil
}

func (w *words) event(kind types.EventKind) types.Event {
	switch kind {
	case types.EventInitialized:
		return types.Initialized{SetHash: w.hash()}
	case types.EventDeposited:
		return types.Deposited{
			Token: w.address(), Sender: w.address(), Destination: types.ChainID(w.uint(64)), Recipient: w.hash(),
			RefundTo: w.address(), Amount: w.amount(), MaxFee: w.amount(), Data: w.bytes(),
		}
	case types.EventExecuted:
		return types.Executed{
			OutboxNonce: w.uint(64), First: uint32(w.uint(32)), Count: uint32(w.uint(32)), Relayer: w.address(), Failures: w.bytes(),
		}
	case types.EventClaimed:
		return types.Claimed{
			OutboxNonce: w.uint(64), Index: uint32(w.uint(32)), Token: w.address(), Owner: w.address(), Amount: w.amount(), To: w.address(),
		}
	case types.EventTokenRegistered:
		return types.TokenRegistered{
			Asset: types.AssetID(w.hash()), Token: w.address(), Mode: types.TokenMode(w.uint(8)), Decimals: uint8(w.uint(8)),
		}
	case types.EventStaked:
		return types.Staked{Operator: w.address(), Amount: w.amount(), Data: w.bytes()}
	default:
		return types.Unstaked{Operator: w.address(), Amount: w.amount()}
	}
}

// next is the next word; beyond the end it is zero and bad.
func (w *words) next() (word [wordBytes]byte) {
	if len(w.head) < wordBytes {
		w.bad = true
		return word
	}
	word = [wordBytes]byte(w.head)
	w.head = w.head[wordBytes:]
	return word
}

// low is the last n bytes of the next word; the others have to be zero.
func (w *words) low(n int) []byte {
	word := w.next()
	for _, b := range word[:wordBytes-n] {
		if b != 0 {
			w.bad = true
		}
	}
	return word[wordBytes-n:]
}

func (w *words) hash() types.Hash { return w.next() }

func (w *words) address() types.Address { return types.Address(w.low(common.AddressLength)) }

func (w *words) uint(bits int) uint64 {
	var number [8]byte
	copy(number[8-bits/8:], w.low(bits/8))
	return binary.BigEndian.Uint64(number[:])
}

func (w *words) amount() types.Amount {
	a, err := types.AmountFromBytes(w.low(16))
	if err != nil {
		w.bad = true
	}
	return a
}

func (w *words) bytes() []byte {
	if len(w.tail) == 0 {
		return nil
	}
	return append([]byte(nil), w.tail...)
}
