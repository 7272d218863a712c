package evm

import (
	"context"
	"log/slog"
	"time"
)

const (
	// steady is how long a change has to hold before the log says it, where there
	// was one not long ago: an endpoint that fails now and then is no news each time.
	steady = time.Minute
	// calm is after how long without news the next trouble is said at once.
	calm = 10 * time.Minute
)

// notices say troubles in the log: when they begin, and when they are over. Those
// that come and go are said to begin once; counters show the rest.
type notices map[string]*notice

type notice struct {
	said, now bool      // whether there is trouble: by the log, and in fact
	since     time.Time // of now
	news      time.Time // when the log said something last; zero: never
}

// tell notes whether there is trouble, and says it if that is news.
func (n notices) tell(log *slog.Logger, now time.Time, what string, trouble bool, text string, args ...any) {
	one := n[what]
	if one == nil {
		one = &notice{}
		n[what] = one
	}
	if trouble != one.now {
		one.now, one.since = trouble, now
	}
	fresh := trouble && (one.news.IsZero() || now.Sub(one.news) >= calm)
	if trouble == one.said || !fresh && now.Sub(one.since) < steady {
		return
	}
	one.said, one.news = trouble, now
	if trouble {
		log.Warn(text, args...)
	} else {
		log.Info("over: "+text, args...)
	}
}

// tell says a trouble of this chain.
func (s *Source) tell(what string, trouble bool, text string, args ...any) {
	s.notices.tell(s.log, time.Now(), what, trouble, text, args...)
}

// tellEndpoints says which endpoints have begun to fail, or ended: those that
// others stand in for are in no error.
func (s *Source) tellEndpoints(ctx context.Context) {
	if ctx.Err() != nil {
		return // nobody's fault
	}
	for _, e := range s.client.Status() {
		if e.NoGenesis {
			s.tell("genesis of "+e.Endpoint, true, "endpoint does not serve block 0: of its chain only the id is checked", "endpoint", e.Endpoint)
		}
		s.tell(e.Endpoint, e.Error != "", "endpoint fails (will retry)", "endpoint", e.Endpoint, "check", e.Check, "err", e.Error,
			"failures", e.Failures, "requests", e.Requests)
	}
}
