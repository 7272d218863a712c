package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/iavl"
	idb "github.com/cosmos/iavl/db"
)

// Errors of a restore that callers tell apart.
var (
	// ErrChunk says that bytes are not the chunk that the manifest names. The
	// right one may still be added.
	ErrChunk = errors.New("store: not the chunk that the manifest names")
	// ErrSnapshot says that a manifest and chunks that fit it are not the state
	// they claim to be. No other chunks mend that.
	ErrSnapshot = errors.New("store: the snapshot is not what it claims to be")
)

// Restore builds a version from its chunks, in memory. Nothing is on disk
// before Store.Adopt. It is for one goroutine.
type Restore struct {
	manifest Manifest
	db       *dbm.MemDB
	importer *iavl.Importer
	tree     *iavl.MutableTree
	shape    shape
	next     int // chunk
	total    int // bytes of records
	finished bool
}

// NewRestore begins to build the state that m names. Close ends it.
func NewRestore(m Manifest) (*Restore, error) {
	db := dbm.NewMemDB()
	const skipFastNodes = true
	tree := iavl.NewMutableTree(idb.NewWrapper(db), 0, skipFastNodes, iavl.NewNopLogger())
	importer, err := tree.Import(m.Height)
	if err != nil {
		return nil, fmt.Errorf("store: begin a restore: %w", err)
	}
	return &Restore{manifest: m, db: db, importer: importer, tree: tree, shape: shape{version: m.Height}}, nil
}

// Close frees what the restore holds. It may be called again.
func (r *Restore) Close() {
	r.importer.Close()
	r.db, r.tree = nil, nil
}

// Manifest is what is being restored.
func (r *Restore) Manifest() Manifest { return r.manifest }

// Next is the index of the chunk that Add wants; after the last one it is their
// number.
func (r *Restore) Next() int { return r.next }

// Add takes the next chunk. It fails with ErrChunk and has taken nothing, or
// with ErrSnapshot and the restore is of no more use.
func (r *Restore) Add(chunk []byte) error {
	if r.next == len(r.manifest.Chunks) {
		return fmt.Errorf("%w: it has %d chunks only", ErrChunk, r.next)
	}
	raw, err := unpack(chunk)
	if err != nil {
		return fmt.Errorf("%w: chunk %d: %w", ErrChunk, r.next, err)
	}
	if sha256.Sum256(raw) != r.manifest.Chunks[r.next] {
		return fmt.Errorf("%w: chunk %d has another hash", ErrChunk, r.next)
	}
	r.total += len(raw)
	if r.total > maxStateBytes {
		return fmt.Errorf("%w: more than %d bytes", ErrSnapshot, maxStateBytes)
	}
	for len(raw) > 0 {
		if raw, err = r.addRecord(raw); err != nil {
			return fmt.Errorf("%w: chunk %d: %w", ErrSnapshot, r.next, err)
		}
	}
	r.next++
	return nil
}

func (r *Restore) addRecord(raw []byte) (rest []byte, err error) {
	record, rest, err := nextRecord(raw)
	if err != nil {
		return nil, err
	}
	node := &iavl.ExportNode{Height: record.height, Version: record.version}
	if record.height == 0 {
		// The tree keeps what it is given, and takes no nil.
		node.Key, node.Value = bytes.Clone(record.key), append([]byte{}, record.value...)
		err = r.shape.leaf(record.version, node.Key)
	} else {
		node.Key, err = r.shape.inner(record.version, record.height)
	}
	if err != nil {
		return nil, err
	}
	return rest, r.importer.Add(node)
}

// Finish checks that all chunks together are the state with the manifest's app
// hash; ErrSnapshot if they are not.
func (r *Restore) Finish() error {
	if r.next != len(r.manifest.Chunks) {
		return fmt.Errorf("%w: it ends after %d of %d chunks", ErrSnapshot, r.next, len(r.manifest.Chunks))
	}
	if err := r.shape.complete(); err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if err := r.importer.Commit(); err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if hash := r.tree.Hash(); !bytes.Equal(hash, r.manifest.AppHash[:]) {
		return fmt.Errorf("%w: its app hash is %X, not %X", ErrSnapshot, hash, r.manifest.AppHash)
	}
	r.finished = true
	return r.hideOldRoot()
}

// hideOldRoot is for a version that changed nothing, whose root is an older
// version's. IAVL would take the key of that root for a sign that the older
// version is there too, so the node gets the key that pruning gives it, which IAVL
// looks for next.
func (r *Restore) hideOldRoot() error {
	root := r.shape.open[0].version
	if root == r.manifest.Height {
		return nil
	}
	node, err := r.db.Get(nodeKey(root, 1))
	if err == nil && node == nil {
		err = errMissingNode
	}
	if err == nil {
		err = errors.Join(r.db.Set(nodeKey(root, 0), node), r.db.Delete(nodeKey(root, 1)))
	}
	return err
}

// nodeKey is the database key of a node in IAVL: 's' ‖ version ‖ nonce.
func nodeKey(version int64, nonce uint32) []byte {
	key := binary.BigEndian.AppendUint64([]byte{'s'}, uint64(version))
	return binary.BigEndian.AppendUint32(key, nonce)
}

// Adopt makes a finished restore the only version of this store, which has to be
// empty, in one atomic write. It belongs to the goroutine that applies blocks,
// which has none to apply yet.
func (s *Store) Adopt(r *Restore) error {
	if !r.finished {
		return errors.New("store: adopt a restore that is not finished")
	}
	if version := s.Version(); version != 0 {
		return fmt.Errorf("store: adopt version %d: the store is at version %d", r.manifest.Height, version)
	}
	if err := s.write(r.db); err != nil {
		return fmt.Errorf("store: adopt version %d: %w", r.manifest.Height, err)
	}
	if err := s.open(); err != nil {
		return fmt.Errorf("store: adopt version %d: %w", r.manifest.Height, err)
	}
	if hash := s.Hash(); s.Version() != r.manifest.Height || !bytes.Equal(hash, r.manifest.AppHash[:]) {
		return fmt.Errorf("store: adopt version %d: read back is version %d with app hash %X", r.manifest.Height, s.Version(), hash)
	}
	return nil
}

// write copies all of from into the database.
func (s *Store) write(from *dbm.MemDB) error {
	all, err := from.Iterator(nil, nil)
	if err != nil {
		return err
	}
	batch := s.db.NewBatch()
	for ; all.Valid(); all.Next() {
		if err := batch.Set(all.Key(), all.Value()); err != nil {
			return errors.Join(err, all.Close(), batch.Close())
		}
	}
	return errors.Join(all.Error(), all.Close(), batch.WriteSync(), batch.Close())
}
