package earlyseal

import (
	"cmp"
	"fmt"
	"slices"
)

// step is where a validator is in a round, in CometBFT's order.
type step int

const (
	newHeight step = iota
	propose
	prevote
	prevoteWait
	precommit
	precommitWait // names a timeout only: the step stays precommit
)

// Times are in ticks of 10 ms: CometBFT's defaults, and timeout_commit as shipped.
const timeoutPropose, timeoutVote, timeoutDelta, timeoutCommit = 300, 100, 50, 30

// block is a proposal; a nil block stands for a vote for none.
type block struct {
	height, number, content int // contents are what commands come of it; 0: none
	lastRound               int // of the commit of the height before, as its proposer has it
}

func (b *block) String() string {
	if b == nil {
		return "none"
	}
	return fmt.Sprintf("B%d (commands %d)", b.number, b.content)
}

// proof is a set of votes of one round for one block: a polka, or a commit.
type proof struct {
	round  int
	block  *block
	voters mask
}

// message is all that validators say to each other.
type message struct {
	kind                step // propose, prevote, precommit; newHeight: a commit for who is behind
	height, round, from int
	block               *block
	proof               *proof // with a proposal: its polka; with a commit: the commit
}

// tally is the votes of one kind in one round.
type tally struct {
	voted mask
	sets  []proof
}

// state is CometBFT's RoundState: known is its ValidBlock, block its ProposalBlock.
type state struct {
	height, round           int
	step                    step
	locked, known, block    *block
	lockedRound, knownRound int
	proposed, waits         bool // the round's proposal is here; precommitWait was entered
}

func begin(height int) state { return state{height: height, lockedRound: -1, knownRound: -1} }

// node is an honest validator.
type node struct {
	*run
	state
	id        int
	tallies   map[place]*tally
	proposals map[place]*message
	later     []message // of heights to come
	last      message   // what privval's file holds: the last vote or proposal
	unsent    []message // signed in a crash; replaying the WAL sends it
	commits   []proof   // by height
	wakes     int       // when a crashed validator is back; 0: it runs
	awake     int       // counts crashes: timers of before are gone
}

func (n *node) tally(kind step, round int) *tally {
	at := place{n.height, round, kind}
	if n.tallies[at] == nil {
		n.tallies[at] = &tally{}
	}
	return n.tallies[at]
}

// add counts votes. Of one voter the first counts; others count only if they prove a
// polka or a commit, as CometBFT takes them when a peer claims 2/3.
func (n *node) add(kind step, p proof, proves bool) bool {
	t := n.tally(kind, p.round)
	if t.voted&p.voters != 0 && !proves {
		return false
	}
	t.voted |= p.voters
	i := slices.IndexFunc(t.sets, func(set proof) bool { return set.block == p.block })
	if i < 0 {
		t.sets = append(t.sets, p)
	} else {
		t.sets[i].voters |= p.voters
	}
	return true
}

// polka is the block (nil: none) for which more than 2/3 voted.
func (n *node) polka(kind step, round int) (proof, bool) {
	for _, p := range n.tally(kind, round).sets {
		if n.isQuorum(p.voters) {
			return p, true
		}
	}
	return proof{}, false
}

func (n *node) receive(m message) {
	switch {
	case m.height < n.height:
	case m.height > n.height:
		n.later = append(n.later, m)
	case m.kind == propose:
		if at := (place{m.height, m.round, propose}); n.proposals[at] == nil {
			n.proposals[at] = &m
		}
		n.takeProposal()
	case m.kind == newHeight:
		n.add(precommit, *m.proof, true)
		n.onPrecommits(m.proof.round)
	case !n.add(m.kind, proof{m.round, m.block, 1 << m.from}, false):
	case m.kind == prevote:
		n.onPrevotes(m.round)
	default:
		n.onPrecommits(m.round)
	}
}

func (n *node) enterRound(round int) {
	if round < n.round || round == n.round && n.step != newHeight {
		return
	}
	n.round, n.step = round, propose
	n.proposed, n.block, n.waits = false, nil, false
	n.roundBegins(n.height, round)
	n.timer(propose, timeoutPropose+timeoutDelta*round)
	if n.proposer(n.height, round) == n.id {
		m := message{kind: propose, height: n.height, round: round, from: n.id, block: n.known}
		if n.known == nil {
			m.block = n.newBlock(n.height, n.commits[n.height-1].round)
		} else if p, ok := n.polka(prevote, n.knownRound); ok {
			m.proof = &p
		}
		n.say(m)
	}
	n.takeProposal()
}

// takeProposal uses the first proposal that came for this round, if it came.
func (n *node) takeProposal() {
	m := n.proposals[place{n.height, n.round, propose}]
	if m == nil || n.proposed || n.step == newHeight {
		return
	}
	n.proposed, n.block = true, m.block
	n.executions[execution{n.id, m.block, prevote}] = true
	if m.proof != nil {
		n.add(prevote, *m.proof, true)
		n.onPrevotes(m.proof.round)
	}
	n.complete()
}

// complete is CometBFT's handleCompleteProposal.
func (n *node) complete() {
	p, polka := n.polka(prevote, n.round)
	if polka && p.block != nil && p.block == n.block && n.knownRound < n.round {
		n.known, n.knownRound = n.block, n.round
	}
	if n.step <= propose && n.proposed {
		n.enterPrevote(n.round)
		if polka {
			n.enterPrecommit(n.round)
		}
	}
}

// enters says whether a step is one to come, and takes it. Steps are of this round,
// for every caller has entered the round.
func (n *node) enters(round int, to step) bool {
	ahead := round == n.round && n.step < to
	if ahead {
		n.step = to
	}
	return ahead
}

func (n *node) enterPrevote(round int) {
	if !n.enters(round, prevote) {
		return
	}
	b := n.block
	if n.locked != nil && n.planted != NoLock {
		b = n.locked
	}
	n.say(message{kind: prevote, height: n.height, round: round, from: n.id, block: b})
}

func (n *node) enterPrecommit(round int) {
	if !n.enters(round, precommit) {
		return
	}
	p, polka := n.polka(prevote, round)
	vote := message{kind: precommit, height: n.height, round: round, from: n.id}
	switch {
	case !polka: // the lock stays
	case p.block != nil && (p.block == n.locked || p.block == n.block):
		n.locked, n.lockedRound, vote.block = p.block, round, p.block
		n.executions[execution{n.id, p.block, precommit}] = true // ExtendVote
	default: // for none, or for a block that is not here
		n.locked, n.lockedRound = nil, -1
	}
	n.say(vote)
}

// onPrevotes is what CometBFT does after a prevote was added.
func (n *node) onPrevotes(round int) {
	p, polka := n.polka(prevote, round)
	if polka {
		if n.locked != nil && n.lockedRound < round && round <= n.round && n.locked != p.block {
			n.locked, n.lockedRound = nil, -1
		}
		if p.block != nil && n.knownRound < round && round == n.round {
			if n.block == p.block {
				n.known, n.knownRound = p.block, round
			} else {
				n.block = nil
			}
		}
	}
	anything := n.isQuorum(n.tally(prevote, round).voted)
	switch {
	case n.round < round && anything:
		n.enterRound(round)
	case n.round == round && n.step >= prevote:
		if polka && (n.proposed && n.block != nil || p.block == nil) {
			n.enterPrecommit(round)
		} else if anything && n.enters(round, prevoteWait) {
			n.timer(prevoteWait, timeoutVote+timeoutDelta*round)
		}
	}
}

// onPrecommits is what CometBFT does after a precommit was added.
func (n *node) onPrecommits(round int) {
	p, decided := n.polka(precommit, round)
	if !decided && (round < n.round || !n.isQuorum(n.tally(precommit, round).voted)) {
		return
	}
	n.enterRound(round)
	if decided {
		n.enterPrecommit(round)
		if p.block != nil {
			n.commit(p)
			return
		}
	}
	if round == n.round && !n.waits {
		n.waits = true
		n.timer(precommitWait, timeoutVote+timeoutDelta*round)
	}
}

// commit ends the height.
func (n *node) commit(p proof) {
	if n.first[n.height] == 0 {
		n.first[n.height], n.decisions[n.height] = n.now, map[int]proof{}
	}
	n.decisions[n.height][n.id] = p
	n.note("height %d: v%d decides %s, of round %d", n.height, n.id, p.block, p.round)
	n.say(message{kind: newHeight, height: n.height, from: n.id, proof: &p})
	n.commits = append(n.commits, p)
	waiting := n.later
	n.state, n.later = begin(n.height+1), nil
	if n.height <= length {
		n.timer(newHeight, timeoutCommit)
	}
	for _, m := range waiting {
		n.receive(m)
	}
}

// timeout is CometBFT's handleTimeout.
func (n *node) timeout(height, round int, at step) {
	if height != n.height || round < n.round || round == n.round && at < n.step {
		return
	}
	switch at {
	case newHeight:
		n.enterRound(0)
	case propose:
		n.enterPrevote(round)
	case prevoteWait:
		n.enterPrecommit(round)
	case precommitWait:
		n.enterPrecommit(round)
		n.enterRound(round + 1)
	}
}

// say signs, as far as privval's file lets it, and sends to all.
func (n *node) say(m message) {
	if m.kind != newHeight {
		order := cmp.Or(m.height-n.last.height, m.round-n.last.round, int(m.kind-n.last.kind))
		if order < 0 || order == 0 && m.block != n.last.block {
			return
		}
		n.last = m
		if n.wakes > 0 || n.dies() {
			n.unsent = append(n.unsent, m)
			return
		}
	}
	n.broadcast(m)
	n.dies()
}
