package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/internal/ops"
)

func TestStatusOfMovement(t *testing.T) {
	for name, c := range map[string]struct {
		seen ops.ChainReport
		want []string
	}{
		"nothing to say": {ops.ChainReport{Head: 7}, nil},
		"stalled": {ops.ChainReport{Head: 7, Newest: 90, Stalled: time.Unix(1_700_000_000, 0)}, []string{
			"alpha: its final block 7 has stood still since 2023-11-14T22:13:20Z, and the newest is 90.",
		}},
		"catching up": {ops.ChainReport{Reading: &ops.ReadingReport{Block: 50, To: 100, BlocksPerSecond: 5, LeftSeconds: 10}}, []string{
			"alpha: catching up: block 50 of 100, 5 blocks a second, about 10s left.",
		}},
	} {
		var out strings.Builder
		printMovement(&out, "alpha", c.seen)
		if strings.Count(out.String(), "\n") != len(c.want) {
			t.Errorf("%s: %q", name, out.String())
		}
		for _, line := range c.want {
			if !strings.Contains(out.String(), line) {
				t.Errorf("%s: %q", name, out.String())
			}
		}
	}
}
