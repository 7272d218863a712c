package simnet

import (
	"bytes"
	"math/rand/v2"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// frame is the length of what stands before the message in an extension (its
// version) and in a system transaction (its prefix and its version).
const (
	extensionFrame = 1
	systemFrame    = 2
)

// bendVote makes a liar's precommit worse than its software would.
func (r *run) bendVote(n *node, vote *precommit, height int64, round int32) {
	if !r.fails("bend vote", FaultVote) {
		return
	}
	vote.bent = true
	rnd := r.dice.of("bend vote")
	honest := vote.extensions[0].extension
	if rnd.IntN(3) == 0 { // to each peer something else
		r.rare("different extensions to different peers")
		vote.extensions = nil
		for range r.nodes {
			vote.extensions = append(vote.extensions, r.sign(n, height, round, r.bendExtension(n, rnd, honest)))
		}
	} else {
		vote.extensions[0] = r.sign(n, height, round, r.bendExtension(n, rnd, honest))
	}
	garbage := r.sign(n, height, round, garbageExtension(rnd, honest))
	switch rnd.IntN(4) {
	case 0:
		garbage.signature[rnd.IntN(len(garbage.signature))] ^= 1
	case 1:
		garbage.signature = garbage.signature[:rnd.IntN(len(garbage.signature))]
	}
	vote.late = &garbage
	if rnd.IntN(3) == 0 {
		vote.onTime = false
	}
}

// bendExtension changes what an honest program would have said.
func (r *run) bendExtension(n *node, rnd *rand.Rand, honest []byte) []byte {
	message := &bridgepb.VoteExtension{}
	if len(honest) > extensionFrame {
		if err := proto.Unmarshal(honest[extensionFrame:], message); err != nil {
			r.broken("node", "an extension cannot be read: %v", err)
		}
	}
	if r.fails("alarm", FaultAlarm) {
		r.raise(rnd, message)
		return encodeExtension(message)
	}
	switch rnd.IntN(11) {
	case 0:
		return garbageExtension(rnd, honest)
	case 1:
		return nil // says nothing
	case 2: // marks that contradict those of before
		r.rare("equivocating marks")
		for _, c := range message.Chains {
			for _, m := range c.Marks {
				m.Hash[rnd.IntN(32)] ^= byte(1 + rnd.IntN(255))
			}
		}
	case 3:
		r.addMarks(rnd, message)
	case 4: // hints and heads out of the blue
		for _, c := range message.Chains {
			c.Head = rnd.Uint64()
			for _, m := range c.Marks {
				m.Block = rnd.Uint64()
			}
		}
	case 5: // signatures that are not its own
		r.rare("a wrong seal signature")
		for _, s := range message.Signatures {
			s.Signature = randomBytes(rnd, types.SignatureBytes)
		}
	case 6:
		r.addSignatures(rnd, message)
	case 7:
		message.Chains = nil
	case 8:
		message.Signatures = nil
	case 9:
		r.repeatMarks(n, message)
	case 10:
		return r.foreignExtension(rnd)
	}
	return encodeExtension(message)
}

// foreignExtension is what another validator said for the last block.
func (r *run) foreignExtension(rnd *rand.Rand) []byte {
	if len(r.lastVotes) == 0 {
		return nil
	}
	if v := r.lastVotes[rnd.IntN(len(r.lastVotes))]; len(v.extensions) > 0 {
		return v.extensions[0].extension
	}
	return nil
}

// repeatMarks says again what the state may hold already.
func (r *run) repeatMarks(n *node, message *bridgepb.VoteExtension) {
	message.Chains = nil
	for _, said := range n.box.Pending().Chains {
		message.Chains = append(message.Chains, marksMessage(said.Chain, said.Head, said.Marks))
	}
}

// marksMessage names as many marks as fit an extension.
func marksMessage(id types.ChainID, head uint64, marks []types.Mark) *bridgepb.ChainVote {
	vote := &bridgepb.ChainVote{Chain: uint64(id), Head: max(1, head)}
	for _, m := range marks[:min(len(marks), 20)] {
		vote.Marks = append(vote.Marks, &bridgepb.Mark{Nonce: m.Nonce, Hash: m.Hash[:], Block: m.Block})
	}
	return vote
}

func encodeExtension(message *bridgepb.VoteExtension) []byte {
	if len(message.Signatures)+len(message.Chains) == 0 {
		return nil
	}
	slices.SortFunc(message.Chains, func(a, b *bridgepb.ChainVote) int { return int(int64(a.Chain) - int64(b.Chain)) })
	return append([]byte{1}, encode(message)...)
}

func encode(message proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		panic(err) // a message of plain numbers and bytes
	}
	return b
}

// addMarks names marks of every chain, above its inbox too.
func (r *run) addMarks(rnd *rand.Rand, message *bridgepb.VoteExtension) {
	message.Chains = nil
	for _, c := range r.world.chains {
		vote := &bridgepb.ChainVote{Chain: uint64(c.ID), Head: c.Height(), Reset_: rnd.IntN(2) == 0}
		nonce := uint64(len(c.Inbox())) - min(uint64(len(c.Inbox())), rnd.Uint64N(20))
		for range 1 + rnd.IntN(8) {
			nonce += 1 + rnd.Uint64N(3)
			hash := c.hash(nonce)
			if rnd.IntN(2) == 0 || hash == (types.Hash{}) {
				hash = types.Hash(randomBytes(rnd, 32))
			}
			vote.Marks = append(vote.Marks, &bridgepb.Mark{Nonce: nonce, Hash: hash[:], Block: rnd.Uint64N(1000)})
		}
		message.Chains = append(message.Chains, vote)
	}
}

// raise raises alarms for nothing.
func (r *run) raise(rnd *rand.Rand, message *bridgepb.VoteExtension) {
	r.rare("a false alarm of 1/3 or less")
	message.Chains = nil
	for _, c := range r.world.chains {
		message.Chains = append(message.Chains, &bridgepb.ChainVote{Chain: uint64(c.ID), Head: c.Height(), Alarm: 2 + rnd.Uint32N(2)})
	}
}

// addSignatures signs, in others' names too, heights that have a seal or none.
func (r *run) addSignatures(rnd *rand.Rand, message *bridgepb.VoteExtension) {
	message.Signatures = nil
	height := uint64(max(1, r.height-8))
	for range 1 + rnd.IntN(6) {
		height += 1 + rnd.Uint64N(3)
		signature := r.memo.sign(pick(rnd, r.nodes).member, types.Hash(randomBytes(rnd, 32)))
		message.Signatures = append(message.Signatures, &bridgepb.SealSignature{Height: height, Signature: signature[:]})
	}
}

func garbageExtension(rnd *rand.Rand, honest []byte) []byte {
	switch rnd.IntN(4) {
	case 0:
		return randomBytes(rnd, 1+rnd.IntN(200))
	case 1:
		return append(bytes.Clone(honest), byte(rnd.Uint32()))
	case 2:
		return append([]byte{1}, randomBytes(rnd, types.MaxVoteBytes+rnd.IntN(1000))...)
	}
	if len(honest) == 0 {
		return []byte{1}
	}
	return honest[:rnd.IntN(len(honest))]
}

func randomBytes(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// bendProposal makes a liar's block worse than its software would.
func (r *run) bendProposal(n *node, b *block) {
	if !r.fails("bend proposal", FaultPropose) || len(b.process.Txs) == 0 || len(b.process.Txs[0]) < systemFrame {
		return
	}
	b.honest = false
	rnd := r.dice.of("bend proposal")
	tx := b.process.Txs[0]
	message := &bridgepb.SystemTx{}
	if err := proto.Unmarshal(tx[systemFrame:], message); err != nil {
		r.broken("node", "a system transaction cannot be read: %v", err)
	}
	switch rnd.IntN(13) {
	case 0:
		b.process.Txs = nil
		return
	case 1:
		b.process.Txs = append(b.process.Txs, tx)
		return
	case 2:
		b.process.Txs = [][]byte{randomBytes(rnd, rnd.IntN(300))}
		return
	case 3:
		b.process.Txs = [][]byte{append(bytes.Clone(tx), byte(rnd.Uint32()))}
		return
	case 4: // censors
		r.rare("a proposer censors extensions")
		for i := range message.Slots {
			if rnd.IntN(2) == 0 {
				message.Slots[i] = &bridgepb.VoteSlot{}
			}
		}
	case 5: // censors
		message.Payloads = nil
	case 6:
		message.Slots = message.Slots[:rnd.IntN(len(message.Slots)+1)]
	case 7:
		r.swapSlots(rnd, message)
	case 8:
		for _, s := range message.Slots {
			if len(s.Signature) > 0 && rnd.IntN(2) == 0 {
				s.Signature = randomBytes(rnd, len(s.Signature))
			}
		}
	case 9:
		r.rare("forged extensions in others' names")
		r.speakForOthers(rnd, message)
	default:
		r.rare("a forged payload")
		r.forgePayload(rnd, message)
	}
	b.process.Txs[0] = append(bytes.Clone(tx[:systemFrame]), encode(message)...)
}

func (r *run) swapSlots(rnd *rand.Rand, message *bridgepb.SystemTx) {
	if len(message.Slots) < 2 {
		return
	}
	i, j := rnd.IntN(len(message.Slots)), rnd.IntN(len(message.Slots))
	message.Slots[i], message.Slots[j] = message.Slots[j], message.Slots[i]
}

// speakForOthers fills all slots with votes for an event that never happened,
// and brings that event.
func (r *run) speakForOthers(rnd *rand.Rand, message *bridgepb.SystemTx) {
	c := pick(rnd, r.world.chains)
	cursor := r.positions[c.ID]
	d := r.forgedDeposit(rnd, c)
	nonce := cursor.Cursor + 1
	hash := evmsig.Accumulate(cursor.CursorHash, evmsig.InboxLeaf(nonce, d))
	extension := encodeExtension(&bridgepb.VoteExtension{Chains: []*bridgepb.ChainVote{
		marksMessage(c.ID, c.final, []types.Mark{{Nonce: nonce, Hash: hash, Block: c.final}}),
	}})
	for i, slot := range message.Slots {
		if len(slot.Extension) > 0 {
			message.Slots[i] = &bridgepb.VoteSlot{Extension: extension, Signature: randomBytes(rnd, 64)}
		}
	}
	message.Payloads = []*bridgepb.Payload{depositPayload(c.ID, d)}
}

func depositPayload(id types.ChainID, d types.Deposited) *bridgepb.Payload {
	return &bridgepb.Payload{Chain: uint64(id), Events: []*bridgepb.InboxEvent{{
		Event: &bridgepb.InboxEvent_Deposited{Deposited: &bridgepb.Deposited{
			Token: d.Token[:], Sender: d.Sender[:], Destination: uint64(d.Destination), Recipient: d.Recipient[:],
			Amount: d.Amount.Bytes(), MaxFee: d.MaxFee.Bytes(),
		}},
	}}}
}

// forgePayload drops, repeats, exchanges or changes events, or invents one.
func (r *run) forgePayload(rnd *rand.Rand, message *bridgepb.SystemTx) {
	if len(message.Payloads) == 0 || rnd.IntN(3) == 0 {
		c := pick(rnd, r.world.chains)
		message.Payloads = []*bridgepb.Payload{depositPayload(c.ID, r.forgedDeposit(rnd, c))}
		return
	}
	p := pick(rnd, message.Payloads)
	switch at := rnd.IntN(len(p.Events)); rnd.IntN(5) {
	case 0:
		p.Events = slices.Delete(p.Events, at, at+1)
	case 1:
		p.Events = append(p.Events, p.Events[at])
	case 2:
		p.Events[at], p.Events[0] = p.Events[0], p.Events[at]
	case 3:
		message.Payloads = append(message.Payloads, p)
	case 4:
		if d := p.Events[at].GetDeposited(); d != nil {
			d.Amount = append([]byte{byte(1 + rnd.IntN(255))}, d.Amount[:len(d.Amount)/2]...)
		}
	}
}
