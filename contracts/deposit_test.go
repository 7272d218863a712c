package contracts_test

import (
	"bytes"
	"math"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestRefusedDeposits(t *testing.T) {
	cases := map[string]struct {
		bend func(w *world, a *depositArgs)
		want string
	}{
		"unknown token":      {func(_ *world, a *depositArgs) { a.token = common.Address{1} }, "UnknownToken"},
		"zero token":         {func(_ *world, a *depositArgs) { a.token = common.Address{} }, "UnknownToken"},
		"zero amount":        {func(_ *world, a *depositArgs) { a.amount = 0 }, "BadAmount"},
		"below the minimum":  {func(_ *world, a *depositArgs) { a.amount = 49 }, "BadAmount"},
		"more than owned":    {func(_ *world, a *depositArgs) { a.amount = 1_000_001 }, "ERC20InsufficientBalance"},
		"wrapped, not owned": {func(w *world, a *depositArgs) { a.token, a.amount = w.wrapped.Address, 101 }, "ERC20InsufficientBalance"},
		"wrapped, zero":      {func(w *world, a *depositArgs) { a.token, a.amount = w.wrapped.Address, 0 }, "BadAmount"},
		"native, zero":       {func(_ *world, a *depositArgs) { a.token, a.amount = types.NativeToken, 0 }, "BadAmount"},
		"zero destination":   {func(_ *world, a *depositArgs) { a.destination = 0 }, "BadDestination"},
		"own chain":          {func(_ *world, a *depositArgs) { a.destination = here }, "BadDestination"},
		"zero recipient":     {func(_ *world, a *depositArgs) { a.recipient = types.Hash{} }, "BadRecipient"},
		"too much data":      {func(_ *world, a *depositArgs) { a.data = make([]byte, 1025) }, "DataTooLong"},
		"refund to bridge":   {func(w *world, a *depositArgs) { a.refundTo = w.Address }, "BadRefundAddress"},
		"refund to token":    {func(w *world, a *depositArgs) { a.refundTo = w.token.Address }, "BadRefundAddress"},
		"native, own chain":  {func(_ *world, a *depositArgs) { a.token, a.destination = types.NativeToken, here }, "BadDestination"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.ok(types.SetParams{ReleaseGas: 300_000, Deposits: true, Tokens: []types.TokenParams{
				{Token: w.token.Address, Limit: types.TokenLimit{Minimum: types.NewAmount(50)}},
			}})
			a := w.good()
			c.bend(w, &a)
			_, err := w.deposit(a)
			w.reverts(err, c.want)
			w.follow(w.deposit(w.good()))
		})
	}
}

func TestDepositedEvent(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		for _, token := range []common.Address{w.token.Address, types.NativeToken, w.wrapped.Address} {
			for _, refundTo := range []common.Address{{}, {5}} {
				a := w.good()
				a.token, a.amount, a.refundTo = token, 50, refundTo
				a.data = bytes.Repeat([]byte{7}, 1024)
				a.destination = math.MaxUint64
				w.follow(w.deposit(a))
				want := types.Deposited{
					Token: token, Sender: w.user, Destination: math.MaxUint64, Recipient: a.recipient, RefundTo: refundTo,
					Amount: types.NewAmount(50), MaxFee: types.NewAmount(10), Data: a.data,
				}
				if refundTo == (common.Address{}) {
					want.RefundTo = w.user
				}
				got := w.last().(types.Deposited)
				w.check(bytes.Equal(got.Data, want.Data), "data %x", got.Data)
				got.Data, want.Data = nil, nil
				w.check(got.Token == want.Token && got.Sender == want.Sender && got.RefundTo == want.RefundTo &&
					got.Destination == want.Destination && got.Recipient == want.Recipient &&
					got.Amount == want.Amount && got.MaxFee == want.MaxFee, "got %+v, want %+v", got, want)
			}
		}
		w.check(w.balance(w.token, w.Address) == 1_000_100, "vault holds %d", w.balance(w.token, w.Address))
		w.check(w.balance(w.wrapped, w.user) == 0 && w.uint("inboxNonce") == w.inbox.Nonce, "not burnt")
		supply, err := w.wrapped.Uint("totalSupply")
		w.must(err)
		w.check(supply == 0, "supply %d", supply)
	})
}

func TestHugeAmounts(t *testing.T) {
	w := newWorld(t)
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	_, err := w.token.Send(w.Owner, "mint", w.user, new(big.Int).Mul(limit, big.NewInt(4)))
	w.must(err)
	_, err = w.token.Send(w.user, "approve", w.Address, new(big.Int).Mul(limit, big.NewInt(4)))
	w.must(err)
	send := func(amount *big.Int) (evmtest.Result, error) {
		return w.Send(w.user, "deposit", w.token.Address, amount, uint64(there), [32]byte{1}, w.user, big.NewInt(0), []byte{})
	}
	_, err = send(limit)
	w.reverts(err, "BadAmount")
	most := new(big.Int).Sub(limit, big.NewInt(1))
	w.follow(send(most))
	got := w.last().(types.Deposited).Amount
	w.check(got.String() == most.String(), "amount %s", got)
}

func TestDepositsNeedActivate(t *testing.T) {
	w := bareWorld(t, evmtest.Osaka)
	w.token = w.deploy("TestToken", "Test", "TST", uint8(18))
	w.stock(w.token)
	_, err := w.deposit(w.good())
	w.reverts(err, "UnknownToken")
	w.register(assetToken, w.token.Address)
	_, err = w.deposit(w.good())
	w.reverts(err, "DepositsOff")
	// SetParams is no way around.
	w.fails(types.EncodeCommand(types.SetParams{ReleaseGas: 300_000, Deposits: true}))
	w.ok(types.SetParams{ReleaseGas: 300_000})
	_, err = w.deposit(w.good())
	w.reverts(err, "DepositsOff")
	w.ok(types.Activate{})
	w.follow(w.deposit(w.good()))
	w.fails(types.EncodeCommand(types.Activate{}))
}

func TestDepositsOffExecutesEverything(t *testing.T) {
	w := newWorld(t)
	w.ok(types.SetParams{ReleaseGas: 300_000, Deposits: false})
	_, err := w.deposit(w.good())
	w.reverts(err, "DepositsOff")
	native := w.good()
	native.token = types.NativeToken
	_, err = w.deposit(native)
	w.reverts(err, "DepositsOff")
	w.ok(w.releases(w.token.Address, strangers(2)...))
	// Activate a second time would be a way to switch on what SetParams switched off.
	w.fails(types.EncodeCommand(types.Activate{}))
	_, err = w.deposit(w.good())
	w.reverts(err, "DepositsOff")
	w.ok(types.SetParams{ReleaseGas: 300_000, Deposits: true})
	w.follow(w.deposit(w.good()))
}

func TestNoCoinByAccident(t *testing.T) {
	w := newWorld(t)
	_, err := w.Chain.Send(evmtest.Tx{From: w.user, To: &w.Address, Value: w.Chain.Balance(w.user).Rsh(w.Chain.Balance(w.user), 4)})
	w.reverts(err, "reverted")
	_, err = w.Send(w.user, "deposit", types.NativeToken, big.NewInt(1), uint64(there), [32]byte{1}, w.user, big.NewInt(0), []byte{})
	w.reverts(err, "UnknownToken")
}

func TestNativeMustBeRegistered(t *testing.T) {
	w := bareWorld(t, evmtest.Osaka)
	w.ok(types.Activate{})
	a := w.good0(types.NativeToken)
	_, err := w.deposit(a)
	w.reverts(err, "UnknownToken")
}

// good0 is a deposit in a world without tokens.
func (w *world) good0(token common.Address) depositArgs {
	return depositArgs{token: token, amount: 100, destination: there, recipient: types.Hash{31: 1}, data: []byte{}}
}

// TestTokensThatDepositOddly: what arrives counts.
func TestTokensThatDepositOddly(t *testing.T) {
	cases := map[string]uint64{"FeeToken": 990, "SilentToken": 1000, "TestToken": 1000}
	for name, want := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			token := w.hostile(name)
			a := w.good()
			a.token = token.Address
			w.follow(w.deposit(a))
			got := w.last().(types.Deposited).Amount
			w.check(got == types.NewAmount(want), "got %s", got)
			w.check(w.balance(token, w.Address) == 1_000_000+want, "vault")
		})
	}
}

// hostile deploys a token, registers it under an asset of its own and stocks it.
func (w *world) hostile(name string) evmtest.Contract {
	var args []any
	if name == "TestToken" {
		args = []any{"Other", "OTH", uint8(18)}
	}
	token := w.deploy(name, args...)
	var asset types.AssetID
	copy(asset[:], name)
	w.register(asset, token.Address)
	w.stock(token)
	return token
}

func TestReentrantDeposit(t *testing.T) {
	w := newWorld(t)
	token := w.hostile("ReentrantToken")
	inner, err := w.ABI.Pack("deposit", token.Address, big.NewInt(10), uint64(there), [32]byte{1}, w.user, big.NewInt(0), []byte{})
	w.must(err)
	_, err = token.Send(w.user, "setHook", w.Address, inner)
	w.must(err)
	a := w.good()
	a.token = token.Address
	w.follow(w.deposit(a))
	w.hookFailed(token)
	w.check(w.last().(types.Deposited).Amount == types.NewAmount(1000), "amount")
}

// hookFailed wants a reentrant contract to have tried, in vain.
func (w *world) hookFailed(c evmtest.Contract) {
	w.t.Helper()
	attempts, err := c.Uint("attempts")
	w.must(err)
	successes, err := c.Uint("successes")
	w.must(err)
	w.check(attempts > 0 && successes == 0, "%d attempts, %d successes", attempts, successes)
}

func TestManyDeposits(t *testing.T) {
	w := newWorld(t)
	many := w.deploy("DepositMany")
	_, err := w.token.Send(w.user, "transfer", many.Address, big.NewInt(5000))
	w.must(err)
	r, err := many.Send(w.user, "run", w.Address, w.token.Address, big.NewInt(5), big.NewInt(300), uint64(there),
		[32]byte{1}, w.user, big.NewInt(0))
	w.follow(r, err)
	n := len(w.inbox.Events)
	for _, e := range w.inbox.Events[n-300:] {
		w.check(e.(types.Deposited).Sender == many.Address, "sender")
	}
	t.Logf("a deposit in one transaction with many: %d gas", r.Gas/300)
}
