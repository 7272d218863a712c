package simnet

import (
	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// What a validator has been through, for the rare states.
const (
	wasJailed int8 = iota
	hasLeft
)

func (reg *registry) note(id types.ValidatorID, what int8) {
	if reg.seen[id] == nil {
		reg.seen[id] = map[int8]bool{}
	}
	reg.seen[id][what] = true
}

// trusted says whether a validator was honest all the time.
func (r *run) trusted(id types.ValidatorID) bool {
	n := r.nodeOf(id)
	return n != nil && !n.liar && !n.reformed
}

// struck holds that only liars, or a chain that has broken its word, bring a
// strike about.
func (r *run) struck(a map[string]string) {
	r.rare("a strike")
	if id := idFrom(a); r.trusted(id) && !r.world.chain(types.ChainID(number64(a["chain"]))).broken {
		r.broken("punishment", "%s has a strike, and is honest: %v", r.nodeOf(id).Moniker, a)
	}
}

// judged holds that nobody is punished who did its duties.
func (r *run) judged(a map[string]string) {
	id := idFrom(a)
	trusted, what := r.trusted(id), a["status"]+" for "+a["reason"]
	switch {
	case a["status"] == types.ValidatorTombstoned.String():
		r.rare("banned: " + a["reason"])
		if r.registry.handover != 0 {
			r.rare("a ban during a handover")
		}
		if trusted {
			r.broken("punishment", "%s is %s, and honest", r.nodeOf(id).Moniker, what)
		}
		r.forgetOperator(r.nodeOf(id))
	case a["status"] == types.ValidatorJailed.String():
		r.rare("jailed: " + a["reason"])
		r.registry.note(id, wasJailed)
		if trusted && (a["reason"] == "absent" && r.scenario.diligent() || a["reason"] == "conflicting" && !r.someLoss()) {
			r.broken("punishment", "%s is %s, and honest", r.nodeOf(id).Moniker, what)
		}
	default:
		r.trace("%s is %s", id, what)
	}
}

// cameOrWent follows who enters and leaves the set, and who is forgotten.
func (r *run) cameOrWent(event string, a map[string]string) {
	id := idFrom(a)
	n, seen := r.nodeOf(id), r.registry.seen[id]
	r.trace("%s: %s", event, n.Moniker)
	switch event {
	case "validator_entered":
		r.rare("a validator joins")
		if seen[wasJailed] {
			r.rare("a validator returns after its jail")
		}
		if seen[hasLeft] {
			r.rare("a validator that had left is back")
		}
	case "validator_left":
		r.rare("a validator leaves")
		r.registry.note(id, hasLeft)
		r.gone = append(r.gone, id)
	case "validator_forgotten":
		r.rare("a validator is forgotten")
		r.forgetOperator(n)
	}
}

// answer notes an answer that the network has taken: it has to be a member's.
func (r *run) answer(proposal uint64, operator types.Address, yes bool) {
	reg := r.registry
	if reg.powerOf(operator) == 0 {
		r.broken("strangers", "the answer of %s to proposal %d is taken, and it has no power", operator, proposal)
	}
	if reg.answers[proposal] == nil {
		reg.answers[proposal] = map[types.Address]bool{}
	}
	reg.answers[proposal][operator] = yes
}

// handAnswers lets an operator's answers count as those of the key that it has
// handed its validator to.
func (reg *registry) handAnswers(from, to types.Address) {
	for _, answers := range reg.answers {
		if yes, answered := answers[from]; answered {
			delete(answers, from)
			answers[to] = yes
		}
	}
}

// hasOperator says whether a validator that is known has this operator.
func (reg *registry) hasOperator(operator types.Address) bool {
	for _, v := range reg.known {
		if v.Operator == operator {
			return true
		}
	}
	return false
}

// powerOf is what an operator has to say in the epoch.
func (reg *registry) powerOf(operator types.Address) uint64 {
	for id, power := range reg.powers {
		if reg.known[id].Operator == operator {
			return power
		}
	}
	return 0
}

// tallied reckons a decision again.
func (r *run) tallied(a map[string]string) {
	reg, id := r.registry, number64(a["proposal"])
	var yes, no uint64
	for operator, said := range reg.answers[id] {
		if power := reg.powerOf(operator); said {
			yes += power
		} else {
			no += power
		}
	}
	total := sum(reg.powers)
	passes, fails := 3*yes > 2*total, 3*(total-no) <= 2*total
	want := map[string]bool{"applied": passes, "failed": passes, "rejected": fails, "expired": !passes && !fails}
	if !want[a["status"]] {
		r.broken("strangers", "proposal %d is %s: a power of %d said yes, %d said no, of %d", id, a["status"], yes, no, total)
	}
	delete(reg.answers, id)
	delete(r.operators.open, id)
	r.stats.Checks++
}

// reported holds that a report bans if it is true and shows it, and only then.
func (r *run) reported(report types.ReportSignature, code uint32) {
	reg := r.registry
	id := r.forgers[report.Root] // zero for a seal that was made
	v, known := reg.known[id]
	height := int64(report.Height)
	low, high := r.answered()
	forged := known && v.Status != types.ValidatorTombstoned && height >= low
	needed, shown := r.witnessed[report.Signature], r.proves(report.Witness, report.Height, r.height)
	switch {
	case code == 0 && !forged:
		r.broken("ban", "the report of a seal of height %d bans, and proves nothing", height)
	case code == 0 && needed && !shown:
		r.broken("ban", "the report of a pruned seal of height %d bans by a false witness", height)
	case code == 0:
		if needed {
			r.rare("a ban by a witness")
		}
		v.Status = types.ValidatorTombstoned
		reg.known[id] = v
	case forged && height >= high && (shown || !r.forgets(report.Height)):
		r.broken("ban", "the report of a forged seal of height %d by %s is refused with code %d", height, v.Moniker, code)
	case forged && height >= high:
		r.rare("a witness is outdated")
	}
	r.stats.Checks++
}

// said is who has named a mark since it is in the set, by chain and nonce.
type said map[types.ChainID]map[uint64]map[types.Hash]map[types.ValidatorID]bool

func (s said) forget(id types.ValidatorID) {
	for _, nonces := range s {
		for _, hashes := range nonces {
			for _, who := range hashes {
				delete(who, id)
			}
		}
	}
}

// spoken notes the marks that a block brings from members of the epoch.
func (r *run) spoken(b *block) {
	if r.scenario.Rates[FaultChurn] == 0 || len(b.process.Txs) == 0 || len(b.process.Txs[0]) < systemFrame {
		return
	}
	message := &bridgepb.SystemTx{}
	seats := r.setOf(b.process.Height - 1).seats
	if proto.Unmarshal(b.process.Txs[0][systemFrame:], message) != nil || len(message.Slots) != len(b.process.ProposedLastCommit.Votes) || b.process.Height == 1 {
		return
	}
	for i, slot := range message.Slots {
		n := seats[i].node
		if len(slot.Extension) == 0 || r.registry.counted[n.id] == 0 ||
			!r.memo.verifyExtension(n.ConsensusKey, b.process.Height-1, b.process.ProposedLastCommit.Round, slot.Extension, slot.Signature) {
			continue
		}
		vote, err := bridge.DecodeVote(slot.Extension)
		if err != nil {
			continue
		}
		for _, c := range vote.Chains {
			for _, m := range c.Marks {
				r.said.add(c.Chain, m, n.id)
			}
		}
	}
}

func (s said) add(chain types.ChainID, m types.Mark, id types.ValidatorID) {
	if s[chain] == nil {
		s[chain] = map[uint64]map[types.Hash]map[types.ValidatorID]bool{}
	}
	if s[chain][m.Nonce] == nil {
		s[chain][m.Nonce] = map[types.Hash]map[types.ValidatorID]bool{}
	}
	if s[chain][m.Nonce][m.Hash] == nil {
		s[chain][m.Nonce][m.Hash] = map[types.ValidatorID]bool{}
	}
	s[chain][m.Nonce][m.Hash][id] = true
}

// moved holds that members with more than 2/3 of the power have named the mark
// that a cursor has come to.
func (r *run) moved(before, now bridge.ChainState) {
	if now.Cursor == before.Cursor || r.scenario.Rates[FaultChurn] == 0 {
		return
	}
	var power uint64
	for id := range r.said[now.ID][now.Cursor][now.CursorHash] {
		power += r.registry.counted[id]
	}
	if total := sum(r.registry.counted); 3*power <= 2*total {
		r.broken("strangers", "event %d of chain %s was applied, and only %d of a power of %d has named it", now.Cursor, now.Label, power, total)
	}
	for nonce := range r.said[now.ID] {
		if nonce < now.Cursor {
			delete(r.said[now.ID], nonce)
		}
	}
	r.stats.Checks++
}
