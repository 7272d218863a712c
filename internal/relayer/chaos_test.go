package relayer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
)

// TestChaos lets a relayer run through what a destination, its endpoint and
// an operator can do to them, in random order, and demands that all commands are
// executed once things are calm again, and that nobody ever paid too much.
func TestChaos(t *testing.T) {
	seeds := 10
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(w *world) { chaos(w, rand.New(rand.NewPCG(uint64(seed), 7))) })
		})
	}
}

// chaosRun is one run: the relayer, and how to stop it.
type chaosRun struct {
	*world
	rng    *rand.Rand
	worker *Worker
	stop   func()
}

func chaos(w *world, rng *rand.Rand) {
	c := &chaosRun{world: w, rng: rng}
	c.restart()
	for range 150 {
		c.step()
		c.finalise()
		c.run([]*Worker{c.worker}, 1+rng.IntN(15))
	}
	w.chain.with(func(s *simChain) {
		s.down, s.lose, s.drop, s.least, s.slice = nil, false, false, 0, 0
		s.market = chain.Fees{Tip: 2, Cap: 202}
	})
	w.node.precommit(0, 1, 2, 3)
	c.run([]*Worker{c.worker}, 600)
	last := w.node.outbox.Executed + uint64(len(w.node.outbox.Commands))
	if w.chain.view().contract != (place{nonce: last}) || last < 20 {
		w.t.Errorf("the contract stands at %+v, the last command is %d; %+v", w.chain.view().contract, last, c.worker.Status())
	}
	if p := c.worker.Status().Pending; p != 0 {
		w.t.Errorf("%d transactions are pending for ever", p)
	}
}

func (c *chaosRun) restart() {
	if c.stop != nil {
		c.stop()
	}
	c.worker = c.workerOf(Config{Eager: true, MaxFee: 2000})
	c.stop = c.start(c.worker)
	synctest.Wait()
}

// finalise agrees on what is four blocks deep, beyond the reach of reorgs.
func (c *chaosRun) finalise() {
	var final uint64
	c.chain.with(func(s *simChain) {
		if old := len(s.undo) - 4; old > 0 {
			final = s.undo[old].contract.nonce
			s.undo = s.undo[old:]
		}
	})
	if final > c.node.outbox.Executed {
		c.node.agree(final)
	}
}

// step does one thing.
func (c *chaosRun) step() {
	rng, s := c.rng, c.chain
	switch rng.IntN(14) {
	case 0, 1, 2:
		c.node.commit(1+rng.IntN(3), 1+rng.Uint32N(100))
		c.node.precommit(rng.Perm(4)[:rng.IntN(5)]...)
	case 3:
		c.node.precommit(0, 1, 2)
	case 4:
		s.reorg(min(1+rng.IntN(3), len(s.undo)), rng.IntN(2) == 0)
	case 5:
		s.with(func(s *simChain) { clear(s.pool) })
	case 6:
		s.with(func(s *simChain) {
			for nonce := range s.pool {
				if rng.IntN(3) == 0 {
					delete(s.pool, nonce)
				}
			}
		})
	case 7: // another relayer executes the next command
		s.with(func(s *simChain) {
			if s.contract.nonce < c.node.outbox.Executed+uint64(len(c.node.outbox.Commands)) {
				s.undo = append(s.undo, simBlock{contract: s.contract, mined: s.mined, executed: len(s.executed)})
				s.block++
				s.contract = place{nonce: s.contract.nonce + 1}
			}
		})
	case 8:
		s.with(func(s *simChain) { s.down = errors.New("endpoint is down") })
		c.run([]*Worker{c.worker}, rng.IntN(60))
		s.with(func(s *simChain) { s.down = nil })
	case 9:
		s.with(func(s *simChain) { s.lose = !s.lose })
	case 10:
		s.with(func(s *simChain) { s.drop = !s.drop })
	case 11: // fees move, and the endpoint's view of them need not be right
		s.with(func(s *simChain) {
			s.least = rng.Uint64N(1000)
			s.market = chain.Fees{Tip: 1 + rng.Uint64N(10), Cap: 20 + rng.Uint64N(1000)}
		})
	case 12:
		s.with(func(s *simChain) { s.slice = rng.Uint32N(60) })
	case 13:
		c.restart()
	}
	s.with(func(s *simChain) {
		for _, tx := range s.pool {
			if tx.Fees.Cap > 2000 {
				c.t.Errorf("offered %d", tx.Fees.Cap)
			}
		}
	})
	time.Sleep(time.Millisecond)
}
