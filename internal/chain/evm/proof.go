package evm

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// The contract's storage that proves its inbox: docs/wire-format.md.
var (
	slotPosition = common.BigToHash(common.Big0) // its low 8 bytes are inboxNonce
	slotHash     = common.BigToHash(common.Big1) // inboxHash
)

// Bounds of a Merkle proof: 64 nibbles deep, a node at most 17 hashes wide.
const (
	maxProofNodes = 65
	maxProofNode  = 1024
)

// accountProof is what eth_getProof answers, as far as it is used: the values
// come out of the proofs themselves.
type accountProof struct {
	AccountProof []hexutil.Bytes `json:"accountProof"`
	StorageProof []struct {
		Key   string          `json:"key"`
		Proof []hexutil.Bytes `json:"proof"`
	} `json:"storageProof"`
}

// proveInbox asks one endpoint for the contract's position after the block, and
// proves it against the header's state root.
func proveInbox(ctx context.Context, conn Conn, bridge types.Address, h header) (types.Mark, chain.Answer, error) {
	var raw json.RawMessage
	err := conn.RPC.CallContext(ctx, &raw, "eth_getProof", bridge, []common.Hash{slotPosition, slotHash}, hexutil.Uint64(h.Number))
	if err != nil {
		return types.Mark{}, chain.Answer{}, err
	}
	var proof accountProof
	if err := json.Unmarshal(raw, &proof); err != nil {
		return types.Mark{}, chain.Answer{}, fmt.Errorf("eth_getProof: %w", err)
	}
	inbox, err := verifyInbox(proof, bridge, h)
	request := fmt.Sprintf("eth_getProof(%s, [%s, %s], %d)", bridge, slotPosition, slotHash, h.Number)
	return inbox, chain.Answer{Endpoint: conn.Endpoint, Group: conn.Group, Request: request, Answer: raw}, err
}

func verifyInbox(p accountProof, bridge types.Address, h header) (types.Mark, error) {
	raw, err := prove(h.Root, crypto.Keccak256(bridge[:]), p.AccountProof)
	if err != nil {
		return types.Mark{}, err
	}
	if raw == nil {
		return types.Mark{}, chain.Failed(chain.CheckContract, "no account %s at block %d", bridge, h.Number)
	}
	var account gethtypes.StateAccount
	if err := rlp.DecodeBytes(raw, &account); err != nil {
		return types.Mark{}, chain.Failed(chain.CheckProof, "account: %w", err)
	}
	if bytes.Equal(account.CodeHash, gethtypes.EmptyCodeHash[:]) {
		return types.Mark{}, chain.Failed(chain.CheckContract, "no code at %s at block %d", bridge, h.Number)
	}
	if len(p.StorageProof) != 2 {
		return types.Mark{}, chain.Failed(chain.CheckProof, "%d storage proofs, want 2", len(p.StorageProof))
	}
	position, err := proveSlot(account.Root, slotPosition, p.StorageProof[0].Proof)
	if err != nil {
		return types.Mark{}, err
	}
	hash, err := proveSlot(account.Root, slotHash, p.StorageProof[1].Proof)
	if err != nil {
		return types.Mark{}, err
	}
	return inboxOf(position, hash, bridge, h.Number)
}

// inboxOf reads the inbox out of the contract's two slots.
func inboxOf(position, hash types.Hash, bridge types.Address, number uint64) (types.Mark, error) {
	nonce := binary.BigEndian.Uint64(position[24:])
	if nonce == 0 || hash == (types.Hash{}) {
		return types.Mark{}, chain.Failed(chain.CheckContract, "%s is no bridge: its inbox is empty at block %d", bridge, number)
	}
	return types.Mark{Nonce: nonce, Hash: hash, Block: number}, nil
}

// proveSlot is the value of a storage slot under the account's storage root;
// zero where the proof says that it was never written.
func proveSlot(root, slot types.Hash, proof []hexutil.Bytes) (types.Hash, error) {
	raw, err := prove(root, crypto.Keccak256(slot[:]), proof)
	if err != nil || raw == nil {
		return types.Hash{}, err
	}
	var value []byte
	if err := rlp.DecodeBytes(raw, &value); err != nil || len(value) > len(types.Hash{}) {
		return types.Hash{}, chain.Failed(chain.CheckProof, "slot %s does not hold a word", slot)
	}
	return common.BytesToHash(value), nil
}

// prove walks a Merkle proof: the value at the key under root, nil if the proof
// shows that there is none.
func prove(root types.Hash, key []byte, proof []hexutil.Bytes) ([]byte, error) {
	if len(proof) > maxProofNodes {
		return nil, chain.Failed(chain.CheckProof, "%d nodes, at most %d", len(proof), maxProofNodes)
	}
	if root == gethtypes.EmptyRootHash {
		return nil, nil
	}
	nodes := memorydb.New()
	for _, node := range proof {
		if len(node) > maxProofNode {
			return nil, chain.Failed(chain.CheckProof, "a node of %d bytes, at most %d", len(node), maxProofNode)
		}
		if err := nodes.Put(crypto.Keccak256(node), node); err != nil {
			return nil, chain.Failed(chain.CheckProof, "%w", err)
		}
	}
	value, err := trie.VerifyProof(root, key, nodes)
	if err != nil {
		return nil, chain.Failed(chain.CheckProof, "does not lead to %s: %w", root, err)
	}
	return value, nil
}
