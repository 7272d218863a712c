package latency

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// The steps of a transfer. Each begins where the one before ends.
const (
	finalToVoted    = "final → in a vote"
	votedToApplied  = "in a vote → applied"
	appliedToSealed = "applied → sealed"
	sealedToSent    = "sealed → release sent"
	finalToSent     = "final → release sent"
)

var steps = []string{finalToVoted, votedToApplied, appliedToSealed, sealedToSent, finalToSent}

// passage is what became of the transfers of a load.
type passage struct {
	millis   map[string][]float64 // by step
	heights  map[string][]float64
	counted  []float64     // heights as docs/architecture.md counts them
	interval time.Duration // between two blocks, on average
	quarters [4]int        // transfers by the quarter of a block interval in which they became final
}

// passage sums up the transfers from a number on, and the blocks of a span.
func (t *trace) passage(from int, begin, end time.Time) (passage, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := passage{millis: map[string][]float64{}, heights: map[string][]float64{}}
	var inside []moment
	for _, c := range t.commits {
		if c.at.After(begin) && c.at.Before(end) {
			inside = append(inside, c)
		}
	}
	if len(inside) < 2 {
		return p, errors.New("fewer than two blocks")
	}
	first, last := inside[0], inside[len(inside)-1]
	p.interval = last.at.Sub(first.at) / time.Duration(last.height-first.height)
	for _, f := range t.final[from:] {
		if err := p.add(t, f); err != nil {
			return p, fmt.Errorf("transfer %d: %w", f.number, err)
		}
		p.quarters[t.quarter(f.at)]++
	}
	return p, nil
}

var errUntraced = errors.New("was sent, and a step before is not traced")

func (p *passage) add(t *trace, f transfer) error {
	voted, ok := find(t.voted, f.nonce)
	applied, alsoOK := find(t.applied, f.nonce)
	sent := t.sent[f.number]
	sealed, sealedOK := t.sealed[sent.seal]
	if !ok || !alsoOK || !sealedOK {
		return errUntraced
	}
	at := []moment{f.moment, voted, applied, sealed, sent.moment}
	for i, step := range steps {
		from, to := at[i%4], at[min(i+1, 4)]
		if step == finalToSent {
			from, to = at[0], at[4]
		}
		p.millis[step] = append(p.millis[step], to.at.Sub(from.at).Seconds()*1000)
		p.heights[step] = append(p.heights[step], float64(to.height-from.height))
	}
	p.counted = append(p.counted, float64(sealed.height-voted.height))
	return nil
}

// quarter is the part of a block's interval that a moment lies in.
func (t *trace) quarter(at time.Time) int {
	i, _ := slices.BinarySearchFunc(t.commits, at, func(m moment, at time.Time) int { return m.at.Compare(at) })
	if i == 0 || i == len(t.commits) {
		return 0
	}
	before, after := t.commits[i-1].at, t.commits[i].at
	return min(3, int(4*at.Sub(before)/after.Sub(before)))
}

// percentile of values; there is one at least.
func percentile(all []float64, percent int) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[(len(sorted)-1)*percent/100]
}

func (p passage) figures(rate int) (figures []figure.Figure) {
	note := fmt.Sprintf("%d transfers", len(p.counted))
	add := func(what string, values []float64, unit string) {
		for _, percent := range []int{50, 95, 99} {
			figures = append(figures, figure.Figure{
				Name: fmt.Sprintf("%d/s: %s, p%d", rate, what, percent), Value: percentile(values, percent), Unit: unit, Note: note,
			})
		}
	}
	for _, step := range steps {
		add(step, p.millis[step], "ms")
		add(step, p.heights[step], "heights")
	}
	blocks := float64(p.interval) / float64(time.Millisecond)
	total := len(p.counted)
	counted := figure.Figure{
		Name: fmt.Sprintf("%d/s: first vote → quorum, p50", rate), Value: percentile(p.counted, 50), Unit: "heights",
		Note: "from the height whose votes first carry the mark to the one whose precommits complete the seal",
	}
	ratio := figure.Figure{
		Name: fmt.Sprintf("%d/s: %s, p50 ÷ block interval", rate, finalToSent), Value: percentile(p.millis[finalToSent], 50) / blocks, Unit: figure.Ratio,
		Note: fmt.Sprintf("final in the quarters of an interval: %d, %d, %d, %d %%",
			100*p.quarters[0]/total, 100*p.quarters[1]/total, 100*p.quarters[2]/total, 100*p.quarters[3]/total),
	}
	if rate == 100 {
		counted.Aim, counted.AtMost = 2, true
		ratio.Aim, ratio.AtMost = 3, true
	}
	interval := figure.Figure{Name: fmt.Sprintf("%d/s: block interval", rate), Value: blocks, Unit: "ms"}
	return append(figures, interval, counted, ratio)
}
