package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, LogConfig{Level: "info", Format: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("not this")
	log.Info("block", "component", "node", "err", errors.New("oh"))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	if line["msg"] != "block" || line["level"] != "info" || line["err"] != "oh" || line["component"] != "node" {
		t.Errorf("line %v", line)
	}
	for _, bad := range []LogConfig{{"loud", "json"}, {"info", "xml"}} {
		if _, err := NewLogger(&out, bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

type stringer string

func (s *stringer) String() string { return string(*s) }

func TestCometLogger(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, LogConfig{Level: "debug", Format: "text"})
	if err != nil {
		t.Fatal(err)
	}
	comet, err := NewCometLogger(log, "warn")
	if err != nil {
		t.Fatal(err)
	}
	module := comet.With("module", "consensus")
	with, other := module.With("height", 7, "round", 1), module.With("height", 8)
	other.Info("hidden")
	value := stringer("some")
	with.Warn("shown", "peer", &value, "nil", (*stringer)(nil), "err", errors.New("oh"), "odd")
	text := out.String()
	if strings.Contains(text, "hidden") {
		t.Error("info is written at level warn")
	}
	for _, want := range []string{"peer=some", "nil=<nil>", "err=oh", "extra=odd", "level=warn", "component=comet.consensus height=7 round=1 peer=some"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
}

func TestServer(t *testing.T) {
	var health Health
	var trouble error
	health.Add("chain", func() error { return trouble })
	registry := prometheus.NewRegistry()
	height := prometheus.NewGauge(prometheus.GaugeOpts{Name: "bridged_node_height"})
	registry.MustRegister(height)
	height.Set(7)
	server, err := Listen("127.0.0.1:0", &health, registry)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()

	get := func(path string) (int, string) {
		response, err := http.Get("http://" + server.Address() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	if code, body := get("/metrics"); code != 200 || !strings.Contains(body, "bridged_node_height 7") {
		t.Errorf("%d %s", code, body)
	}
	if code, body := get("/readyz"); code != 200 || !strings.Contains(body, `"ready":true`) {
		t.Errorf("%d %s", code, body)
	}
	trouble = errors.New("no endpoint answers")
	if code, body := get("/readyz"); code != 503 || !strings.Contains(body, `{"check":"chain","err":"no endpoint answers"}`) {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := get("/livez"); code != 200 {
		t.Errorf("an endpoint's trouble fails /livez: %d", code)
	}
	health.Fail(ErrConsensusFailure)
	if code, _ := get("/livez"); code != 503 {
		t.Errorf("/livez %d", code)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type routine chan struct{}

func (r routine) Wait() { <-r }

func TestWatchConsensus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := make(routine)
		result := make(chan error, 1)
		go func() { result <- WatchConsensus(t.Context(), r) }()
		time.Sleep(24 * time.Hour) // waiting for peers for a day is no failure
		select {
		case err := <-result:
			t.Fatalf("ended while consensus runs: %v", err)
		default:
		}
		close(r)
		if err := <-result; !errors.Is(err, ErrConsensusFailure) {
			t.Errorf("got %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := make(routine)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- WatchConsensus(ctx, r) }()
		synctest.Wait()
		cancel() // an ordinary stop
		if err := <-result; err != nil {
			t.Errorf("got %v", err)
		}
		close(r)
	})
}
