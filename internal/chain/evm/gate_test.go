package evm

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// enter asks a gate, with an error that the server then gives.
func enter(g *gate, outcome error) error {
	done, err := g.enter(context.Background(), time.Minute)
	if err == nil {
		done(outcome)
	}
	return err
}

func TestRateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, start := newGate(10, 5), time.Now()
		for range 25 {
			if err := enter(g, nil); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("25 requests, 5 of them at once and 10 a second, took %s", took)
		}
		g.spend(4) // of a batch
		if err := enter(g, nil); err != nil || time.Since(start) != 2500*time.Millisecond {
			t.Errorf("after a batch of 5: %s, %v", time.Since(start), err)
		}
		g.spend(100) // more than there ever is
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := g.enter(ctx, time.Minute); err == nil {
			t.Error("a request goes before its turn")
		}
		if _, err := g.enter(t.Context(), 100*time.Millisecond); !errors.Is(err, errNotAsked) || !strings.Contains(err.Error(), "configured rate") {
			t.Errorf("a request without the time to wait: %v", err)
		}
		for range 1000 {
			if err := enter(newGate(0, 0), nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, down := newGate(0, 0), errors.New("down")
		state := func(want string) {
			t.Helper()
			if got, _ := g.state(); got != want {
				t.Errorf("state %q, want %q", got, want)
			}
		}
		for _, outcome := range []error{down, down, down, down, nil, down, down, down, down, errNoVerdict, errNoVerdict} {
			if err := enter(g, outcome); err != nil {
				t.Fatal(err)
			}
		}
		state(StateUp)
		if err := enter(g, down); err != nil {
			t.Fatal(err)
		}
		state(StateDown)
		if err := enter(g, nil); !errors.Is(err, errNotAsked) || !strings.Contains(err.Error(), "failed 5 times in a row") {
			t.Errorf("a server that is down: %v", err)
		}
		time.Sleep(breakerOpen + time.Millisecond)
		state(StateProbing)
		probe, err := g.enter(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := enter(g, nil); !errors.Is(err, errNotAsked) {
			t.Errorf("a second request while one is tried: %v", err)
		}
		probe(down)
		state(StateDown)
		time.Sleep(breakerOpen + time.Millisecond)
		if err := enter(g, nil); err != nil {
			t.Error(err)
		}
		state(StateUp)
	})
}

// A server that says that it is asked too much is left alone for as long as it
// says, or ever longer.
func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(0, 0)
		g.pause(7 * time.Second)
		g.pause(time.Hour) // a request that was under way
		if word, told := g.state(); word != StateLimited || told != 2 {
			t.Errorf("%s after %d answers", word, told)
		}
		if err := enter(g, nil); !errors.Is(err, errNotAsked) || !strings.Contains(err.Error(), "for another 7s") {
			t.Errorf("asked while it wants quiet: %v", err)
		}
		time.Sleep(7 * time.Second)
		if err := enter(g, nil); err != nil {
			t.Error(err)
		}
		quiet := func(after time.Duration) time.Duration {
			g.pause(after)
			d := g.wait()
			time.Sleep(d)
			return d
		}
		first, last := quiet(0), time.Duration(0)
		for range 8 {
			last = quiet(0)
		}
		if first > 2*firstPause || last < lastPause/2 || last > 2*lastPause {
			t.Errorf("first pause %s, last %s", first, last)
		}
		g.served()
		if d := quiet(0); d > 2*firstPause {
			t.Errorf("after an answer: %s", d)
		}
		if d := quiet(1000 * time.Hour); d != longestPause {
			t.Errorf("a server wants quiet for 1000 hours: %s", d)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"12":                            12 * time.Second,
		"-1":                            0,
		"soon":                          0,
		"99999999999999999999":          0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second,
		"Fri, 02 Jan 2026 03:00:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("Retry-After %q is %s, want %s", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("12")
	f.Add(time.Now().UTC().Format(http.TimeFormat))
	f.Fuzz(func(t *testing.T, value string) {
		g := newGate(0, 0)
		if d := retryAfter(value, time.Now()); d < 0 {
			t.Errorf("%q is %s", value, d)
		} else if g.pause(d); g.wait() > longestPause {
			t.Errorf("%q is believed for %s", value, g.wait())
		}
	})
}
