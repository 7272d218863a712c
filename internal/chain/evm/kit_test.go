package evm

import (
	"context"
	"log/slog"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"go.uber.org/goleak"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/contracts"
	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestMain(m *testing.M) {
	// go-ethereum's pool that recovers senders lives as long as the process.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(evmnode.LingeringGoroutine),
		goleak.IgnoreTopFunction("github.com/ethereum/go-ethereum/core.(*txSenderCacher).cache"))
}

const testChain = 31001

// world is a go-ethereum chain with a bridge that takes deposits of the native
// coin.
type world struct {
	t          testing.TB
	node       *evmnode.Node
	eth        *ethclient.Client
	account    evmnode.Account
	nonce      uint64 // of the account
	bridge     common.Address
	validators evmtest.Validators
	outbox     uint64
	packer     *bindings.Bridge
}

func newWorld(t testing.TB) *world {
	t.Helper()
	accounts := evmnode.DevAccounts("evm source", 1)
	node, err := evmnode.New(evmnode.Config{
		ChainID: testChain, Alloc: evmnode.Fund(accounts, evmnode.Ether(1_000_000)), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, node: node, account: accounts[0], packer: bindings.NewBridge()}
	t.Cleanup(func() { w.must(node.Close()) })
	w.eth, err = ethclient.Dial(node.HTTPURL())
	w.must(err)
	t.Cleanup(w.eth.Close)
	w.validators, err = evmtest.NewValidators(4, 1)
	w.must(err)
	w.deploy()
	return w
}

// deploy sets the bridge up; its inbox then holds the events 1 to 3.
func (w *world) deploy() {
	w.t.Helper()
	artifact, err := contracts.Load("Bridge")
	w.must(err)
	w.bridge = crypto.CreateAddress(w.account.Address, w.nonce)
	w.send(nil, append(artifact.Bytecode, w.packer.PackConstructor(evmtest.NetworkID, w.validators.Set.Pack(), common.Address{})...), nil)
	w.mine(1)
	w.execute(types.Activate{})
	w.execute(types.RegisterToken{
		Asset: types.AssetID{1}, Token: types.NativeToken, Mode: types.ModeLock, Decimals: 18,
		Limit: types.TokenLimit{Minimum: types.NewAmount(1)},
	})
	w.mine(1)
}

// execute sends a command with everyone's signature; it is mined at once.
func (w *world) execute(c types.Command) {
	w.t.Helper()
	w.outbox++
	command := types.EncodeCommand(c)
	root := evmsig.CommandLeaf(testChain, w.bridge, w.outbox, command)
	seal := bindings.IBridgeSeal{Epoch: 1, Height: w.outbox, Root: root}
	sigs, err := w.validators.Sign(evmtest.Digest(seal))
	w.must(err)
	quorum, err := evmsig.PackQuorum(w.validators.Set, sigs)
	w.must(err)
	w.send(&w.bridge, w.packer.PackExecute(command, 0, nil, seal, quorum), nil)
	w.mine(1)
}

// deposit sends a deposit of so many wei, to be mined later.
func (w *world) deposit(wei int64, data []byte) {
	w.t.Helper()
	w.send(&w.bridge, w.packer.PackDepositNative(2, common.Hash{31: 7}, common.Address{}, big.NewInt(1), data), big.NewInt(wei))
}

// deposits makes one block for each number: so many deposits.
func (w *world) deposits(blocks ...int) {
	w.t.Helper()
	for _, count := range blocks {
		for range count {
			w.deposit(int64(w.nonce)+1000, nil)
		}
		w.mine(1)
	}
}

// finalize lets `finalized` reach the newest block with deposits.
func (w *world) finalize() { w.mine(evmnode.DefaultFinalityLag) }

func (w *world) mine(blocks int) {
	w.t.Helper()
	w.must(w.node.Mine(w.t.Context(), blocks))
}

func (w *world) send(to *common.Address, data []byte, value *big.Int) {
	w.t.Helper()
	gas := uint64(300_000)
	if to == nil {
		gas = 12_000_000
	}
	tx, err := gethtypes.SignNewTx(w.account.Key, gethtypes.LatestSignerForChainID(big.NewInt(testChain)), &gethtypes.DynamicFeeTx{
		Nonce: w.nonce, To: to, Gas: gas, Data: data, Value: value, GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(50e9),
	})
	w.must(err)
	w.nonce++
	w.must(w.eth.SendTransaction(w.t.Context(), tx))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// config is a chain whose endpoints are of different groups, by position.
func (w *world) config(minAgree int, urls ...string) Config {
	cfg := Config{
		Name: "alpha", ChainID: testChain, Bridge: w.bridge, MinAgree: minAgree, RequestTimeout: 5 * time.Second,
	}
	for i, url := range urls {
		cfg.Endpoints = append(cfg.Endpoints, Endpoint{URL: url, Group: string(rune('a' + i))})
	}
	return cfg
}

// source reads through the given endpoints.
func (w *world) source(cfg Config) *Source {
	w.t.Helper()
	client, err := Dial(w.t.Context(), cfg)
	w.must(err)
	w.t.Cleanup(client.Close)
	return NewSource(client, nil)
}

// seed is where the network's reading begins.
func (w *world) seed() types.Mark {
	return types.Mark{Hash: evmsig.InboxSeed(evmtest.NetworkID, testChain, w.bridge)}
}

var keepAll = chain.ReadOptions{MarkStride: 16, MaxEvents: 1 << 20}

// readAll is one observer's round from the very beginning.
func readAll(ctx context.Context, s *Source, from types.Mark) (chain.Position, chain.Batch, error) {
	position, err := s.Finalized(ctx)
	if err != nil {
		return chain.Position{}, chain.Batch{}, err
	}
	batch, err := s.Read(ctx, from, position.Inbox, keepAll)
	return position, batch, err
}
