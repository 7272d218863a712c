package node

import (
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/observer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// metrics reads the node when it is asked, so that no worker keeps figures for
// it. Its labels are bounded by the configured chains.
type metrics struct {
	node  *Node
	state view

	height, quarantined                    *prometheus.Desc
	cursor, head, outbox, executed, queued *prometheus.Desc
	transfers, ended                       *prometheus.Desc
	proven, lag, failures, alarm, paused   *prometheus.Desc
	stalled, left                          *prometheus.Desc
	endpoints                              endpointMetrics
}

func newMetrics(n *Node, state view) *metrics {
	chain := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("bridged_"+name, help, []string{"chain"}, nil)
	}
	return &metrics{
		node: n, state: state,
		height: prometheus.NewDesc("bridged_state_height_blocks", "Height of the committed state.", nil, nil),
		quarantined: prometheus.NewDesc("bridged_quarantined_events_total",
			"Events that the network's books had no room for: see bridged query quarantine.", nil, nil),
		transfers: chain("transfers_total", "Transfers that came from the chain."),
		ended:     chain("transfers_ended_total", "Transfers from the chain that have come to their end."),
		cursor:    chain("inbox_cursor_events", "Last inbox event that the network applied."),
		head:      chain("inbox_head_blocks", "Finalised block of the chain that the network agrees on."),
		outbox:    chain("outbox_assigned_commands", "Last outbox nonce assigned."),
		executed:  chain("outbox_executed_commands", "Last outbox nonce known to be executed."),
		queued:    chain("outbox_queued_entries", "Entries that wait for a batch."),
		proven:    chain("observer_proven_blocks", "Finalised block that this node proved last."),
		lag:       chain("observer_lag_events", "Finalised inbox events that the network has not agreed on."),
		failures:  chain("observer_failures_rounds", "Rounds of this node's observer that failed, in a row."),
		stalled:   chain("observer_stalled_seconds", "How long the finalised block has stood still, where that is much longer than usual; 0: it moves."),
		left:      chain("observer_catchup_seconds", "Estimated time until the blocks that are being read are read; 0: none are."),
		alarm:     chain("observer_alarm_level", "Alarm of this node's observer: 0 none, 1 a contradiction of finalised data."),
		paused:    chain("chain_paused_level", "Pause of the chain by the network: 0 none, 1 paused, 2 contradicted."),
		endpoints: newEndpointMetrics(),
	}
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range append([]*prometheus.Desc{
		m.height, m.quarantined, m.cursor, m.head, m.outbox, m.executed, m.queued, m.transfers, m.ended,
		m.proven, m.lag, m.failures, m.stalled, m.left, m.alarm, m.paused,
	}, m.endpoints.all()...) {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(m.height, m.state.Height())
	network, err := m.state.network()
	chains, chainsErr := m.state.chains()
	if err = errors.Join(err, chainsErr); err != nil && !errors.Is(err, app.ErrNoBlock) {
		m.node.log.Warn("metrics of chains are missing", "err", err)
	}
	counter(m.quarantined, network.Quarantined)
	for _, c := range chains {
		counter(m.transfers, c.Transfers, c.Label)
		counter(m.ended, c.Ended, c.Label)
		gauge(m.cursor, c.Cursor, c.Label)
		gauge(m.head, c.Head, c.Label)
		gauge(m.outbox, c.Outbox, c.Label)
		gauge(m.executed, c.Executed, c.Label)
		gauge(m.queued, c.Queued, c.Label)
		gauge(m.paused, pausedLevel(c.Paused), c.Label)
	}
	for _, c := range m.node.chains {
		seen := c.observer.Status()
		gauge(m.proven, seen.Head, c.config.Name)
		gauge(m.lag, seen.Lag(), c.config.Name)
		gauge(m.failures, seen.Failures, c.config.Name)
		gauge(m.stalled, stalledSeconds(seen), c.config.Name)
		gauge(m.left, uint64(seen.Reading.Left.Seconds()), c.config.Name)
		gauge(m.alarm, alarmLevel(seen.Alarm), c.config.Name)
		m.endpoints.collect(out, c.config.Name, c.client)
	}
}

func pausedLevel(p bridge.Pause) uint64 {
	return uint64(slices.Index([]bridge.Pause{bridge.PauseNone, bridge.PausePaused, bridge.PauseContradicted}, p)) //nolint:gosec // one of them
}

func stalledSeconds(s observer.Status) uint64 {
	if s.Stalled.IsZero() {
		return 0
	}
	return uint64(max(time.Since(s.Stalled), 0).Seconds())
}

func alarmLevel(a types.Alarm) uint64 {
	if a == types.AlarmContradiction {
		return 1
	}
	return 0
}
