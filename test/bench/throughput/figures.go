package throughput

import (
	"fmt"
	"maps"
	"runtime"
	"slices"

	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/bench/kvstore"
)

// The aims with four validators.
const (
	aimPerSecond   = 10_000
	aimToKVStore   = 2
	aimBytesOfVote = 1
)

// span is what the first validator counted, and all validators used.
type span struct {
	seconds                      float64 // between two commits
	blocks                       float64
	finalised, sealed, completed float64
	cpu, reading, making         float64            // seconds of the processor
	times                        map[string]float64 // seconds
}

func (m Measured) span() span {
	from, to := m.first[0], m.last[0]
	s := span{
		seconds: to.At.Sub(from.At).Seconds(), blocks: float64(to.Height - from.Height),
		finalised: float64(to.Finalised - from.Finalised), sealed: float64(to.Sealed - from.Sealed), completed: float64(to.Completed - from.Completed),
		times: map[string]float64{},
	}
	for i := range m.first {
		s.cpu += (m.last[i].CPU - m.first[i].CPU).Seconds()
		s.reading += (m.last[i].Feed.Reading - m.first[i].Feed.Reading).Seconds()
		s.making += (m.last[i].Feed.Making - m.first[i].Feed.Making).Seconds()
	}
	for what, spent := range to.Times {
		s.times[what] = (spent - from.Times[what]).Seconds()
	}
	return s
}

func (m Measured) figures() []figure.Figure {
	s := m.span()
	of := func(what string) string { return fmt.Sprintf("%s, %s", what, figure.Count(m.Validators, "validator")) }
	settings := fmt.Sprintf("timeout_commit %s; %.0f s", m.CommitTimeout, s.seconds)
	rate := func(name string, transfers float64) figure.Figure {
		f := figure.Figure{Name: of("transfers " + name), Value: transfers / s.seconds, Unit: "1/s", Note: settings}
		if m.Validators == 4 && name != "completed" {
			f.Aim = aimPerSecond
		}
		return f
	}
	var memory uint64
	for _, v := range m.last {
		memory = max(memory, v.RSS)
	}
	last := m.last[0]
	figures := []figure.Figure{
		rate("finalised", s.finalised), rate("sealed", s.sealed), rate("completed", s.completed),
		{Name: of("block interval"), Value: 1000 * s.seconds / s.blocks, Unit: "ms"},
		{Name: of("transfers a block"), Value: s.finalised / s.blocks, Unit: "1"},
		{Name: of("transfers a batch"), Value: float64(last.Sealed) / float64(max(1, last.Batches)), Unit: "1"},
		{Name: of("vote bytes for each event and validator"), Value: float64(m.voteBytes) / s.finalised / float64(m.Validators), Unit: "B", Aim: aimBytesOfVote, AtMost: true},
		{Name: of("processor time for 1,000 transfers, all validators"), Value: 1000 * s.cpu / s.finalised, Unit: "s"},
		{Name: of("share of the processors used"), Value: s.cpu / s.seconds / float64(runtime.NumCPU()), Unit: figure.Ratio},
		{Name: of("of it by the chains' stand-ins"), Value: s.making / s.cpu, Unit: figure.Ratio, Note: "making deposits and receipts"},
		{Name: of("of it by who reads open commands, as relayers do"), Value: s.reading / s.cpu, Unit: figure.Ratio},
		{Name: of("resident memory of a validator at most"), Value: float64(memory) / (1 << 20), Unit: "MiB"},
	}
	for _, what := range slices.Sorted(maps.Keys(s.times)) {
		if each := 1000 * s.times[what] / s.blocks; each >= 0.1 {
			figures = append(figures, figure.Figure{Name: of("time in " + what + " a block"), Value: each, Unit: "ms", Note: "of the first validator's clock, while others have the processor too"})
		}
	}
	return append(figures,
		figure.Figure{Name: of("sampled batches executed by the contract"), Value: float64(m.batches), Unit: "1", Note: fmt.Sprintf("%d releases, each recipient has its amount", m.releases)},
		figure.Figure{Name: of("gas for each of their releases"), Value: float64(m.gas) / float64(max(1, m.releases)), Unit: "gas", Note: "new recipients, wrapped token"},
	)
}

// against holds what is both finalised and sealed against kvstore's transactions.
func (m Measured) against(k kvstore.Result) []figure.Figure {
	s := m.span()
	of := func(what string) string {
		return fmt.Sprintf("transfers finalised and sealed ÷ kvstore's transactions%s, %s", what, figure.Count(m.Validators, "validator"))
	}
	rate := min(s.finalised, s.sealed) / s.seconds
	figures := k.Figures
	if k.Best > 0 {
		best := figure.Figure{Name: of(""), Value: rate / k.Best, Unit: figure.Ratio, Note: "the best of three settings"}
		if m.Validators == 4 {
			best.Aim = aimToKVStore
		}
		figures = append(figures, best)
	}
	if k.Silent > 0 {
		figures = append(figures, figure.Figure{Name: of(" without gossip of them"), Value: rate / k.Silent, Unit: figure.Ratio})
	}
	return figures
}
