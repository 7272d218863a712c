package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// listed is a chain whose inbox is a list, of which one event comes at a time.
type listed struct {
	chain.Source
	events []types.Event
}

func (l listed) mark(nonce uint64) types.Mark {
	return types.Mark{Nonce: nonce, Hash: types.Hash{0xaa, byte(nonce)}}
}

// At implements chain.Source.
func (l listed) At(_ context.Context, nonce uint64, _ types.Mark) (types.Mark, error) {
	return l.mark(nonce), nil
}

// Read implements chain.Source.
func (l listed) Read(_ context.Context, from, _ types.Mark, _ chain.ReadOptions) (chain.Batch, error) {
	e := types.InboxEvent{Nonce: from.Nonce + 1, Event: l.events[from.Nonce]}
	return chain.Batch{Events: []types.InboxEvent{e}, Last: l.mark(from.Nonce + 1)}, nil
}

// What failed of commands whose receipts are never applied is named, by its place
// in the whole command, and nothing else.
func TestSkippedCommands(t *testing.T) {
	source := listed{events: []types.Event{
		types.Executed{OutboxNonce: 1, Count: 1, Failures: []byte{1}}, // common
		types.Executed{OutboxNonce: 2, Count: 1, Failures: []byte{1}}, // in the books already
		types.Deposited{},
		types.Executed{OutboxNonce: 3, Count: 9},
		types.Executed{OutboxNonce: 4, Count: 7, Failures: []byte{0b1000010}},
		types.Executed{OutboxNonce: 4, First: 7, Count: 10, Failures: []byte{0b101, 0b10}},
	}}
	connected := bridge.ChainState{Cursor: 4, CursorHash: types.Hash{1}, Executed: 2, Chain: types.Chain{Label: "alpha"}}
	got, err := skippedCommands(t.Context(), nil, source, connected, 1, source.mark(6))
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{0b11000010, 0b10, 1} // items 1, 6, 7, 9 and 16
	if len(got) != 1 || got[0].Nonce != 4 || string(got[0].Failures) != string(want) {
		t.Errorf("skipped %+v, want %b of command 4", got, want)
	}
}

// A common event that is none is refused, with what to say instead.
func TestCommonEvent(t *testing.T) {
	source := listed{}
	for name, c := range map[string]struct {
		common, cursor, end uint64
		hash                types.Hash
		want                string
	}{
		"beyond the cursor":         {common: 5, cursor: 4, end: 9, want: "has applied 4 events"},
		"beyond the chain":          {common: 4, cursor: 4, end: 3, want: "ends at event 3"},
		"another history":           {common: 4, cursor: 4, end: 9, want: "another history"},
		"too low":                   {common: 3, cursor: 4, end: 9, hash: source.mark(4).Hash, want: "say --common 4"},
		"the cursor, which is true": {common: 4, cursor: 4, end: 9, hash: source.mark(4).Hash},
		"lower, and the rest is not": {
			common: 3, cursor: 4, end: 9,
		},
		"lower, and the chain is shorter": {common: 3, cursor: 4, end: 3},
	} {
		connected := bridge.ChainState{Cursor: c.cursor, CursorHash: c.hash, Paused: bridge.PauseContradicted, Chain: types.Chain{Label: "alpha"}}
		mark, err := commonMark(t.Context(), nil, source, connected, c.common, source.mark(c.end))
		if c.want == "" && (err != nil || mark.Nonce != c.common) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %+v, %v", name, mark, err)
		}
	}
}
