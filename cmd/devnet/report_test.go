package main

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func goodReport() *report {
	return &report{
		Transfers: []transferReport{
			{ID: "alpha/2", Source: "alpha", Destination: "beta", Asset: "GOLD", Amount: "12.5", Status: "released", LatencyBlocks: 2, Milliseconds: 913},
			{ID: "beta/3", Source: "beta", Destination: "alpha", Asset: "SILVER", Amount: "7", Status: "released", LatencyBlocks: 3, Milliseconds: 1204},
			{ID: "beta/4", Source: "beta", Destination: "alpha", Asset: "SILVER", Amount: "1", Status: "refunded", LatencyBlocks: 9},
		},
		WorstDay: []caseReport{{
			Case: "a large amount", Transfers: 1, Sent: "601", Happened: "held (large_amount), then released", Where: "recipient on beta",
			Asset: "GOLD", Expected: "600", Seen: "600",
		}},
		Validators: []validatorReport{{Moniker: "node0", Power: 10, Height: 88, AppHash: "AB"}, {Moniker: "node1", Power: 10, Height: 88, AppHash: "AB"}},
		Supply:     []supplyReport{{Asset: "GOLD", Chain: "beta", Kind: "supply", Ledger: "12.5", OnChain: "12.5"}},
		Invariants: []checkReport{{Name: "conservation", OK: true}},
	}
}

func TestGoodReport(t *testing.T) {
	r := goodReport()
	r.conclude()
	if !r.OK || r.LatencyBlocksP50 != 3 || r.LatencyBlocksMax != 3 {
		t.Errorf("%+v", r)
	}
	path := filepath.Join(t.TempDir(), "report.json")
	if err := r.writeJSON(path); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(raw, &read); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"ok", "failures", "transfers", "worst_day", "latency_blocks_p50", "latency_blocks_max", "invariants"} {
		if read[key] == nil {
			t.Errorf("no %s in %s", key, raw)
		}
	}
}

func TestReportFindsWhatIsWrong(t *testing.T) {
	for want, bend := range map[string]func(*report){
		"the ledger says 12.5, the chain 12.4":                         func(r *report) { r.Supply[0].OnChain = "12.4" },
		"a large amount: the recipient on beta has 599 GOLD; want 600": func(r *report) { r.WorstDay[0].Seen = "599" },
		"invariant conservation: off by 1":                             func(r *report) { r.Invariants[0] = checkReport{Name: "conservation", Detail: "off by 1"} },
		"node1 has the app hash CD":                                    func(r *report) { r.Validators[1].AppHash = "CD" },
		"something else":                                               func(r *report) { r.fail("something %s", "else") },
	} {
		r := goodReport()
		bend(r)
		r.conclude()
		var text bytes.Buffer
		if err := r.writeText(&text); err != nil {
			t.Fatal(err)
		}
		if r.OK || len(r.Failures) != 1 || !strings.Contains(r.Failures[0], want) || !strings.Contains(text.String(), "FAILED\n  "+r.Failures[0]) {
			t.Errorf("want %q, got %q in\n%s", want, r.Failures, &text)
		}
	}
}

func TestReportText(t *testing.T) {
	r := goodReport()
	r.conclude()
	var text bytes.Buffer
	if err := r.writeText(&text); err != nil {
		t.Fatal(err)
	}
	want := `transfer  route         amount  asset   status    blocks    ms
--------  ------------  ------  ------  --------  ------  ----
alpha/2   alpha > beta    12.5  GOLD    released       2   913
beta/3    beta > alpha       7  SILVER  released       3  1204
beta/4    beta > alpha       1  SILVER  refunded       9     0

the worst day   sent  asset  what happened                       where the money is  seen there
--------------  ----  -----  ----------------------------------  ------------------  ----------
a large amount   601  GOLD   held (large_amount), then released  recipient on beta          600
`
	if !strings.HasPrefix(text.String(), want) || !strings.HasSuffix(text.String(), "ok: 3 transfers, blocks to release: median 3, most 3\n") {
		t.Errorf("got\n%s", &text)
	}
}

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		values []int64
		want   int64
	}{{[]int64{5}, 5}, {[]int64{3, 1}, 3}, {[]int64{9, 1, 2}, 2}, {[]int64{4, 3, 2, 1}, 3}} {
		if got := median(tc.values); got != tc.want {
			t.Errorf("median of %v is %d", tc.values, got)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, tc := range []struct {
		amount   int64
		decimals uint8
		want     string
	}{
		{0, 0, "0"},
		{0, 18, "0"},
		{1, 18, "0.000000000000000001"},
		{1_500_000, 6, "1.5"},
		{1_000_000, 6, "1"},
		{-25, 1, "-2.5"},
		{700, 0, "700"},
	} {
		if got := decimal(big.NewInt(tc.amount), tc.decimals); got != tc.want {
			t.Errorf("%d with %d decimals is %s, want %s", tc.amount, tc.decimals, got, tc.want)
		}
	}
}

func TestTableWithoutRows(t *testing.T) {
	var text bytes.Buffer
	empty := table{header: []string{"a", "bc"}}
	if err := empty.write(&text); err != nil {
		t.Fatal(err)
	}
	if text.String() != "a  bc\n-  --\n" {
		t.Errorf("got %q", &text)
	}
}
