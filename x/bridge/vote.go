package bridge

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// BuildVote gives the extension of self for a block, from the state at the
// height before, the block's system transaction (nil: none) and what self wants
// to say: at most limit bytes, empty when the state will hold all of it once the
// block is applied, for an extension counts only if its block is decided. Seal
// signatures come first, then marks and heads, the oldest first and the chains
// in turn; what does not fit is said at a later height, for the votes are sticky.
func (m *Machine) BuildVote(r Reader, block Block, tx []byte, self types.ValidatorID, p Pending, limit int) (ext []byte, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	b := &voteBuilder{
		view: v, network: v.Network(), height: uint64(block.Height), self: self, //nolint:gosec // heights are positive
		room: min(limit, types.MaxVoteBytes) - 1, message: &pb.VoteExtension{},
	}
	b.read(block, tx)
	b.addSignatures(p.Signatures)
	b.addChains(p.Chains)
	return encodeVote(b.message), nil
}

type voteBuilder struct {
	view    state.View
	network *pb.Network
	height  uint64
	self    types.ValidatorID
	said    Vote                     // in the extension that the block itself brings
	cursors map[types.ChainID]uint64 // to which the block's payloads lead
	message *pb.VoteExtension
	room    int // bytes left
}

// read finds what the block says of self and of the inboxes already.
func (b *voteBuilder) read(block Block, tx []byte) {
	r := block.reading(tx)
	if r.err != nil || len(r.slots) != len(block.Commit) {
		return
	}
	mine := func(c CommitVote) bool { return c.Committed && c.Validator == b.self }
	if slot := slices.IndexFunc(block.Commit, mine); slot >= 0 {
		b.said, _ = r.vote(slot) // a bad one says nothing
	}
	b.cursors = map[types.ChainID]uint64{}
	for _, payload := range r.message.Payloads {
		if chain := b.view.Chain(types.ChainID(payload.Chain)); chain != nil {
			b.cursors[types.ChainID(chain.Id)] = chain.Cursor + uint64(len(payload.Events))
		}
	}
}

// Encoded sizes beside a message's own bytes: its tag and its length.
const fieldOverhead = 3

func (b *voteBuilder) addSignatures(own []types.SealSignature) {
	own = slices.Clone(own)
	slices.SortFunc(own, func(x, y types.SealSignature) int { return cmp.Compare(x.Height, y.Height) })
	own = slices.CompactFunc(own, func(x, y types.SealSignature) bool { return x.Height == y.Height })
	for _, s := range own {
		if len(b.message.Signatures) >= int(b.network.Params.MaxSigs) {
			return
		}
		if slices.Contains(b.said.Signatures, s) {
			continue
		}
		seal := b.view.Seal(s.Height)
		if !signable(b.network, seal, b.height) {
			continue
		}
		members := b.view.Epoch(seal.Epoch).GetMembers()
		position := memberOf(members, b.self)
		if position < 0 || holdsSignature(b.view.Signatures(s.Height), position) {
			continue
		}
		message := &pb.SealSignature{Height: s.Height, Signature: s.Signature[:]}
		if size := proto.Size(message) + fieldOverhead; size <= b.room {
			b.room -= size
			b.message.Signatures = append(b.message.Signatures, message)
		}
	}
}

// addChains takes turns over the chains, beginning with another one at each
// height, so that one busy chain never keeps another's marks out.
func (b *voteBuilder) addChains(own []types.ChainVote) {
	news := b.unheld(own)
	if len(news) == 0 {
		return
	}
	taken := make([]*pb.ChainVote, len(news))
	for i := range news { // before all marks: a pause must not wait for a busy chain
		b.takeAlarm(&news[i], &taken[i])
	}
	start := int(b.height % uint64(len(news))) //nolint:gosec // an index
	for more := true; more; {
		more = false
		for i := range news {
			at := (start + i) % len(news)
			if b.takeOne(&news[at], &taken[at]) {
				more = true
			}
		}
	}
	for _, t := range taken {
		if t != nil {
			b.message.Chains = append(b.message.Chains, t)
		}
	}
}

// takeAlarm moves a chain's alarm.
func (b *voteBuilder) takeAlarm(news *types.ChainVote, taken **pb.ChainVote) {
	if news.Alarm != types.AlarmUnsaid {
		b.replace(taken, &pb.ChainVote{Chain: uint64(news.Chain), Alarm: uint32(news.Alarm)})
	}
}

// takeOne moves a chain's head and first mark, then one mark at a time.
func (b *voteBuilder) takeOne(news *types.ChainVote, taken **pb.ChainVote) bool {
	if news.Head == 0 && len(news.Marks) == 0 {
		return false
	}
	next := &pb.ChainVote{Chain: uint64(news.Chain)}
	if *taken != nil {
		next = proto.Clone(*taken).(*pb.ChainVote)
	}
	if news.Head != 0 {
		next.Head = news.Head
	}
	if len(news.Marks) > 0 {
		mark := news.Marks[0]
		next.Reset_ = news.Reset
		next.Marks = append(next.Marks, &pb.Mark{Nonce: mark.Nonce, Hash: mark.Hash[:], Block: mark.Block})
	}
	if !b.replace(taken, next) {
		return false
	}
	news.Head = 0
	if len(news.Marks) > 0 {
		news.Marks = news.Marks[1:]
	}
	return true
}

// replace puts next in the place of what was taken, if there is room for it.
func (b *voteBuilder) replace(taken **pb.ChainVote, next *pb.ChainVote) bool {
	grown := proto.Size(next) + fieldOverhead
	if *taken != nil {
		grown -= proto.Size(*taken) + fieldOverhead
	}
	if grown > b.room {
		return false
	}
	b.room -= grown
	*taken = next
	return true
}

// unheld is what the state will not hold yet of what self says, ascending by
// chain.
func (b *voteBuilder) unheld(own []types.ChainVote) []types.ChainVote {
	var news []types.ChainVote
	for _, c := range own {
		chain := b.view.Chain(c.Chain)
		if chain == nil || chain.Refused != "" {
			continue
		}
		held := b.heldOf(chain)
		chain.Cursor = max(chain.Cursor, b.cursors[c.Chain])
		fresh := types.ChainVote{Chain: c.Chain, Reset: outdated(chain, held, c.Marks)}
		if fresh.Reset {
			held.Marks = atCursor(held.Marks, chain)
		}
		fresh.Marks = b.unheldMarks(chain, held, c.Marks)
		if len(fresh.Marks) > 0 || c.Head >= held.Head+b.network.Params.HeadInterval {
			if c.Head > held.Head {
				fresh.Head = c.Head
			}
		}
		if c.Alarm != types.AlarmUnsaid && c.Alarm != alarmOf(held) {
			fresh.Alarm = c.Alarm
		}
		if fresh.Head != 0 || len(fresh.Marks) > 0 || fresh.Alarm != types.AlarmUnsaid {
			news = append(news, fresh)
		}
	}
	slices.SortFunc(news, func(a, b types.ChainVote) int { return cmp.Compare(a.Chain, b.Chain) })
	return slices.CompactFunc(news, func(a, b types.ChainVote) bool { return a.Chain == b.Chain })
}

// heldOf is what the state will hold of self about a chain.
func (b *voteBuilder) heldOf(chain *pb.Chain) *pb.ChainVote {
	id := types.ChainID(chain.Id)
	c := &chainBallot{chain: chain, held: []*pb.ChainVote{b.view.Vote(id, b.self)}, dirty: make([]bool, 1)}
	for _, said := range b.said.Chains {
		if said.Chain == id {
			c.add(0, said, int(b.network.Params.MaxMarks))
		}
	}
	return c.held[0]
}

// alarmOf is the alarm that the state holds of a validator.
func alarmOf(held *pb.ChainVote) types.Alarm {
	return max(types.AlarmOff, types.Alarm(held.GetAlarm())) //nolint:gosec // written from an Alarm
}

// outdated says whether the state holds a mark that self no longer stands by:
// one above the cursor that its own list passes over.
func outdated(chain *pb.Chain, held *pb.ChainVote, own []types.Mark) bool {
	for _, h := range held.Marks {
		beyond := func(m types.Mark) bool { return m.Nonce > h.Nonce }
		same := func(m types.Mark) bool { return m.Nonce == h.Nonce }
		if h.Nonce > chain.Cursor && slices.ContainsFunc(own, beyond) && !slices.ContainsFunc(own, same) {
			return true
		}
	}
	return false
}

// unheldMarks is the marks to say, the oldest first and no more than the state
// takes.
func (b *voteBuilder) unheldMarks(chain *pb.Chain, held *pb.ChainVote, own []types.Mark) []types.Mark {
	own = slices.DeleteFunc(slices.Clone(own), func(m types.Mark) bool { return m.Nonce <= chain.Cursor || m.Hash == types.Hash{} })
	slices.SortFunc(own, func(a, b types.Mark) int { return cmp.Compare(a.Nonce, b.Nonce) })
	own = slices.CompactFunc(own, func(a, b types.Mark) bool { return a.Nonce == b.Nonce })
	known := map[uint64]types.Hash{}
	var last uint64
	above := 0
	for _, m := range held.Marks {
		if m.Nonce > chain.Cursor {
			known[m.Nonce], last = types.Hash(m.Hash), m.Nonce
			above++
		}
	}
	var fresh []types.Mark
	for _, m := range sparse(own, chain.Cursor, b.network.Params.MarkStride) {
		if known[m.Nonce] == m.Hash {
			continue
		}
		if above++; above > int(b.network.Params.MaxMarks) && m.Nonce > last {
			break
		}
		fresh = append(fresh, m)
	}
	return fresh
}

// Marks that sparse leaves in at the ends of a list.
const (
	nearMarks = 4 // from the cursor on: the next payload may have room for little
	farMarks  = 8 // at the tip, where validators see different blocks
)

// sparse leaves out marks far above the cursor where there are many: the events
// up to a later one are agreed with it as well. What it leaves in between the
// ends follows from the cursor alone, two marks for each doubling of the
// distance, so that all validators say the same ones.
func sparse(marks []types.Mark, cursor, stride uint64) []types.Mark {
	if len(marks) <= nearMarks+farMarks {
		return marks
	}
	var some []types.Mark
	for i, m := range marks {
		apart := stride
		for m.Nonce-cursor >= 4*apart {
			apart *= 2
		}
		if i < nearMarks || i >= len(marks)-farMarks || m.Nonce%apart == 0 {
			some = append(some, m)
		}
	}
	return some
}

// VerifyVote checks an extension that validator from made for the block at
// height, by the state at height-1: its form, and the signatures of seals that
// this state knows. It is pure and lenient: what is well formed and merely of no
// use (a seal or a chain it does not know, an old mark) is accepted, and ignored
// by the tally. The vote that it returns has only those seal signatures that
// were checked: from is their signer, and the seal is open in this state.
func (m *Machine) VerifyVote(r Reader, height int64, from types.ValidatorID, extension []byte) (vote Vote, err error) {
	defer state.Catch(&err)
	vote, err = DecodeVote(extension)
	if err != nil || len(vote.Signatures) == 0 {
		return vote, err
	}
	v := state.NewView(r)
	network := v.Network()
	var checked []types.SealSignature
	for _, s := range vote.Signatures {
		seal := v.Seal(s.Height)
		if !signable(network, seal, uint64(height)) { //nolint:gosec // heights are positive
			continue
		}
		members := v.Epoch(seal.Epoch).GetMembers()
		position := memberOf(members, from)
		if position < 0 {
			continue
		}
		if !m.recoverSigner.signed(network, seal, members[position], s) {
			return Vote{}, refuse(ErrBadVote, "signature over the seal of height %d is not the validator's", s.Height)
		}
		checked = append(checked, s)
	}
	vote.Signatures = checked
	return vote, nil
}

// signed recovers a seal signature and compares it with the member's signer.
func (recover SignerRecoverer) signed(network *pb.Network, seal *pb.Seal, member *pb.Validator, s types.SealSignature) bool {
	signer, err := recover(sealDigest(network, seal), s.Signature)
	return err == nil && signer == types.Address(member.Signer)
}

// memberOf is the position of a validator among an epoch's members, or -1.
func memberOf(members []*pb.Validator, id types.ValidatorID) int {
	return slices.IndexFunc(members, func(v *pb.Validator) bool {
		return types.ConsensusKey(v.ConsensusKey).ID() == id
	})
}

func holdsSignature(held *pb.SealSignatures, member int) bool {
	return slices.ContainsFunc(held.Signatures, func(s *pb.MemberSignature) bool { return int(s.Member) == member })
}
