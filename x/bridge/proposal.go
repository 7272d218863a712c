package bridge

import (
	"google.golang.org/protobuf/proto"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// BuildProposal gives the system transaction of a block, at most limit bytes:
// the extensions of votes, and for each chain the inbox events from its cursor
// to an agreed mark, as far as this proposer has them. Extensions that do not
// stand the check of VerifyProposal are left out, events that do not chain into
// the agreed mark too. It never fails on what others sent.
func (m *Machine) BuildProposal(r Reader, b Block, votes []ExtendedVote, inbox Inbox, limit int64) (tx []byte, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	network := v.Network()
	message := &pb.SystemTx{}
	ballot := newBallot(v, network)
	consensus := v.Consensus(voteHeight(b))
	room := limit - 16
	for _, slot := range votes {
		filled := &pb.VoteSlot{}
		if slot.Committed && len(slot.Extension) > 0 {
			candidate := &pb.VoteSlot{Extension: slot.Extension, Signature: slot.Signature}
			vote, err := m.checkVote(consensus, b, slot)
			if size := int64(proto.Size(candidate)) + fieldOverhead; err == nil && size <= room {
				filled = candidate
				room -= size
				ballot.add(slot.Validator, vote)
			}
		}
		message.Slots = append(message.Slots, filled)
		room -= fieldOverhead
	}
	message.Payloads = buildPayloads(v, network, ballot, inbox, b, room)
	return encodeSystemTx(message), nil
}

// voteHeight is the height whose votes a block brings.
func voteHeight(b Block) uint64 { return uint64(b.Height) - 1 } //nolint:gosec // heights are positive

// checkVote verifies the form of an extension, and its consensus signature with
// the set of the vote's height.
func (m *Machine) checkVote(consensus *pb.Validators, b Block, v ExtendedVote) (Vote, error) {
	vote, err := DecodeVote(v.Extension)
	if err != nil {
		return Vote{}, err
	}
	as, err := signedAs(consensus, b, v.Validator)
	if err != nil {
		return Vote{}, err
	}
	return vote, m.checkSignature(as, v.Validator, v.Extension, v.Signature)
}

// signedAs is what a validator has to have signed its extension as.
func signedAs(consensus *pb.Validators, b Block, from types.ValidatorID) (signature, error) {
	members := consensus.GetMembers()
	position := memberOf(members, from)
	if position < 0 {
		return signature{}, refuse(ErrBadProposal, "validator %s is not in the consensus set of height %d", from, voteHeight(b))
	}
	return signature{string(members[position].ConsensusKey), b.Height - 1, b.Round}, nil
}

func (m *Machine) checkSignature(as signature, from types.ValidatorID, extension, bytes []byte) error {
	if !m.verifyExtension(types.ConsensusKey(as.key), as.height, as.round, extension, bytes) {
		return refuse(ErrBadProposal, "extension of %s: bad consensus signature", from)
	}
	return nil
}

// buildPayloads gives each chain its share of the bytes, then what is left to
// the chains that want more, beginning with another one at each height.
func buildPayloads(v state.View, network *pb.Network, b *ballot, inbox Inbox, block Block, room int64) []*pb.Payload {
	chains := v.Chains()
	if len(chains) == 0 {
		return nil
	}
	room = min(room, int64(network.Params.PayloadBytes)) //nolint:gosec // at most 2^25
	share := room / int64(len(chains))
	offers := make([]*offer, len(chains))
	for i, chain := range chains {
		offers[i] = newOffer(b, chain, inbox)
		room -= offers[i].grow(share)
	}
	for i := range offers {
		o := offers[(int(voteHeight(block)%uint64(len(offers)))+i)%len(offers)] //nolint:gosec // an index
		room -= o.grow(o.size + room)
	}
	var payloads []*pb.Payload
	for _, o := range offers {
		if len(o.payload.Events) > 0 {
			payloads = append(payloads, o.payload)
		}
	}
	return payloads
}

// payloadOverhead bounds what a payload needs beside its events: its chain, and
// tag and length of its own.
const payloadOverhead = 32

// offer is the payload of one chain while it is being put together.
type offer struct {
	payload *pb.Payload
	ends    []offerEnd // where it may end: at agreed marks, ascending
	events  []*pb.InboxEvent
	size    int64 // of payload, in the transaction
}

type offerEnd struct {
	events int
	size   int64
}

// newOffer asks the inbox for the events up to the last agreed mark, and notes
// at which agreed marks they arrive with the agreed hash.
func newOffer(b *ballot, chain *pb.Chain, inbox Inbox) *offer {
	o := &offer{payload: &pb.Payload{Chain: chain.Id}}
	votes := b.of(types.ChainID(chain.Id))
	if !b.serves(votes) {
		return o
	}
	marks := b.agreed(votes)
	if len(marks) == 0 {
		return o
	}
	events := inbox.Events(types.ChainID(chain.Id), chain.Cursor, marks[len(marks)-1].Nonce)
	hash, nonce := types.Hash(chain.CursorHash), chain.Cursor
	size := int64(payloadOverhead)
	for _, event := range events {
		message, err := eventToPB(event)
		if err != nil || event.Validate() != nil {
			return o
		}
		nonce++
		hash = evmsig.Accumulate(hash, evmsig.InboxLeaf(nonce, event))
		size += int64(proto.Size(message)) + fieldOverhead
		o.events = append(o.events, message)
		for len(marks) > 0 && marks[0].Nonce < nonce {
			marks = marks[1:]
		}
		if len(marks) > 0 && marks[0].Nonce == nonce {
			if marks[0].Hash != hash {
				return o // what this proposer saw is not what was agreed
			}
			o.ends = append(o.ends, offerEnd{len(o.events), size})
		}
	}
	return o
}

// grow extends the payload to the last end within limit bytes and returns by
// how many bytes it grew.
func (o *offer) grow(limit int64) int64 {
	before := o.size
	for _, end := range o.ends {
		if end.size <= limit && end.size > o.size {
			o.payload.Events, o.size = o.events[:end.events], end.size
		}
	}
	return o.size - before
}

// VerifyProposal checks a block's transactions before this validator votes for
// it, by the state at height-1 and the block alone: a first, and only one,
// system transaction with one slot for each vote of the last commit, every
// extension that it brings signed by its validator, every payload chaining from
// the cursor into a mark that is agreed once these votes are counted, and behind
// it the transactions of operators, as SelectTxs gives them.
func (m *Machine) VerifyProposal(r Reader, b Block, txs [][]byte) (err error) {
	defer state.Catch(&err)
	if len(txs) == 0 {
		return refuse(ErrBadProposal, "no system transaction")
	}
	reading := b.reading(txs[0])
	if reading.err != nil {
		return reading.err
	}
	v := state.NewView(r)
	network := v.Network()
	ballot := newBallot(v, network)
	if err := m.checkSlots(v, b, reading, ballot); err != nil {
		return err
	}
	var last uint64
	var bytes int
	for i, payload := range reading.message.Payloads {
		if payload.Chain <= last {
			return refuse(ErrBadProposal, "payload of chain %d: out of order", payload.Chain)
		}
		last = payload.Chain
		bytes += proto.Size(payload)
		if _, err := checkPayload(ballot, reading, i); err != nil {
			return err
		}
	}
	if uint64(bytes) > network.Params.PayloadBytes { //nolint:gosec // a size
		return refuse(ErrBadProposal, "payloads of %d bytes, at most %d", bytes, network.Params.PayloadBytes)
	}
	return m.verifyTxs(v, network, b, txs[1:])
}

// checkSlots verifies every slot and adds its vote to the ballot.
func (m *Machine) checkSlots(v state.View, b Block, r *Reading, ballot *ballot) error {
	if len(r.slots) != len(b.Commit) {
		return refuse(ErrBadProposal, "%d slots for %d votes", len(r.slots), len(b.Commit))
	}
	consensus := v.Consensus(voteHeight(b))
	for i, slot := range r.message.Slots {
		if len(slot.Extension) == 0 {
			if len(slot.Signature) != 0 {
				return refuse(ErrBadProposal, "slot %d: a signature without an extension", i)
			}
			continue
		}
		if !b.Commit[i].Committed {
			return refuse(ErrBadProposal, "slot %d: an extension without a precommit for the block", i)
		}
		vote, err := m.checkSlot(consensus, b, r, i)
		if err != nil {
			return err
		}
		ballot.add(b.Commit[i].Validator, vote)
	}
	return nil
}

// checkSlot is checkVote for a slot of a system transaction, unless it was
// checked for the same block before.
func (m *Machine) checkSlot(consensus *pb.Validators, b Block, r *Reading, slot int) (Vote, error) {
	vote, err := r.vote(slot)
	if err != nil {
		return Vote{}, err
	}
	from := b.Commit[slot].Validator
	as, err := signedAs(consensus, b, from)
	if err != nil || r.slots[slot].signed == as {
		return vote, err
	}
	bytes := r.message.Slots[slot]
	if err := m.checkSignature(as, from, bytes.Extension, bytes.Signature); err != nil {
		return Vote{}, err
	}
	r.slots[slot].signed = as
	return vote, nil
}

// inboxSlice is a verified payload.
type inboxSlice struct {
	chain  *pb.Chain
	events []types.Event
	hashes []types.Hash // the accumulator after each
	end    types.Mark
}

// checkPayload verifies that events chain from the cursor into an agreed mark.
func checkPayload(b *ballot, r *Reading, payload int) (inboxSlice, error) {
	id := types.ChainID(r.message.Payloads[payload].Chain)
	votes := b.of(id)
	if votes == nil || !b.serves(votes) {
		return inboxSlice{}, refuse(ErrBadProposal, "payload of chain %d: not served", id)
	}
	followed, err := r.follow(payload, votes.chain.Cursor, types.Hash(votes.chain.CursorHash))
	if err != nil {
		return inboxSlice{}, err
	}
	if len(followed.events) == 0 {
		return inboxSlice{}, refuse(ErrBadProposal, "payload of chain %d: empty", id)
	}
	slice := inboxSlice{chain: votes.chain, events: followed.events, hashes: followed.hashes}
	nonce, hash := votes.chain.Cursor+uint64(len(slice.events)), slice.hashes[len(slice.hashes)-1]
	for _, mark := range b.agreed(votes) {
		if mark.Nonce == nonce && mark.Hash == hash {
			slice.end = mark
			return slice, nil
		}
	}
	return inboxSlice{}, refuse(ErrBadProposal, "payload of chain %d: nonce %d with hash %s is no agreed mark", id, nonce, hash)
}
