package bridge_test

import (
	"testing"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// A deposit's time began at the head that was agreed before its block: after an
// outage that had lasted longer, the first deposit was refunded at once.
func TestOutageDoesNotCountAgainstTheExpiry(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) { g.Chains[0].ExpiryBlocks = 100 })
	mine(n, alpha, 200) // nobody votes meanwhile
	id := n.Send(goldFor(bob, 10), alpha)
	mine(n, alpha, 1)
	n.Settle(12)
	wantReleased(t, n, id)
}

// A large amount whose delay was longer than the expiry could never be released.
// Its time begins when it leaves the delay, and is as long as any other's.
func TestLargeAmountExpiresOnlyAfterItsDelay(t *testing.T) {
	n := newMoney(t, func(g *types.Genesis) {
		g.Chains[0].ExpiryBlocks = 100
		g.Params.LargeDelayBlocks, g.Params.LargeDelayMS = 20, 0
		g.Assets[0].Tokens[1].Large = units(1000)
		g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(2000), Rate: units(1)}
	})
	before := goldOf(n, alice)
	passes, held := n.Send(goldFor(bob, 1999), alpha), n.Send(goldFor(bob, 1000), alpha)
	run(n, 3)
	mine(n, alpha, 300) // three times the expiry
	run(n, 3)
	wantAt(t, n, passes, types.StatusHeld, types.ReasonLargeAmount)
	wantAt(t, n, held, types.StatusHeld, types.ReasonLargeAmount)
	run(n, 20) // the delay ends; the first leaves nothing of the limit
	wantReleased(t, n, passes)
	wantAt(t, n, held, types.StatusHeld, types.ReasonFlowLimit)
	mine(n, alpha, 60)
	run(n, 3)
	wantAt(t, n, held, types.StatusHeld, types.ReasonFlowLimit)
	mine(n, alpha, 40)
	run(n, 8)
	wantAt(t, n, held, types.StatusRefunded, types.ReasonExpired)
	after, _ := before.Sub(units(1999))
	wantBalance(t, n, alpha, goldToken, alice, after)
}
