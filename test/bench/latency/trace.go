package latency

import (
	"slices"
	"sync"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/test/bench/model"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// moment is when something happened first at any validator, and in which height:
// the one that was being decided.
type moment struct {
	at     time.Time
	height int64
}

// reach is how far the source's inbox was at a moment.
type reach struct {
	nonce uint64
	moment
}

// trace is what happened so far.
type trace struct {
	mu      sync.Mutex
	height  int64      // newest commit
	commits []moment   // by height
	voted   []reach    // a mark of the nonce was in a vote; ascending
	applied []reach    // the state's cursor was at the nonce; ascending
	final   []transfer // in the order of their numbers
	signed  [validators]map[uint64]map[types.ValidatorID]bool
	sealed  map[uint64]moment // by the height that the seal is of
	sent    map[uint64]release
}

// transfer is a deposit that became final.
type transfer struct {
	number, nonce uint64 // of all deposits; in the source's inbox
	moment
}

// release is the sending of the command that pays a transfer.
type release struct {
	seal uint64
	moment
}

func newTrace() *trace {
	t := &trace{sealed: map[uint64]moment{}, sent: map[uint64]release{}}
	for i := range t.signed {
		t.signed[i] = map[uint64]map[types.ValidatorID]bool{}
	}
	return t
}

// heard is a validator's mailbox that tells the trace of votes.
type heard struct {
	*mailbox.Box
	trace *trace
	self  int
}

// Observe implements app.Mailbox.
func (h heard) Observe(height int64, from types.ValidatorID, vote bridge.Vote) {
	now := time.Now()
	h.Box.Observe(height, from, vote)
	h.trace.observe(moment{now, height}, h.self, from, vote)
}

func (t *trace) observe(m moment, at int, from types.ValidatorID, vote bridge.Vote) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range vote.Chains {
		if c.Chain == model.Source && len(c.Marks) > 0 {
			t.voted = extend(t.voted, reach{c.Marks[len(c.Marks)-1].Nonce, m})
		}
	}
	for _, s := range vote.Signatures {
		by := t.signed[at][s.Height]
		if by == nil {
			by = map[types.ValidatorID]bool{}
			t.signed[at][s.Height] = by
		}
		by[from] = true
		if _, known := t.sealed[s.Height]; !known && 3*len(by) > 2*validators {
			t.sealed[s.Height] = m
		}
	}
}

// extend notes how far something is, if that is further than before.
func extend(all []reach, r reach) []reach {
	if n := len(all); n > 0 && all[n-1].nonce >= r.nonce {
		return all
	}
	return append(all, r)
}

// find is when something came to a nonce.
func find(all []reach, nonce uint64) (moment, bool) {
	i, _ := slices.BinarySearchFunc(all, nonce, func(r reach, n uint64) int {
		if r.nonce < n {
			return -1
		}
		return 1
	})
	if i == len(all) {
		return moment{}, false
	}
	return all[i].moment, true
}

// committed notes a height, the first time that a validator commits it.
func (t *trace) committed(height int64, cursor uint64) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if height <= t.height {
		return
	}
	t.height = height
	t.commits = append(t.commits, moment{now, height})
	t.applied = extend(t.applied, reach{cursor, moment{now, height}})
}

// became notes transfers that are final now.
func (t *trace) became(first, nonce uint64, count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := moment{time.Now(), t.height + 1}
	for i := range uint64(count) { //nolint:gosec // not negative
		t.final = append(t.final, transfer{first + i, nonce + i, now})
	}
}

// release notes the sending of a command.
func (t *trace) release(e chain.Execution, m moment) error {
	command, err := types.DecodeCommand(e.Command)
	if err != nil {
		return err
	}
	batch, ok := command.(types.Batch)
	if !ok {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, entry := range batch.Entries {
		t.sent[model.Number(entry)] = release{e.Height, m}
	}
	return nil
}

// unsent is how many transfers from a number on are not sent.
func (t *trace) unsent(from int) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.final[from:] {
		if _, ok := t.sent[f.number]; !ok {
			n++
		}
	}
	return n
}
