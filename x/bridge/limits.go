package bridge

import (
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// flowBack lets what was spent of a flow limit flow back: rate units for each
// whole second of block time. Fractions of a second are kept for the next time.
func (b *balance) flowBack(token *pb.Token, now int64) {
	if b.spent.IsZero() || now <= b.spentAt {
		return
	}
	seconds := types.NewAmount(uint64(now - b.spentAt)) //nolint:gosec // checked above
	b.spentAt = now
	back, err := amountOf(token.FlowRate).Mul(seconds)
	if err != nil || back.Cmp(b.spent) >= 0 { // more than anything spent
		b.spent, b.spentAt = types.Amount{}, 0
		return
	}
	b.spent, _ = b.spent.Sub(back) // covered: compared above
}

// flows says whether a payout passes the flow limit now. One above the capacity
// passes when nothing is spent, and leaves more spent than the capacity.
func (b *balance) flows(token *pb.Token, need types.Amount, now int64) bool {
	capacity := amountOf(token.FlowCapacity)
	if capacity.IsZero() {
		return true
	}
	b.flowBack(token, now)
	if need.Cmp(capacity) > 0 {
		return b.spent.IsZero()
	}
	sum, err := b.spent.Add(need)
	return err == nil && sum.Cmp(capacity) <= 0
}

// spend takes a payout that flows out of the limit.
func (b *balance) spend(token *pb.Token, need types.Amount, now int64) {
	if amountOf(token.FlowCapacity).IsZero() {
		return
	}
	if b.spent.IsZero() {
		b.spentAt = now
	}
	b.spent, _ = b.spent.Add(need) // in range: flows was asked
}
