package observer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// goes lets the chain make a block each interval for so long.
func (w *world) goes(on time.Duration, interval time.Duration) {
	for ; on > 0; on -= interval {
		time.Sleep(interval)
		w.chain.Mine(1)
	}
	synctest.Wait()
}

func stalling(t *testing.T, newest func(*world) (uint64, error), test func(*world)) {
	inBubble(t, func(t *testing.T) []*world {
		w := newWorld(t, 1, mailbox.New(), 0)
		w.observer.cfg.Newest = func(context.Context) (uint64, error) { return newest(w) }
		return []*world{w}
	}, func(all []*world) { test(all[0]) })
}

func height(w *world) (uint64, error) { return w.chain.Height(), nil }

func TestStalledFinalityIsSaidOnce(t *testing.T) {
	stalling(t, height, func(w *world) {
		const every = 12 * time.Second
		w.goes(10*time.Minute, every)
		if s := w.observer.Status(); !s.Stalled.IsZero() || strings.Contains(w.log.String(), "stalls") {
			t.Fatalf("a chain that finalises: %+v", s)
		}
		w.chain.Freeze(true)
		w.goes(stallLeast-every, every)
		if s := w.observer.Status(); !s.Stalled.IsZero() {
			t.Errorf("too soon: %+v", s)
		}
		w.goes(20*time.Minute, every)
		s := w.observer.Status()
		if since := time.Since(s.Stalled); s.Stalled.IsZero() || since < 21*time.Minute || since > 23*time.Minute || s.Newest < s.Head+90 {
			t.Errorf("stalled for %s: %+v", since, s)
		}
		if s.Error != "" || s.Alarm != types.AlarmOff {
			t.Errorf("a stall is nobody's error: %+v", s)
		}
		if log := w.log.String(); strings.Count(log, "finality stalls while the chain goes on") != 1 || strings.Contains(log, "stands still") {
			t.Errorf("log:\n%s", log)
		}
		w.chain.Freeze(false)
		w.goes(time.Minute, every)
		if s := w.observer.Status(); !s.Stalled.IsZero() || !strings.Contains(w.log.String(), "finality moves again") {
			t.Errorf("afterwards: %+v\n%s", s, w.log.String())
		}
		w.chain.Freeze(true) // and again, as soon as at first
		w.goes(8*time.Minute, every)
		if s := w.observer.Status(); s.Stalled.IsZero() {
			t.Errorf("a second stall: %+v", s)
		}
	})
}

func TestChainThatStandsStill(t *testing.T) {
	stalling(t, height, func(w *world) {
		w.goes(time.Hour, 12*time.Second)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if s := w.observer.Status(); s.Stalled.IsZero() || !strings.Contains(w.log.String(), "the chain stands still") {
			t.Errorf("%+v\n%s", s, w.log.String())
		}
	})
}

// A slow chain has its time, also while nobody knows yet how slow it is.
func TestSlowFinalityIsNoStall(t *testing.T) {
	stalling(t, height, func(w *world) {
		w.goes(6*time.Hour, 20*time.Minute)
		if s := w.observer.Status(); !s.Stalled.IsZero() || strings.Contains(w.log.String(), "still") {
			t.Errorf("%+v\n%s", s, w.log.String())
		}
	})
	stalling(t, func(*world) (uint64, error) { return 0, errors.New("down") }, func(w *world) {
		w.chain.Mine(1)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if s := w.observer.Status(); !s.Stalled.IsZero() || s.Error != "" {
			t.Errorf("nobody names a newest block: %+v", s)
		}
	})
}
