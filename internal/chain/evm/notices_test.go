package evm

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNoticesAreFew has endpoints that fail for good, now and then, and for a
// while.
func TestNoticesAreFew(t *testing.T) {
	t.Parallel()
	const begins, over = `level=WARN msg=bad`, `level=INFO msg="over: bad"`
	for _, test := range []struct {
		name  string
		fails func(at time.Duration) bool
		want  []string
	}{
		{"good", func(time.Duration) bool { return false }, nil},
		{"for good", func(time.Duration) bool { return true }, []string{"0s " + begins}},
		{"each second second", func(at time.Duration) bool { return at/time.Second%2 == 0 }, []string{"0s " + begins}},
		{"twice a minute", func(at time.Duration) bool { return at%(30*time.Second) == 0 }, []string{"0s " + begins}},
		{"for half a minute", func(at time.Duration) bool { return at < 30*time.Second }, []string{"0s " + begins, "1m30s " + over}},
		{
			"again soon, and that for good",
			func(at time.Duration) bool { return at < time.Minute || at >= 5*time.Minute },
			[]string{"0s " + begins, "2m0s " + over, "6m0s " + begins},
		},
		{
			"again much later",
			func(at time.Duration) bool { return at < time.Minute || at >= 20*time.Minute && at < 21*time.Minute },
			[]string{"0s " + begins, "2m0s " + over, "20m0s " + begins, "22m0s " + over},
		},
	} {
		var log strings.Builder
		n, start := notices{}, time.Unix(1e9, 0)
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		var got []string
		for at := time.Duration(0); at < time.Hour; at += time.Second {
			n.tell(logger, start.Add(at), "endpoint", test.fails(at), "bad")
			if log.Len() > 0 {
				got = append(got, fmt.Sprintf("%s %s", at, strings.TrimSpace(log.String())))
				log.Reset()
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: said %q, want %q", test.name, got, test.want)
		}
	}
}

// TestFlappingEndpointIsSaidOnce looks at a chain of which one endpoint fails at
// every second look: the log says so once, the counters each time.
func TestFlappingEndpointIsSaidOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	flaps := newProxy(t, w.node.HTTPURL(), lie{})
	client, err := Dial(t.Context(), w.config(2, flaps.URL, w.node.HTTPURL(), w.node.WSURL()))
	w.must(err)
	defer client.Close()
	var log strings.Builder
	s := NewSource(client, slog.New(slog.NewTextHandler(&log, nil)))
	const looks = 10
	for i := range looks {
		flaps.tell(lie{})
		if i%2 == 0 {
			flaps.tell(bendHeader(func(h map[string]any) { h["hash"] = "0x01" }))
		}
		w.mine(1)
		s.looks, s.pace, s.trusting = wideEvery, pace{}, false // all are asked
		_, err := s.Finalized(t.Context())
		w.must(err)
	}
	if n := strings.Count(log.String(), "endpoint fails"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
	if failures := s.client.Status()[0].Failures; failures < looks/2 {
		t.Errorf("%d failures are counted", failures)
	}
}
