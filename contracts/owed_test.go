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

// owe makes a refund of 100 to the user fail, and lifts the cause.
func (w *world) owe() (token evmtest.Contract, nonce uint64) {
	w.t.Helper()
	token = w.hostile("BlacklistToken")
	_, err := token.Send(w.user, "ban", w.user)
	w.must(err)
	receipt := w.do(w.seal(w.refunds(token.Address, strangers(1)[0], w.user)))
	w.check(bytes.Equal(receipt.Failures, []byte{2}), "%+v", receipt)
	return token, receipt.OutboxNonce
}

func TestClaim(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		token, nonce := w.owe()
		to := strangers(2)[1]
		claim := func(from common.Address, nonce uint64, index uint32, token common.Address, amount int64, to common.Address) error {
			_, err := w.Send(from, "claim", nonce, index, token, big.NewInt(amount), to)
			return err
		}
		for name, err := range map[string]error{
			"other owner":   claim(w.relayer, nonce, 1, token.Address, 100, to),
			"other nonce":   claim(w.user, nonce+1, 1, token.Address, 100, to),
			"paid one":      claim(w.user, nonce, 0, token.Address, 100, to),
			"other token":   claim(w.user, nonce, 1, w.token.Address, 100, to),
			"other amount":  claim(w.user, nonce, 1, token.Address, 101, to),
			"nothing there": claim(w.user, nonce, 2, common.Address{}, 0, to),
		} {
			if err == nil {
				t.Errorf("%s: claimed", name)
			}
			w.reverts(err, "NotOwed")
		}
		for _, forbidden := range []common.Address{{}, w.Address, token.Address, w.user} { // the user is banned still
			w.reverts(claim(w.user, nonce, 1, token.Address, 100, forbidden), "PaymentFailed")
		}
		w.follow(w.Send(w.user, "claim", nonce, uint32(1), token.Address, big.NewInt(100), to))
		w.check(w.last() == types.Claimed{
			OutboxNonce: nonce, Index: 1, Token: token.Address, Owner: w.user, Amount: types.NewAmount(100), To: to,
		}, "event %+v", w.last())
		w.check(w.balance(token, to) == 100, "unpaid")
		w.reverts(claim(w.user, nonce, 1, token.Address, 100, to), "NotOwed")
	})
}

func TestClaimWhileDepositsAreOff(t *testing.T) {
	w := newWorld(t)
	token, nonce := w.owe()
	w.ok(types.SetParams{ReleaseGas: 300_000})
	w.follow(w.Send(w.user, "claim", nonce, uint32(1), token.Address, big.NewInt(100), strangers(2)[1]))
}

func TestClaimOfCoinAndReentrancy(t *testing.T) {
	w := newWorld(t)
	bomb, reentrant := w.deploy("BombRecipient"), w.deploy("ReentrantRecipient")
	receipt := w.do(w.seal(w.refunds(types.NativeToken, w.user, bomb.Address)))
	w.check(bytes.Equal(receipt.Failures, []byte{2}), "%+v", receipt)
	nonce := receipt.OutboxNonce
	// A contract that cannot receive cannot call either; impersonate it.
	again, err := w.ABI.Pack("claim", nonce, uint32(1), types.NativeToken, big.NewInt(100), reentrant.Address)
	w.must(err)
	_, err = reentrant.Send(w.user, "setHook", w.Address, again)
	w.must(err)
	w.Chain.SetCode(bomb.Address, nil)
	w.Chain.Fund(bomb.Address, uint256.NewInt(1))
	w.follow(w.Send(bomb.Address, "claim", nonce, uint32(1), types.NativeToken, big.NewInt(100), reentrant.Address))
	w.hookFailed(reentrant)
	w.check(w.Chain.Balance(reentrant.Address).Uint64() == 100, "balance")
}

func TestFees(t *testing.T) {
	underBothRules(t, func(t *testing.T, w *world) {
		second := w.Chain.Account()
		tokens := []common.Address{w.token.Address, types.NativeToken, w.wrapped.Address}
		before := w.uint("claimable", w.relayer, w.wrapped.Address) // from building the world
		for _, token := range tokens {
			w.do(w.seal(w.releases(token, strangers(2)[0], common.Address{}))) // a failed item costs the same
			order := w.seal(w.releases(token, strangers(1)...))
			w.follow(w.Execute(second, order, 0))
		}
		to := strangers(9)[8]
		for _, token := range tokens {
			extra := uint64(0)
			if token == w.wrapped.Address {
				extra = before
			}
			w.check(w.uint("claimable", w.relayer, token) == 6+extra && w.uint("claimable", second, token) == 3, "credited")
			w.check(w.uint("totalClaimable", token) == 9+extra, "total %d", w.uint("totalClaimable", token))
			_, err := w.Send(w.user, "withdrawFees", token, to)
			w.reverts(err, "NothingToWithdraw")
			for _, forbidden := range []common.Address{{}, w.Address, token} {
				_, err := w.Send(w.relayer, "withdrawFees", token, forbidden)
				w.reverts(err, "PaymentFailed")
			}
			r, err := w.Send(w.relayer, "withdrawFees", token, to)
			w.follow(r, err)
			w.check(new(big.Int).SetBytes(r.Output).Uint64() == 6+extra, "returned %x", r.Output)
			_, err = w.Send(w.relayer, "withdrawFees", token, to)
			w.reverts(err, "NothingToWithdraw")
			w.check(w.uint("claimable", second, token) == 3 && w.uint("totalClaimable", token) == 3, "the other's fees")
		}
		w.check(w.balance(w.token, to) == 6 && w.Chain.Balance(to).Uint64() == 6 && w.balance(w.wrapped, to) == 6+before, "paid")
	})
}

func TestAbsurdFeesDoNotStopABatch(t *testing.T) {
	w := newWorld(t)
	most, err := types.AmountFromBytes(bytes.Repeat([]byte{255}, 16))
	w.must(err)
	batch := w.releases(w.token.Address, strangers(2)...)
	for i := range batch.Entries {
		batch.Entries[i].Fee = most
	}
	w.ok(batch)
	w.check(w.uint("totalClaimable", w.token.Address) == 0, "credited")
	w.ok(w.releases(w.token.Address, strangers(2)...))
	w.check(w.uint("totalClaimable", w.token.Address) == 6, "not credited")
}

// limit sets the flow limit of the world's token.
func (w *world) limit(capacity, rate uint64) {
	w.ok(types.SetParams{ReleaseGas: 300_000, Deposits: true, Tokens: []types.TokenParams{{
		Token: w.token.Address, Limit: types.TokenLimit{Capacity: types.NewAmount(capacity), Rate: types.NewAmount(rate)},
	}}})
}

// failures executes releases of 100 each to n strangers.
func (w *world) failures(n int) []byte {
	return w.do(w.seal(w.releases(w.token.Address, strangers(n)...))).Failures
}

func TestFlowLimit(t *testing.T) {
	w := newWorld(t)
	w.limit(250, 10)
	w.check(bytes.Equal(w.failures(3), []byte{4}), "the third exceeds the limit")
	w.check(bytes.Equal(w.failures(1), []byte{1}), "50 are left")
	w.Chain.Time += 4
	w.check(bytes.Equal(w.failures(1), []byte{1}), "90 are there")
	w.Chain.Time++
	w.check(len(w.failures(1)) == 0, "100 are there")
	w.check(bytes.Equal(w.failures(1), []byte{1}), "none is left")
	w.Chain.Time += 1_000_000
	w.check(bytes.Equal(w.failures(4), []byte{0b1100}), "never above the capacity")

	// A payout that fails takes nothing out of the bucket.
	w.Chain.Time += 1_000_000
	to := append([]common.Address{{}, {}, {}}, strangers(2)...)
	receipt := w.do(w.seal(w.releases(w.token.Address, to...)))
	w.check(bytes.Equal(receipt.Failures, []byte{7}), "%08b", receipt.Failures)

	// Two groups of one batch share the bucket.
	w.Chain.Time += 1_000_000
	batch := w.releases(w.token.Address, strangers(2)...)
	batch.Entries = append(batch.Entries, w.refunds(w.token.Address, strangers(2)...).Entries...)
	receipt = w.do(w.seal(batch))
	w.check(bytes.Equal(receipt.Failures, []byte{0b1100}), "%08b", receipt.Failures)

	// Other tokens have none.
	w.ok(w.releases(types.NativeToken, strangers(5)...))
	// A lowered limit keeps its level, a lifted one is gone, a new one starts full.
	w.limit(100, 0)
	w.check(bytes.Equal(w.failures(1), []byte{1}), "50 are left")
	w.limit(0, 0)
	w.check(len(w.failures(5)) == 0, "no limit")
	w.limit(100, 0)
	w.check(bytes.Equal(w.failures(2), []byte{2}), "full")
	most := types.TokenLimit{}
	most.Capacity, _ = types.AmountFromBytes(bytes.Repeat([]byte{255}, 16))
	most.Rate = most.Capacity
	w.ok(types.SetParams{ReleaseGas: 300_000, Deposits: true, Tokens: []types.TokenParams{{Token: w.token.Address, Limit: most}}})
	w.Chain.Time += 1 << 40
	w.check(len(w.failures(3)) == 0, "nothing overflows")
}

// A debt above the capacity could never be paid by what flows back: it takes a
// full bucket, and leaves an empty one.
func TestClaimAboveTheCapacity(t *testing.T) {
	w := newWorld(t)
	w.limit(50, 1)
	receipt := w.do(w.seal(w.refunds(w.token.Address, w.user, w.user)))
	w.check(bytes.Equal(receipt.Failures, []byte{3}), "beyond the limit, so owed")
	claim := func(index uint32) error {
		r, err := w.Send(w.user, "claim", receipt.OutboxNonce, index, w.token.Address, big.NewInt(100), strangers(1)[0])
		if err == nil {
			w.follow(r, err)
		}
		return err
	}
	w.must(claim(0))
	w.Chain.Time += 49
	w.reverts(claim(1), "LimitExceeded")
	w.Chain.Time++
	w.must(claim(1))
	w.check(w.balance(w.token, strangers(1)[0]) == 200, "both are paid")
}

func TestFlowLimitOfClaimsAndFees(t *testing.T) {
	w := newWorld(t)
	w.limit(50, 1)
	receipt := w.do(w.seal(w.refunds(w.token.Address, w.user)))
	w.check(bytes.Equal(receipt.Failures, []byte{1}), "beyond the limit, so owed")
	claim := func() error {
		r, err := w.Send(w.user, "claim", receipt.OutboxNonce, uint32(0), w.token.Address, big.NewInt(100), strangers(1)[0])
		if err == nil {
			w.follow(r, err)
		}
		return err
	}
	w.limit(101, 1)
	w.Chain.Time += 49
	w.reverts(claim(), "LimitExceeded")
	w.Chain.Time++
	w.must(claim())
	// The bucket is empty: fees come out as fast as it fills.
	_, err := w.Send(w.relayer, "withdrawFees", w.token.Address, strangers(2)[1])
	w.reverts(err, "NothingToWithdraw")
	w.Chain.Time += 2
	_, err = w.Send(w.relayer, "withdrawFees", w.token.Address, strangers(2)[1])
	w.must(err)
	w.check(w.balance(w.token, strangers(2)[1]) == 2 && w.uint("claimable", w.relayer, w.token.Address) == 1, "2 of 3")
}
