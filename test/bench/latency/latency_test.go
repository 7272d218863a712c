package latency

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// Every step is traced, and the steps add up.
func TestMeasure(t *testing.T) {
	t.Parallel()
	p := plan{loads: []load{{20, time.Second}}, commit: 20 * time.Millisecond}
	figures, err := measure(t.Context(), p, figure.Options{Log: io.Discard, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	value := map[string]float64{}
	for _, f := range figures {
		value[f.Name+" "+f.Unit] = f.Value
		if f.Value < 0 || f.Unit == "ms" && f.Value > 60_000 {
			t.Errorf("%+v", f)
		}
	}
	total := value["20/s: "+finalToSent+", p50 ms"]
	for name, v := range value {
		if strings.Contains(name, "p50 ms") && v > total {
			t.Errorf("%s is %v, and all together %v", name, v, total)
		}
	}
	if heights := value["20/s: first vote → quorum, p50 heights"]; heights < 1 {
		t.Errorf("a quorum after %v heights", heights)
	}
}
