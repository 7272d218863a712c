package relayer

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// rank is self's place, from 0, in the order of the validators for a chain and
// its oldest unexecuted command: ascending by keccak256 of a seed and the
// signer. Self has one signer in a set at most; who has none there comes after
// all who have.
func rank(id types.ChainID, oldest uint64, set types.ValidatorSet, self []types.Address) uint64 {
	seed := []byte("bridged.relay.v1")
	seed = binary.BigEndian.AppendUint64(seed, uint64(id))
	seed = binary.BigEndian.AppendUint64(seed, oldest)
	at := slices.IndexFunc(self, func(a types.Address) bool { return set.Index(a) >= 0 })
	if at < 0 {
		return uint64(len(set))
	}
	place := func(a types.Address) []byte { return crypto.Keccak256(seed, a[:]) }
	own, before := place(self[at]), uint64(0)
	for _, m := range set {
		if bytes.Compare(place(m.Signer), own) < 0 {
			before++
		}
	}
	return before
}

// mark is a moment, as a height of the network and a block of the destination.
type mark struct{ height, head uint64 }

// sighting is what is remembered of an open command.
type sighting struct {
	rank     uint64
	oldest   uint64 // the oldest unexecuted command when it was first seen
	complete bool
	placed   bool // since has been set
	since    mark // of the first look at the destination after it was complete
}

// turns decides when this validator may send which command. See the package's
// documentation for the rule.
type turns struct {
	chain  types.ChainID
	self   []types.Address
	eager  bool
	alone  bool
	heads  uint64 // PatienceBlocks
	height uint64 // Patience

	seen    map[uint64]*sighting
	front   [2]uint64 // where the contract stood at the last look: outbox nonce, next index
	arrived mark      // when it came there
}

func newTurns(c Config) *turns {
	return &turns{
		chain: c.Chain, self: c.Self, eager: c.Eager, alone: c.Alone, heads: c.PatienceBlocks, height: c.Patience,
		seen: make(map[uint64]*sighting),
	}
}

// committed takes what a committed height holds. complete says of each command
// whether its signatures are a quorum.
func (t *turns) committed(o Outbox, complete map[uint64]bool) {
	open := make(map[uint64]*sighting, len(o.Commands))
	for _, c := range o.Commands {
		s, known := t.seen[c.Nonce]
		if !known {
			s = &sighting{oldest: o.Executed + 1, rank: 1}
			if !t.alone {
				s.rank = rank(t.chain, o.Executed+1, c.Set, t.self)
			}
		}
		s.complete = s.complete || complete[c.Nonce]
		open[c.Nonce] = s
	}
	t.seen = open
}

// looked takes a look at the destination.
func (t *turns) looked(height uint64, p chain.OutboxPosition) {
	now := mark{height: height, head: p.Block}
	if front := [2]uint64{p.Nonce, uint64(p.NextItem)}; front != t.front || t.arrived == (mark{}) {
		t.front, t.arrived = front, now
	}
	for _, s := range t.seen {
		if s.complete && !s.placed {
			s.placed, s.since = true, now
		}
	}
}

// first says that this validator sends a command as soon as it can.
func (t *turns) first(nonce uint64) bool {
	s, known := t.seen[nonce]
	return t.eager || known && s.rank == 0
}

// mayLead says that a command may be sent as the next one of the contract.
func (t *turns) mayLead(nonce, height, head uint64) bool {
	if t.first(nonce) {
		return true
	}
	s, known := t.seen[nonce]
	if !known || !s.placed {
		return false
	}
	since := mark{height: max(s.since.height, t.arrived.height), head: max(s.since.head, t.arrived.head)}
	return height >= since.height+s.rank*t.height && head >= since.head+s.rank*t.heads
}

// mayFollow says that a command may be sent behind one that this validator
// sends or has sent.
func (t *turns) mayFollow(nonce, leader uint64) bool {
	if t.first(nonce) {
		return true
	}
	s, known := t.seen[nonce]
	l, knownLeader := t.seen[leader]
	return known && knownLeader && s.oldest == l.oldest
}
