package gas

import (
	"testing"

	"github.com/ethereum/go-ethereum/params"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/test/bench/figure"
)

// TestLimits holds the contract to its budget. The figures are exact, so a
// change that makes something dearer shows here first.
func TestLimits(t *testing.T) {
	r, err := measure(evmtest.Osaka)
	if err != nil {
		t.Fatal(err)
	}
	limit := func(what string, got, most uint64) {
		t.Helper()
		if got > most {
			t.Errorf("%s costs %d, at most %d", what, got, most)
		}
	}
	q := r.Quorums[2]
	if q.Validators != 21 || q.Signatures != 15 {
		t.Fatalf("measured %+v, want 15 signatures of 21", q)
	}
	limit("checkQuorum", q.Check, aimVerification)
	limit("one release, no limit, no fee", each(t, r, "erc20, no limit, no fee", 1), 145_000)
	limit("one release with limit and fee", each(t, r, erc20, 1), 160_000)
	limit("a release of 100", each(t, r, erc20, aimBatch), aimRelease)
	limit("a release of 250", each(t, r, erc20, 250), 9_500)
	limit("a mint of 100", each(t, r, "wrapped", 100), 10_250)
	limit("a deposit", r.Deposits[0].Gas, 65_000)
	limit("a deposit of a wrapped token", r.Deposits[1].Gas, 60_000)
	limit("a deposit of coin", r.Deposits[2].Gas, 45_000)
	limit("deployment", r.Deploy, params.MaxTxGas)
	for what, most := range map[string]uint64{
		"stake, with 500 bytes": 110_000, "stake more": 69_000, "request": 112_000, "withdraw": 45_000,
		"slash, 16 requests": 240_000, "release of one": 140_000, "release of 15": 240_000,
	} {
		limit(what, stakeGas(t, r, what), most)
	}
}

func each(t *testing.T, r Report, token string, size int) uint64 {
	t.Helper()
	for _, b := range r.Batches {
		if b.Token == token && b.Recipients == existing && b.Size == size {
			return b.Each
		}
	}
	t.Fatalf("no batch of %d %s", size, token)
	return 0
}

func stakeGas(t *testing.T, r Report, what string) uint64 {
	t.Helper()
	for _, s := range r.Stakes {
		if s.What == what {
			return s.Gas
		}
	}
	t.Fatalf("no %q", what)
	return 0
}

// TestSlicesUnderAmsterdam: where a new recipient costs 115,000, 250 of them do
// not fit one transaction, and need not.
func TestSlicesUnderAmsterdam(t *testing.T) {
	r, err := measure(evmtest.Amsterdam)
	if err != nil {
		t.Fatal(err)
	}
	items := uint32(0)
	for _, s := range r.Slices {
		if s.First != items || s.Gas > params.MaxTxGas {
			t.Errorf("slice %+v after %d items", s, items)
		}
		items += s.Count
	}
	if items != 250 || len(r.Slices) < 2 {
		t.Errorf("%d items in %d slices", items, len(r.Slices))
	}
}

// TestRun: a short run tells what is compared, a full one tells more; no figure is
// told twice, and none is missing its counterpart.
func TestRun(t *testing.T) {
	short, err := Run(t.Context(), figure.Options{Short: true})
	if err != nil {
		t.Fatal(err)
	}
	full, err := Run(t.Context(), figure.Options{})
	if err != nil || len(full) <= len(short) {
		t.Fatalf("%d figures in short, %d in full: %v", len(short), len(full), err)
	}
	seen := map[string]bool{}
	for _, f := range full {
		if seen[f.Name] || f.Value <= 0 || f.Unit == figure.Ratio && (f.Value > 2 || f.Value < 0.2) {
			t.Errorf("%+v", f)
		}
		seen[f.Name] = true
	}
	for _, f := range short {
		if !seen[f.Name] {
			t.Errorf("%s only in a short run", f.Name)
		}
	}
}
