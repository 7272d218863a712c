package relayer

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const gethChain = 31001

// gethWorld is the real contract on a real node, and the state of a validator.
type gethWorld struct {
	*world
	evm      *evmnode.Node
	eth      *ethclient.Client
	bridge   types.Address
	network  types.Hash
	relayers []evmnode.Account
	deployer evmnode.Account
	binding  *bindings.Bridge
	gas      uint64 // of the test's own transactions
}

func newGethWorld(t *testing.T) *gethWorld { return newGethWorldOf(t, evmnode.Osaka) }

func newGethWorldOf(t *testing.T, rules evmnode.Rules) *gethWorld {
	t.Helper()
	accounts := evmnode.DevAccounts("relayer", 3)
	node, err := evmnode.New(evmnode.Config{
		ChainID: gethChain, Alloc: evmnode.Fund(accounts, evmnode.Ether(100)),
		Logger: slog.New(slog.DiscardHandler), Rules: rules,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	eth, err := ethclient.Dial(node.HTTPURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(eth.Close)
	w := &gethWorld{
		world: newWorld(t), evm: node, eth: eth, network: evmsig.NetworkID("bridged-test-1"),
		relayers: accounts[:2], deployer: accounts[2], binding: bindings.NewBridge(), gas: 1 << 24,
	}
	if rules == evmnode.Amsterdam {
		w.gas = 55_000_000 // gas for new state is beyond the cap of EIP-7825
	}
	code := append(common.FromHex(bindings.BridgeMetaData.Bin),
		w.binding.PackConstructor(w.network, w.node.set.Pack(), types.Address{})...)
	w.bridge = w.send(w.deployer, nil, code, nil).ContractAddress
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("\n" + w.log.String())
		}
	})
	return w
}

// send sends a transaction of the test itself, in a block of its own.
func (w *gethWorld) send(from evmnode.Account, to *types.Address, data []byte, value *big.Int) *ethtypes.Receipt {
	w.t.Helper()
	ctx := w.t.Context()
	nonce, err := w.eth.PendingNonceAt(ctx, from.Address)
	if err != nil {
		w.t.Fatal(err)
	}
	tx := ethtypes.MustSignNewTx(from.Key, ethtypes.LatestSignerForChainID(big.NewInt(gethChain)), &ethtypes.DynamicFeeTx{
		ChainID: big.NewInt(gethChain), Nonce: nonce, To: to, Data: data, Value: value, Gas: w.gas,
		GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(5e9),
	})
	if err := w.eth.SendTransaction(ctx, tx); err != nil {
		w.t.Fatal(err)
	}
	w.mine()
	receipt, err := w.eth.TransactionReceipt(ctx, tx.Hash())
	if err != nil || receipt.Status != 1 {
		w.t.Fatalf("transaction of the test: %+v, %v", receipt, err)
	}
	return receipt
}

func (w *gethWorld) mine() {
	w.t.Helper()
	if err := w.evm.Mine(w.t.Context(), 1); err != nil {
		w.t.Fatal(err)
	}
}

func accountKey(t *testing.T, key *ecdsa.PrivateKey) signer.Key {
	t.Helper()
	k, err := signer.ParseHex(common.Bytes2Hex(crypto.FromECDSA(key)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sink makes a sink of one of the relayers' accounts.
func (w *gethWorld) sink(relayer int) chain.Sink {
	w.t.Helper()
	client, err := evm.Dial(w.t.Context(), evm.Config{
		Name: "alpha", ChainID: gethChain, Bridge: w.bridge, MinAgree: 1,
		Endpoints: []evm.Endpoint{{URL: w.evm.HTTPURL(), Group: "test"}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	sink, err := evm.NewSink(evm.SinkConfig{Client: client, Key: accountKey(w.t, w.relayers[relayer].Key)})
	if err != nil {
		w.t.Fatal(err)
	}
	return sink
}

// relayer starts an eager relayer with patience for tests.
func (w *gethWorld) relayer(sink chain.Sink) (worker *Worker, stop func()) {
	w.t.Helper()
	worker, err := New(
		Config{Chain: gethChain, Label: "alpha", Eager: true, Poll: 20 * time.Millisecond, BumpAfter: time.Millisecond},
		Deps{State: w.node, Signatures: w.node, Sink: sink, Logger: slog.New(slog.NewTextHandler(w.log, nil))},
	)
	if err != nil {
		w.t.Fatal(err)
	}
	return worker, w.start(worker)
}

// seal commits commands of one block, signed by three of four validators.
func (w *gethWorld) seal(commands ...types.Command) {
	w.node.mu.Lock()
	o := &w.node.outbox
	o.Height++
	last := o.Executed + uint64(len(o.Commands))
	leaves := make([]types.Hash, len(commands))
	for i, c := range commands {
		leaves[i] = evmsig.CommandLeaf(gethChain, w.bridge, last+1+uint64(i), types.EncodeCommand(c))
	}
	root := evmsig.MerkleRoot(leaves)
	for i, c := range commands {
		o.Commands = append(o.Commands, bridge.OutboxCommand{
			Nonce: last + 1 + uint64(i), Kind: c.Kind(), Bytes: types.EncodeCommand(c), Items: c.Items(),
			Proof: evmsig.MerklePath(leaves, i), Set: w.node.set,
			Seal: bridge.SealState{Epoch: 1, Height: o.Height, Root: root, Digest: evmsig.SealDigest(w.network, 1, o.Height, root)},
		})
	}
	w.node.mu.Unlock()
	w.node.precommit(0, 1, 2)
}

// until mines a block every 40 ms until the condition holds.
func (w *gethWorld) until(what string, holds func() bool) {
	w.t.Helper()
	for range 200 {
		if holds() {
			return
		}
		w.mine()
		time.Sleep(40 * time.Millisecond)
	}
	w.t.Fatalf("%s: not within 200 blocks", what)
}

// soon waits without mining.
func (w *gethWorld) soon(what string, holds func() bool) {
	w.t.Helper()
	for range 500 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("%s: not within 5 s", what)
}

func (w *gethWorld) executed(nonce uint64) func() bool {
	return func() bool {
		w.t.Helper()
		answer, err := w.eth.StorageAt(w.t.Context(), w.bridge, common.Hash{}, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		return new(big.Int).SetBytes(answer[16:24]).Uint64() >= nonce
	}
}

// open activates the bridge, registers the native coin, and pays coins in.
func (w *gethWorld) open(worker *Worker) {
	w.t.Helper()
	w.seal(types.Activate{}, types.RegisterToken{
		Asset: types.AssetID{1}, Token: types.NativeToken, Mode: types.ModeLock, Decimals: 18,
	})
	worker.Committed()
	w.soon("both are sent without waiting for a block", func() bool { return worker.Status().Sent == 2 })
	w.mine()
	if !w.executed(2)() {
		w.t.Fatal("the first two commands were not executed in one block")
	}
	w.send(w.deployer, &w.bridge, w.binding.PackDepositNative(2, [32]byte{31: 9}, types.Address{}, big.NewInt(0), nil), evmnode.Ether(10))
}

func payouts(count int) types.Batch {
	var b types.Batch
	for i := range count {
		b.Entries = append(b.Entries, types.BatchEntry{
			Kind: types.EntryRelease, Token: types.NativeToken,
			Recipient: types.Address{0xaa, 18: byte(i >> 8), 19: byte(i)}, Amount: types.NewAmount(1000),
		})
	}
	return b
}

func (w *gethWorld) wantPaid(count int) {
	w.t.Helper()
	for i := range count {
		balance, err := w.eth.BalanceAt(w.t.Context(), types.Address{0xaa, 18: byte(i >> 8), 19: byte(i)}, nil)
		if err != nil || balance.Uint64() != 1000 {
			w.t.Fatalf("recipient %d has %s, %v", i, balance, err)
		}
	}
}

// TestGethCommandsAndSlices checks that the gas limits suffice for every kind of
// command, under the rules of today and the dearer ones to come.
func TestGethCommandsAndSlices(t *testing.T) {
	for _, rules := range []evmnode.Rules{evmnode.Osaka, evmnode.Amsterdam} {
		t.Run(rules.String(), func(t *testing.T) { commandsAndSlices(t, newGethWorldOf(t, rules)) })
	}
}

func commandsAndSlices(t *testing.T, w *gethWorld) {
	t.Helper()
	worker, _ := w.relayer(w.sink(0))
	w.open(worker)
	w.seal(
		types.RegisterToken{
			Asset: types.AssetID{2}, Mode: types.ModeMint, Decimals: 6, Name: "Wrapped thing", Symbol: "wTHING",
			Limit: types.TokenLimit{Minimum: types.NewAmount(1), Capacity: types.NewAmount(1e9), Rate: types.NewAmount(1e3)},
		},
		types.Slash{Operator: types.Address{5}, Fraction: 1000}, // there is no staking: consumed as failed
	)
	worker.Committed()
	w.until("a wrapped token", w.executed(4))
	if n := strings.Count(w.log.String(), "msg=sent"); n != 4 {
		t.Errorf("sent %d transactions for 4 commands", n)
	}
	tokens, err := w.eth.CallContract(t.Context(), ethereum.CallMsg{To: &w.bridge, Data: w.binding.PackTokenOf(types.AssetID{2})}, nil)
	if err != nil || new(big.Int).SetBytes(tokens).Sign() == 0 {
		t.Errorf("no wrapped token: %x, %v", tokens, err)
	}
	w.seal(payouts(600), types.SetParams{ReleaseGas: 100_000, Deposits: true}) // more than one transaction holds
	worker.Committed()
	w.until("600 payouts and new parameters", w.executed(6))
	w.wantPaid(600)
	w.soon("all receipts", func() bool {
		return worker.Status().Pending == 0 && uint64(strings.Count(w.log.String(), "msg=executed")) == worker.Status().Sent
	})
	// Where payouts are dearer than expected, the command behind the first slice is sent too early.
	if s := worker.Status(); s.Reverted > 1 {
		t.Errorf("status %+v", s)
	}
	t.Logf("%d transactions for 600 payouts", strings.Count(w.log.String(), "msg=executed")-5)
}

func TestGethRestartAndReorg(t *testing.T) {
	w := newGethWorld(t)
	worker, stop := w.relayer(w.sink(0))
	w.open(worker)
	w.mine()
	w.seal(payouts(20), payouts(1))
	worker.Committed()
	w.soon("sent", func() bool { return worker.Status().Sent == 4 })
	stop()

	again, _ := w.relayer(w.sink(0))
	w.until("the transactions of the former process", w.executed(4))
	w.mine()
	if n := again.Status().Sent; n != 0 {
		t.Errorf("sent %d again", n)
	}

	w.seal(payouts(2), payouts(3))
	again.Committed()
	w.soon("sent", func() bool { return again.Status().Sent == 2 })
	w.mine()
	w.soon("seen as executed", func() bool { return again.Status().Position.Nonce == 6 })
	if err := w.evm.Reorg(1, true); err != nil {
		t.Fatal(err)
	}
	if w.executed(5)() {
		t.Fatal("the reorg undid nothing")
	}
	w.until("what the reorg undid", w.executed(6))
	if s := again.Status(); s.Sent != 2 || s.Reverted != 0 {
		t.Errorf("status %+v", s)
	}
}

// lowball makes a sink under-estimate what blocks cost.
type lowball struct {
	chain.Sink
	left int
}

func (l *lowball) Position(ctx context.Context) (chain.OutboxPosition, error) {
	p, err := l.Sink.Position(ctx)
	if l.left--; l.left >= 0 {
		p.Market = chain.Fees{Tip: 1_000_000, Cap: 2_000_000}
	}
	return p, err
}

func TestGethReplacesAStuckTransaction(t *testing.T) {
	w := newGethWorld(t)
	worker, stop := w.relayer(w.sink(0))
	w.open(worker)
	stop()
	w.seal(payouts(5), payouts(6))
	cheap, _ := w.relayer(&lowball{w.sink(0), 3})
	w.soon("sent", func() bool { return cheap.Status().Sent == 2 })
	w.until("both, with better offers", w.executed(4))
	w.soon("status", func() bool { return cheap.Status().Pending == 0 })
	if s := cheap.Status(); s.Bumped < 2 || s.Reverted != 0 {
		t.Errorf("status %+v", s)
	}
}

func TestGethRace(t *testing.T) {
	w := newGethWorld(t)
	first, _ := w.relayer(w.sink(0))
	w.open(first)
	second, _ := w.relayer(w.sink(1))
	w.seal(payouts(30))
	first.Committed()
	second.Committed()
	w.soon("both send", func() bool { return first.Status().Sent == 3 && second.Status().Sent == 1 })
	w.until("the payouts", w.executed(3))
	w.wantPaid(30)
	w.soon("the loser knows", func() bool { return strings.Contains(w.log.String(), "another relayer was first") })
	for _, line := range strings.Split(w.log.String(), "\n") {
		if _, gas, found := strings.Cut(line, "gas_used="); found && strings.Contains(line, "another relayer") {
			t.Log("the loser's gas: ", strings.Fields(gas)[0])
		}
	}
	for range 5 {
		w.mine()
		time.Sleep(30 * time.Millisecond)
	}
	if first.Status().Sent+second.Status().Sent != 4 {
		t.Errorf("sent %d and %d", first.Status().Sent, second.Status().Sent)
	}
}

func TestGethSinkAnswers(t *testing.T) {
	w := newGethWorld(t)
	ctx := t.Context()
	sink := w.sink(0)
	p, err := sink.Position(ctx)
	if err != nil {
		t.Fatal(err)
	}
	before := p.Block
	if p.Block == 0 || p.BlockGas != evmnode.DefaultGasLimit || p.Nonce != 0 || p.NextItem != 0 || p.SealHeight != 0 ||
		p.Epoch != 0 || p.SetHash != w.node.set.Hash() || p.ReleaseGas < types.MinReleaseGas || p.Account.Mined != 0 ||
		p.Account.Address != w.relayers[0].Address || p.Account.Balance.String() != evmnode.Ether(100).String() ||
		p.Market.Legacy || p.Market.Tip == 0 || p.Market.Cap <= p.Market.Tip {
		t.Fatalf("position %+v", p)
	}
	w.seal(types.Activate{})
	q := newQuorums(w.node)
	q.update(w.node.outbox.Commands)
	good := execution(w.node.outbox.Commands[0], q.packed[1])
	make := func(e chain.Execution, nonce uint64, f chain.Fees) chain.Tx {
		t.Helper()
		tx, err := sink.Make(e, p, nonce, f)
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	if gas, err := sink.Simulate(ctx, make(good, 0, p.Market)); err != nil || gas == 0 || gas > make(good, 0, p.Market).Gas {
		t.Fatal(err)
	}

	bad := good
	bad.Quorum = bytes.Clone(good.Quorum)
	bad.Quorum[len(bad.Quorum)-1]++
	epoch := good
	epoch.Epoch = 0 // a fresh contract takes any other that its set has signed
	from := good
	from.From = 1
	proof := good
	proof.Proof = []types.Hash{{1}}
	for reason, e := range map[string]chain.Execution{
		"BadSignature": bad, "BadEpoch {Current:0}": epoch, "BadIndex": from, "BadProof": proof,
	} {
		_, err := sink.Simulate(ctx, make(e, 0, p.Market))
		if !errors.Is(err, chain.ErrReverted) || !strings.Contains(err.Error(), reason) {
			t.Errorf("want %s, got %v", reason, err)
		}
	}

	tx := make(good, 0, p.Market)
	double := p.Market
	double.Tip, double.Cap = 2*double.Tip, 2*double.Cap
	steps := []struct {
		name string
		tx   chain.Tx
		want error
	}{
		{"first", tx, nil},
		{"again", tx, nil},
		{"same price", make(good, 0, chain.Fees{Tip: p.Market.Tip + 1, Cap: p.Market.Cap}), chain.ErrUnderpriced},
		{"an eighth more", make(good, 0, bumped(p.Market)), nil},
		{"behind a gap", make(good, 2, p.Market), nil},
	}
	for _, s := range steps {
		if err := sink.Send(ctx, s.tx); !errors.Is(err, s.want) {
			t.Errorf("%s: %v, want %v", s.name, err, s.want)
		}
	}
	if receipt, err := sink.Receipt(ctx, tx.Hash); receipt != nil || err != nil {
		t.Errorf("receipt of a replaced transaction: %+v, %v", receipt, err)
	}
	w.mine()
	receipt, err := sink.Receipt(ctx, make(good, 0, bumped(p.Market)).Hash)
	if err != nil || receipt == nil || !receipt.Succeeded || receipt.GasUsed == 0 || receipt.Block != before+1 {
		t.Errorf("receipt %+v, %v", receipt, err)
	}
	if err := sink.Send(ctx, make(good, 0, double)); !errors.Is(err, chain.ErrNonceUsed) {
		t.Errorf("a used nonce: %v", err)
	}
	if p, err = sink.Position(ctx); err != nil || p.Nonce != 1 || p.Account.Mined != 1 || p.SealHeight != good.Height {
		t.Errorf("position %+v, %v", p, err)
	}
}
