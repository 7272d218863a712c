package simnet

import (
	"fmt"
	"math/rand/v2"
	"slices"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// standbys are nodes that are no validators yet. Few run from the beginning, the
// others come with the state of another.
func (r *run) standbys() {
	if r.scenario.Rates[FaultChurn] == 0 {
		return
	}
	rnd := r.dice.of("standbys")
	for range 2 + rnd.IntN(4) {
		n := r.newNode(newMember(len(r.nodes), 5+rnd.Uint32N(60)), rnd.IntN(3) == 0)
		if n.off = rnd.IntN(4) > 0; !n.off {
			n.start()
		}
	}
}

// running is the nodes that somebody wants to run.
func (r *run) running() []*node {
	return slices.DeleteFunc(slices.Clone(r.nodes), func(n *node) bool { return n.off })
}

// churn lets validators come and go.
func (r *run) churn() {
	r.unjail()
	r.switchOff()
	if r.fails("churn", FaultChurn) {
		r.change()
	}
	if r.fails("absent", FaultAbsent) {
		r.absence()
	}
	if r.fails("report", FaultReport) {
		r.report()
	}
	r.sendReports()
}

// change is something that operators or governance want of a validator.
func (r *run) change() {
	rnd := r.dice.of("change")
	if first := r.nodes[rnd.IntN(r.scenario.Validators)]; r.scenario.Seed%4 == 0 && rnd.IntN(2) == 0 { // all are to be replaced
		r.join()
		if r.mayLose() {
			r.sendTx(first, types.Tx{Leave: &types.Leave{}})
		}
		return
	}
	n := pick(rnd, r.nodes)
	view, known := r.registry.known[n.id]
	switch rnd.IntN(14) {
	case 0, 1, 2, 3:
		r.join()
	case 4, 5:
		if known && r.mayLose() {
			r.sendTx(n, types.Tx{Leave: &types.Leave{}})
		}
	case 6, 7:
		r.rotate(n)
	case 8:
		fresh := n.with("operator", int(r.height))
		n.operators = append(n.operators, fresh)
		r.sendTx(n, types.Tx{ChangeOperator: &types.ChangeOperator{Operator: fresh.Operator, Signature: fresh.registration().OperatorSignature}})
	case 9, 10:
		if known {
			r.submit("power "+n.Moniker, types.Content{SetPower: &types.SetPower{Validator: n.id, Power: 5 + rnd.Uint32N(70)}})
		}
	case 11:
		if known && r.mayLose() {
			r.submit("remove "+n.Moniker, types.Content{RemoveValidator: &types.RemoveValidator{Validator: n.id}})
		}
	case 12:
		r.changeRules()
	case 13:
		r.sendTx(n, types.Tx{Edit: &types.EditValidator{Moniker: fmt.Sprintf("validator-%d at %d", n.index, r.height)}})
		if view.Status != types.ValidatorJailed {
			r.sendTx(n, types.Tx{Unjail: &types.Unjail{}}) // is refused
		}
	}
}

// mayLose says whether enough validators are active to do without one.
func (r *run) mayLose() bool {
	active := 0
	for _, v := range r.registry.known {
		if v.InSet && v.Status == types.ValidatorActive {
			active++
		}
	}
	return active > 3
}

// changeRules proposes other rules for validators.
func (r *run) changeRules() {
	rnd := r.dice.of("rules")
	p, now := r.registry.params, r.registry.params
	drawEpochs(rnd, r.scenario, &p)
	p.MaxValidators = 3 + rnd.Uint32N(10)
	table := slices.DeleteFunc(types.ParamTable(), func(row types.Param) bool { return row.Get(p) == row.Get(now) })
	rnd.Shuffle(len(table), func(i, j int) { table[i], table[j] = table[j], table[i] })
	changes := &types.ParamChanges{}
	for _, row := range table[:min(len(table), 1+rnd.IntN(4))] {
		changes.Changes = append(changes.Changes, types.ParamChange{Name: row.Name, Value: row.Get(p)})
	}
	if len(changes.Changes) > 0 {
		r.submit("rules", types.Content{Params: changes})
	}
}

// join has a node that is no validator, or no more, ask to be one.
func (r *run) join() {
	rnd := r.dice.of("join")
	waiting := slices.DeleteFunc(slices.Clone(r.nodes), func(n *node) bool {
		v, known := r.registry.known[n.id]
		return known && (v.Status != types.ValidatorLeaving || v.InSet)
	})
	if len(waiting) == 0 {
		return
	}
	n := pick(rnd, waiting)
	if n.off && !r.arrive(n) {
		return
	}
	n.wants = r.height
	r.submit("admit "+n.Moniker, types.Content{AdmitValidator: &types.AdmitValidator{Registration: n.registration(), Power: 5 + rnd.Uint32N(60)}})
}

// arrive starts a node with the state of another, or with the one that it had.
func (r *run) arrive(n *node) bool {
	donor := r.anybody()
	if donor == nil {
		return false
	}
	const replays = 20 // blocks that it rather applies itself
	if n.height < r.height-replays {
		n.db = donor.db.clone()
		r.rare("a state is copied")
		if r.registry.handover != 0 {
			r.rare("a state is copied during a handover")
		}
	}
	n.off = false
	n.start()
	n.catchUp()
	return true
}

// switchOff ends processes that nobody needs any more.
func (r *run) switchOff() {
	const patience = 40 // blocks for which a node waits to be admitted
	for _, n := range r.nodes {
		v, known := r.registry.known[n.id]
		needed := known && v.Status != types.ValidatorLeaving && v.Status != types.ValidatorTombstoned || v.InSet || r.votes(n)
		if needed || !n.up() || n.wants+patience > r.height || !r.dice.chance("switch off", 200) {
			continue
		}
		n.off, n.height = true, n.app.Height()
		n.stop()
	}
}

// rotate gives a validator a fresh signer, which its node has from now on.
func (r *run) rotate(n *node) {
	const most = 6
	if _, known := r.registry.known[n.id]; !known || len(n.keys) >= most {
		return
	}
	fresh := n.with("signer", int(r.height))
	n.keys = append(n.keys, fresh)
	r.sendTx(n, types.Tx{Rotate: &types.RotateSigner{Signer: fresh.Signer, Signature: fresh.registration().SignerSignature}})
}

// adopt takes over what the network says of a validator's keys. Signers from
// before the last one are of no use any more.
func (n *node) adopt(v bridge.ValidatorView) {
	at := slices.IndexFunc(n.keys, func(m *member) bool { return m.Signer == v.Signer })
	if at < 0 || !slices.ContainsFunc(n.operators, func(m *member) bool { return m.Operator == v.Operator }) {
		n.run.broken("keys", "%s has the signer %s and the operator %s, which are not its own", n.Moniker, v.Signer, v.Operator)
	}
	if n.keys[at] != n.member {
		n.run.rare("a signer rotates")
		n.keys = n.keys[max(0, at-1):]
		at = min(at, 1)
	}
	n.member = n.keys[at]
	operator := n.operators[slices.IndexFunc(n.operators, func(m *member) bool { return m.Operator == v.Operator })]
	for _, keys := range n.keys {
		keys.Moniker, keys.Operator, keys.operator = v.Moniker, v.Operator, operator.operator
	}
}

// keysOf is the keys with a signer that a node has, or nil.
func (n *node) keysOf(signer types.Address) *member {
	for _, keys := range n.keys {
		if keys.Signer == signer {
			return keys
		}
	}
	return nil
}

// absence takes one validator away for long: its process, its observers, or its
// signer.
func (r *run) absence() {
	rnd := r.dice.of("absent")
	set := r.setOf(r.height + 1)
	n := pick(rnd, set.seats).node
	var away uint64
	for _, s := range set.seats {
		if s.node == n || !s.node.up() || max(s.node.mute, s.node.deaf) > r.height {
			away += s.power
		}
	}
	if !n.up() || 3*away >= set.power && rnd.IntN(8) > 0 {
		return
	}
	blocks := 10 + rnd.IntN(50)
	switch rnd.IntN(3) {
	case 0:
		n.crash(blocks, "and stays away")
	case 1:
		n.mute = r.height + int64(blocks)
	case 2:
		n.deaf = r.height + int64(blocks)
	}
	r.trace("%s is absent for %d blocks", n.Moniker, blocks)
}

// unjail has operators ask for the return of their validators.
func (r *run) unjail() {
	for _, n := range r.nodes {
		v := r.registry.known[n.id]
		if v.Status != types.ValidatorJailed || v.JailedUntil > uint64(r.height)+1 || v.JailedUntilMS > r.at.UnixMilli() ||
			r.height < n.asked+again || !r.dice.chance("unjail", 300) {
			continue
		}
		n.asked = r.height
		r.sendTx(n, types.Tx{Unjail: &types.Unjail{}})
	}
}

// evidence is what a block proves of liars that have voted twice.
func (r *run) evidence() []abci.Misbehavior {
	if r.height < 3 || !r.fails("evidence", FaultEvidence) {
		return nil
	}
	rnd := r.dice.of("evidence")
	n := pick(rnd, r.nodes)
	if set := r.setOf(r.height); n.liar || n.reformed {
		if at := set.at(n.id); at >= 0 || rnd.IntN(2) == 0 { // what it did before it left counts, too
			r.rare("evidence of two votes")
			return []abci.Misbehavior{{
				Type: abci.MisbehaviorType_DUPLICATE_VOTE, Validator: abci.Validator{Address: n.id[:], Power: 1},
				Height: r.height, Time: r.at, TotalVotingPower: int64(set.power),
			}}
		}
	}
	return nil
}

// drawEpochs draws rules under which validators come and go within a run.
func drawEpochs(r *rand.Rand, s Scenario, p *types.Params) {
	p.EpochBlocks = 5 + r.Uint64N(36)
	p.MaxValidators = uint32(s.Validators) + []uint32{0, 1, 2, 50}[r.IntN(4)]
	p.MaxShare = []uint32{250, 333, 400, 500, 1000}[r.IntN(5)]
	p.MaxGain = 120 + r.Uint32N(214)
	p.MaxStrikes, p.StrikeWindow = 1+r.Uint32N(3), 10+r.Uint64N(60)
	p.DutyBlocks, p.SigGrace = 2+r.Uint64N(5), 1+r.Uint64N(5)
	p.LagBlocks = 21 + r.Uint64N(20) // head_interval is up to 20
	p.MaxMisses, p.MissWindow = 2+r.Uint32N(5), 20+r.Uint64N(100)
	p.JailBlocks, p.JailMS = 1+r.Uint64N(20), r.Uint64N(8000)
	p.UnbondingBlocks, p.UnbondingMS = 10+r.Uint64N(40), r.Uint64N(20_000)
}
