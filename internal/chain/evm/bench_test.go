package evm

import (
	"math/big"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/internal/chain"
)

// BenchmarkRead fetches and verifies logs, and beside it runs a bare eth_getLogs
// loop over the same ranges, in turns: "of-bare" is the rate of the first as a
// part of that of the second, by the median of all turns.
func BenchmarkRead(b *testing.B) {
	w := newWorld(b)
	w.deposits(150, 150, 150, 150, 150, 150, 150, 150)
	w.finalize()
	cfg := w.config(1, w.node.HTTPURL())
	cfg.MaxRange = 2
	s := w.source(cfg)
	position, err := s.Finalized(b.Context())
	w.must(err)
	// Without compression, as a Client asks a node of its own machine.
	client, err := rpc.DialOptions(b.Context(), w.node.HTTPURL(), rpc.WithHTTPClient(&http.Client{Transport: newTransport(w.node.HTTPURL()).next}))
	w.must(err)
	defer client.Close()
	eth := ethclient.NewClient(client)
	bare := func() {
		for first := uint64(0); first <= position.Block; first += cfg.MaxRange {
			_, err := eth.FilterLogs(b.Context(), ethereum.FilterQuery{
				Addresses: []common.Address{w.bridge}, FromBlock: new(big.Int).SetUint64(first),
				ToBlock: new(big.Int).SetUint64(min(first+cfg.MaxRange-1, position.Block)),
			})
			w.must(err)
		}
	}
	verified := func() {
		batch, err := s.Read(b.Context(), w.seed(), position.Inbox, keepAll)
		w.must(err)
		if uint64(len(batch.Events)) != position.Inbox.Nonce {
			b.Fatalf("%d events of %d", len(batch.Events), position.Inbox.Nonce)
		}
	}
	bare()
	verified()
	var ratios []float64
	var took time.Duration
	for b.Loop() {
		start := time.Now()
		bare()
		between := time.Now()
		verified()
		took += time.Since(between)
		ratios = append(ratios, float64(between.Sub(start))/float64(time.Since(between)))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "of-bare")
	b.ReportMetric(float64(position.Inbox.Nonce)*float64(len(ratios))/took.Seconds(), "logs/s")
}

// BenchmarkFinalized is a poll of one endpoint whose head has moved: header,
// proof and its verification.
func BenchmarkFinalized(b *testing.B) {
	w := newWorld(b)
	w.finalize()
	s := w.source(w.config(1, w.node.HTTPURL()))
	for range b.N {
		s.last = chain.Sighting{} // as if the block were new
		if _, err := s.Finalized(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
