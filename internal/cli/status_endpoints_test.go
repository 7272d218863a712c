package cli

import (
	"bytes"
	"os"
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

// Status shows what the node that runs in the home says of its endpoints.
func TestStatusShowsEndpoints(t *testing.T) {
	s := &session{homeDir: t.TempDir()}
	if err := os.MkdirAll(s.home().Data(), 0o700); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	printEndpoints(&out, []statusChain{{Label: "alpha", Seen: s.reported()[1]}})
	if out.Len() != 0 {
		t.Errorf("without a node:\n%s", out.String())
	}
	if err := ops.WriteReport(s.home().ReportFile(), ops.Report{At: time.Now(), Chains: []ops.ChainReport{
		{Chain: 1, Label: "alpha", Endpoints: []ops.EndpointReport{
			{Endpoint: "own", State: "up", LatencyMS: 2, Success: 1, Head: 100, Requests: 50},
			{Endpoint: "far (far:1)", State: "rate limited", LatencyMS: 80, Success: 0.25, Head: 90, Lag: 10, Requests: 5, Check: "transport", Error: "far: 429"},
		}},
		{Chain: 2, Label: "beta", Check: "agreement", Error: "1 of 2 endpoints answer", Since: time.Unix(0, 0), Endpoints: []ops.EndpointReport{
			{Endpoint: "own", State: "down", Check: "transport", Error: "own: refused"},
		}},
	}}); err != nil {
		t.Fatal(err)
	}
	seen := s.reported()
	printEndpoints(&out, []statusChain{{Label: "alpha", Seen: seen[1]}, {Label: "beta", Seen: seen[2]}, {Label: "gamma"}})
	want := `
CHAIN  ENDPOINT     STATE         LATENCY  SUCCESS  FINAL  BEHIND  CALLS  LAST
alpha  own          up            2 ms     100 %    100    0       50     ok
alpha  far (far:1)  rate limited  80 ms    25 %     90     10      5      transport
beta   own          down          0 ms     0 %      0      0       0      transport
alpha: an endpoint fails, and others stand in for it. far: 429
beta: this node does not vote for its events since 1970-01-01T00:00:00Z. agreement: 1 of 2 endpoints answer
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}
