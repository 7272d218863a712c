package observer

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/chain/fake"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A source that cannot prove silence is read like any other, and an event that
// its servers hide is late, not lost.
func TestSilenceThatIsNotProven(t *testing.T) {
	one(t, 0, func(w *world) {
		w.chain.Partial(true)
		w.chain.Deposit(1)
		w.chain.Mine(1)
		settle()
		w.chain.Tell(fake.Lie{Hide: 2})
		w.chain.Deposit(2)
		w.chain.Mine(5)
		settle()
		if got := nonces(w.marks()); !slices.Equal(got, []uint64{1}) || w.head() != 6 {
			t.Fatalf("marks at %v, head %d", got, w.head())
		}
		w.chain.Tell(fake.Lie{})
		w.chain.Mine(5) // the event lies below what was heard as silence
		settle()
		if got := nonces(w.marks()); !slices.Equal(got, []uint64{1, 2}) {
			t.Errorf("marks at %v, status %+v", got, w.observer.Status())
		}
		w.quiet()
	})
}

// Silence contradicts nothing: a network that has applied more than this node's
// endpoints tell of is no broken word, and a proven event with another hash is.
func TestSilenceIsNoContradiction(t *testing.T) {
	one(t, 0, func(w *world) {
		w.chain.Partial(true)
		w.chain.Deposit(1)
		w.chain.Deposit(2)
		w.chain.Mine(3)
		w.agree(types.Mark{Nonce: 5, Hash: types.Hash{9}, Block: 2})
		w.mu.Lock()
		w.state.Head = 2
		w.mu.Unlock()
		settle()
		if s := w.observer.Status(); s.Check != chain.CheckHidden || len(w.marks()) != 0 {
			t.Errorf("status %+v", s)
		}
		w.quiet()
		for range 3 {
			w.chain.Deposit(3)
		}
		w.chain.Mine(1)
		time.Sleep(time.Minute)
		synctest.Wait()
		w.alarmed(chain.CheckCursor)
	})
}
