package node

import (
	"sync"

	cmtdb "github.com/cometbft/cometbft-db"
)

// closingDB is a database of CometBFT's that it may go on reading when it has
// closed it: a stopped node leaves goroutines behind that look at a peer once
// more, and panic when they cannot read. Here they wait for ever instead, until
// the process ends.
type closingDB struct {
	cmtdb.DB

	mu     sync.RWMutex
	closed bool // guarded by mu
}

func newClosingDB(db cmtdb.DB) *closingDB { return &closingDB{DB: db} }

// reading runs read, unless the database is closed: then it never returns.
func (d *closingDB) reading(read func()) {
	d.mu.RLock()
	if d.closed {
		d.mu.RUnlock()
		select {}
	}
	defer d.mu.RUnlock()
	read()
}

// Get implements cmtdb.DB.
func (d *closingDB) Get(key []byte) (value []byte, err error) {
	d.reading(func() { value, err = d.DB.Get(key) })
	return value, err
}

// Has implements cmtdb.DB.
func (d *closingDB) Has(key []byte) (has bool, err error) {
	d.reading(func() { has, err = d.DB.Has(key) })
	return has, err
}

// Iterator implements cmtdb.DB.
func (d *closingDB) Iterator(start, end []byte) (it cmtdb.Iterator, err error) {
	d.reading(func() { it, err = d.DB.Iterator(start, end) })
	return it, err
}

// ReverseIterator implements cmtdb.DB.
func (d *closingDB) ReverseIterator(start, end []byte) (it cmtdb.Iterator, err error) {
	d.reading(func() { it, err = d.DB.ReverseIterator(start, end) })
	return it, err
}

// Close implements cmtdb.DB. It waits for reads that are going on.
func (d *closingDB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return d.DB.Close()
}
