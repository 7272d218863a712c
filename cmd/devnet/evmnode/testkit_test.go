package evmnode_test

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

// echoCode deploys a contract that emits its calldata as a log with the topic
// 0x2a and adds one to its storage slot 0.
var echoCode = common.FromHex("70365f5f37602a365fa15f546001015f55005f526011600ff3")

// burnCode deploys a contract that fills new storage slots, which its calldata
// chooses, until less than 50,000 gas is left.
var burnCode = common.FromHex("6f5b60015f355a18555a61c350105f57005f5260106010f3")

// actor sends transactions from one account over HTTP.
type actor struct {
	t       *testing.T
	client  *ethclient.Client
	account evmnode.Account
	signer  types.Signer
	nonce   uint64
}

func start(t *testing.T, cfg evmnode.Config) *evmnode.Node {
	t.Helper()
	if cfg.ChainID == 0 {
		cfg.ChainID = 31001
	}
	cfg.Alloc = evmnode.Fund(evmnode.DevAccounts("test", 2), evmnode.Ether(1000))
	node, err := evmnode.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	return node
}

func dial(t *testing.T, url string) *ethclient.Client {
	t.Helper()
	client, err := ethclient.DialContext(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func newActor(t *testing.T, node *evmnode.Node) *actor {
	t.Helper()
	return &actor{
		t:       t,
		client:  dial(t, node.HTTPURL()),
		account: evmnode.DevAccounts("test", 1)[0],
		signer:  types.LatestSignerForChainID(new(big.Int).SetUint64(node.ChainID())),
	}
}

// send signs and sends a transaction; a nil destination deploys data.
func (a *actor) send(to *common.Address, gas uint64, data []byte) *types.Transaction {
	a.t.Helper()
	tx, err := types.SignNewTx(a.account.Key, a.signer, &types.DynamicFeeTx{
		Nonce: a.nonce, To: to, Gas: gas, Data: data,
		GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(20e9),
	})
	if err != nil {
		a.t.Fatal(err)
	}
	if err := a.client.SendTransaction(a.t.Context(), tx); err != nil {
		a.t.Fatal(err)
	}
	a.nonce++
	return tx
}

func (a *actor) deploy(node *evmnode.Node, code []byte) common.Address {
	a.t.Helper()
	address := crypto.CreateAddress(a.account.Address, a.nonce)
	tx := a.send(nil, 1_000_000, code)
	mine(a.t, node, 1)
	a.receipt(tx)
	return address
}

// receipt fails the test unless the transaction is on the chain and succeeded.
func (a *actor) receipt(tx *types.Transaction) *types.Receipt {
	a.t.Helper()
	receipt, err := a.client.TransactionReceipt(a.t.Context(), tx.Hash())
	if err != nil {
		a.t.Fatal(err)
	}
	if receipt.Status != types.ReceiptStatusSuccessful {
		a.t.Fatalf("transaction %s failed", tx.Hash())
	}
	return receipt
}

func mine(t *testing.T, node *evmnode.Node, count int) {
	t.Helper()
	if err := node.Mine(t.Context(), count); err != nil {
		t.Fatal(err)
	}
}

func height(t *testing.T, client *ethclient.Client, tag *big.Int) uint64 {
	t.Helper()
	header, err := client.HeaderByNumber(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	return header.Number.Uint64()
}

// eventually waits for what a ticker or a subscription will bring.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
