package relayer

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
)

var testNow = time.Unix(1_800_000_000, 0)

// flight describes a pending attempt.
type flight struct {
	nonce uint64 // of the outbox
	from  uint32
	slice bool
	fees  chain.Fees
	age   uint64 // in blocks; 10 s each
}

// goodSituation is a contract at command 4, an account at nonce 30, and
// complete commands 5 and 6; it is this validator's turn.
func goodSituation() situation {
	yes := func(uint64) bool { return true }
	return situation{
		now: testNow, lane: &lane{},
		position: chain.OutboxPosition{
			Block: 1000, Nonce: 4,
			Account: chain.Account{Mined: 30, Pending: 30},
			Market:  chain.Fees{Tip: 2, Cap: 202},
		},
		candidates: []candidate{
			{chain.Execution{Nonce: 5, Items: 10}, true},
			{chain.Execution{Nonce: 6, Items: 1}, true},
		},
		mayLead: yes, mayFollow: func(uint64, uint64) bool { return true },
		maxPending: 16, maxFee: 1000, bumpBlocks: 3, bumpAfter: 6 * time.Second,
	}
}

func (s *situation) fly(flights ...flight) {
	for i, f := range flights {
		if f.fees == (chain.Fees{}) {
			f.fees = s.position.Market
		}
		block := s.position.Block - f.age
		a := s.lane.add(chain.Execution{Nonce: f.nonce, From: f.from},
			chain.Tx{Nonce: 30 + uint64(i), Fees: f.fees, Whole: !f.slice},
			moment{block, s.now.Add(-time.Duration(f.age) * 10 * time.Second)})
		a.cast = block
	}
	s.position.Account.Pending = 30 + uint64(len(flights))
}

// text gives a decision in short.
func (d decision) text() string {
	var b []byte
	if d.forget != nil {
		b = fmt.Appendf(b, "forget@%d ", *d.forget)
	}
	for _, a := range d.recast {
		b = fmt.Appendf(b, "again@%d ", a.nonce())
	}
	for _, x := range d.bumps {
		b = fmt.Appendf(b, "bump@%d(%d,%d) ", x.attempt.nonce(), x.fees.Tip, x.fees.Cap)
	}
	if d.costly {
		b = append(b, "costly "...)
	}
	if d.chained {
		b = append(b, "chained "...)
	}
	for _, s := range d.sends {
		b = fmt.Appendf(b, "send %d/%d@%d(%d,%d) ", s.execution.Nonce, s.execution.From, s.nonce, s.fees.Tip, s.fees.Cap)
	}
	return fmt.Sprintf("%s%s", b, d.hold)
}

// TestDecide bends one thing of the good situation each.
func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name string
		bend func(*situation)
		want string
	}{
		{"all complete commands at once", func(*situation) {}, "send 5/0@30(2,202) send 6/0@31(2,202) nothing_open"},
		{"nothing is open", func(s *situation) { s.candidates = nil }, "nothing_open"},
		{"somebody else executed the first", func(s *situation) { s.position.Nonce = 5 }, "send 6/0@30(2,202) nothing_open"},
		{"all are executed", func(s *situation) { s.position.Nonce = 6 }, "nothing_open"},
		{"the contract is behind what the state keeps", func(s *situation) { s.position.Nonce = 3 }, "nothing_open"},
		{"a half executed batch goes on", func(s *situation) { s.position.NextItem = 4 }, "send 5/4@30(2,202) send 6/0@31(2,202) nothing_open"},
		{"the first lacks signatures", func(s *situation) { s.candidates[0].complete = false }, "waits_for_signatures"},
		{"the second lacks signatures", func(s *situation) { s.candidates[1].complete = false }, "send 5/0@30(2,202) waits_for_signatures"},
		{"another one's turn", func(s *situation) { s.mayLead = func(uint64) bool { return false } }, "another_validators_turn"},
		{
			"another one's turn from the second on",
			func(s *situation) { s.mayFollow = func(uint64, uint64) bool { return false } },
			"send 5/0@30(2,202) another_validators_turn",
		},
		{"pause after a revert", func(s *situation) { s.pausedTo = 1001 }, "pause_after_revert"},
		{"the pause is over", func(s *situation) { s.pausedTo = 1000 }, "send 5/0@30(2,202) send 6/0@31(2,202) nothing_open"},
		{"no more than enough", func(s *situation) { s.maxPending = 1 }, "send 5/0@30(2,202) enough_pending"},
		{"fees above the limit", func(s *situation) { s.maxFee = 101 }, "fees_above_limit"},
		{"fees that just fit", func(s *situation) { s.maxFee = 102 }, "send 5/0@30(2,102) send 6/0@31(2,102) nothing_open"},
		{"a legacy chain", func(s *situation) { s.position.Market = chain.Fees{Tip: 50, Cap: 50, Legacy: true} }, "send 5/0@30(50,50) send 6/0@31(50,50) nothing_open"},
		{"a legacy chain above the limit", func(s *situation) { s.position.Market = chain.Fees{Tip: 1001, Cap: 1001, Legacy: true} }, "fees_above_limit"},

		{"the first is on its way", func(s *situation) { s.fly(flight{nonce: 5}) }, "chained send 6/0@31(2,202) nothing_open"},
		{"both are on their way", func(s *situation) { s.fly(flight{nonce: 5}, flight{nonce: 6}) }, "chained nothing_open"},
		{"on its way needs no turn to lead", func(s *situation) {
			s.fly(flight{nonce: 5})
			s.mayLead = func(uint64) bool { return false }
		}, "chained send 6/0@31(2,202) nothing_open"},
		{"a slice is on its way", func(s *situation) { s.fly(flight{nonce: 5, slice: true}) }, "chained waits_for_slice"},
		{"the slice came through", func(s *situation) {
			s.fly(flight{nonce: 5, slice: true})
			s.position.NextItem, s.position.Account.Mined = 7, 31
			s.lane.look(s.position, s.now)
		}, "send 5/7@31(2,202) send 6/0@32(2,202) nothing_open"},
		{"another one executed what is on its way", func(s *situation) {
			s.fly(flight{nonce: 5})
			s.position.Nonce = 5
		}, "send 6/0@31(2,202) nothing_open"},
		{"and the pool dropped it", func(s *situation) {
			s.fly(flight{nonce: 5})
			s.position.Nonce, s.position.Account.Pending = 5, 30
		}, "forget@30 send 6/0@30(2,202) nothing_open"},
		{"mined, and reverted", func(s *situation) {
			s.fly(flight{nonce: 5})
			s.position.Account.Mined = 31
			s.lane.look(s.position, s.now)
		}, "send 5/0@31(2,202) send 6/0@32(2,202) nothing_open"},

		{"lost by the pool", func(s *situation) {
			s.fly(flight{nonce: 5, age: 1}, flight{nonce: 6, age: 1})
			s.position.Account.Pending = 31
		}, "again@31 chained nothing_open"},
		{"lost in this very block", func(s *situation) {
			s.fly(flight{nonce: 5})
			s.position.Account.Pending = 30
		}, "chained send 6/0@31(2,202) nothing_open"},
		{"stuck", func(s *situation) { s.fly(flight{nonce: 5, age: 3}) }, "bump@30(3,228) chained send 6/0@31(2,202) nothing_open"},
		{"not stuck yet", func(s *situation) { s.fly(flight{nonce: 5, age: 2}) }, "chained send 6/0@31(2,202) nothing_open"},
		{"blocks come fast", func(s *situation) {
			s.fly(flight{nonce: 5, age: 3})
			s.bumpAfter = time.Minute
		}, "chained send 6/0@31(2,202) nothing_open"},
		{"stuck below the market", func(s *situation) {
			s.fly(flight{nonce: 5, age: 3, fees: chain.Fees{Tip: 1, Cap: 100}}, flight{nonce: 6, age: 3, fees: chain.Fees{Tip: 2, Cap: 100}})
		}, "bump@30(2,202) bump@31(3,202) chained nothing_open"},
		{"stuck behind another", func(s *situation) { s.fly(flight{nonce: 5, age: 3}, flight{nonce: 6, age: 3}) }, "bump@30(3,228) bump@31(3,228) chained nothing_open"},
		{"stuck behind another that is young", func(s *situation) { s.fly(flight{nonce: 5, age: 3}, flight{nonce: 6, age: 1}) }, "bump@30(3,228) chained nothing_open"},
		{"stuck at the limit", func(s *situation) {
			s.fly(flight{nonce: 5, age: 3, fees: chain.Fees{Tip: 2, Cap: 900}})
		}, "again@30 costly chained send 6/0@31(2,202) fees_above_limit"},
		{"stuck and needless", func(s *situation) {
			s.fly(flight{nonce: 5, age: 9})
			s.position.Nonce = 6
		}, "nothing_open"},
		{"needless below a needed one", func(s *situation) {
			s.fly(flight{nonce: 5, age: 3}, flight{nonce: 6, age: 3})
			s.position.Nonce = 5
		}, "bump@30(3,228) bump@31(3,228) chained nothing_open"},

		{"unknown transactions of a former process", func(s *situation) {
			s.position.Account.Pending = 32
			s.lane.look(s.position, s.now.Add(-time.Second))
		}, "unknown_transactions_pending"},
		{"that do not move", func(s *situation) {
			s.position.Account.Pending = 32
			p := s.position
			p.Block -= 3
			s.lane.look(p, s.now.Add(-time.Minute))
		}, "send 5/0@30(2,202) send 6/0@31(2,202) nothing_open"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := goodSituation()
			c.bend(&s)
			before := len(s.lane.attempts)
			if got := decide(s).text(); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if len(s.lane.attempts) != before {
				t.Error("a decision changed the situation")
			}
		})
	}
}

func TestReplacement(t *testing.T) {
	fees := chain.Fees{Tip: 1, Cap: 8}
	for range 40 {
		next, ok := replacement(fees, chain.Fees{}, chain.Fees{}, math.MaxUint64)
		if !ok || next.Tip*8 < fees.Tip*9 || next.Cap*8 < fees.Cap*9 {
			t.Fatalf("%+v does not replace %+v", next, fees)
		}
		fees = next
	}
	for _, c := range []struct {
		old, market chain.Fees
		most        uint64
		want        chain.Fees
		ok          bool
		rush        chain.Fees
	}{
		{chain.Fees{Tip: 8, Cap: 80}, chain.Fees{Tip: 1, Cap: 10}, 1000, chain.Fees{Tip: 10, Cap: 91}, true, chain.Fees{}},
		{chain.Fees{Tip: 8, Cap: 80}, chain.Fees{Tip: 50, Cap: 500}, 1000, chain.Fees{Tip: 50, Cap: 500}, true, chain.Fees{}},
		{chain.Fees{Tip: 8, Cap: 80}, chain.Fees{Tip: 50, Cap: 5000}, 1000, chain.Fees{Tip: 50, Cap: 1000}, true, chain.Fees{}},
		{chain.Fees{Tip: 8, Cap: 80}, chain.Fees{Tip: 50, Cap: 5000}, 91, chain.Fees{Tip: 50, Cap: 91}, true, chain.Fees{}},
		{chain.Fees{Tip: 8, Cap: 80}, chain.Fees{Tip: 1, Cap: 10}, 90, chain.Fees{}, false, chain.Fees{}},
		{chain.Fees{Tip: 80, Cap: 80}, chain.Fees{Tip: 1, Cap: 10, Legacy: true}, 100, chain.Fees{Tip: 91, Cap: 91, Legacy: true}, true, chain.Fees{}},
		// Another endpoint suggests more: step by step, for it may lie.
		{chain.Fees{Tip: 1, Cap: 21}, chain.Fees{Tip: 1, Cap: 21}, 1000, chain.Fees{Tip: 2, Cap: 24}, true, chain.Fees{Tip: 1, Cap: 21}},
		{chain.Fees{Tip: 8, Cap: 28}, chain.Fees{Tip: 1, Cap: 21}, 1000, chain.Fees{Tip: 16, Cap: 56}, true, chain.Fees{Tip: 500, Cap: 520}},
		{chain.Fees{Tip: 8, Cap: 28}, chain.Fees{Tip: 1, Cap: 21}, 1000, chain.Fees{Tip: 12, Cap: 32}, true, chain.Fees{Tip: 12, Cap: 32}},
		{chain.Fees{Tip: 8, Cap: 8}, chain.Fees{Tip: 1, Cap: 1, Legacy: true}, 1000, chain.Fees{Tip: 16, Cap: 16, Legacy: true}, true, chain.Fees{Tip: 90, Cap: 90, Legacy: true}},
	} {
		if got, ok := replacement(c.old, c.market, c.rush, c.most); got != c.want || ok != c.ok {
			t.Errorf("%+v with market %+v: got %+v, %v", c.old, c.market, got, ok)
		}
	}
	if raise(math.MaxUint64-1) != math.MaxUint64 {
		t.Error("an offer overflowed")
	}
}

func TestLaneSurvivesReorgs(t *testing.T) {
	var l lane
	p := chain.OutboxPosition{Block: 10, Account: chain.Account{Mined: 5, Pending: 5}}
	for nonce := uint64(5); nonce < 8; nonce++ {
		l.add(chain.Execution{Nonce: nonce}, chain.Tx{Nonce: nonce}, moment{10, testNow})
	}
	p.Account.Mined, p.Account.Pending, p.Block = 7, 8, 11
	mined, again := l.look(p, testNow)
	if len(mined) != 2 || len(again) != 0 || len(l.pending()) != 1 {
		t.Fatalf("after inclusion: mined %d, again %d, pending %d", len(mined), len(again), len(l.pending()))
	}
	p.Account.Mined, p.Account.Pending, p.Block = 6, 6, 12
	mined, again = l.look(p, testNow.Add(time.Minute))
	if len(mined) != 0 || len(again) != 1 || again[0].nonce() != 6 || len(l.pending()) != 2 {
		t.Fatalf("after a reorg: mined %d, again %d, pending %d", len(mined), len(again), len(l.pending()))
	}
	if again[0].since.head != 12 || again[0].cast != 0 {
		t.Error("a transaction that a reorg undid counts as stuck, or is not broadcast again")
	}
	// Another user of the account: nonces 6 and 7 are not ours any more.
	p.Account.Mined, p.Account.Pending = 5, 5
	l.attempts = slices.Delete(l.attempts, 0, 1)
	l.look(p, testNow)
	if len(l.pending()) != 0 {
		t.Error("pending transactions above a gap are kept")
	}
	// History is bounded.
	l = lane{}
	for nonce := range uint64(3 * history) {
		l.add(chain.Execution{}, chain.Tx{Nonce: nonce}, moment{})
		l.look(chain.OutboxPosition{Account: chain.Account{Mined: nonce + 1, Pending: nonce + 1}}, testNow)
	}
	if len(l.attempts) > history {
		t.Errorf("%d attempts of history", len(l.attempts))
	}
}
