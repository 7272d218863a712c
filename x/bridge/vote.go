package bridge

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// BuildVote gives the extension of self for the block at height, from the state
// at height-1 and what self wants to say: at most limit bytes, empty when the
// state holds all of it. Seal signatures come first, then marks and heads, the
// oldest first and the chains in turn; what does not fit is said at a later
// height, for the votes are sticky.
func (m *Machine) BuildVote(r Reader, height int64, self types.ValidatorID, p Pending, limit int) (ext []byte, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	network := v.Network()
	b := &voteBuilder{room: min(limit, types.MaxVoteBytes) - 1, message: &pb.VoteExtension{}}
	b.addSignatures(v, network, uint64(height), self, p.Signatures) //nolint:gosec // heights are positive
	b.addChains(v, network, height, self, p.Chains)
	return encodeVote(b.message), nil
}

type voteBuilder struct {
	message *pb.VoteExtension
	room    int // bytes left
}

// Encoded sizes beside a message's own bytes: its tag and its length.
const fieldOverhead = 3

func (b *voteBuilder) addSignatures(v state.View, network *pb.Network, height uint64, self types.ValidatorID, own []types.SealSignature) {
	own = slices.Clone(own)
	slices.SortFunc(own, func(x, y types.SealSignature) int { return cmp.Compare(x.Height, y.Height) })
	own = slices.CompactFunc(own, func(x, y types.SealSignature) bool { return x.Height == y.Height })
	for _, s := range own {
		if len(b.message.Signatures) >= int(network.Params.MaxSigs) {
			return
		}
		seal := v.Seal(s.Height)
		if !signable(network, seal, height) {
			continue
		}
		members := v.Epoch(seal.Epoch).GetMembers()
		position := memberOf(members, self)
		if position < 0 || holdsSignature(v.Signatures(s.Height), position) {
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
func (b *voteBuilder) addChains(v state.View, network *pb.Network, height int64, self types.ValidatorID, said []types.ChainVote) {
	news := unheld(v, network, self, said)
	if len(news) == 0 {
		return
	}
	taken := make([]*pb.ChainVote, len(news))
	for i := range news { // before all marks: a pause must not wait for a busy chain
		b.takeAlarm(&news[i], &taken[i])
	}
	start := int(uint64(height) % uint64(len(news))) //nolint:gosec // heights are positive, the result is an index
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

// unheld is what the state does not hold yet of what self says, ascending by
// chain.
func unheld(v state.View, network *pb.Network, self types.ValidatorID, said []types.ChainVote) []types.ChainVote {
	var news []types.ChainVote
	for _, c := range said {
		chain := v.Chain(c.Chain)
		if chain == nil || chain.Refused != "" {
			continue
		}
		held := v.Vote(c.Chain, self)
		fresh := types.ChainVote{Chain: c.Chain, Reset: outdated(chain, held, c.Marks)}
		if fresh.Reset {
			held.Marks = atCursor(held.Marks, chain)
		}
		fresh.Marks = unheldMarks(chain, held, c.Marks, int(network.Params.MaxMarks))
		if len(fresh.Marks) > 0 || c.Head >= held.Head+network.Params.HeadInterval {
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

func unheldMarks(chain *pb.Chain, held *pb.ChainVote, marks []types.Mark, most int) []types.Mark {
	marks = slices.Clone(marks)
	slices.SortFunc(marks, func(a, b types.Mark) int { return cmp.Compare(a.Nonce, b.Nonce) })
	marks = slices.CompactFunc(marks, func(a, b types.Mark) bool { return a.Nonce == b.Nonce })
	known := map[uint64]types.Hash{}
	for _, m := range held.Marks {
		known[m.Nonce] = types.Hash(m.Hash)
	}
	var fresh []types.Mark
	above := 0
	for _, m := range marks {
		if m.Nonce <= chain.Cursor || m.Hash == (types.Hash{}) {
			continue
		}
		if above++; above > most {
			break
		}
		if known[m.Nonce] != m.Hash {
			fresh = append(fresh, m)
		}
	}
	return fresh
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
