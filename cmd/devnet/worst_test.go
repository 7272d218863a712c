package main

import (
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

// troubled is a transfer of 100 with a fee of 1, on chains that run.
func troubled(t *testing.T, f fate) *transfer {
	t.Helper()
	cs := testChains(t, newCast())
	coin := newAssets(cs, nil)[0]
	coin.fee = big.NewInt(1)
	one := &transfer{asset: coin, from: cs[0], to: cs[1], amount: big.NewInt(100), recipient: stranger(1), refundTo: stranger(2), fate: f}
	one.state.Status, one.state.Reason = f.status(), "because"
	return one
}

func TestFates(t *testing.T) {
	for f, want := range map[fate]struct {
		payout int64
		payer  string
		payee  common.Address
		status string
	}{
		released: {99, betaName, stranger(1), statusReleased},
		failed:   {98, alphaName, stranger(2), statusRefunded},
		refunded: {99, alphaName, stranger(2), statusRefunded},
	} {
		one := troubled(t, f)
		if one.payout().Int64() != want.payout || one.payer().name != want.payer || one.payee() != want.payee || f.status() != want.status {
			t.Errorf("%d: %s by %s to %s, %s", f, one.payout(), one.payer().name, one.payee(), f.status())
		}
		one.refundTo = common.Address{}
		if f != released && one.payee() != one.sender.Address {
			t.Errorf("%d: without a refund address it is paid to %s", f, one.payee())
		}
	}
}

func TestJudgeTroubles(t *testing.T) {
	one := troubled(t, refunded)
	one.held = "flow_limit"
	for want, bend := range map[string]func(*trouble){
		"":                                  func(*trouble) {},
		`is refunded for "because"; want "`: func(t *trouble) { t.reason = "otherwise" },
		"was never held for large_amount":   func(t *trouble) { t.held = "large_amount" },
	} {
		r, tr := &report{}, trouble{name: "a case", transfers: []*transfer{one}, held: "flow_limit", reason: "because"}
		bend(&tr)
		if err := judgeTroubles(t.Context(), []trouble{tr}, r); err != nil {
			t.Fatal(err)
		}
		if found := strings.Join(r.Failures, ""); !strings.Contains(found, want) || (want == "") != (found == "") {
			t.Errorf("want %q, got %q", want, found)
		}
		line := r.WorstDay[0]
		if line.Seen != "0" || line.Expected == "0" || line.Where != "refund address on alpha" ||
			line.Happened != "held (flow_limit), then refunded (because)" {
			t.Errorf("%+v", line)
		}
	}
}
