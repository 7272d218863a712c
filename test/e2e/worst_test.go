package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// worstDay has what the cases of one bad day use on their network.
type worstDay struct {
	*network
	many, rich, away evmnode.Account // who bursts, who has large amounts, who is on beta
}

// TestWorstDay sends more than a flow limit lets through, and more than may go at
// once, over chains that are paused or die. Nothing is lost, and nothing is paid
// before its time. `make demo` shows most of it, so this runs with BRIDGED_LONG only.
func TestWorstDay(t *testing.T) {
	if os.Getenv("BRIDGED_LONG") == "" {
		t.Skip("the demo has most of it")
	}
	t.Parallel()
	w := &worstDay{}
	w.network = newNetwork(t, plan{
		users: 3, third: true, assets: func(n *network) []*asset {
			n.gold.terms = map[uint64]string{betaID: flowTerms}
			n.coin.far = native
			n.coin.terms = map[uint64]string{alphaID: largeTerms, betaID: largeTerms, gammaID: farTerms}
			return nil
		},
		terms: func(c *chain) []string {
			if c.id() == betaID {
				return []string{"--expiry-blocks", pauseExpiry}
			}
			return nil
		},
		params: []string{
			"head_interval=4", "large_delay_blocks=10", "large_delay_ms=" + largeDelayMS,
			"retire_delay_blocks=20", "retire_delay_ms=3000",
		},
	})
	w.many, w.rich, w.away = w.users[0], w.users[1], w.users[2]
	// Each case waits for something; others happen meanwhile.
	stranded := w.gammaDies()
	large, small := w.depositLarge()
	w.flow()
	w.largeArrives(large, small)
	waiting := w.pauseBeta()
	w.retireGamma(stranded)
	w.unpauseBeta(waiting)
	w.audit()
}

// released waits until transfers are.
func (w *worstDay) released(ids ...string) {
	w.t.Helper()
	w.reach(time.Minute, types.StatusReleased, ids...)
}
