package rest

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/cluster"
)

func TestProc(t *testing.T) {
	t.Parallel()
	used, err := parseStat("7 (a) b) S 1 7 7 0 -1 4194560 900 0 3 0 125 75 8 9 20 0 1 0 100 1000 10 1 1\n")
	if err != nil || used != 2*time.Second {
		t.Errorf("%s, %v", used, err)
	}
	bytes, err := parseStatus("Name:\tx\nVmHWM:\t  9000 kB\nVmRSS:\t    2000 kB\n")
	if err != nil || bytes != 2_048_000 {
		t.Errorf("%v bytes, %v", bytes, err)
	}
	for _, bad := range []string{"", "7 (a) S 1", "7 (a) S 1 7 7 0 -1 4194560 900 0 3 0 x 75 8 9"} {
		if used, err := parseStat(bad); err == nil {
			t.Errorf("%q is %s", bad, used)
		}
		if bytes, err := parseStatus(bad); err == nil {
			t.Errorf("%q is %v bytes", bad, bytes)
		}
	}
	if bytes, err := resident(os.Getpid()); err != nil || bytes < 1e6 {
		t.Errorf("this process has %v bytes, %v", bytes, err)
	}
	if _, err := processor(os.Getpid()); err != nil {
		t.Error(err)
	}
}

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
