package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// judged is a network with one transfer, and evidence that it was released
// exactly once.
func judged(t *testing.T) (*network, []*transfer, *evidence) {
	t.Helper()
	tr, e := sentTransfer(t), emptyEvidence()
	n := &network{chains: chains{tr.from, tr.to}, watches: map[*chain]*watch{}}
	for _, c := range n.chains {
		w := watchChain(c.node)
		t.Cleanup(w.close)
		n.watches[c] = w
	}
	tr.asset = newAssets(n.chains, nil)[0]
	tr.amount = tr.asset.milli(1_500)
	tr.state.Payout = tr.payout().String()
	e.sight(10, votes(alphaID, 7))
	e.deposits[alphaID] = map[uint64]int{7: 1}
	e.sent[betaID] = []sending{{nonce: 5, count: 4, height: 12}}
	e.executed[betaID] = []execution{{nonce: 5, count: 4, block: 1}}
	return n, []*transfer{tr}, e
}

func TestJudgeTransfers(t *testing.T) {
	n, transfers, e := judged(t)
	r := &report{}
	lines := n.judgeTransfers(transfers, e, r)
	if len(r.Failures) != 0 || len(lines) != 1 {
		t.Fatalf("%+v, %+v", r, lines)
	}
	if line := lines[0]; line.ID != "alpha/7" || line.Amount != "1.5" || line.LatencyBlocks != 2 || line.Status != statusReleased {
		t.Errorf("%+v", line)
	}
}

func TestJudgeFindsWhatIsWrong(t *testing.T) {
	for want, bend := range map[string]func(transfers *[]*transfer, e *evidence){
		"alpha/7 is refunded":  func(ts *[]*transfer, _ *evidence) { (*ts)[0].state.Status = "refunded" },
		"with a payout of 1;":  func(ts *[]*transfer, _ *evidence) { (*ts)[0].state.Payout = "1" },
		"on chain 31001":       func(ts *[]*transfer, _ *evidence) { (*ts)[0].state.OutboxChain = alphaID },
		"beta paid it 0 times": func(_ *[]*transfer, e *evidence) { e.executed[betaID][0].failures = []byte{0b1000} },
		"beta paid it 2 times": func(_ *[]*transfer, e *evidence) {
			e.executed[betaID] = append(e.executed[betaID], e.executed[betaID]...)
		},
		"paid by the same entry":         func(ts *[]*transfer, _ *evidence) { *ts = append(*ts, (*ts)[0]) },
		"logged deposit 7 2 times":       func(_ *[]*transfer, e *evidence) { e.deposits[alphaID][7] = 2 },
		"logged deposit 8 1 times; made": func(_ *[]*transfer, e *evidence) { e.deposits[alphaID][8] = 1 },
		"no vote in any block":           func(_ *[]*transfer, e *evidence) { e.marks = nil },
		"no relayer says":                func(_ *[]*transfer, e *evidence) { e.sent = nil },
	} {
		t.Run(want, func(t *testing.T) {
			n, transfers, e := judged(t)
			bend(&transfers, e)
			r := &report{}
			n.judgeTransfers(transfers, e, r)
			if len(r.Failures) != 1 || !strings.Contains(r.Failures[0], want) {
				t.Errorf("got %q", r.Failures)
			}
		})
	}
}

func TestNewestAnswer(t *testing.T) {
	failed, refund := transferAnswer{ID: "alpha/7", Status: statusFailed}, transferAnswer{ID: "alpha/7", Status: "refunded"}
	for _, answers := range [][]transferAnswer{{failed, refund}, {refund, failed}} {
		answer := newest(answers)["alpha/7"]
		if answer != refund || !answer.ended() {
			t.Errorf("of %v it took %v", answers, answer)
		}
	}
	if failed.ended() {
		t.Error("a failed release is taken for the end")
	}
}

func TestSlowReportFails(t *testing.T) {
	r := goodReport()
	for i := range r.Transfers {
		r.Transfers[i].LatencyBlocks = maxMedianLatency + 1
	}
	r.conclude()
	if r.OK || len(r.Failures) != 1 || !strings.Contains(r.Failures[0], "at the median") {
		t.Errorf("%+v", r)
	}
}

// A network that does not come up leaves nothing behind.
func TestFailedStart(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		want   string
		cancel bool
	}{
		"no homes":    {`echo "no luck" >&2; exit 1`, "homes of four validators: bridged testnet", false},
		"interrupted": {`exec sleep 300`, errInterrupted.Error(), true},
	} {
		t.Run(name, func(t *testing.T) {
			options := defaultNetworkOptions()
			options.chains = fastChains()
			options.bridged = fakeBridged(t, tc.script).path
			options.dir = filepath.Join(t.TempDir(), "net")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tc.cancel {
				time.AfterFunc(2*time.Second, cancel)
			}
			var said bytes.Buffer
			_, err := startNetwork(ctx, options, newProgress(&said))
			if err == nil || !strings.Contains(err.Error(), tc.want) || errors.Is(err, errInterrupted) != tc.cancel {
				t.Errorf("got %v after\n%s", err, &said)
			}
			if _, err := os.Stat(options.dir); !os.IsNotExist(err) {
				t.Errorf("left behind: %v", err)
			}
		})
	}
}
