package bridge_test

import (
	"testing"
	"time"

	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// outflow is what has left until the end of each second.
type outflow struct {
	times, sums []uint64
}

func (o *outflow) add(at, sum uint64) {
	o.times, o.sums = append(o.times, at), append(o.sums, sum)
}

// wantWithin holds every window of time against a token bucket.
func (o *outflow) wantWithin(t *testing.T, what string, capacity, rate uint64) {
	t.Helper()
	for i := range o.times {
		before := uint64(0)
		if i > 0 {
			before = o.sums[i-1]
		}
		for j := i; j < len(o.times); j++ {
			if out, most := o.sums[j]-before, capacity+rate*(o.times[j]-o.times[i]); out > most {
				t.Fatalf("%s: %d from second %d to %d, at most %d", what, out, o.times[i], o.times[j], most)
			}
		}
	}
}

// Ten times the limit in one block: it flows out at the limit's pace, in order,
// and the contract's own limit, a little wider, never fails any of it.
func TestBurstOfTenTimesTheLimit(t *testing.T) {
	const capacity, rate, belt, beltRate, each, count = 1000, 50, 1250, 60, 250, 40
	n := newMoney(t, func(g *types.Genesis) {
		token := &g.Assets[0].Tokens[1]
		token.Flow = types.FlowLimit{Capacity: units(capacity), Rate: units(rate)}
		token.Limit = types.TokenLimit{Capacity: units(belt), Rate: units(beltRate)}
	})
	n.Events = nil
	for range count {
		n.Send(goldFor(bob, each), alpha)
	}
	n.SkipAudit = true // every tenth block does
	var ordered, paid outflow
	for i := 0; paid.last() < each*count; i++ {
		if i > 300 {
			t.Fatalf("%d are paid", paid.last())
		}
		later(n, 700*time.Millisecond)
		n.Step()
		waiting := limitsOf(t, n, "beta", gold).Queued.Release
		if chainState(t, n, alpha).Cursor == uint64(len(n.Chains[alpha].Inbox())) {
			ordered.add(uint64(n.Time.Unix()), each*(count-waiting))
		}
		at := n.Chains[beta].Time
		n.Relay(types.MaxBatchItems)
		paid.add(at, number(t, n.Chains[beta].Balance(wrappedGold(n), bob)))
		if n.SkipAudit = i%10 != 0; !n.SkipAudit {
			n.Audit()
		}
	}
	ordered.wantWithin(t, "ordered", capacity, rate)
	paid.wantWithin(t, "paid", belt, beltRate)
	n.SkipAudit = false
	n.Settle(10)
	wantPaidInOrder(t, n, beta)
	wantBalance(t, n, beta, wrappedGold(n), bob, units(each*count))
	if s := supplyOf(t, n, gold); !s.InFlight.IsZero() || balanceOf(t, n, gold, beta).Supply != units(each*count) {
		t.Errorf("%+v", s)
	}
}

func (o *outflow) last() uint64 {
	if len(o.sums) == 0 {
		return 0
	}
	return o.sums[len(o.sums)-1]
}

func number(t *testing.T, a types.Amount) uint64 {
	t.Helper()
	b := a.Bytes32()
	var n uint64
	for _, digit := range b[24:] {
		n = n<<8 | uint64(digit)
	}
	if units(n) != a {
		t.Fatalf("%s is no uint64", a)
	}
	return n
}

// Nobody relays for long, and then everything arrives at once: what the
// contract's limit refuses is refunded, and nothing is lost.
func TestBurstThatWaitedForItsRelayer(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) {
		token := &g.Assets[0].Tokens[1]
		token.Flow = types.FlowLimit{Capacity: units(1000), Rate: units(50)}
		token.Limit = types.TokenLimit{Capacity: units(1000), Rate: units(50)}
	})
	before := goldOf(n, alice)
	var ids []types.TransferID
	for range 12 {
		ids = append(ids, n.Send(goldFor(bob, 250), alpha))
	}
	for range 40 {
		later(n, 700*time.Millisecond)
		hold(n, 1)
	}
	n.Settle(30)
	var released, refunded uint64
	for _, id := range ids {
		switch got := transfer(t, n, id.String()); {
		case got.Status == types.StatusReleased:
			released += 250
		case got.Status == types.StatusRefunded && got.Reason == types.ReasonReleaseFailed:
			refunded += 250
		default:
			t.Errorf("%+v", got)
		}
	}
	if released < 1000 || refunded == 0 || released+refunded != 3000 {
		t.Errorf("%d released, %d refunded", released, refunded)
	}
	wantBalance(t, n, beta, wrappedGold(n), bob, units(released))
	after, _ := before.Sub(units(released))
	wantBalance(t, n, alpha, goldToken, alice, after)
}

// What is above the capacity passes when nothing at all is spent, and keeps
// those behind it waiting until the limit has made up for it.
func TestAboveTheCapacityPassesWithAFullBucketOnly(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) {
		g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(100), Rate: units(1)}
	})
	n.Send(goldFor(bob, 10), alpha)
	run(n, 4)
	above := n.Send(goldFor(bob, 300), alpha)
	behind := n.Send(goldFor(bob, 100), alpha)
	run(n, 2)
	wantAt(t, n, above, types.StatusHeld, types.ReasonFlowLimit)
	later(n, 10*time.Second)
	run(n, 6)
	wantReleased(t, n, above)
	wantAt(t, n, behind, types.StatusHeld, types.ReasonFlowLimit)
	if spent := limitsOf(t, n, "beta", gold).Spent; spent.Cmp(units(290)) < 0 || spent.Cmp(units(300)) > 0 {
		t.Errorf("spent %s", spent)
	}
	later(n, 200*time.Second)
	run(n, 6)
	wantAt(t, n, behind, types.StatusHeld, types.ReasonFlowLimit)
	later(n, 100*time.Second)
	run(n, 6)
	wantReleased(t, n, behind)
	wantBalance(t, n, beta, wrappedGold(n), bob, units(410))
}

// Refunds are never limited, nor is what goes to another chain or in another
// asset.
func TestTheLimitHoldsReleasesOfItsTokenOnly(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) {
		for i := range g.Assets[0].Tokens {
			g.Assets[0].Tokens[i].Flow = types.FlowLimit{Capacity: units(100), Rate: units(1)}
		}
	})
	n.Send(goldFor(bob, 100), alpha)
	n.Settle(12)
	held := n.Send(goldFor(bob, 100), alpha)
	refund := n.Send(bridgetest.To(99, bob, goldToken, alice, units(5000)), alpha)
	back := n.Send(bridgetest.To(alpha, carol, wrappedGold(n), bob, units(100)), beta)
	coin := n.Send(bridgetest.To(beta, bob, types.NativeToken, alice, ether(1)), alpha)
	run(n, 8)
	wantAt(t, n, held, types.StatusHeld, types.ReasonFlowLimit)
	wantAt(t, n, refund, types.StatusRefunded, types.ReasonUnknownDestination)
	wantReleased(t, n, back, coin)
}
