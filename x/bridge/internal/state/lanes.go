package state

import (
	"bytes"
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// LaneKind says what waits in a lane.
type LaneKind uint8

// The kinds of lanes.
const (
	LaneRefund      LaneKind = 1
	LaneShortRefund LaneKind = 2 // refunds that the custody does not cover
	LaneRelease     LaneKind = 3
	LaneShort       LaneKind = 4 // releases that the custody does not cover
	LaneLarge       LaneKind = 5 // releases whose amount makes them wait
)

// LaneID names a lane: entries of one kind for one chain, of one asset and one
// source chain.
type LaneID struct {
	Chain  types.ChainID
	Asset  types.AssetID
	Source types.ChainID
	Kind   LaneKind
}

const laneIDBytes = 8 + 32 + 8 + 1

// Compare orders lanes by their keys.
func (l LaneID) Compare(o LaneID) int { return bytes.Compare(l.bytes(), o.bytes()) }

func (l LaneID) bytes() []byte {
	b := append(num(uint64(l.Chain)), l.Asset[:]...)
	return append(append(b, num(uint64(l.Source))...), byte(l.Kind))
}

func laneIDFrom(b []byte) LaneID {
	if len(b) != laneIDBytes {
		Failf("lane key of %d bytes", len(b))
	}
	return LaneID{
		Chain: types.ChainID(binary.BigEndian.Uint64(b)), Asset: types.AssetID(b[8:40]),
		Source: types.ChainID(binary.BigEndian.Uint64(b[40:])), Kind: LaneKind(b[48]),
	}
}

// Lane is one lane; an empty one has no record.
func (v View) Lane(id LaneID) *pb.Lane {
	lane := &pb.Lane{}
	v.get(key(prefixLane, id.bytes()), lane)
	return lane
}

// Lanes is the lanes of a chain that hold entries, in the order of their ids.
func (v View) Lanes(c types.ChainID) []LaneID {
	var ids []LaneID
	v.each(key(prefixLane, chainPart(c)), func(k, _ []byte) bool {
		ids = append(ids, laneIDFrom(k[1:]))
		return true
	})
	return ids
}

// SetLane writes one lane; an empty one is removed.
func (s State) SetLane(id LaneID, lane *pb.Lane) {
	if lane.Entries == 0 {
		s.remove(key(prefixLane, id.bytes()))
		return
	}
	s.set(key(prefixLane, id.bytes()), lane)
}

// Segment is one segment of a lane.
func (v View) Segment(id LaneID, number uint64) *pb.QueueSegment {
	segment := &pb.QueueSegment{}
	if !v.get(segmentKey(id, number), segment) {
		Failf("lane %+v has no segment %d", id, number)
	}
	return segment
}

// Segments visits the numbers of all segments, lane by lane.
func (v View) Segments(visit func(id LaneID, number uint64) bool) {
	v.each(key(prefixQueue), func(k, _ []byte) bool {
		if len(k) != 1+laneIDBytes+8 {
			Failf("segment key of %d bytes", len(k))
		}
		return visit(laneIDFrom(k[1:1+laneIDBytes]), binary.BigEndian.Uint64(k[1+laneIDBytes:]))
	})
}

func segmentKey(id LaneID, number uint64) []byte { return key(prefixQueue, id.bytes(), num(number)) }

// SetSegment writes one.
func (s State) SetSegment(id LaneID, number uint64, segment *pb.QueueSegment) {
	s.set(segmentKey(id, number), segment)
}

// RemoveSegment deletes one.
func (s State) RemoveSegment(id LaneID, number uint64) { s.remove(segmentKey(id, number)) }

// Quarantine is one record, or nil.
func (v View) Quarantine(id uint64) *pb.Quarantine {
	record := &pb.Quarantine{}
	if !v.get(QuarantineKey(id), record) {
		return nil
	}
	return record
}

// Quarantines visits the unresolved records in order from an id on.
func (v View) Quarantines(from uint64, visit func(*pb.Quarantine) bool) {
	must(v.r.Iterate(QuarantineKey(from), after(key(prefixQuarantine)), func(_, value []byte) bool {
		record := &pb.Quarantine{}
		must(proto.Unmarshal(value, record))
		return visit(record)
	}))
}

// SetQuarantine writes one.
func (s State) SetQuarantine(record *pb.Quarantine) { s.set(QuarantineKey(record.Id), record) }

// RemoveQuarantine deletes one.
func (s State) RemoveQuarantine(id uint64) { s.remove(QuarantineKey(id)) }
