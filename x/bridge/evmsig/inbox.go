package evmsig

import (
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// inboxDomain is the text constant of the accumulator's first value, left
// aligned as Solidity's bytes32 literals are.
var inboxDomain = func() (word [32]byte) {
	copy(word[:], "bridged.inbox.v1")
	return word
}()

// NetworkID is the identity of a network on all its chains: the hash of its
// chain-id string.
func NetworkID(chainID string) types.Hash { return crypto.Keccak256Hash([]byte(chainID)) }

// InboxSeed is a contract's accumulator before its first event. No two bridges
// share one, so no event of one can be passed off as another's.
func InboxSeed(networkID types.Hash, chain types.ChainID, bridge types.Address) types.Hash {
	var w words
	w.word(inboxDomain)
	w.word(networkID)
	w.uint(uint64(chain))
	w.address(bridge)
	return w.hash()
}

// Accumulate is the accumulator after an event with this leaf.
func Accumulate(hash, leaf types.Hash) types.Hash {
	return crypto.Keccak256Hash(hash[:], leaf[:])
}

// InboxLeaf is the leaf of an event. Events are the value types of x/bridge/types;
// anything else has the zero hash, which no event has.
func InboxLeaf(nonce uint64, event types.Event) types.Hash {
	if event == nil {
		return types.Hash{}
	}
	w := newWords(10) // the most that an event has
	w.uint(uint64(event.Kind()))
	w.uint(nonce)
	switch e := event.(type) {
	case types.Initialized:
		w.word(e.SetHash)
	case types.Deposited:
		deposited(&w, e)
	case types.Executed:
		w.uint(e.OutboxNonce)
		w.uint(uint64(e.First))
		w.uint(uint64(e.Count))
		w.address(e.Relayer)
		w.digest(e.Failures)
	case types.Claimed:
		w.uint(e.OutboxNonce)
		w.uint(uint64(e.Index))
		w.address(e.Token)
		w.address(e.Owner)
		w.amount(e.Amount)
		w.address(e.To)
	case types.TokenRegistered:
		w.word(e.Asset)
		w.address(e.Token)
		w.uint(uint64(e.Mode))
		w.uint(uint64(e.Decimals))
	case types.Staked:
		w.address(e.Operator)
		w.amount(e.Amount)
		w.digest(e.Data)
	case types.Unstaked:
		w.address(e.Operator)
		w.amount(e.Amount)
	default:
		return types.Hash{}
	}
	return w.hash()
}

func deposited(w *words, e types.Deposited) {
	w.address(e.Token)
	w.address(e.Sender)
	w.uint(uint64(e.Destination))
	w.word(e.Recipient)
	w.address(e.RefundTo)
	w.amount(e.Amount)
	w.amount(e.MaxFee)
	w.digest(e.Data)
}
