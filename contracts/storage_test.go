package contracts_test

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// TestStorageIsWhatViewsSay holds evmtest's reading of storage, which the random
// tests rest on, to the contract's own view functions.
func TestStorageIsWhatViewsSay(t *testing.T) {
	w := newWorld(t)
	w.limit(150, 3)
	w.Chain.Time += 5
	w.follow(w.deposit(w.good()))
	receipt := w.do(w.seal(w.refunds(w.token.Address, w.user, w.user)))
	w.check(len(receipt.Failures) == 1, "the second is owed")
	w.ok(w.releases(w.wrapped.Address, w.user))
	order := w.seal(w.releases(types.NativeToken, strangers(20)...))
	w.follow(w.Execute(w.relayer, order, 1_200_000)) // a slice

	view := func(method string, args ...any) string {
		values, err := w.View(method, args...)
		w.must(err)
		return fmt.Sprint(values)
	}
	said := fmt.Sprint
	state := w.State()
	w.check(state.NextIndex > 0, "no slice")
	for method, want := range map[string]any{
		"inboxNonce": state.InboxNonce, "inboxHash": [32]byte(state.InboxHash), "outboxNonce": state.OutboxNonce,
		"nextIndex": state.NextIndex, "sealHeight": state.SealHeight, "deposits": state.Deposits, "activated": state.Activated,
		"epoch": state.Epoch, "setHash": [32]byte(state.SetHash), "totalPower": state.TotalPower, "releaseGas": state.ReleaseGas,
	} {
		w.check(view(method) == said([]any{want}), "%s: %s, storage says %v", method, view(method), want)
	}
	for _, token := range []common.Address{w.token.Address, w.wrapped.Address, types.NativeToken} {
		s := w.TokenState(token)
		want := said([]any{uint8(s.Mode), s.Decimals, s.Limited, s.Minimum, s.Updated, s.Capacity, s.Rate, s.Level, s.Fees})
		w.check(view("tokens", token) == want, "token %s: %s, storage says %s", token, view("tokens", token), want)
		fees := w.Claimable(w.relayer, token)
		w.check(view("claimable", w.relayer, token) == said([]any{fees}), "fees in %s", token)
	}
	owed := w.Owed(receipt.OutboxNonce, 1)
	w.check(owed != common.Hash{}, "nothing is owed")
	w.check(view("owed", new(big.Int).SetUint64(receipt.OutboxNonce<<32|1)) == said([]any{[32]byte(owed)}), "owed %s", owed)
	w.check(types.NewAmount(w.balance(w.token, w.user)) == w.Chain.Holding(w.token.Address, w.user), "balance")
	supply, err := w.wrapped.Uint("totalSupply")
	w.must(err)
	w.check(types.NewAmount(supply) == w.Chain.TokenSupply(w.wrapped.Address) && supply > 0, "supply %d", supply)
}
