// Package evmtest runs the contracts on go-ethereum's EVM without a chain: state,
// transactions with their whole gas, and nothing else. It serves the tests of
// contracts and evmsig, and the gas report.
package evmtest

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/tracing"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/icrosschain/bridged/contracts"
)

// Rules are the prices and opcodes of a fork of Ethereum.
type Rules string

// The rule sets that the contract is measured under.
const (
	Osaka     Rules = "osaka"     // Ethereum's today
	Amsterdam Rules = "amsterdam" // Ethereum's next: state and calldata are dearer
)

// Plenty is a gas limit for transactions whose gas is not the point.
const Plenty uint64 = params.MaxTxGas

// ErrReverted wraps whatever makes a transaction fail; its text has the name
// of a custom error.
var ErrReverted = errors.New("transaction failed")

// Chain is the state of a chain between two transactions.
type Chain struct {
	ID    uint64
	Rules Rules
	Time  uint64         // of the block that the next transaction is in
	Hooks *tracing.Hooks // see every step, for profiles; may be nil

	state   *state.StateDB
	config  *params.ChainConfig
	senders int
}

// Result is what a transaction left behind.
type Result struct {
	Gas    uint64 // what the sender pays for
	Output []byte // returned, or the revert data
	Logs   []*types.Log
	To     common.Address // the new contract of a deployment
}

// NewChain starts an empty chain.
func NewChain(id uint64, rules Rules) (*Chain, error) {
	db, err := state.New(types.EmptyRootHash, state.NewDatabaseForTesting())
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	config := *params.MergedTestChainConfig
	config.ChainID = new(big.Int).SetUint64(id)
	config.BogotaTime = nil
	if rules == Amsterdam {
		config.AmsterdamTime = new(uint64)
	}
	return &Chain{ID: id, Rules: rules, Time: 1_800_000_000, state: db, config: &config}, nil
}

// Fork returns a copy that goes its own way.
func (c *Chain) Fork() *Chain {
	fork := *c
	fork.state = c.state.Copy()
	return &fork
}

// SetChainID makes the chain another one, as a hard fork would.
func (c *Chain) SetChainID(id uint64) {
	config := *c.config
	config.ChainID = new(big.Int).SetUint64(id)
	c.ID, c.config = id, &config
}

// Account returns a new address with coin to spend.
func (c *Chain) Account() common.Address {
	c.senders++
	address := common.BigToAddress(new(big.Int).Lsh(big.NewInt(int64(c.senders)+0xacc0), 64))
	c.Fund(address, new(uint256.Int).Lsh(uint256.NewInt(1), 100))
	return address
}

// Fund sets an account's coin.
func (c *Chain) Fund(address common.Address, wei *uint256.Int) {
	c.state.SetBalance(address, wei, tracing.BalanceChangeUnspecified)
	c.state.Finalise(c.rules())
}

// Balance is an account's coin.
func (c *Chain) Balance(address common.Address) *uint256.Int {
	return c.state.GetBalance(address).Clone()
}

// Storage reads a slot of a contract.
func (c *Chain) Storage(address common.Address, slot uint64) common.Hash {
	return c.state.GetState(address, common.BigToHash(new(big.Int).SetUint64(slot)))
}

// SetCode replaces a contract's code; nil removes it.
func (c *Chain) SetCode(address common.Address, code []byte) {
	c.state.SetCode(address, code, tracing.CodeChangeUnspecified)
	c.state.Finalise(c.rules())
}

// Tx is a transaction.
type Tx struct {
	From  common.Address
	To    *common.Address // nil to deploy
	Value *uint256.Int
	Data  []byte
	Gas   uint64 // 0 is Plenty
}

// Send executes a transaction at a gas price of zero. An error that wraps
// ErrReverted comes with a Result.
func (c *Chain) Send(tx Tx) (Result, error) {
	if tx.Gas == 0 {
		tx.Gas = Plenty
	}
	if tx.Value == nil {
		tx.Value = new(uint256.Int)
	}
	message := &core.Message{
		To: tx.To, From: tx.From, Nonce: c.state.GetNonce(tx.From), Value: tx.Value, Data: tx.Data,
		GasLimit: tx.Gas, GasPrice: new(uint256.Int), GasFeeCap: new(uint256.Int), GasTipCap: new(uint256.Int),
	}
	logsBefore := len(c.state.Logs())
	outcome, err := core.ApplyMessage(c.evm(), message, core.NewGasPool(tx.Gas))
	if err != nil {
		return Result{}, fmt.Errorf("invalid transaction: %w", err)
	}
	c.state.Finalise(c.rules())
	result := Result{Gas: outcome.UsedGas, Output: outcome.ReturnData, Logs: c.state.Logs()[logsBefore:]}
	if outcome.Err != nil {
		return result, fmt.Errorf("%w: %w: %s", ErrReverted, outcome.Err, revertName(outcome.ReturnData))
	}
	return result, nil
}

// View calls without a transaction and forgets what it changed.
func (c *Chain) View(to common.Address, data []byte) ([]byte, error) {
	result, err := c.Fork().Send(Tx{From: common.Address{19: 1}, To: &to, Data: data})
	return result.Output, err
}

// Deploy deploys a contract of ours by name.
func (c *Chain) Deploy(from common.Address, name string, args ...any) (Result, error) {
	artifact, err := contracts.Load(name)
	if err != nil {
		return Result{}, err
	}
	packed, err := artifact.ABI.Pack("", args...)
	if err != nil {
		return Result{}, fmt.Errorf("arguments of %s: %w", name, err)
	}
	gas := Plenty
	if c.Rules == Amsterdam {
		gas *= 4 // the part above the cap pays for state only
	}
	address := createAddress(from, c.state.GetNonce(from))
	result, err := c.Send(Tx{From: from, Data: append(artifact.Bytecode, packed...), Gas: gas})
	result.To = address
	if err != nil {
		return result, fmt.Errorf("deploy %s: %w", name, err)
	}
	return result, nil
}

func (c *Chain) evm() *vm.EVM {
	random := common.Hash{1}
	block := vm.BlockContext{
		CanTransfer: core.CanTransfer, Transfer: core.Transfer,
		GetHash:     func(uint64) common.Hash { return common.Hash{} },
		BlockNumber: big.NewInt(1), Time: c.Time, Difficulty: new(big.Int), BaseFee: new(big.Int),
		BlobBaseFee: new(big.Int), GasLimit: 1 << 40, Random: &random, CostPerStateByte: params.CostPerStateByte,
	}
	return vm.NewEVM(block, c.state, c.config, vm.Config{NoBaseFee: true, Tracer: c.Hooks})
}

func (c *Chain) rules() params.Rules { return c.config.Rules(big.NewInt(1), true, c.Time) }
