package state

import (
	"bytes"
	"fmt"

	"google.golang.org/protobuf/proto"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Reader is bridge.Reader.
type Reader interface {
	Get(key []byte) ([]byte, error)
	Iterate(start, end []byte, visit func(key, value []byte) bool) error
}

// Store is bridge.Store.
type Store interface {
	Reader
	Set(key, value []byte) error
	Delete(key []byte) error
}

// Fault is a broken store or record.
type Fault struct{ Err error }

// Error implements error.
func (f Fault) Error() string { return "state: " + f.Err.Error() }

// Unwrap implements errors.Unwrap.
func (f Fault) Unwrap() error { return f.Err }

// Catch turns a Fault that unwinds the caller into its error. Use it deferred.
func Catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case Fault:
		*err = r
	default:
		panic(r)
	}
}

// Failf panics with a Fault.
func Failf(format string, args ...any) { panic(Fault{fmt.Errorf(format, args...)}) }

func must(err error) {
	if err != nil {
		panic(Fault{err})
	}
}

// Encode is the one encoding of a record: protobuf with fields in the order of
// their numbers, without unknown fields.
func Encode(m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	must(err)
	return b
}

// DecodeExact reads bytes from outside and refuses all but the one encoding.
func DecodeExact(b []byte, m proto.Message) error {
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, m); err != nil {
		return fmt.Errorf("not a %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil || string(again) != string(b) {
		return fmt.Errorf("not the one encoding of a %s", m.ProtoReflect().Descriptor().Name())
	}
	return nil
}

// View reads records of one version.
type View struct{ r Reader }

// NewView reads from r.
func NewView(r Reader) View { return View{r} }

// State reads and writes records.
type State struct {
	View
	s Store
}

// New reads from and writes to s.
func New(s Store) State { return State{View{s}, s} }

// get reads the record at k into m and says whether it is there.
func (v View) get(k []byte, m proto.Message) bool {
	b, err := v.r.Get(k)
	must(err)
	if b == nil {
		return false
	}
	must(proto.Unmarshal(b, m))
	return true
}

// Raw is the value at a key, nil if there is none.
func (v View) Raw(k []byte) []byte {
	b, err := v.r.Get(k)
	must(err)
	return b
}

// each calls visit for all records behind prefix in key order.
func (v View) each(prefix []byte, visit func(key, value []byte) bool) {
	must(v.r.Iterate(prefix, after(prefix), visit))
}

// All calls visit for the whole state in key order.
func (v View) All(visit func(key, value []byte) bool) { must(v.r.Iterate(nil, nil, visit)) }

func (s State) set(k []byte, m proto.Message) { must(s.s.Set(k, Encode(m))) }

// put is set for records that most blocks leave as they are: an unchanged one
// is not written, for a write costs several reads.
func (s State) put(k []byte, m proto.Message) {
	if b := Encode(m); !bytes.Equal(b, s.Raw(k)) {
		must(s.s.Set(k, b))
	}
}

// SetRaw writes bytes that came out of All.
func (s State) SetRaw(k, value []byte) { must(s.s.Set(k, value)) }

func (s State) remove(k []byte) { must(s.s.Delete(k)) }

// Network is the network's record; a state without one has no genesis.
func (v View) Network() *pb.Network {
	n := &pb.Network{}
	if !v.get(NetworkKey(), n) {
		Failf("no network record: this store has no genesis")
	}
	return n
}

// SetNetwork writes it.
func (s State) SetNetwork(n *pb.Network) { s.put(NetworkKey(), n) }

// Epoch is the members of an epoch, ascending by signer, or nil.
func (v View) Epoch(epoch uint64) *pb.Validators {
	m := &pb.Validators{}
	if !v.get(EpochKey(epoch), m) {
		return nil
	}
	return m
}

// SetEpoch writes them.
func (s State) SetEpoch(epoch uint64, m *pb.Validators) { s.set(EpochKey(epoch), m) }

// Consensus is the consensus set of a height, or nil before the first.
func (v View) Consensus(height uint64) *pb.Validators {
	var found *pb.Validators
	must(v.r.Iterate(key(prefixConsensus), key(prefixConsensus, num(height+1)), func(_, value []byte) bool {
		found = &pb.Validators{}
		must(proto.Unmarshal(value, found))
		return true
	}))
	return found
}

// SetConsensus writes the set that holds from a height on.
func (s State) SetConsensus(from uint64, m *pb.Validators) {
	s.set(key(prefixConsensus, num(from)), m)
}

// Chain is one chain, or nil.
func (v View) Chain(id types.ChainID) *pb.Chain {
	c := &pb.Chain{}
	if !v.get(ChainKey(id), c) {
		return nil
	}
	return c
}

// Chains is all chains, ascending by id.
func (v View) Chains() []*pb.Chain {
	var all []*pb.Chain
	v.each(key(prefixChain), func(_, value []byte) bool {
		c := &pb.Chain{}
		must(proto.Unmarshal(value, c))
		all = append(all, c)
		return true
	})
	return all
}

// SetChain writes one chain.
func (s State) SetChain(c *pb.Chain) { s.put(ChainKey(types.ChainID(c.Id)), c) }

// Asset is one asset, or nil.
func (v View) Asset(id types.AssetID) *pb.Asset {
	a := &pb.Asset{}
	if !v.get(AssetKey(id), a) {
		return nil
	}
	return a
}

// Assets is all assets, ascending by id.
func (v View) Assets() []*pb.Asset {
	var all []*pb.Asset
	v.each(key(prefixAsset), func(_, value []byte) bool {
		a := &pb.Asset{}
		must(proto.Unmarshal(value, a))
		all = append(all, a)
		return true
	})
	return all
}

// SetAsset writes one asset.
func (s State) SetAsset(a *pb.Asset) { s.set(AssetKey(types.AssetID(a.Id)), a) }

// TokenAsset is the asset of a chain's registered token.
func (v View) TokenAsset(c types.ChainID, token types.Address) (types.AssetID, bool) {
	b := v.Raw(key(prefixToken, chainPart(c), token[:]))
	if len(b) != 32 {
		return types.AssetID{}, false
	}
	return types.AssetID(b), true
}

// SetTokenAsset maps a chain's token to its asset.
func (s State) SetTokenAsset(c types.ChainID, token types.Address, asset types.AssetID) {
	must(s.s.Set(key(prefixToken, chainPart(c), token[:]), asset[:]))
}

// Ledger is an asset's totals.
func (v View) Ledger(asset types.AssetID) *pb.Ledger {
	l := &pb.Ledger{}
	v.get(LedgerKey(asset), l)
	return l
}

// SetLedger writes them.
func (s State) SetLedger(asset types.AssetID, l *pb.Ledger) { s.put(LedgerKey(asset), l) }

// Vote is a validator's latest word about a chain; empty if it never spoke.
func (v View) Vote(c types.ChainID, id types.ValidatorID) *pb.ChainVote {
	vote := &pb.ChainVote{Chain: uint64(c)}
	v.get(key(prefixVote, chainPart(c), id[:]), vote)
	return vote
}

// SetVote writes it.
func (s State) SetVote(id types.ValidatorID, vote *pb.ChainVote) {
	s.set(key(prefixVote, num(vote.Chain), id[:]), vote)
}
