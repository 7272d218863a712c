package contracts_test

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestBatchPays(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		to := strangers(3)
		var batch types.Batch
		for _, token := range []common.Address{w.token.Address, types.NativeToken, w.wrapped.Address} {
			batch.Entries = append(batch.Entries, w.releases(token, to...).Entries...)
			batch.Entries = append(batch.Entries, w.refunds(token, to...).Entries...)
		}
		receipt := w.ok(batch)
		w.check(receipt.Count == 18 && receipt.Relayer == w.relayer, "%+v", receipt)
		for _, r := range to {
			w.check(w.balance(w.token, r) == 200 && w.balance(w.wrapped, r) == 200 && w.Chain.Balance(r).Uint64() == 200, "unpaid")
		}
		for _, token := range []common.Address{w.token.Address, types.NativeToken} {
			w.check(w.uint("claimable", w.relayer, token) == 18 && w.uint("totalClaimable", token) == 18, "fees")
		}
	})
}

// TestHostileTokens puts one hostile item between two good ones. Only it may
// fail, and the same must hold for a refund, which then is owed.
func TestHostileTokens(t *testing.T) {
	cases := map[string]bool{ // token → whether it pays after all
		"SilentToken": true, "FeeToken": true, "ReentrantToken": true, "FalseToken": false, "OddToken": false,
		"BombToken": false, "HogToken": false, "BlacklistToken": false, "no code": false, "reverts with true": false,
	}
	codes := map[string][]byte{
		"no code":           nil,
		"reverts with true": common.FromHex("600160005260206000fd"), // mstore(0, 1), revert(0, 32)
	}
	underBothRules(t, func(t *testing.T, w *world) {
		for name, pays := range cases {
			t.Run(name, func(t *testing.T) {
				w := w.fork(t)
				to := strangers(3)
				code, replaced := codes[name]
				deployed := name
				if replaced {
					deployed = "TestToken"
				}
				token := w.hostile(deployed)
				switch {
				case replaced:
					w.Chain.SetCode(token.Address, code)
				case name == "BlacklistToken":
					_, err := token.Send(w.user, "ban", to[1])
					w.must(err)
				}
				w.between(token.Address, to, types.EntryRelease, pays)
				w.between(token.Address, to, types.EntryRefund, pays)
			})
		}
	})
}

// between runs a batch of a good item, one of token, a good one.
func (w *world) between(token common.Address, to []common.Address, kind types.EntryKind, pays bool) {
	w.t.Helper()
	before := w.balance(w.token, to[0]) + w.balance(w.token, to[2])
	batch := w.releases(w.token.Address, to[0])
	batch.Entries = append(batch.Entries, w.entries(kind, token, to[1]).Entries...)
	batch.Entries = append(batch.Entries, w.releases(w.token.Address, to[2]).Entries...)
	receipt := w.do(w.seal(batch))
	want := []byte{2}
	if pays {
		want = nil
	}
	w.check(receipt.Count == 3 && bytes.Equal(receipt.Failures, want), "receipt %+v, want failures %x", receipt, want)
	w.check(w.balance(w.token, to[0])+w.balance(w.token, to[2]) == before+200, "the good items were not paid")
	owed, err := w.View("owed", new(big.Int).SetUint64(receipt.OutboxNonce<<32|1))
	w.must(err)
	isOwed := owed[0].([32]byte) != [32]byte{}
	w.check(isOwed == (!pays && kind == types.EntryRefund), "owed is %v", isOwed)
}

func TestForbiddenRecipients(t *testing.T) {
	w := newWorld(t)
	for _, token := range []common.Address{w.token.Address, types.NativeToken, w.wrapped.Address} {
		batch := w.releases(token, common.Address{}, w.Address, token, strangers(1)[0])
		receipt := w.do(w.seal(batch))
		w.check(bytes.Equal(receipt.Failures, []byte{0b0111}), "%s: failures %08b", token, receipt.Failures)
	}
}

func TestHostileRecipientsOfCoin(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		reentrant, bomb := w.deploy("ReentrantRecipient"), w.deploy("BombRecipient")
		order := w.seal(w.releases(types.NativeToken, strangers(1)...))
		inner, err := w.Pack(order)
		w.must(err)
		_, err = reentrant.Send(w.user, "setHook", w.Address, inner)
		w.must(err)
		token := w.token.Address // has no receive function
		batch := w.releases(types.NativeToken, strangers(1)[0], reentrant.Address, bomb.Address, token, w.user)
		receipt := w.do(w.seal(batch))
		w.check(bytes.Equal(receipt.Failures, []byte{0b01100}), "failures %08b", receipt.Failures)
		w.hookFailed(reentrant)
		w.check(w.Chain.Balance(reentrant.Address).Uint64() == 100, "unpaid")
	})
}

// TestReentrantToken tries every locked function out of a payout, and may
// report stake, which is not locked.
func TestReentrantToken(t *testing.T) {
	w := newWorld(t)
	token := w.hostile("ReentrantToken")
	order, err := w.Pack(w.seal(w.releases(token.Address, strangers(1)...)))
	w.must(err)
	withdraw, err := w.ABI.Pack("withdrawFees", w.token.Address, w.user)
	w.must(err)
	claim, err := w.ABI.Pack("claim", uint64(1), uint32(0), w.token.Address, big.NewInt(1), w.user)
	w.must(err)
	deposit, err := w.ABI.Pack("deposit", w.token.Address, big.NewInt(1), uint64(there), [32]byte{1}, w.user, big.NewInt(0), []byte{})
	w.must(err)
	native, err := w.ABI.Pack("depositNative", uint64(there), [32]byte{1}, w.user, big.NewInt(0), []byte{})
	w.must(err)
	for name, inner := range map[string][]byte{
		"execute": order, "withdrawFees": withdraw, "claim": claim, "deposit": deposit, "depositNative": native,
	} {
		t.Run(name, func(t *testing.T) {
			w := w.fork(t)
			token := w.at("ReentrantToken", token.Address)
			_, err := token.Send(w.user, "setHook", w.Address, inner)
			w.must(err)
			w.ok(w.releases(token.Address, strangers(2)...))
			w.hookFailed(token)
		})
	}
	stake, err := w.staking.ABI.Pack("stake", w.user, big.NewInt(5), []byte{})
	w.must(err)
	_, err = token.Send(w.user, "setHook", w.staking.Address, stake)
	w.must(err)
	w.ok(w.releases(token.Address, strangers(2)...))
	// The observer of this test has followed both reports, then the receipt.
	n := len(w.inbox.Events)
	w.check(w.inbox.Events[n-3].Kind() == types.EventStaked && w.inbox.Events[n-2].Kind() == types.EventStaked, "order of events")
}

func TestUnknownTokenFailsWithoutFee(t *testing.T) {
	w := newWorld(t)
	unknown := w.deploy("TestToken", "Other", "OTH", uint8(18)).Address
	batch := w.releases(unknown, strangers(2)...)
	batch.Entries = append(batch.Entries, w.releases(w.token.Address, strangers(1)...).Entries...)
	receipt := w.do(w.seal(batch))
	w.check(receipt.Count == 3 && bytes.Equal(receipt.Failures, []byte{3}), "%+v", receipt)
	w.check(w.uint("claimable", w.relayer, unknown) == 0 && w.uint("claimable", w.relayer, w.token.Address) == 3, "fees")
}

func TestVaultRunsEmpty(t *testing.T) {
	w := newWorld(t)
	batch := w.releases(w.token.Address, strangers(3)...)
	amount := types.NewAmount(400_000)
	for i := range batch.Entries {
		batch.Entries[i].Amount = amount
	}
	receipt := w.do(w.seal(batch))
	w.check(bytes.Equal(receipt.Failures, []byte{4}), "%+v", receipt)
	w.Chain.Fund(w.Address, uint256.NewInt(150))
	receipt = w.do(w.seal(w.releases(types.NativeToken, strangers(3)...)))
	w.check(bytes.Equal(receipt.Failures, []byte{6}), "%+v", receipt)
}

func TestFailuresBitmap(t *testing.T) {
	w := newWorld(t)
	to := strangers(20)
	for _, i := range []int{0, 7, 8, 15, 19} {
		to[i] = common.Address{}
	}
	receipt := w.do(w.seal(w.releases(w.token.Address, to...)))
	w.check(bytes.Equal(receipt.Failures, []byte{0x81, 0x81, 0x08}), "%x", receipt.Failures)
}

// TestSlices executes a batch of several groups with little gas each time, and
// wants the same money and failures as in one go.
func TestSlices(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		to := strangers(60)
		bad := map[int]bool{3: true, 19: true, 20: true, 41: true, 59: true}
		var batch types.Batch
		for i, r := range to {
			token := []common.Address{w.token.Address, types.NativeToken, w.wrapped.Address}[i/20]
			if bad[i] {
				r = common.Address{}
			}
			kind := types.EntryRelease
			if i%20 > 9 {
				kind = types.EntryRefund
			}
			batch.Entries = append(batch.Entries, w.entries(kind, token, r).Entries...)
		}
		order := w.seal(batch)
		done, slices := w.uint("outboxNonce"), 0
		for int(order.From) < len(to) {
			r := w.follow(w.Execute(w.relayer, order, 1_400_000))
			receipt := w.inbox.Events[len(w.inbox.Events)-1].(types.Executed)
			w.check(receipt.First == order.From && r.Gas <= 1_400_000, "%+v", receipt)
			for i := range receipt.Count {
				w.check(receipt.Failed(i) == bad[int(receipt.First+i)], "item %d", receipt.First+i)
			}
			slices++
			stale := order
			order.From += receipt.Count
			if int(order.From) < len(to) {
				w.check(w.uint("nextIndex") == uint64(order.From) && w.uint("outboxNonce") == done, "position")
				_, err := w.Execute(w.relayer, stale, 0)
				w.reverts(err, "BadIndex")
			}
		}
		w.check(slices > 2, "%d slices", slices)
		w.check(w.uint("nextIndex") == 0 && w.uint("outboxNonce") == done+1, "position")
		for i, r := range to {
			if !bad[i] {
				paid := w.balance(w.token, r) + w.balance(w.wrapped, r) + w.Chain.Balance(r).Uint64()
				w.check(paid == 100, "item %d was paid %d", i, paid)
			}
		}
		w.check(w.uint("claimable", w.relayer, w.token.Address) == 60, "fees")
	})
}

// TestStateGasBesides: Amsterdam lets a transaction have more gas than 2^24, for
// new state only. The contract cannot see that part and must not trip over it.
func TestStateGasBesides(t *testing.T) {
	w := worlds[evmtest.Amsterdam]().fork(t)
	order := w.seal(w.releases(w.token.Address, strangers(250)...))
	r := w.follow(w.Execute(w.relayer, order, 3*evmtest.Plenty))
	receipt := w.last().(types.Executed)
	w.check(receipt.Count == 250 && len(receipt.Failures) == 0, "%+v", receipt)
	w.check(r.Gas > evmtest.Plenty, "took %d gas", r.Gas)
}

// TestGasGriefing: whatever gas a relayer gives, no item that would be paid
// with its full gas is marked failed.
func TestGasGriefing(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		token := w.hostile("ThresholdToken")
		// Between the gas cap and what is left of it when the token looks.
		_, err := token.Send(w.user, "setThreshold", big.NewInt(299_000))
		w.must(err)
		order := w.seal(w.refunds(token.Address, strangers(4)...))
		paid, refused := 0, 0
		for gas := uint64(100_000); gas < 1_600_000; gas += 9_973 {
			f := w.fork(t)
			r, err := f.Execute(f.relayer, order, gas)
			if err != nil {
				refused++
				continue
			}
			f.follow(r, err)
			receipt := f.last().(types.Executed)
			f.check(len(receipt.Failures) == 0, "with %d gas: %+v", gas, receipt)
			paid++
		}
		w.check(paid > 10 && refused > 10, "%d paid, %d refused", paid, refused)
		_, err = w.Execute(w.relayer, order, 500_000)
		w.reverts(err, "TooLittleGas")
	})
}

// TestReserves: a slice that was begun can be ended. Once the gas suffices for
// one item, no higher limit makes the transaction run out of gas, with the
// dearest bookkeeping there is: refunds to write down, new accounts, a relayer
// without fees, all limits on.
func TestReserves(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		hog, bomb := w.hostile("HogToken"), w.deploy("BombRecipient")
		limit := types.TokenLimit{Capacity: types.NewAmount(1 << 40), Rate: types.NewAmount(1)}
		var params []types.TokenParams
		for _, token := range []common.Address{w.token.Address, w.wrapped.Address, types.NativeToken, hog.Address} {
			params = append(params, types.TokenParams{Token: token, Limit: limit})
		}
		w.ok(types.SetParams{ReleaseGas: 250_000, Deposits: true, Tokens: params})
		w.Chain.Time += 12
		to := strangers(9)
		var batch types.Batch
		for _, group := range []types.Batch{
			w.releases(types.NativeToken, to[0], bomb.Address, to[1]), w.refunds(types.NativeToken, bomb.Address, to[2], bomb.Address),
			w.refunds(hog.Address, to[:2]...), w.releases(w.wrapped.Address, to[3:5]...), w.refunds(w.token.Address, to[5:]...),
		} {
			batch.Entries = append(batch.Entries, group.Entries...)
		}
		order := w.seal(batch)
		enough := false
		for gas := uint64(600_000); gas < 4_500_000; gas += 17_977 {
			f := w.fork(t)
			f.relayer = f.Chain.Account()
			_, err := f.Execute(f.relayer, order, gas)
			if !enough && err != nil {
				f.reverts(err, "TooLittleGas")
				continue
			}
			if err != nil {
				t.Fatalf("with %d gas: %v", gas, err)
			}
			enough = true
		}
		w.check(enough, "never enough")
	})
}

// TestHogsTakeTheirCapOnly: a slice whose items all burn what they get still ends.
func TestHogsTakeTheirCapOnly(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		token := w.hostile("HogToken")
		order := w.seal(w.refunds(token.Address, strangers(8)...))
		for order.From < 8 {
			w.follow(w.Execute(w.relayer, order, 2_500_000))
			receipt := w.last().(types.Executed)
			w.check(receipt.Count > 0 && receipt.Count < 8, "%+v", receipt)
			order.From += receipt.Count
		}
	})
}

func TestBatchOfMaximalSize(t *testing.T) {
	w := newWorld(t)
	batch := w.releases(w.token.Address, make([]common.Address, types.MaxBatchItems)...)
	order := w.seal(batch)
	receipt := w.do(order)
	w.check(receipt.Count == types.MaxBatchItems && len(receipt.Failures) == types.MaxBatchItems/8, "%d items", receipt.Count)
	batch.Entries = append(batch.Entries, batch.Entries[0])
	w.fails(types.EncodeCommand(batch))
}

func TestEmptyGroupIsMalformed(t *testing.T) {
	w := newWorld(t)
	good := types.EncodeCommand(w.releases(w.token.Address, strangers(1)...))
	empty := append(bytes.Clone(good), good[1:40]...) // a second group, with its header only
	empty[len(empty)-1] = 0
	w.fails(empty)
	badKind := bytes.Clone(good)
	badKind[1] = 3
	w.fails(badKind)
	badKind[1] = 0
	w.fails(badKind)
	w.check(w.balance(w.token, strangers(1)[0]) == 0, "a malformed batch paid")
}
