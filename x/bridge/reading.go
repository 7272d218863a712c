package bridge

import (
	"bytes"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Reading is a system transaction that was decoded, with what was found out
// about it so far: a host keeps it between the calls about one block, so that
// its bytes are decoded, its signatures checked and its events hashed once. All
// of that follows from the bytes and from what a call hands in, so a Reading
// changes no result. It is not for concurrent use.
type Reading struct {
	tx       []byte
	message  *pb.SystemTx
	err      error // why the bytes are none
	slots    []slotReading
	payloads []payloadReading
}

// Read decodes the first transaction of a block. It keeps tx.
func Read(tx []byte) *Reading {
	r := &Reading{tx: tx}
	r.message, r.err = decodeSystemTx(tx)
	if r.err == nil {
		r.slots = make([]slotReading, len(r.message.Slots))
		r.payloads = make([]payloadReading, len(r.message.Payloads))
	}
	return r
}

// Of says whether the Reading is of these bytes.
func (r *Reading) Of(tx []byte) bool { return r != nil && bytes.Equal(r.tx, tx) }

// reading is what the host has kept of a block's system transaction, or a new
// one.
func (b Block) reading(tx []byte) *Reading {
	if b.Reading.Of(tx) {
		return b.Reading
	}
	return Read(tx)
}

// slotReading is a slot's vote, and whose signature it was found to bear.
type slotReading struct {
	decoded bool
	vote    Vote
	err     error
	signed  signature // zero while it is not checked
}

// signature says as what an extension is signed.
type signature struct {
	key    string // consensus key
	height int64
	round  int32
}

// vote decodes a slot's extension.
func (r *Reading) vote(slot int) (Vote, error) {
	s := &r.slots[slot]
	if !s.decoded {
		s.vote, s.err = DecodeVote(r.message.Slots[slot].Extension)
		s.decoded = true
	}
	return s.vote, s.err
}

// payloadReading is a payload's events and the accumulators that they lead to
// from a start.
type payloadReading struct {
	nonce  uint64 // of the start
	start  types.Hash
	events []types.Event
	hashes []types.Hash // after each
}

// follow decodes a payload's events and accumulates them from a cursor on.
func (r *Reading) follow(payload int, cursor uint64, start types.Hash) (*payloadReading, error) {
	p, message := &r.payloads[payload], r.message.Payloads[payload]
	if p.events == nil {
		events := make([]types.Event, 0, len(message.Events))
		for i, m := range message.Events {
			event, err := eventFromPB(m)
			if err != nil {
				return nil, refuse(ErrBadProposal, "payload of chain %d, event %d: %v", message.Chain, i, err)
			}
			events = append(events, event)
		}
		p.events = events
	}
	if p.hashes == nil || p.nonce != cursor || p.start != start {
		p.nonce, p.start, p.hashes = cursor, start, make([]types.Hash, 0, len(p.events))
		hash := start
		for i, event := range p.events {
			hash = evmsig.Accumulate(hash, evmsig.InboxLeaf(cursor+1+uint64(i), event)) //nolint:gosec // an index
			p.hashes = append(p.hashes, hash)
		}
	}
	return p, nil
}
