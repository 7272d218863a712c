package e2e

import (
	"context"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A burst of ten times what the flow limit of GOLD on beta holds. The contract's
// own limit would refuse it as well, for it is not much wider.
const (
	flowCapacity = 10_000
	flowRate     = 9_000 // a second
	flowTerms    = ",flow_capacity=10000,flow_rate=9000,capacity=30000,rate=9000"
	flowDeposits = 100
	flowAmount   = 1000
	flowLimit    = 90 * time.Second
)

// COIN from largeAmount on waits, on alpha and on beta.
const (
	largeAmount  = 1_000_000
	largeTerms   = ",large=1000000"
	largeDelayMS = "12000"
	largeBlocks  = 10
)

// flow sends the burst. It arrives in its order, not faster than the limit flows
// back, and none of it ever fails at the contract.
func (w *worstDay) flow() {
	w.t.Helper()
	puppet := w.alpha.deployPuppet(w.many)
	w.alpha.do(w.many, call{to: &w.gold.origin, data: bindings.NewTestToken().PackMint(puppet, big.NewInt(1e9))})
	w.alpha.do(w.many, told(puppet, w.gold.origin, 1, approval(w.alpha.bridge)))
	base := stranger(100)
	base[19] = 0
	recipient := func(i int64) common.Address {
		return common.BigToAddress(new(big.Int).Add(base.Big(), big.NewInt(i)))
	}
	data := bindings.NewBridge().PackDeposit(w.gold.origin, big.NewInt(flowAmount), w.beta.id(),
		word(recipient(0)), w.many.Address, big.NewInt(w.gold.fee), nil)
	first := w.nonce(w.alpha, w.alpha.do(w.many, told(puppet, w.alpha.bridge, flowDeposits, data)))
	ids := make([]string, flowDeposits)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s/%d", w.alpha.name, first+uint64(i))
	}
	last := flowDeposits - 1
	w.held(ids[last], types.ReasonFlowLimit, w.gold, recipient(int64(last)))

	views := w.reach(flowLimit, types.StatusReleased, ids...)
	w.flowed(views)
	paid := w.mints(w.gold)
	if len(paid) != flowDeposits {
		w.t.Fatalf("%d were paid of %d", len(paid), flowDeposits)
	}
	for i, m := range paid {
		want := flowAmount + int64(i) - w.gold.fee
		if m.to != recipient(int64(i)) || m.amount.Cmp(big.NewInt(want)) != 0 {
			w.t.Fatalf("payment %d is %s to %s; want %d to %s", i, m.amount, m.to, want, recipient(int64(i)))
		}
		w.has(w.beta, w.gold.wrapped, m.to, want)
	}
	w.nothingFailed(w.beta)
}

// held waits until a transfer to beta is held for a reason. It is not paid, and
// `query why` says so.
func (w *worstDay) held(id string, reason types.Reason, a *asset, recipient common.Address) {
	w.t.Helper()
	cluster.Eventually(w.t, time.Minute, id+" to be held", func(ctx context.Context) error {
		view, err := w.stands(ctx, id)
		if err == nil && (view.Status != types.StatusHeld || view.Reason != reason) {
			return fmt.Errorf("it is %s: %s", view.Status, view.Why)
		}
		return err
	})
	w.has(w.beta, a.wrapped, recipient, 0)
	w.explains("a transfer that is held", id, types.StatusHeld, reason)
}

// flowed holds the commands of releases to the limit, by the time of the blocks
// that made them: a bucket that was full at first.
func (w *worstDay) flowed(views []bridge.TransferView) {
	w.t.Helper()
	start, sum := w.blockTime(views[0].SealHeight), int64(0)
	for _, v := range views {
		amount, err := strconv.ParseInt(v.Amount.String(), 10, 64)
		if err != nil {
			w.t.Fatal(err)
		}
		sum += amount
		seconds := w.blockTime(v.SealHeight).Unix() - start.Unix()
		if most := flowCapacity + flowRate*seconds; sum > most {
			w.t.Fatalf("within %d s up to %s, %d were let through; want at most %d", seconds, v.ID, sum, most)
		}
	}
	taken := w.blockTime(views[len(views)-1].SealHeight).Sub(start)
	w.t.Logf("%d of GOLD went through a limit of %d within %s", sum, flowCapacity, taken)
}

// blockTime is when a block of the network was made, by its own time.
func (n *network) blockTime(height uint64) time.Time {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), askTimeout)
	defer cancel()
	h := int64(height) //nolint:gosec // a height
	block, err := n.node(0).Header(ctx, &h)
	if err != nil {
		n.t.Fatal(err)
	}
	return block.Header.Time
}

// nothingFailed wants a contract never to have said that it could not do
// something.
func (n *network) nothingFailed(c *chain) {
	n.t.Helper()
	for _, log := range c.logs(c.bridge) {
		if e, err := bindings.NewBridge().UnpackExecutedEvent(&log); err == nil && len(e.Failures) > 0 {
			n.t.Errorf("%s: items of command %d failed: %x", c.name, e.OutboxNonce, e.Failures)
		}
	}
}

// depositLarge sends a large amount to beta, and one behind it that is not large.
func (w *worstDay) depositLarge() (large, small string) {
	w.t.Helper()
	d := deposit{from: w.alpha, asset: w.coin, sender: w.rich, amount: largeAmount + w.coin.fee, recipient: word(w.away.Address)}
	next := d
	next.amount, next.recipient = largeAmount-1, word(stranger(10))
	ids, _ := w.deposit(d, next)
	w.held(ids[0], types.ReasonLargeAmount, w.coin, w.away.Address)
	return ids[0], ids[1]
}

// largeArrives waits for both amounts, and wants both delays of the large one to
// have passed before its command was made. The other one did not wait for it.
func (w *worstDay) largeArrives(large, small string) {
	w.t.Helper()
	views := w.reach(time.Minute, types.StatusReleased, large, small)
	w.has(w.beta, w.coin.wrapped, w.away.Address, largeAmount)
	w.has(w.beta, w.coin.wrapped, stranger(10), largeAmount-1-w.coin.fee)
	view := views[0]
	if views[1].SealHeight >= view.SealHeight {
		w.t.Errorf("what stood behind a large amount was let through at height %d, the large amount at %d", views[1].SealHeight, view.SealHeight)
	}
	delay, err := time.ParseDuration(largeDelayMS + "ms")
	if err != nil {
		w.t.Fatal(err)
	}
	waited := w.blockTime(view.SealHeight).Sub(w.blockTime(view.Height))
	if view.SealHeight < view.Height+largeBlocks || waited < delay {
		w.t.Errorf("a large amount was let through after %d blocks and %s", view.SealHeight-view.Height, waited)
	}
}
