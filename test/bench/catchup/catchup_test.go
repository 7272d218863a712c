package catchup

import (
	"log/slog"
	"testing"
)

// TestCatchUp is a small run: every deposit is read, proven and marked. measure
// fails if the marks do not end where the contract does.
func TestCatchUp(t *testing.T) {
	r, err := measure(t.Context(), t.TempDir(), 400, 3, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if r.Deposits != 400 || r.Errors != 0 || r.Requests["logs"] < 2 || r.Requests["logs"] > 40 || r.Requests["proof"] < 1 {
		t.Errorf("%+v", r)
	}
}
