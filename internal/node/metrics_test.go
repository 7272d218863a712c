package node

import (
	"io"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Every metric is gathered, with labels that the configuration bounds and
// without the secrets of endpoints.
func TestMetrics(t *testing.T) {
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
	if _, err := signer.NewStore(home.String(), signer.LightScrypt()).Create(signer.RoleRelayer, "default", signer.NewPassphrase("secret")); err != nil {
		t.Fatal(err)
	}
	o := options(t, home, io.Discard)
	c := config.DefaultChain()
	c.Name, c.ID, c.Contract, c.MinAgree, c.SingleEndpoint = "alpha", 7, types.Address{1}, 1, true
	c.Endpoints = []config.Endpoint{{URL: "http://user:word@127.0.0.1:1/v3/KEY", Group: "own"}}
	o.App.Chains, o.App.Relayer.PassphraseFile = []config.Chain{c}, "passphrase"
	n, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	registry := prometheus.NewPedanticRegistry()
	collector := newMetrics(n, view{app: n.app})
	if err := registry.Register(collector); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	descriptions := make(chan *prometheus.Desc, 100)
	collector.Describe(descriptions)
	if len(families) != len(descriptions) {
		t.Errorf("%d metrics are gathered, %d described", len(families), len(descriptions))
	}
	for _, family := range families {
		for _, metric := range family.Metric {
			for _, label := range metric.Label {
				if v := label.GetValue(); v != "alpha" && v != "own (127.0.0.1:1)" {
					t.Errorf("%s has label %s=%q", family.GetName(), label.GetName(), v)
				}
			}
		}
	}
}
