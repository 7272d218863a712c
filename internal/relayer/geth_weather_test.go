package relayer

import (
	"context"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// byHand sends a coin from an account at a nonce, as its owner might, and does
// not wait.
func (w *gethWorld) byHand(from evmnode.Account, nonce uint64, tip int64) {
	w.t.Helper()
	tx := ethtypes.MustSignNewTx(from.Key, ethtypes.LatestSignerForChainID(big.NewInt(gethChain)), &ethtypes.DynamicFeeTx{
		ChainID: big.NewInt(gethChain), Nonce: nonce, To: &types.Address{0xbb}, Value: big.NewInt(1), Gas: 21_000,
		GasTipCap: big.NewInt(tip), GasFeeCap: big.NewInt(500e9),
	})
	if err := w.eth.SendTransaction(w.t.Context(), tx); err != nil {
		w.t.Fatal(err)
	}
}

// TestGethNonceUsedElsewhere has the operator send by hand from the relayer's
// account: while it is idle, behind what it has sent, and in place of it.
func TestGethNonceUsedElsewhere(t *testing.T) {
	w := newGethWorld(t)
	worker, _ := w.relayer(w.sink(0))
	w.open(worker)
	w.byHand(w.relayers[0], 2, 1e9)
	w.seal(payouts(3))
	worker.Committed()
	w.until("payouts behind a stranger's transaction", w.executed(3))

	w.soon("the receipt", func() bool { return worker.Status().Pending == 0 })
	next, err := w.eth.PendingNonceAt(t.Context(), w.relayers[0].Address)
	if err != nil {
		t.Fatal(err)
	}
	w.seal(payouts(4), payouts(5))
	worker.Committed()
	w.soon("both are sent", func() bool { return worker.Status().Sent == 5 })
	w.byHand(w.relayers[0], next, 200e9) // replaces the first of them
	w.byHand(w.relayers[0], next+2, 1e9)
	w.until("what was replaced", w.executed(5))
	w.wantOnce(5)
	if s := worker.Status(); s.Reverted > 1 {
		t.Errorf("status %+v", s)
	}
}

// TestGethPriceRises fills blocks, with more for the miner than the relayer pays,
// until gas costs more than ten times as much: what waited is mined then, within
// the limit.
func TestGethPriceRises(t *testing.T) {
	const limit = 30e9
	w := newGethWorld(t)
	first, stop := w.relayer(w.sink(0))
	w.open(first)
	w.mine()
	stop()
	// A contract that takes all the gas there is, at once.
	hog := w.send(w.deployer, nil, common.FromHex("60fe60005360016000f3"), nil).ContractAddress
	fill := func() {
		nonce, err := w.eth.PendingNonceAt(t.Context(), w.deployer.Address)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(4) {
			tx := ethtypes.MustSignNewTx(w.deployer.Key, ethtypes.LatestSignerForChainID(big.NewInt(gethChain)), &ethtypes.DynamicFeeTx{
				ChainID: big.NewInt(gethChain), Nonce: nonce + i, To: &hog, Gas: evmnode.DefaultGasLimit / 4,
				GasTipCap: big.NewInt(40e9), GasFeeCap: big.NewInt(60e9),
			})
			if err := w.eth.SendTransaction(t.Context(), tx); err != nil {
				t.Fatal(err)
			}
		}
		w.mine()
	}
	worker, err := New(
		Config{Chain: gethChain, Label: "alpha", Eager: true, Poll: 20 * time.Millisecond, BumpAfter: time.Millisecond, MaxFee: limit},
		Deps{State: w.node, Signatures: w.node, Sink: w.sink(0), Logger: slog.New(slog.NewTextHandler(w.log, nil))},
	)
	if err != nil {
		t.Fatal(err)
	}
	w.start(worker)
	base := w.evm.Head().BaseFee
	w.seal(payouts(5), payouts(6), payouts(7))
	worker.Committed()
	w.soon("all are sent", func() bool { return worker.Status().Sent == 3 })
	for blocks := 0; new(big.Int).Div(w.evm.Head().BaseFee, base).Int64() < 10; blocks++ {
		if blocks > 60 {
			t.Fatalf("gas rose from %s to %s only", base, w.evm.Head().BaseFee)
		}
		fill()
	}
	if w.executed(3)() {
		t.Fatal("they were mined before the price rose")
	}
	w.until("what waited", w.executed(5))
	w.wantOnce(5)
	w.soon("the receipts", func() bool { return worker.Status().Pending == 0 })
	if s := worker.Status(); s.Bumped == 0 || s.Reverted != 0 || s.Sent != 3 {
		t.Errorf("status %+v", s)
	}
	for number := w.evm.Head().Number.Int64(); number > 0; number-- {
		block, err := w.eth.BlockByNumber(t.Context(), big.NewInt(number))
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range block.Transactions() {
			if tx.To() != nil && *tx.To() == w.bridge && tx.GasFeeCap().Cmp(big.NewInt(limit)) > 0 && tx.Value().Sign() == 0 {
				t.Errorf("offered %s", tx.GasFeeCap())
			}
		}
	}
}

// TestGethKilled ends the relayer at random moments between sending and receipt,
// again and again: every command is executed once, and hardly any gas is lost.
// BRIDGED_LONG=1 does it a hundred times.
func TestGethKilled(t *testing.T) {
	kills := 12
	if os.Getenv("BRIDGED_LONG") != "" {
		kills = 100
	}
	w := newGethWorld(t)
	worker, stop := w.relayer(w.sink(0))
	w.open(worker)
	w.mine()
	stop()
	rng := rand.New(rand.NewPCG(5, 5))
	path := filepath.Join(t.TempDir(), "alpha.json")
	run := func() (*Worker, func()) {
		worker, err := New(
			Config{Chain: gethChain, Label: "alpha", Eager: true, Poll: 5 * time.Millisecond, BumpAfter: time.Millisecond},
			Deps{
				State: w.node, Signatures: w.node, Sink: w.sink(0), Spending: openSpending(t, path, 1<<62),
				Logger: slog.New(slog.NewTextHandler(w.log, nil)),
			},
		)
		if err != nil {
			t.Fatal(err)
		}
		ctx, kill := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- worker.Run(ctx) }()
		return worker, func() {
			kill()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	commands := uint64(2)
	for range kills {
		w.seal(payouts(1 + rng.IntN(3)))
		commands++
		worker, kill := run()
		worker.Committed()
		if rng.IntN(2) == 0 { // it gets as far as sending, or to seeing what was sent before
			w.soon("something is pending", func() bool {
				s := worker.Status()
				return s.Pending > 0 || s.Hold == string(holdStrangers) || w.executed(commands)()
			})
		}
		time.Sleep(time.Duration(rng.IntN(15)) * time.Millisecond)
		kill()
		if rng.IntN(3) > 0 {
			w.mine()
		}
	}
	_, kill := run()
	w.until("all commands", w.executed(commands))
	kill()
	w.mine()
	transactions, err := w.eth.NonceAt(t.Context(), w.relayers[0].Address, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills: %d commands by %d transactions", kills, commands, transactions)
	if transactions > commands+uint64(kills) {
		t.Errorf("%d transactions for %d commands", transactions, commands)
	}
	w.wantOnce(commands)
}

// wantOnce wants all commands up to one executed, each once.
func (w *gethWorld) wantOnce(last uint64) {
	w.t.Helper()
	times := w.timesExecuted()
	for nonce := range last {
		if n := times[nonce+1]; n != 1 {
			w.t.Errorf("command %d was executed %d times", nonce+1, n)
		}
	}
}

// timesExecuted is how often the contract says that it executed each command.
func (w *gethWorld) timesExecuted() map[uint64]int {
	w.t.Helper()
	logs, err := w.eth.FilterLogs(w.t.Context(), ethereum.FilterQuery{FromBlock: new(big.Int), Addresses: []common.Address{w.bridge}})
	if err != nil {
		w.t.Fatal(err)
	}
	times := map[uint64]int{}
	for _, log := range logs {
		if e, err := w.binding.UnpackExecutedEvent(&log); err == nil {
			times[e.OutboxNonce]++
		}
	}
	return times
}
