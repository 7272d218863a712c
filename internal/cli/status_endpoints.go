package cli

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// reportAge is how old the running node's report may be.
const reportAge = 30 * time.Second

// reported is how the node that runs in this home sees its chains; nothing where
// none does.
func (s *session) reported() map[types.ChainID]*ops.ChainReport {
	chains := map[types.ChainID]*ops.ChainReport{}
	if report, err := ops.ReadReport(s.home().ReportFile(), reportAge); err == nil {
		for i, c := range report.Chains {
			chains[c.Chain] = &report.Chains[i]
		}
	}
	return chains
}

// printEndpoints shows every endpoint, and what keeps this node from voting for a
// chain.
func printEndpoints(w io.Writer, chains []statusChain) {
	var rows [][]string
	for _, c := range chains {
		if c.Seen == nil {
			continue
		}
		for _, e := range c.Seen.Endpoints {
			rows = append(rows, []string{
				c.Label, e.Endpoint, e.State, fmt.Sprintf("%d ms", e.LatencyMS), fmt.Sprintf("%.0f %%", 100*e.Success),
				number(e.Head), number(e.Lag), number(e.Requests), cmp.Or(e.Check, "ok"),
			})
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintln(w)
	table(w, []string{"CHAIN", "ENDPOINT", "STATE", "LATENCY", "SUCCESS", "FINAL", "BEHIND", "CALLS", "LAST"}, rows)
	for _, c := range chains {
		if c.Seen == nil {
			continue
		}
		printMovement(w, c.Label, *c.Seen)
		if c.Seen.Error != "" {
			fmt.Fprintf(w, "%s: this node does not vote for its events since %s. %s: %s\n",
				c.Label, c.Seen.Since.UTC().Format(time.RFC3339), c.Seen.Check, c.Seen.Error)
			continue // the reason names the endpoints
		}
		for _, e := range c.Seen.Endpoints {
			if e.Error != "" {
				fmt.Fprintf(w, "%s: an endpoint fails, and others stand in for it. %s\n", c.Label, e.Error)
			}
		}
	}
}

// printMovement says that a chain's finality stands still, or that the node has yet
// to read its blocks.
func printMovement(w io.Writer, label string, seen ops.ChainReport) {
	if !seen.Stalled.IsZero() {
		fmt.Fprintf(w, "%s: its final block %d has stood still since %s, and the newest is %d. Nothing newer is voted until it moves: wait, or compare with other endpoints.\n",
			label, seen.Head, seen.Stalled.UTC().Format(time.RFC3339), seen.Newest)
	}
	if r := seen.Reading; r != nil {
		fmt.Fprintf(w, "%s: catching up: block %d of %d, %d blocks a second, about %s left.\n",
			label, r.Block, r.To, r.BlocksPerSecond, time.Duration(r.LeftSeconds)*time.Second)
	}
}
