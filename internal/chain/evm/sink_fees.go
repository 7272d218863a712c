package evm

import (
	"math"
	"math/big"
	"sync"
	"time"

	"github.com/holiman/uint256"

	"github.com/icrosschain/bridged/internal/chain"
)

// offerAge is how long an endpoint's word about fees counts: it need not answer
// every look in time.
const offerAge = 30 * time.Second

// offer is what one endpoint says of fees, in wei for a unit of gas.
type offer struct {
	legacy bool   // no base fee: a chain before EIP-1559
	base   uint64 // fee of the newest block
	tip    uint64 // suggested; where legacy, the whole price
	at     time.Time
}

// offerOf reads an endpoint's answers; base is nil without EIP-1559, tip where
// the endpoint cannot suggest any.
func offerOf(base, tip, price *big.Int) offer {
	if base == nil {
		return offer{legacy: true, tip: saturate(price)}
	}
	if tip == nil {
		tip = new(big.Int).Sub(price, base) // eth_gasPrice is base fee and tip
		if tip.Sign() < 0 {
			tip.SetUint64(0)
		}
	}
	return offer{base: saturate(base), tip: saturate(tip)}
}

// offers is the latest offer of each group. An endpoint may say anything to make
// a relayer burn its money, or to let its transactions wait for ever.
type offers struct {
	mu sync.Mutex
	of map[string]offer
}

func (o *offers) add(group string, f offer, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil {
		o.of = map[string]offer{}
	}
	f.at = now
	o.of[group] = f
}

// fees makes medians of what the groups say. Of two, market takes the lower tip,
// and rush, for what does not come through with it, the higher; which of them is
// believed in the rest alternates.
func (o *offers) fees(now time.Time, turn, minTip uint64) (market, rush chain.Fees) {
	legacy, bases, tips := o.fresh(now, turn)
	if len(tips) == 0 {
		return chain.Fees{}, chain.Fees{}
	}
	low, high := max(lowerMedian(tips), minTip), max(upperMedian(tips), minTip)
	if legacy {
		return chain.Fees{Tip: low, Cap: low, Legacy: true}, chain.Fees{Tip: high, Cap: high, Legacy: true}
	}
	base := lowerMedian(bases)
	if turn%2 == 0 {
		base = upperMedian(bases)
	}
	return dynamic(base, low), dynamic(base, high)
}

// fresh are the offers that count, all of one kind.
func (o *offers) fresh(now time.Time, turn uint64) (legacy bool, bases, tips []uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var kinds [2][]offer // 1: legacy
	for _, f := range o.of {
		switch {
		case now.Sub(f.at) > offerAge:
		case f.legacy:
			kinds[1] = append(kinds[1], f)
		default:
			kinds[0] = append(kinds[0], f)
		}
	}
	legacy = len(kinds[1]) > len(kinds[0]) || len(kinds[1]) == len(kinds[0]) && turn%2 == 0
	chosen := kinds[0]
	if legacy {
		chosen = kinds[1]
	}
	for _, f := range chosen {
		bases, tips = append(bases, f.base), append(tips, f.tip)
	}
	return legacy, bases, tips
}

// dynamic offers twice the base fee, so that a few full blocks do not outbid it,
// and the tip.
func dynamic(base, tip uint64) chain.Fees {
	tip = max(tip, 1)
	if base > (math.MaxUint64-tip)/2 {
		return chain.Fees{Tip: tip, Cap: math.MaxUint64}
	}
	return chain.Fees{Tip: tip, Cap: 2*base + tip}
}

// market is what to offer by the word of one endpoint alone.
func market(base, tip, price *big.Int, minTip uint64) chain.Fees {
	f := offerOf(base, tip, price)
	if f.legacy {
		p := max(f.tip, minTip)
		return chain.Fees{Tip: p, Cap: p, Legacy: true}
	}
	return dynamic(f.base, max(f.tip, minTip))
}

// saturate is v as a uint64, or the greatest one. 2^64 wei is 18 ether for a
// unit of gas, far above any limit.
func saturate(v *big.Int) uint64 {
	n, overflow := uint256.FromBig(v)
	if overflow || !n.IsUint64() {
		return math.MaxUint64
	}
	return n.Uint64()
}
