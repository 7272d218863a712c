package store

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// SnapshotFormat is the form of the manifest and the chunks that Export makes.
// Another form gets another number.
const SnapshotFormat = 1

// Limits of a snapshot. They bound what strangers make a node hold while it
// restores one, and are far above what the state can be while it is bounded by
// what is in flight.
const (
	// MaxSnapshotChunks is how many chunks a snapshot has at most.
	MaxSnapshotChunks = 1024
	// MaxManifestBytes is how long an encoded manifest is at most.
	MaxManifestBytes = 1 + maxChainIDBytes + 8 + sha256.Size + MaxSnapshotChunks*sha256.Size

	maxChainIDBytes = 50
	maxHeight       = 1 << 31 // IAVL counts the nodes of each version in an array
	maxStateBytes   = 1 << 30 // of all records
)

// ErrManifest says that bytes are no manifest.
var ErrManifest = errors.New("store: no manifest of a snapshot")

// Manifest names one version of a network's state and the chunks that it comes
// in. Every node makes the same of the same version.
type Manifest struct {
	ChainID string
	Height  int64
	AppHash [sha256.Size]byte   // root of the state, in the header of the next height
	Chunks  [][sha256.Size]byte // of what is in each chunk, before compression
}

// Encode is the form in which peers exchange a manifest:
//
//	length of the chain id (1 byte) ‖ chain id ‖ height (8, big endian) ‖ app hash (32) ‖ hash of each chunk (32)
func (m Manifest) Encode() []byte {
	b := append([]byte{byte(len(m.ChainID))}, m.ChainID...)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Height))
	b = append(b, m.AppHash[:]...)
	for _, hash := range m.Chunks {
		b = append(b, hash[:]...)
	}
	return b
}

// Hash identifies the snapshot.
func (m Manifest) Hash() [sha256.Size]byte { return sha256.Sum256(m.Encode()) }

// DecodeManifest reads what Encode wrote. It refuses everything else with
// ErrManifest.
func DecodeManifest(b []byte) (Manifest, error) {
	if len(b) > MaxManifestBytes {
		return Manifest{}, fmt.Errorf("%w: %d bytes, at most %d", ErrManifest, len(b), MaxManifestBytes)
	}
	const fixed = 8 + sha256.Size
	if len(b) < 1 || len(b) < 1+int(b[0])+fixed || (len(b)-1-int(b[0])-fixed)%sha256.Size != 0 {
		return Manifest{}, fmt.Errorf("%w: %d bytes are no whole number of fields", ErrManifest, len(b))
	}
	id, rest := b[1:1+int(b[0])], b[1+int(b[0]):]
	height := binary.BigEndian.Uint64(rest)
	m := Manifest{ChainID: string(id), Height: int64(height), AppHash: [sha256.Size]byte(rest[8:fixed])}
	for rest = rest[fixed:]; len(rest) > 0; rest = rest[sha256.Size:] {
		m.Chunks = append(m.Chunks, [sha256.Size]byte(rest[:sha256.Size]))
	}
	switch {
	case len(id) == 0 || len(id) > maxChainIDBytes:
		return Manifest{}, fmt.Errorf("%w: a chain id of %d bytes, want 1 to %d", ErrManifest, len(id), maxChainIDBytes)
	case height == 0 || height > maxHeight:
		return Manifest{}, fmt.Errorf("%w: height %d, want 1 to %d", ErrManifest, height, maxHeight)
	case len(m.Chunks) == 0 || len(m.Chunks) > MaxSnapshotChunks:
		return Manifest{}, fmt.Errorf("%w: %d chunks, want 1 to %d", ErrManifest, len(m.Chunks), MaxSnapshotChunks)
	}
	return m, nil
}
