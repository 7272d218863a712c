package signer

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// The file of signed seals is text, a line for each round of signing:
//
//	CHECKSUM bridged-signed-seals 1 NETWORK-ID FLOOR
//	CHECKSUM HEIGHT DIGEST [HEIGHT DIGEST]...
//
// The first line says whose seals they are, and up to which height nothing is
// known any more. A checksum is the CRC-32C, in 8 hexadecimal digits, of the rest
// of its line behind the checksum of the line before, so that no line can be
// missing from the middle. A last line that is cut short or has a wrong checksum
// was being written when its process died; any other such line is damage.
const (
	guardTitle = "bridged-signed-seals 1"
	// maxGuardFile is far above what guardHeights seals take.
	maxGuardFile = 64 << 20
	// lineSeals is how many seals a line of a file made anew has.
	lineSeals = 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// guardRecord is the content of the file.
type guardRecord struct {
	network types.Hash
	floor   uint64 // heights up to and including it are refused unless known
	signed  map[uint64]types.Hash
	sum     uint32 // checksum of the last line
}

func (r *guardRecord) clone() guardRecord {
	c := *r
	c.signed = maps.Clone(r.signed)
	return c
}

func (r *guardRecord) add(seals []Signed) {
	for _, s := range seals {
		r.signed[s.Height] = s.Digest
	}
}

// forget drops the lower half.
func (r *guardRecord) forget() {
	heights := slices.Sorted(maps.Keys(r.signed))
	for _, height := range heights[:len(heights)/2] {
		delete(r.signed, height)
		r.floor = height
	}
}

// encode is the whole file, and notes the checksum of its last line.
func (r *guardRecord) encode() []byte {
	out, sum := checkedLine(0, fmt.Appendf(nil, "%s %x %d", guardTitle, r.network[:], r.floor))
	for heights := range slices.Chunk(slices.Sorted(maps.Keys(r.signed)), lineSeals) {
		seals := make([]Signed, len(heights))
		for i, height := range heights {
			seals[i] = Signed{height, r.signed[height]}
		}
		var line []byte
		line, sum = guardLine(sum, seals)
		out = append(out, line...)
	}
	r.sum = sum
	return out
}

// guardLine is the line of one round.
func guardLine(before uint32, seals []Signed) ([]byte, uint32) {
	var text []byte
	for i, s := range seals {
		if i > 0 {
			text = append(text, ' ')
		}
		text = strconv.AppendUint(text, s.Height, 10)
		text = hex.AppendEncode(append(text, ' '), s.Digest[:])
	}
	return checkedLine(before, text)
}

func checkedLine(before uint32, text []byte) ([]byte, uint32) {
	sum := lineSum(before, text)
	line := append(fmt.Appendf(nil, "%08x ", sum), text...)
	return append(line, '\n'), sum
}

func lineSum(before uint32, text []byte) uint32 {
	salted := append([]byte{byte(before >> 24), byte(before >> 16), byte(before >> 8), byte(before)}, text...)
	return crc32.Checksum(salted, castagnoli)
}

// readGuard reads the file of a network; torn says that its last line is to be
// dropped before anything is appended.
func readGuard(path string, network types.Hash) (record guardRecord, torn bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return guardRecord{}, false, fmt.Errorf("%w: there is no %s", ErrGuard, path)
	}
	if err != nil {
		return guardRecord{}, false, fmt.Errorf("%w: %w", ErrGuard, err)
	}
	if info.Size() > maxGuardFile {
		return guardRecord{}, false, fmt.Errorf("%w: %s has %d bytes, at most %d", ErrGuard, path, info.Size(), maxGuardFile)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return guardRecord{}, false, fmt.Errorf("%w: %w", ErrGuard, err)
	}
	record, torn, err = decodeGuard(content)
	if err != nil {
		return guardRecord{}, false, fmt.Errorf("%w: %s is damaged: %w", ErrGuard, path, err)
	}
	if record.network != network {
		return guardRecord{}, false, fmt.Errorf("%w: %s is of the network with the id %s, this is %s", ErrGuard, path, record.network, network)
	}
	return record, torn, nil
}

// decodeGuard reads a file's content.
func decodeGuard(content []byte) (record guardRecord, torn bool, err error) {
	first, rest, ended := bytes.Cut(content, []byte("\n"))
	if !ended {
		return guardRecord{}, false, errors.New("it has no first line")
	}
	if record, err = decodeTitle(first); err != nil {
		return guardRecord{}, false, fmt.Errorf("line 1: %w", err)
	}
	for number := 2; len(rest) > 0; number++ {
		var line []byte
		line, rest, ended = bytes.Cut(rest, []byte("\n"))
		seals, sum, err := decodeLine(record.sum, line)
		switch {
		case !ended, err != nil && len(rest) == 0:
			return record, true, nil
		case err != nil:
			return guardRecord{}, false, fmt.Errorf("line %d: %w", number, err)
		}
		for _, s := range seals {
			if known, ok := record.signed[s.Height]; ok && known != s.Digest {
				return guardRecord{}, false, fmt.Errorf("line %d: height %d has a second digest", number, s.Height)
			}
		}
		record.add(seals)
		record.sum = sum
	}
	return record, false, nil
}

func decodeTitle(line []byte) (guardRecord, error) {
	text, sum, err := checkLine(0, line)
	if err != nil {
		return guardRecord{}, err
	}
	fields, ok := bytes.CutPrefix(text, []byte(guardTitle+" "))
	id, floor, two := bytes.Cut(fields, []byte(" "))
	if !ok || !two {
		return guardRecord{}, fmt.Errorf("want %q, a network id and a height", guardTitle)
	}
	record := guardRecord{signed: map[uint64]types.Hash{}, sum: sum}
	if record.network, err = decodeDigest(id); err != nil {
		return guardRecord{}, err
	}
	record.floor, err = strconv.ParseUint(string(floor), 10, 64)
	return record, err
}

func decodeLine(before uint32, line []byte) ([]Signed, uint32, error) {
	text, sum, err := checkLine(before, line)
	if err != nil {
		return nil, 0, err
	}
	fields := bytes.Split(text, []byte(" "))
	if len(fields)%2 != 0 {
		return nil, 0, errors.New("want pairs of height and digest")
	}
	seals := make([]Signed, 0, len(fields)/2)
	for i := 0; i < len(fields); i += 2 {
		height, err := strconv.ParseUint(string(fields[i]), 10, 64)
		if err != nil {
			return nil, 0, fmt.Errorf("height %q", fields[i])
		}
		digest, err := decodeDigest(fields[i+1])
		if err != nil {
			return nil, 0, err
		}
		seals = append(seals, Signed{height, digest})
	}
	return seals, sum, nil
}

// checkLine gives what stands behind the checksum, if that is right.
func checkLine(before uint32, line []byte) ([]byte, uint32, error) {
	said, text, ok := bytes.Cut(line, []byte(" "))
	sum := lineSum(before, text)
	if !ok || string(said) != fmt.Sprintf("%08x", sum) {
		return nil, 0, errors.New("its checksum is wrong")
	}
	return text, sum, nil
}

func decodeDigest(text []byte) (digest types.Hash, err error) {
	if len(text) == 2*len(digest) {
		_, err = hex.Decode(digest[:], text)
	}
	if len(text) != 2*len(digest) || err != nil {
		return digest, fmt.Errorf("%q are no 64 hexadecimal digits", text)
	}
	return digest, nil
}
