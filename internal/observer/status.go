package observer

import (
	"context"
	"log/slog"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Status is how an observer does, for operators and metrics.
type Status struct {
	Chain types.ChainID
	Label string

	Head     uint64    // finalised block proven last
	HeadTime time.Time // that block's own time
	ProvenAt time.Time // when it was proven; zero: never
	Inbox    uint64    // newest inbox nonce proven
	Tip      uint64    // newest nonce whose event was handed over, or agreed
	Cursor   uint64    // agreed by the network
	Refused  string    // why the network does not serve the chain
	Held     int       // events in memory
	Scanned  uint64    // last block read
	Reading  Progress  // of the read that goes on

	// Since when the finalised block has not moved, where that is much longer
	// than usual, and the newest block that a server then named; else zero.
	Stalled time.Time
	Newest  uint64

	Rounds   uint64 // since the start
	Failures uint64 // in a row
	// The last error, while there is one.
	Error    string
	Check    chain.Check
	Severity chain.Severity
	Since    time.Time // when the first failure in a row was

	Alarm      types.Alarm // AlarmContradiction or AlarmOff
	AlarmSince time.Time
	Found      string // what contradicts what
	Evidence   string // path of its file; empty if none could be kept
}

// Lag is how many finalised events the network has not agreed on yet.
func (s Status) Lag() uint64 { return s.Inbox - min(s.Inbox, s.Cursor) }

// Status is a copy of how the observer does.
func (o *Observer) Status() Status {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.status
}

func (o *Observer) update(f func(*Status)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(&o.status)
}

func (o *Observer) setAgreed(c bridge.ChainState) {
	o.update(func(s *Status) { s.Cursor, s.Refused = c.Cursor, c.Refused })
}

func (o *Observer) setPosition(p chain.Position) {
	now := time.Now()
	o.update(func(s *Status) {
		s.Head, s.HeadTime, s.ProvenAt, s.Inbox = p.Block, time.Unix(int64(p.Time), 0), now, p.Inbox.Nonce
	})
}

func (o *Observer) setTip(tip types.Mark, held int) {
	o.update(func(s *Status) { s.Tip, s.Held = tip.Nonce, held })
}

// failed notes an error, and logs it when it is news: the first of its check,
// and then each time the failures have doubled.
func (o *Observer) failed(ctx context.Context, err error, pause time.Duration) {
	var s Status
	check, severity := chain.CheckOf(err), chain.SeverityOf(err)
	var news bool
	o.update(func(status *Status) {
		if status.Failures == 0 {
			status.Since = time.Now()
		}
		status.Rounds++
		status.Failures++
		news = status.Check != check || status.Failures&(status.Failures-1) == 0
		status.Error, status.Check, status.Severity = err.Error(), check, severity
		s = *status
	})
	level, message := slog.LevelWarn, "chain not observed (will retry)"
	if severity == chain.Halt {
		level, message = slog.LevelError, "chain contradicts what was agreed: no votes for it until that ends"
	}
	if !news || chain.ContradictionOf(err) != nil { // its alarm was told
		level = slog.LevelDebug
	}
	o.log.Log(ctx, level, message, "height", s.Head, "check", check, "severity", severity,
		"failures", s.Failures, "wait", pause, "err", err)
}

func (o *Observer) recovered() {
	var before Status
	o.update(func(s *Status) {
		before = *s
		s.Rounds++
		s.Failures, s.Error, s.Check, s.Severity, s.Since = 0, "", "", chain.Retry, time.Time{}
	})
	if before.Failures > 0 {
		o.log.Info("chain observed again", "height", before.Head, "failures", before.Failures, "after", time.Since(before.Since))
	}
}
