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

// replacement is what to offer instead of old, which is stuck: an eighth more or
// the market's price, whichever is greater, and a tip that doubles towards rush.
// One endpoint's word cannot raise it faster. It is false where that is above
// most.
func replacement(old, market, rush chain.Fees, most uint64) (chain.Fees, bool) {
	least := bumped(old)
	if least.Cap > most {
		return chain.Fees{}, false
	}
	tip := max(least.Tip, market.Tip, min(rush.Tip, double(old.Tip)))
	limit := max(least.Cap, market.Cap)
	if rush.Tip > market.Tip {
		limit = max(limit, min(rush.Cap, double(old.Cap)))
	}
	return chain.Fees{Tip: min(tip, most), Cap: min(max(limit, tip), most), Legacy: market.Legacy}, true
}

func double(n uint64) uint64 {
	if n > math.MaxUint64/2 {
		return math.MaxUint64
	}
	return 2 * n
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
