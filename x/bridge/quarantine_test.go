package bridge_test

import (
	"testing"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A burn of more than was ever minted stops its asset on that chain until its
// last record is resolved, whichever way; another asset and another chain go on.
func TestOverBurnIsResolved(t *testing.T) {
	for _, action := range []types.QuarantineAction{types.QuarantineCredit, types.QuarantineRefund, types.QuarantineDrop} {
		t.Run(action.String(), func(t *testing.T) {
			n := newMoney(t, nil)
			n.Send(goldFor(bob, 100), alpha)
			n.Settle(12)
			overburn(n, 130) // 30 of them never existed
			burned := types.TransferID{Source: beta, Nonce: uint64(len(n.Chains[beta].Inbox()))}
			run(n, 3)
			records := query[[]bridge.QuarantineView](t, n, "quarantine", bridge.QueryArgs{Chain: "beta"})
			if len(records) != 1 || records[0].Reason != types.ReasonOverBurn || records[0].Amount != units(130) ||
				records[0].Chain != beta || records[0].Nonce != burned.Nonce || records[0].Asset != gold {
				t.Fatalf("%+v", records)
			}
			wantSentence(t, records[0].Text)
			wantSentence(t, records[0].Next)
			if s := supplyOf(t, n, gold); s.Quarantined != units(130) || s.Deficit != units(30) || !balanceOf(t, n, gold, beta).Supply.IsZero() {
				t.Errorf("%+v", s)
			}
			if !limitsOf(t, n, "beta", gold).Stopped || limitsOf(t, n, "alpha", gold).Stopped {
				t.Error("stopped elsewhere, or not at all")
			}
			there := n.Send(goldFor(bob, 50), alpha)
			coin := n.Send(bridgetest.To(beta, bob, types.NativeToken, alice, ether(1)), alpha)
			run(n, 6)
			wantAt(t, n, there, types.StatusHeld, types.ReasonAssetStopped)
			wantReleased(t, n, coin)

			pass(t, n, resolve(records[0].ID, action))
			refused(t, n, resolve(records[0].ID, action), "no such record")
			run(n, 8)
			wantReleased(t, n, there)
			s := supplyOf(t, n, gold)
			switch action {
			case types.QuarantineCredit: // out of what the validators' word now covers
				wantReleased(t, n, burned)
				wantBalance(t, n, alpha, goldToken, carol, units(130))
				if s.Deficit != units(30) || balanceOf(t, n, gold, alpha).Custody != units(20) {
					t.Errorf("%+v", s)
				}
			case types.QuarantineRefund:
				wantAt(t, n, burned, types.StatusRefunded, types.ReasonQuarantined)
				wantBalance(t, n, beta, wrappedGold(n), carol, units(130))
				if s.Deficit != units(30) || balanceOf(t, n, gold, beta).Supply != units(180) {
					t.Errorf("%+v", s)
				}
			case types.QuarantineDrop:
				if !s.Deficit.IsZero() || s.Fees != units(100) {
					t.Errorf("%+v", s)
				}
			}
			if !s.Quarantined.IsZero() || !s.InFlight.IsZero() || len(query[[]bridge.QuarantineView](t, n, "quarantine", bridge.QueryArgs{})) != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Many records: listed page by page, and the last one resolved starts the asset
// again.
func TestQuarantineIsListed(t *testing.T) {
	n := newMoney(t, nil)
	for range 7 {
		overburn(n, 10)
	}
	held := n.Send(goldFor(bob, 50), alpha)
	run(n, 4)
	first := query[[]bridge.QuarantineView](t, n, "quarantine", bridge.QueryArgs{Limit: 5})
	rest := query[[]bridge.QuarantineView](t, n, "quarantine", bridge.QueryArgs{Limit: 5, After: 5})
	none := query[[]bridge.QuarantineView](t, n, "quarantine", bridge.QueryArgs{Chain: "alpha"})
	if len(first) != 5 || len(rest) != 2 || rest[0].ID != 6 || len(none) != 0 {
		t.Fatalf("%d, %d, %d", len(first), len(rest), len(none))
	}
	for i, r := range append(first, rest...) {
		wantAt(t, n, held, types.StatusHeld, types.ReasonAssetStopped)
		if r.ID != uint64(i)+1 { //nolint:gosec // an index
			t.Errorf("%+v", r)
		}
		n.Pass(resolve(r.ID, types.QuarantineDrop))
	}
	run(n, 6)
	wantReleased(t, n, held)
}

// Limits: of every token, or of one chain.
func TestLimitsAreListed(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) {
		g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(100), Rate: units(1)}
		g.Assets[0].Tokens[1].Large = units(1000)
	})
	n.Send(goldFor(bob, 90), alpha)
	for _, amount := range []uint64{40, 50, 2000} {
		n.Send(goldFor(bob, amount), alpha)
	}
	n.Send(bridgetest.To(beta, carol, twinAlpha, alice, units(4)), alpha)
	hold(n, 2)
	if all := query[[]bridge.LimitView](t, n, "limits", bridge.QueryArgs{}); len(all) != 6 {
		t.Fatalf("%+v", all)
	}
	want := bridge.LimitView{
		Asset: gold, Symbol: "GOLD", Chain: beta, Capacity: units(100), Rate: units(1), Spent: units(90), SpentAt: n.Time.Unix(),
		Large: units(1000), Queued: bridge.QueuedView{Release: 2, Large: 1},
	}
	if got := limitsOf(t, n, "beta", gold); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := limitsOf(t, n, "31002", twin); got.Queued != (bridge.QueuedView{Short: 1}) {
		t.Errorf("%+v", got)
	}
	if _, err := n.Machine.Query(n.State(), "limits", []byte(`{"chain":"gamma"}`)); err == nil {
		t.Error("limits of a chain that is not there")
	}
	if _, err := n.Machine.Query(n.State(), "quarantine", []byte(`{"chain":"gamma"}`)); err == nil {
		t.Error("quarantine of a chain that is not there")
	}
}
