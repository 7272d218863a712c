package evmnode

import (
	"crypto/ecdsa"
	"encoding/binary"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

const accountDomain = "bridged devnet account v1"

// Account is a key and its address.
type Account struct {
	Key     *ecdsa.PrivateKey
	Address common.Address
}

// DevAccounts derives count accounts from a seed: the same ones for the same
// seed, on every machine. Anyone who knows the seed has the keys, so they are for
// development networks and tests alone and must never hold anything of value.
func DevAccounts(seed string, count int) []Account {
	accounts := make([]Account, 0, count)
	for i := range count {
		accounts = append(accounts, devAccount(seed, uint64(i)))
	}
	return accounts
}

func devAccount(seed string, index uint64) Account {
	digest := crypto.Keccak256([]byte(accountDomain), binary.BigEndian.AppendUint64(nil, index), []byte(seed))
	for {
		// Zero and numbers beyond the group order, one digest in 2^128, are no keys.
		if key, err := crypto.ToECDSA(digest); err == nil {
			return Account{Key: key, Address: crypto.PubkeyToAddress(key.PublicKey)}
		}
		digest = crypto.Keccak256(digest)
	}
}

// Ether is n ether in wei.
func Ether(n int64) *big.Int {
	return new(big.Int).Mul(big.NewInt(n), big.NewInt(1e18))
}

// Fund gives each account the same balance, for Config.Alloc.
func Fund(accounts []Account, balance *big.Int) map[common.Address]*big.Int {
	alloc := make(map[common.Address]*big.Int, len(accounts))
	for _, account := range accounts {
		alloc[account.Address] = new(big.Int).Set(balance)
	}
	return alloc
}
