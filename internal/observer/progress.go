package observer

import (
	"time"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// progressEvery is how often a long read says in the log how far it is. A read
// that is shorter says nothing.
const progressEvery = 10 * time.Second

// Progress is how far a read of the chain's blocks has come.
type Progress struct {
	From, To uint64 // blocks, both included; zero: none goes on
	At       uint64 // last block read
	Since    time.Time
	Rate     float64       // blocks a second
	Left     time.Duration // estimated
}

// progress begins a read of the blocks up to a mark, and returns what is called
// as it goes on and when it has ended.
func (o *Observer) progress(from, to types.Mark) (advance func(block uint64), end func()) {
	p := Progress{From: from.Block, To: to.Block, At: from.Block, Since: time.Now()}
	told := p.Since
	o.update(func(s *Status) { s.Reading = p })
	advance = func(block uint64) {
		now := time.Now()
		p.at(block, now)
		o.update(func(s *Status) { s.Scanned, s.Reading = block, p })
		if now.Sub(told) >= progressEvery {
			told = now
			o.log.Info("catching up", "height", block, "to", p.To, "blocks_per_second", int(p.Rate), "left", p.Left.Round(time.Second))
		}
	}
	end = func() {
		o.update(func(s *Status) { s.Reading = Progress{} })
		if told != p.Since {
			o.log.Info("read to the end", "height", p.At, "blocks", p.At-p.From+1, "after", time.Since(p.Since).Round(time.Second))
		}
	}
	return advance, end
}

// at computes rate and estimate.
func (p *Progress) at(block uint64, now time.Time) {
	p.At = block
	took := now.Sub(p.Since).Seconds()
	if took <= 0 || block < p.From {
		return
	}
	p.Rate = float64(block-p.From+1) / took
	p.Left = time.Duration(float64(p.To-min(block, p.To)) / p.Rate * float64(time.Second))
}
