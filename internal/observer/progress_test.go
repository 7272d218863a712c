package observer

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// slow is a source that takes some time for each block.
type slow struct {
	chain.Source
	each time.Duration
}

func (s slow) Read(ctx context.Context, from, to types.Mark, o chain.ReadOptions) (chain.Batch, error) {
	advance := o.Progress
	o.Progress = func(block uint64) {
		time.Sleep(s.each)
		advance(block)
	}
	return s.Source.Read(ctx, from, to, o)
}

func TestProgressOfALongRead(t *testing.T) {
	inBubble(t, func(t *testing.T) []*world {
		w := newWorld(t, 1, mailbox.New(), 0)
		w.observer.cfg.Source = slow{w.observer.cfg.Source, 50 * time.Millisecond}
		for range 1000 {
			w.chain.Deposit(1)
			w.chain.Mine(1)
		}
		return []*world{w}
	}, func(all []*world) {
		w := all[0]
		time.Sleep(25 * time.Second)
		synctest.Wait()
		p := w.observer.Status().Reading
		if p.To != 1000 || p.At < 450 || p.At > 520 || p.Rate < 19 || p.Rate > 22 || p.Left < 23*time.Second || p.Left > 28*time.Second {
			t.Errorf("in the midst: %+v", p)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if p := w.observer.Status().Reading; p != (Progress{}) {
			t.Errorf("at the end: %+v", p)
		}
		log := w.log.String()
		if n := strings.Count(log, "catching up"); n < 3 || n > 6 || !strings.Contains(log, "blocks_per_second=20") || strings.Count(log, "read to the end") != 1 {
			t.Errorf("log:\n%s", log)
		}
		w.chain.Deposit(1)
		w.chain.Mine(1)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if strings.Count(w.log.String(), "read to the end") != 1 {
			t.Error("a short read is told of")
		}
	})
}
