package state

import (
	"io"
	"strings"
	"testing"

	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// What is kept for a while goes, and nothing stays of transfers.
func TestMeasure(t *testing.T) {
	t.Parallel()
	params := types.DefaultParams()
	params.KeepBlocks = 10
	figures, err := measure(t.Context(), plan{transfers: []uint64{300, 900}, params: params, keep: 10},
		figure.Options{Log: io.Discard, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var keys float64
	for _, f := range figures {
		if f.Value <= 0 {
			t.Errorf("%+v", f)
		}
		if strings.HasPrefix(f.Name, "live keys after") {
			keys = f.Value
		}
	}
	if keys == 0 || keys > 1.05 {
		t.Errorf("live keys after 900 transfers are %v × those after 300", keys)
	}
}
