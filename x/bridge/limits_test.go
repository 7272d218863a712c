package bridge

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// dumbBucket is a flow limit by the book: a level in rational numbers that grows
// from the capacity down, and time that is counted from the last payout.
type dumbBucket struct {
	capacity, rate *big.Rat
	level          *big.Rat // capacity when it is full, below 0 after a large payout
	at             int64
}

func (d *dumbBucket) until(now int64) {
	if now > d.at {
		grown := new(big.Rat).Mul(d.rate, new(big.Rat).SetInt64(now-d.at))
		if d.level.Add(d.level, grown); d.level.Cmp(d.capacity) > 0 {
			d.level.Set(d.capacity)
		}
		d.at = now
	}
}

func (d *dumbBucket) passes(need *big.Rat, now int64) bool {
	d.until(now)
	if need.Cmp(d.capacity) > 0 {
		return d.level.Cmp(d.capacity) == 0
	}
	return need.Cmp(d.level) <= 0
}

func ratOf(a types.Amount) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).SetBytes(a.Bytes()))
}

// The flow limit does what a bucket by the book does, over random payouts and
// times, near the edges of the range too; and it is stored and loaded between.
func TestFlowLimitIsABucket(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		amount := rapid.Custom(func(r *rapid.T) types.Amount {
			bytes := make([]byte, rapid.SampledFrom([]int{1, 1, 1, 8, 15, 16}).Draw(r, "bytes"))
			for i := range bytes {
				bytes[i] = rapid.Byte().Draw(r, "byte")
			}
			a, err := types.AmountFromBytes(bytes)
			if err != nil {
				r.Fatal(err)
			}
			return a
		})
		some := amount.Filter(func(a types.Amount) bool { return !a.IsZero() })
		capacity, rate := some.Draw(r, "capacity"), some.Draw(r, "rate")
		token := &pb.Token{Chain: 1, Mode: uint32(types.ModeMint), FlowCapacity: capacity.Bytes(), FlowRate: rate.Bytes()}
		books := &ledger{}
		now := int64(1_800_000_000)
		twin := &dumbBucket{ratOf(capacity), ratOf(rate), ratOf(capacity), now}
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			now += rapid.SampledFrom([]int64{0, 0, 1, 2, 60, 1 << 40}).Draw(r, "seconds")
			need := rapid.OneOf(amount, rapid.SampledFrom([]types.Amount{capacity, rate})).Draw(r, "need")
			b := books.at(token)
			got, want := b.flows(token, need, now), twin.passes(ratOf(need), now)
			if got != want {
				r.Fatalf("need %s at %d: passes %v, by the book %v (level %s of %s)", need, now, got, want, twin.level, capacity)
			}
			if got {
				b.spend(token, need, now)
				twin.level.Sub(twin.level, ratOf(need))
			}
			if spent := new(big.Rat).Sub(twin.capacity, twin.level); ratOf(b.spent).Cmp(spent) != 0 {
				r.Fatalf("spent %s, by the book %s", b.spent, spent)
			}
			books = ledgerFromPB(books.toPB())
		}
	})
}

// Without a capacity everything passes, and nothing is remembered.
func TestNoFlowLimit(t *testing.T) {
	b, token := &balance{}, &pb.Token{}
	for range 3 {
		if !b.flows(token, most(t), 1) {
			t.Fatal("held")
		}
		b.spend(token, most(t), 1)
	}
	if !b.spent.IsZero() || b.spentAt != 0 {
		t.Errorf("%+v", b)
	}
}
