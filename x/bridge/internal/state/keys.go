// Package state is the only code that knows the keys of the replicated state.
// It reads and writes typed records over a plain key-value store.
//
// A store that fails, or that holds bytes which are no record, is a broken
// process and not bad input: the accessors panic with a Fault, and the public
// functions of package bridge turn it into their error with Catch. That keeps
// the protocol's code free of checks that nobody could act upon.
package state

import (
	"encoding/binary"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// The first byte of each kind of key.
const (
	prefixNetwork     = 'n'
	prefixEpoch       = 'e' // epoch → Validators, ascending by signer
	prefixConsensus   = 'k' // first height → Validators of consensus from then on
	prefixChain       = 'c' // chain → Chain
	prefixAsset       = 'a' // asset → Asset
	prefixToken       = 't' // chain, token → asset
	prefixLedger      = 'l' // asset → Ledger
	prefixVote        = 'm' // chain, validator → ChainVote
	prefixLane        = 'h' // chain, asset, source, kind → Lane
	prefixQueue       = 'q' // chain, asset, source, kind, number → QueueSegment
	prefixBacklog     = 'b' // chain → Backlog
	prefixQuarantine  = 'z' // id → Quarantine
	prefixCommand     = 'o' // chain, outbox nonce → Command
	prefixTransfer    = 'x' // source, last inbox nonce, chain, outbox nonce → first inbox nonce
	prefixSeal        = 's' // height → Seal
	prefixSignatures  = 'g' // height → SealSignatures
	prefixSealHistory = 'y' // SealHistory
	prefixOwed        = 'w' // chain, outbox nonce, index → Owed
	prefixPrune       = 'p' // height, chain, outbox nonce → nothing
)

func key(prefix byte, parts ...[]byte) []byte {
	k := []byte{prefix}
	for _, p := range parts {
		k = append(k, p...)
	}
	return k
}

func num(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func chainPart(c types.ChainID) []byte { return num(uint64(c)) }

// after is the first key behind all keys that begin with prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// NetworkKey is the key of the Network record.
func NetworkKey() []byte { return key(prefixNetwork) }

// EpochKey is the key of an epoch's Validators.
func EpochKey(epoch uint64) []byte { return key(prefixEpoch, num(epoch)) }

// ChainKey is the key of a Chain.
func ChainKey(c types.ChainID) []byte { return key(prefixChain, chainPart(c)) }

// AssetKey is the key of an Asset.
func AssetKey(a types.AssetID) []byte { return key(prefixAsset, a[:]) }

// LedgerKey is the key of a Ledger.
func LedgerKey(a types.AssetID) []byte { return key(prefixLedger, a[:]) }

// CommandKey is the key of a Command.
func CommandKey(c types.ChainID, nonce uint64) []byte {
	return key(prefixCommand, chainPart(c), num(nonce))
}

// SealKey is the key of a Seal.
func SealKey(height uint64) []byte { return key(prefixSeal, num(height)) }

// QuarantineKey is the key of a Quarantine record.
func QuarantineKey(id uint64) []byte { return key(prefixQuarantine, num(id)) }

// OwedKey is the key of an Owed record.
func OwedKey(c types.ChainID, nonce uint64, index uint32) []byte {
	return key(prefixOwed, chainPart(c), num(nonce), binary.BigEndian.AppendUint32(nil, index))
}
