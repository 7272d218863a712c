package node

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/observer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A chain whose configuration contradicts the network is not served, and that
// is told; one that the network does not know yet is waited for.
func TestAwaitChain(t *testing.T) {
	home := newHome(t)
	genesis, err := ReadGenesis(home.GenesisFile())
	if err != nil {
		t.Fatal(err)
	}
	genesis.State.Chains = []types.Chain{{
		ID: 7, Label: "alpha", Bridge: types.Address{1}, BatchGas: types.DefaultBatchGas, ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: types.DefaultExpiry,
	}}
	if err := genesis.Write(home.GenesisFile()); err != nil {
		t.Fatal(err)
	}
	runTo(t, home, 2)
	var log bytes.Buffer
	n, err := Open(t.Context(), options(t, home, &log))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	n.log = slog.New(slog.NewTextHandler(&log, nil))
	state := newView(n.app, nil)
	configured := func(name string, id uint64, contract byte) config.Chain {
		c := config.DefaultChain()
		c.Name, c.ID, c.Contract = name, id, types.Address{contract}
		return c
	}
	if err := n.awaitChain(t.Context(), configured("alpha", 7, 1), state); err != nil {
		t.Errorf("the right chain: %v", err)
	}
	if err := n.awaitChain(t.Context(), configured("alpha", 7, 2), state); err == nil || !strings.Contains(log.String(), "contradicts the network") {
		t.Errorf("another contract: %v, log %s", err, log.String())
	}
	if err := n.awaitChain(t.Context(), configured("gamma", 7, 1), state); err == nil {
		t.Error("another label was taken")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := n.awaitChain(ctx, configured("beta", 8, 1), state); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an unknown chain: %v", err)
	}
	if !strings.Contains(log.String(), "does not know this chain") {
		t.Errorf("log %s", log.String())
	}
	failing := n.health.Ready()
	if len(failing) != 3 || failing[0].Check != "chain_alpha" || failing[1].Check != "chain_gamma" || failing[2].Check != "chains" {
		t.Errorf("health %+v", failing)
	}
}

// A chain without endpoints is followed and not observed: trouble for a validator,
// and none for another node.
func TestChainWithoutEndpoints(t *testing.T) {
	home := newHome(t)
	genesis, err := ReadGenesis(home.GenesisFile())
	check(t, err)
	genesis.State.Chains = []types.Chain{{
		ID: 7, Label: "alpha", Bridge: types.Address{1}, BatchGas: types.DefaultBatchGas, ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: types.DefaultExpiry,
	}}
	check(t, genesis.Write(home.GenesisFile()))
	loaded, err := config.Load(home, nil)
	check(t, err)
	stub := config.DefaultChain()
	stub.Name, stub.ID, stub.Contract = "alpha", 7, types.Address{1}
	loaded.Chains = []config.Chain{stub}
	check(t, config.Write(home, loaded.Config))
	log := &syncBuffer{}
	n := running(t, options(t, home, log))
	await(t, "a block", func() bool { return n.store.Version() > 0 })
	if len(n.chains) != 0 || !strings.Contains(log.String(), "does not observe the chain") {
		t.Errorf("%d chains are observed, log %s", len(n.chains), log)
	}
	if err := n.observesAll(n.self); err == nil || !strings.Contains(err.Error(), "alpha is not observed") {
		t.Errorf("as a validator: %v", err)
	}
	if err := n.observesAll(types.ValidatorID{}); err != nil {
		t.Errorf("as a full node: %v", err)
	}
}

func TestObserverTrouble(t *testing.T) {
	for want, status := range map[string]observer.Status{
		"refuses":             {Refused: "another validator set", ProvenAt: time.Now()},
		"oh":                  {Error: "oh", ProvenAt: time.Now()},
		"no finalised block":  {},
		"(none, all is well)": {ProvenAt: time.Now()},
		"(none, it is the chain that is wrong)": {
			Error: "oh", ProvenAt: time.Now(), Alarm: types.AlarmContradiction,
		},
	} {
		err := observerTrouble(status)
		if strings.HasPrefix(want, "(") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", status, err, want)
		}
	}
}
