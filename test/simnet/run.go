package simnet

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Break is something that must never be.
type Break struct {
	Invariant string // I1 to I7, or what else was expected
	Height    int64
	Text      string
}

// String is one line.
func (b Break) String() string {
	return fmt.Sprintf("height %d: %s: %s", b.Height, b.Invariant, b.Text)
}

// Result is the outcome of a run.
type Result struct {
	Stats Stats
	Break *Break   // nil if everything held
	Trace []string // what happened last
	// AppHash is that of the last block: it tells two runs apart.
	AppHash []byte
}

// run is one network being simulated, on one goroutine.
type run struct {
	scenario Scenario
	dice     *dice
	memo     *memo
	stats    Stats
	lines    []string // trace
	noted    *Break   // found where a panic would be caught

	genesis  types.Genesis
	init     *abci.RequestInitChain
	world    *world
	added    *types.Chain // by governance
	nodes    []*node
	sets     []*consensusSet // ascending
	registry *registry
	said     said
	gone     []types.ValidatorID              // that have left in the newest block
	forgers  map[types.Hash]types.ValidatorID // of seals, by root
	// witnessed is the signatures that were reported with a witness.
	witnessed map[types.Signature]bool
	reports   []delayed
	// listener judges what honest processes make at heights at which not all do.
	listener *node
	ending   bool // no more faults
	calm     bool // none until the next block

	seals     seals
	decided   int64 // when a proposal was decided last
	mute      int64 // until this height nobody signs
	height    int64
	at        time.Time
	blocks    []*block
	lastVotes []precommit
	lastRound int32
	operators *operators
	limits    *limits
	timeline  *timeline
	mayPause  map[types.ChainID]bool // there was a reason for it
	// quarantineOf is the transfers in quarantine, by record.
	quarantineOf map[uint64]types.TransferID
	agreed       []bridge.ChainState                 // chains, by the newest state
	positions    map[types.ChainID]bridge.ChainState // the same
	keep         int64                               // versions that stores keep; 0: all
}

// Run simulates a scenario.
func Run(s Scenario) (result Result) {
	r := &run{
		scenario: s, dice: newDice(s.Seed), memo: newMemo(), at: time.Unix(1_800_000_000, 0).UTC(),
		positions: map[types.ChainID]bridge.ChainState{}, operators: newOperators(), timeline: newTimeline(),
		mayPause: map[types.ChainID]bool{}, quarantineOf: map[uint64]types.TransferID{},
		said: said{}, forgers: map[types.Hash]types.ValidatorID{}, witnessed: map[types.Signature]bool{},
		seals: seals{open: map[uint64]uint64{}, roots: map[uint64]sealed{}},
		stats: Stats{Seeds: 1, Faults: map[Fault]int64{}, Rare: map[string]int64{}},
	}
	defer func() {
		result.Stats = r.stats
		result.Stats.Blocks, result.Trace = r.height, r.lines
		if n := len(r.blocks); n > 0 && r.blocks[n-1].result != nil {
			result.AppHash = r.blocks[n-1].result.AppHash
		}
		if cause := recover(); cause != nil {
			b, ours := cause.(Break)
			if !ours { // a process that panics is one that stands still
				b = Break{"panic", r.height, fmt.Sprintf("%v\n%s", cause, debug.Stack())}
			}
			result.Break = &b
		}
	}()
	r.begin()
	for range s.Blocks {
		r.users()
		r.block()
	}
	r.end()
	return result
}

// broken ends the run with a break.
func (r *run) broken(invariant, format string, args ...any) {
	panic(Break{invariant, r.height, fmt.Sprintf(format, args...)})
}

// note is broken for places where a panic would be caught: the run ends with
// the block.
func (r *run) note(invariant, format string, args ...any) {
	if r.noted == nil {
		r.noted = &Break{invariant, r.height, fmt.Sprintf(format, args...)}
	}
}

// traceLines is how many lines of a trace are kept.
const traceLines = 60

func (r *run) trace(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf("height %d: ", r.height)+fmt.Sprintf(format, args...))
	if len(r.lines) > traceLines {
		r.lines = r.lines[1:]
	}
}

// rate is how often a fault happens now.
func (r *run) rate(f Fault) int {
	if r.ending || r.calm {
		return 0
	}
	return r.scenario.Rates[f]
}

// begin makes the network and its world.
func (r *run) begin() {
	var members []*member
	for i, power := range r.scenario.Powers {
		members = append(members, newMember(i, power))
	}
	rnd := r.dice.of("world")
	if rnd.IntN(4) == 0 { // pruning takes time
		r.keep = 1 + rnd.Int64N(5)
	}
	r.genesis = drawGenesis(r.scenario, rnd, members)
	r.world = newWorld(r.scenario, &r.genesis, rnd)
	r.limits = newLimits(r.world.assets)
	state, err := json.Marshal(r.genesis)
	if err != nil {
		r.broken("genesis", "%v", err)
	}
	r.init = &abci.RequestInitChain{
		ChainId: chainID, InitialHeight: 1, AppStateBytes: state, ConsensusParams: &cmtproto.ConsensusParams{
			Block:     &cmtproto.BlockParams{MaxBytes: 8 << 20, MaxGas: -1},
			Evidence:  &cmtproto.EvidenceParams{MaxBytes: 1 << 20},
			Abci:      &cmtproto.ABCIParams{VoteExtensionsEnableHeight: 1},
			Validator: &cmtproto.ValidatorParams{PubKeyTypes: []string{"ed25519"}},
		},
	}
	var seats []seat
	for i, m := range members {
		n := r.newNode(m, r.scenario.Liars[i])
		n.start()
		seats = append(seats, seat{n, uint64(m.Power)})
	}
	r.sets = []*consensusSet{newConsensusSet(0, seats)}
	r.standbys()
	r.registry = newRegistry(r.genesis)
}

func (r *run) newNode(m *member, liar bool) *node {
	operator := *m // which adopt leaves alone
	n := &node{
		member: m, keys: []*member{m}, operators: []*member{&operator}, run: r, index: len(r.nodes), liar: liar, db: newMemory(), signed: map[uint64]types.Hash{},
	}
	r.nodes = append(r.nodes, n)
	return n
}

// block is one block of the network, and what the world does meanwhile.
func (r *run) block() {
	r.wake()
	r.tick()
	r.claims()
	r.govern()
	r.churn()
	r.connect()
	if r.height > r.mute && r.fails("mute", FaultMute) {
		r.mute = r.height + int64(r.dice.between("mute", 3, 15))
	}
	for _, n := range r.nodes {
		if n.up() {
			n.work()
		}
	}
	step := r.handoverStep()
	inHandover := step != "" && r.rate(FaultBlackout) > 0 && r.dice.chance("blackout in a handover", 80)
	if r.fails("blackout", FaultBlackout) || inHandover {
		r.rare("all processes die at once")
		if step != "" {
			r.rare("all processes die " + step)
		}
		for _, n := range r.nodes {
			if n.up() {
				n.crash(0, "with all others")
			}
		}
		r.wake()
	}
	b, votes, round := r.decide()
	r.apply(b, votes, round)
	r.revive()
	r.follow(b)
	r.check()
	r.asWished() // knows of chains by the newest state
	r.tell(b.result.Events)
	r.relay()
	if r.noted != nil {
		panic(*r.noted)
	}
}

// wake starts the processes whose time has come.
func (r *run) wake() {
	for _, n := range r.nodes {
		if n.up() || n.off {
			continue
		}
		if n.down--; n.down <= 0 {
			n.start()
			n.catchUp()
		}
	}
}

// heal starts all processes: without more than 2/3 there would be no block.
func (r *run) heal() {
	for _, n := range r.nodes {
		if !n.up() {
			n.down = 1 // if it is to run
		}
	}
	r.wake()
}

// dies throws for a crash at this point, and says whether it came.
func (n *node) dies(where string) bool {
	r := n.run
	if !r.dice.chance("crash "+where, r.rate(FaultCrash)/3) {
		return false
	}
	n.crash(r.dice.between("down", 0, 12), where)
	return true
}

// settleBlocks is within how many blocks all has to settle once the faults have
// stopped, besides the longest expiry, one for each transfer that is on its way
// then, and recordBlocks for each record in quarantine; and for how many, besides
// that expiry, nothing at all may move.
const settleBlocks = 60

// recordBlocks is what it takes to decide about one record: an operator may have
// four proposals open, and tries again with those that were too many.
const recordBlocks = again/4 + 1

// end stops the faults and waits for every deposit to come to its end. Liars
// beyond 1/3 become honest: otherwise nothing need ever end.
func (r *run) end() {
	r.ending, r.mute = true, 0
	r.heal()
	for _, c := range r.world.chains {
		c.stalled, c.forgery = 0, nil
	}
	r.operators.tried = map[string]int64{}
	for _, n := range r.nodes {
		if n.liar && !n.off { // it is given other endpoints
			n.crash(0, "to be repaired")
		}
		n.mute, n.deaf = 0, 0
	}
	_, begun := r.unsettled()
	resolved := r.stats.Rare["quarantine resolved"]
	still, last := 0, uint64(0) // blocks without any progress
	for blocks := 0; ; blocks++ {
		missing, _ := r.unsettled()
		if missing == "" {
			break
		}
		still++
		if now := r.progress(); now != last {
			still, last = 0, now
		}
		records := len(r.operators.records) + int(r.stats.Rare["quarantine resolved"]-resolved)
		if blocks >= settleBlocks+maxExpiry+begun+recordBlocks*records || still == settleBlocks+maxExpiry {
			if r.shortOfCustody() {
				r.rare("an asset short of custody")
				break
			}
			r.broken("I7", "%d blocks after the last fault, %s %s", blocks, missing, r.explain())
		}
		r.block()
	}
	r.settled()
}

// progress grows with everything that brings a transfer nearer to its end.
func (r *run) progress() (sum uint64) {
	sum = uint64(r.stats.Rare["quarantine resolved"]) + r.registry.epoch
	for _, s := range r.agreed {
		sum += s.Cursor + s.Executed + uint64(s.NextItem)
	}
	for _, t := range r.world.transfers {
		if r.ended(t) {
			sum++
		}
	}
	return sum
}

// settled is the last look at a run.
func (r *run) settled() {
	for _, s := range r.agreed {
		if s.Paused != bridge.PauseNone {
			r.rare("paused until the end")
		}
	}
	audited := map[*store.Store]bool{}
	for _, n := range r.nodes {
		if n.up() && !audited[n.store] {
			audited[n.store] = true
			n.view(func(state bridge.Reader) error { return r.audit(n, state) })
		}
	}
	r.handedOver()
}
