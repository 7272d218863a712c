package state

import (
	"io"
	"strings"
	"testing"

	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// What is kept for a while goes, and nothing but roots stays of transfers.
func TestMeasure(t *testing.T) {
	t.Parallel()
	params := types.DefaultParams()
	params.KeepBlocks = 10
	figures, err := measure(t.Context(), plan{transfers: []uint64{300, 900}, params: params, keep: 10},
		figure.Options{Log: io.Discard, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if f.Value <= 0 {
			t.Errorf("%+v", f)
		}
		if strings.HasPrefix(f.Name, "live keys but for") && f.Value > 1.05 {
			t.Errorf("%s is %v", f.Name, f.Value)
		}
	}
}
