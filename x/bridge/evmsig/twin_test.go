package evmsig_test

import (
	"crypto/ecdsa"
	"math/big"
	"testing"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/ethereum/go-ethereum/crypto"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A build without cgo recovers by another library than one with it. Were they to
// differ on any bytes at all, two honest nodes could compute two states.
func TestRecoverDoesNotDependOnCgo(t *testing.T) {
	order := crypto.S256().Params().N
	edges := []*big.Int{
		big.NewInt(0), big.NewInt(1), big.NewInt(2), new(big.Int).Rsh(order, 1), new(big.Int).Add(new(big.Int).Rsh(order, 1), big.NewInt(1)),
		new(big.Int).Sub(order, big.NewInt(1)), order, new(big.Int).Add(order, big.NewInt(1)), crypto.S256().Params().P,
		new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(1)), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)),
	}
	key := mustKey(t)
	rapid.Check(t, func(t *rapid.T) {
		digest := types.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
		sig, err := evmsig.Sign(key, digest)
		if err != nil {
			t.Fatal(err)
		}
		switch rapid.IntRange(0, 3).Draw(t, "bend") {
		case 1:
			sig[rapid.IntRange(0, 63).Draw(t, "at")] ^= rapid.Byte().Draw(t, "by")
		case 2:
			rapid.SampledFrom(edges).Draw(t, "r").FillBytes(sig[:32])
		case 3:
			rapid.SampledFrom(edges).Draw(t, "s").FillBytes(sig[32:])
		}
		got, err := evmsig.Recover(digest, sig)
		want, ok := recoverPure(digest, sig)
		if ok != (err == nil) || got != want {
			t.Fatalf("signature %x: %s, %v; without cgo %s, %v", sig, got, err, want, ok)
		}
	})
}

// recoverPure is Recover by the library that go-ethereum falls back to.
func recoverPure(digest types.Hash, sig [types.SignatureBytes]byte) (types.Address, bool) {
	s := new(big.Int).SetBytes(sig[32:])
	parity := s.Bit(255)
	s.SetBit(s, 255, 0)
	if s.Cmp(new(big.Int).Rsh(crypto.S256().Params().N, 1)) > 0 {
		return types.Address{}, false
	}
	compact := make([]byte, 65)
	compact[0] = byte(27 + parity)
	copy(compact[1:], sig[:32])
	s.FillBytes(compact[33:])
	public, _, err := decred.RecoverCompact(compact, digest[:])
	if err != nil {
		return types.Address{}, false
	}
	return crypto.PubkeyToAddress(*public.ToECDSA()), true
}

func mustKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("twin")))
	if err != nil {
		t.Fatal(err)
	}
	return key
}
