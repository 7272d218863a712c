package kvstore

import (
	"os"
	"testing"
	"time"

	"github.com/icrosschain/bridged/test/bench/fleet"
)

func TestMain(m *testing.M) {
	fleet.Serve(map[string]fleet.Kind{Kind: NewValidator})
	os.Exit(m.Run())
}

// With gossip and without, two validators commit what they were given.
func TestMeasure(t *testing.T) {
	for _, silent := range []bool{false, true} {
		rate, err := Measure(t.Context(), Config{
			Dir: t.TempDir(), Validators: 2,
			Setting: Setting{TimeoutCommit: 10 * time.Millisecond, Sleep: 10 * time.Millisecond, Waiting: 100, Silent: silent},
		})
		if err != nil || rate <= 0 {
			t.Errorf("silent %v: %v transactions a second, %v", silent, rate, err)
		}
	}
}

func TestTransaction(t *testing.T) {
	t.Parallel()
	a, b := transaction(1, 2), transaction(2, 1)
	if len(a) != txBytes || len(b) != txBytes || string(a) == string(b) {
		t.Errorf("%s and %s", a, b)
	}
}
