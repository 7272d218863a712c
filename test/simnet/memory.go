package simnet

import (
	"errors"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/google/btree"
)

// memory is a database for one goroutine. A copy costs nothing: both share what
// neither has changed since. Keys and values belong to it once it has them.
type memory struct{ pairs *btree.BTreeG[pair] }

type pair struct {
	key   string
	value []byte
}

var _ dbm.DB = memory{}

func newMemory() memory {
	return memory{btree.NewG(32, func(a, b pair) bool { return a.key < b.key })}
}

func (m memory) clone() memory { return memory{m.pairs.Clone()} }

var errPair = errors.New("want a key, and a value that is not nil")

// Get implements dbm.DB.
func (m memory) Get(key []byte) ([]byte, error) {
	p, _ := m.pairs.Get(pair{key: string(key)})
	return p.value, nil
}

// Has implements dbm.DB.
func (m memory) Has(key []byte) (bool, error) { return m.pairs.Has(pair{key: string(key)}), nil }

// Set implements dbm.DB.
func (m memory) Set(key, value []byte) error {
	if len(key) == 0 || value == nil {
		return errPair
	}
	m.pairs.ReplaceOrInsert(pair{string(key), value})
	return nil
}

// SetSync implements dbm.DB.
func (m memory) SetSync(key, value []byte) error { return m.Set(key, value) }

// Delete implements dbm.DB.
func (m memory) Delete(key []byte) error {
	m.pairs.Delete(pair{key: string(key)})
	return nil
}

// DeleteSync implements dbm.DB.
func (m memory) DeleteSync(key []byte) error { return m.Delete(key) }

// Close implements dbm.DB.
func (memory) Close() error { return nil }

// Print implements dbm.DB.
func (memory) Print() error { return errors.New("not for reading") }

// Stats implements dbm.DB.
func (memory) Stats() map[string]string { return nil }

// Iterator implements dbm.DB.
func (m memory) Iterator(start, end []byte) (dbm.Iterator, error) {
	i := &iterator{memory: m, start: start, end: end}
	i.pairs.AscendGreaterOrEqual(pair{key: string(start)}, i.take)
	return i, nil
}

// ReverseIterator implements dbm.DB.
func (m memory) ReverseIterator(start, end []byte) (dbm.Iterator, error) {
	i := &iterator{memory: m, start: start, end: end, reverse: true}
	if end == nil {
		i.pairs.Descend(i.take)
	} else {
		i.pairs.DescendLessOrEqual(pair{key: string(end)}, i.skip(string(end)))
	}
	return i, nil
}

// iterator looks its next pair up when it is asked for it.
type iterator struct {
	memory
	start, end []byte
	reverse    bool
	at         pair
	valid      bool
}

// take stops at the first pair.
func (i *iterator) take(p pair) bool {
	i.at, i.valid = p, true
	return false
}

// skip stops at the first pair with another key.
func (i *iterator) skip(key string) func(pair) bool {
	return func(p pair) bool { return p.key == key || i.take(p) }
}

// Domain implements dbm.Iterator.
func (i *iterator) Domain() (start, end []byte) { return i.start, i.end }

// Valid implements dbm.Iterator.
func (i *iterator) Valid() bool {
	return i.valid && i.at.key >= string(i.start) && (i.end == nil || i.at.key < string(i.end))
}

// Next implements dbm.Iterator.
func (i *iterator) Next() {
	i.valid = false
	if i.reverse {
		i.pairs.DescendLessOrEqual(i.at, i.skip(i.at.key))
	} else {
		i.pairs.AscendGreaterOrEqual(i.at, i.skip(i.at.key))
	}
}

// Key implements dbm.Iterator.
func (i *iterator) Key() []byte { return []byte(i.at.key) }

// Value implements dbm.Iterator.
func (i *iterator) Value() []byte { return i.at.value }

// Error implements dbm.Iterator.
func (*iterator) Error() error { return nil }

// Close implements dbm.Iterator.
func (*iterator) Close() error { return nil }

// NewBatch implements dbm.DB.
func (m memory) NewBatch() dbm.Batch { return &batch{memory: m} }

// NewBatchWithSize implements dbm.DB.
func (m memory) NewBatchWithSize(int) dbm.Batch { return m.NewBatch() }

// batch is writes that come together.
type batch struct {
	memory
	writes []pair // a nil value deletes
	size   int    // bytes
}

// Set implements dbm.Batch.
func (b *batch) Set(key, value []byte) error {
	if len(key) == 0 || value == nil {
		return errPair
	}
	b.add(pair{string(key), value})
	return nil
}

// Delete implements dbm.Batch.
func (b *batch) Delete(key []byte) error {
	b.add(pair{key: string(key)})
	return nil
}

func (b *batch) add(p pair) {
	b.writes, b.size = append(b.writes, p), b.size+len(p.key)+len(p.value)
}

// Write implements dbm.Batch.
func (b *batch) Write() error {
	for _, p := range b.writes {
		if p.value == nil {
			b.pairs.Delete(p)
		} else {
			b.pairs.ReplaceOrInsert(p)
		}
	}
	b.writes, b.size = nil, 0
	return nil
}

// WriteSync implements dbm.Batch.
func (b *batch) WriteSync() error { return b.Write() }

// GetByteSize implements dbm.Batch.
func (b *batch) GetByteSize() (int, error) { return b.size, nil }
