package evm

import (
	"math"
	"time"
)

const (
	// unknownLatency is taken for endpoints that have not been timed yet.
	unknownLatency = 100 * time.Millisecond
	// leastPatience is how long a request takes at least before another endpoint
	// is asked the same.
	leastPatience = 100 * time.Millisecond
	// forgiven is the time in which a failure loses 63 % of its weight, so that an
	// endpoint that has recovered is found again.
	forgiven = time.Minute
)

// stat is how one endpoint has done in one class of requests: exponentially
// weighted, the newest counts most.
type stat struct {
	latency, deviation float64 // seconds
	timed              bool
	failure            float64   // 0 none, 1 all
	failedAt           time.Time // when failure was last valid
}

// took notes how long an answer took.
func (s *stat) took(d time.Duration) {
	seconds := d.Seconds()
	if !s.timed {
		s.latency, s.deviation, s.timed = seconds, seconds/2, true
		return
	}
	off := seconds - s.latency
	s.deviation += (math.Abs(off) - s.deviation) / 4
	s.latency += off / 8
}

// lost notes a request that was given up because another endpoint was faster.
func (s *stat) lost(after time.Duration) {
	if after.Seconds() > s.latency {
		s.took(after)
	}
}

// ended notes whether a request succeeded.
func (s *stat) ended(well bool, now time.Time) {
	s.failure = s.doubt(now)
	s.failedAt = now
	if well {
		s.failure -= s.failure / 5
	} else {
		s.failure += (1 - s.failure) / 5
	}
}

// doubt is the share of failures, less what time has forgiven.
func (s *stat) doubt(now time.Time) float64 {
	return s.failure * math.Exp(-now.Sub(s.failedAt).Seconds()/forgiven.Seconds())
}

// patience is how long nearly every answer takes at most.
func (s *stat) patience() time.Duration {
	if !s.timed {
		return agreeGrace
	}
	return max(time.Duration((s.latency+4*s.deviation)*float64(time.Second)), leastPatience)
}

// weight is how much an endpoint is to be preferred: for short latency, and far
// more for success.
func (s *stat) weight(now time.Time) float64 {
	latency := unknownLatency.Seconds()
	if s.timed {
		latency = s.latency
	}
	success := 1 - s.doubt(now)
	return success * success * success * success / (latency + 0.005)
}
