package relayer

import (
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/test/badproxy"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// asked are the methods that a relayer calls.
var asked = []string{
	"eth_chainId", "eth_getBlockByNumber", "eth_getTransactionCount", "eth_getBalance", "eth_call", "eth_getStorageAt",
	"eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_estimateGas", "eth_sendRawTransaction", "eth_getTransactionReceipt",
}

// troublesome are the troubles that a relayer can meet.
func troublesome() (all []badproxy.Trouble) {
	for _, t := range badproxy.Troubles {
		if len(t.Methods) == 0 || slices.ContainsFunc(t.Methods, func(m string) bool { return slices.Contains(asked, m) }) {
			all = append(all, t)
		}
	}
	return all
}

// portion is by how many wei the limit rises when it is reached: less than two
// transactions may cost, and more than ten do.
const portion = 3e12

// badWeather is a relayer whose endpoints are bad, and nothing else is.
type badWeather struct {
	*gethWorld
	path      string // of what is spent
	limit     *big.Int
	had       *big.Int // the account's balance at first
	commands  uint64
	waited    int // times that the limit was reached
	endpoints []evm.Endpoint
}

func newBadWeather(t *testing.T) *badWeather {
	w := newGethWorld(t)
	worker, stop := w.relayer(w.sink(0))
	w.open(worker)
	w.mine()
	stop()
	if err := w.evm.Mine(t.Context(), 200); err != nil { // until the base fee is next to nothing
		t.Fatal(err)
	}
	b := &badWeather{gethWorld: w, path: filepath.Join(t.TempDir(), "alpha.json"), limit: big.NewInt(portion), commands: 2}
	b.had = b.balance()
	return b
}

func (b *badWeather) balance() *big.Int {
	b.t.Helper()
	balance, err := b.eth.BalanceAt(b.t.Context(), b.relayers[0].Address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return balance
}

// spends says what the account has really spent.
func (b *badWeather) spends() *big.Int { return new(big.Int).Sub(b.had, b.balance()) }

// through is a sink of its own, with connections of its own.
func (b *badWeather) through() chain.Sink {
	b.t.Helper()
	client, err := evm.Dial(b.t.Context(), evm.Config{
		Name: "alpha", ChainID: gethChain, Bridge: b.bridge, MinAgree: min(2, len(b.endpoints)), Endpoints: b.endpoints, RequestTimeout: time.Second,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(client.Close)
	sink, err := evm.NewSink(evm.SinkConfig{Client: client, Key: accountKey(b.t, b.relayers[0].Key)})
	if err != nil {
		b.t.Fatal(err)
	}
	return sink
}

// begin starts a relayer's process.
func (b *badWeather) begin() (worker *Worker, spending *Spending, stop func()) {
	b.t.Helper()
	limit, err := types.AmountFromBytes(b.limit.Bytes())
	if err != nil {
		b.t.Fatal(err)
	}
	spending, err = OpenSpending(b.path, b.relayers[0].Address, limit)
	if err != nil {
		b.t.Fatal(err)
	}
	worker, err = New(
		Config{Chain: gethChain, Label: "alpha", Eager: true, Poll: 10 * time.Millisecond, BumpAfter: time.Millisecond, MaxFee: 50e9},
		Deps{
			State: b.node, Signatures: b.node, Sink: b.through(), Spending: spending,
			Logger: slog.New(slog.NewTextHandler(b.log, nil)),
		},
	)
	if err != nil {
		b.t.Fatal(err)
	}
	return worker, spending, b.start(worker)
}

// relay has a fresh relayer bring so many times two commands. At its limit, which is never
// passed, it gets more.
func (b *badWeather) relay(what string, count int, patience time.Duration) {
	b.t.Helper()
	for range count {
		b.seal(types.SetParams{ReleaseGas: 300_000, Deposits: true}, payouts(1))
		b.commands += 2
	}
	worker, spending, stop := b.begin()
	defer func() { stop() }()
	worker.Committed()
	executed := b.executed(b.commands)
	done := func() bool {
		return executed() && worker.Status().Pending == 0 && spending.Status(time.Now()).Claimed.IsZero()
	}
	for deadline := time.Now().Add(patience); !done(); time.Sleep(25 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: not relayed after %s: %+v", what, patience, worker.Status())
		}
		b.mine()
		if spent := b.spends(); spent.Cmp(b.limit) > 0 {
			b.t.Fatalf("%s: %s wei are spent, the limit is %s", what, spent, b.limit)
		}
		if s := worker.Status(); s.Hold == string(holdSpent) && s.Pending == 0 {
			stop()
			b.waited++
			b.limit.Add(b.limit, big.NewInt(portion))
			worker, spending, stop = b.begin()
			worker.Committed()
		}
	}
	if counted, spent := spending.Status(time.Now()).Paid, b.spends(); counted.Cmp(types.NewAmount(spent.Uint64())) < 0 {
		b.t.Errorf("%s: %s wei are spent, %s are counted", what, spent, counted)
	}
}

// believed compares what is made of the endpoints' answers with the truth, more
// than once: who is believed may alternate.
func (b *badWeather) believed(what string) {
	b.t.Helper()
	ctx := b.t.Context()
	truth, err := b.sink(0).Position(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	sink := b.through()
	for range 2 {
		p, err := sink.Position(ctx)
		if err != nil {
			b.t.Errorf("%s: %v", what, err)
			continue
		}
		honest := p.Nonce == truth.Nonce && p.NextItem == truth.NextItem && p.SealHeight == truth.SealHeight &&
			p.Epoch == truth.Epoch && p.SetHash == truth.SetHash && p.ReleaseGas == truth.ReleaseGas &&
			p.Account.Mined == truth.Account.Mined && p.Block <= truth.Block
		// One of two may have the market too low for a moment: then there is the rush.
		if !honest || p.Market.Legacy || p.Market.Cap > 2*truth.Market.Cap || p.Rush.Cap < truth.Market.Cap/2 {
			b.t.Errorf("%s: believed %+v, it is %+v", what, p, truth)
		}
	}
}

// TestGethOneBadEndpoint has one of a relayer's three endpoints do everything that
// a bad one can: each command is executed once, no limit is passed, and nothing of
// what it says of contract, account or fees is believed. Commands are relayed while
// it does four things by turns, or with BRIDGED_LONG=1 each by itself.
func TestGethOneBadEndpoint(t *testing.T) {
	t.Parallel()
	b := newBadWeather(t)
	bad := badproxy.ForTest(t, badproxy.Config{Target: b.evm.HTTPURL(), Seed: 1})
	together, share, troubles := 4, 0.4, troublesome()
	if os.Getenv("BRIDGED_LONG") != "" {
		together, share = 1, 1
	}
	groups := 0
	for some := range slices.Chunk(troubles, together) {
		b.endpoints = []evm.Endpoint{
			{URL: bad.URL(), Group: string(rune('a' + groups%3))}, // whose word comes first goes by the name
			{URL: b.evm.HTTPURL(), Group: "a1"}, {URL: b.evm.WSURL(), Group: "b1"},
		}
		groups++
		var rules []badproxy.Rule
		var names []string
		for _, trouble := range some {
			rules, names = append(rules, badproxy.Rule{Trouble: trouble, Share: share}), append(names, trouble.Name)
			bad.Set(badproxy.Rule{Trouble: trouble})
			b.believed(trouble.Name)
		}
		bad.Set(rules...)
		b.relay(strings.Join(names, ", "), 1, time.Minute)
	}
	b.wantOnce(b.commands)
	t.Logf("%d troubles, %d commands, the limit reached %d times: %v", len(troubles), b.commands, b.waited, bad.Counts())
	if met := bad.Counts(); len(met) < len(troubles)*2/3 {
		t.Errorf("only %d troubles were met", len(met))
	}
	if b.waited == 0 {
		t.Error("the limit was never reached")
	}
}

// TestGethBadEndpointAlone has a relayer with a single endpoint that does all of
// it now and then: it may be late, and is once.
func TestGethBadEndpointAlone(t *testing.T) {
	t.Parallel()
	b := newBadWeather(t)
	bad := badproxy.ForTest(t, badproxy.Config{Target: b.evm.HTTPURL(), Seed: 3})
	var rules []badproxy.Rule
	for _, trouble := range troublesome() {
		if trouble.Name != "receipt cheap" { // nobody else knows what was paid
			rules = append(rules, badproxy.Rule{Trouble: trouble, Share: 0.002})
		}
	}
	bad.Set(rules...)
	b.endpoints = []evm.Endpoint{{URL: bad.URL(), Group: "alone"}}
	for round := range 3 {
		b.relay(fmt.Sprintf("round %d", round), 3, 60*time.Second)
	}
	bad.Set()
	b.believed("afterwards")
	b.wantOnce(b.commands)
	t.Logf("%d commands, the limit reached %d times: %v", b.commands, b.waited, bad.Counts())
	if len(bad.Counts()) < 8 {
		t.Error("the endpoint did too little")
	}
}
