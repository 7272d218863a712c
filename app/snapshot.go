package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/app/store"
)

// Snapshots is where snapshots of the state are kept for peers that join. Its
// methods may read files: they are called beside consensus.
type Snapshots interface {
	// List names all snapshots that are whole.
	List() []store.Manifest
	// Chunk is one chunk, nil if it is not there (any more). Whoever gets it
	// checks it.
	Chunk(height int64, index uint32) ([]byte, error)
}

// ListSnapshots tells peers what this node can give them.
func (a *App) ListSnapshots(context.Context, *abci.RequestListSnapshots) (resp *abci.ResponseListSnapshots, _ error) {
	resp = &abci.ResponseListSnapshots{}
	if a.snapshots == nil {
		return resp, nil
	}
	defer a.survive("ListSnapshots", 0)
	for _, m := range a.snapshots.List() {
		hash := m.Hash()
		resp.Snapshots = append(resp.Snapshots, &abci.Snapshot{
			Height: uint64(m.Height), Format: store.SnapshotFormat, Chunks: uint32(len(m.Chunks)), Hash: hash[:], Metadata: m.Encode(),
		})
	}
	return resp, nil
}

// LoadSnapshotChunk gives a peer a chunk, or nothing.
func (a *App) LoadSnapshotChunk(_ context.Context, req *abci.RequestLoadSnapshotChunk) (resp *abci.ResponseLoadSnapshotChunk, _ error) {
	resp = &abci.ResponseLoadSnapshotChunk{}
	if a.snapshots == nil || req.Format != store.SnapshotFormat || req.Height > uint64(a.store.Version()) {
		return resp, nil
	}
	defer a.survive("LoadSnapshotChunk", int64(req.Height))
	chunk, err := a.snapshots.Chunk(int64(req.Height), req.Chunk)
	if err != nil {
		a.log.Warn("a chunk of a snapshot cannot be read; peers get it from others", "height", req.Height, "chunk", req.Chunk, "err", err)
		return resp, nil
	}
	resp.Chunk = chunk
	return resp, nil
}

// OfferSnapshot begins to restore a peer's snapshot if it is of this network and
// has the app hash that the light client verified. CometBFT offers one after the
// other, while it has no block; a restore that did not come to its end is
// forgotten.
func (a *App) OfferSnapshot(_ context.Context, req *abci.RequestOfferSnapshot) (resp *abci.ResponseOfferSnapshot, _ error) {
	resp = &abci.ResponseOfferSnapshot{Result: abci.ResponseOfferSnapshot_REJECT}
	defer a.survive("OfferSnapshot", 0)
	a.dropRestore()
	if version := a.store.Version(); version != 0 {
		a.log.Error("a snapshot was offered, but this node has a state", "height", version)
		resp.Result = abci.ResponseOfferSnapshot_ABORT
		return resp, nil
	}
	manifest, result, err := readOffer(req, a.network)
	if err == nil {
		a.restore, err = store.NewRestore(manifest)
	}
	resp.Result = result
	if err != nil {
		a.log.Warn("refused a snapshot", "height", req.GetSnapshot().GetHeight(), "result", result.String(), "err", err)
		return resp, nil
	}
	a.log.Info("restoring a snapshot", "height", manifest.Height, "chunks", len(manifest.Chunks), "app_hash", fmt.Sprintf("%X", manifest.AppHash))
	return resp, nil
}

// readOffer checks an offer. A peer that offers what no honest one has is not
// to be asked again.
func readOffer(req *abci.RequestOfferSnapshot, network string) (store.Manifest, abci.ResponseOfferSnapshot_Result, error) {
	const liar, accept = abci.ResponseOfferSnapshot_REJECT_SENDER, abci.ResponseOfferSnapshot_ACCEPT
	s := req.Snapshot
	if s == nil {
		return store.Manifest{}, abci.ResponseOfferSnapshot_REJECT, errors.New("nothing is offered")
	}
	if s.Format != store.SnapshotFormat {
		return store.Manifest{}, abci.ResponseOfferSnapshot_REJECT_FORMAT, fmt.Errorf("format %d, this program knows %d", s.Format, store.SnapshotFormat)
	}
	m, err := store.DecodeManifest(s.Metadata)
	if err != nil {
		return m, liar, err
	}
	switch hash := m.Hash(); {
	case !bytes.Equal(s.Hash, hash[:]):
		return m, liar, fmt.Errorf("it is called %.64X, its manifest has hash %X", s.Hash, hash)
	case m.ChainID != network:
		return m, liar, fmt.Errorf("it is of network %q, this is %q", m.ChainID, network)
	case uint64(m.Height) != s.Height:
		return m, liar, fmt.Errorf("it is offered as of height %d, its manifest says %d", s.Height, m.Height)
	case uint64(len(m.Chunks)) != uint64(s.Chunks):
		return m, liar, fmt.Errorf("it is offered with %d chunks, its manifest names %d", s.Chunks, len(m.Chunks))
	case !bytes.Equal(m.AppHash[:], req.AppHash):
		return m, liar, fmt.Errorf("it is said to have app hash %X, the network's is %X", m.AppHash, req.AppHash)
	}
	return m, accept, nil
}

// ApplySnapshotChunk takes the next chunk of the snapshot that was accepted.
// With the last one the state is there, or the snapshot is forgotten. An error
// says that this node cannot store it.
func (a *App) ApplySnapshotChunk(_ context.Context, req *abci.RequestApplySnapshotChunk) (resp *abci.ResponseApplySnapshotChunk, _ error) {
	resp = &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT}
	defer a.survive("ApplySnapshotChunk", 0)
	if a.restore == nil || int(req.Index) != a.restore.Next() {
		a.log.Error("a chunk came that no restore waits for", "chunk", req.Index)
		a.dropRestore()
		return resp, nil
	}
	manifest := a.restore.Manifest()
	err := a.restore.Add(req.Chunk)
	if errors.Is(err, store.ErrChunk) {
		a.log.Warn("refused a chunk; another peer is asked for it", "height", manifest.Height, "chunk", req.Index, "peer", req.Sender, "err", err)
		resp.Result, resp.RefetchChunks = abci.ResponseApplySnapshotChunk_RETRY, []uint32{req.Index}
		if req.Sender != "" {
			resp.RejectSenders = []string{req.Sender}
		}
		return resp, nil
	}
	last := a.restore.Next() == len(manifest.Chunks)
	if err == nil && last {
		err = a.restore.Finish()
	}
	if err != nil {
		a.log.Warn("discarded a snapshot; another is tried", "height", manifest.Height, "chunk", req.Index, "err", err)
		a.dropRestore()
		return resp, nil
	}
	if last {
		if err := a.adopt(); err != nil {
			return nil, fmt.Errorf("restore the state of height %d: %w", manifest.Height, err)
		}
	}
	resp.Result = abci.ResponseApplySnapshotChunk_ACCEPT
	return resp, nil
}

// adopt makes the restored state this node's, as if it had executed all blocks.
func (a *App) adopt() error {
	defer a.dropRestore()
	if err := a.store.Adopt(a.restore); err != nil {
		return err
	}
	a.applied, a.genesis = 0, nil
	if err := a.load(); err != nil {
		return err
	}
	if id := a.chainID.Load(); *id != a.network {
		return fmt.Errorf("the state is of network %q, this is %q", *id, a.network)
	}
	a.log.Info("restored the state from a snapshot", "height", a.store.Version(), "app_hash", fmt.Sprintf("%X", a.store.Hash()))
	return nil
}

func (a *App) dropRestore() {
	if a.restore != nil {
		a.restore.Close()
		a.restore = nil
	}
}
