package relayer

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// inBubble runs a test with its own clock.
func inBubble(t *testing.T, test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		test(w)
		if t.Failed() {
			t.Log("\n" + w.log.String())
		}
	})
}

func (w *world) wantExecuted(nonces ...uint64) {
	w.t.Helper()
	w.chain.mu.Lock()
	defer w.chain.mu.Unlock()
	if !slices.Equal(w.chain.executed, nonces) {
		w.t.Errorf("executed %v, want %v", w.chain.executed, nonces)
	}
}

func (w *world) wantWasted(most int) {
	w.t.Helper()
	if w.chain.view().wasted > most {
		w.t.Errorf("%d transactions reverted, at most %d should", w.chain.view().wasted, most)
	}
}

func TestSendsInTheMomentOfTheQuorum(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.worker(0)
		w.start(worker)
		synctest.Wait()
		w.node.commit(2, 5) // height 11
		worker.Committed()
		synctest.Wait()
		w.node.precommit(0, 1)
		worker.SignaturesChanged()
		synctest.Wait()
		if w.chain.view().sends != 0 {
			w.t.Fatal("sent without a quorum")
		}
		looks := w.chain.view().looks // one was taken ahead, when the command was committed
		if looks == 0 {
			w.t.Error("nobody looked ahead")
		}
		w.node.precommit(2)
		worker.SignaturesChanged()
		synctest.Wait() // no time passes
		if len(w.chain.view().pool) != 2 || w.chain.view().looks != looks {
			w.t.Fatalf("pool %d, looks %d", len(w.chain.view().pool), w.chain.view().looks-looks)
		}
		line := regexp.MustCompile(`msg=sent component=relayer chain=beta nonce=1 first=0 count=5 seal_height=11 height=12 tx=0x[0-9a-f]{64} `)
		if !line.MatchString(w.log.String()) {
			w.t.Error("no line for the measurement of latency")
		}
		w.run([]*Worker{worker}, 30)
		w.wantExecuted(1, 2)
		w.wantWasted(0)
		if s := worker.Status(); s.Sent != 2 || s.Pending != 0 || s.Err != "" || s.Position.Nonce != 2 {
			w.t.Errorf("status %+v", s)
		}
	})
}

func TestSignaturesOfTheState(t *testing.T) {
	inBubble(t, func(w *world) {
		w.node.commit(1, 1)
		c := &w.node.outbox.Commands[0]
		c.Signatures = map[int][types.SignatureBytes]byte{}
		for _, k := range w.node.keys[:3] {
			c.Signatures[w.node.set.Index(k.address)] = k.sign(c.Seal.Digest)
		}
		w.start(w.worker(0))
		synctest.Wait()
		if len(w.chain.view().pool) != 1 {
			w.t.Fatal("not sent")
		}
	})
}

func TestWrongSignaturesDoNotCount(t *testing.T) {
	inBubble(t, func(w *world) {
		w.node.commit(1, 1)
		height := w.node.outbox.Height
		w.node.precommit(0, 0, 0, 1, 1)
		w.node.signatures[height] = append(w.node.signatures[height],
			[types.SignatureBytes]byte{}, w.node.keys[2].sign(types.Hash{5}))
		w.start(w.worker(0))
		synctest.Wait()
		if w.chain.view().sends != 0 {
			w.t.Fatal("sent with two valid signatures of four")
		}
	})
}

func TestIdleAsksNobody(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.worker(0)
		w.start(worker)
		w.run([]*Worker{worker}, 200)
		if w.chain.view().looks > 1 {
			w.t.Errorf("looked %d times at a destination for which nothing is open", w.chain.view().looks)
		}
		w.node.commit(1, 1) // not complete
		w.run([]*Worker{worker}, 50)
		if w.chain.view().looks > 2 {
			w.t.Errorf("looked %d times while a command lacks signatures", w.chain.view().looks)
		}
	})
}

func TestTheNextStepsIn(t *testing.T) {
	inBubble(t, func(w *world) {
		second, third := w.worker(1), w.worker(2)
		w.start(second)
		w.start(third)
		w.node.commit(1, 1)
		w.node.precommit(0, 1, 2, 3)
		w.run([]*Worker{second, third}, 25)
		if w.chain.view().sends != 0 {
			w.t.Fatal("stepped in too early")
		}
		w.run([]*Worker{second, third}, 30)
		w.wantExecuted(1)
		w.wantWasted(0)
		if second.Status().Sent != 1 || third.Status().Sent != 0 {
			w.t.Errorf("sent: second %d, third %d", second.Status().Sent, third.Status().Sent)
		}
	})
}

func TestAnotherRelayerWasFirst(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.workerOf(Config{Eager: true})
		w.start(worker)
		synctest.Wait()
		w.chain.with(func(c *simChain) { c.contract.nonce, c.executed = 1, []uint64{1} })
		w.node.commit(2, 1)
		w.node.precommit(0, 1, 2)
		worker.Committed()
		w.run([]*Worker{worker}, 30)
		w.wantExecuted(1, 2)
		w.wantWasted(0)
		// While ours is in the pool.
		w.node.commit(1, 1)
		w.node.precommit(0, 1, 2)
		w.node.agree(2)
		worker.Committed()
		synctest.Wait()
		w.chain.with(func(c *simChain) { c.contract.nonce = 3; c.executed = append(c.executed, 3) })
		w.run([]*Worker{worker}, 60)
		w.wantExecuted(1, 2, 3)
		w.wantWasted(1)
		if s := worker.Status(); s.Reverted != 1 || s.Pending != 0 || s.Sent != 2 {
			w.t.Errorf("status %+v", s)
		}
	})
}

func TestRestartContinues(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.start(w.worker(0))
		w.node.commit(3, 1)
		w.node.precommit(0, 1, 2)
		w.run(nil, 2)
		stop() // its three transactions, if any, stay in the pool
		again := w.worker(0)
		w.start(again)
		w.run([]*Worker{again}, 60)
		w.wantExecuted(1, 2, 3)
		w.wantWasted(0)
	})
}

func TestRestartWithStuckTransactions(t *testing.T) {
	inBubble(t, func(w *world) {
		w.node.commit(3, 1)
		w.node.precommit(0, 1, 2)
		stop := w.start(w.worker(0))
		synctest.Wait()
		stop()
		if len(w.chain.view().pool) != 3 {
			w.t.Fatalf("pool %d", len(w.chain.view().pool))
		}
		w.chain.with(func(c *simChain) { c.least, c.market = 210, chain.Fees{Tip: 2, Cap: 212} })
		again := w.worker(0)
		w.start(again)
		w.run([]*Worker{again}, 20)
		if again.Status().Hold != string(holdStrangers) {
			w.t.Errorf("hold %q", again.Status().Hold)
		}
		w.run([]*Worker{again}, 60)
		w.wantExecuted(1, 2, 3)
		w.wantWasted(0)
	})
}

func TestStuckTransactionIsReplaced(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.worker(0)
		w.start(worker)
		w.node.commit(2, 1)
		w.node.precommit(0, 1, 2)
		w.chain.with(func(c *simChain) { c.least = 300 }) // the market does not show it
		w.run([]*Worker{worker}, 200)
		w.wantExecuted(1, 2)
		w.wantWasted(0)
		if worker.Status().Bumped < 4 {
			w.t.Errorf("status %+v", worker.Status())
		}
	})
}

func TestNeverAboveTheLimit(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.worker(0)
		worker.cfg.MaxFee = 250
		w.start(worker)
		w.node.commit(1, 1)
		w.node.precommit(0, 1, 2)
		w.chain.with(func(c *simChain) { c.least = 300 })
		w.run([]*Worker{worker}, 300)
		w.wantExecuted()
		for _, tx := range w.chain.view().pool {
			if tx.Fees.Cap > 250 {
				w.t.Errorf("offered %d", tx.Fees.Cap)
			}
		}
		if !strings.Contains(w.log.String(), "would exceed the limit") {
			w.t.Error("nobody is told")
		}
		w.chain.with(func(c *simChain) { c.least = 0 })
		w.run([]*Worker{worker}, 20)
		w.wantExecuted(1)
	})
}

func TestDroppedTransaction(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.workerOf(Config{Eager: true})
		w.start(worker)
		w.chain.with(func(c *simChain) { c.drop = true })
		w.node.commit(2, 1)
		w.node.precommit(0, 1, 2)
		worker.Committed()
		synctest.Wait()
		w.chain.with(func(c *simChain) { c.drop = false })
		w.run([]*Worker{worker}, 60)
		w.wantExecuted(1, 2)
		// The pool loses all in the middle of it.
		w.node.agree(2)
		w.node.commit(2, 1)
		w.node.precommit(0, 1, 2)
		worker.Committed()
		synctest.Wait()
		w.chain.with(func(c *simChain) { clear(c.pool) })
		w.run([]*Worker{worker}, 60)
		w.wantExecuted(1, 2, 3, 4)
		w.wantWasted(0)
	})
}

func TestLostAnswer(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.worker(0)
		w.start(worker)
		w.chain.with(func(c *simChain) { c.lose = true })
		w.node.commit(2, 1)
		w.node.precommit(0, 1, 2)
		w.run([]*Worker{worker}, 5)
		w.chain.with(func(c *simChain) { c.lose = false })
		w.run([]*Worker{worker}, 60)
		w.wantExecuted(1, 2)
		w.wantWasted(0)
	})
}

func TestReorgOfTheDestination(t *testing.T) {
	for _, lost := range []bool{false, true} {
		inBubble(t, func(w *world) {
			worker := w.worker(0)
			w.start(worker)
			w.node.commit(3, 1)
			w.node.precommit(0, 1, 2)
			w.run([]*Worker{worker}, 35)
			w.wantExecuted(1, 2, 3)
			w.chain.reorg(3, lost)
			w.wantExecuted()
			w.run([]*Worker{worker}, 60)
			w.wantExecuted(1, 2, 3)
			w.wantWasted(0)
		})
	}
}

func TestSlices(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.worker(0)
		w.start(worker)
		w.chain.with(func(c *simChain) { c.slice = 40 })
		w.node.commit(2, 100)
		w.node.precommit(0, 1, 2)
		w.run([]*Worker{worker}, 100)
		w.wantExecuted(1, 2)
		w.wantWasted(0)
		if worker.Status().Sent != 6 {
			w.t.Errorf("sent %d", worker.Status().Sent)
		}
	})
}

func TestDestinationDown(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.worker(0)
		w.start(worker)
		w.chain.with(func(c *simChain) { c.down = errors.New("no route to host") })
		w.node.commit(2, 1)
		w.node.precommit(0, 1, 2)
		w.run([]*Worker{worker}, 300)
		if w.chain.view().looks > 40 {
			w.t.Errorf("asked %d times in 5 minutes", w.chain.view().looks)
		}
		if n := strings.Count(w.log.String(), "relaying is delayed"); n == 0 || n > 6 {
			w.t.Errorf("complained %d times in 5 minutes", n)
		}
		if worker.Status().Err == "" {
			w.t.Error("status shows no error")
		}
		w.chain.with(func(c *simChain) { c.down = nil })
		w.run([]*Worker{worker}, 60)
		w.wantExecuted(1, 2)
		if worker.Status().Err != "" {
			w.t.Errorf("status still shows %s", worker.Status().Err)
		}
	})
}

func TestStopsAtOnce(t *testing.T) {
	inBubble(t, func(w *world) {
		stop := w.start(w.worker(0))
		synctest.Wait()
		begin := time.Now()
		stop()
		if time.Since(begin) != 0 {
			w.t.Error("Run took its time to stop")
		}
	})
}
