package evm

import (
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
)

// remembered bounds the memory of one chain. What is kept of one thing has at
// most some 10 KB.
const remembered = 256

// memory keeps what has been verified and cannot change: what a block hash or a
// root stands for. It never holds what somebody only says, and nothing is found
// in it by a block's number: a chain that replaces a final block would be
// believed to have it still.
type memory struct {
	kept *lru.Cache[any, any]
	use  [facts]struct{ hits, misses atomic.Uint64 }
}

// fact is a kind of what is kept.
type fact uint8

const (
	factHeader   fact = iota // by its hash
	factProof                // of the inbox under a header
	factReceipts             // what those of a block show
	facts                    // how many there are
)

var factNames = [facts]string{"header", "proof", "receipts"}

// key is what something is kept under: each kind has a type of its own.
type key interface {
	comparable
	fact() fact
}

func newMemory() *memory {
	kept, err := lru.New[any, any](remembered)
	if err != nil {
		panic(err) // the size is positive
	}
	return &memory{kept: kept}
}

// recall is what is kept under a key.
func recall[V any, K key](m *memory, k K) (value V, ok bool) {
	kept, ok := m.kept.Get(k)
	if !ok {
		m.use[k.fact()].misses.Add(1)
		return value, false
	}
	m.use[k.fact()].hits.Add(1)
	return kept.(V), true
}

// remember keeps a value.
func remember[K key, V any](m *memory, k K, value V) { m.kept.Add(k, value) }

// MemoryUse is how often something of one kind was known already, and how often
// it was not.
type MemoryUse struct {
	Kind         string // header, proof, receipts
	Hits, Misses uint64
}

// Memory is how much asking the memory has saved, by kind.
func (c *Client) Memory() []MemoryUse {
	all := make([]MemoryUse, facts)
	for i := range all {
		use := &c.memory.use[i]
		all[i] = MemoryUse{factNames[i], use.hits.Load(), use.misses.Load()}
	}
	return all
}
