package node

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A validator that has blocks and has lost the record of the seals it signed, or
// holds another network's, does not start, until its operator says so.
func TestLostRecordOfSealsStopsTheStart(t *testing.T) {
	home := newHome(t)
	runTo(t, home, 2)
	file := home.SignedSealsFile()
	refused := func(what string) {
		t.Helper()
		n, err := Open(t.Context(), options(t, home, io.Discard))
		if !errors.Is(err, ErrSigningSafety) || !errors.Is(err, signer.ErrGuard) {
			t.Fatalf("%s: %v", what, err)
		}
		if n != nil {
			t.Fatal("a node is open")
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	refused("lost")
	if err := signer.CreateGuard(file, evmsig.NetworkID("another-1")); err != nil {
		t.Fatal(err)
	}
	refused("of another network")
	old, err := ForgetSeals(home)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.CheckGuard(old, evmsig.NetworkID("another-1")); err != nil {
		t.Errorf("the old record: %v", err)
	}
	runTo(t, home, 4)
}

// What a seal was signed with is kept through a reset, and forgotten only if that
// is asked for; a node without signer key needs no record.
func TestResetKeepsTheRecordOfSeals(t *testing.T) {
	home := newHome(t)
	runTo(t, home, 2)
	network := evmsig.NetworkID("test-1")
	g, err := signer.OpenGuard(home.SignedSealsFile(), network)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Allow([]signer.Signed{{Height: 1, Digest: types.Hash{1}}}); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ResetData(home, config.Default().State, false); err != nil {
		t.Fatal(err)
	}
	if seals, err := signer.CheckGuard(home.SignedSealsFile(), network); err != nil || seals != 1 {
		t.Fatalf("%d seals, %v", seals, err)
	}
	if err := ResetData(home, config.Default().State, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(home.SignedSealsFile()); !os.IsNotExist(err) {
		t.Fatalf("after forgetting: %v", err)
	}
	runTo(t, home, 2) // makes a new one
	if err := os.Remove(home.SignedSealsFile()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(home.Keys()); err != nil {
		t.Fatal(err)
	}
	runTo(t, home, 4)
}
