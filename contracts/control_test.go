package contracts_test

import (
	"bytes"
	"fmt"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/icrosschain/bridged/contracts"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestConstructor(t *testing.T) {
	good, err := evmtest.NewValidators(3, 1)
	if err != nil {
		t.Fatal(err)
	}
	packed := good.Set.Pack()
	swap := bytes.Clone(packed)
	copy(swap, packed[24:48])
	copy(swap[24:], packed[:24])
	noPower, zero := bytes.Clone(packed), bytes.Clone(packed)
	clear(noPower[44:48])
	clear(zero[:20])
	heavy := bytes.Clone(packed)
	heavy[20] = 0x40 // 2^30 and a little
	sets := map[string][]byte{
		"empty": {}, "not a multiple": packed[:71], "descending": swap, "no power": noPower, "zero address": zero,
		"duplicate": append(bytes.Clone(packed[:24]), packed[:24]...), "too heavy": heavy, "257": manyEntries(257),
	}
	for name, set := range sets {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t}
			chain, err := evmtest.NewChain(here, evmtest.Osaka)
			w.must(err)
			_, err = chain.Deploy(chain.Account(), "Bridge", evmtest.NetworkID, set, common.Address{})
			w.reverts(err, "BadSet")
			if _, err := types.UnpackValidatorSet(set); err == nil {
				t.Error("Go takes the set")
			}
		})
	}
	w := &world{t: t}
	chain, err := evmtest.NewChain(here, evmtest.Osaka)
	w.must(err)
	_, err = chain.Deploy(chain.Account(), "Bridge", [32]byte{}, packed, common.Address{})
	w.reverts(err, "BadNetworkId")
	_, err = chain.Deploy(chain.Account(), "Bridge", [32]byte{1}, manyEntries(256), common.Address{})
	w.must(err)
}

func manyEntries(n int) []byte {
	var set []byte
	for i := range n {
		entry := make([]byte, 24)
		entry[0], entry[1], entry[23] = byte((i+1)>>8), byte(i+1), 1
		set = append(set, entry...)
	}
	return set
}

func TestInitializedIsEventOne(t *testing.T) {
	chain, err := evmtest.NewChain(here, evmtest.Osaka)
	w := &world{t: t}
	w.must(err)
	v, err := evmtest.NewValidators(3, 1)
	w.must(err)
	r, err := chain.Deploy(chain.Account(), "Bridge", evmtest.NetworkID, v.Set.Pack(), common.Address{})
	w.must(err)
	inbox := evmtest.NewInbox(here, r.To)
	w.must(inbox.Follow(r.Logs))
	w.check(inbox.Nonce == 1 && inbox.Events[0] == types.Initialized{SetHash: v.Set.Hash()}, "events %+v", inbox.Events)
}

// TestLayout holds the two slots that observers prove to docs/wire-format.md.
func TestLayout(t *testing.T) {
	artifact, err := contracts.Load("Bridge")
	if err != nil {
		t.Fatal(err)
	}
	want := []contracts.Slot{
		{Label: "inboxNonce", Slot: 0, Offset: 0, Type: "t_uint64"},
		{Label: "outboxNonce", Slot: 0, Offset: 8, Type: "t_uint64"},
		{Label: "nextIndex", Slot: 0, Offset: 16, Type: "t_uint32"},
		{Label: "sealHeight", Slot: 0, Offset: 20, Type: "t_uint64"},
		{Label: "deposits", Slot: 0, Offset: 28, Type: "t_bool"},
		{Label: "inboxHash", Slot: 1, Offset: 0, Type: "t_bytes32"},
	}
	for i, slot := range want {
		if artifact.Layout[i] != slot {
			t.Errorf("variable %d is %+v, want %+v", i, artifact.Layout[i], slot)
		}
	}
	w := newWorld(t)
	w.Height = 0x1122334455667788
	w.ok(types.SetParams{ReleaseGas: 300_000, Deposits: true})
	slot := w.Chain.Storage(w.Address, 0)
	field := func(from, to int) uint64 { return new(big.Int).SetBytes(slot[from:to]).Uint64() }
	w.check(field(24, 32) == w.uint("inboxNonce") && field(16, 24) == w.uint("outboxNonce") && field(12, 16) == 0 &&
		field(4, 12) == w.Height && slot[3] == 1 && field(0, 3) == 0, "slot 0 is %s", slot)
}

func TestMalformedCommands(t *testing.T) {
	w := newWorld(t)
	register := types.RegisterToken{Asset: types.AssetID{9}, Mode: types.ModeMint, Decimals: 6, Name: "Name", Symbol: "SYM"}
	good := map[string][]byte{
		"SetValidators": types.EncodeCommand(types.SetValidators{Epoch: 2, Set: w.Validators.Set}),
		"RegisterToken": types.EncodeCommand(register),
		"SetParams":     types.EncodeCommand(types.SetParams{ReleaseGas: 300_000, Tokens: []types.TokenParams{{Token: w.token.Address}}}),
		"Slash":         types.EncodeCommand(types.Slash{Operator: types.Address{1}, Fraction: 1}),
		"Batch":         types.EncodeCommand(w.releases(w.token.Address, strangers(3)...)),
	}
	for name, command := range good {
		t.Run(name, func(t *testing.T) {
			w := w.fork(t)
			w.fails(append(bytes.Clone(command), 0))
			for _, n := range []int{1, 2, 5, len(command) - 36, len(command) - 1} {
				w.fails(command[:max(n, 1)])
			}
		})
	}
	for name, command := range map[string][]byte{
		"empty": {}, "kind 0": {0}, "kind 7": {7}, "kind 255": {255}, "Activate with body": {1, 0}, "empty batch": {3},
	} {
		t.Run(name, func(t *testing.T) { w.fork(t).fails(command) })
	}
	t.Run("empty SetParams", func(t *testing.T) { w.fork(t).fails([]byte{5}) })
}

func TestSetValidators(t *testing.T) {
	w := newWorld(t)
	next, err := evmtest.NewValidators(7, 8, 1, 2, 3, 4, 5, 6, 7)
	w.must(err)
	bad := next.Set.Pack()
	clear(bad[20:24])
	for name, command := range map[string][]byte{
		"same epoch":    types.EncodeCommand(types.SetValidators{Epoch: 1, Set: next.Set}),
		"epoch zero":    types.EncodeCommand(types.SetValidators{Epoch: 0, Set: next.Set}),
		"epoch skips":   types.EncodeCommand(types.SetValidators{Epoch: 3, Set: next.Set}),
		"empty set":     {2, 0, 0, 0, 0, 0, 0, 0, 2},
		"zero power":    append([]byte{2, 0, 0, 0, 0, 0, 0, 0, 2}, bad...),
		"257 entries":   append([]byte{2, 0, 0, 0, 0, 0, 0, 0, 2}, manyEntries(257)...),
		"half an entry": append([]byte{2, 0, 0, 0, 0, 0, 0, 0, 2}, bad[:36]...),
	} {
		t.Run(name, func(t *testing.T) {
			w := w.fork(t)
			w.fails(command)
			w.check(w.uint("epoch") == 1, "epoch moved")
			w.ok(types.Slash{Operator: types.Address{1}, Fraction: 1})
		})
	}
	w.ok(types.SetValidators{Epoch: 2, Set: next.Set})
	hash, err := w.View("setHash")
	w.must(err)
	w.check(hash[0] == [32]byte(next.Set.Hash()) && w.uint("epoch") == 2 && w.uint("totalPower") == 28, "set not in force")

	order := w.seal(types.SetParams{ReleaseGas: 60_000})
	_, err = w.Execute(w.relayer, order, 0)
	w.reverts(err, "BadEpoch")
	order.Seal.Epoch = 2
	w.must(w.Resign(&order))
	_, err = w.Execute(w.relayer, order, 0)
	w.reverts(err, "BadSet")
	w.Validators, w.Epoch = next, 2
	w.ok(types.SetParams{ReleaseGas: 60_000})
}

func TestRegisterToken(t *testing.T) {
	w := newWorld(t)
	code := w.deploy("TestToken", "Other", "OTH", uint8(18)).Address
	lock := types.RegisterToken{Asset: types.AssetID{9}, Token: code, Mode: types.ModeLock, Decimals: 18}
	mint := types.RegisterToken{Asset: types.AssetID{9}, Mode: types.ModeMint, Decimals: 6, Name: "Name", Symbol: "SYM"}
	cases := map[string]func(c *types.RegisterToken){
		"asset registered":   func(c *types.RegisterToken) { c.Asset = assetToken },
		"zero asset":         func(c *types.RegisterToken) { c.Asset = types.AssetID{} },
		"bad mode":           func(c *types.RegisterToken) { c.Mode = 3 },
		"mode zero":          func(c *types.RegisterToken) { c.Mode = 0 },
		"token registered":   func(c *types.RegisterToken) { c.Token = w.token.Address },
		"native registered":  func(c *types.RegisterToken) { c.Token = types.NativeToken },
		"wrapped registered": func(c *types.RegisterToken) { c.Token = w.wrapped.Address },
		"zero token":         func(c *types.RegisterToken) { c.Token = types.Address{} },
		"no code":            func(c *types.RegisterToken) { c.Token = types.Address{1, 2, 3} },
		"the bridge":         func(c *types.RegisterToken) { c.Token = w.Address },
		"the staking":        func(c *types.RegisterToken) { c.Token = w.staking.Address },
		"lock with a name":   func(c *types.RegisterToken) { c.Name = "Name" },
		"lock with a symbol": func(c *types.RegisterToken) { c.Symbol = "SYM" },
		"mint at an address": func(c *types.RegisterToken) { *c = mint; c.Token = code },
		"mint, no name":      func(c *types.RegisterToken) { *c = mint; c.Name = "" },
		"mint, no symbol":    func(c *types.RegisterToken) { *c = mint; c.Symbol = "" },
		"mint, asset known":  func(c *types.RegisterToken) { *c = mint; c.Asset = assetToken },
	}
	for name, bend := range cases {
		t.Run(name, func(t *testing.T) {
			w := w.fork(t)
			c := lock
			bend(&c)
			w.fails(types.EncodeCommand(c))
			w.ok(lock)
		})
	}
}

func TestWrappedToken(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		limit := types.TokenLimit{Minimum: types.NewAmount(7), Capacity: types.NewAmount(8), Rate: types.NewAmount(9)}
		name := "A name of exactly thirty-two byt"
		w.ok(types.RegisterToken{Asset: types.AssetID{9}, Mode: types.ModeMint, Decimals: 6, Name: name, Symbol: "S", Limit: limit})
		registered := w.inbox.Events[len(w.inbox.Events)-2].(types.TokenRegistered)
		token := w.at("WrappedToken", w.tokenOf(types.AssetID{9}))
		w.check(registered == types.TokenRegistered{
			Asset: types.AssetID{9}, Token: token.Address, Mode: types.ModeMint, Decimals: 6,
		}, "event %+v", registered)
		for method, want := range map[string]any{"name": name, "symbol": "S", "decimals": uint8(6), "bridge": w.Address} {
			v, err := token.View(method)
			w.must(err)
			w.check(v[0] == want, "%s is %v", method, v[0])
		}
		v, err := w.View("tokens", token.Address)
		w.must(err)
		for i, want := range []string{"2", "6", "true", "7", "", "8", "9", "8", "0"} {
			w.check(want == "" || fmt.Sprint(v[i]) == want, "field %d is %v, want %s", i, v[i], want)
		}
		_, err = token.Send(w.user, "mint", w.user, big.NewInt(1))
		w.reverts(err, "OnlyBridge")
		_, err = token.Send(w.user, "burn", w.user, big.NewInt(1))
		w.reverts(err, "OnlyBridge")
	})
}

// TestWrappedTokenWherePaidBefore: the address of a wrapped token is foreseeable.
// Whatever it is sent before, the token is made there.
func TestWrappedTokenWherePaidBefore(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		register := types.RegisterToken{Asset: types.AssetID{9}, Mode: types.ModeMint, Decimals: 6, Name: "Name", Symbol: "SYM"}
		at := w.wrappedAt(register)
		w.ok(w.releases(w.token.Address, at))
		w.ok(w.releases(w.wrapped.Address, at))
		w.ok(w.releases(types.NativeToken, at))
		_, err := w.Chain.Send(evmtest.Tx{From: w.user, To: &at, Value: uint256.NewInt(7), Data: []byte{1}})
		w.must(err)
		w.ok(register)
		w.check(w.tokenOf(register.Asset) == at, "the token is at %s, want %s", w.tokenOf(register.Asset), at)
		w.ok(w.releases(at, w.user))
		w.check(w.balance(w.at("WrappedToken", at), w.user) == 100, "the new token does not pay")
		w.check(w.Chain.Balance(at).Uint64() == 107 && w.balance(w.token, at) == 100, "what the address had is gone")
	})
}

func TestSetParams(t *testing.T) {
	w := newWorld(t)
	token := func(a common.Address, minimum uint64) types.TokenParams {
		return types.TokenParams{Token: a, Limit: types.TokenLimit{Minimum: types.NewAmount(minimum)}}
	}
	w.fails(types.EncodeCommand(types.SetParams{ReleaseGas: 49_999, Deposits: true}))
	w.fails(types.EncodeCommand(types.SetParams{ReleaseGas: 2_000_001, Deposits: true}))
	w.fails([]byte{5, 0, 1, 0, 0, 2})
	// All or nothing: the known token before the unknown one stays as it was.
	w.fails(types.EncodeCommand(types.SetParams{ReleaseGas: 60_000, Tokens: []types.TokenParams{
		token(w.token.Address, 5000), token(common.Address{1}, 1),
	}}))
	w.check(w.uint("releaseGas") == 300_000, "gas cap changed")
	w.follow(w.deposit(w.good()))
	w.ok(types.SetParams{ReleaseGas: 50_000, Deposits: true, Tokens: []types.TokenParams{
		token(w.token.Address, 1001), token(types.NativeToken, 3),
	}})
	_, err := w.deposit(w.good())
	w.reverts(err, "BadAmount")
	w.ok(types.SetParams{ReleaseGas: 2_000_000})
	w.check(w.uint("releaseGas") == 2_000_000, "gas cap")
}

func TestStake(t *testing.T) {
	w := newWorld(t)
	operator := common.Address{8}
	w.follow(w.staking.Send(w.user, "stake", operator, big.NewInt(1000), []byte("hello")))
	staked := w.last().(types.Staked)
	w.check(staked.Operator == operator && staked.Amount == types.NewAmount(1000) && string(staked.Data) == "hello", "%+v", staked)
	w.follow(w.staking.Send(w.user, "unstake", operator, big.NewInt(100)))
	w.check(w.last() == types.Unstaked{Operator: operator, Amount: types.NewAmount(100)}, "%+v", w.last())

	_, err := w.staking.Send(w.user, "stake", operator, big.NewInt(1), make([]byte, 1025))
	w.reverts(err, "DataTooLong")
	_, err = w.Send(w.user, "noteStaked", operator, big.NewInt(1), []byte{})
	w.reverts(err, "OnlyStaking")
	_, err = w.Send(w.Owner, "noteUnstaked", operator, big.NewInt(1))
	w.reverts(err, "OnlyStaking")
}

func TestSlash(t *testing.T) {
	w := newWorld(t)
	operator := types.Address{8}
	w.follow(w.staking.Send(w.user, "stake", operator, big.NewInt(1000), []byte{}))
	w.ok(types.Slash{Operator: operator, Fraction: 250_000})
	// The staking contract reports in the middle of the execution, before the receipt.
	w.check(w.inbox.Events[len(w.inbox.Events)-2] == types.Unstaked{Operator: operator, Amount: types.NewAmount(250)}, "no report")
	w.fails(types.EncodeCommand(types.Slash{Operator: operator}))
	w.fails(types.EncodeCommand(types.Slash{Operator: operator, Fraction: 1_000_001}))
	w.fails(types.EncodeCommand(types.Slash{Fraction: 1}))
	w.callsStakingSafely(types.Slash{Operator: operator, Fraction: 1_000_000})
	w.check(w.inbox.Events[len(w.inbox.Events)-2] == types.Unstaked{Operator: operator, Amount: types.NewAmount(750)}, "no report")
}

func TestReleaseStake(t *testing.T) {
	w := newWorld(t)
	operator := types.Address{8}
	amount, err := types.AmountFromBytes(bytes.Repeat([]byte{0xff}, 16))
	w.must(err)
	w.fails(types.EncodeCommand(types.ReleaseStake{Operator: operator}))
	w.fails(types.EncodeCommand(types.ReleaseStake{Amount: types.NewAmount(1)}))
	good := types.EncodeCommand(types.ReleaseStake{Operator: operator, Amount: types.NewAmount(1)})
	w.fails(append(good, 0))
	w.fails(good[:len(good)-1])
	w.callsStakingSafely(types.ReleaseStake{Operator: operator, Amount: amount})
	got, err := w.staking.View("releasedOf", operator)
	w.must(err)
	w.check(got[0].(*big.Int).Cmp(number(amount)) == 0, "released %s", got[0])
}

// callsStakingSafely: a staking contract that refuses or burns its gas makes the
// command fail, too little gas reverts, and then the command does its work.
func (w *world) callsStakingSafely(c types.Command) {
	w.t.Helper()
	for _, behaviour := range [][]any{{true, false}, {false, true}} {
		_, err := w.staking.Send(w.user, "setBehaviour", behaviour...)
		w.must(err)
		w.fails(types.EncodeCommand(c))
	}
	_, err := w.staking.Send(w.user, "setBehaviour", false, false)
	w.must(err)
	order := w.seal(c)
	_, err = w.Execute(w.relayer, order, 1_100_000)
	w.reverts(err, "TooLittleGas")
	receipt := w.do(order)
	w.check(len(receipt.Failures) == 0, "%s failed", c.Kind())
}

func TestCommandsWithoutStaking(t *testing.T) {
	chain, err := evmtest.NewChain(here, evmtest.Osaka)
	w := &world{t: t}
	w.must(err)
	v, err := evmtest.NewValidators(4, 7)
	w.must(err)
	w.Bridge, err = evmtest.NewBridge(chain, v, common.Address{})
	w.must(err)
	w.relayer = chain.Account()
	for _, c := range []types.Command{
		types.Slash{Operator: types.Address{1}, Fraction: 1},
		types.ReleaseStake{Operator: types.Address{1}, Amount: types.NewAmount(1)},
	} {
		r, err := w.Do(w.relayer, c)
		w.must(err)
		receipts, err := w.Receipts(r)
		w.must(err)
		w.check(len(receipts) == 1 && bytes.Equal(receipts[0].Failures, []byte{1}), "%s: %+v", c.Kind(), receipts)
	}
}
