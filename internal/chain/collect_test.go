package chain

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

var seed = types.Hash{1}

// inbox makes a block for each number, with so many events.
func inbox(sizes ...int) (blocks [][]Logged) {
	at := types.Mark{Hash: seed}
	for number, size := range sizes {
		events := []Logged{}
		for range size {
			at.Nonce++
			event := types.Unstaked{Amount: types.NewAmount(at.Nonce)}
			at.Hash = evmsig.Accumulate(at.Hash, evmsig.InboxLeaf(at.Nonce, event))
			events = append(events, Logged{types.InboxEvent{Nonce: at.Nonce, Block: uint64(number), Event: event}, at.Hash})
		}
		blocks = append(blocks, events)
	}
	return blocks
}

func end(blocks [][]Logged) types.Mark {
	to := types.Mark{Hash: seed}
	for _, events := range blocks {
		for _, e := range events {
			to.Nonce, to.Hash = e.Nonce, e.Hash
		}
	}
	to.Block = uint64(len(blocks) - 1)
	return to
}

// collect reads block by block.
func collect(blocks [][]Logged, from, to types.Mark, o ReadOptions) (Batch, error) {
	c := NewCollector(from, to, o)
	for number := from.Block; number <= to.Block && !c.Done(); number++ {
		events, err := c.Verify(blocks[number])
		if err != nil {
			return Batch{}, err
		}
		c.Add(events)
	}
	return c.Finish()
}

// TestCollectorModel reads random inboxes in random pieces: the marks are always
// those at blocks' ends and at the stride, and every proven mark ahead serves
// as an end.
func TestCollectorModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blocks := inbox(rapid.SliceOfN(rapid.IntRange(0, 40), 1, 12).Draw(t, "sizes")...)
		const stride = 16
		var want, got []types.Mark
		var all, read []types.InboxEvent
		for _, events := range blocks {
			for i, e := range events {
				all = append(all, e.InboxEvent)
				if i == len(events)-1 || e.Nonce%stride == 0 {
					want = append(want, types.Mark{Nonce: e.Nonce, Hash: e.Hash, Block: e.Block})
				}
			}
		}
		to, at := end(blocks), types.Mark{Hash: seed}
		for at.Nonce < to.Nonce {
			o := ReadOptions{MarkStride: stride, MaxEvents: rapid.IntRange(1, 50).Draw(t, "most")}
			batch, err := collect(blocks, at, to, o)
			if err != nil {
				t.Fatal(err)
			}
			if len(batch.Events) > o.MaxEvents || batch.Last.Nonce != at.Nonce+uint64(len(batch.Events)) {
				t.Fatalf("%d events up to %d, at most %d after %d", len(batch.Events), batch.Last.Nonce, o.MaxEvents, at.Nonce)
			}
			if (batch.Last.Nonce == to.Nonce) != (len(batch.Ahead) == 0) {
				t.Fatalf("read to %d of %d, and ahead lies %v", batch.Last.Nonce, to.Nonce, batch.Ahead)
			}
			for _, ahead := range batch.Ahead {
				if _, err := collect(blocks, batch.Last, ahead, o); err != nil {
					t.Fatalf("to the proven mark %d: %v", ahead.Nonce, err)
				}
			}
			read, got, at = append(read, batch.Events...), append(got, batch.Marks...), batch.Last
		}
		if !slices.Equal(read, all) || !slices.Equal(got, want) {
			t.Fatalf("marks %v, want %v", got, want)
		}
	})
}

// TestCollectorAhead has more events than lie between two marks ahead.
func TestCollectorAhead(t *testing.T) {
	sizes := make([]int, 100)
	for i := range sizes {
		sizes[i] = 200
	}
	blocks := inbox(sizes...)
	to := end(blocks)
	batch, err := collect(blocks, types.Mark{Hash: seed}, to, ReadOptions{MarkStride: 128, MaxEvents: 10})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(batch.Ahead); n != 6 || batch.Ahead[n-1] != to {
		t.Fatalf("ahead lie %v", batch.Ahead)
	}
	for i := range batch.Ahead[1:5] {
		if batch.Ahead[i+1].Nonce-batch.Ahead[i].Nonce < aheadStride {
			t.Errorf("ahead lie %v", batch.Ahead)
		}
	}
}

func TestCollectorRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		bend  func(blocks [][]Logged)
		to    func(*types.Mark)
		check Check
	}{
		"a gap":                 {bend: func(b [][]Logged) { b[1] = b[1][1:] }, check: CheckHidden},
		"a hidden block":        {bend: func(b [][]Logged) { b[2] = nil }, check: CheckHidden},
		"another event":         {bend: func(b [][]Logged) { b[1][0].Event = types.Unstaked{} }, check: CheckAccumulator},
		"another hash":          {bend: func(b [][]Logged) { b[1][0].Hash[0]++ }, check: CheckAccumulator},
		"no event at all":       {bend: func(b [][]Logged) { b[1][0].Event = nil }, check: CheckAccumulator},
		"a block that descends": {bend: func(b [][]Logged) { b[2][0].Block = 0 }, check: CheckLog},
		"another end":           {to: func(m *types.Mark) { m.Hash[0]++ }, check: CheckAccumulator},
		"more than is proven":   {to: func(m *types.Mark) { m.Nonce-- }, check: CheckLog},
		"less than is proven":   {to: func(m *types.Mark) { m.Nonce++ }, check: CheckHidden},
	} {
		blocks := inbox(0, 3, 3, 1)
		to := end(blocks)
		to.Block++ // read beyond the last event
		blocks = append(blocks, nil)
		if c.bend != nil {
			c.bend(blocks)
		}
		if c.to != nil {
			c.to(&to)
		}
		events := slices.Concat(blocks...) // as one answer
		collector := NewCollector(types.Mark{Hash: seed}, to, ReadOptions{MaxEvents: 100})
		got, err := collector.Verify(events)
		if err == nil {
			collector.Add(got)
			_, err = collector.Finish()
		}
		if err == nil || CheckOf(err) != c.check {
			t.Errorf("%s: got %v, want check %q", name, err, c.check)
		}
	}
}

func TestSeverity(t *testing.T) {
	plain := errors.New("plain")
	halt := fmt.Errorf("round: %w", &Error{Check: CheckCursor, Severity: Halt, Err: plain})
	if SeverityOf(plain) != Retry || CheckOf(plain) != CheckTransport || SeverityOf(nil) != Retry {
		t.Error("an error of unknown kind asks to retry")
	}
	if SeverityOf(halt) != Halt || CheckOf(halt) != CheckCursor || !errors.Is(halt, plain) {
		t.Errorf("%v: %s, %s", halt, SeverityOf(halt), CheckOf(halt))
	}
	for severity, text := range map[Severity]string{Retry: "retry", Rewind: "rewind", Halt: "halt"} {
		if severity.String() != text {
			t.Errorf("severity %d is %q", severity, severity)
		}
	}
}
