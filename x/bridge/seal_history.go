package bridge

import (
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/sealhistory"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// remember adds a seal to the seal history.
func (a *applier) remember(entry types.SealEntry) {
	h := sealHistory(a.s.View)
	h.Append(entry)
	kept := &pb.SealHistory{Count: h.Count, Last: entryToPB(h.Last)}
	for _, peak := range h.Peaks {
		kept.Peaks = append(kept.Peaks, peak[:]...)
	}
	a.s.SetSealHistory(kept)
}

// sealHistory reads the seal history.
func sealHistory(v state.View) *sealhistory.History {
	kept, h := v.SealHistory(), &sealhistory.History{}
	if kept.Count == 0 {
		v.Seals(0, func(seal *pb.Seal) bool {
			state.Failf("the seal of height %d is in no seal history: another version of this program has made the state", seal.Height)
			return false
		})
		return h
	}
	const hash = len(types.Hash{})
	if len(kept.Peaks) != sealhistory.Levels*hash || len(kept.Last.GetRoot()) != hash {
		state.Failf("seal history of %d seals: %d bytes of peaks, a root of %d", kept.Count, len(kept.Peaks), len(kept.Last.GetRoot()))
	}
	h.Count = kept.Count
	for level := range h.Peaks {
		h.Peaks[level] = types.Hash(kept.Peaks[level*hash:])
	}
	h.Last = types.SealEntry{
		Previous: kept.Last.Previous, Height: kept.Last.Height, Epoch: kept.Last.Epoch, Root: types.Hash(kept.Last.Root),
	}
	return h
}

// accountableSince is the height from which on signers answer for seals: the
// unbonding time back, and further where a contract would still take an older
// one.
func accountableSince(network *pb.Network, chains []*pb.Chain, height uint64) uint64 {
	since := height - min(height, network.Params.UnbondingBlocks)
	for _, chain := range chains {
		if chain.Refused == "" {
			since = min(since, chain.ExecutedSeal)
		}
	}
	return since
}

// sealedAt is the entry that says what was sealed at a height, by what the state
// keeps or else by a witness. It is the zero entry for heights above the last
// seal, where there is none.
func sealedAt(v state.View, height uint64, w *types.SealWitness) (types.SealEntry, error) {
	h := sealHistory(v)
	if entry, known := knownAt(v, h, height); known {
		return entry, nil
	}
	switch {
	case w == nil:
		return types.SealEntry{}, refuse(ErrReport, "the seals around height %d are pruned: bring a witness", height)
	case !covers(w.Entry, height):
		return types.SealEntry{}, refuse(ErrReport, "the witness is about heights above %d to %d, not about %d",
			w.Entry.Previous, w.Entry.Height, height)
	case !h.Holds(*w):
		return types.SealEntry{}, refuse(ErrReport, "the witness is not in the history of %d seals: if it was, make it again", h.Count)
	}
	return w.Entry, nil
}

// knownAt is sealedAt by what the state keeps.
func knownAt(v state.View, h *sealhistory.History, height uint64) (entry types.SealEntry, known bool) {
	if height > h.Last.Height {
		return entry, true
	}
	if covers(h.Last, height) {
		return h.Last, true
	}
	if seal := v.Seal(height); seal != nil {
		return types.SealEntry{Height: seal.Height, Epoch: seal.Epoch, Root: types.Hash(seal.Root)}, true
	}
	return entry, false
}

func covers(e types.SealEntry, height uint64) bool { return e.Previous < height && height <= e.Height }

// SealHistory is what the state holds of all seals ever made.
func (m *Machine) SealHistory(r Reader) (h *sealhistory.History, err error) {
	defer state.Catch(&err)
	return sealHistory(state.NewView(r)), nil
}

// AccountableSince is the height from which on signers answer for seals, in the
// block after the state of a height.
func (m *Machine) AccountableSince(r Reader, height int64) (since uint64, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	return accountableSince(v.Network(), v.Chains(), uint64(height)+1), nil //nolint:gosec // heights are positive
}

// NeedsWitness says whether a report about a height has to bring a witness: the
// state does not know any more what was sealed there.
func (m *Machine) NeedsWitness(r Reader, height uint64) (needed bool, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	_, known := knownAt(v, sealHistory(v), height)
	return !known, nil
}

func entryToPB(e types.SealEntry) *pb.SealEntry {
	return &pb.SealEntry{Previous: e.Previous, Height: e.Height, Epoch: e.Epoch, Root: e.Root[:]}
}

func witnessToPB(w *types.SealWitness) *pb.SealWitness {
	if w == nil {
		return nil
	}
	m := &pb.SealWitness{Entry: entryToPB(w.Entry), Position: w.Position}
	for _, node := range w.Path {
		m.Path = append(m.Path, node[:])
	}
	return m
}

// witness reads a witness. It is total.
func (f *fields) witness(m *pb.SealWitness) *types.SealWitness {
	if m == nil {
		return nil
	}
	w := &types.SealWitness{Position: m.GetPosition(), Path: []types.Hash{}, Entry: types.SealEntry{
		Previous: m.GetEntry().GetPrevious(), Height: m.GetEntry().GetHeight(), Epoch: m.GetEntry().GetEpoch(),
		Root: f.hash(m.GetEntry().GetRoot()),
	}}
	for _, node := range m.GetPath() {
		w.Path = append(w.Path, f.hash(node))
	}
	return w
}
