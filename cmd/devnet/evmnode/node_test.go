package evmnode_test

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient/gethclient"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/ethereum/go-ethereum/trie"
	"go.uber.org/goleak"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

var (
	safeTag      = big.NewInt(int64(rpc.SafeBlockNumber))
	finalizedTag = big.NewInt(int64(rpc.FinalizedBlockNumber))
)

func TestBlocksTickAndTagsFollow(t *testing.T) {
	node := start(t, evmnode.Config{BlockTime: 20 * time.Millisecond, FinalityLag: 3, SafeLag: 2})
	client := dial(t, node.HTTPURL())
	eventually(t, "six blocks", func() bool { return height(t, client, nil) >= 6 })

	// Asked in this order, each tag may only be further on than its lag says.
	finalized := height(t, client, finalizedTag)
	safe := height(t, client, safeTag)
	head := height(t, client, nil)
	if finalized+3 > head || safe+2 > head || finalized > safe || finalized == 0 {
		t.Errorf("finalized %d, safe %d, head %d", finalized, safe, head)
	}
	id, err := client.ChainID(t.Context())
	if err != nil || id.Uint64() != node.ChainID() {
		t.Errorf("chain id %v, %v", id, err)
	}
}

func TestTagsOfAManualChain(t *testing.T) {
	node := start(t, evmnode.Config{})
	client := dial(t, node.HTTPURL())
	check := func(wantHead, wantSafe, wantFinalized uint64) {
		t.Helper()
		head, safe, finalized := height(t, client, nil), height(t, client, safeTag), height(t, client, finalizedTag)
		if head != wantHead || safe != wantSafe || finalized != wantFinalized {
			t.Errorf("head %d, safe %d, finalized %d; want %d, %d, %d", head, safe, finalized, wantHead, wantSafe, wantFinalized)
		}
	}
	check(1, 0, 0)
	mine(t, node, 1)
	check(2, 1, 0)
	mine(t, node, 3)
	check(5, 4, 3)
	node.FreezeFinality(true)
	mine(t, node, 5)
	check(10, 4, 3)
	node.FreezeFinality(false)
	check(10, 9, 8)
}

func TestSameHeadForManyReaders(t *testing.T) {
	node := start(t, evmnode.Config{})
	actor := newActor(t, node)
	tx := actor.send(&common.Address{1}, 21_000, nil)
	if _, err := actor.client.TransactionReceipt(t.Context(), tx.Hash()); !errors.Is(err, ethereum.NotFound) {
		t.Errorf("receipt of a waiting transaction: %v", err)
	}
	mine(t, node, 1)
	receipt := actor.receipt(tx)
	if receipt.BlockNumber.Uint64() != 2 || receipt.BlockHash != node.Head().Hash() {
		t.Errorf("receipt names block %s %s", receipt.BlockNumber, receipt.BlockHash)
	}
	byWS, err := dial(t, node.WSURL()).HeaderByNumber(t.Context(), nil)
	if err != nil || byWS.Hash() != node.Head().Hash() {
		t.Errorf("WebSocket has another head: %v", err)
	}
}

func TestLogsAndSubscription(t *testing.T) {
	node := start(t, evmnode.Config{})
	actor := newActor(t, node)
	echo := actor.deploy(node, echoCode)

	ws := dial(t, node.WSURL())
	live := make(chan types.Log, 16)
	query := ethereum.FilterQuery{Addresses: []common.Address{echo}}
	subscription, err := ws.SubscribeFilterLogs(t.Context(), query, live)
	if err != nil {
		t.Fatal(err)
	}
	defer subscription.Unsubscribe()
	heads := make(chan *types.Header, 16)
	headSubscription, err := ws.SubscribeNewHead(t.Context(), heads)
	if err != nil {
		t.Fatal(err)
	}
	defer headSubscription.Unsubscribe()

	for i := range 3 {
		actor.send(&echo, 200_000, []byte{byte(i)})
	}
	mine(t, node, 1)

	logs, err := actor.client.FilterLogs(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if len(logs) != 3 {
		t.Fatalf("%d logs, want 3", len(logs))
	}
	for i := range logs {
		got := receive(t, live)
		if !bytes.Equal(got.Data, []byte{byte(i)}) || got.Removed || got.BlockHash != node.Head().Hash() || logs[i].Index != uint(i) {
			t.Errorf("log %d: %+v", i, got)
		}
	}
	if head := receive(t, heads); head.Hash() != node.Head().Hash() {
		t.Errorf("new head %s", head.Hash())
	}
}

func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case value := <-ch:
		return value
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestProofHoldsAtTheFinalizedBlock(t *testing.T) {
	node := start(t, evmnode.Config{})
	actor := newActor(t, node)
	echo := actor.deploy(node, echoCode)
	actor.send(&echo, 200_000, nil)
	mine(t, node, 4)

	finalized := node.Finalized()
	proof, err := gethclient.New(actor.client.Client()).GetProof(t.Context(), echo, []string{"0x0"}, finalized.Number)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trie.VerifyProof(finalized.Root, crypto.Keccak256(echo[:]), proofNodes(t, proof.AccountProof)); err != nil {
		t.Errorf("account: %v", err)
	}
	value, err := trie.VerifyProof(proof.StorageHash, crypto.Keccak256(make([]byte, 32)), proofNodes(t, proof.StorageProof[0].Proof))
	if err != nil || !bytes.Equal(value, []byte{1}) {
		t.Errorf("slot 0 holds %x, %v", value, err)
	}
}

func proofNodes(t *testing.T, encoded []string) *memorydb.Database {
	t.Helper()
	db := memorydb.New()
	for _, node := range encoded {
		raw := common.FromHex(node)
		if err := db.Put(crypto.Keccak256(raw), raw); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func TestTwoChainsSideBySide(t *testing.T) {
	alpha := start(t, evmnode.Config{ChainID: 31001})
	beta := start(t, evmnode.Config{ChainID: 31002, Rules: evmnode.Amsterdam})
	for _, node := range []*evmnode.Node{alpha, beta} {
		actor := newActor(t, node)
		echo := actor.deploy(node, echoCode)
		tx := actor.send(&echo, 500_000, []byte("hello"))
		mine(t, node, 1)
		actor.receipt(tx)
	}
	if alpha.HTTPURL() == beta.HTTPURL() || alpha.Head().Hash() == beta.Head().Hash() {
		t.Error("the two chains are one")
	}
	wrong := newActor(t, alpha)
	wrong.client = dial(t, beta.HTTPURL())
	tx, err := types.SignNewTx(wrong.account.Key, wrong.signer, &types.LegacyTx{Nonce: 2, To: &common.Address{}, Gas: 21_000, GasPrice: big.NewInt(2e9)})
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong.client.SendTransaction(t.Context(), tx); err == nil {
		t.Error("beta took a transaction signed for alpha")
	}
}

func TestRulesDiffer(t *testing.T) {
	gas := func(rules evmnode.Rules) uint64 {
		node := start(t, evmnode.Config{Rules: rules})
		actor := newActor(t, node)
		echo := actor.deploy(node, echoCode)
		tx := actor.send(&echo, 500_000, nil)
		mine(t, node, 1)
		return actor.receipt(tx).GasUsed
	}
	if osaka, amsterdam := gas(evmnode.Osaka), gas(evmnode.Amsterdam); amsterdam <= osaka {
		t.Errorf("a new storage slot costs %d under Osaka and %d under Amsterdam", osaka, amsterdam)
	}
}

// The bridge must get through one source block of 5,000 deposits, about 330
// million gas in transactions of at most 2^24 gas each.
func TestOneHugeBlock(t *testing.T) {
	node := start(t, evmnode.Config{GasLimit: 500_000_000})
	actor := newActor(t, node)
	burn := actor.deploy(node, burnCode)
	const each, count = 1 << 24, 21
	for i := range count {
		slots := common.Hash{0: byte(i + 1)}
		actor.send(&burn, each, slots[:])
	}
	mine(t, node, 1)
	block, err := actor.client.BlockByNumber(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(block.Transactions()) != count || block.GasUsed() < 340_000_000 || block.GasLimit() != 500_000_000 {
		t.Errorf("%d transactions, %d of %d gas", len(block.Transactions()), block.GasUsed(), block.GasLimit())
	}
}

func TestDataDirGoesOn(t *testing.T) {
	cfg := evmnode.Config{DataDir: t.TempDir()}
	node := start(t, cfg)
	actor := newActor(t, node)
	echo := actor.deploy(node, echoCode)
	mine(t, node, 8)
	head := node.Head()
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}

	again := start(t, cfg)
	if again.Head().Hash() != head.Hash() || again.Finalized().Number.Uint64() != 8 {
		t.Errorf("came back at block %s, finalized %s", again.Head().Number, again.Finalized().Number)
	}
	actor.client = dial(t, again.HTTPURL())
	tx := actor.send(&echo, 200_000, nil)
	mine(t, again, 1)
	actor.receipt(tx)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}

	if _, err := evmnode.New(evmnode.Config{ChainID: 9, DataDir: cfg.DataDir}); err == nil || !strings.Contains(err.Error(), "holds chain 31001, not 9") {
		t.Errorf("another chain's directory: %v", err)
	}
}

func TestClosed(t *testing.T) {
	node := start(t, evmnode.Config{BlockTime: 10 * time.Millisecond})
	url := node.HTTPURL()
	for range 2 {
		if err := node.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := node.Mine(t.Context(), 1); !errors.Is(err, evmnode.ErrClosed) {
		t.Errorf("Mine: %v", err)
	}
	if err := node.Reorg(1, false); !errors.Is(err, evmnode.ErrClosed) {
		t.Errorf("Reorg: %v", err)
	}
	node.FreezeFinality(true)
	if response, err := http.Get(url); err == nil {
		_ = response.Body.Close()
		t.Error("still serves")
	}
}

func TestMineEndsWithItsContext(t *testing.T) {
	node := start(t, evmnode.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := node.Mine(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := goleak.IgnoreCurrent()
	for range 2 {
		node := start(t, evmnode.Config{BlockTime: 10 * time.Millisecond})
		ws := dial(t, node.WSURL())
		subscription, err := ws.SubscribeNewHead(t.Context(), make(chan *types.Header, 1000))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "three blocks", func() bool { return node.Head().Number.Uint64() >= 3 })
		subscription.Unsubscribe()
		ws.Close()
		if err := node.Close(); err != nil {
			t.Fatal(err)
		}
	}
	goleak.VerifyNone(t, before, goleak.IgnoreTopFunction(evmnode.LingeringGoroutine))
}
