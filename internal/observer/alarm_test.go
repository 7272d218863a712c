package observer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// says is the alarm that the next vote raises.
func (w *world) says() types.Alarm {
	for _, c := range w.box.Pending().Chains {
		if c.Chain == w.chain.ID() {
			return c.Alarm
		}
	}
	return types.AlarmUnsaid
}

// pause sets what the state says of the chain, as of a new height.
func (w *world) pause(p bridge.Pause, anchor types.Mark) {
	w.mu.Lock()
	w.state.Paused = p
	if anchor != (types.Mark{}) {
		w.state.Cursor, w.state.CursorHash, w.state.CursorBlock = anchor.Nonce, anchor.Hash, anchor.Block
	}
	state := w.state
	w.mu.Unlock()
	w.box.Chains(1, []bridge.ChainState{state})
}

// alarmed wants the alarm raised, with evidence, and not a mark voted.
func (w *world) alarmed(check chain.Check) evidence {
	w.t.Helper()
	s := w.observer.Status()
	if s.Alarm != types.AlarmContradiction || s.AlarmSince.IsZero() || s.Check != check || s.Severity != chain.Halt {
		w.t.Fatalf("status %+v", s)
	}
	if w.says() != types.AlarmContradiction || len(w.marks()) != 0 || w.head() != 0 {
		w.t.Errorf("votes alarm %s, marks %v, head %d", w.says(), w.marks(), w.head())
	}
	if !strings.Contains(w.log.String(), "level=ERROR") || strings.Count(w.log.String(), "alarm raised") != 1 {
		w.t.Errorf("log:\n%s", w.log.String())
	}
	content, err := os.ReadFile(s.Evidence)
	if err != nil {
		w.t.Fatal(err)
	}
	var e evidence
	if err := json.Unmarshal(content, &e); err != nil {
		w.t.Fatal(err)
	}
	if want := fmt.Sprintf("chain-%s-%d.json", w.chain.ID(), e.Height); filepath.Base(s.Evidence) != want || e.Check != check ||
		len(e.Is.Answers) == 0 || e.Is.Answers[0].Endpoint == "" || e.Time.IsZero() || e.Found == "" {
		w.t.Errorf("evidence %s: %s", s.Evidence, content)
	}
	return e
}

func (w *world) quiet() {
	w.t.Helper()
	if s := w.observer.Status(); s.Alarm != types.AlarmOff || s.Evidence != "" {
		w.t.Errorf("status %+v", s)
	}
	if files, err := os.ReadDir(w.evidence); err == nil {
		w.t.Errorf("there is evidence: %v", files)
	}
}

func TestReorgBeforeFinality(t *testing.T) {
	one(t, 0, func(w *world) {
		w.chain.SetLag(3)
		w.chain.Deposit(1)
		w.chain.Mine(5)
		settle()
		w.agree(w.marks()[0])
		w.chain.Deposit(2)
		w.chain.Mine(1)
		w.chain.Reorg(3)
		w.chain.Deposit(3)
		w.chain.Mine(4)
		settle()
		if got := nonces(w.marks()); !slices.Equal(got, []uint64{2}) || w.says() == types.AlarmContradiction {
			t.Errorf("marks at %v, alarm %s", got, w.says())
		}
		w.quiet()
	})
}

func TestReorgPastFinality(t *testing.T) {
	box := mailbox.New()
	inBubble(t, func(t *testing.T) []*world { return []*world{newWorld(t, 1, box, 0), newWorld(t, 2, box, 0)} }, func(all []*world) {
		w, other := all[0], all[1]
		w.chain.Deposit(1)
		w.chain.Mine(1)
		settle()
		w.agree(w.marks()[0])
		w.chain.Deposit(2)
		w.chain.Mine(1)
		settle()
		before := w.observer.Status()
		w.chain.Reorg(2)
		settle()
		e := w.alarmed(chain.CheckFinality)
		if e.Was.Block != before.Head || e.Is.Block != before.Head || e.Was.BlockHash == e.Is.BlockHash ||
			e.Was.InboxNonce != 2 || e.Is.InboxNonce != 0 || len(e.Was.Answers) == 0 || e.Agreed.Cursor != 1 {
			t.Errorf("evidence %+v", e)
		}
		w.chain.Deposit(7)
		w.chain.Deposit(8)
		w.chain.Deposit(9)
		w.chain.Mine(3) // the other history grows beyond the first
		other.chain.Deposit(1)
		other.chain.Mine(1)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.alarmed(chain.CheckFinality)
		if got := nonces(other.marks()); !slices.Equal(got, []uint64{1}) {
			t.Errorf("the other chain's marks are at %v", got)
		}
	})
}

// A restarted observer remembers nothing: the state's cursor judges.
func TestContradictionOfTheCursor(t *testing.T) {
	for name, c := range map[string]struct {
		agreed func(w *world) (cursor types.Mark, head uint64)
		nonce  uint64 // proven of the chain
	}{
		"at its nonce":    {func(*world) (types.Mark, uint64) { return types.Mark{Nonce: 3, Hash: types.Hash{9}, Block: 3}, 3 }, 3},
		"below its nonce": {func(*world) (types.Mark, uint64) { return types.Mark{Nonce: 5, Hash: types.Hash{9}, Block: 3}, 3 }, 3},
		"above its nonce": {func(*world) (types.Mark, uint64) { return types.Mark{Nonce: 2, Hash: types.Hash{9}, Block: 2}, 2 }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			one(t, 0, func(w *world) {
				cursor, head := c.agreed(w)
				w.agree(cursor)
				w.mu.Lock()
				w.state.Head = head
				w.mu.Unlock()
				for range 3 {
					w.chain.Deposit(1)
					w.chain.Mine(1)
				}
				settle()
				e := w.alarmed(chain.CheckCursor)
				if e.Agreed.Hash != cursor.Hash || e.Was.InboxHash != cursor.Hash || e.Is.InboxNonce != c.nonce || e.Is.InboxHash == cursor.Hash {
					t.Errorf("evidence %+v", e)
				}
			})
		})
	}
}

// Endpoints that are behind the agreed head contradict nothing, however few
// events they know.
func TestBehindTheAgreedHead(t *testing.T) {
	one(t, 0, func(w *world) {
		w.chain.Deposit(1)
		w.chain.Mine(3)
		w.mu.Lock()
		w.state.Cursor, w.state.CursorHash, w.state.Head = 5, types.Hash{9}, 4
		w.mu.Unlock()
		settle()
		if s := w.observer.Status(); s.Check != chain.CheckStale {
			t.Errorf("status %+v", s)
		}
		w.quiet()
		w.chain.Mine(1) // now they are not
		time.Sleep(time.Minute)
		synctest.Wait()
		w.alarmed(chain.CheckCursor)
	})
}

func TestAlarmIsWithdrawn(t *testing.T) {
	one(t, 0, func(w *world) {
		w.chain.Deposit(1)
		w.chain.Mine(1)
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.says() != types.AlarmOff {
			t.Fatalf("a good chain: alarm %s", w.says())
		}
		restore := w.chain.Save()
		w.chain.Reorg(1)
		settle()
		w.alarmed(chain.CheckFinality)
		restore()
		time.Sleep((calmRounds / 2) * time.Second)
		synctest.Wait()
		if w.says() != types.AlarmContradiction || len(w.marks()) != 0 {
			t.Errorf("too soon: alarm %s, marks %v", w.says(), w.marks())
		}
		w.chain.Reorg(1) // it begins to count again
		settle()
		restore()
		time.Sleep((calmRounds / 2) * time.Second)
		synctest.Wait()
		if w.says() != types.AlarmContradiction {
			t.Error("rounds were counted that did not follow each other")
		}
		time.Sleep((watchRounds + 2*calmRounds) * time.Second)
		synctest.Wait()
		if s := w.observer.Status(); w.says() != types.AlarmOff || s.Alarm != types.AlarmOff || s.Evidence != "" || s.Error != "" {
			t.Errorf("alarm %s, status %+v", w.says(), s)
		}
		if got := nonces(w.marks()); !slices.Equal(got, []uint64{1}) || !strings.Contains(w.log.String(), "alarm withdrawn") {
			t.Errorf("marks at %v, log\n%s", got, w.log.String())
		}
	})
}

// After a start the state may hold an alarm of this validator: it is neither
// repeated nor withdrawn before the chain was looked at for a while.
func TestAlarmAfterAStart(t *testing.T) {
	one(t, 0, func(w *world) {
		w.chain.Fail(errors.New("down"))
		w.chain.Deposit(1)
		w.chain.Mine(1)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if w.says() != types.AlarmUnsaid {
			t.Errorf("nothing was seen, and the alarm is %s", w.says())
		}
		w.chain.Fail(nil)
		for second := 0; len(w.marks()) == 0 && second < 60; second++ { // it waits after errors
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if len(w.marks()) != 1 || w.says() != types.AlarmUnsaid {
			t.Errorf("marks %v wait for the alarm, which is %s", w.marks(), w.says())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.says() != types.AlarmOff {
			t.Errorf("alarm %s", w.says())
		}
	})
}

func TestReanchored(t *testing.T) {
	one(t, 0, func(w *world) {
		w.chain.Deposit(1)
		w.chain.Mine(1)
		settle()
		w.agree(w.marks()[0])
		w.chain.Reorg(1)
		w.chain.Deposit(2)
		w.chain.Mine(1)
		settle()
		w.alarmed(chain.CheckFinality)
		w.pause(bridge.PauseContradicted, types.Mark{})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if w.says() != types.AlarmContradiction {
			t.Fatalf("alarm %s", w.says())
		}
		position, err := w.chain.Finalized(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.pause(bridge.PauseNone, position.Inbox)
		if w.says() != types.AlarmUnsaid {
			t.Errorf("alarm %s in the block after the re-anchoring", w.says())
		}
		w.chain.Deposit(3)
		w.chain.Mine(1)
		time.Sleep(watchRounds * 1200 * time.Millisecond)
		synctest.Wait()
		if got := nonces(w.marks()); !slices.Equal(got, []uint64{2}) || w.says() == types.AlarmContradiction {
			t.Errorf("marks at %v, alarm %s", got, w.says())
		}
		time.Sleep((watchRounds + 2*calmRounds) * time.Second)
		synctest.Wait()
		if s := w.observer.Status(); w.says() != types.AlarmOff || s.Alarm != types.AlarmOff || s.Error != "" {
			t.Errorf("alarm %s, status %+v", w.says(), s)
		}
	})
}

// What was found while governance re-anchored the chain is out of date.
func TestAlarmThatComesTooLate(t *testing.T) {
	w := newWorld(t, 1, mailbox.New(), 0)
	w.pause(bridge.PauseContradicted, types.Mark{})
	w.pause(bridge.PauseNone, types.Mark{})
	w.observer.raise(t.Context(), &chain.Contradiction{Text: "old"}, chain.CheckCursor)
	if w.says() != types.AlarmUnsaid {
		t.Errorf("alarm %s", w.says())
	}
	w.quiet()
}

// The one that was wrong is this node, before: the network goes on with the
// history that its endpoints tell it now.
func TestOvertakenByTheNetwork(t *testing.T) {
	one(t, 0, func(w *world) {
		truth := w.chain.Save()
		w.chain.Deposit(666)
		w.chain.Mine(1)
		settle()
		truth()
		w.chain.Reorg(0)
		w.chain.Deposit(1)
		w.chain.Mine(1)
		w.chain.Deposit(2)
		w.chain.Mine(1)
		settle()
		w.alarmed(chain.CheckFinality)
		position, err := w.chain.Finalized(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.agree(position.Inbox)
		time.Sleep((watchRounds + 2*calmRounds) * time.Second)
		synctest.Wait()
		w.chain.Deposit(3)
		w.chain.Mine(1)
		settle()
		if got := nonces(w.marks()); !slices.Equal(got, []uint64{3}) || w.says() != types.AlarmOff {
			t.Errorf("marks at %v, alarm %s, status %+v", got, w.says(), w.observer.Status())
		}
	})
}

// The evidence says which events both histories have, for the re-anchoring.
func TestEvidenceSaysWhereHistoriesPart(t *testing.T) {
	for name, c := range map[string]struct {
		known, depth int // of 20 agreed blocks with an event each
		again        uint64
		want         uint64
	}{
		"the newest":               {20, 1, 0, 19},
		"some":                     {20, 7, 0, 13},
		"more than is remembered":  {5, 7, 9, 0},
		"all but the oldest known": {8, 7, 3, 13},
		"shorter than remembered":  {5, 7, 0, 0},
		"longer than before":       {20, 3, 9, 17},
		"all":                      {20, 20, 25, 0},
	} {
		t.Run(name, func(t *testing.T) {
			one(t, 0, func(w *world) {
				settle() // until then nothing happens behind this test's back
				for range 20 {
					w.chain.Deposit(1)
					w.chain.Mine(1)
				}
				end, err := w.chain.Finalized(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if c.known < 20 { // the observer begins there
					cursor, err := w.chain.NewSource().At(t.Context(), uint64(20-c.known), end.Inbox)
					if err != nil {
						t.Fatal(err)
					}
					w.agree(cursor)
				}
				settle()
				w.agree(end.Inbox)
				settle()
				w.chain.Reorg(c.depth)
				for range c.again {
					w.chain.Deposit(2)
				}
				w.chain.Mine(1)
				settle()
				if e := w.alarmed(chain.CheckFinality); e.Common != c.want {
					t.Errorf("common is %d, want %d", e.Common, c.want)
				}
			})
		})
	}
}

// A hint that is too high costs a round.
func TestWrongHint(t *testing.T) {
	one(t, 0, func(w *world) {
		w.chain.Freeze(true)
		for range 5 {
			w.chain.Deposit(1)
			w.chain.Mine(1)
		}
		settle()
		w.chain.Freeze(false)
		end, err := w.chain.Finalized(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cursor, err := w.chain.NewSource().At(t.Context(), 2, end.Inbox)
		if err != nil || cursor.Block != 2 {
			t.Fatalf("%+v, %v", cursor, err)
		}
		cursor.Block = 5
		w.agree(cursor)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := nonces(w.marks()); !slices.Equal(got, []uint64{3, 4, 5}) {
			t.Errorf("marks at %v, status %+v", got, w.observer.Status())
		}
		w.quiet()
	})
}

func TestEvidenceIsBounded(t *testing.T) {
	w := newWorld(t, 1, mailbox.New(), 0)
	if err := os.MkdirAll(w.evidence, 0o700); err != nil {
		t.Fatal(err)
	}
	stranger := filepath.Join(w.evidence, "chain-1-b-1.json") // of a chain with a longer label
	if err := os.WriteFile(stranger, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	keep := func(height uint64, answer string) string {
		t.Helper()
		is := chain.Sighting{Position: chain.Position{Block: height}, Answers: []chain.Answer{{Answer: json.RawMessage(answer)}}}
		file, err := w.observer.keepEvidence(&chain.Contradiction{Text: "x", Is: is}, types.Mark{}, chain.CheckCursor, time.Unix(1, 0))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(height), 0)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for height := range uint64(maxEvidence + 3) {
		keep(height+1, `{}`)
	}
	files, err := os.ReadDir(w.evidence)
	if err != nil || len(files) != maxEvidence+1 {
		t.Errorf("%d files, %v", len(files), err)
	}
	for _, file := range []string{stranger, filepath.Join(w.evidence, fmt.Sprintf("chain-1-%d.json", maxEvidence+3))} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	file := keep(1000, `"`+strings.Repeat("x", maxEvidenceSize)+`"`)
	info, err := os.Stat(file)
	if err != nil || info.Size() > maxEvidenceSize || info.Mode().Perm() != 0o600 {
		t.Errorf("%+v, %v", info, err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	keep(1000, `{"other": true}`)
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("the first evidence of a height was replaced: %v", err)
	}
}
