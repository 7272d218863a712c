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

// legacyBlock is the gas of a block.
const legacyBlock = 30_000_000

// standIn counts executions in the outbox nonce of slot 0 and answers 100000 to
// every question: the bridge itself needs opcodes that came after the base fee.
const standIn = "6004361160135762" + "0186a0" + "60005260206000f3" + "5b6000546801000000000000000001600055" + "00"

// legacyWorld is a real chain that knows no base fee, with a stand-in of a bridge.
type legacyWorld struct {
	*world
	eth     *ethclient.Client
	url     string
	account evmnode.Account
	bridge  types.Address
}

func newLegacyWorld(t *testing.T) *legacyWorld {
	t.Helper()
	anvil := os.Getenv("BRIDGED_ANVIL")
	if anvil == "" {
		anvil = "../../bin/tools/anvil"
	}
	_, err := os.Stat(anvil)
	switch {
	case err == nil && !testing.Short():
	case os.Getenv("CI") != "":
		t.Fatal("there is no anvil: make bin/tools/anvil")
	default:
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
			"--accounts", "1", "--hardfork", "berlin", "--gas-limit", strconv.Itoa(legacyBlock),
		},
	}); err != nil {
		t.Fatal(err)
	}
	w := &legacyWorld{
		world: newWorld(t), url: "http://127.0.0.1:" + strconv.Itoa(port),
		account: evmnode.DevAccounts("legacy", 1)[0], bridge: types.Address{0xb1},
	}
	if w.eth, err = ethclient.Dial(w.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.eth.Close)
	wait(t, "anvil to answer", func() bool { return w.ask(nil, "eth_chainId") == nil })
	w.must("anvil_setBalance", w.account.Address, (*hexutil.Big)(evmnode.Ether(10)))
	w.must("anvil_setCode", w.bridge, "0x"+standIn)
	w.must("evm_mine")
	head, err := w.eth.HeaderByNumber(t.Context(), nil)
	if err != nil || head.BaseFee != nil {
		t.Fatalf("this chain has a base fee of %v, %v", head.BaseFee, err)
	}
	return w
}

func (w *legacyWorld) ask(result any, method string, args ...any) error {
	return w.eth.Client().CallContext(w.t.Context(), result, method, args...)
}

func (w *legacyWorld) must(method string, args ...any) {
	w.t.Helper()
	if err := w.ask(nil, method, args...); err != nil {
		w.t.Fatal(err)
	}
}

// worker starts a relayer that pays so many wei for a unit of gas.
func (w *legacyWorld) worker(most uint64) *Worker {
	w.t.Helper()
	client, err := evm.Dial(w.t.Context(), evm.Config{
		Name: "alpha", ChainID: gethChain, Bridge: w.bridge, MinAgree: 1, Endpoints: []evm.Endpoint{{URL: w.url, Group: "test"}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	sink, err := evm.NewSink(evm.SinkConfig{Client: client, Key: accountKey(w.t, w.account.Key)})
	if err != nil {
		w.t.Fatal(err)
	}
	worker, err := New(
		Config{Chain: gethChain, Eager: true, Poll: 20 * time.Millisecond, BumpAfter: time.Millisecond, MaxFee: most},
		Deps{State: w.node, Signatures: w.node, Sink: sink, Logger: slog.New(slog.NewTextHandler(w.log, nil))},
	)
	if err != nil {
		w.t.Fatal(err)
	}
	w.start(worker)
	return worker
}

// command commits so many commands, and waits until all are sent.
func (w *legacyWorld) command(worker *Worker, count int) {
	w.t.Helper()
	sent := worker.Status().Sent
	w.node.commit(count, 1)
	w.node.precommit(0, 1, 2)
	worker.Committed()
	wait(w.t, "all to be sent", func() bool { return worker.Status().Sent == sent+uint64(count) })
}

// executed mines until so many commands are executed and paid for.
func (w *legacyWorld) executed(worker *Worker, count uint64) {
	w.t.Helper()
	wait(w.t, "all to be executed", func() bool {
		w.must("evm_mine")
		return worker.Status().Position.Nonce == count && worker.Status().Spent.Transactions == count
	})
	if s := worker.Status(); s.Reverted != 0 || s.Err != "" || s.Spent.Paid.IsZero() || !s.Spent.Claimed.IsZero() {
		w.t.Errorf("status %+v\n%s", s, w.log)
	}
}

// prices are what the relayer paid for a unit of gas, in wei and in order.
func (w *legacyWorld) prices() (all []uint64) {
	w.t.Helper()
	head, err := w.eth.BlockNumber(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for number := range head + 1 {
		block, err := w.eth.BlockByNumber(w.t.Context(), new(big.Int).SetUint64(number))
		if err != nil {
			w.t.Fatal(err)
		}
		for _, tx := range block.Transactions() {
			if *tx.To() != w.bridge {
				continue
			}
			if tx.Type() != ethtypes.LegacyTxType {
				w.t.Errorf("transaction of type %d", tx.Type())
			}
			all = append(all, tx.GasPrice().Uint64())
		}
	}
	return all
}

// TestLegacyChain relays on a real chain that knows no base fee.
func TestLegacyChain(t *testing.T) {
	w := newLegacyWorld(t)
	worker := w.worker(0)
	w.command(worker, 3)
	w.executed(worker, 3)
	if paid := w.prices(); len(paid) != 3 {
		t.Errorf("paid %v", paid)
	}
}

// TestLegacyReplacesAStuckTransaction has others fill the blocks and pay more: the
// relayer raises its gas price until it gets in, and never above its limit, where
// it waits and says so.
func TestLegacyReplacesAStuckTransaction(t *testing.T) {
	const limit = 10e9
	w := newLegacyWorld(t)
	worker := w.worker(limit)
	others := w.filler()
	w.command(worker, 1)
	wait(t, "the relayer to be replaced and mined", func() bool {
		others(4e9)
		return worker.Status().Position.Nonce == 1
	})
	bumped := worker.Status().Bumped
	if paid := w.prices(); len(paid) != 1 || paid[0] <= 4e9 || paid[0] > limit || bumped == 0 {
		t.Errorf("paid %v after %d replacements", paid, bumped)
	}
	w.command(worker, 1)
	wait(t, "the relayer to come to its limit", func() bool {
		others(40e9)
		return worker.Status().Hold == string(holdFees)
	})
	for range 10 {
		others(40e9)
	}
	if s := worker.Status(); s.Position.Nonce != 1 || s.Pending != 1 || s.Bumped <= bumped+1 {
		t.Errorf("status %+v", s)
	}
	w.executed(worker, 2)
	if paid := w.prices(); len(paid) != 2 || paid[1] > limit || paid[1] < limit*7/8 {
		t.Errorf("paid %v", paid)
	}
}

// filler makes a block of somebody who pays so much for all of its gas.
func (w *legacyWorld) filler() func(price uint64) {
	w.t.Helper()
	var accounts []types.Address
	if err := w.ask(&accounts, "eth_accounts"); err != nil || len(accounts) == 0 {
		w.t.Fatal(accounts, err)
	}
	hog := types.Address{0xb2}
	w.must("anvil_setCode", hog, "0xfe") // takes all the gas there is
	w.must("anvil_setBalance", accounts[0], (*hexutil.Big)(evmnode.Ether(1_000_000)))
	return func(price uint64) {
		w.t.Helper()
		w.must("eth_sendTransaction", map[string]any{
			"from": accounts[0], "to": hog, "gas": hexutil.Uint64(legacyBlock), "gasPrice": hexutil.Uint64(price),
		})
		w.must("evm_mine")
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
