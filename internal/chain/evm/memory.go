package evm

import (
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
)

// remembered bounds the memory of one chain. An answer that is kept has at most
// some 10 KB.
const remembered = 256

// memory keeps what has been verified and cannot change: what a block hash or a
// root stands for. It never holds what somebody only says.
type memory struct {
	kept         *lru.Cache[any, any]
	hits, misses atomic.Uint64
}

func newMemory() *memory {
	kept, err := lru.New[any, any](remembered)
	if err != nil {
		panic(err) // the size is positive
	}
	return &memory{kept: kept}
}

// recall is what is kept under a key. Keys are of a type of their own for each
// kind of value.
func recall[K comparable, V any](m *memory, key K) (value V, ok bool) {
	kept, ok := m.kept.Get(key)
	if !ok {
		m.misses.Add(1)
		return value, false
	}
	m.hits.Add(1)
	return kept.(V), true
}

// remember keeps a value.
func remember[K comparable, V any](m *memory, key K, value V) { m.kept.Add(key, value) }

// Memory is how often something was known already, and how often it had to be
// asked for.
func (c *Client) Memory() (hits, misses uint64) {
	return c.memory.hits.Load(), c.memory.misses.Load()
}
