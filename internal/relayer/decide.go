package relayer

import (
	"time"

	"github.com/icrosschain/bridged/internal/chain"
)

// candidate is an open command and whether it may be sent.
type candidate struct {
	execution chain.Execution // From is set when it is sent
	complete  bool            // it has a quorum
}

// situation is all that a decision depends on.
type situation struct {
	now        time.Time
	position   chain.OutboxPosition
	lane       *lane
	candidates []candidate // ascending by nonce, without gaps
	mayLead    func(nonce uint64) bool
	mayFollow  func(nonce, leader uint64) bool
	pausedTo   uint64 // head before which nothing new is sent, after a revert

	maxPending int
	maxFee     uint64
	bumpBlocks uint64
	bumpAfter  time.Duration
}

// hold says why nothing new is sent.
type hold string

const (
	holdNone       hold = ""
	holdNothing    hold = "nothing_open"
	holdIncomplete hold = "waits_for_signatures"
	holdTurn       hold = "another_validators_turn"
	holdSlice      hold = "waits_for_slice"
	holdStrangers  hold = "unknown_transactions_pending"
	holdFees       hold = "fees_above_limit"
	holdPaused     hold = "pause_after_revert"
	holdFull       hold = "enough_pending"
	holdSpent      hold = "spending_limit"
)

// Holds are all reasons that a Status may name, for metrics.
func Holds() []string {
	all := []hold{
		holdNothing, holdIncomplete, holdTurn, holdSlice, holdStrangers, holdFees, holdPaused, holdFull, holdSpent,
	}
	names := make([]string, len(all))
	for i, h := range all {
		names[i] = string(h)
	}
	return names
}

// sending is a new transaction.
type sending struct {
	execution chain.Execution
	nonce     uint64 // of the account
	fees      chain.Fees
}

// bump is a transaction that replaces a stuck one.
type bump struct {
	attempt *attempt
	fees    chain.Fees
}

// decision is what to do now, in this order.
type decision struct {
	forget  *uint64    // drop attempts from this account nonce on: the pool lost them, and nobody needs them
	recast  []*attempt // broadcast again
	bumps   []bump
	costly  bool      // something is stuck, and a bump would exceed the limit
	sends   []sending // each stands on the former; stop at the first that is no whole command
	chained bool      // the first of sends stands on a pending transaction, so it cannot be simulated
	hold    hold      // why sends does not go further
}

// progress is where the contract will stand once pending transactions are
// mined.
type progress struct {
	nonce  uint64
	index  uint32
	open   bool   // false behind a slice of unknown length
	leader uint64 // last command pending; 0 if none
}

// takes says that an execution is the contract's next, and moves behind it.
func (p *progress) takes(e chain.Execution, whole bool) bool {
	if !p.open || e.Nonce != p.nonce+1 || e.From != p.index {
		return false
	}
	p.leader = e.Nonce
	if whole {
		p.nonce, p.index = p.nonce+1, 0
	} else {
		p.open = false
	}
	return true
}

// decide says what to do. It does not change the situation.
func decide(s situation) decision {
	var d decision
	ahead := progress{nonce: s.position.Nonce, index: s.position.NextItem, open: true}
	pending := s.lane.pending()

	useful := 0 // how many of pending are needed, with those below them
	for i, a := range pending {
		if ahead.takes(a.execution, a.latest().Whole) {
			useful = i + 1
		}
	}
	next := s.position.Account.Mined + uint64(len(pending))
	need := s.position.Market // what a stuck transaction should offer
	for i, a := range pending {
		if i >= useful && a.nonce() >= s.position.Account.Pending {
			from := a.nonce()
			d.forget, next = &from, from
			break
		}
		if i < useful {
			need = s.tend(a, i == 0, need, &d)
		}
	}
	d.hold = s.extend(&d, ahead, next)
	if d.costly { // nothing that is sent behind it gets further
		d.hold = holdFees
	}
	return d
}

// tend looks after a pending transaction that is needed. The lowest one is
// blocked by nothing but its fees; those behind it follow its offer, or each
// would have to find out by itself. It returns what they should offer.
func (s situation) tend(a *attempt, lowest bool, need chain.Fees, d *decision) chain.Fees {
	last := a.latest()
	outbid := last.Fees.Cap < need.Cap || last.Fees.Tip < need.Tip
	if (lowest || outbid) && s.overdue(a.since) {
		if fees, ok := replacement(last.Fees, need, s.position.Rush, s.maxFee); ok {
			d.bumps = append(d.bumps, bump{a, fees})
			return fees
		}
		d.costly = true
	}
	lost := a.nonce() >= s.position.Account.Pending
	if s.position.Block > a.cast && (lost || s.overdue(a.since)) {
		d.recast = append(d.recast, a)
	}
	return need
}

func (s situation) overdue(since moment) bool {
	return s.position.Block >= since.head+s.bumpBlocks && s.now.Sub(since.at) >= s.bumpAfter
}

// extend finds what to send behind the pending transactions.
func (s situation) extend(d *decision, ahead progress, next uint64) hold {
	d.chained = ahead.leader != 0
	fees, payable := affordable(s.position.Market, s.maxFee)
	for _, c := range s.candidates {
		e := c.execution
		if e.Nonce <= ahead.nonce {
			continue
		}
		if e.Nonce != ahead.nonce+1 {
			return holdNothing // the state is ahead of this endpoint
		}
		if why := s.holds(c, ahead); why != holdNone {
			return why
		}
		if !payable {
			return holdFees
		}
		if next-s.position.Account.Mined >= uint64(s.maxPending) {
			return holdFull
		}
		e.From = ahead.index
		d.sends = append(d.sends, sending{e, next, fees})
		ahead.takes(e, true)
		next++
	}
	return holdNothing
}

func (s situation) holds(c candidate, ahead progress) hold {
	switch {
	case !ahead.open:
		return holdSlice
	case s.lane.foreign && !s.overdue(s.lane.strangers):
		return holdStrangers
	case !c.complete:
		return holdIncomplete
	case s.position.Block < s.pausedTo:
		return holdPaused
	case ahead.leader == 0 && !s.mayLead(c.execution.Nonce):
		return holdTurn
	case ahead.leader != 0 && !s.mayFollow(c.execution.Nonce, ahead.leader):
		return holdTurn
	}
	return holdNone
}
