package node

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/icrosschain/bridged/internal/chain/evm"
)

// endpointMetrics tell how a chain's endpoints do. Their labels are bounded by the
// configured endpoints and by the classes of methods.
type endpointMetrics struct {
	requests, failures, limited, hedged *prometheus.Desc
	latency, success, head, lag, state  *prometheus.Desc
	groups, wanted, lost, hits, misses  *prometheus.Desc
}

func newEndpointMetrics() endpointMetrics {
	metric := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("bridged_"+name, help, append([]string{"chain"}, labels...), nil)
	}
	endpoint := func(name, help string) *prometheus.Desc { return metric("endpoint_"+name, help, "endpoint") }
	return endpointMetrics{
		requests: metric("endpoint_requests_total", "Calls to a JSON-RPC server, by class of method; each call of a batch counts.", "endpoint", "class"),
		failures: endpoint("failures_total", "Requests that failed or whose answer was refused."),
		limited:  endpoint("limited_answers_total", "Answers that there are too many requests."),
		latency:  endpoint("latency_seconds", "How long a call usually takes."),
		success:  endpoint("success_ratio", "Share of the calls that succeed, the newest count most."),
		head:     endpoint("head_blocks", "Newest final block that the server named."),
		lag:      endpoint("lag_blocks", "Blocks that the server was behind the agreed final block, when it was asked last."),
		state:    endpoint("state_level", "Whether the server is asked: 0 yes, 1 it is being tried again, 2 it wants fewer requests, 3 not for now, since it failed."),
		groups:   metric("chain_agreement_groups", "Groups of endpoints that named the same final block at the last look."),
		wanted:   metric("chain_agreement_wanted_groups", "Groups that have to: min_agree."),
		lost:     metric("chain_agreement_lost_level", "1 while too few groups agree, so that this node does not vote for the chain."),
		hedged:   metric("chain_hedged_requests_total", "Requests that were made at another endpoint too because one was slow."),
		hits:     metric("chain_memory_hits_total", "Verified facts that were known already, by kind.", "kind"),
		misses:   metric("chain_memory_misses_total", "Verified facts that were not known, by kind.", "kind"),
	}
}

// all describes them.
func (m *endpointMetrics) all() []*prometheus.Desc {
	return []*prometheus.Desc{
		m.requests, m.failures, m.limited, m.hedged, m.latency, m.success, m.head, m.lag, m.state,
		m.groups, m.wanted, m.lost, m.hits, m.misses,
	}
}

// collect reads a chain's client.
func (m *endpointMetrics) collect(out chan<- prometheus.Metric, chain string, c *evm.Client) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, v, append([]string{chain}, labels...)...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		send(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) { send(d, prometheus.GaugeValue, v, labels...) }
	for _, e := range c.Status() {
		for _, class := range evm.Classes() {
			counter(m.requests, e.Calls[class], e.Endpoint, class)
		}
		counter(m.failures, e.Failures, e.Endpoint)
		counter(m.limited, e.Limited, e.Endpoint)
		gauge(m.latency, e.Latency.Seconds(), e.Endpoint)
		gauge(m.success, e.Success, e.Endpoint)
		gauge(m.head, float64(e.Head), e.Endpoint)
		gauge(m.lag, float64(e.Lag), e.Endpoint)
		gauge(m.state, float64(slices.Index(evm.States, e.State)), e.Endpoint)
	}
	agreement := c.Agreement()
	gauge(m.groups, float64(agreement.Groups))
	gauge(m.wanted, float64(agreement.Wanted))
	lost := 0.
	if agreement.Lost {
		lost = 1
	}
	gauge(m.lost, lost)
	for _, use := range c.Memory() {
		counter(m.hits, use.Hits, use.Kind)
		counter(m.misses, use.Misses, use.Kind)
	}
	counter(m.hedged, c.Hedged())
}
