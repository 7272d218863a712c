package state

import (
	"encoding/binary"

	"google.golang.org/protobuf/proto"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Backlog is the control commands of a chain that wait for their turn.
func (v View) Backlog(c types.ChainID) *pb.Backlog {
	backlog := &pb.Backlog{}
	v.get(key(prefixBacklog, chainPart(c)), backlog)
	return backlog
}

// SetBacklog writes them; none is no record.
func (s State) SetBacklog(c types.ChainID, backlog *pb.Backlog) {
	if len(backlog.Commands) == 0 {
		s.remove(key(prefixBacklog, chainPart(c)))
		return
	}
	s.set(key(prefixBacklog, chainPart(c)), backlog)
}

// Command is one command of an outbox, or nil.
func (v View) Command(c types.ChainID, nonce uint64) *pb.Command {
	command := &pb.Command{}
	if !v.get(CommandKey(c, nonce), command) {
		return nil
	}
	return command
}

// Commands visits the kept commands of a chain in order from a nonce on.
func (v View) Commands(c types.ChainID, from uint64, visit func(*pb.Command) bool) {
	end := after(key(prefixCommand, chainPart(c)))
	must(v.r.Iterate(CommandKey(c, from), end, func(_, value []byte) bool {
		command := &pb.Command{}
		must(proto.Unmarshal(value, command))
		return visit(command)
	}))
}

// SetCommand writes one.
func (s State) SetCommand(c types.ChainID, command *pb.Command) {
	s.set(CommandKey(c, command.Nonce), command)
}

// RemoveCommand deletes one.
func (s State) RemoveCommand(c types.ChainID, nonce uint64) { s.remove(CommandKey(c, nonce)) }

// Seal is the seal of a height, or nil.
func (v View) Seal(height uint64) *pb.Seal {
	seal := &pb.Seal{}
	if !v.get(SealKey(height), seal) {
		return nil
	}
	return seal
}

// Seals visits the kept seals in order from a height on.
func (v View) Seals(from uint64, visit func(*pb.Seal) bool) {
	must(v.r.Iterate(SealKey(from), after(key(prefixSeal)), func(_, value []byte) bool {
		seal := &pb.Seal{}
		must(proto.Unmarshal(value, seal))
		return visit(seal)
	}))
}

// SetSeal writes one.
func (s State) SetSeal(seal *pb.Seal) { s.set(SealKey(seal.Height), seal) }

// RemoveSeal deletes a seal and its signatures.
func (s State) RemoveSeal(height uint64) {
	s.remove(SealKey(height))
	s.remove(key(prefixSignatures, num(height)))
}

// Signatures is the signatures of a seal.
func (v View) Signatures(height uint64) *pb.SealSignatures {
	signatures := &pb.SealSignatures{}
	v.get(key(prefixSignatures, num(height)), signatures)
	return signatures
}

// SetSignatures writes them.
func (s State) SetSignatures(height uint64, signatures *pb.SealSignatures) {
	s.set(key(prefixSignatures, num(height)), signatures)
}

// Owed is an owed refund, or nil.
func (v View) Owed(c types.ChainID, nonce uint64, index uint32) *pb.Owed {
	owed := &pb.Owed{}
	if !v.get(OwedKey(c, nonce, index), owed) {
		return nil
	}
	return owed
}

// AllOwed visits all owed refunds.
func (v View) AllOwed(visit func(c types.ChainID, nonce uint64, index uint32, owed *pb.Owed) bool) {
	v.each(key(prefixOwed), func(k, value []byte) bool {
		if len(k) != 21 {
			Failf("owed key of %d bytes", len(k))
		}
		owed := &pb.Owed{}
		must(proto.Unmarshal(value, owed))
		c := types.ChainID(binary.BigEndian.Uint64(k[1:]))
		return visit(c, binary.BigEndian.Uint64(k[9:]), binary.BigEndian.Uint32(k[17:]), owed)
	})
}

// SetOwed writes one.
func (s State) SetOwed(c types.ChainID, nonce uint64, index uint32, owed *pb.Owed) {
	s.set(OwedKey(c, nonce, index), owed)
}

// RemoveOwed deletes one.
func (s State) RemoveOwed(c types.ChainID, nonce uint64, index uint32) {
	s.remove(OwedKey(c, nonce, index))
}

// Span says that a command holds transfers of one source chain whose inbox
// nonces lie between First and Last.
type Span struct {
	Source      types.ChainID
	First, Last uint64
	Chain       types.ChainID
	Nonce       uint64 // of the command
}

func (p Span) key() []byte {
	return key(prefixTransfer, chainPart(p.Source), num(p.Last), chainPart(p.Chain), num(p.Nonce))
}

// Spans visits, in the order of their last nonce, the spans of a source chain
// that may hold an inbox nonce.
func (v View) Spans(source types.ChainID, nonce uint64, visit func(Span) bool) {
	start := key(prefixTransfer, chainPart(source), num(nonce))
	end := after(key(prefixTransfer, chainPart(source)))
	must(v.r.Iterate(start, end, func(k, value []byte) bool {
		if len(k) != 33 || len(value) != 8 {
			Failf("transfer key of %d and %d bytes", len(k), len(value))
		}
		span := Span{
			Source: source, First: binary.BigEndian.Uint64(value), Last: binary.BigEndian.Uint64(k[9:]),
			Chain: types.ChainID(binary.BigEndian.Uint64(k[17:])), Nonce: binary.BigEndian.Uint64(k[25:]),
		}
		if nonce < span.First {
			return true
		}
		return visit(span)
	}))
}

// SetSpan writes one.
func (s State) SetSpan(p Span) { must(s.s.Set(p.key(), num(p.First))) }

// RemoveSpan deletes one.
func (s State) RemoveSpan(p Span) { s.remove(p.key()) }

// Pruned is a finished command whose time in the state ends at a height.
type Pruned struct {
	Height uint64
	Chain  types.ChainID
	Nonce  uint64
}

func (p Pruned) key() []byte {
	return key(prefixPrune, num(p.Height), chainPart(p.Chain), num(p.Nonce))
}

// SetPruned plans the end of a finished command.
func (s State) SetPruned(p Pruned) { must(s.s.Set(p.key(), []byte{1})) }

// RemovePruned deletes the plan.
func (s State) RemovePruned(p Pruned) { s.remove(p.key()) }

// Due is at most limit commands whose time has come at a height, in order.
func (v View) Due(height uint64, limit int) []Pruned {
	var due []Pruned
	must(v.r.Iterate(key(prefixPrune), key(prefixPrune, num(height+1)), func(k, _ []byte) bool {
		if len(k) != 25 {
			Failf("prune key of %d bytes", len(k))
		}
		due = append(due, Pruned{
			Height: binary.BigEndian.Uint64(k[1:]),
			Chain:  types.ChainID(binary.BigEndian.Uint64(k[9:])), Nonce: binary.BigEndian.Uint64(k[17:]),
		})
		return len(due) < limit
	}))
	return due
}
