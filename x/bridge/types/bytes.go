package types

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9._-][A-Za-z0-9 ._-]{0,31}$`)

// HexBytes are bytes whose text form is 0x and hexadecimal digits.
type HexBytes []byte

// MarshalText implements encoding.TextMarshaler.
func (b HexBytes) MarshalText() ([]byte, error) {
	return []byte("0x" + hex.EncodeToString(b)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *HexBytes) UnmarshalText(text []byte) error {
	digits, found := strings.CutPrefix(string(text), "0x")
	if !found {
		return fmt.Errorf("bytes %.12q: want 0x and hexadecimal digits", text)
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return fmt.Errorf("bytes %.12q: %w", text, err)
	}
	*b = raw
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (k ConsensusKey) MarshalText() ([]byte, error) {
	return []byte(base64.StdEncoding.EncodeToString(k)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (k *ConsensusKey) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return fmt.Errorf("consensus key %q: want base64: %w", text, err)
	}
	*k = raw
	return nil
}
