package anvil

import (
	"context"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/icrosschain/bridged/cmd/devnet/balance"
	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/cmd/devnet/proc"
	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/test/cluster"
)

const (
	blockTime  = 300 * time.Millisecond
	askTimeout = 10 * time.Second
	fee        = 10 // of a release
)

// chain is an anvil, whose blocks the clock makes.
type chain struct {
	t      *testing.T
	name   string
	id     uint64
	url    string
	client *ethclient.Client
	reader *balance.Reader
	bridge common.Address
	clock  *cluster.Clock
}

func newChain(t *testing.T, group *proc.Group, dir, name string, id uint64, port int) *chain {
	t.Helper()
	_, err := group.Start(proc.Spec{
		Name: name, Path: anvil, Log: fmt.Sprintf("%s/%s.log", dir, name),
		Args: []string{
			"--host", "127.0.0.1", "--port", fmt.Sprint(port), "--chain-id", fmt.Sprint(id), "--no-mining",
			"--accounts", "1", "--slots-in-an-epoch", "1", "--gas-limit", "60000000",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &chain{t: t, name: name, id: id, url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	if c.client, err = ethclient.Dial(c.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.client.Close)
	if c.reader, err = balance.Dial(t.Context(), c.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.reader.Close)
	cluster.Eventually(t, time.Minute, name+" to answer", func(ctx context.Context) error {
		_, err := c.client.ChainID(ctx)
		return err
	})
	c.clock = cluster.StartClock(t, name, blockTime, func(ctx context.Context) error {
		return c.client.Client().CallContext(ctx, nil, "evm_mine")
	})
	return c
}

// call asks anvil for what only anvil can do.
func (c *chain) call(method string, params ...any) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), askTimeout)
	defer cancel()
	if err := c.client.Client().CallContext(ctx, nil, method, params...); err != nil {
		c.t.Fatalf("%s on %s: %v", method, c.name, err)
	}
}

func (c *chain) fund(a common.Address) {
	c.t.Helper()
	c.call("anvil_setBalance", a, (*hexutil.Big)(evmnode.Ether(1000)))
}

func (c *chain) head() uint64 {
	c.t.Helper()
	head, err := c.client.BlockNumber(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return head
}

// reorg replaces so many of the newest blocks by as many others. They are empty
// but for the transactions given, which go into the last of them.
func (c *chain) reorg(depth uint64, again ...*types.Transaction) {
	c.t.Helper()
	pairs := [][]any{}
	for _, tx := range again {
		raw, err := tx.MarshalBinary()
		if err != nil {
			c.t.Fatal(err)
		}
		pairs = append(pairs, []any{hexutil.Bytes(raw), depth - 1})
	}
	c.call("anvil_reorg", depth, pairs)
}

// deposit sends a deposit of the native coin to a recipient on the other chain.
func (c *chain) deposit(from evmnode.Account, to uint64, recipient common.Address, amount int64) *types.Transaction {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), askTimeout)
	defer cancel()
	nonce, err := c.client.NonceAt(ctx, from.Address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	tx, err := types.SignNewTx(from.Key, types.LatestSignerForChainID(new(big.Int).SetUint64(c.id)), &types.DynamicFeeTx{
		Nonce: nonce, To: &c.bridge, Gas: 500_000, GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(40e9), Value: big.NewInt(amount),
		Data: bindings.NewBridge().PackDepositNative(to, common.BytesToHash(recipient[:]), from.Address, big.NewInt(fee), nil),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.client.SendTransaction(ctx, tx); err != nil {
		c.t.Fatalf("deposit on %s: %v", c.name, err)
	}
	return tx
}

// block is the block that holds a transaction, as soon as one does.
func (c *chain) block(tx *types.Transaction) (number uint64) {
	c.t.Helper()
	cluster.Eventually(c.t, time.Minute, "a receipt on "+c.name, func(ctx context.Context) error {
		receipt, err := c.client.TransactionReceipt(ctx, tx.Hash())
		if err != nil {
			return err
		}
		if receipt.Status != types.ReceiptStatusSuccessful {
			c.t.Fatalf("transaction %s on %s failed", tx.Hash(), c.name)
		}
		number = receipt.BlockNumber.Uint64()
		return nil
	})
	return number
}
