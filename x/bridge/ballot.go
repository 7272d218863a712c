package bridge

import (
	"cmp"
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/quorum"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// ballot counts the sticky votes of an epoch's members: those that the state
// holds, and those that a block adds. It writes nothing until save.
type ballot struct {
	view     state.View
	members  []types.ValidatorID // of the epoch, ascending by signer
	power    map[types.ValidatorID]uint64
	maxMarks int
	chains   map[types.ChainID]*chainBallot
}

// chainBallot is the votes about one chain, in the order of ballot.members.
type chainBallot struct {
	chain *pb.Chain
	held  []*pb.ChainVote
	dirty []bool
}

func newBallot(view state.View, network *pb.Network) *ballot {
	b := &ballot{
		view: view, power: map[types.ValidatorID]uint64{},
		maxMarks: int(network.Params.MaxMarks), chains: map[types.ChainID]*chainBallot{},
	}
	for _, v := range view.Epoch(network.Epoch).GetMembers() {
		id := types.ConsensusKey(v.ConsensusKey).ID()
		b.members = append(b.members, id)
		b.power[id] = uint64(v.Power)
	}
	return b
}

// of loads the votes about a chain; nil if the chain is not known.
func (b *ballot) of(id types.ChainID) *chainBallot {
	if loaded, ok := b.chains[id]; ok {
		return loaded
	}
	var loaded *chainBallot
	if chain := b.view.Chain(id); chain != nil {
		loaded = &chainBallot{chain: chain, dirty: make([]bool, len(b.members))}
		for _, member := range b.members {
			held := b.view.Vote(id, member)
			held.Marks = slices.DeleteFunc(held.Marks, func(m *pb.Mark) bool { return m.Nonce < chain.Cursor })
			loaded.held = append(loaded.held, held)
		}
	}
	b.chains[id] = loaded
	return loaded
}

// add counts one member's vote; strangers and unknown chains are ignored.
func (b *ballot) add(from types.ValidatorID, vote Vote) {
	member := slices.Index(b.members, from)
	if member < 0 {
		return
	}
	for _, said := range vote.Chains {
		if c := b.of(said.Chain); c != nil {
			c.add(member, said, b.maxMarks)
		}
	}
}

func (c *chainBallot) add(member int, said types.ChainVote, maxMarks int) {
	held := c.held[member]
	if said.Reset {
		held.Marks = atCursor(held.Marks, c.chain)
		c.dirty[member] = true
	}
	if said.Head != 0 && said.Head != held.Head {
		held.Head = said.Head
		c.dirty[member] = true
	}
	if said.Alarm != types.AlarmUnsaid && said.Alarm != alarmOf(held) {
		held.Alarm = uint32(said.Alarm)
		c.dirty[member] = true
	}
	for _, mark := range said.Marks {
		if c.setMark(held, mark) {
			c.dirty[member] = true
		}
	}
	// The oldest stay, the others are said again later. The mark at the cursor
	// does not count: it is evidence, and says nothing new.
	if len(held.Marks) > 0 && held.Marks[0].Nonce == c.chain.Cursor {
		maxMarks++
	}
	if len(held.Marks) > maxMarks {
		held.Marks = held.Marks[:maxMarks]
	}
}

// atCursor is the mark that stands at the cursor, if there is one. It is what
// the events up to there were applied on, and is never taken back.
func atCursor(marks []*pb.Mark, chain *pb.Chain) []*pb.Mark {
	return slices.DeleteFunc(marks, func(m *pb.Mark) bool { return m.Nonce != chain.Cursor })
}

// setMark sets the mark at its nonce and says whether that changed anything. A
// mark with another hash than the one held deletes the higher ones: they stood
// on a history that the validator no longer sees.
func (c *chainBallot) setMark(held *pb.ChainVote, mark types.Mark) bool {
	if mark.Nonce < c.chain.Cursor || mark.Nonce == c.chain.Cursor && mark.Hash != types.Hash(c.chain.CursorHash) {
		return false
	}
	fresh := &pb.Mark{Nonce: mark.Nonce, Hash: mark.Hash[:], Block: mark.Block}
	at, found := slices.BinarySearchFunc(held.Marks, mark.Nonce, func(m *pb.Mark, nonce uint64) int { return cmp.Compare(m.Nonce, nonce) })
	if !found {
		held.Marks = slices.Insert(held.Marks, at, fresh)
		return true
	}
	if types.Hash(held.Marks[at].Hash) != mark.Hash {
		held.Marks = append(held.Marks[:at], fresh)
		return true
	}
	if held.Marks[at].Block != mark.Block {
		held.Marks[at] = fresh
		return true
	}
	return false
}

// agreed is the marks above the cursor that more than 2/3 of the power hold,
// ascending by nonce, each with an agreed hint.
func (b *ballot) agreed(c *chainBallot) []types.Mark {
	type value struct {
		nonce uint64
		hash  types.Hash
	}
	tally := quorum.NewTally[types.ValidatorID, value](b.power)
	hints := map[value][]hint{}
	var order []value
	for i, held := range c.held {
		for _, m := range held.Marks {
			v := value{m.Nonce, types.Hash(m.Hash)}
			if hints[v] == nil {
				order = append(order, v)
			}
			hints[v] = append(hints[v], hint{m.Block, b.power[b.members[i]]})
			tally.Add(b.members[i], v)
		}
	}
	var marks []types.Mark
	for _, v := range order {
		if v.nonce > c.chain.Cursor && tally.Reached(v) {
			marks = append(marks, types.Mark{Nonce: v.nonce, Hash: v.hash, Block: agreedHint(hints[v], tally.Total())})
		}
	}
	slices.SortFunc(marks, func(a, b types.Mark) int {
		if a.Nonce < b.Nonce {
			return -1
		}
		return 1
	})
	return marks
}

// hint is the block that one holder of a mark names, and its power.
type hint struct{ block, power uint64 }

// agreedHint is the lowest block such that holders with more than 1/3 of all
// power name it or a lower one. Honest holders name the same block, and liars
// hold at most 1/3: so it is that block, whatever the liars name.
func agreedHint(hints []hint, total uint64) uint64 {
	slices.SortStableFunc(hints, func(a, b hint) int { return cmp.Compare(a.block, b.block) })
	var power uint64
	for _, h := range hints {
		if power += h.power; power > total/3 {
			return h.block
		}
	}
	return 0 // no quorum holds the mark
}

// head is the greatest finalised block that more than 2/3 of the power have
// reached.
func (b *ballot) head(c *chainBallot) uint64 {
	said := map[types.ValidatorID]uint64{}
	for i, held := range c.held {
		said[b.members[i]] = held.Head
	}
	return quorum.GreatestReached(b.power, said)
}

// clearAlarms takes back what all members raise against a chain.
func (b *ballot) clearAlarms(c *chainBallot) {
	for i, held := range c.held {
		if alarmOf(held) != types.AlarmOff {
			held.Alarm, c.dirty[i] = uint32(types.AlarmUnsaid), true
		}
	}
}

// clearMarks takes back the marks of all members: they stood on another history.
func (b *ballot) clearMarks(c *chainBallot) {
	for i, held := range c.held {
		if len(held.Marks) > 0 {
			held.Marks, c.dirty[i] = nil, true
		}
	}
}

// serves says whether a chain's inbox may be applied, these votes counted.
func (b *ballot) serves(c *chainBallot) bool {
	return c.chain.Refused == "" && c.chain.Paused != contradicted && !b.raised(c, types.AlarmContradiction)
}

// raised says whether members with more than 1/3 of the power raise an alarm of
// at least this kind.
func (b *ballot) raised(c *chainBallot, alarm types.Alarm) bool {
	var power, total uint64
	for i, held := range c.held {
		total += b.power[b.members[i]]
		if alarmOf(held) >= alarm {
			power += b.power[b.members[i]]
		}
	}
	return power > total/3
}

// save writes what changed, without the marks below the cursor: nothing reads
// them again. The mark at the cursor stays as the evidence for I3. What those
// who leave have said goes.
func (b *ballot) save(s state.State, chain *pb.Chain, leavers []types.ValidatorID) {
	for _, id := range leavers {
		s.RemoveVote(types.ChainID(chain.Id), id)
	}
	c := b.chains[types.ChainID(chain.Id)]
	if c == nil {
		return
	}
	for i, held := range c.held {
		if !c.dirty[i] || slices.Contains(leavers, b.members[i]) {
			continue
		}
		held.Marks = slices.DeleteFunc(held.Marks, func(m *pb.Mark) bool { return m.Nonce < chain.Cursor })
		s.SetVote(b.members[i], held)
	}
}
