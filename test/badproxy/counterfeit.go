package badproxy

import (
	"encoding/binary"
	"encoding/json"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/trie/trienode"
	"github.com/ethereum/go-ethereum/triedb"
	"github.com/holiman/uint256"
)

// counterfeit is a history with one deposit that is larger than it was. The state
// holds nothing but the bridge, which holds nothing but its inbox's position:
// nobody who is told so can tell.
type counterfeit struct{ x *Exchange }

// fakedBlock is where the forged inbox stands after a block with events.
type fakedBlock struct {
	number uint64
	nonce  uint64
	hash   common.Hash
}

// begins looks for a deposit that the rule is about.
func (c *counterfeit) begins(first uint64) (uint64, bool) {
	f := c.x.forge
	var all []object
	if c.logs(&all, 0, first) != nil {
		return 0, false
	}
	at := slices.IndexFunc(all, func(l object) bool {
		nonce, ok := depositNonce(l)
		return ok && nonce >= c.x.From
	})
	if at < 1 {
		return 0, false
	}
	f.before = common.BytesToHash(bytesOf(all[at-1]["data"])[:word])
	bridge, account := common.HexToAddress(text(all[at]["address"])), new(proof)
	if c.x.Node(account, "eth_getProof", bridge, []common.Hash{slotPosition, slotHash}, "latest") != nil || len(account.StorageProof) != 2 {
		return 0, false
	}
	f.account = account
	f.fold(alterAmount(all, at)[at:])
	f.through = first
	from, err := hexutil.DecodeUint64(text(all[at]["blockNumber"]))
	return from, err == nil
}

// logs asks for all inbox events of some blocks.
func (c *counterfeit) logs(all *[]object, first, last uint64) error {
	var topics []common.Hash
	for topic := range events {
		topics = append(topics, topic)
	}
	filter := object{"fromBlock": hexutil.Uint64(first), "toBlock": hexutil.Uint64(last), "topics": []any{topics}}
	if f := c.x.forge; f.account != nil {
		filter["address"] = f.account.Address
	}
	return c.x.Node(all, "eth_getLogs", filter)
}

// fold keeps events, the newest ones, as they are after the forgery.
func (f *forge) fold(all []object) {
	hash := f.before
	if n := len(f.blocks); n > 0 {
		hash = f.blocks[n-1].hash
	}
	all = refold(append([]object{{"data": hash.Hex()}}, all...), 1)[1:]
	for _, l := range all {
		number, err := hexutil.DecodeUint64(text(l["blockNumber"]))
		if err != nil {
			return
		}
		data := bytesOf(l["data"])
		f.faked[nonceOf(l)] = data
		if n := len(f.blocks); n > 0 && f.blocks[n-1].number == number {
			f.blocks = f.blocks[:n-1]
		}
		f.blocks = append(f.blocks, fakedBlock{number, nonceOf(l), common.BytesToHash(data[:word])})
	}
}

// at is where the forged inbox stands after a block, if the node says what it was
// forged from.
func (c *counterfeit) at(number uint64) (last fakedBlock, ok bool) {
	f := c.x.forge
	if number > f.through {
		var all []object
		if c.logs(&all, f.through+1, number) != nil {
			return last, false
		}
		f.fold(all)
		f.through = number
	}
	for _, b := range f.blocks {
		if b.number <= number {
			last = b
		}
	}
	return last, last.nonce > 0
}

func (c *counterfeit) header(h object, number uint64) bool {
	position, ok := c.at(number)
	if !ok {
		return false
	}
	h["stateRoot"] = c.state(position).root
	return position.number != number || c.receiptsRoot(h, number)
}

// receiptsRoot is that of the receipts as they are told.
func (c *counterfeit) receiptsRoot(h object, number uint64) bool {
	var all []object
	if c.x.Node(&all, "eth_getBlockReceipts", hexutil.Uint64(number)) != nil {
		return false
	}
	for _, r := range all {
		c.logsOf(r)
	}
	raw, err := json.Marshal(all)
	var list types.Receipts
	if err != nil || json.Unmarshal(raw, &list) != nil {
		return false
	}
	h["receiptsRoot"] = types.DeriveSha(list, trie.NewStackTrie(nil))
	return true
}

func (c *counterfeit) logsOf(receipt object) {
	all, _ := receipt["logs"].([]any)
	for _, l := range all {
		if l, ok := l.(object); ok {
			c.log(l)
		}
	}
}

// log tells a log as it was forged.
func (c *counterfeit) log(l object) {
	if _, ok := eventOf(l); ok && c.x.forge.account != nil && common.HexToAddress(text(l["address"])) == c.x.forge.account.Address {
		if data, ok := c.x.forge.faked[nonceOf(l)]; ok {
			l["data"] = hexutil.Encode(data)
		}
	}
}

func (c *counterfeit) content(x *Exchange) {
	if !x.forge.began {
		return
	}
	switch x.Call.Method {
	case "eth_getLogs":
		On(func(_ *Exchange, all []object) []object {
			for _, l := range all {
				if number, err := hexutil.DecodeUint64(text(l["blockNumber"])); err == nil {
					_, _ = c.at(number) // looks at the logs up to there
				}
				c.log(l)
			}
			return all
		})(x)
	case "eth_getTransactionReceipt":
		On(func(_ *Exchange, r object) object {
			c.logsOf(r)
			return r
		})(x)
	case "eth_getBlockReceipts":
		On(func(_ *Exchange, all []object) []object {
			for _, r := range all {
				c.logsOf(r)
			}
			return all
		})(x)
	case "eth_getProof":
		c.prove(x)
	}
}

// prove answers with a proof out of the forged state. Where the node has no proof
// any more, neither has the forger.
func (c *counterfeit) prove(x *Exchange) {
	var number hexutil.Uint64
	var address common.Address
	var keys []string
	if !x.param(2, &number) || uint64(number) < x.forge.from || !x.param(0, &address) || address != x.forge.account.Address || !x.param(1, &keys) {
		return
	}
	position, ok := c.at(uint64(number))
	if !ok {
		return
	}
	state := c.state(position)
	On(func(_ *Exchange, p proof) proof {
		p.AccountProof, p.StorageHash = path(state.accounts, crypto.Keccak256(address[:])), state.storage.Hash()
		for i, key := range keys {
			slot := common.HexToHash(key)
			if i < len(p.StorageProof) {
				p.StorageProof[i].Proof = path(state.storage, crypto.Keccak256(slot[:]))
				p.StorageProof[i].Value = (*hexutil.Big)(state.slots[slot].Big())
			}
		}
		return p
	})(x)
}

// The contract's storage that proves its inbox.
var (
	slotPosition = common.Hash{}            // its low 8 bytes are the nonce
	slotHash     = common.Hash{word - 1: 1} // the accumulator
)

// state is a whole one.
type state struct {
	root              common.Hash
	accounts, storage *trie.Trie
	slots             map[common.Hash]common.Hash
}

func (c *counterfeit) state(position fakedBlock) state {
	account := c.x.forge.account
	first := common.BigToHash((*big.Int)(account.StorageProof[0].Value))
	binary.BigEndian.PutUint64(first[word-8:], position.nonce)
	s := state{slots: map[common.Hash]common.Hash{slotPosition: first, slotHash: position.hash}, storage: newTrie(), accounts: newTrie()}
	for slot, value := range s.slots {
		encoded, _ := rlp.EncodeToBytes(common.TrimLeftZeroes(value[:])) // bytes always encode
		s.storage.MustUpdate(crypto.Keccak256(slot[:]), encoded)
	}
	encoded, _ := rlp.EncodeToBytes(&types.StateAccount{
		Nonce: uint64(account.Nonce), Balance: uint256.MustFromBig((*big.Int)(account.Balance)),
		Root: s.storage.Hash(), CodeHash: account.CodeHash[:],
	})
	s.accounts.MustUpdate(crypto.Keccak256(account.Address[:]), encoded)
	s.root = s.accounts.Hash()
	return s
}

func newTrie() *trie.Trie {
	return trie.NewEmpty(triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil))
}

// path is the proof of a key.
func path(t *trie.Trie, key []byte) (nodes []hexutil.Bytes) {
	set := trienode.NewProofSet()
	if t.Prove(key, set) != nil {
		return nil
	}
	for _, node := range set.List() {
		nodes = append(nodes, hexutil.Bytes(node))
	}
	return nodes
}
