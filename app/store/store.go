// Package store is the replicated state on disk: a versioned Merkle tree
// (IAVL) with one version a block, whose root is the app hash.
//
// Only package app imports it. It keeps these promises:
//
//   - A commit is one atomic, synced database write: after a crash the store
//     holds the last committed version or the one before, whole, never a mix.
//   - A Snapshot sees its version however long it is held: it shares no memory
//     with the tree being written, and pruning leaves its version alone.
//   - A read that fails never looks like an absent key or a short iteration,
//     and no write follows it.
//   - The newest version, and what is written on top of it, is read from memory
//     (flat.go); older versions and proofs are read from the tree.
//
// Working, WorkingHash, Commit, Rollback, SetInitialVersion and Adopt belong to
// the one goroutine that applies blocks; everything else is safe for concurrent
// use.
package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sort"
	"sync"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/iavl"
)

// Errors that callers tell apart.
var (
	ErrNoVersion = errors.New("store: no such version")
	ErrPruned    = errors.New("store: version is pruned")
	ErrClosed    = errors.New("store: closed")
)

// Backends that Config.Backend names.
const (
	GoLevelDB = "goleveldb"
	Pebble    = "pebbledb"
	Memory    = "memdb"
)

const (
	databaseName = "state"

	// atomicBatch makes IAVL write each commit as one batch. Its default, 100 kB,
	// splits larger commits into several writes, and a crash between two of them
	// leaves a store that does not load, or one with another app hash.
	atomicBatch = 1 << 30

	// defaultCacheNodes is per tree; there is one for writing and one for reading.
	defaultCacheNodes = 50_000

	// maxPrunePerCommit spreads the work when Keep was lowered or a snapshot was
	// held for long: a commit deletes at most so many versions.
	maxPrunePerCommit = 50
)

// Config says where the state is and how much of its past is kept.
type Config struct {
	Dir        string       // directory of the database; unused by Memory
	Backend    string       // GoLevelDB if empty
	Keep       int64        // newest versions kept; 0 keeps all
	CacheNodes int          // tree nodes in memory, of each of two trees; 0 takes the default
	Logger     *slog.Logger // silent if nil

	// DB is used instead of opening one, and stays open after Close: for tests
	// that restart on a database in memory.
	DB dbm.DB
}

// Store is the state of all kept versions and the one being written.
type Store struct {
	keep    int64
	db      *guardedDB
	newTree func() *iavl.MutableTree
	writer  *iavl.MutableTree
	reader  *iavl.MutableTree // never written: only makes snapshots, with its own node cache
	working working
	flat    flat // what working reads
	beside  Beside

	mu     sync.Mutex
	first  int64         // oldest version that At gives; guarded by mu
	latest committed     // guarded by mu
	pins   map[int64]int // snapshots held, by version; guarded by mu
}

// committed is the newest saved version; its zero value means none.
type committed struct {
	version int64
	hash    []byte
	tree    *iavl.ImmutableTree
	flat    flat // its pairs
}

// Open opens the store, or makes a new one, at its newest version.
func Open(c Config) (*Store, error) {
	if c.Keep < 0 {
		return nil, fmt.Errorf("open state store: keep %d versions: want 0 (all) or more", c.Keep)
	}
	raw, owned, err := openDB(c, databaseName)
	if err != nil {
		return nil, err
	}
	db := newGuardedDB(raw, owned)
	s, err := load(c, db)
	if err == nil {
		s.beside, err = openBeside(c)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func openDB(c Config, name string) (db dbm.DB, owned bool, err error) {
	if c.DB != nil {
		return c.DB, false, nil
	}
	backend := c.Backend
	if backend == "" {
		backend = GoLevelDB
	}
	if !slices.Contains([]string{GoLevelDB, Pebble, Memory}, backend) {
		return nil, false, fmt.Errorf("open state store: backend %q: want %s, %s or %s", backend, GoLevelDB, Pebble, Memory)
	}
	if backend == Memory {
		return dbm.NewMemDB(), true, nil
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("open state store: %w", err)
	}
	db, err = dbm.NewDB(name, dbm.BackendType(backend), c.Dir)
	if err != nil {
		return nil, false, fmt.Errorf("open state store %s in %s: %w", backend, c.Dir, err)
	}
	return db, true, nil
}

func load(c Config, db *guardedDB) (*Store, error) {
	cache := c.CacheNodes
	if cache <= 0 {
		cache = defaultCacheNodes
	}
	logger := newLogger(c.Logger)
	// Fast nodes (a flat copy of the latest leaves) stay off: while a commit
	// runs, a reader of the previous version would see the next one's.
	const skipFastNodes = true
	newTree := func() *iavl.MutableTree {
		return iavl.NewMutableTree(db, cache, skipFastNodes, logger,
			iavl.FlushThresholdOption(atomicBatch), iavl.SyncOption(true))
	}
	s := &Store{keep: c.Keep, db: db, newTree: newTree, pins: map[int64]int{}}
	s.working = working{s}
	return s, s.open()
}

// open reads what the database holds.
func (s *Store) open() error {
	s.writer, s.flat = s.newTree(), newFlat()
	s.mu.Lock()
	s.reader = s.newTree()
	s.mu.Unlock()
	version, err := s.writer.Load()
	if err != nil {
		return fmt.Errorf("load state: %w", err)
	}
	if version == 0 {
		return nil
	}
	// VersionExists is false up to the first kept version and true from it on.
	first := sort.Search(int(version), func(i int) bool { return s.writer.VersionExists(int64(i)) })
	s.mu.Lock()
	s.first = int64(first)
	s.mu.Unlock()
	if s.flat, err = flatOf(s.writer.ImmutableTree); err != nil {
		return fmt.Errorf("load state: %w", err)
	}
	return s.setLatest(version, s.writer.Hash())
}

// setLatest makes the just saved version what Latest gives.
func (s *Store) setLatest(version int64, hash []byte) error {
	tree, err := s.reader.GetImmutable(version)
	if err != nil {
		return fmt.Errorf("read back version %d: %w", version, err)
	}
	if err := s.flat.agrees(tree); err != nil {
		return fmt.Errorf("read back version %d: %w", version, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == 0 {
		s.first = version
	}
	s.latest = committed{version: version, hash: slices.Clone(hash), tree: tree, flat: s.flat.clone()}
	return nil
}

// Version is the newest committed version, 0 if there is none.
func (s *Store) Version() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest.version
}

// Hash is the root of the newest committed version, nil if there is none.
func (s *Store) Hash() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.latest.hash)
}

// SetInitialVersion numbers the first version that will be committed. It is for
// networks whose initial height is not 1, and for an empty store only.
func (s *Store) SetInitialVersion(version int64) error {
	if s.Version() != 0 {
		return fmt.Errorf("set initial version %d: the store is at version %d", version, s.Version())
	}
	if version < 1 {
		return fmt.Errorf("set initial version %d: want 1 or more", version)
	}
	s.writer.SetInitialVersion(uint64(version))
	return nil
}

// WorkingHash is the root that Commit would give now.
func (s *Store) WorkingHash() []byte { return slices.Clone(s.writer.WorkingHash()) }

// Rollback discards everything written since the last Commit.
func (s *Store) Rollback() {
	s.writer.Rollback()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flat = newFlat()
	if s.latest.version != 0 {
		s.flat = s.latest.flat.clone()
	}
}

// Commit saves what was written as the next version, then prunes. After an
// error the store is not to be written again.
func (s *Store) Commit() (version int64, hash []byte, err error) {
	hash, version, err = s.writer.SaveVersion()
	if err != nil {
		return 0, nil, fmt.Errorf("save version: %w", err)
	}
	if err := s.setLatest(version, hash); err != nil {
		return 0, nil, err
	}
	if err := s.prune(); err != nil {
		return 0, nil, err
	}
	return version, slices.Clone(hash), nil
}

// prune deletes the versions beyond Keep that nobody reads.
func (s *Store) prune() error {
	upTo, any := s.claimForPruning()
	if !any {
		return nil
	}
	if err := s.writer.DeleteVersionsTo(upTo); err != nil {
		return fmt.Errorf("prune up to version %d: %w", upTo, err)
	}
	// IAVL ignores some read errors while it looks for what to delete; the
	// database refused the write that followed, and says here why.
	if err := s.db.failure(); err != nil {
		return fmt.Errorf("prune up to version %d: %w", upTo, err)
	}
	return nil
}

// claimForPruning closes the versions that may go to new readers.
func (s *Store) claimForPruning() (upTo int64, any bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keep == 0 {
		return 0, false
	}
	upTo = min(s.latest.version-s.keep, s.first+maxPrunePerCommit-1)
	for version := range s.pins {
		upTo = min(upTo, version-1)
	}
	if upTo < s.first {
		return 0, false
	}
	s.first = upTo + 1
	return upTo, true
}

// Close closes the store. What is not in memory then answers ErrClosed.
func (s *Store) Close() error {
	if err := errors.Join(s.db.Close(), s.beside.db.Close()); err != nil {
		return fmt.Errorf("close state store: %w", err)
	}
	return nil
}
