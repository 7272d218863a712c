package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"

	"github.com/cosmos/iavl"
)

// Export gives the whole version to emit as chunks, in order, and returns the
// manifest that names them. Equal versions give equal chunks and manifests on
// every node. It ends early with emit's error.
func (s *Snapshot) Export(chainID string, emit func(chunk []byte) error) (Manifest, error) {
	if s.pin.released.Load() {
		return Manifest{}, errReleased
	}
	if len(s.hash) != sha256.Size || s.tree.Size() == 0 {
		return Manifest{}, fmt.Errorf("store: export version %d: it is empty", s.version)
	}
	w := chunkWriter{emit: emit, manifest: Manifest{ChainID: chainID, Height: s.version, AppHash: [sha256.Size]byte(s.hash)}}
	err := s.explain(s.export(&w))
	runtime.KeepAlive(s) // the tree alone would not keep the version
	if err != nil {
		return Manifest{}, fmt.Errorf("store: export version %d: %w", s.version, err)
	}
	return w.manifest, nil
}

// export hands all nodes to w. IAVL ends silently where it cannot read a node,
// so what it gives is checked to be the whole tree.
func (s *Snapshot) export(w *chunkWriter) error {
	exporter, err := s.tree.Export()
	if err != nil {
		return err
	}
	defer exporter.Close()
	tree := shape{version: s.version}
	for {
		node, err := exporter.Next()
		if errors.Is(err, iavl.ErrorExportDone) {
			break
		}
		if err == nil {
			err = tree.exported(node)
		}
		if err == nil {
			err = w.add(node)
		}
		if err != nil {
			return err
		}
	}
	if tree.leaves != s.tree.Size() {
		return fmt.Errorf("%w (%d of %d)", errShort, tree.leaves, s.tree.Size())
	}
	if err := tree.complete(); err != nil {
		return err
	}
	return w.flush()
}

// chunkWriter cuts the nodes into chunks.
type chunkWriter struct {
	emit     func(chunk []byte) error
	manifest Manifest
	raw      []byte
	total    int
}

func (w *chunkWriter) add(n *iavl.ExportNode) error {
	before := len(w.raw)
	w.raw = appendRecord(w.raw, n)
	size := len(w.raw) - before
	w.total += size
	if size > maxRecordBytes || w.total > maxStateBytes {
		return fmt.Errorf("the state is too large for a snapshot: a record of %d bytes (at most %d), %d so far (at most %d)",
			size, maxRecordBytes, w.total, maxStateBytes)
	}
	if len(w.raw) < chunkBytes {
		return nil
	}
	return w.flush()
}

func (w *chunkWriter) flush() error {
	if len(w.raw) == 0 {
		return nil
	}
	if len(w.manifest.Chunks) == MaxSnapshotChunks {
		return fmt.Errorf("the state is too large for a snapshot: more than %d chunks", MaxSnapshotChunks)
	}
	packed, err := pack(w.raw)
	if err != nil {
		return err
	}
	w.manifest.Chunks = append(w.manifest.Chunks, sha256.Sum256(w.raw))
	w.raw = w.raw[:0]
	return w.emit(packed)
}
