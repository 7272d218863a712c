package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cosmos/iavl"
	"github.com/klauspost/compress/zstd"
)

// A chunk is records, one a node, in the order of export and compressed with
// zstd:
//
//	leaf:  0 ‖ version ‖ length of the key ‖ key ‖ length of the value ‖ value
//	inner: height above the leaves (1 byte, not 0) ‖ version
//
// Numbers are unsigned varints. A chunk ends with the record that brings it to
// chunkBytes.
const (
	chunkBytes     = 1 << 20
	maxRecordBytes = 8 << 20
	maxRawBytes    = chunkBytes + maxRecordBytes
	// MaxChunkBytes is what a compressed chunk is at most; CometBFT carries up
	// to 16 MB.
	MaxChunkBytes = maxRawBytes + maxRawBytes/64
)

var errRecord = errors.New("store: bad record")

// record is a node of the tree in a chunk.
type record struct {
	height     int8
	version    int64
	key, value []byte // of a leaf
}

func appendRecord(b []byte, n *iavl.ExportNode) []byte {
	b = append(b, byte(n.Height))
	b = binary.AppendUvarint(b, uint64(n.Version))
	if n.Height != 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(n.Key)))
	b = append(b, n.Key...)
	b = binary.AppendUvarint(b, uint64(len(n.Value)))
	return append(b, n.Value...)
}

// nextRecord reads the record that b begins with. It shares b's memory.
func nextRecord(b []byte) (r record, rest []byte, err error) {
	if len(b) == 0 || b[0] > 127 {
		return record{}, nil, fmt.Errorf("%w: no height", errRecord)
	}
	r.height = int8(b[0])
	version, n := binary.Uvarint(b[1:])
	if n <= 0 || version > maxHeight {
		return record{}, nil, fmt.Errorf("%w: no version", errRecord)
	}
	r.version, rest = int64(version), b[1+n:]
	if r.height != 0 {
		return r, rest, nil
	}
	if r.key, rest, err = nextField(rest); err != nil {
		return record{}, nil, err
	}
	if r.value, rest, err = nextField(rest); err != nil {
		return record{}, nil, err
	}
	return r, rest, nil
}

func nextField(b []byte) (field, rest []byte, err error) {
	length, n := binary.Uvarint(b)
	if n <= 0 || length > uint64(len(b)-n) {
		return nil, nil, fmt.Errorf("%w: it ends early", errRecord)
	}
	b = b[n:]
	return b[:length:length], b[length:], nil
}

// pack compresses what is in a chunk.
func pack(raw []byte) ([]byte, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("store: compress a chunk: %w", err)
	}
	packed := encoder.EncodeAll(raw, nil)
	return packed, encoder.Close()
}

// unpack gives what is in a chunk, at most maxRawBytes of it.
func unpack(packed []byte) ([]byte, error) {
	if len(packed) > MaxChunkBytes {
		return nil, fmt.Errorf("store: a chunk of %d bytes, at most %d", len(packed), MaxChunkBytes)
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRawBytes))
	if err != nil {
		return nil, fmt.Errorf("store: decompress a chunk: %w", err)
	}
	defer decoder.Close()
	raw, err := decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("store: decompress a chunk: %w", err)
	}
	return raw, nil
}
