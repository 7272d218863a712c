// Package types holds the values of the protocol: identities, amounts, inbox
// events, outbox commands, marks and validator sets, with their validation and
// their canonical bytes (docs/wire-format.md).
//
// It is level 0 of the import order: anybody may import it, and it imports no
// other package of this module. Every decoder here is total: any input gives a
// value or an error, never a panic.
package types

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// Hash is 32 bytes: a keccak256 digest, an inbox accumulator, a Merkle root.
type Hash = common.Hash

// Address is a 20-byte EVM address.
type Address = common.Address

// ChainID names a connected chain: the EVM chain id, or a number of 2^63 or
// above assigned to a chain that has none.
type ChainID uint64

// String is the decimal form.
func (c ChainID) String() string { return strconv.FormatUint(uint64(c), 10) }

// AssetID names an asset over all its chains. It is chosen when the asset is
// registered, never zero, and is the CREATE2 salt of its wrapped tokens.
type AssetID [32]byte

// String is the 0x-prefixed hexadecimal form.
func (a AssetID) String() string { return Hash(a).Hex() }

// MarshalText implements encoding.TextMarshaler.
func (a AssetID) MarshalText() ([]byte, error) { return Hash(a).MarshalText() }

// UnmarshalText implements encoding.TextUnmarshaler; it wants 0x and 64 digits.
func (a *AssetID) UnmarshalText(text []byte) error { return (*Hash)(a).UnmarshalText(text) }

// ValidatorID is a validator's consensus address: the first 20 bytes of the
// SHA-256 of its consensus public key, as CometBFT computes it.
type ValidatorID [20]byte

// String is the upper-case hexadecimal form that CometBFT prints.
func (v ValidatorID) String() string { return fmt.Sprintf("%X", v[:]) }

// MarshalText implements encoding.TextMarshaler.
func (v ValidatorID) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *ValidatorID) UnmarshalText(text []byte) error {
	raw := common.FromHex(string(text))
	if len(raw) != len(v) {
		return fmt.Errorf("validator id %q: want 40 hexadecimal digits", text)
	}
	copy(v[:], raw)
	return nil
}

// NativeToken stands for a chain's native coin wherever a token address is
// expected.
var NativeToken = common.HexToAddress("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE")

// TransferID names a transfer by the deposit that began it. There is exactly
// one transfer for each Deposited event.
type TransferID struct {
	Source ChainID
	Nonce  uint64 // inbox nonce of the Deposited event
}

// String is `chain id/nonce`. For people, chains print their label instead.
func (t TransferID) String() string { return fmt.Sprintf("%d/%d", t.Source, t.Nonce) }

var labelPattern = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// ValidateLabel checks a chain label: [a-z0-9-]{1,32}, not a number (a number
// in a transfer's text form is a chain id).
func ValidateLabel(label string) error {
	if !labelPattern.MatchString(label) {
		return fmt.Errorf("chain label %q: want 1 to 32 of a-z, 0-9 and -", label)
	}
	if _, err := strconv.ParseUint(label, 10, 64); err == nil {
		return fmt.Errorf("chain label %q: a number is a chain id, not a label", label)
	}
	return nil
}

// SplitTransferID parses the text form `chain/nonce`, where chain is a label or
// a chain id that the caller resolves.
func SplitTransferID(text string) (chain string, nonce uint64, err error) {
	chain, number, found := strings.Cut(text, "/")
	if !found || chain == "" {
		return "", 0, fmt.Errorf("transfer id %q: want CHAIN/NONCE, for example alpha/7", text)
	}
	nonce, err = strconv.ParseUint(number, 10, 64)
	if err != nil || nonce == 0 {
		return "", 0, fmt.Errorf("transfer id %q: the part after / is a number from 1", text)
	}
	return chain, nonce, nil
}

// EVMRecipient returns the address in a 32-byte recipient. EVM chains want 12
// leading zero bytes and an address that is not zero.
func EVMRecipient(recipient Hash) (Address, error) {
	for _, b := range recipient[:12] {
		if b != 0 {
			return Address{}, fmt.Errorf("recipient %s: the first 12 bytes of an EVM recipient are zero", recipient)
		}
	}
	address := Address(recipient[12:])
	if address == (Address{}) {
		return Address{}, fmt.Errorf("recipient is zero")
	}
	return address, nil
}

// RecipientFromAddress is the 32-byte recipient of an EVM address.
func RecipientFromAddress(a Address) Hash { return common.BytesToHash(a[:]) }

// u64 is the 8-byte big endian form used in canonical bytes and keys.
func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
