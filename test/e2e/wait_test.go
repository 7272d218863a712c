package e2e

import (
	"context"
	"testing"
	"time"
)

const (
	askTimeout  = 10 * time.Second
	askInterval = 50 * time.Millisecond
)

// eventually asks again and again until holds has no objection, and fails the
// test with the last one when the time is over.
func eventually(t *testing.T, limit time.Duration, what string, holds func(context.Context) error) {
	t.Helper()
	start := time.Now()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), askTimeout)
		err := holds(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Since(start) > limit || t.Context().Err() != nil {
			t.Fatalf("waited %s for %s: %v", time.Since(start).Round(time.Second), what, err)
		}
		select {
		case <-t.Context().Done():
		case <-time.After(askInterval):
		}
	}
}
