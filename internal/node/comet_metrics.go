package node

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cometbft/cometbft/blocksync"
	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/mempool"
	cmtnode "github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/statesync"
	kit "github.com/go-kit/kit/metrics"
	"github.com/prometheus/client_golang/prometheus"
)

// cometMetrics are CometBFT's own, with quicker counters of bytes: it adds to two of
// them for each message, of which there are hundreds a second at rest, and to find
// them by their labels took a twentieth of a validator's processor time.
func cometMetrics(c *cmtconfig.InstrumentationConfig) cmtnode.MetricsProvider {
	provide := cmtnode.DefaultMetricsProvider(c)
	return func(chainID string) (*consensus.Metrics, *p2p.Metrics, *mempool.Metrics, *sm.Metrics, *proxy.Metrics, *blocksync.Metrics, *statesync.Metrics) {
		votes, peers, pool, blocks, app, sync, snapshots := provide(chainID)
		if c.Prometheus {
			quicken(peers, c.Namespace, chainID)
		}
		return votes, peers, pool, blocks, app, sync, snapshots
	}
}

func quicken(m *p2p.Metrics, namespace, chainID string) {
	for _, c := range []struct {
		counter    *kit.Counter
		name, help string
		labels     []string
	}{
		{&m.PeerReceiveBytesTotal, "peer_receive_bytes_total", "Number of bytes received from a given peer.", []string{"peer_id", "chID"}},
		{&m.PeerSendBytesTotal, "peer_send_bytes_total", "Number of bytes sent to a given peer.", []string{"peer_id", "chID"}},
		{&m.MessageReceiveBytesTotal, "message_receive_bytes_total", "Number of bytes of each message type received.", []string{"message_type"}},
		{&m.MessageSendBytesTotal, "message_send_bytes_total", "Number of bytes of each message type sent.", []string{"message_type"}},
	} {
		vec, err := registered(prometheus.CounterOpts{Namespace: namespace, Subsystem: p2p.MetricsSubsystem, Name: c.name, Help: c.help},
			append([]string{"chain_id"}, c.labels...))
		if err == nil { // else CometBFT's stays
			*c.counter = &keptCounters{vec: vec, chainID: chainID, labels: c.labels, kept: map[[maxPairs]string]kit.Counter{}}
		}
	}
}

// registered is the counter with these names that CometBFT has registered, which it
// gives in no other way.
func registered(o prometheus.CounterOpts, labels []string) (*prometheus.CounterVec, error) {
	same := prometheus.NewCounterVec(o, labels)
	err := prometheus.Register(same)
	if err == nil {
		prometheus.Unregister(same)
		return nil, errors.New("CometBFT has no such counter")
	}
	var already prometheus.AlreadyRegisteredError
	if !errors.As(err, &already) {
		return nil, err
	}
	vec, ok := already.ExistingCollector.(*prometheus.CounterVec)
	if !ok {
		return nil, fmt.Errorf("CometBFT's counter is a %T", already.ExistingCollector)
	}
	return vec, nil
}

// maxPairs is how many words name a counter at most: labels and values.
const maxPairs = 4

// keptCounters are the counters of a vector, kept by what CometBFT calls them.
type keptCounters struct {
	vec     *prometheus.CounterVec
	chainID string
	labels  []string

	mu   sync.RWMutex
	kept map[[maxPairs]string]kit.Counter
}

// With implements go-kit's Counter; all labels are given at once.
func (c *keptCounters) With(pairs ...string) kit.Counter {
	var key [maxPairs]string
	copy(key[:], pairs)
	c.mu.RLock()
	found := c.kept[key]
	c.mu.RUnlock()
	if found != nil {
		return found
	}
	values := make([]string, 1, 1+len(c.labels))
	values[0] = c.chainID
	for _, label := range c.labels {
		values = append(values, pairs[slices.Index(pairs, label)+1])
	}
	found = counter{c.vec.WithLabelValues(values...)}
	c.mu.Lock()
	c.kept[key] = found
	c.mu.Unlock()
	return found
}

// Add implements go-kit's Counter. It is not called: a counter has labels.
func (c *keptCounters) Add(float64) {}

// counter has all its labels.
type counter struct{ prometheus.Counter }

// With implements go-kit's Counter.
func (c counter) With(...string) kit.Counter { return c }
