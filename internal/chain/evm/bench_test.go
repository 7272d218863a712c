package evm

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/internal/chain"
)

// BenchmarkRead compares fetching and verifying logs with a bare eth_getLogs
// loop over the same ranges.
func BenchmarkRead(b *testing.B) {
	w := newWorld(b)
	w.deposits(150, 150, 150, 150, 150, 150, 150, 150)
	w.finalize()
	cfg := w.config(1, w.node.HTTPURL())
	cfg.MaxRange = 4
	s := w.source(cfg)
	position, err := s.Finalized(b.Context())
	w.must(err)
	report := func(b *testing.B, logs int) {
		b.ReportMetric(float64(logs)*float64(b.N)/b.Elapsed().Seconds(), "logs/s")
	}
	b.Run("bare", func(b *testing.B) {
		var logs int
		for range b.N {
			logs = 0
			for first := uint64(0); first <= position.Block; first += cfg.MaxRange {
				got, err := w.eth.FilterLogs(b.Context(), ethereum.FilterQuery{
					Addresses: []common.Address{w.bridge}, FromBlock: new(big.Int).SetUint64(first),
					ToBlock: new(big.Int).SetUint64(min(first+cfg.MaxRange-1, position.Block)),
				})
				w.must(err)
				logs += len(got)
			}
		}
		report(b, logs)
	})
	b.Run("verified", func(b *testing.B) {
		var events int
		for range b.N {
			batch, err := s.Read(b.Context(), w.seed(), position.Inbox, keepAll)
			w.must(err)
			events = len(batch.Events)
		}
		report(b, events)
	})
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
