package app

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	dbm "github.com/cosmos/cosmos-db"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/x/bridge"
)

// shelf holds one snapshot, for peers.
type shelf struct {
	manifest store.Manifest
	chunks   [][]byte
	err      error
}

func (s *shelf) List() []store.Manifest { return []store.Manifest{s.manifest} }

func (s *shelf) Chunk(height int64, index uint32) ([]byte, error) {
	if height != s.manifest.Height || int(index) >= len(s.chunks) {
		return nil, s.err
	}
	return s.chunks[index], s.err
}

// shelve makes a snapshot of a node's newest state, and has the node offer it.
func (n *network) shelve(i int) *shelf {
	n.t.Helper()
	latest := n.nodes[i].store.Latest()
	defer latest.Release()
	s := &shelf{}
	var err error
	s.manifest, err = latest.Export(testChainID, func(chunk []byte) error {
		s.chunks = append(s.chunks, chunk)
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.nodes[i].snapshots = s
	return s
}

// joiner is a node without a state, and what it logs.
func (n *network) joiner(v testValidator) (*node, *bytes.Buffer) {
	n.t.Helper()
	joined := n.start(v, dbm.NewMemDB())
	log := &bytes.Buffer{}
	joined.log = slog.New(slog.NewTextHandler(log, nil))
	return joined, log
}

// offer is the snapshot that a node offers, as CometBFT hands it on.
func (n *network) offer(from *node) *abci.RequestOfferSnapshot {
	n.t.Helper()
	list, err := from.ListSnapshots(ctx, &abci.RequestListSnapshots{})
	if err != nil || len(list.Snapshots) != 1 {
		n.t.Fatal(list, err)
	}
	return &abci.RequestOfferSnapshot{Snapshot: list.Snapshots[0], AppHash: from.store.Hash()}
}

func (n *network) accept(to *node, offer *abci.RequestOfferSnapshot) {
	n.t.Helper()
	resp, err := to.OfferSnapshot(ctx, offer)
	if err != nil || resp.Result != abci.ResponseOfferSnapshot_ACCEPT {
		n.t.Fatal(resp, err)
	}
}

// fetch gives a node all chunks of another's snapshot.
func (n *network) fetch(to, from *node, s *abci.Snapshot) {
	n.t.Helper()
	for i := range s.Chunks {
		chunk, err := from.LoadSnapshotChunk(ctx, &abci.RequestLoadSnapshotChunk{Height: s.Height, Format: s.Format, Chunk: i})
		if err != nil || chunk.Chunk == nil {
			n.t.Fatal(chunk, err)
		}
		resp, err := to.ApplySnapshotChunk(ctx, &abci.RequestApplySnapshotChunk{Index: i, Chunk: chunk.Chunk, Sender: "peer"})
		if err != nil || resp.Result != abci.ResponseApplySnapshotChunk_ACCEPT {
			n.t.Fatal(resp, err)
		}
	}
}

// A node that was restored amid traffic votes, proposes and executes as one that
// has executed all blocks, and so after a restart.
func TestRestoredNodeGoesOn(t *testing.T) {
	n := newNetwork(t, 4)
	for height := range 30 {
		if height%4 == 0 {
			n.world.deposit(uint64(1_000 + height))
		}
		n.block()
	}
	n.shelve(0)
	offer := n.offer(n.nodes[0])
	joined, log := n.joiner(n.nodes[3].testValidator)
	n.accept(joined, offer)
	n.fetch(joined, n.nodes[0], offer.Snapshot)

	n.nodes[3] = joined
	info := n.info(3)
	if info.LastBlockHeight != n.height || info.AppVersion != ProtocolVersion || !bytes.Equal(info.LastBlockAppHash, offer.AppHash) {
		t.Errorf("info %v", info)
	}
	if !strings.Contains(log.String(), "restored the state from a snapshot") {
		t.Errorf("log %s", log)
	}
	for height := range 50 {
		if height%4 == 0 {
			n.world.deposit(uint64(2_000 + height))
		}
		if height == 25 {
			n.restart(3)
		}
		n.block() // all four agree, or it fails
	}
	n.settle()
	n.checkInvariants()
	if one, two := n.query(0, "/bridge/supply", ""), n.query(3, "/bridge/supply", ""); !bytes.Equal(one, two) {
		t.Errorf("supply is %s, and restored %s", one, two)
	}
	if n.shelve(0).manifest.Hash() != n.shelve(3).manifest.Hash() {
		t.Error("the restored node makes other snapshots")
	}

	resp, err := joined.OfferSnapshot(ctx, offer)
	if err != nil || resp.Result != abci.ResponseOfferSnapshot_ABORT {
		t.Errorf("a node with a state is offered one: %v %v", resp, err)
	}
}

func TestBadOffers(t *testing.T) {
	n := newNetwork(t, 1)
	n.block()
	n.block()
	s := n.shelve(0)
	relabel := func(o *abci.RequestOfferSnapshot, bend func(*store.Manifest)) {
		m := s.manifest
		bend(&m)
		hash := m.Hash()
		o.Snapshot.Metadata, o.Snapshot.Hash = m.Encode(), hash[:]
	}
	const reject, liar = abci.ResponseOfferSnapshot_REJECT, abci.ResponseOfferSnapshot_REJECT_SENDER
	for name, c := range map[string]struct {
		bend func(*abci.RequestOfferSnapshot)
		want abci.ResponseOfferSnapshot_Result
		says string
	}{
		"nothing":          {func(o *abci.RequestOfferSnapshot) { o.Snapshot = nil }, reject, "nothing is offered"},
		"unknown format":   {func(o *abci.RequestOfferSnapshot) { o.Snapshot.Format = 2 }, abci.ResponseOfferSnapshot_REJECT_FORMAT, "format 2"},
		"no metadata":      {func(o *abci.RequestOfferSnapshot) { o.Snapshot.Metadata = nil }, liar, "no manifest"},
		"junk metadata":    {func(o *abci.RequestOfferSnapshot) { o.Snapshot.Metadata = []byte("junk") }, liar, "no manifest"},
		"oversized":        {func(o *abci.RequestOfferSnapshot) { o.Snapshot.Metadata = make([]byte, 3<<20) }, liar, "at most"},
		"another hash":     {func(o *abci.RequestOfferSnapshot) { o.Snapshot.Hash = make([]byte, 4_000) }, liar, "it is called"},
		"wrong height":     {func(o *abci.RequestOfferSnapshot) { o.Snapshot.Height++ }, liar, "offered as of height 3"},
		"more chunks":      {func(o *abci.RequestOfferSnapshot) { o.Snapshot.Chunks++ }, liar, "offered with 2 chunks"},
		"another app hash": {func(o *abci.RequestOfferSnapshot) { o.AppHash = make([]byte, 32) }, liar, "the network's is 0000"},
		"no app hash":      {func(o *abci.RequestOfferSnapshot) { o.AppHash = nil }, liar, "the network's is"},
		"foreign network": {func(o *abci.RequestOfferSnapshot) {
			relabel(o, func(m *store.Manifest) { m.ChainID = "another-1" })
		}, liar, `of network \"another-1\"`},
		"its own app hash": {func(o *abci.RequestOfferSnapshot) {
			relabel(o, func(m *store.Manifest) { m.AppHash[0]++ })
		}, liar, "app hash"},
	} {
		t.Run(name, func(t *testing.T) {
			joined, log := n.joiner(newValidator(7))
			offer := n.offer(n.nodes[0])
			c.bend(offer)
			resp, err := joined.OfferSnapshot(ctx, offer)
			if err != nil || resp.Result != c.want || !strings.Contains(log.String(), c.says) {
				t.Errorf("%v %v, log %s", resp, err, log)
			}
			apply, err := joined.ApplySnapshotChunk(ctx, &abci.RequestApplySnapshotChunk{Chunk: s.chunks[0]})
			if err != nil || apply.Result != abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT || joined.Height() != 0 {
				t.Errorf("a chunk after that: %v %v, height %d", apply, err, joined.Height())
			}
		})
	}
}

// A chunk that is wrong is fetched again from somebody else; a snapshot that is
// wrong is dropped as a whole, and another can be restored.
func TestBadChunks(t *testing.T) {
	n := newNetwork(t, 1)
	n.block()
	n.block()
	s := n.shelve(0)
	offer := n.offer(n.nodes[0])
	joined, log := n.joiner(newValidator(7))
	n.accept(joined, offer)
	apply := func(index uint32, chunk []byte) *abci.ResponseApplySnapshotChunk {
		t.Helper()
		resp, err := joined.ApplySnapshotChunk(ctx, &abci.RequestApplySnapshotChunk{Index: index, Chunk: chunk, Sender: "mallory"})
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	resp := apply(0, flip(s.chunks[0]))
	if resp.Result != abci.ResponseApplySnapshotChunk_RETRY || fmt.Sprint(resp.RefetchChunks, resp.RejectSenders) != "[0] [mallory]" {
		t.Errorf("a flipped byte: %v", resp)
	}
	if !strings.Contains(log.String(), "another peer is asked for it") || !strings.Contains(log.String(), "mallory") {
		t.Errorf("log %s", log)
	}

	// A liar's manifest fits his chunk, and claims the network's app hash.
	other := newNetworkOf(t, 5)
	other.block()
	other.block()
	lie := other.shelve(0)
	lie.manifest.AppHash = s.manifest.AppHash
	lying := n.offer(other.nodes[0])
	lying.AppHash = offer.AppHash
	n.accept(joined, lying)
	if resp := apply(0, lie.chunks[0]); resp.Result != abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT {
		t.Errorf("another state: %v", resp)
	}
	if !strings.Contains(log.String(), "discarded a snapshot") || joined.Height() != 0 {
		t.Errorf("height %d, log %s", joined.Height(), log)
	}
	if resp := apply(0, s.chunks[0]); resp.Result != abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT {
		t.Errorf("a chunk without an offer: %v", resp)
	}
	n.accept(joined, offer)
	if resp := apply(1, s.chunks[0]); resp.Result != abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT {
		t.Errorf("a chunk out of order: %v", resp)
	}
	n.accept(joined, offer)
	n.fetch(joined, n.nodes[0], offer.Snapshot)
	if joined.Height() != n.height {
		t.Errorf("height %d", joined.Height())
	}
}

// Before anything is restored a node answers as one without blocks.
func TestWhileRestoring(t *testing.T) {
	n := newNetwork(t, 1)
	n.block()
	n.shelve(0)
	joined, _ := n.joiner(newValidator(7))
	n.accept(joined, n.offer(n.nodes[0]))
	if err := joined.View(func(bridge.Reader, int64) error { return nil }); !errors.Is(err, ErrNoBlock) {
		t.Errorf("view: %v", err)
	}
	if list, err := joined.ListSnapshots(ctx, &abci.RequestListSnapshots{}); err != nil || len(list.Snapshots) != 0 {
		t.Errorf("it offers %v %v", list, err)
	}
}

func TestChunksThatAreNotThere(t *testing.T) {
	n := newNetwork(t, 1)
	n.block()
	s := n.shelve(0)
	load := func(req *abci.RequestLoadSnapshotChunk) []byte {
		t.Helper()
		resp, err := n.nodes[0].LoadSnapshotChunk(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Chunk
	}
	if load(&abci.RequestLoadSnapshotChunk{Height: 1, Format: 1}) == nil {
		t.Error("the chunk is not given")
	}
	for _, req := range []*abci.RequestLoadSnapshotChunk{
		{Height: 1, Format: 2}, {Height: 2, Format: 1}, {Height: 1, Format: 1, Chunk: 9}, {Height: 1 << 63, Format: 1},
	} {
		if load(req) != nil {
			t.Errorf("there is %v", req)
		}
	}
	s.err = errors.New("the disk is gone")
	if load(&abci.RequestLoadSnapshotChunk{Height: 1, Format: 1}) != nil {
		t.Error("a chunk that could not be read is given")
	}
}

// FuzzOfferSnapshot offers anything to a node without a state, with a chunk
// behind it.
func FuzzOfferSnapshot(f *testing.F) {
	n := newNetworkOf(f, 10)
	n.block()
	s := n.shelve(0)
	o := n.offer(n.nodes[0])
	f.Add(o.Snapshot.Height, o.Snapshot.Format, o.Snapshot.Chunks, o.Snapshot.Hash, o.Snapshot.Metadata, s.chunks[0])
	f.Add(uint64(1)<<63, uint32(1), uint32(0), []byte{}, []byte{9}, []byte{})
	f.Fuzz(func(t *testing.T, height uint64, format, chunks uint32, hash, metadata, chunk []byte) {
		inner := &network{t: t, world: n.world}
		joined, log := inner.joiner(newValidator(7))
		offer := &abci.RequestOfferSnapshot{AppHash: o.AppHash, Snapshot: &abci.Snapshot{
			Height: height, Format: format, Chunks: chunks, Hash: hash, Metadata: metadata,
		}}
		if _, err := joined.OfferSnapshot(ctx, offer); err != nil {
			t.Fatal(err)
		}
		if _, err := joined.ApplySnapshotChunk(ctx, &abci.RequestApplySnapshotChunk{Chunk: chunk}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(log.String(), "panic") {
			t.Errorf("log %s", log)
		}
		if joined.Height() != 0 && !bytes.Equal(joined.store.Hash(), o.AppHash) {
			t.Error("another state was restored")
		}
	})
}
