package relayer

import (
	"math"

	"github.com/icrosschain/bridged/internal/chain"
)

// bumped is the least offer that replaces one with fees f: clients want 10 %
// more of both numbers, some 12.5 %.
func bumped(f chain.Fees) chain.Fees {
	f.Tip, f.Cap = raise(f.Tip), raise(f.Cap)
	return f
}

// raise adds an eighth, rounded up, and at least 1.
func raise(n uint64) uint64 {
	step := n/8 + 1
	if n > math.MaxUint64-step {
		return math.MaxUint64
	}
	return n + step
}

// replacement is what to offer instead of old: an eighth more or the market's
// price, whichever is greater. It is false where that is above most.
func replacement(old, market chain.Fees, most uint64) (chain.Fees, bool) {
	least := bumped(old)
	if least.Cap > most {
		return chain.Fees{}, false
	}
	return chain.Fees{
		Tip:    min(max(least.Tip, market.Tip), most),
		Cap:    min(max(least.Cap, market.Cap), most),
		Legacy: market.Legacy,
	}, true
}

// affordable limits the market's price to most. It is false where that would
// not even pay for the next block.
func affordable(market chain.Fees, most uint64) (chain.Fees, bool) {
	if market.Cap <= most {
		return market, true
	}
	base := (market.Cap - market.Tip) / 2 // the cap is twice the base fee and the tip
	if market.Legacy || base >= most || market.Tip > most-base {
		return chain.Fees{}, false
	}
	market.Cap = most
	return market, true
}
