package node

import (
	"testing"

	"github.com/icrosschain/bridged/config"
)

// A chain's own limit of the gas price goes before that of all chains.
func TestMaxFeeOfAChain(t *testing.T) {
	c := config.DefaultChain()
	for _, test := range []struct{ own, all, want uint64 }{{0, 500, 500e9}, {3, 500, 3e9}, {1000, 500, 1000e9}} {
		c.MaxFeeGwei = test.own
		s := relayingSpec{chain: c, limits: config.Relayer{MaxFeeGwei: test.all}}
		if got := s.workerConfig().MaxFee; got != test.want {
			t.Errorf("%d gwei here and %d everywhere: %d wei, want %d", test.own, test.all, got, test.want)
		}
	}
}
