package relayer

import (
	"context"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/cmd/devnet/proc"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// standIn counts executions in the outbox nonce of slot 0 and answers 100000 to
// every question: the bridge itself needs opcodes that came after the base fee.
const standIn = "6004361160135762" + "0186a0" + "60005260206000f3" + "5b6000546801000000000000000001600055" + "00"

// TestLegacyChain relays on a real chain that knows no base fee.
func TestLegacyChain(t *testing.T) {
	anvil := os.Getenv("BRIDGED_ANVIL")
	if anvil == "" {
		anvil = "../../bin/tools/anvil"
	}
	if _, err := os.Stat(anvil); err != nil || testing.Short() {
		t.Skip("there is no anvil: make bin/tools/anvil")
	}
	group := proc.NewGroup()
	t.Cleanup(func() {
		if err := group.Close(5 * time.Second); err != nil {
			t.Error(err)
		}
	})
	port := ports.ForTest(t, 1).First
	if _, err := group.Start(proc.Spec{
		Name: "anvil", Path: anvil, Log: filepath.Join(t.TempDir(), "anvil.log"),
		Args: []string{
			"--host", "127.0.0.1", "--port", strconv.Itoa(port), "--chain-id", strconv.Itoa(gethChain), "--no-mining",
			"--accounts", "1", "--hardfork", "berlin", "--gas-limit", "30000000",
		},
	}); err != nil {
		t.Fatal(err)
	}
	url := "http://127.0.0.1:" + strconv.Itoa(port)
	eth, err := ethclient.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(eth.Close)
	ask := func(method string, args ...any) error {
		return eth.Client().CallContext(t.Context(), nil, method, args...)
	}
	wait(t, "anvil to answer", func() bool { return ask("eth_chainId") == nil })
	account, bridge := evmnode.DevAccounts("legacy", 1)[0], types.Address{0xb1}
	for _, err := range []error{
		ask("anvil_setBalance", account.Address, (*hexutil.Big)(evmnode.Ether(10))),
		ask("anvil_setCode", bridge, "0x"+standIn), ask("evm_mine"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	head, err := eth.HeaderByNumber(t.Context(), nil)
	if err != nil || head.BaseFee != nil {
		t.Fatalf("this chain has a base fee of %v, %v", head.BaseFee, err)
	}

	w := newWorld(t)
	client, err := evm.Dial(t.Context(), evm.Config{
		Name: "alpha", ChainID: gethChain, Bridge: bridge, MinAgree: 1, Endpoints: []evm.Endpoint{{URL: url, Group: "test"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	sink, err := evm.NewSink(evm.SinkConfig{Client: client, Key: accountKey(t, account.Key)})
	if err != nil {
		t.Fatal(err)
	}
	worker, err := New(
		Config{Chain: gethChain, Eager: true, Poll: 20 * time.Millisecond, BumpAfter: time.Millisecond},
		Deps{State: w.node, Signatures: w.node, Sink: sink, Logger: slog.New(slog.NewTextHandler(w.log, nil))},
	)
	if err != nil {
		t.Fatal(err)
	}
	w.start(worker)
	w.node.commit(3, 1)
	w.node.precommit(0, 1, 2)
	worker.Committed()
	wait(t, "all to be sent", func() bool { return worker.Status().Sent == 3 })
	wait(t, "all to be executed", func() bool {
		if err := ask("evm_mine"); err != nil {
			t.Fatal(err)
		}
		return worker.Status().Position.Nonce == 3 && worker.Status().Spent.Transactions == 3
	})
	s := worker.Status()
	if s.Reverted != 0 || s.Err != "" || s.Spent.Paid.IsZero() || !s.Spent.Claimed.IsZero() {
		t.Errorf("status %+v\n%s", s, w.log)
	}
	kinds := 0
	for number := range int64(20) {
		block, err := eth.BlockByNumber(t.Context(), big.NewInt(number))
		if err != nil {
			break
		}
		for _, tx := range block.Transactions() {
			if tx.Type() != ethtypes.LegacyTxType {
				t.Errorf("transaction of type %d", tx.Type())
			}
			kinds++
		}
	}
	if kinds != 3 {
		t.Errorf("%d transactions", kinds)
	}
}

func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited too long for %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
