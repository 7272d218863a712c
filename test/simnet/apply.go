package simnet

import (
	"bytes"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/app/store"
)

// apply has every process finalize and commit the decided block.
func (r *run) apply(b *block, votes []precommit, round int32) {
	r.blocks = append(r.blocks, b)
	appliers := r.finalize(b)
	for _, n := range r.nodes {
		if n.up() && appliers[n.store] != nil {
			n.commit(appliers[n.store])
			appliers[n.store] = nil
		}
	}
	for _, n := range r.nodes {
		if n.up() {
			n.dies("after Commit")
		}
	}
	if b.result == nil { // nobody was there to see it: whoever starts first will
		r.rare("a block that nobody applied at once")
	}
	r.height, r.at, r.lastVotes, r.lastRound = b.process.Height, b.process.Time, votes, round
	if r.height%everybody == 0 {
		r.share()
	}
}

// finalize has a block applied to every store: by each of the processes that
// share it where everybody does, by the first of them else. It returns who has
// to commit each.
func (r *run) finalize(b *block) map[*store.Store]*app.App {
	blackout := r.fails("blackout in a block", FaultBlackout)
	appliers := map[*store.Store]*app.App{}
	for _, n := range r.nodes {
		switch {
		case !n.up():
			continue
		case blackout:
			n.crash(0, "before FinalizeBlock, with all others")
			continue
		case appliers[n.store] == nil:
			n.finalize(b)
			appliers[n.store] = n.app
		case b.process.Height%everybody == 0:
			n.store.Rollback()
			n.finalize(b)
			appliers[n.store] = n.app
		}
		n.dies("between FinalizeBlock and Commit")
	}
	return appliers
}

// share gives the processes that hold the same state one store. Each has applied
// the newest block itself, over a store of its own if it has started since the
// last time. A process that crashes leaves the others: see stop.
func (r *run) share() {
	var first *node
	for _, n := range r.nodes {
		switch {
		case !n.up():
		case first == nil:
			first = n
		case !bytes.Equal(n.store.Hash(), first.store.Hash()) || n.app.Height() != first.app.Height():
			r.broken("I5", "%s is at height %d with app hash %X, %s at height %d with %X", n.Moniker, n.app.Height(), n.store.Hash(),
				first.Moniker, first.app.Height(), first.store.Hash())
		case n.store != first.store:
			n.db = first.db
			n.open(first.store)
		}
	}
}
