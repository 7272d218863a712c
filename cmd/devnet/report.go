package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
)

// report is what a demo found out, as JSON. Its keys are stable.
type report struct {
	// OK is true only if nothing failed; Failures says what did.
	OK       bool     `json:"ok"`
	Failures []string `json:"failures"`

	Transfers []transferReport `json:"transfers"`
	WorstDay  []caseReport     `json:"worst_day"`

	// Heights from the one whose vote extensions first carry a mark that covers a
	// deposit to the one in which its release was first sent, over all released
	// transfers.
	LatencyBlocksP50 int64 `json:"latency_blocks_p50"`
	LatencyBlocksMax int64 `json:"latency_blocks_max"`

	Validators []validatorReport `json:"validators"`
	HashHeight int64             `json:"hash_height"` // of the validators' app hashes
	Supply     []supplyReport    `json:"supply"`
	Invariants []checkReport     `json:"invariants"`
}

// transferReport is one transfer. Amounts are decimal strings in whole tokens.
type transferReport struct {
	ID            string `json:"id"`
	Source        string `json:"source"`
	Destination   string `json:"destination"`
	Asset         string `json:"asset"`
	Amount        string `json:"amount"`
	Status        string `json:"status"`
	LatencyBlocks int64  `json:"latency_blocks"` // SentHeight - MarkHeight
	MarkHeight    int64  `json:"mark_height"`    // whose vote extensions first carry a mark that covers the deposit
	SealHeight    int64  `json:"seal_height"`    // whose block made the release's command
	SentHeight    int64  `json:"sent_height"`    // that was under way when the release was first sent
	// Milliseconds by this program's clock, from when the chain made the block
	// with the deposit final to when the destination made the block with the
	// release.
	Milliseconds int64 `json:"milliseconds"`
}

// caseReport is something that goes wrong, and where the money is afterwards.
type caseReport struct {
	Case      string `json:"case"`
	Transfers int    `json:"transfers"`
	Sent      string `json:"sent"` // by all of them, in whole tokens
	Happened  string `json:"happened"`
	Where     string `json:"where"`
	Asset     string `json:"asset"`
	Expected  string `json:"expected"` // there, in whole tokens
	Seen      string `json:"seen"`     // there, on the chain
}

type validatorReport struct {
	Moniker string `json:"moniker"`
	Power   uint32 `json:"power"`
	Height  int64  `json:"height"`
	AppHash string `json:"app_hash"` // of its own application, at HashHeight
}

// supplyReport compares what the ledger and what the chains say of an asset.
type supplyReport struct {
	Asset   string `json:"asset"`
	Chain   string `json:"chain"`
	Kind    string `json:"kind"` // custody or supply
	Ledger  string `json:"ledger"`
	OnChain string `json:"on_chain"`
}

// checkReport is the verdict on one invariant.
type checkReport struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// fail notes something that must not be, and goes on: a demo says all that is
// wrong, not only the first.
func (r *report) fail(format string, args ...any) {
	r.Failures = append(r.Failures, fmt.Sprintf(format, args...))
}

// conclude fills in what follows from the parts, and the verdict over all.
func (r *report) conclude() {
	var latencies []int64
	for _, t := range r.Transfers {
		if t.Status == "released" {
			latencies = append(latencies, t.LatencyBlocks)
		}
	}
	if len(latencies) > 0 {
		r.LatencyBlocksP50, r.LatencyBlocksMax = median(latencies), slices.Max(latencies)
	}
	if r.LatencyBlocksP50 > maxMedianLatency {
		r.fail("from a mark to the release being sent it took %d heights at the median; want at most %d", r.LatencyBlocksP50, maxMedianLatency)
	}
	for _, s := range r.Supply {
		if s.Ledger != s.OnChain {
			r.fail("%s of %s on %s: the ledger says %s, the chain %s", s.Kind, s.Asset, s.Chain, s.Ledger, s.OnChain)
		}
	}
	for _, c := range r.WorstDay {
		if c.Expected != c.Seen {
			r.fail("%s: the %s has %s %s; want %s", c.Case, c.Where, c.Seen, c.Asset, c.Expected)
		}
	}
	for _, c := range r.Invariants {
		if !c.OK {
			r.fail("invariant %s: %s", c.Name, c.Detail)
		}
	}
	for _, v := range r.Validators {
		if v.AppHash != r.Validators[0].AppHash {
			r.fail("%s has the app hash %s, %s has %s", v.Moniker, v.AppHash, r.Validators[0].Moniker, r.Validators[0].AppHash)
		}
	}
	r.OK = len(r.Failures) == 0
}

// median is the nearest-rank 50th percentile, of an even number of values the
// higher one in the middle: a bound on it must not be met by rounding.
func median(values []int64) int64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// writeJSON never writes null where a reader expects a list.
func (r *report) writeJSON(path string) error {
	out := *r
	out.Failures = orEmpty(out.Failures)
	out.Transfers = orEmpty(out.Transfers)
	out.WorstDay = orEmpty(out.WorstDay)
	out.Validators = orEmpty(out.Validators)
	out.Supply = orEmpty(out.Supply)
	out.Invariants = orEmpty(out.Invariants)
	raw, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// writeText writes the tables that people read.
func (r *report) writeText(out io.Writer) error {
	transfers := table{header: []string{"transfer", "route", "amount", "asset", "status", "blocks", "ms"}}
	for _, t := range r.Transfers {
		transfers.add(t.ID, t.Source+" > "+t.Destination, t.Amount, t.Asset, t.Status, fmt.Sprint(t.LatencyBlocks), fmt.Sprint(t.Milliseconds))
	}
	worst := table{header: []string{"the worst day", "sent", "asset", "what happened", "where the money is", "seen there"}}
	for _, c := range r.WorstDay {
		worst.add(c.Case, c.Sent, c.Asset, c.Happened, c.Where, c.Seen)
	}
	validators := table{header: []string{"validator", "power", "height", "app hash"}}
	for _, v := range r.Validators {
		validators.add(v.Moniker, fmt.Sprint(v.Power), fmt.Sprint(v.Height), v.AppHash)
	}
	supply := table{header: []string{"asset", "chain", "kind", "ledger", "on chain"}}
	for _, s := range r.Supply {
		supply.add(s.Asset, s.Chain, s.Kind, s.Ledger, s.OnChain)
	}
	invariants := table{header: []string{"invariant", "verdict", "detail"}}
	for _, c := range r.Invariants {
		verdict := "holds"
		if !c.OK {
			verdict = "BROKEN"
		}
		invariants.add(c.Name, verdict, c.Detail)
	}
	for _, part := range []table{transfers, worst, validators, supply, invariants} {
		if err := part.write(out); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
	}
	verdict := fmt.Sprintf("ok: %d transfers, blocks to release: median %d, most %d", len(r.Transfers), r.LatencyBlocksP50, r.LatencyBlocksMax)
	for i, failure := range r.Failures {
		if i == 0 {
			verdict = "FAILED"
		}
		verdict += "\n  " + failure
	}
	_, err := fmt.Fprintln(out, verdict)
	return err
}
