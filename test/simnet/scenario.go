package simnet

import (
	"math/rand/v2"
	"slices"
)

// Fault is a kind of trouble that a run may be given.
type Fault string

// The kinds of trouble. Each can be switched off by its name.
const (
	FaultCrash    Fault = "crash"    // processes die between any two ABCI calls and start again
	FaultBlackout Fault = "blackout" // all processes die at once
	FaultLate     Fault = "late"     // precommits that come after the quorum and that nobody has verified
	FaultMissing  Fault = "missing"  // precommits that a proposer does not have
	FaultRound    Fault = "round"    // rounds that fail, before or after the precommits
	FaultVote     Fault = "vote"     // Byzantine validators bend their extensions
	FaultPropose  Fault = "propose"  // Byzantine proposers bend their blocks
	FaultPower    Fault = "power"    // blocks claim powers that validators do not have
	FaultForge    Fault = "forge"    // all endpoints of some validators show one forged chain
	FaultHide     Fault = "hide"     // endpoints that hide events
	FaultBlind    Fault = "blind"    // proposers that have seen no events
	FaultSlow     Fault = "slow"     // observers and signers that fall behind
	FaultStall    Fault = "stall"    // chains that stop
	FaultReorg    Fault = "reorg"    // chains that reorganise before finality
	FaultRefuse   Fault = "refuse"   // recipients that refuse their payment
	FaultInvalid  Fault = "invalid"  // deposits that cannot be released
	FaultRelay    Fault = "relay"    // relayers that repeat, reorder, cut and forge
	FaultIdle     Fault = "idle"     // relayers that do nothing for a while
	FaultPause    Fault = "pause"    // operators pause a chain
	FaultAlarm    Fault = "alarm"    // Byzantine validators raise alarms
	FaultProposal Fault = "proposal" // terms, limits and parameters change
	FaultTx       Fault = "tx"       // transactions that no block may hold
	FaultDeep     Fault = "deep"     // chains that reorganise past finality
	FaultPrint    Fault = "print"    // somebody prints wrapped tokens
	FaultBurst    Fault = "burst"    // many deposits at once
	FaultMute     Fault = "mute"     // nobody signs for a while
	FaultChurn    Fault = "churn"    // validators come, go, and change keys and powers, in short epochs
	FaultAbsent   Fault = "absent"   // a validator, its observers or its signer are away for long
	FaultEvidence Fault = "evidence" // Byzantine validators are proven to have voted twice
	FaultReport   Fault = "report"   // forged seals are reported, and true ones
)

// Faults is all of them.
var Faults = []Fault{
	FaultCrash, FaultBlackout, FaultLate, FaultMissing, FaultRound, FaultVote, FaultPropose, FaultPower, FaultForge,
	FaultHide, FaultBlind, FaultSlow, FaultStall, FaultReorg, FaultRefuse, FaultInvalid, FaultRelay, FaultIdle,
	FaultPause, FaultAlarm, FaultProposal, FaultTx, FaultDeep, FaultPrint, FaultBurst, FaultMute,
	FaultChurn, FaultAbsent, FaultEvidence, FaultReport,
}

// Scenario is everything that decides a run. The same one gives the same run.
type Scenario struct {
	Seed       uint64
	Blocks     int // with faults; those in which all has to settle come after
	Validators int // 4, 7 or 10
	Powers     []uint32
	Liars      []bool        // by validator: it is Byzantine, or all its endpoints are
	Beyond     bool          // the liars have more than 1/3 of the power, at most 2/3
	Chains     int           // 2 to 4
	Assets     int           // 1 to 3
	Deposits   int           // about so many a block
	Late       bool          // the last chain is added by governance
	Rates      map[Fault]int // per mille, of whatever the fault may happen to
}

// NewScenario draws a scenario.
func NewScenario(seed uint64, blocks int) Scenario {
	d := newDice(seed)
	r := d.of("scenario")
	s := Scenario{
		Seed: seed, Blocks: blocks, Chains: 2 + r.IntN(3), Assets: 1 + r.IntN(3), Deposits: 10 + r.IntN(6),
		Rates: map[Fault]int{}, Beyond: r.IntN(5) == 0, Late: r.IntN(2) == 0,
	}
	switch n := r.IntN(10); {
	case n < 7:
		s.Validators = 4
	case n < 9:
		s.Validators = 7
	default:
		s.Validators = 10
	}
	s.drawPowers(r)
	s.drawRates(r)
	s.drawChurn(r)
	return s
}

// drawPowers draws powers, and who lies: honest validators keep more than 2/3
// of the power, or exactly what makes the difference between > and ≥.
func (s *Scenario) drawPowers(r *rand.Rand) {
	s.Powers, s.Liars = make([]uint32, s.Validators), make([]bool, s.Validators)
	if s.Beyond {
		s.drawColluders(r)
		return
	}
	var total uint32
	for i := range s.Powers {
		s.Powers[i] = 10 + r.Uint32N(30)
		if r.IntN(4) == 0 {
			s.Powers[i] += r.Uint32N(40)
		}
		total += s.Powers[i]
	}
	var lying uint32
	for _, i := range r.Perm(s.Validators) {
		if power := s.Powers[i]; 3*(lying+power) < total {
			lying += power
			s.Liars[i] = true
		}
	}
}

// drawColluders gives the liars a share of the power: exactly 2/3, one unit
// less, or anything above 1/3.
func (s *Scenario) drawColluders(r *rand.Rand) {
	liars := s.Validators - 1 - r.IntN(s.Validators/3)
	for _, i := range r.Perm(s.Validators)[:liars] {
		s.Liars[i] = true
	}
	third := uint32(40 + r.IntN(60))
	shares := [2]uint32{third, 2 * third} // of the honest, of the liars
	switch r.IntN(4) {
	case 0:
		shares = [2]uint32{third + 1, 2*third - 1}
	case 1:
		shares = [2]uint32{third + 1 + r.Uint32N(third), 2 * third}
	}
	for who, share := range shares {
		var members []int
		for i, liar := range s.Liars {
			if liar == (who == 1) {
				members = append(members, i)
			}
		}
		for n, i := range members {
			s.Powers[i] = share / uint32(len(members))
			if n == 0 {
				s.Powers[i] += share % uint32(len(members))
			}
		}
	}
}

// drawChurn has validators come and go in two thirds of the runs, but where the
// powers are the point. In some of these runs all honest validators do their
// duties, so that none of them may be punished.
func (s *Scenario) drawChurn(r *rand.Rand) {
	churn, diligent := []int{20, 40, 40, 80, 150}[r.IntN(5)], r.IntN(3) == 0
	if s.Beyond || r.IntN(6) == 0 { // with those beyond 1/3 a third
		for _, f := range []Fault{FaultChurn, FaultAbsent, FaultEvidence, FaultReport} {
			s.Rates[f] = 0
		}
		return
	}
	s.Rates[FaultChurn] = churn
	for _, f := range hinders {
		if diligent {
			s.Rates[f] = 0
		}
	}
}

// hinders is the faults that keep honest validators from their duties.
var hinders = []Fault{
	FaultCrash, FaultBlackout, FaultLate, FaultMissing, FaultRound, FaultBlind, FaultSlow, FaultHide, FaultMute, FaultAbsent, FaultDeep,
}

// diligent says whether no fault keeps honest validators from their duties.
func (s *Scenario) diligent() bool {
	return !slices.ContainsFunc(hinders, func(f Fault) bool { return s.Rates[f] > 0 })
}

// mostRate is the most of a thousand: what fails more often brings little else.
const mostRate = 400

// drawRates makes some runs calm and some extreme.
func (s *Scenario) drawRates(r *rand.Rand) {
	strength := pick(r, []int{0, 1, 1, 2, 2, 2, 4, 4, 10})
	for _, f := range Faults {
		rate := usualRates[f] * strength
		if strength > 0 && r.IntN(8) == 0 {
			rate *= 5
		}
		if strength > 0 && r.IntN(5) == 0 {
			rate = 0
		}
		s.Rates[f] = min(rate, mostRate)
	}
	if s.Beyond { // what these runs are about
		s.Rates[FaultForge] = max(s.Rates[FaultForge], 100)
	}
}

// usualRates is per mille: of a validator and block, of a round, of a deposit,
// of a chain and block, as the fault has it.
var usualRates = map[Fault]int{
	FaultCrash: 5, FaultBlackout: 1, FaultLate: 30, FaultMissing: 60, FaultRound: 8, FaultVote: 100, FaultPropose: 150,
	FaultPower: 50, FaultForge: 10, FaultHide: 20, FaultBlind: 40, FaultSlow: 60, FaultStall: 5, FaultReorg: 20,
	FaultRefuse: 30, FaultInvalid: 40, FaultRelay: 60, FaultIdle: 10,
	FaultPause: 2, FaultAlarm: 100, FaultProposal: 15, FaultTx: 20, FaultDeep: 2, FaultPrint: 1, FaultBurst: 2, FaultMute: 2,
	FaultAbsent: 5, FaultEvidence: 2, FaultReport: 50,
}
