package node

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/relayer"
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
	if described, gathered := gatherAll(t, newMetrics(n, newView(n.app, nil)), "alpha", "own (127.0.0.1:1)", "header", "proof", "receipts"); gathered != described {
		t.Errorf("%d metrics are gathered, %d described", gathered, described)
	}
	if report := n.report(); len(report.Chains) != 1 || len(report.Chains[0].Endpoints) != 1 || report.Chains[0].MinAgree != 1 ||
		report.Chains[0].Endpoints[0].Endpoint != "own (127.0.0.1:1)" || report.Chains[0].Endpoints[0].State != evm.StateUp {
		t.Errorf("report %+v", report)
	}
	gatherAll(t, newRelayerMetrics(n.relayers), append(relayer.Holds(), "alpha")...)
}

// TestRelayerMetricsOfAnAccount has those that need a look at the chain.
func TestRelayerMetricsOfAnAccount(t *testing.T) {
	status := relayer.Status{
		Looked: time.Now(), Hold: "spending_limit", Low: true, Sent: 5,
		Spent: relayer.Spent{Limit: types.NewAmount(2e18), Paid: types.NewAmount(1e18), Transactions: 4},
	}
	status.Position.Account.Balance = types.NewAmount(3e18)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(standing{newRelayerMetrics(nil), status})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.Metric {
			got[family.GetName()] += metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"balance_coins": 3, "low_balance_level": 1, "lasts_days": 3, "lasts_commands": 12, "spent_day_coins": 1,
		"limit_day_coins": 2, "hold_level": 1, "sent_transactions_total": 5, "trouble_level": 0,
	} {
		if have, found := got["bridged_relayer_"+name]; !found || have != want {
			t.Errorf("%s is %v, want %v", name, have, want)
		}
	}
}

// standing is a relayer that stands still.
type standing struct {
	*relayerMetrics
	status relayer.Status
}

func (s standing) Collect(out chan<- prometheus.Metric) { s.collect(out, "alpha", s.status) }

// gatherAll wants every metric that is described, with these labels only.
func gatherAll(t *testing.T, collector prometheus.Collector, labels ...string) (described, gathered int) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(collector); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	descriptions := make(chan *prometheus.Desc, 100)
	collector.Describe(descriptions)
	for _, family := range families {
		for _, metric := range family.Metric {
			for _, label := range metric.Label {
				if v := label.GetValue(); label.GetName() == "class" {
					if !slices.Contains(evm.Classes(), v) {
						t.Errorf("%s has class %q", family.GetName(), v)
					}
				} else if !slices.Contains(labels, v) {
					t.Errorf("%s has label %s=%q", family.GetName(), label.GetName(), v)
				}
			}
		}
	}
	return len(descriptions), len(families)
}
