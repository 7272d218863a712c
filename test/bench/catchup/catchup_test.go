package main

import (
	"log/slog"
	"testing"
)

// TestCatchUp is a small run: every deposit is read, proven and marked. measure
// fails if the marks do not end where the contract does.
func TestCatchUp(t *testing.T) {
	for _, endpoints := range []int{1, 3} {
		r, err := measure(t.Context(), t.TempDir(), 600, endpoints, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if r.Deposits != 600 || r.Errors != 0 || r.Requests["logs"] < 2 || r.Requests["logs"] > 60 || r.Requests["proof"] < 1 {
			t.Errorf("%+v", r)
		}
	}
}
