// Package mailbox joins consensus with the workers beside it: observers,
// signer and relayer put in what they know, and the ABCI application takes out
// what to vote and to propose. Everything is in memory, and no method waits for
// anything but a mutex that is never held long.
//
// Nothing is lost with the process: observers read again from the agreed
// cursor, the signer signs again what the state still wants, and votes are
// repeated. An entry leaves only when the committed state has taken it over.
package mailbox

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Bounds of the memory. Observers bound the events that they add themselves.
const (
	// maxSeals is for how many seals signatures are held. The votes they come
	// from were checked against the state, which has fewer open seals.
	maxSeals = 4096
	// pendingMarks is how many marks of a chain one call of Pending gives: four
	// times what a vote may name above the agreed cursor, which may be ahead of
	// the last Committed.
	pendingMarks = 256
)

// ErrGap says that events do not follow those that are held already.
var ErrGap = errors.New("mailbox: events do not follow those before")

// News is what an observer has proven of its chain.
type News struct {
	Events []types.InboxEvent // ascending, without a gap
	Marks  []types.Mark       // ascending, over events of this News or an earlier one
	Head   uint64             // finalised block; 0 says nothing
}

// Box is a mailbox. It is safe for concurrent use.
type Box struct {
	mu      sync.Mutex
	height  uint64 // of the newest state that Chains was told of
	chains  map[types.ChainID]*inbox
	own     map[uint64][types.SignatureBytes]byte                       // by height of the seal
	heard   map[uint64]map[types.ValidatorID][types.SignatureBytes]byte // the same, of all validators
	changed chan struct{}                                               // closed and replaced at each change
}

// inbox is what is held of one chain above its cursor.
type inbox struct {
	cursor uint64
	head   uint64
	events []types.InboxEvent
	marks  []types.Mark

	observed bool        // an observer speaks of alarms
	alarm    types.Alarm // the observer's
	operator types.Alarm // AlarmUnsaid until the operator has raised one
	stopped  bool        // the state calls the chain contradicted
	anchored uint64      // how often that has ended
}

// New makes an empty Box.
func New() *Box {
	return &Box{
		chains:  map[types.ChainID]*inbox{},
		own:     map[uint64][types.SignatureBytes]byte{},
		heard:   map[uint64]map[types.ValidatorID][types.SignatureBytes]byte{},
		changed: make(chan struct{}),
	}
}

// Changed returns a channel that is closed at the next change of what the box
// holds. To miss none, take the channel before reading the box.
func (b *Box) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// notify wakes who waits. The caller holds mu.
func (b *Box) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// chain is the inbox of a chain. The caller holds mu.
func (b *Box) chain(id types.ChainID) *inbox {
	if b.chains[id] == nil {
		b.chains[id] = &inbox{}
	}
	return b.chains[id]
}

// Add puts in what an observer has proven, all of it or, with ErrGap, nothing.
// What is held already is passed over.
func (b *Box) Add(id types.ChainID, n News) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.chain(id)
	events := n.Events
	for i := range events {
		if events[i].Nonce != events[0].Nonce+uint64(i) {
			return ErrGap
		}
	}
	if len(events) > 0 && len(c.events) > 0 {
		next := c.events[len(c.events)-1].Nonce + 1
		if events[0].Nonce > next {
			return ErrGap
		}
		events = events[min(next-events[0].Nonce, uint64(len(events))):]
	}
	before := len(c.events) + len(c.marks)
	c.events = append(c.events, events...)
	for _, m := range n.Marks {
		if last := len(c.marks) - 1; m.Nonce > c.cursor && (last < 0 || m.Nonce > c.marks[last].Nonce) {
			c.marks = append(c.marks, m)
		}
	}
	c.prune()
	if n.Head > c.head || len(c.events)+len(c.marks) != before {
		c.head = max(c.head, n.Head)
		b.notify()
	}
	return nil
}

// Reset forgets a chain's events and marks, because they are not to be relied
// on or will be read again.
func (b *Box) Reset(id types.ChainID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.chain(id)
	c.events, c.marks = nil, nil
}

// Held is how many events of a chain are held.
func (b *Box) Held(id types.ChainID) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.chain(id).events)
}

// prune drops what the cursor covers.
func (c *inbox) prune() {
	events, _ := slices.BinarySearchFunc(c.events, c.cursor+1, func(e types.InboxEvent, nonce uint64) int { return cmp.Compare(e.Nonce, nonce) })
	c.events = slices.Delete(c.events, 0, events)
	marks, _ := slices.BinarySearchFunc(c.marks, c.cursor+1, func(m types.Mark, nonce uint64) int { return cmp.Compare(m.Nonce, nonce) })
	c.marks = slices.Delete(c.marks, 0, marks)
}

// Pending implements app.Mailbox: the alarms, the heads, the first marks and the
// seal signatures of this validator, in a fixed order. It repeats what the state
// may hold already; bridge.BuildVote leaves that out. Of a chain that its
// observer calls contradicted there are no marks.
func (b *Box) Pending() bridge.Pending {
	b.mu.Lock()
	defer b.mu.Unlock()
	var p bridge.Pending
	for _, height := range slices.Sorted(maps.Keys(b.own)) {
		p.Signatures = append(p.Signatures, types.SealSignature{Height: height, Signature: b.own[height]})
	}
	for _, id := range slices.Sorted(maps.Keys(b.chains)) {
		c := b.chains[id]
		vote := types.ChainVote{Chain: id, Alarm: c.said()}
		if c.alarm != types.AlarmContradiction {
			vote.Head = c.head
			vote.Marks = slices.Clone(c.marks[:min(len(c.marks), pendingMarks)])
		}
		if vote.Alarm != types.AlarmUnsaid || vote.Head != 0 || len(vote.Marks) > 0 {
			p.Chains = append(p.Chains, vote)
		}
	}
	return p
}

// Events implements bridge.Inbox.
func (b *Box) Events(id types.ChainID, after, last uint64) []types.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.chains[id]
	if c == nil || len(c.events) == 0 || last <= after {
		return nil
	}
	first := c.events[0].Nonce
	if after+1 < first || after+1-first >= uint64(len(c.events)) {
		return nil
	}
	held := c.events[after+1-first:]
	held = held[:min(uint64(len(held)), last-after)]
	events := make([]types.Event, len(held))
	for i, e := range held {
		events[i] = e.Event
	}
	return events
}

// Committed tells of a committed state: its height, its chains, and the seals
// over which signatures may still be needed, for a vote or for relaying. What
// they no longer want is dropped; signatures over seals of this height and
// later ones stay in any case.
func (b *Box) Committed(height uint64, chains []bridge.ChainState, seals []bridge.SealState) {
	b.Chains(height, chains)
	b.mu.Lock()
	defer b.mu.Unlock()
	finished := func(seal uint64) bool {
		return seal < height && !slices.ContainsFunc(seals, func(s bridge.SealState) bool { return s.Height == seal })
	}
	for seal := range b.own {
		if finished(seal) {
			delete(b.own, seal)
		}
	}
	for seal := range b.heard {
		if finished(seal) {
			delete(b.heard, seal)
		}
	}
}

// AddSignature puts in a seal signature of this validator's own.
func (b *Box) AddSignature(s types.SealSignature) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if held, ok := b.own[s.Height]; ok && held == s.Signature || !ok && len(b.own) >= maxSeals {
		return
	}
	b.own[s.Height] = s.Signature
	b.notify()
}

// Observe implements app.Mailbox: it keeps the seal signatures of a vote that
// was found good, the first of each validator for each seal.
func (b *Box) Observe(_ int64, validator types.ValidatorID, vote bridge.Vote) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fresh := false
	for _, s := range vote.Signatures {
		held := b.heard[s.Height]
		if held == nil {
			if len(b.heard) >= maxSeals {
				continue
			}
			held = map[types.ValidatorID][types.SignatureBytes]byte{}
			b.heard[s.Height] = held
		}
		if _, known := held[validator]; !known {
			held[validator] = s.Signature
			fresh = true
		}
	}
	if fresh {
		b.notify()
	}
}

// Signatures returns what is held over the seal of a height, this validator's
// own included: whoever holds enough of them can relay, without waiting for the
// state.
func (b *Box) Signatures(sealHeight uint64) [][types.SignatureBytes]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all [][types.SignatureBytes]byte
	if own, ok := b.own[sealHeight]; ok {
		all = append(all, own)
	}
	for _, signature := range b.heard[sealHeight] {
		all = append(all, signature)
	}
	slices.SortFunc(all, func(x, y [types.SignatureBytes]byte) int { return bytes.Compare(x[:], y[:]) })
	return slices.Compact(all)
}
