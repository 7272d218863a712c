package node

import (
	"math/big"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// likelyGas is what an execution takes while none was paid for.
const likelyGas = 1_000_000

// relayerMetrics reads the relayers when it is asked.
type relayerMetrics struct {
	relayers []*relaying

	pending, sent, bumped, reverted *prometheus.Desc
	hold, trouble                   *prometheus.Desc
	balance, low, commands, days    *prometheus.Desc
	paid, claimed, limit            *prometheus.Desc
}

func newRelayerMetrics(relayers []*relaying) *relayerMetrics {
	of := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc("bridged_relayer_"+name, help, append([]string{"chain"}, more...), nil)
	}
	return &relayerMetrics{
		relayers: relayers,
		pending:  of("pending_transactions", "This node's transactions that no block holds yet."),
		sent:     of("sent_transactions_total", "Transactions that this node sent."),
		bumped:   of("bumped_transactions_total", "Replacements with higher fees that this node sent."),
		reverted: of("reverted_transactions_total", "Transactions of this node that reverted."),
		hold:     of("hold_level", "Why nothing more is sent: 1 for the reason that holds.", "reason"),
		trouble:  of("trouble_level", "1 while the last look at the chain or sending failed."),
		balance:  of("balance_coins", "What the relayer's account has on the chain, in its coin."),
		low:      of("low_balance_level", "1 while that is below low_balance."),
		commands: of("lasts_commands", "For how many executions it lasts: by what those of the last day cost, or else by the price of gas."),
		days:     of("lasts_days", "For how many days like the last it lasts; absent while nothing was paid."),
		paid:     of("spent_day_coins", "What executions of the last 24 hours cost."),
		claimed:  of("claimed_coins", "What pending transactions may cost at most."),
		limit:    of("limit_day_coins", "What may be spent in 24 hours; absent without a limit."),
	}
}

// Describe implements prometheus.Collector.
func (m *relayerMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.pending, m.sent, m.bumped, m.reverted, m.hold, m.trouble, m.balance, m.low, m.commands, m.days,
		m.paid, m.claimed, m.limit,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *relayerMetrics) Collect(out chan<- prometheus.Metric) {
	for _, r := range m.relayers {
		m.collect(out, r.config.Name, r.worker.Status())
	}
}

func (m *relayerMetrics) collect(out chan<- prometheus.Metric, name string, s relayer.Status) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{name}, labels...)...)
	}
	counter := func(d *prometheus.Desc, v uint64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), name)
	}
	gauge(m.pending, float64(s.Pending))
	counter(m.sent, s.Sent)
	counter(m.bumped, s.Bumped)
	counter(m.reverted, s.Reverted)
	for _, reason := range relayer.Holds() {
		gauge(m.hold, level(s.Hold == reason), reason)
	}
	gauge(m.trouble, level(s.Err != ""))
	gauge(m.paid, coins(s.Spent.Paid))
	gauge(m.claimed, coins(s.Spent.Claimed))
	if !s.Spent.Limit.IsZero() {
		gauge(m.limit, coins(s.Spent.Limit))
	}
	if s.Looked.IsZero() {
		return // the balance is not known
	}
	balance := coins(s.Position.Account.Balance)
	gauge(m.balance, balance)
	gauge(m.low, level(s.Low))
	each := float64(s.Position.Market.Cap) * likelyGas / 1e18
	if s.Spent.Transactions > 0 && !s.Spent.Paid.IsZero() {
		each = coins(s.Spent.Paid) / float64(s.Spent.Transactions)
		gauge(m.days, balance/coins(s.Spent.Paid))
	}
	if each > 0 {
		gauge(m.commands, balance/each)
	}
}

func level(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

// coins is an amount in wei as so many of the chain's coin.
func coins(wei types.Amount) float64 {
	f, _ := new(big.Rat).SetFrac(new(big.Int).SetBytes(wei.Bytes()), big.NewInt(1e18)).Float64()
	return f
}
