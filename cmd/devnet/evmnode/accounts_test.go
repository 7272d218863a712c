package evmnode_test

import (
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

func TestDevAccountsAreDeterministic(t *testing.T) {
	first, again := evmnode.DevAccounts("seed", 3), evmnode.DevAccounts("seed", 4)
	seen := map[string]bool{}
	for i, account := range first {
		if account.Address != again[i].Address || !account.Key.Equal(again[i].Key) {
			t.Errorf("account %d changed", i)
		}
		if crypto.PubkeyToAddress(account.Key.PublicKey) != account.Address {
			t.Errorf("account %d: the address is another key's", i)
		}
		seen[account.Address.Hex()] = true
	}
	if len(seen) != 3 || seen[evmnode.DevAccounts("other", 1)[0].Address.Hex()] {
		t.Error("two accounts share an address")
	}
	// Written down so that a change of the derivation does not go unnoticed:
	// kept devnet directories hold funds of these accounts.
	if got, want := first[0].Address.Hex(), "0x3A75d73E61C5679D51880950fAfb4C6e02D753f9"; got != want {
		t.Errorf("first account of \"seed\" is %s, want %s", got, want)
	}
}
