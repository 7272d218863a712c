package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/icrosschain/bridged/cmd/devnet/balance"
	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/contracts"
	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/test/cluster"
)

const (
	blockTime = 400 * time.Millisecond

	// blockGas holds a burst of thousands of deposits in one block.
	blockGas = 600_000_000

	// txGas is the most that a transaction may have (EIP-7825).
	txGas = 1 << 24
)

var native = common.HexToAddress("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE")

// chain is a running EVM chain, whose blocks the clock makes.
type chain struct {
	t      *testing.T
	name   string
	node   *evmnode.Node
	client *ethclient.Client
	reader *balance.Reader
	bridge common.Address
	clock  *cluster.Clock
	nonces map[common.Address]uint64
	dead   bool
}

func newChain(t *testing.T, name string, id uint64, accounts []evmnode.Account) *chain {
	t.Helper()
	node, err := evmnode.New(evmnode.Config{ChainID: id, GasLimit: blockGas, Alloc: evmnode.Fund(accounts, evmnode.Ether(10_000))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &chain{t: t, name: name, node: node, nonces: map[common.Address]uint64{}}
	if c.client, err = ethclient.DialContext(t.Context(), node.HTTPURL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.client.Close)
	if c.reader, err = balance.Dial(t.Context(), node.HTTPURL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.reader.Close)
	c.clock = cluster.StartClock(t, name, blockTime, func(ctx context.Context) error { return node.Mine(ctx, 1) })
	return c
}

// die ends the chain for good, as if all of its nodes were gone.
func (c *chain) die() {
	c.t.Helper()
	c.clock.Stop()
	if err := c.node.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.dead = true
}

func (c *chain) id() uint64 { return c.node.ChainID() }

// call is a transaction to be; without a destination it creates a contract.
type call struct {
	to    *common.Address
	value *big.Int
	data  []byte
}

// send signs and sends without waiting for a block. An account of a test is
// used by nobody else, so its nonces are counted here.
func (c *chain) send(from evmnode.Account, what call) *types.Transaction {
	c.t.Helper()
	tx, err := types.SignNewTx(from.Key, types.LatestSignerForChainID(new(big.Int).SetUint64(c.id())), &types.DynamicFeeTx{
		ChainID: new(big.Int).SetUint64(c.id()), Nonce: c.nonces[from.Address], Gas: txGas,
		GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(40e9), To: what.to, Value: what.value, Data: what.data,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), askTimeout)
	defer cancel()
	if err := c.client.SendTransaction(ctx, tx); err != nil {
		c.t.Fatalf("send on %s: %v", c.name, err)
	}
	c.nonces[from.Address]++
	return tx
}

// await waits for a transaction's receipt.
func (c *chain) await(tx *types.Transaction) *types.Receipt {
	c.t.Helper()
	var receipt *types.Receipt
	cluster.Eventually(c.t, time.Minute, "a receipt on "+c.name, func(ctx context.Context) (err error) {
		receipt, err = c.client.TransactionReceipt(ctx, tx.Hash())
		return err
	})
	return receipt
}

// do sends, waits, and wants success.
func (c *chain) do(from evmnode.Account, what call) *types.Receipt {
	c.t.Helper()
	return c.succeeded(c.send(from, what))
}

func (c *chain) succeeded(tx *types.Transaction) *types.Receipt {
	c.t.Helper()
	receipt := c.await(tx)
	if receipt.Status != types.ReceiptStatusSuccessful {
		c.t.Fatalf("transaction %s on %s failed after %d gas", tx.Hash(), c.name, receipt.GasUsed)
	}
	return receipt
}

// deploy creates a contract of ours by its name.
func (c *chain) deploy(from evmnode.Account, name string, args ...any) common.Address {
	c.t.Helper()
	artifact, err := contracts.Load(name)
	if err != nil {
		c.t.Fatal(err)
	}
	packed, err := artifact.ABI.Pack("", args...)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(from, call{data: append(artifact.Bytecode, packed...)}).ContractAddress
}

// invoke calls a method of a contract of ours, and waits.
func (c *chain) invoke(from evmnode.Account, name string, at common.Address, method string, args ...any) {
	c.t.Helper()
	artifact, err := contracts.Load(name)
	if err != nil {
		c.t.Fatal(err)
	}
	data, err := artifact.ABI.Pack(method, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	c.do(from, call{to: &at, data: data})
}

// balance is how much of a token, or of the chain's own coin, somebody has.
func (c *chain) balance(token, holder common.Address) *big.Int {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), askTimeout)
	defer cancel()
	read := func() (*big.Int, error) { return c.reader.Token(ctx, token, holder) }
	if token == native {
		read = func() (*big.Int, error) { return c.reader.Native(ctx, holder) }
	}
	have, err := read()
	if err != nil {
		c.t.Fatal(err)
	}
	return have
}

// logs are those of a contract, from the first block on.
func (c *chain) logs(of common.Address, topics ...common.Hash) []types.Log {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), askTimeout)
	defer cancel()
	query := ethereum.FilterQuery{FromBlock: new(big.Int), Addresses: []common.Address{of}}
	if len(topics) > 0 {
		query.Topics = [][]common.Hash{topics}
	}
	logs, err := c.client.FilterLogs(ctx, query)
	if err != nil {
		c.t.Fatal(err)
	}
	return logs
}

// item is one item of a chain's outbox.
type item struct {
	nonce uint64
	index uint32
}

// executed says how often the contract says that it has executed each item.
func (c *chain) executed() map[item]int {
	c.t.Helper()
	times := map[item]int{}
	contract := bindings.NewBridge()
	for _, log := range c.logs(c.bridge) {
		e, err := contract.UnpackExecutedEvent(&log)
		if err != nil {
			continue
		}
		for i := range e.Count {
			times[item{e.OutboxNonce, e.First + i}]++
		}
	}
	return times
}

// finalised waits until a block is final.
func (c *chain) finalised(block uint64) {
	c.t.Helper()
	cluster.Eventually(c.t, time.Minute, fmt.Sprintf("block %d of %s to be final", block, c.name), func(context.Context) error {
		if final := c.node.Finalized(); final == nil || final.Number.Uint64() < block {
			return errors.New("not yet")
		}
		return nil
	})
}

func (c *chain) head() uint64 { return c.node.Head().Number.Uint64() }

// simulate makes a call on top of the newest block, and keeps nothing of it.
func (c *chain) simulate(ctx context.Context, from common.Address, what call) error {
	_, err := c.client.CallContract(ctx, ethereum.CallMsg{From: from, To: what.to, Value: what.value, Data: what.data, Gas: txGas}, nil)
	return err
}
