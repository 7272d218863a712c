package earlyseal

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/icrosschain/bridged/x/bridge/quorum"
)

// judged is how many heights are judged; liars and trouble may last through them. Then
// heights without trouble follow until all honest validators have caught up and
// precommitted a block, but no more than length, nor for longer than patience.
const judged, length, patience = 4, 60, 100_000

// mask is a set of validators.
type mask uint16

func (m mask) has(id int) bool { return m>>id&1 == 1 }

// place is where in consensus something belongs.
type place struct {
	height, round int
	kind          step
}

// Scenario is what a seed decides at the begin.
type Scenario struct {
	Seed   uint64
	powers []uint64
	total  uint64
	liars  mask
	// forgetful ones lose their WAL in a crash, and with it their lock; rewound ones
	// privval's file too. For consensus they are faulty, but they must not look like
	// forgers. The file of signed seals stays (but see NoGuard).
	forgetful, rewound mask
	Calm               bool // nothing goes wrong at all
	Beyond             bool // liars have 1/3 or more, at most 2/3
	hunts              bool // the liars let few see a polka, in every round
	late, crash        int  // of a thousand messages, or votes
	victims            int  // of a hundred rounds, in how many some are told late
	calmAt             int  // when the trouble ends, if no height ends it before
}

// NewScenario draws a scenario: 4, 7 or 10 validators with uneven powers.
func NewScenario(seed uint64) Scenario {
	for r := rand.New(rand.NewPCG(seed, 1)); ; {
		s := draw(seed, r)
		if 3*slices.Max(s.powers) <= s.total && (!s.Beyond || 3*s.power(s.liars) >= s.total) { // as max_share wants
			return s
		}
	}
}

func draw(seed uint64, r *rand.Rand) Scenario {
	s := Scenario{Seed: seed, powers: make([]uint64, []int{4, 4, 4, 4, 4, 7, 7, 7, 10, 10}[seed%10])}
	for i := range s.powers {
		s.powers[i] = 1 + r.Uint64N([]uint64{1, 3, 10}[r.IntN(3)])
		s.total += s.powers[i]
	}
	if s.Calm = seed/10%8 == 0; s.Calm {
		return s
	}
	s.Beyond = seed/10%5 == 1
	greed := r.IntN(4) > 0 // liars get as much as fits; else some of it, or nothing
	for _, id := range r.Perm(len(s.powers)) {
		more := s.liars | 1<<id
		switch p := 3 * s.power(more); {
		case s.Beyond && p <= 2*s.total && 3*s.power(s.liars) < s.total,
			!s.Beyond && 3*s.power(more|s.forgetful) < s.total && (greed || r.IntN(3) == 0):
			s.liars = more
		case r.IntN(4) == 0 && (s.Beyond || 3*s.power(more|s.forgetful) < s.total):
			s.forgetful |= 1 << id
		}
	}
	s.rewound = s.forgetful & mask(r.IntN(1<<10))
	s.late, s.crash, s.victims = []int{10, 50, 150, 300}[r.IntN(4)], []int{0, 3, 15, 40}[r.IntN(4)], []int{20, 50, 90}[r.IntN(3)]
	s.calmAt = 500 + r.IntN(6000)
	if s.hunts = r.IntN(3) == 0; s.hunts {
		s.late, s.calmAt = 10, 2*s.calmAt
	}
	return s
}

func (s Scenario) String() string {
	text := fmt.Sprintf("seed %d: powers %v", s.Seed, s.powers)
	for id := range s.powers {
		if s.liars.has(id) {
			text += fmt.Sprintf(", v%d lies", id)
		}
	}
	return text
}

// Size is the number of validators.
func (s *Scenario) Size() int { return len(s.powers) }

func (s *Scenario) power(m mask) (sum uint64) {
	for ; m != 0; m &= m - 1 {
		sum += s.powers[bits.TrailingZeros16(uint16(m))]
	}
	return sum
}

func (s *Scenario) isQuorum(m mask) bool { return quorum.Reached(s.power(m), s.total) }

// event is a message to a node, or a timeout of it.
type event struct {
	to, awake int
	message   *message
	timeout   place
}

// plot is how the network, and liars, treat a round.
type plot struct {
	shown, favoured                mask // get the proposal, or the votes, that the others get late
	hidePrevotes, hidePrecommits   bool // from those
	begun, voted                   bool // by the liars
	precommits, conflicting, hides bool // what the liars do, or do not
}

// cast is an honest vote for a block that carries a seal, receipt that it came.
type cast struct {
	from, round int
	block       *block
}

type receipt struct {
	at, to int
	cast
}

// execution is one of a block that was not decided yet: at ExtendVote, or before a
// prevote, where blocks have to name the root that they lead to.
type execution struct {
	by    int
	block *block
	stage step
}

// run is one run of the model, and what happened in it.
type run struct {
	Scenario
	planted        Fault
	rnd            *rand.Rand
	now            int
	agenda         map[int][]event
	nodes          []*node // nil: a liar
	plots          map[place]*plot
	cut            mask // one side of a partition
	cutFrom, cutTo int

	blocks     []*block
	prevotes   []proof // of honest validators
	casts      []cast
	receipts   []receipt
	decisions  [length + 2]map[int]proof // by height and validator
	first      [length + 2]int           // when a height was decided first
	liarVotes  map[message]*block
	caught     [length + 2]mask // liars that voted twice
	executions map[execution]bool
	done       mask // who has precommitted a block above the judged heights
	story      []string
}

func newRun(s Scenario, planted Fault) *run {
	r := &run{
		Scenario: s, planted: planted, rnd: rand.New(rand.NewPCG(s.Seed, 2)), agenda: map[int][]event{}, nodes: make([]*node, len(s.powers)),
		plots: map[place]*plot{}, liarVotes: map[message]*block{}, executions: map[execution]bool{},
	}
	if !s.Calm && r.rnd.IntN(2) == 0 {
		r.cut, r.cutFrom = r.some(), r.rnd.IntN(s.calmAt)
		r.cutTo = r.cutFrom + r.rnd.IntN(1500)
	}
	for id := range s.powers {
		if !s.liars.has(id) {
			r.nodes[id] = &node{
				run: r, state: begin(1), id: id, commits: make([]proof, 1), tallies: map[place]*tally{}, proposals: map[place]*message{},
			}
			r.nodes[id].timer(newHeight, timeoutCommit)
		}
	}
	return r
}

// some is a random set of validators.
func (r *run) some() mask { return mask(r.rnd.IntN(1 << len(r.powers))) }

// play runs until every honest validator has precommitted a block above the judged
// heights. It says no if that takes too long.
func (r *run) play() bool {
	for ; r.now < r.calmAt+patience; r.now++ {
		for i := 0; i < len(r.agenda[r.now]); i++ { // what happens may add to it
			r.happens(r.agenda[r.now][i])
		}
		delete(r.agenda, r.now)
		if r.done|r.liars == 1<<len(r.powers)-1 {
			return true
		}
	}
	return false
}

func (r *run) happens(e event) {
	n := r.nodes[e.to]
	if n.wakes > 0 && n.wakes <= r.now {
		n.wake()
	}
	switch {
	case e.message == nil && e.awake == n.awake && n.wakes == 0:
		n.timeout(e.timeout.height, e.timeout.round, e.timeout.kind)
	case e.message != nil && n.wakes > 0: // peers tell it again
		r.in(n.wakes-r.now+1+r.rnd.IntN(8), e)
	case e.message != nil:
		if m := e.message; m.kind == precommit && m.block != nil && !r.liars.has(m.from) {
			r.receipts = append(r.receipts, receipt{r.now, e.to, cast{m.from, m.round, m.block}})
		}
		n.receive(*e.message)
	}
}

func (r *run) in(ticks int, e event) { r.agenda[r.now+ticks] = append(r.agenda[r.now+ticks], e) }

func (n *node) timer(at step, ticks int) {
	n.in(ticks, event{to: n.id, awake: n.awake, timeout: place{n.height, n.round, at}})
}

// trouble says whether things may go wrong now.
func (r *run) trouble() bool { return !r.Calm && r.now < r.calmAt && r.first[judged] == 0 }

// proposer takes turns by power, each round by a throw of its own.
func (r *run) proposer(height, round int) int {
	turn := rand.New(rand.NewPCG(r.Seed, uint64(height)<<16|uint64(round)|1<<60)).Uint64N(r.total) //nolint:gosec // not negative
	for id, p := range r.powers {
		if turn < p {
			return id
		}
		turn -= p
	}
	panic("unreachable")
}

func (r *run) newBlock(height, lastRound int) *block {
	b := &block{height: height, number: len(r.blocks) + 1, content: r.rnd.IntN(4), lastRound: lastRound}
	r.blocks = append(r.blocks, b)
	return b
}

// broadcast sends what an honest validator says, and writes it down.
func (r *run) broadcast(m message) {
	r.witness(m)
	for to, n := range r.nodes {
		if n != nil {
			r.in(r.delay(&m, to), event{to: to, message: &m})
		}
	}
	if m.kind == propose {
		r.liarsVote(m.height, m.round, m.block, nil)
	}
}

func (r *run) witness(m message) {
	what := map[step]string{propose: "proposes", prevote: "prevotes", precommit: "precommits"}[m.kind]
	if what != "" {
		r.note("height %d round %d: v%d %s %s", m.height, m.round, m.from, what, m.block)
	}
	if m.block == nil {
		return
	}
	if m.kind == prevote {
		r.prevotes = append(r.prevotes, proof{m.round, m.block, 1 << m.from})
	}
	if m.kind == precommit && r.planted != AtPrevote || m.kind == prevote && r.planted == AtPrevote {
		r.casts = append(r.casts, cast{m.from, m.round, m.block})
	}
	if m.kind == precommit && m.height > judged {
		r.done |= 1 << m.from
	}
}

// note tells the story.
func (r *run) note(format string, args ...any) {
	r.story = append(r.story, fmt.Sprintf("%6.2f s  ", float64(r.now)/100)+fmt.Sprintf(format, args...))
}

// delay is how long a message takes. None is lost for ever, for CometBFT repeats
// what a peer lacks; that may come too late.
func (r *run) delay(m *message, to int) int {
	d := 2 + r.rnd.IntN(7)
	if to == m.from {
		return 0
	}
	if m.kind == newHeight {
		d += 10 // who is behind asks for it first
	}
	if !r.trouble() {
		return d
	}
	p := r.plot(m.height, m.round)
	hidden := m.kind == propose && !p.shown.has(to) ||
		(m.kind == prevote && p.hidePrevotes || m.kind == precommit && p.hidePrecommits) && !p.favoured.has(to)
	if r.rnd.IntN(1000) < r.late || hidden && r.rnd.IntN(10) > 0 {
		d += 100 + r.rnd.IntN(500)
	}
	if r.now >= r.cutFrom && r.now < r.cutTo && r.cut.has(to) != r.cut.has(m.from) {
		d += r.cutTo - r.now
	}
	return min(d, max(8, r.calmAt-r.now))
}

func (r *run) plot(height, round int) *plot {
	at := place{height: height, round: round}
	p := r.plots[at]
	if p == nil {
		victim := func() bool { return r.rnd.IntN(100) < r.victims }
		p = &plot{shown: 1<<len(r.powers) - 1, favoured: r.some(), hidePrevotes: victim(), hidePrecommits: victim()}
		if r.rnd.IntN(100*100) < r.victims*r.victims {
			p.shown = r.some()
		}
		p.precommits, p.conflicting, p.hides = r.rnd.IntN(5) == 0, r.rnd.IntN(5) == 0, r.rnd.IntN(4) == 0
		if r.hunts {
			r.hunt(p)
		}
		r.plots[at] = p
	}
	return p
}

// hunt shows the proposal to just as many as make a polka together with the liars, and
// the polka to one of them.
func (r *run) hunt(p *plot) {
	p.shown, p.hidePrevotes, p.hides = 0, false, false
	for _, id := range r.rnd.Perm(len(r.powers)) {
		if r.nodes[id] != nil && !r.isQuorum(p.shown|r.liars) {
			p.shown |= 1 << id
			p.favoured = 1 << id
		}
	}
	if !r.Beyond {
		p.precommits, p.conflicting = false, true
	}
}

// dies says whether the process ends, after it has written what it signs, before it
// sends it or just then.
func (n *node) dies() bool {
	if !n.trouble() || n.wakes > 0 || n.rnd.IntN(1000) >= n.crash {
		return false
	}
	ticks := 20 + n.rnd.IntN(600)
	n.wakes, n.awake = n.now+ticks, n.awake+1
	n.in(ticks, event{to: n.id, awake: n.awake})
	n.note("v%d dies", n.id)
	return true
}

// wake is a restart: CometBFT's WAL brings back all that was, and if it is lost only
// what privval wrote is left. Peers tell the votes again.
func (n *node) wake() {
	unsent := n.unsent
	n.wakes, n.unsent = 0, nil
	if !n.forgetful.has(n.id) {
		for _, m := range unsent {
			n.broadcast(m)
		}
		n.timer(n.step, timeoutVote)
		if n.waits {
			n.timer(precommitWait, timeoutVote)
		}
		return
	}
	n.note("v%d is back without its WAL", n.id)
	height, rounds := n.height, n.round
	n.state = begin(height)
	if n.rewound.has(n.id) {
		n.last = message{}
	}
	n.enterRound(0)
	for round := 0; round <= rounds && n.height == height; round++ {
		n.onPrevotes(round)
		if n.height == height {
			n.onPrecommits(round)
		}
	}
}
