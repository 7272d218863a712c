package signer

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"strings"

	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// secret is what every secret of this package prints as.
const secret = "[secret]"

// Errors of loading keys.
var (
	// ErrKey says that something is no secp256k1 private key.
	ErrKey = errors.New("not a secp256k1 private key")
	// ErrPassphrase says that a passphrase is missing, or wrong for its file.
	ErrPassphrase = errors.New("no passphrase, or a wrong one")
	// ErrLooseMode says that others than its owner may read a secret file.
	ErrLooseMode = errors.New("file mode lets others in")
	// ErrExists says that a key of that role and name is there already.
	ErrExists = errors.New("key exists")
	// ErrNotFound says that there is no key of that role and name.
	ErrNotFound = errors.New("no such key")
)

// Key signs. It is safe for concurrent use.
type Key interface {
	// Address is the account that the key controls.
	Address() types.Address
	// Sign signs a 32-byte digest: EIP-2098, low s. The caller has decided
	// what it signs; nothing here looks into a digest.
	Sign(digest types.Hash) ([types.SignatureBytes]byte, error)
	// SignTx returns the transaction signed for the chain.
	SignTx(tx *ethtypes.Transaction, chainID *big.Int) (*ethtypes.Transaction, error)
}

// privateKey is a Key in memory.
type privateKey struct {
	key     *ecdsa.PrivateKey
	address types.Address
}

func newPrivateKey(key *ecdsa.PrivateKey) *privateKey {
	return &privateKey{key: key, address: crypto.PubkeyToAddress(key.PublicKey)}
}

// ParseHex reads a key from 64 hexadecimal digits, with or without 0x.
func ParseHex(digits string) (Key, error) { return parseHex(digits) }

func parseHex(digits string) (*privateKey, error) {
	key, err := crypto.HexToECDSA(strings.TrimPrefix(strings.TrimSpace(digits), "0x"))
	if err != nil {
		// The cause is left out: some of its texts repeat a digit.
		return nil, fmt.Errorf("%w: want 64 hexadecimal digits of a number below the curve's order", ErrKey)
	}
	return newPrivateKey(key), nil
}

// Address implements Key.
func (k *privateKey) Address() types.Address { return k.address }

// Sign implements Key.
func (k *privateKey) Sign(digest types.Hash) ([types.SignatureBytes]byte, error) {
	var compact [types.SignatureBytes]byte
	full, err := crypto.Sign(digest[:], k.key) // r ‖ s ‖ y parity, s in the lower half
	if err != nil {
		return compact, fmt.Errorf("sign with %s: %w", k.address, err)
	}
	copy(compact[:], full)
	compact[32] |= full[64] << 7
	return compact, nil
}

// SignTx implements Key.
func (k *privateKey) SignTx(tx *ethtypes.Transaction, chainID *big.Int) (*ethtypes.Transaction, error) {
	signed, err := ethtypes.SignTx(tx, ethtypes.LatestSignerForChainID(chainID), k.key)
	if err != nil {
		return nil, fmt.Errorf("sign transaction with %s: %w", k.address, err)
	}
	return signed, nil
}

// Format implements fmt.Formatter: no verb prints the key.
func (k *privateKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.text())) }

// LogValue implements slog.LogValuer.
func (k *privateKey) LogValue() slog.Value { return slog.StringValue(k.text()) }

// MarshalText implements encoding.TextMarshaler, so that JSON has no key.
func (k *privateKey) MarshalText() ([]byte, error) { return []byte(k.text()), nil }

func (k *privateKey) text() string { return "key of " + k.address.Hex() + " " + secret }
