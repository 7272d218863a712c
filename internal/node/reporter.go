package node

import (
	"context"
	"time"

	"github.com/icrosschain/bridged/internal/observer"
	"github.com/icrosschain/bridged/internal/ops"
)

// runReporter writes down what only this process knows, for `bridged status`.
func (n *Node) runReporter(ctx context.Context) error {
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	told := false
	for {
		err := ops.WriteReport(n.Home.ReportFile(), n.report())
		if err != nil && !told {
			n.log.Warn("bridged status cannot show the endpoints (will retry)", "err", err)
		}
		told = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (n *Node) report() ops.Report {
	r := ops.Report{At: time.Now(), Chains: []ops.ChainReport{}}
	for _, c := range n.chains {
		seen, agreement := c.observer.Status(), c.client.Agreement()
		line := ops.ChainReport{
			Chain: seen.Chain, Label: seen.Label, Head: seen.Head, ProvenAt: seen.ProvenAt,
			Check: string(seen.Check), Since: seen.Since, Error: seen.Error,
			Stalled: seen.Stalled, Newest: seen.Newest, Reading: readingReport(seen.Reading),
			AgreeGroups: uint64(agreement.Groups), MinAgree: uint64(agreement.Wanted), Endpoints: []ops.EndpointReport{}, //nolint:gosec // not negative
		}
		for _, e := range c.client.Status() {
			line.Endpoints = append(line.Endpoints, ops.EndpointReport{
				Endpoint: e.Endpoint, State: e.State, LatencyMS: uint64(e.Latency.Milliseconds()), Success: e.Success, //nolint:gosec // as above
				Head: e.Head, Lag: e.Lag, Requests: e.Requests, Failures: e.Failures, Limited: e.Limited,
				Check: string(e.Check), Error: e.Error,
			})
		}
		r.Chains = append(r.Chains, line)
	}
	return r
}

// shortRead is how long a read goes on before it is worth a word.
const shortRead = 2 * time.Second

func readingReport(p observer.Progress) *ops.ReadingReport {
	if p.Since.IsZero() || time.Since(p.Since) < shortRead {
		return nil
	}
	return &ops.ReadingReport{
		Block: p.At, To: p.To, BlocksPerSecond: uint64(p.Rate), LeftSeconds: uint64(p.Left.Seconds()),
	}
}
