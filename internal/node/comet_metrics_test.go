package node

import (
	"fmt"
	"testing"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	kit "github.com/go-kit/kit/metrics"
	"github.com/prometheus/client_golang/prometheus"
)

// What quick counters are told is gathered under CometBFT's names and labels.
func TestCometMetrics(t *testing.T) {
	t.Parallel()
	namespace := fmt.Sprintf("quick%d", time.Now().UnixNano()) // of the process, as CometBFT registers
	_, peers, _, _, _, _, _ := cometMetrics(&cmtconfig.InstrumentationConfig{Prometheus: true, Namespace: namespace})("net")
	for _, c := range []kit.Counter{peers.PeerReceiveBytesTotal, peers.PeerSendBytesTotal, peers.MessageReceiveBytesTotal, peers.MessageSendBytesTotal} {
		if _, isQuick := c.(*keptCounters); !isQuick {
			t.Fatalf("a counter is CometBFT's own, a %T: has it other names or labels now?", c)
		}
	}
	for range 2 {
		peers.PeerSendBytesTotal.With("peer_id", "a", "chID", "0x20").Add(3)
		peers.PeerSendBytesTotal.With("peer_id", "a", "chID", "0x21").Add(4)
		peers.MessageSendBytesTotal.With("message_type", "vote").Add(5)
	}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"_p2p_peer_send_bytes_total chID=0x20 chain_id=net peer_id=a":  6,
		"_p2p_peer_send_bytes_total chID=0x21 chain_id=net peer_id=a":  8,
		"_p2p_message_send_bytes_total chain_id=net message_type=vote": 10,
	} {
		if got[namespace+name] != want {
			t.Errorf("%s is %v, not %v", name, got[namespace+name], want)
		}
	}
	_, peers, _, _, _, _, _ = cometMetrics(&cmtconfig.InstrumentationConfig{Namespace: namespace})("net")
	if _, isQuick := peers.PeerSendBytesTotal.(*keptCounters); isQuick {
		t.Error("metrics that nobody wants are kept")
	}
}
