package main

import (
	"slices"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

// accountSeed makes the development accounts the same in every run. It is no
// secret, and so neither are the keys.
const accountSeed = "bridged devnet"

const (
	validatorCount = 4
	userCount      = 20
)

// cast are the accounts of a devnet, each with one role, so that no two
// programs count the nonces of one account.
type cast struct {
	deployer evmnode.Account   // contracts and tokens
	relayers []evmnode.Account // one for each validator
	users    []evmnode.Account // deposits
}

func newCast() *cast {
	accounts := evmnode.DevAccounts(accountSeed, 1+validatorCount+userCount)
	return &cast{
		deployer: accounts[0],
		relayers: accounts[1 : 1+validatorCount],
		users:    accounts[1+validatorCount:],
	}
}

func (c *cast) all() []evmnode.Account {
	return slices.Concat([]evmnode.Account{c.deployer}, c.relayers, c.users)
}

// keyBytes is an account's private key as key files hold it.
func keyBytes(a evmnode.Account) []byte { return crypto.FromECDSA(a.Key) }
