package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeBridged is a shell script in bridged's place.
func fakeBridged(t *testing.T, script string) *bridged {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bridged")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := findBridged(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRunBridged(t *testing.T) {
	b := fakeBridged(t, `case "$1" in
good) echo "{\"args\": \"$*\"}" ;;
bad) echo "no such thing" >&2; exit 3 ;;
prose) echo "not JSON" ;;
slow) exec sleep 300 ;;
esac`)
	var result struct{ Args string }
	if err := b.query(t.Context(), &result, "good", "question"); err != nil || result.Args != "good question --output json" {
		t.Errorf("got %q, %v", result.Args, err)
	}
	_, err := b.run(t.Context(), "bad", "idea")
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != 3 || err.Error() != "bridged bad idea: exit code 3: no such thing" {
		t.Errorf("got %v", err)
	}
	if err := b.query(t.Context(), &result, "prose"); err == nil {
		t.Error("decoded prose")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.run(ctx, "slow"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := (&bridged{path: "/no/such/program"}).run(t.Context(), "x"); err == nil {
		t.Error("ran nothing")
	}
	if _, err := findBridged("/no/such/program"); err == nil {
		t.Error("found nothing")
	}
}

func TestValidatorsAreWatched(t *testing.T) {
	b := fakeBridged(t, `echo "$*"; while [ ! -e "$3/crash" ]; do sleep 0.01; done; echo "disk on fire"; exit 11`)
	homes := []string{t.TempDir(), t.TempDir()}
	vs := newValidators(b, homes, "--log-format", "json")
	defer func() { _ = vs.close() }()
	if err := vs.startAll(); err != nil {
		t.Fatal(err)
	}
	if err := vs.kill(0); err != nil {
		t.Fatal(err)
	}
	if err := vs.check(); err != nil {
		t.Errorf("one was killed on purpose: %v", err)
	}
	if err := vs.startAll(); err != nil {
		t.Fatal(err)
	}
	asked := 0
	err := vs.until(t.Context(), "luck", func(context.Context) (bool, error) {
		asked++
		return asked == 3, nil
	})
	if err != nil || asked != 3 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	if err := os.WriteFile(filepath.Join(homes[1], "crash"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err = vs.until(t.Context(), "godot", func(context.Context) (bool, error) { return false, nil })
	if err == nil || !strings.Contains(err.Error(), "node1 ended (exit status 11)") || !strings.Contains(err.Error(), "  disk on fire") {
		t.Errorf("got %v", err)
	}
	if err := vs.close(); err != nil {
		t.Error(err)
	}
	if vs.nodes[0].process.Running() {
		t.Error("node0 still runs")
	}
}

func TestUntilEnds(t *testing.T) {
	vs := newValidators(&bridged{}, nil)
	defer func() { _ = vs.close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	never := func(context.Context) (bool, error) { return false, nil }
	if err := vs.until(ctx, "godot", never); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	broken := errors.New("broken")
	if err := vs.until(t.Context(), "godot", func(context.Context) (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
