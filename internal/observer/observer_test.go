package observer

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/chain/fake"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const stride = 16

// world is one chain, its observer, and a network that agrees when told to.
type world struct {
	t        *testing.T
	chain    *fake.Chain
	box      *mailbox.Box
	observer *Observer
	log      strings.Builder
	evidence string

	mu    sync.Mutex
	state bridge.ChainState
	err   error
}

// Chain implements State.
func (w *world) Chain(types.ChainID) (bridge.ChainState, types.Params, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	params := types.DefaultParams()
	params.MarkStride = stride
	return w.state, params, w.err
}

// agree moves the cursor to one of the pending marks, or to its hash if forged.
func (w *world) agree(m types.Mark) {
	w.mu.Lock()
	w.state.Cursor, w.state.CursorHash, w.state.CursorBlock = m.Nonce, m.Hash, m.Block
	state := w.state
	w.mu.Unlock()
	w.box.Committed(1, []bridge.ChainState{state}, nil)
}

func (w *world) marks() []types.Mark {
	for _, c := range w.box.Pending().Chains {
		if c.Chain == w.chain.ID() {
			return c.Marks
		}
	}
	return nil
}

func (w *world) head() uint64 {
	for _, c := range w.box.Pending().Chains {
		if c.Chain == w.chain.ID() {
			return c.Head
		}
	}
	return 0
}

func newWorld(t *testing.T, id types.ChainID, box *mailbox.Box, maxEvents int) *world {
	w := &world{t: t, chain: fake.New(id, types.Hash{1}), box: box, evidence: filepath.Join(t.TempDir(), "evidence")}
	w.state = bridge.ChainState{Chain: types.Chain{ID: id}, CursorHash: w.chain.Seed()}
	w.restart()
	w.observer.cfg.MaxEvents = cmp.Or(maxEvents, w.observer.cfg.MaxEvents)
	return w
}

// restart replaces the observer by one that remembers nothing.
func (w *world) restart() {
	o, err := New(Config{
		Chain: w.chain.ID(), Label: "chain-" + w.chain.ID().String(), Source: w.chain.NewSource(), State: w, Mailbox: w.box,
		Logger: slog.New(slog.NewTextHandler(&w.log, nil)), EvidenceDir: w.evidence,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.observer = o
}

// inBubble runs observers until the test is over, on a clock of their own.
func inBubble(t *testing.T, worlds func(*testing.T) []*world, test func([]*world)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		all := worlds(t)
		for _, w := range all {
			wg.Go(func() {
				if err := w.observer.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		test(all)
		cancel()
		wg.Wait()
	})
}

func one(t *testing.T, maxEvents int, test func(*world)) {
	inBubble(t, func(t *testing.T) []*world { return []*world{newWorld(t, 1, mailbox.New(), maxEvents)} },
		func(all []*world) { test(all[0]) })
}

// settle lets a round or two go by.
func settle() {
	time.Sleep(3 * time.Second)
	synctest.Wait()
}

func nonces(marks []types.Mark) (n []uint64) {
	for _, m := range marks {
		n = append(n, m.Nonce)
	}
	return n
}

func TestObservesWhatIsFinal(t *testing.T) {
	one(t, 0, func(w *world) {
		w.chain.SetLag(3)
		for i := range uint64(20) {
			w.chain.Deposit(i + 1)
		}
		w.chain.Mine(3) // deposits in block 1, final is block 0
		settle()
		if w.box.Held(1) != 0 {
			t.Fatal("events that are not final were taken")
		}
		w.chain.Mine(1)
		settle()
		if got := nonces(w.marks()); !slices.Equal(got, []uint64{16, 20}) || w.head() != 1 {
			t.Fatalf("marks at %v, head %d; want the stride's and the block's end, head 1", got, w.head())
		}
		w.agree(w.marks()[1])
		w.chain.Deposit(1)
		w.chain.Mine(5)
		settle()
		if got := nonces(w.marks()); !slices.Equal(got, []uint64{21}) || w.head() != 6 {
			t.Fatalf("marks at %v, head %d", got, w.head())
		}
		if s := w.observer.Status(); s.Lag() != 1 || s.Tip != 21 || s.Cursor != 20 || s.Error != "" || s.Head != 6 {
			t.Errorf("status %+v", s)
		}
	})
}

func TestTroubleIsNoVoteAndEnds(t *testing.T) {
	for name, c := range map[string]struct {
		begin, end func(*fake.Chain)
		check      chain.Check
	}{
		"down":     {func(c *fake.Chain) { c.Fail(errors.New("connection refused")) }, func(c *fake.Chain) { c.Fail(nil) }, chain.CheckTransport},
		"panic":    {func(c *fake.Chain) { c.Panic(true) }, func(c *fake.Chain) { c.Panic(false) }, chain.CheckTransport},
		"hidden":   {func(c *fake.Chain) { c.Tell(fake.Lie{Hide: 3}) }, truth, chain.CheckHidden},
		"last one": {func(c *fake.Chain) { c.Tell(fake.Lie{Hide: 4}) }, truth, chain.CheckHidden},
		"altered":  {func(c *fake.Chain) { c.Tell(fake.Lie{Alter: 3}) }, truth, chain.CheckAccumulator},
		"forged":   {func(c *fake.Chain) { c.Tell(fake.Lie{Forge: 3}) }, truth, chain.CheckAccumulator},
		"behind":   {func(c *fake.Chain) { c.Tell(fake.Lie{Behind: 5}) }, truth, chain.CheckStale},
	} {
		t.Run(name, func(t *testing.T) {
			one(t, 0, func(w *world) {
				w.chain.Deposit(1)
				w.chain.Deposit(2)
				w.chain.Mine(2)
				settle()
				before := w.marks()
				c.begin(w.chain)
				w.chain.Deposit(3)
				w.chain.Mine(1)
				w.chain.Deposit(4)
				w.chain.Mine(1)
				settle()
				s := w.observer.Status()
				if got := w.marks(); !slices.Equal(got, before) {
					t.Errorf("marks changed from %v to %v", before, got)
				}
				if s.Error == "" || s.Check != c.check || s.Failures == 0 {
					t.Errorf("status says %q (%s), want check %q", s.Error, s.Check, c.check)
				}
				if s.Alarm != types.AlarmOff {
					t.Errorf("a server's lie raised the alarm: %+v", s)
				}
				c.end(w.chain)
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := nonces(w.marks()); !slices.Equal(got, []uint64{2, 3, 4}) || w.observer.Status().Error != "" {
					t.Errorf("afterwards marks at %v, status %+v", got, w.observer.Status())
				}
				if !strings.Contains(w.log.String(), "(will retry)") || !strings.Contains(w.log.String(), "chain observed again") {
					t.Errorf("log:\n%s", w.log.String())
				}
			})
		})
	}
}

func truth(c *fake.Chain) { c.Tell(fake.Lie{}) }

func TestOneChainsTroubleIsItsOwn(t *testing.T) {
	box := mailbox.New()
	inBubble(t, func(t *testing.T) []*world {
		return []*world{newWorld(t, 1, box, 0), newWorld(t, 2, box, 0), newWorld(t, 3, box, 0)}
	}, func(all []*world) {
		all[0].chain.Stall(true)
		all[1].chain.Panic(true)
		for range 10 {
			all[2].chain.Deposit(1)
			all[2].chain.Mine(1)
			settle()
		}
		if len(all[2].marks()) != 10 || box.Held(1)+box.Held(2) != 0 {
			t.Errorf("chain 3 has %d marks", len(all[2].marks()))
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	one(t, 40, func(w *world) {
		for range 30 {
			for range 10 {
				w.chain.Deposit(1)
			}
			w.chain.Mine(1)
		}
		var seen []uint64
		for range 40 {
			settle()
			if held := w.box.Held(1); held > 40 {
				t.Fatalf("%d events held", held)
			}
			marks := w.marks()
			if len(marks) == 0 {
				break
			}
			last := marks[len(marks)-1]
			if events := w.box.Events(1, w.state.Cursor, last.Nonce); uint64(len(events)) != last.Nonce-w.state.Cursor {
				t.Fatalf("%d events from %d to %d", len(events), w.state.Cursor, last.Nonce)
			}
			seen = append(seen, nonces(marks)...)
			w.agree(last)
		}
		if w.state.Cursor != 300 {
			t.Fatalf("the cursor came to %d of 300 events", w.state.Cursor)
		}
		for n := uint64(1); n <= 300; n++ {
			if (n%10 == 0 || n%stride == 0) != slices.Contains(seen, n) {
				t.Errorf("mark at %d: %t", n, slices.Contains(seen, n))
			}
		}
	})
}

func TestReadsOnFromProvenMarks(t *testing.T) {
	one(t, 5000, func(w *world) {
		for range 200 {
			for range 100 {
				w.chain.Deposit(1)
			}
			w.chain.Mine(1)
		}
		for range 10 {
			settle()
			if marks := w.marks(); len(marks) > 0 {
				w.agree(marks[len(marks)-1])
			}
		}
		if w.state.Cursor != 20_000 || len(w.observer.ahead) != 0 {
			t.Fatalf("the cursor came to %d, %d marks ahead", w.state.Cursor, len(w.observer.ahead))
		}
	})
}

func TestFollowsTheNetworkAhead(t *testing.T) {
	one(t, 0, func(w *world) {
		w.chain.Freeze(true)
		for range 5 {
			w.chain.Deposit(1)
			w.chain.Mine(1)
		}
		settle()
		other := newWorld(t, 1, mailbox.New(), 0)
		other.chain = w.chain
		w.chain.Freeze(false)
		position, err := w.chain.Finalized(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.chain.Freeze(true)
		w.agree(types.Mark{Nonce: 5, Hash: position.Inbox.Hash, Block: 5})
		settle()
		w.chain.Freeze(false)
		w.chain.Deposit(6)
		w.chain.Mine(1)
		settle()
		if got := nonces(w.marks()); !slices.Equal(got, []uint64{6}) {
			t.Errorf("marks at %v", got)
		}
	})
}

func TestRefusedChainAndUnreadableState(t *testing.T) {
	one(t, 0, func(w *world) {
		w.mu.Lock()
		w.state.Refused = "another validator set"
		w.mu.Unlock()
		w.chain.Deposit(1)
		w.chain.Mine(1)
		settle()
		if s := w.observer.Status(); w.chain.Reads() != 0 || s.Refused == "" || s.Error != "" {
			t.Errorf("status %+v", s)
		}
		w.mu.Lock()
		w.state.Refused, w.err = "", errors.New("closed")
		w.mu.Unlock()
		settle()
		if s := w.observer.Status(); !strings.Contains(s.Error, "read the state: closed") {
			t.Errorf("status %+v", s)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("an empty configuration was taken")
	}
}
