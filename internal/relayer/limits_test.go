package relayer

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// TestSpendingLimit lets a relayer come to the end of what it may spend in a day:
// it waits, through a restart too, and goes on the next day.
func TestSpendingLimit(t *testing.T) {
	inBubble(t, func(w *world) {
		const most, cost = simGas * 202, simGas / 10 * 202
		path := filepath.Join(t.TempDir(), "beta.json")
		open := func() *Worker { return w.workerWith(Config{Eager: true}, openSpending(t, path, 2*most+cost)) }
		worker := open()
		stop := w.start(worker)
		w.node.commit(3, 1)
		w.node.precommit(0, 1, 2)
		worker.Committed()
		synctest.Wait()
		if s := worker.Status(); len(w.chain.view().pool) != 2 || s.Hold != string(holdSpent) || s.Err != "" {
			t.Fatalf("pool %d, status %+v", len(w.chain.view().pool), s)
		}
		w.run([]*Worker{worker}, 60) // the first two cost less than they might have
		w.wantExecuted(1, 2, 3)
		for nonce := uint64(4); worker.Status().Hold != string(holdSpent); nonce++ {
			if nonce > 100 {
				t.Fatal("it spends and spends")
			}
			w.node.commit(1, 1)
			w.node.precommit(0, 1, 2)
			w.run([]*Worker{worker}, 30)
		}
		spent := worker.Status().Spent
		if left, _ := spent.Limit.Sub(spent.Paid); left.Cmp(types.NewAmount(most)) >= 0 || !spent.Claimed.IsZero() {
			t.Errorf("it waits while there is enough: %+v", spent)
		}
		before := len(w.chain.executed)
		stop()
		worker = open()
		stop = w.start(worker)
		w.run([]*Worker{worker}, 600)
		if s := worker.Status(); len(w.chain.executed) != before || s.Hold != string(holdSpent) || s.Spent != spent {
			t.Errorf("a restart begins a new day: %+v", s)
		}
		if n := strings.Count(w.log.String(), "spending limit is reached"); n > 4 {
			t.Errorf("it is said %d times", n)
		}
		// What others relay goes on.
		other := w.workerOf(Config{Eager: true})
		stopOther := w.start(other)
		w.run([]*Worker{worker, other}, 30)
		if len(w.chain.executed) != before+1 {
			t.Error("another relayer does not go on")
		}
		stopOther()
		w.node.agree(uint64(before + 1))
		w.node.commit(1, 1)
		w.node.precommit(0, 1, 2)
		time.Sleep(25 * time.Hour)
		w.run([]*Worker{worker}, 60)
		if len(w.chain.executed) != before+2 {
			t.Errorf("it does not go on the next day: %+v", worker.Status())
		}
		stop()
	})
}

// TestBehindManyBatches executes as many batches as a chain may have, none of them
// agreed on: a command behind them does not wait for that.
func TestBehindManyBatches(t *testing.T) {
	inBubble(t, func(w *world) {
		const batches = 64
		worker := w.workerOf(Config{Alone: true, Eager: true})
		w.start(worker)
		w.node.commit(batches, 1)
		w.node.precommit(0, 1, 2)
		w.run([]*Worker{worker}, 100)
		if executed := len(w.chain.executed); executed != batches {
			t.Fatalf("%d batches are executed", executed)
		}
		w.node.commit(1, 1)
		w.node.precommit(0, 1, 2)
		w.run([]*Worker{worker}, 20)
		if executed := len(w.chain.executed); executed != batches+1 {
			t.Errorf("the command behind them waits: %+v", worker.Status())
		}
	})
}

// TestKilledBeforeTheReceipt ends a process with transactions under way: the next
// one learns what they cost.
func TestKilledBeforeTheReceipt(t *testing.T) {
	inBubble(t, func(w *world) {
		path := filepath.Join(t.TempDir(), "beta.json")
		worker := w.workerWith(Config{Eager: true}, openSpending(t, path, 1<<40))
		stop := w.start(worker)
		w.node.commit(3, 1)
		w.node.precommit(0, 1, 2)
		worker.Committed()
		synctest.Wait()
		stop()
		w.chain.mine()
		worker = w.workerWith(Config{Eager: true}, openSpending(t, path, 1<<40))
		w.start(worker)
		w.run([]*Worker{worker}, 60)
		w.wantExecuted(1, 2, 3)
		if s := worker.Status().Spent; s.Paid != types.NewAmount(3*simGas/10*202) || !s.Claimed.IsZero() || s.Transactions != 3 {
			t.Errorf("spent %+v", s)
		}
	})
}

func TestLowBalanceIsSaidOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.workerOf(Config{Eager: true, LowBalance: types.NewAmount(2e18)})
		w.start(worker)
		w.node.commit(1, 1)
		w.node.precommit(0, 1, 2)
		w.run([]*Worker{worker}, 300)
		if n := strings.Count(w.log.String(), "balance is low"); n != 1 || !worker.Status().Low {
			t.Errorf("said %d times, status %+v", n, worker.Status())
		}
		w.wantExecuted(1)
	})
}

// TestFeesRiseTenfold has the market rise while transactions wait: they follow
// within the limit, and wait above it, which the status says.
func TestFeesRiseTenfold(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.workerOf(Config{Eager: true, MaxFee: 2500})
		w.start(worker)
		w.node.commit(3, 1)
		w.node.precommit(0, 1, 2)
		worker.Committed()
		synctest.Wait()
		rise := func(base uint64) {
			w.chain.with(func(c *simChain) { c.least, c.market = base+2, chain.Fees{Tip: 2, Cap: 2*base + 2} })
		}
		rise(1000)
		w.run([]*Worker{worker}, 120)
		w.wantExecuted(1, 2, 3)
		rise(10_000)
		w.node.commit(1, 1)
		w.node.precommit(0, 1, 2)
		w.run([]*Worker{worker}, 120)
		if s := worker.Status(); s.Hold != string(holdFees) || s.Pending != 0 {
			t.Errorf("status %+v", s)
		}
		if n := strings.Count(w.log.String(), "fees of the destination are above the limit"); n != 1 {
			t.Errorf("said %d times", n)
		}
		rise(100)
		w.run([]*Worker{worker}, 60)
		w.wantExecuted(1, 2, 3, 4)
		w.wantWasted(0)
	})
}

func TestChainThatNeedsMoreGas(t *testing.T) {
	inBubble(t, func(w *world) {
		w.chain.with(func(c *simChain) { c.wants = 5000 })
		worker := w.workerOf(Config{Eager: true})
		w.start(worker)
		w.node.commit(1, 1)
		w.node.precommit(0, 1, 2)
		worker.Committed()
		synctest.Wait()
		if pool := w.chain.view().pool; len(pool) != 1 || pool[0].Gas != 5000 {
			t.Errorf("pool %+v", pool)
		}
	})
}
