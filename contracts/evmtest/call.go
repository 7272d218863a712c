package evmtest

import (
	"fmt"
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/contracts"
)

// Contract is a deployed contract of ours.
type Contract struct {
	contracts.Artifact
	Address common.Address
	chain   *Chain
}

// NewContract deploys a contract of ours by name.
func (c *Chain) NewContract(from common.Address, name string, args ...any) (Contract, error) {
	result, err := c.Deploy(from, name, args...)
	if err != nil {
		return Contract{}, err
	}
	return c.At(name, result.To)
}

// At takes an address as a contract of ours.
func (c *Chain) At(name string, address common.Address) (Contract, error) {
	artifact, err := contracts.Load(name)
	return Contract{Artifact: artifact, Address: address, chain: c}, err
}

// On is the same contract on a fork of its chain.
func (k Contract) On(chain *Chain) Contract {
	k.chain = chain
	return k
}

// Send calls a method in a transaction.
func (k Contract) Send(from common.Address, method string, args ...any) (Result, error) {
	data, err := k.ABI.Pack(method, args...)
	if err != nil {
		return Result{}, fmt.Errorf("arguments of %s: %w", method, err)
	}
	return k.chain.Send(Tx{From: from, To: &k.Address, Data: data})
}

// View calls a method and returns its values.
func (k Contract) View(method string, args ...any) ([]any, error) {
	data, err := k.ABI.Pack(method, args...)
	if err != nil {
		return nil, fmt.Errorf("arguments of %s: %w", method, err)
	}
	output, err := k.chain.View(k.Address, data)
	if err != nil {
		return nil, err
	}
	return k.ABI.Unpack(method, output)
}

// Uint is a method that returns one number.
func (k Contract) Uint(method string, args ...any) (uint64, error) {
	values, err := k.View(method, args...)
	if err != nil {
		return 0, err
	}
	switch v := values[0].(type) {
	case uint8:
		return uint64(v), nil
	case uint32:
		return uint64(v), nil
	case uint64:
		return v, nil
	case *big.Int:
		return v.Uint64(), nil
	}
	return 0, fmt.Errorf("%s returns %T", method, values[0])
}

// Own filters the logs of this contract. Under Amsterdam's rules, transfers of
// coin leave logs too.
func (k Contract) Own(logs []*types.Log) []*types.Log {
	var own []*types.Log
	for _, log := range logs {
		if log.Address == k.Address {
			own = append(own, log)
		}
	}
	return own
}

func createAddress(from common.Address, nonce uint64) common.Address {
	return crypto.CreateAddress(from, nonce)
}

var errorNames = sync.OnceValue(func() map[[4]byte]string {
	names := map[[4]byte]string{}
	for _, contract := range []string{"Bridge", "Staking", "WrappedToken", "TestToken"} {
		artifact, err := contracts.Load(contract)
		if err != nil {
			continue
		}
		for _, e := range artifact.ABI.Errors {
			names[[4]byte(e.ID[:4])] = e.Name
		}
	}
	return names
})

// revertName is the custom error in revert data, or the data in hexadecimal.
func revertName(data []byte) string {
	if len(data) >= 4 {
		if name, known := errorNames()[[4]byte(data[:4])]; known {
			return name
		}
	}
	return fmt.Sprintf("%x", data)
}
