package evm

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestWebSocket reads over a WebSocket endpoint.
func TestWebSocket(t *testing.T) {
	w := newWorld(t)
	w.deposits(2)
	w.finalize()
	_, batch, err := readAll(t.Context(), w.source(w.config(1, w.node.WSURL())), w.seed())
	if err != nil || len(batch.Events) != 6 {
		t.Errorf("%d events, %v", len(batch.Events), err)
	}
}

// TestProbe tells of every endpoint.
func TestProbe(t *testing.T) {
	w := newWorld(t)
	client, err := Dial(t.Context(), w.config(1, w.node.HTTPURL(), w.node.WSURL()))
	w.must(err)
	defer client.Close()
	if err := client.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	errs := client.DoAll(t.Context(), func(_ context.Context, c Conn) error {
		if c.Group == "b" {
			panic("a bug")
		}
		return nil
	})
	if errs[0] != nil || errs[1] == nil {
		t.Errorf("a panic at one endpoint: %v", errs)
	}
	if status := client.Status(); status[0].Requests != 2 || status[0].Failures != 0 || status[1].Failures != 1 || status[1].Error == "" {
		t.Errorf("status %+v", status)
	}
}

// TestSilenceCostsLittle has one endpoint that never answers: the others are
// not held up for its time-out, and operators are told once.
func TestSilenceCostsLittle(t *testing.T) {
	w := newWorld(t)
	w.finalize()
	mute := newProxy(t, w.node.HTTPURL(), lie{})
	mute.Set(silent())
	cfg := w.config(2, mute.URL, w.node.HTTPURL(), w.node.HTTPURL())
	cfg.RequestTimeout = time.Minute
	client, err := Dial(t.Context(), cfg)
	w.must(err)
	defer client.Close()
	var log strings.Builder
	s := NewSource(client, slog.New(slog.NewTextHandler(&log, nil)))
	start := time.Now()
	for range 2 {
		if _, err := s.Finalized(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("two rounds took %s", took)
	}
	if strings.Count(log.String(), "endpoint fails") != 1 {
		t.Errorf("log:\n%s", log.String())
	}
}
