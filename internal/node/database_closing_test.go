package node

import (
	"testing"
	"time"

	cmtdb "github.com/cometbft/cometbft-db"
)

// A read that comes after the end neither fails, at which CometBFT panics, nor
// returns anything.
func TestReadsOfAClosedDatabaseWait(t *testing.T) {
	inner, err := cmtdb.NewDB("test", cmtdb.GoLevelDBBackend, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	db := newClosingDB(inner)
	if err := db.Set([]byte("key"), []byte("value")); err != nil {
		t.Fatal(err)
	}
	if value, err := db.Get([]byte("key")); err != nil || string(value) != "value" {
		t.Fatalf("%q, %v", value, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := inner.Get([]byte("key")); err == nil {
		t.Fatal("the database below is open")
	}
	returned := make(chan string, 3)
	go func() { _, _ = db.Get([]byte("key")); returned <- "Get" }()
	go func() { _, _ = db.Has([]byte("key")); returned <- "Has" }()
	go func() { _, _ = db.Iterator(nil, nil); returned <- "Iterator" }()
	select {
	case what := <-returned:
		t.Errorf("%s of a closed database returned", what)
	case <-time.After(100 * time.Millisecond):
	}
}
