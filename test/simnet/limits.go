package simnet

import (
	"math/big"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// limits is the simulation's own reckoning of flow limits and delays. Where
// governance changes a limit, the loosest one that there ever was counts.
type limits struct {
	terms   map[limitKey]types.Token
	buckets map[limitKey]*bucket
}

type limitKey struct {
	asset types.AssetID
	chain types.ChainID
}

// bucket is what was spent of a flow limit.
type bucket struct {
	spent   *big.Int
	second  int64
	command uint64 // up to which payouts are counted: a reorg repeats some
	index   uint32
}

func newLimits(assets []types.Asset) *limits {
	l := &limits{terms: map[limitKey]types.Token{}, buckets: map[limitKey]*bucket{}}
	for _, a := range assets {
		for _, t := range a.Tokens {
			l.terms[limitKey{a.ID, t.Chain}] = t
		}
	}
	return l
}

// loosen takes changed terms into account.
func (l *limits) loosen(asset types.AssetID, t types.Token) {
	key := limitKey{asset, t.Chain}
	before := l.terms[key]
	before.Flow.Capacity, before.Flow.Rate = looser(before.Flow.Capacity, t.Flow.Capacity), looser(before.Flow.Rate, t.Flow.Rate)
	before.Large = looser(before.Large, t.Large)
	l.terms[key] = before
}

// looser is the greater of two limits, where 0 is none.
func looser(a, b types.Amount) types.Amount {
	switch {
	case a.IsZero() || b.IsZero():
		return types.Amount{}
	case a.Cmp(b) < 0:
		return b
	}
	return a
}

// held checks that a release was not sealed while something had to hold it.
func (r *run) held(c *chain, t *transfer, o bridge.OutboxCommand, index uint32, e types.BatchEntry) {
	height := o.Seal.Height
	if r.timeline.of(c.ID).pausedAt(height) || r.timeline.of(t.id.Source).pausedAt(height) {
		r.broken("pause", "transfer %s from %s to %s was released by block %d, while a chain was paused", t.id, t.id.Source, c.Label, height)
	}
	key := limitKey{t.asset, c.ID}
	terms := r.limits.terms[key]
	if at := r.timeline.of(t.id.Source).appliedAt(t.id.Nonce); !terms.Large.IsZero() && t.amount.Cmp(terms.Large) >= 0 {
		p := r.genesis.Params
		if at == 0 || height < uint64(at)+p.LargeDelayBlocks || r.timeline.millis[height] < r.timeline.millis[at]+int64(p.LargeDelayMS) {
			r.broken("large", "transfer %s of %s was applied by block %d and released by block %d, too early", t.id, t.amount, at, height)
		}
	}
	r.flow(key, terms, o, index, e)
}

// flow counts a release against its flow limit.
func (r *run) flow(key limitKey, terms types.Token, o bridge.OutboxCommand, index uint32, e types.BatchEntry) {
	b := r.limits.buckets[key]
	if b == nil {
		b = &bucket{spent: new(big.Int)}
		r.limits.buckets[key] = b
	}
	if o.Nonce < b.command || o.Nonce == b.command && index < b.index {
		return
	}
	b.command, b.index = o.Nonce, index+1
	second := r.timeline.seconds[o.Seal.Height]
	back := new(big.Int).Mul(number(terms.Flow.Rate), big.NewInt(second-b.second))
	b.second = second
	if b.spent.Sub(b.spent, back).Sign() < 0 {
		b.spent.SetInt64(0)
	}
	need := new(big.Int).Add(number(e.Amount), number(e.Fee))
	need.Mul(need, number(scaleOf(r.world.asset(key.asset), terms)))
	before := new(big.Int).Set(b.spent)
	b.spent.Add(b.spent, need)
	capacity := number(terms.Flow.Capacity)
	if capacity.Sign() == 0 {
		b.spent.SetInt64(0)
		return
	}
	alone := before.Sign() == 0 && need.Cmp(capacity) > 0 // passes an unused limit
	if b.spent.Cmp(capacity) > 0 && !alone {
		r.broken("flow limit", "command %d of chain %s releases %s where %s of %s are spent", o.Nonce, key.chain, need, before, capacity)
	}
}

func number(a types.Amount) *big.Int { return new(big.Int).SetBytes(a.Bytes()) }

// early checks that a transfer which could have been released was not refunded
// before its time.
func (r *run) early(t *transfer, o bridge.OutboxCommand) {
	if !t.releasable || t.tried || t.exempt {
		return
	}
	source, destination := r.timeline.of(t.id.Source), r.timeline.of(t.destination)
	at := source.appliedAt(t.id.Nonce)
	height := o.Seal.Height
	if at == 0 || height >= uint64(len(source.heads)) {
		r.broken("I3", "transfer %s was refunded before it was applied", t.id)
	}
	waiting := max(destination.queued[at], destination.queued[max(at-1, 0)])
	full := waiting+r.timeline.events[at] >= uint64(r.genesis.Params.MaxHeld)
	expires := source.heads[max(at-1, 0)] + r.world.chain(t.id.Source).ExpiryBlocks
	if !full && source.heads[height] < expires {
		r.broken("expiry", "transfer %s was refunded by block %d: it could have been released until its chain's agreed head had reached %d, which was %d",
			t.id, height, expires, source.heads[height])
	}
}
