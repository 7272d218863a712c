package mailbox

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const one, two = types.ChainID(1), types.ChainID(2)

func event(nonce uint64) types.InboxEvent {
	return types.InboxEvent{Nonce: nonce, Block: nonce / 3, Event: types.Unstaked{Amount: types.NewAmount(nonce)}}
}

func span(first, last uint64) (events []types.InboxEvent) {
	for n := first; n <= last; n++ {
		events = append(events, event(n))
	}
	return events
}

func mark(nonce uint64) types.Mark {
	return types.Mark{Nonce: nonce, Hash: types.Hash{31: byte(nonce), 30: byte(nonce >> 8), 0: 1}, Block: nonce / 3}
}

func cursor(id types.ChainID, nonce uint64) bridge.ChainState {
	return bridge.ChainState{Chain: types.Chain{ID: id}, Cursor: nonce}
}

func signature(b byte) (s [types.SignatureBytes]byte) {
	s[0] = b
	return s
}

func isChanged(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestPendingRepeatsUntilCommitted(t *testing.T) {
	b := New()
	changed := b.Changed()
	if err := b.Add(one, News{Events: span(1, 6), Marks: []types.Mark{mark(2), mark(6)}, Head: 9}); err != nil {
		t.Fatal(err)
	}
	b.AddSignature(types.SealSignature{Height: 5, Signature: signature(1)})
	if !isChanged(changed) || isChanged(b.Changed()) {
		t.Error("a change closes the channel of before, and not the one after")
	}
	for range 2 {
		p := b.Pending()
		if len(p.Chains) != 1 || p.Chains[0].Head != 9 || len(p.Chains[0].Marks) != 2 || len(p.Signatures) != 1 {
			t.Fatalf("pending is %+v", p)
		}
	}
	b.Committed(6, []bridge.ChainState{cursor(one, 2)}, []bridge.SealState{{Height: 5}})
	p := b.Pending()
	if marks := p.Chains[0].Marks; len(marks) != 1 || marks[0].Nonce != 6 || len(p.Signatures) != 1 {
		t.Errorf("pending after the cursor moved to 2 is %+v", p)
	}
	b.Committed(7, []bridge.ChainState{cursor(one, 6)}, nil)
	if p := b.Pending(); len(p.Chains[0].Marks) != 0 || len(p.Signatures) != 0 || b.Held(one) != 0 {
		t.Errorf("pending after all was committed is %+v", p)
	}
}

func TestEventsBelongTogether(t *testing.T) {
	b := New()
	for _, news := range []News{{Events: span(3, 5)}, {Events: span(4, 8)}, {Events: span(4, 6)}} {
		if err := b.Add(one, news); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		after, last uint64
		want        []uint64
	}{
		{2, 8, []uint64{3, 4, 5, 6, 7, 8}},
		{2, 4, []uint64{3, 4}},
		{7, 100, []uint64{8}},
		{8, 9, nil},
		{0, 8, nil}, // events 1 and 2 are missing
		{5, 5, nil},
		{5, 2, nil},
		{^uint64(0), ^uint64(0), nil},
		{^uint64(0) - 1, ^uint64(0), nil},
	} {
		var got []uint64
		for _, e := range b.Events(one, c.after, c.last) {
			amount := e.(types.Unstaked).Amount.Bytes()
			got = append(got, uint64(amount[0]))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("events after %d up to %d: got %v, want %v", c.after, c.last, got, c.want)
		}
	}
	if b.Events(two, 0, 9) != nil {
		t.Error("events of a chain that nobody told of")
	}
	for name, events := range map[string][]types.InboxEvent{"later": span(10, 11), "with a gap": {event(9), event(11)}} {
		if err := b.Add(one, News{Events: events}); !errors.Is(err, ErrGap) {
			t.Errorf("events %s: got %v, want ErrGap", name, err)
		}
	}
	b.Reset(one)
	if err := b.Add(one, News{Events: span(20, 21)}); err != nil || b.Held(one) != 2 {
		t.Errorf("after a reset: %v, %d held", err, b.Held(one))
	}
}

func TestSignaturesOfASeal(t *testing.T) {
	b := New()
	b.AddSignature(types.SealSignature{Height: 7, Signature: signature(1)})
	vote := func(height uint64, s byte) bridge.Vote {
		return bridge.Vote{Signatures: []types.SealSignature{{Height: height, Signature: signature(s)}}}
	}
	b.Observe(8, types.ValidatorID{1}, vote(7, 1)) // our own, told again
	b.Observe(8, types.ValidatorID{2}, vote(7, 2))
	changed := b.Changed()
	b.Observe(9, types.ValidatorID{2}, vote(7, 2))
	b.Observe(9, types.ValidatorID{2}, vote(7, 9)) // the first one stays
	b.AddSignature(types.SealSignature{Height: 7, Signature: signature(1)})
	if isChanged(changed) {
		t.Error("repetitions are no change")
	}
	if got := b.Signatures(7); !slices.Equal(got, [][64]byte{signature(1), signature(2)}) {
		t.Errorf("signatures are %v", got)
	}
	b.Committed(7, nil, nil)
	if len(b.Signatures(7)) != 2 {
		t.Error("the seal of the committed height is open still")
	}
	b.Committed(8, nil, nil)
	if len(b.Signatures(7)) != 0 {
		t.Error("the seal is finished")
	}
}

func TestSealsAreBounded(t *testing.T) {
	b := New()
	for i := range uint64(maxSeals + 10) {
		b.AddSignature(types.SealSignature{Height: i})
		b.Observe(1, types.ValidatorID{1}, bridge.Vote{Signatures: []types.SealSignature{{Height: i}}})
	}
	if len(b.own) != maxSeals || len(b.heard) != maxSeals {
		t.Errorf("%d and %d seals held", len(b.own), len(b.heard))
	}
}

// TestModel compares the box with a map of all that was put in.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := New()
		var agreed, told uint64 // cursor; last event added
		marks := map[uint64]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				back := rapid.Uint64Range(0, 3).Draw(t, "overlap")
				first := max(told-min(told, back), agreed) + 1
				last := told + rapid.Uint64Range(0, 9).Draw(t, "more")
				news := News{Events: span(first, last), Head: last}
				for n := first; n <= last; n++ {
					if n%3 == 0 {
						news.Marks = append(news.Marks, mark(n))
						marks[n] = true
					}
				}
				if err := b.Add(one, news); err != nil {
					t.Fatal(err)
				}
				told = max(told, last)
			},
			"gap": func(t *rapid.T) {
				if b.Held(one) == 0 {
					t.Skip("an empty box takes any event")
				}
				first := told + 2 + rapid.Uint64Range(0, 5).Draw(t, "gap")
				if err := b.Add(one, News{Events: span(first, first)}); !errors.Is(err, ErrGap) {
					t.Fatalf("event %d after %d: %v", first, told, err)
				}
			},
			"commit": func(t *rapid.T) {
				agreed += rapid.Uint64Range(0, 12).Draw(t, "by")
				told = max(told, agreed) // the network may be ahead of this validator
				b.Committed(agreed, []bridge.ChainState{cursor(one, agreed)}, nil)
			},
			"reset": func(*rapid.T) {
				b.Reset(one)
				told = agreed
				clear(marks)
			},
			"": func(t *rapid.T) { compareWithModel(t, b, agreed, told, marks) },
		})
	})
}

func compareWithModel(t *rapid.T, b *Box, agreed, told uint64, marks map[uint64]bool) {
	if held := uint64(b.Held(one)); held != told-agreed && held != 0 {
		t.Fatalf("%d events held, the cursor is %d, the last %d", held, agreed, told)
	}
	for i, e := range b.Events(one, agreed, told) {
		if got := e.(types.Unstaked).Amount; got != types.NewAmount(agreed+1+uint64(i)) {
			t.Fatalf("event %d is %s", agreed+1+uint64(i), got)
		}
	}
	var want, got []uint64
	for n := agreed + 1; n <= told && len(want) < pendingMarks; n++ {
		if marks[n] {
			want = append(want, n)
		}
	}
	for _, c := range b.Pending().Chains {
		for _, m := range c.Marks {
			got = append(got, m.Nonce)
		}
	}
	if !slices.Equal(want, got) {
		t.Fatalf("marks pending %v, want %v", got, want)
	}
}

func TestConcurrentUse(t *testing.T) {
	b := New()
	var wg sync.WaitGroup
	for id := range types.ChainID(4) {
		wg.Go(func() {
			for n := uint64(1); n <= 200; n++ {
				if err := b.Add(id+1, News{Events: span(n, n), Marks: []types.Mark{mark(n)}, Head: n}); err != nil {
					t.Error(err)
				}
				b.Committed(n, []bridge.ChainState{cursor(id+1, n-min(n, 10))}, nil)
			}
		})
		wg.Go(func() {
			for n := range uint64(200) {
				<-b.Changed()
				b.Pending()
				b.Events(id+1, n, n+5)
				b.Observe(1, types.ValidatorID{byte(id)}, bridge.Vote{Signatures: []types.SealSignature{{Height: n + 1}}})
				b.Signatures(n)
			}
		})
	}
	stop := make(chan struct{})
	ticker := make(chan struct{})
	go func() {
		defer close(ticker)
		for i := uint64(0); ; i++ { // whoever waits for a change gets one
			select {
			case <-stop:
				return
			default:
				b.AddSignature(types.SealSignature{Height: i % 100, Signature: signature(byte(i))})
			}
		}
	}()
	wg.Wait()
	close(stop)
	<-ticker
}
