package relayer

import (
	"testing"
	"testing/synctest"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func testSet(n int) types.ValidatorSet {
	set := make(types.ValidatorSet, n)
	for i := range set {
		set[i] = types.Member{Signer: types.Address{1, 19: byte(i + 1)}, Power: 10}
	}
	return set
}

func TestRankIsAPermutation(t *testing.T) {
	set := testSet(7)
	firsts := map[types.Address]int{}
	for oldest := uint64(1); oldest <= 700; oldest++ {
		taken := map[uint64]bool{}
		for _, m := range set {
			r := rank(31337, oldest, set, []types.Address{{8}, m.Signer})
			if r >= uint64(len(set)) || taken[r] {
				t.Fatalf("command %d: rank %d twice or too high", oldest, r)
			}
			taken[r] = true
			if r == 0 {
				firsts[m.Signer]++
			}
		}
	}
	for _, m := range set {
		if n := firsts[m.Signer]; n < 60 || n > 140 { // 100 on average
			t.Errorf("%s is first %d times of 700", m.Signer, n)
		}
	}
	if got := rank(31337, 1, set, []types.Address{{9}}); got != 7 {
		t.Errorf("a stranger has rank %d", got)
	}
	other := 0
	for oldest := uint64(1); oldest <= 100; oldest++ {
		if rank(1, oldest, set, []types.Address{set[0].Signer}) != rank(2, oldest, set, []types.Address{set[0].Signer}) {
			other++
		}
	}
	if other < 50 {
		t.Errorf("two chains have the same order %d times of 100", 100-other)
	}
}

// withRank returns the member that has a rank.
func withRank(set types.ValidatorSet, id types.ChainID, oldest, want uint64) types.Address {
	for _, m := range set {
		if rank(id, oldest, set, []types.Address{{8}, m.Signer}) == want {
			return m.Signer
		}
	}
	panic("no such rank")
}

func TestTurns(t *testing.T) {
	set := testSet(4)
	outbox := Outbox{Height: 100, Executed: 4, Commands: []bridge.OutboxCommand{{Nonce: 5, Set: set}, {Nonce: 6, Set: set}}}
	at := func(nonce, block uint64) chain.OutboxPosition {
		return chain.OutboxPosition{Nonce: nonce, Block: block}
	}
	newFor := func(r uint64) *turns {
		return newTurns(Config{Chain: 1, Self: []types.Address{withRank(set, 1, 5, r)}}.withDefaults())
	}

	first := newFor(0)
	first.committed(outbox, nil)
	if !first.mayLead(5, 101, 0) || !first.mayFollow(6, 5) {
		t.Fatal("the first in turn has to wait")
	}

	second := newFor(1)
	second.committed(outbox, nil)
	second.looked(101, at(4, 50))
	if second.mayLead(5, 1000, 1000) {
		t.Fatal("stepped in for a command that was not complete yet")
	}
	second.committed(outbox, map[uint64]bool{5: true})
	if second.mayLead(5, 1000, 1000) {
		t.Fatal("stepped in without having seen the contract stand still")
	}
	second.looked(105, at(4, 52))
	for _, c := range []struct {
		height, head uint64
		want         bool
	}{{105, 52, false}, {114, 100, false}, {1000, 54, false}, {115, 55, true}} {
		if got := second.mayLead(5, c.height, c.head); got != c.want {
			t.Errorf("height %d, block %d: %v", c.height, c.head, got)
		}
	}
	// Somebody made progress: patience begins anew.
	second.looked(116, chain.OutboxPosition{Nonce: 4, NextItem: 3, Block: 56})
	if second.mayLead(5, 125, 58) || !second.mayLead(5, 126, 59) {
		t.Error("progress of the contract does not restart patience")
	}
	if !second.mayFollow(6, 5) {
		t.Error("does not send the rest when stepping in")
	}
	// The turn of a command is drawn once, when it is first seen.
	outbox.Executed, outbox.Commands = 5, append(outbox.Commands[1:], bridge.OutboxCommand{Nonce: 7, Set: set})
	second.committed(outbox, nil)
	if second.seen[6].oldest != 5 || second.seen[7].oldest != 6 || second.seen[5] != nil {
		t.Errorf("turns after an execution was agreed: %+v", second.seen)
	}
	if second.mayFollow(7, 6) != (second.seen[7].rank == 0) {
		t.Error("a command of another turn follows")
	}

	third := newFor(2)
	third.committed(Outbox{Executed: 4, Commands: []bridge.OutboxCommand{{Nonce: 5, Set: set}}}, map[uint64]bool{5: true})
	third.looked(105, at(4, 52))
	if third.mayLead(5, 124, 1000) || third.mayLead(5, 1000, 57) || !third.mayLead(5, 125, 58) {
		t.Error("the third waits twice as long as the second")
	}

	eager := newTurns(Config{Chain: 1, Eager: true}.withDefaults())
	if !eager.mayLead(5, 0, 0) || !eager.mayFollow(6, 5) {
		t.Error("an eager relayer waits for a turn")
	}
}

// TestAlone has a relayer that is no validator's: it leaves commands to the
// validators for its patience, however many they are.
func TestAlone(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.workerOf(Config{Alone: true, Patience: 20})
		w.start(worker)
		w.node.commit(2, 1)
		w.node.precommit(0, 1, 2)
		w.run([]*Worker{worker}, 18)
		if w.chain.view().sends != 0 {
			t.Fatal("it did not wait")
		}
		w.run([]*Worker{worker}, 40)
		w.wantExecuted(1, 2)
		w.wantWasted(0)
		// A validator that does its duty is not raced.
		w.node.agree(2)
		first := w.worker(0)
		w.start(first)
		w.node.commit(1, 1)
		w.node.precommit(0, 1, 2)
		w.run([]*Worker{worker, first}, 60)
		w.wantExecuted(1, 2, 3)
		if worker.Status().Sent != 2 {
			t.Errorf("sent %d", worker.Status().Sent)
		}
	})
}

// TestOthersRelayForLong has others execute what a relayer never hears of: told
// that it is behind, it looks, and not at every word.
func TestOthersRelayForLong(t *testing.T) {
	inBubble(t, func(w *world) {
		worker := w.workerOf(Config{Eager: true})
		w.start(worker)
		synctest.Wait()
		w.chain.with(func(c *simChain) { c.contract.nonce = 5 })
		before := w.chain.view().looks
		for range 30 {
			worker.Outdated()
			w.run([]*Worker{worker}, 1)
		}
		if looks := w.chain.view().looks - before; looks < 1 || looks > 4 || worker.Status().Position.Nonce != 5 {
			t.Errorf("%d looks, position %d", looks, worker.Status().Position.Nonce)
		}
	})
}
