package bridge

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// mapStore is a Store for tests inside of the package.
type mapStore map[string][]byte

func (m mapStore) Get(key []byte) ([]byte, error) { return m[string(key)], nil }

func (m mapStore) Set(key, value []byte) error {
	m[string(key)] = bytes.Clone(value)
	return nil
}

func (m mapStore) Delete(key []byte) error {
	delete(m, string(key))
	return nil
}

func (m mapStore) Iterate(start, end []byte, visit func(key, value []byte) bool) error {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if key >= string(start) && (end == nil || key < string(end)) && !visit([]byte(key), m[key]) {
			break
		}
	}
	return nil
}

// newMapStore holds a network of a few chains and assets, each wrapped on each.
func newMapStore(chains, assets int) mapStore {
	store := mapStore{}
	s := state.New(store)
	s.SetNetwork(&pb.Network{ChainId: "test", Epoch: 1, Params: paramsToPB(types.DefaultParams())})
	s.SetEpoch(1, &pb.Validators{})
	var tokens []*pb.Token
	for i := range chains {
		id := uint64(i) + 1 //nolint:gosec // an index
		s.SetChain(&pb.Chain{Id: id, Label: fmt.Sprint("c", id), ExpiryBlocks: 100})
		tokens = append(tokens, &pb.Token{Chain: id, Mode: uint32(types.ModeMint), Registered: true})
	}
	for i := range assets {
		id := types.AssetID{byte(i) + 1}
		s.SetAsset(&pb.Asset{Id: id[:], Symbol: fmt.Sprint("A", i), Tokens: tokens})
		s.SetLedger(id, &pb.Ledger{})
	}
	return store
}

// laneTwin is what lanes are: slices.
type laneTwin map[state.LaneID][]uint64

func (l laneTwin) of(chain types.ChainID) (ids []state.LaneID, entries uint64) {
	for id, lane := range l {
		if id.Chain == chain && len(lane) > 0 {
			ids = append(ids, id)
			entries += uint64(len(lane))
		}
	}
	slices.SortFunc(ids, state.LaneID.Compare)
	return ids, entries
}

// Over blocks of random work, saved and loaded between, lanes are first in,
// first out, and their counters count.
func TestLanesAreSlices(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		store, twin := newMapStore(2, 2), laneTwin{}
		lanes := rapid.Custom(func(r *rapid.T) state.LaneID {
			return state.LaneID{
				Chain: types.ChainID(rapid.Uint64Range(1, 2).Draw(r, "chain")), Asset: types.AssetID{rapid.ByteRange(1, 2).Draw(r, "asset")},
				Source: types.ChainID(rapid.Uint64Range(1, 2).Draw(r, "source")), Kind: state.LaneKind(rapid.ByteRange(1, 5).Draw(r, "kind")),
			}
		})
		var nonce uint64
		for height := range rapid.Int64Range(1, 8).Draw(r, "blocks") {
			a := newApplier(nil, state.New(store), Block{Height: height + 1, Time: time.Unix(height, 0)})
			for range rapid.IntRange(0, 6).Draw(r, "turns") {
				id := lanes.Draw(r, "lane")
				for range rapid.SampledFrom([]int{0, 1, 1, 5, 255, 256, 257, 600}).Draw(r, "push") {
					nonce++
					a.push(id, &pb.Entry{Kind: 1, Transfer: &pb.Transfer{Source: uint64(id.Source), Nonce: nonce, Asset: id.Asset[:]}})
					twin[id] = append(twin[id], nonce)
				}
				if ids, _ := twin.of(id.Chain); len(ids) > 0 {
					id = rapid.SampledFrom(ids).Draw(r, "of")
				}
				for range min(len(twin[id]), rapid.SampledFrom([]int{0, 1, 2, 255, 256, 700}).Draw(r, "pop")) {
					l := a.lane(id)
					if head := a.head(l); head != a.head(l) || head.Transfer.Nonce != twin[id][0] || l.entries() != len(twin[id]) {
						r.Fatalf("%+v: head %d of %d, want %d of %d", id, head.Transfer.Nonce, l.entries(), twin[id][0], len(twin[id]))
					}
					if popped := a.pop(l); popped.Transfer.Nonce != twin[id][0] {
						r.Fatalf("%+v: popped %d, want %d", id, popped.Transfer.Nonce, twin[id][0])
					}
					twin[id] = twin[id][1:]
				}
				if l := a.lane(id); len(twin[id]) == 0 && a.head(l) != nil {
					r.Fatalf("%+v: an empty lane has a head", id)
				}
			}
			a.save()
			sameLanes(r, store, twin)
		}
	})
}

// sameLanes compares what is stored.
func sameLanes(r *rapid.T, store mapStore, twin laneTwin) {
	v := state.NewView(store)
	segments := 0
	for _, chain := range v.Chains() {
		ids, entries := twin.of(types.ChainID(chain.Id))
		if got := v.Lanes(types.ChainID(chain.Id)); !slices.Equal(got, ids) || chain.Queued != entries {
			r.Fatalf("chain %d: lanes %v with %d, want %v with %d", chain.Id, got, chain.Queued, ids, entries)
		}
		for _, id := range ids {
			var nonces []uint64
			lane := v.Lane(id)
			for number := lane.Head; number < lane.Tail; number++ {
				segment := v.Segment(id, number).Entries
				if segments++; len(segment) == 0 || len(segment) > segmentEntries {
					r.Fatalf("%+v: a segment of %d", id, len(segment))
				}
				for _, e := range segment {
					nonces = append(nonces, e.Transfer.Nonce)
				}
			}
			if !slices.Equal(nonces, twin[id]) || lane.Entries != uint64(len(nonces)) {
				r.Fatalf("%+v: stored %v (%d), want %v", id, nonces, lane.Entries, twin[id])
			}
		}
	}
	stored := 0
	for key := range store {
		if key[0] == segmentPrefix {
			stored++
		}
	}
	if stored != segments {
		r.Fatalf("%d segments are stored, %d are in lanes", stored, segments)
	}
}

// segmentPrefix is how the keys of segments begin.
const segmentPrefix = 'q'
