package evmsig

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// ErrSignature says that bytes are no valid signature of anybody over a digest.
var ErrSignature = errors.New("invalid signature")

var (
	domainType    = crypto.Keccak256Hash([]byte("EIP712Domain(string name,string version,bytes32 salt)"))
	domainName    = crypto.Keccak256Hash([]byte("bridged"))
	domainVersion = crypto.Keccak256Hash([]byte("1"))
	sealType      = crypto.Keccak256Hash([]byte("Seal(uint64 epoch,uint64 height,bytes32 root)"))
)

// SealDigest is what a validator signs for the commands of a block: EIP-712 in
// the network's own domain. The zero root has the zero digest, which neither
// Sign nor Recover accepts.
func SealDigest(networkID types.Hash, epoch, height uint64, root types.Hash) types.Hash {
	if root == (types.Hash{}) {
		return types.Hash{}
	}
	var seal words
	seal.word(sealType)
	seal.uint(epoch)
	seal.uint(height)
	seal.word(root)
	return typedDigest(networkID, seal.hash())
}

// Sign signs a digest and returns the EIP-2098 form, r ‖ yParityAndS, low s.
func Sign(key *ecdsa.PrivateKey, digest types.Hash) (sig [types.SignatureBytes]byte, err error) {
	if key == nil || digest == (types.Hash{}) {
		return sig, fmt.Errorf("sign: no key or zero digest")
	}
	full, err := crypto.Sign(digest[:], key)
	if err != nil {
		return sig, fmt.Errorf("sign: %w", err)
	}
	return Compact([65]byte(full)), nil
}

// Compact turns go-ethereum's r ‖ s ‖ v (v of 0 or 1, low s) into EIP-2098.
func Compact(full [65]byte) (sig [types.SignatureBytes]byte) {
	copy(sig[:], full[:64])
	sig[32] |= full[64] << 7 // a low s leaves that bit free
	return sig
}

// Recover returns the address that signed digest. High s, zero or oversized
// values, a zero digest and the zero address are refused, as the contract does.
func Recover(digest types.Hash, sig [types.SignatureBytes]byte) (types.Address, error) {
	if digest == (types.Hash{}) {
		return types.Address{}, fmt.Errorf("%w: zero digest", ErrSignature)
	}
	var full [65]byte
	copy(full[:], sig[:])
	full[64] = sig[32] >> 7
	full[32] &= 0x7f
	r, s := new(big.Int).SetBytes(full[:32]), new(big.Int).SetBytes(full[32:64])
	if !crypto.ValidateSignatureValues(full[64], r, s, true) {
		return types.Address{}, fmt.Errorf("%w: r or s out of range", ErrSignature)
	}
	key, err := crypto.SigToPub(digest[:], full[:])
	if err != nil {
		return types.Address{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	signer := crypto.PubkeyToAddress(*key)
	if signer == (types.Address{}) {
		return types.Address{}, fmt.Errorf("%w: zero address", ErrSignature)
	}
	return signer, nil
}
