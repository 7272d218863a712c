package modelchain

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/rawdb"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/trie/trienode"
	"github.com/ethereum/go-ethereum/triedb"
	"github.com/holiman/uint256"

	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// code is what stands at the contract's address.
var code = []byte("\x60\x00the model of a bridge")

// strangers is how many accounts, and slots of the contract, there are besides:
// as many as make proofs a few nodes deep.
const strangers = 2048

// ground is the state that all chains have in common. A block's own state is
// made above it when it is asked for, so that nothing is kept for old blocks.
type ground struct {
	db               *triedb.Database
	accounts, filler types.Hash // roots: of the state, and of the contract's storage
}

var commonGround = sync.OnceValues(func() (ground, error) {
	g := ground{db: triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil)}
	value, err := rlp.EncodeToBytes(gethtypes.NewEmptyStateAccount())
	if err != nil {
		return g, fmt.Errorf("encode an account: %w", err)
	}
	if g.accounts, err = g.grow(value); err != nil {
		return g, err
	}
	g.filler, err = g.grow(crypto.Keccak256([]byte("filler"))[:9])
	return g, err
})

// grow makes a trie of strangers.
func (g ground) grow(value []byte) (types.Hash, error) {
	t := trie.NewEmpty(g.db)
	for i := range uint64(strangers) {
		key := crypto.Keccak256(binary.BigEndian.AppendUint64([]byte("stranger"), i))
		if err := t.Update(key, value); err != nil {
			return types.Hash{}, fmt.Errorf("grow a trie: %w", err)
		}
	}
	root, nodes := t.Commit(false)
	if err := g.db.Update(root, gethtypes.EmptyRootHash, 0, trienode.NewWithNodeSet(nodes), triedb.NewStateSet()); err != nil {
		return types.Hash{}, fmt.Errorf("commit a trie: %w", err)
	}
	return root, g.db.Commit(root, false)
}

// opened is the state after a block.
type opened struct {
	root           types.Hash
	account        gethtypes.StateAccount // of the contract; zero where there is none
	state, storage *trie.Trie
}

// openState is the state with the contract's account as it stands. Without an
// event there is no contract yet.
func openState(bridge types.Address, s bridgetest.State) (o opened, err error) {
	g, err := commonGround()
	if err != nil {
		return o, err
	}
	if o.state, err = trie.New(trie.TrieID(g.accounts), g.db); err != nil {
		return o, fmt.Errorf("open the state: %w", err)
	}
	if s.InboxNonce == 0 {
		o.root = g.accounts
		return o, nil
	}
	if o.storage, err = trie.New(trie.TrieID(g.filler), g.db); err != nil {
		return o, fmt.Errorf("open the storage: %w", err)
	}
	for slot, word := range slots(s) {
		value, err := rlp.EncodeToBytes(common.TrimLeftZeroes(word[:]))
		if err != nil {
			return o, fmt.Errorf("encode a slot: %w", err)
		}
		key := types.Hash{31: byte(slot)} //nolint:gosec // 0 or 1
		if err := o.storage.Update(crypto.Keccak256(key[:]), value); err != nil {
			return o, fmt.Errorf("write a slot: %w", err)
		}
	}
	o.account = gethtypes.StateAccount{Nonce: 1, Balance: new(uint256.Int), Root: o.storage.Hash(), CodeHash: crypto.Keccak256(code)}
	value, err := rlp.EncodeToBytes(&o.account)
	if err != nil {
		return o, fmt.Errorf("encode the account: %w", err)
	}
	if err := o.state.Update(crypto.Keccak256(bridge[:]), value); err != nil {
		return o, fmt.Errorf("write the account: %w", err)
	}
	o.root = o.state.Hash()
	return o, nil
}

// slots are the contract's first two words: docs/wire-format.md.
func slots(s bridgetest.State) [2]types.Hash {
	var position types.Hash
	binary.BigEndian.PutUint64(position[24:], s.InboxNonce)
	binary.BigEndian.PutUint64(position[16:], s.OutboxNonce)
	binary.BigEndian.PutUint32(position[12:], s.NextIndex)
	binary.BigEndian.PutUint64(position[4:], s.SealHeight)
	if s.Deposits {
		position[3] = 1
	}
	return [2]types.Hash{position, s.InboxHash}
}

// accountProof is what eth_getProof answers.
type accountProof struct {
	Address      types.Address   `json:"address"`
	AccountProof []hexutil.Bytes `json:"accountProof"`
	Balance      hexutil.Uint64  `json:"balance"`
	CodeHash     hexutil.Bytes   `json:"codeHash"`
	Nonce        hexutil.Uint64  `json:"nonce"`
	StorageHash  types.Hash      `json:"storageHash"`
	StorageProof []storageProof  `json:"storageProof"`
}

type storageProof struct {
	Key   types.Hash      `json:"key"`
	Value *hexutil.Big    `json:"value"`
	Proof []hexutil.Bytes `json:"proof"`
}

// proofOf proves an account and slots of it. Nobody but the contract has any.
func (c *Chain) proofOf(b *block, of types.Address, keys []types.Hash) (accountProof, error) {
	o, err := openState(c.cfg.Bridge, b.state)
	if err != nil {
		return accountProof{}, err
	}
	p := accountProof{Address: of, CodeHash: gethtypes.EmptyCodeHash[:], StorageHash: gethtypes.EmptyRootHash}
	if p.AccountProof, err = prove(o.state, of[:]); err != nil {
		return p, err
	}
	ours := of == c.cfg.Bridge && o.storage != nil
	if ours {
		p.CodeHash, p.Nonce, p.StorageHash = o.account.CodeHash, hexutil.Uint64(o.account.Nonce), o.account.Root
	}
	words := slots(b.state)
	for _, key := range keys {
		s := storageProof{Key: key, Value: new(hexutil.Big), Proof: []hexutil.Bytes{}}
		if ours {
			if s.Proof, err = prove(o.storage, key[:]); err != nil {
				return p, err
			}
		}
		if at := key.Big(); ours && at.IsUint64() && at.Uint64() < uint64(len(words)) {
			s.Value = (*hexutil.Big)(words[at.Uint64()].Big())
		}
		p.StorageProof = append(p.StorageProof, s)
	}
	return p, nil
}

// nodes collects a proof's nodes from the root down.
type nodes []hexutil.Bytes

// Put implements ethdb.KeyValueWriter.
func (n *nodes) Put(_, value []byte) error {
	*n = append(*n, slices.Clone(value))
	return nil
}

// Delete implements ethdb.KeyValueWriter.
func (n *nodes) Delete([]byte) error { return nil }

func prove(t *trie.Trie, key []byte) ([]hexutil.Bytes, error) {
	path := nodes{}
	if err := t.Prove(crypto.Keccak256(key), &path); err != nil {
		return nil, fmt.Errorf("prove: %w", err)
	}
	return path, nil
}
