package snapshot

import (
	"context"
	"log/slog"
	"time"

	"github.com/icrosschain/bridged/app/store"
)

// Maker makes a snapshot every interval heights, beside consensus. One that is
// due while the last is still being made is left out.
type Maker struct {
	archive  *Archive
	interval int64
	chainID  string
	log      *slog.Logger
	due      chan *store.Snapshot
}

// NewMaker makes a Maker; interval is above 0.
func NewMaker(archive *Archive, interval int64, chainID string, log *slog.Logger) *Maker {
	return &Maker{archive: archive, interval: interval, chainID: chainID, log: log.With("component", "snapshot"), due: make(chan *store.Snapshot, 1)}
}

// Committed hears of a new height and, if a snapshot is due, keeps its version,
// which latest gives. It never waits.
func (m *Maker) Committed(height int64, latest func() *store.Snapshot) {
	if height%m.interval != 0 {
		return
	}
	state := latest()
	select {
	case m.due <- state:
	default:
		state.Release()
		m.log.Warn("left out a snapshot: the last one is not done yet", "height", height)
	}
}

// Run makes what is due until ctx ends. A snapshot that cannot be made is no
// reason for a node to stop.
func (m *Maker) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case state := <-m.due:
			m.make(ctx, state)
		}
	}
}

func (m *Maker) make(ctx context.Context, state *store.Snapshot) {
	defer state.Release()
	start := time.Now()
	made, err := m.archive.Make(ctx, state, m.chainID)
	switch {
	case err != nil && ctx.Err() == nil:
		m.log.Error("no snapshot was made; peers cannot join by this one", "height", state.Version(), "err", err)
	case err == nil:
		m.log.Info("made a snapshot", "height", made.Height, "chunks", len(made.Chunks), "milliseconds", time.Since(start).Milliseconds())
	}
}
