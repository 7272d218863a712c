package rest

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/cluster"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	u := used{length: 2 * time.Second, heights: 6, share: []float64{0.02, 0.04}, resident: []float64{100e6, 300e6}}
	for i, want := range []float64{3, 4, 200, 300, 3} {
		if f := u.figures(plan{})[i]; f.Value != want {
			t.Errorf("%+v, want %v", f, want)
		}
	}
}

// The real program comes to rest.
func TestMeasure(t *testing.T) {
	if os.Getenv("BRIDGED_LONG") == "" {
		t.Skip("builds and starts validators: BRIDGED_LONG=1")
	}
	executable, err := cluster.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := plan{executable: executable, block: 200 * time.Millisecond, settle: time.Second, length: 3 * time.Second}
	figures, err := measure(t.Context(), p, figure.Options{Log: io.Discard, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if f.Value <= 0 {
			t.Errorf("%+v", f)
		}
	}
}
