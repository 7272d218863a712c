package contracts_test

import (
	"bytes"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	here  = 31001
	there = 31002
)

var (
	assetToken   = types.AssetID{1}
	assetNative  = types.AssetID{2}
	assetWrapped = types.AssetID{3}
)

// world is an active bridge of four equal validators with a token of each kind,
// and an observer that checks every inbox event it makes.
type world struct {
	t rapid.TB
	*evmtest.Bridge
	inbox   *evmtest.Inbox
	relayer common.Address
	user    common.Address
	token   evmtest.Contract
	wrapped evmtest.Contract
	staking evmtest.Contract
}

var worlds = map[evmtest.Rules]func() *world{
	evmtest.Osaka:     sync.OnceValue(func() *world { return build(evmtest.Osaka) }),
	evmtest.Amsterdam: sync.OnceValue(func() *world { return build(evmtest.Amsterdam) }),
}

// newWorld is a fresh copy of the world under today's rules.
func newWorld(t *testing.T) *world {
	t.Helper()
	return worlds[evmtest.Osaka]().fork(t)
}

// underBothRules runs a test today and under Amsterdam's prices.
func underBothRules(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for rules, w := range worlds {
		t.Run(string(rules), func(t *testing.T) { test(t, w().fork(t)) })
	}
}

// bareWorld is a bridge on which nothing was executed.
func bareWorld(t rapid.TB, rules evmtest.Rules) *world {
	w := &world{t: t}
	chain, err := evmtest.NewChain(here, rules)
	w.must(err)
	v, err := evmtest.NewValidators(4, 7)
	w.must(err)
	w.staking, err = chain.NewContract(chain.Account(), "MockStaking")
	w.must(err)
	w.Bridge, err = evmtest.NewBridge(chain, v, w.staking.Address)
	w.must(err)
	w.openInbox()
	_, err = w.staking.Send(w.Owner, "setBridge", w.Address)
	w.must(err)
	return w
}

// openInbox readies the observer of a bridge that was just deployed.
func (w *world) openInbox() {
	w.relayer, w.user = w.Chain.Account(), w.Chain.Account()
	w.inbox = evmtest.NewInbox(here, w.Address)
	// The deployment's own event, known by its content.
	w.inbox.Nonce = 1
	w.inbox.Events = append(w.inbox.Events, types.Initialized{SetHash: w.Validators.Set.Hash()})
	hash, err := w.View("inboxHash")
	w.must(err)
	w.inbox.Hash = hash[0].([32]byte)
}

// build runs outside of any test, and panics where its parts do not fit.
func build(rules evmtest.Rules) *world {
	w := bareWorld(nil, rules)
	w.ok(types.Activate{})
	w.token = w.deploy("TestToken", "Test", "TST", uint8(18))
	w.register(assetToken, w.token.Address)
	w.register(assetNative, types.NativeToken)
	w.ok(types.RegisterToken{Asset: assetWrapped, Mode: types.ModeMint, Decimals: 6, Name: "Wrapped", Symbol: "WRP"})
	w.wrapped = w.at("WrappedToken", w.tokenOf(assetWrapped))
	w.stock(w.token)
	w.Chain.Fund(w.Address, uint256.NewInt(1e18))
	w.ok(w.releases(w.wrapped.Address, w.user))
	return w
}

func (w *world) fork(t rapid.TB) *world {
	f := *w
	f.t = t
	f.Bridge = w.Bridge.Fork()
	f.inbox = w.inbox.Clone()
	f.token, f.wrapped, f.staking = w.token.On(f.Chain), w.wrapped.On(f.Chain), w.staking.On(f.Chain)
	return &f
}

func (w *world) must(err error) {
	if err == nil {
		return
	}
	if w.t == nil {
		panic(err)
	}
	w.t.Helper()
	w.t.Fatal(err)
}

func (w *world) check(ok bool, format string, args ...any) {
	if ok {
		return
	}
	if w.t == nil {
		panic(format)
	}
	w.t.Helper()
	w.t.Fatalf(format, args...)
}

// reverts wants a transaction to have failed with the named error.
func (w *world) reverts(err error, name string) {
	w.t.Helper()
	if err == nil || !strings.Contains(err.Error(), name) {
		w.t.Fatalf("got %v, want a revert with %s", err, name)
	}
}

// follow checks the inbox events of a transaction, and the two proven slots.
func (w *world) follow(r evmtest.Result, err error) evmtest.Result {
	if w.t != nil {
		w.t.Helper()
	}
	w.must(err)
	w.must(w.inbox.Follow(w.Own(r.Logs)))
	slot := w.Chain.Storage(w.Address, 0)
	w.check(new(big.Int).SetBytes(slot[24:]).Uint64() == w.inbox.Nonce, "slot 0 is %s after event %d", slot, w.inbox.Nonce)
	w.check(w.Chain.Storage(w.Address, 1) == w.inbox.Hash, "slot 1 is not the accumulator")
	return r
}

// last is the newest inbox event.
func (w *world) last() types.Event { return w.inbox.Events[len(w.inbox.Events)-1] }

func (w *world) seal(c types.Command, others ...types.Hash) evmtest.Order {
	return w.sealBytes(types.EncodeCommand(c), others...)
}

func (w *world) sealBytes(command []byte, others ...types.Hash) evmtest.Order {
	order, err := w.Bridge.Seal(command, others...)
	w.must(err)
	return order
}

// do executes an order whole and returns its receipt.
func (w *world) do(o evmtest.Order) bindings.BridgeExecuted {
	if w.t != nil {
		w.t.Helper()
	}
	r := w.follow(w.Execute(w.relayer, o, 0))
	receipts, err := w.Receipts(r)
	w.must(err)
	w.check(len(receipts) == 1, "%d receipts", len(receipts))
	return receipts[0]
}

// ok executes a command that must succeed whole.
func (w *world) ok(c types.Command) bindings.BridgeExecuted {
	if w.t != nil {
		w.t.Helper()
	}
	done := w.uint("outboxNonce")
	receipt := w.do(w.seal(c))
	w.check(len(receipt.Failures) == 0, "%s failed: %x", c.Kind(), receipt.Failures)
	w.check(receipt.Count == c.Items() && receipt.First == 0 && receipt.OutboxNonce == done+1, "receipt %+v", receipt)
	w.check(w.uint("outboxNonce") == done+1 && w.uint("nextIndex") == 0, "nonce did not move")
	return receipt
}

// fails executes bytes that must be consumed as one failed item.
func (w *world) fails(command []byte) {
	w.t.Helper()
	done := w.uint("outboxNonce")
	receipt := w.do(w.sealBytes(command))
	w.check(receipt.Count == 1 && bytes.Equal(receipt.Failures, []byte{1}), "%x: receipt %+v", command, receipt)
	w.check(w.uint("outboxNonce") == done+1, "nonce did not move")
}

func (w *world) uint(method string, args ...any) uint64 {
	v, err := w.Uint(method, args...)
	w.must(err)
	return v
}

func (w *world) tokenOf(asset types.AssetID) common.Address {
	v, err := w.View("tokenOf", [32]byte(asset))
	w.must(err)
	return v[0].(common.Address)
}

func (w *world) deploy(name string, args ...any) evmtest.Contract {
	c, err := w.Chain.NewContract(w.Owner, name, args...)
	w.must(err)
	return c
}

func (w *world) at(name string, address common.Address) evmtest.Contract {
	c, err := w.Chain.At(name, address)
	w.must(err)
	return c
}

// register locks an existing token without limit.
func (w *world) register(asset types.AssetID, token common.Address) {
	w.ok(types.RegisterToken{Asset: asset, Token: token, Mode: types.ModeLock, Decimals: 18})
}

// stock gives user and vault a million of a token, and the vault an allowance.
func (w *world) stock(token evmtest.Contract) {
	for _, holder := range []common.Address{w.user, w.Address} {
		_, err := token.Send(w.Owner, "mint", holder, big.NewInt(1_000_000))
		w.must(err)
	}
	_, err := token.Send(w.user, "approve", w.Address, big.NewInt(1e18))
	w.must(err)
}

func (w *world) balance(token evmtest.Contract, of common.Address) uint64 {
	v, err := token.Uint("balanceOf", of)
	w.must(err)
	return v
}

// releases pays 100 to everyone, with a fee of 3 each.
func (w *world) releases(token common.Address, to ...common.Address) types.Batch {
	return w.entries(types.EntryRelease, token, to...)
}

func (w *world) refunds(token common.Address, to ...common.Address) types.Batch {
	return w.entries(types.EntryRefund, token, to...)
}

func (w *world) entries(kind types.EntryKind, token common.Address, to ...common.Address) types.Batch {
	var b types.Batch
	for _, recipient := range to {
		b.Entries = append(b.Entries, types.BatchEntry{
			Kind: kind, Token: token, Fee: types.NewAmount(3), Recipient: recipient, Amount: types.NewAmount(100),
		})
	}
	return b
}

// strangers are n addresses that hold nothing.
func strangers(n int) []common.Address {
	list := make([]common.Address, n)
	for i := range list {
		list[i] = common.BigToAddress(new(big.Int).Lsh(big.NewInt(int64(i)+0x57a), 64))
	}
	return list
}

// depositArgs is a good deposit; tests bend one part.
type depositArgs struct {
	token       common.Address
	amount      int64
	destination uint64
	recipient   types.Hash
	refundTo    common.Address
	maxFee      int64
	data        []byte
}

func (w *world) good() depositArgs {
	return depositArgs{
		token: w.token.Address, amount: 1000, destination: there,
		recipient: types.RecipientFromAddress(w.user), maxFee: 10, data: []byte{},
	}
}

func (w *world) deposit(a depositArgs) (evmtest.Result, error) {
	if a.token != types.NativeToken {
		return w.Send(w.user, "deposit", a.token, big.NewInt(a.amount), a.destination, [32]byte(a.recipient),
			a.refundTo, big.NewInt(a.maxFee), a.data)
	}
	data, err := w.ABI.Pack("depositNative", a.destination, [32]byte(a.recipient), a.refundTo, big.NewInt(a.maxFee), a.data)
	w.must(err)
	return w.Chain.Send(evmtest.Tx{From: w.user, To: &w.Address, Value: uint256.NewInt(uint64(a.amount)), Data: data})
}
