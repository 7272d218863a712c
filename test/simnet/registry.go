package simnet

import (
	"encoding/json"
	"maps"
	"strconv"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// registry is the validators as the newest state has them, and what the
// simulation holds the network to.
type registry struct {
	known      map[types.ValidatorID]bridge.ValidatorView
	params     types.Params
	loggedFrom int64 // height from which on nodes have logged all seals
	epoch      uint64
	begun      int64                        // block of its begin
	handover   int64                        // block that has begun a handover; 0 for none
	ordered    bool                         // in it, some outbox names the next set
	gain       uint64                       // thousandths that may change hands in it
	wished     map[types.ValidatorID]uint64 // when it began
	settled    bool                         // the set was compared with what is wished, and nothing has changed since
	// powers is the set of the epoch, counted those before the newest block: by
	// them it was tallied.
	powers, counted map[types.ValidatorID]uint64
	banned          map[types.ValidatorID]bool          // when the handover began
	contracts       map[uint64]types.ValidatorSet       // by epoch, as contracts have them
	promised        map[uint64]types.Hash               // of an epoch, by a contract that obeys it already
	replaced        map[types.ValidatorID]bool          // first members that have left
	answers         map[uint64]map[types.Address]bool   // of proposals that are open
	seen            map[types.ValidatorID]map[int8]bool // what a validator has been through
}

func newRegistry(g types.Genesis) *registry {
	set, err := types.SignerSet(g.Validators)
	if err != nil {
		panic(err) // drawn to be good
	}
	reg := &registry{
		known: map[types.ValidatorID]bridge.ValidatorView{}, params: g.Params, epoch: 1, begun: 1, powers: map[types.ValidatorID]uint64{},
		contracts: map[uint64]types.ValidatorSet{1: set}, promised: map[uint64]types.Hash{}, replaced: map[types.ValidatorID]bool{},
		answers: map[uint64]map[types.Address]bool{}, seen: map[types.ValidatorID]map[int8]bool{},
	}
	for _, v := range g.Validators {
		reg.powers[v.ID()] = uint64(v.Power)
		reg.known[v.ID()] = bridge.ValidatorView{Validator: v, ID: v.ID(), Status: types.ValidatorActive, InSet: true, NextPower: v.Power}
	}
	reg.counted = reg.powers
	return reg
}

// seals is what the blocks' events say of seals.
type seals struct {
	open     map[uint64]uint64 // epochs of the incomplete ones, by height
	roots    map[uint64]sealed // of all, by height
	complete int64             // block that completed the last one
}

type sealed struct {
	epoch uint64
	root  types.Hash
}

// signable says whether there may be a seal that takes signatures.
func (r *run) signable() bool {
	return len(r.seals.open) > 0 || r.seals.complete > 0 && r.height <= r.seals.complete+int64(r.registry.params.SigGrace)
}

// follow holds what a block did to validators against the rules.
func (r *run) follow(b *block) {
	reg := r.registry
	r.update(b.process.Height, b.result.ValidatorUpdates)
	reg.counted = reg.powers
	for _, id := range r.gone { // by the last block: it was counted in that one
		r.said.forget(id)
	}
	r.gone = nil
	r.spoken(b)
	r.included(b)
	changed := len(b.process.Misbehavior) > 0 || len(b.result.ValidatorUpdates) > 0
	for _, e := range b.result.Events {
		changed = r.event(e) || changed
	}
	if changed {
		r.refresh()
	}
	for _, m := range b.process.Misbehavior {
		if v, known := reg.known[types.ValidatorID(m.Validator.Address)]; known && v.Status != types.ValidatorTombstoned {
			r.broken("ban", "block %d proves that %s has voted twice, and it is %s", r.height, v.Moniker, v.Status)
		}
	}
}

// event follows one event, and says whether validators have changed.
func (r *run) event(e abci.Event) (changed bool) {
	switch e.Type {
	case "sealed":
		a := attributesOf(e)
		height, epoch := number64(a["height"]), number64(a["epoch"])
		if epoch != r.registry.epoch {
			r.broken("handover", "a seal of epoch %d in epoch %d", epoch, r.registry.epoch)
		}
		var root types.Hash
		_ = root.UnmarshalText([]byte(a["root"])) // written by the machine
		r.seals.open[height], r.seals.roots[height] = epoch, sealed{epoch, root}
	case "seal_complete":
		delete(r.seals.open, number64(attributesOf(e)["height"]))
		r.seals.complete = r.height
	case "command_ordered":
		if r.registry.handover != 0 && attributesOf(e)["kind"] != types.CommandSetValidators.String() {
			r.broken("handover", "a command other than SetValidators is ordered during a handover: %v", attributesOf(e))
		}
		r.registry.ordered = r.registry.handover != 0
	case "handover_begun":
		r.handoverBegun()
		return true
	case "epoch_begun":
		r.epochBegun(number64(attributesOf(e)["epoch"]))
		return true
	case "strike":
		r.struck(attributesOf(e))
	case "validator_status":
		r.judged(attributesOf(e))
		return true
	case "operator_changed", "signer_rotated":
		return true
	case "validator_left", "validator_entered", "validator_forgotten":
		r.cameOrWent(e.Type, attributesOf(e))
		return true
	case "proposal_ended":
		r.tallied(attributesOf(e))
		return true
	}
	return false
}

func attributesOf(e abci.Event) map[string]string {
	all := map[string]string{}
	for _, a := range e.Attributes {
		all[a.Key] = a.Value
	}
	return all
}

func number64(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(err) // written by the machine
	}
	return n
}

func idFrom(a map[string]string) (id types.ValidatorID) {
	if err := id.UnmarshalText([]byte(a["validator"])); err != nil {
		panic(err) // written by the machine
	}
	return id
}

// handoverStep says where in the handover to the next set, or to that of the
// newest epoch, the network is; nothing if that is over.
func (r *run) handoverStep() string {
	reg := r.registry
	switch {
	case reg.handover != 0 && !reg.ordered:
		return "before the next set is ordered"
	case reg.handover != 0:
		return "before the next set is signed"
	case reg.epoch == 1:
		return ""
	case r.height < reg.begun+1: // the set of a block is in force two heights later
		return "before consensus has the next set"
	}
	for _, c := range r.agreed {
		if model := r.world.chain(c.ID); model != nil && model.State().Epoch < reg.epoch && c.Refused == "" {
			return "before a contract has the next set"
		}
	}
	return ""
}

func (r *run) handoverBegun() {
	reg := r.registry
	reg.handover, reg.ordered, reg.banned, reg.settled = r.height, false, map[types.ValidatorID]bool{}, false
	r.rare("a handover")
	for _, s := range r.agreed {
		c := r.world.chain(s.ID)
		if s.OpenBatches > 0 {
			r.rare("a handover while a batch waits")
		}
		if c.stalled > 0 {
			r.rare("a handover while a chain stalls")
		}
		if s.Paused != bridge.PauseNone {
			r.rare("a handover while a chain is paused")
		}
	}
	if r.mute > r.height {
		r.rare("a handover while nobody signs")
	}
	for _, s := range r.setOf(r.height).seats {
		if !s.node.up() || s.node.mute > r.height {
			r.rare("a handover with a member that signs nothing")
			break
		}
	}
}

// epochBegun holds that the old set has finished its work.
func (r *run) epochBegun(epoch uint64) {
	reg := r.registry
	if epoch != reg.epoch+1 || reg.handover == 0 {
		r.broken("handover", "epoch %d follows epoch %d, a handover began in block %d", epoch, reg.epoch, reg.handover)
	}
	for _, height := range sortedKeys(r.seals.open) {
		if r.sealIsKept(height) {
			r.broken("handover", "epoch %d has begun, and the seal of height %d is not complete", epoch, height)
		}
		delete(r.seals.open, height)
	}
	reg.epoch, reg.begun, reg.handover, reg.settled = epoch, r.height, 0, false
}

// sealIsKept says whether the state still has the seal of a height: those of a
// retired chain go unsigned.
func (r *run) sealIsKept(height uint64) (kept bool) {
	n := r.anybody()
	n.view(func(state bridge.Reader) error {
		answer, err := n.app.Machine().Query(state, "seals", []byte(`{"after":`+strconv.FormatUint(height-1, 10)+`,"limit":1}`))
		if err != nil {
			return err
		}
		var found []bridge.SealView
		err = json.Unmarshal(answer, &found)
		kept = len(found) == 1 && found[0].Height == height
		return err
	})
	return kept
}

// refresh reads the validators, and compares the set with that of consensus and
// with the one before.
func (r *run) refresh() {
	n, reg := r.anybody(), r.registry
	var views []bridge.ValidatorView
	n.view(func(state bridge.Reader) error {
		network, err := n.app.Machine().Network(state)
		if err != nil {
			return err
		}
		reg.params = network.Params
		if network.Epoch != reg.epoch {
			r.broken("handover", "the state is in epoch %d, the blocks told of %d", network.Epoch, reg.epoch)
		}
		answer, err := n.app.Machine().Query(state, "validators", nil)
		if err != nil {
			return err
		}
		return json.Unmarshal(answer, &views)
	})
	before := reg.powers
	reg.known, reg.powers, reg.settled = map[types.ValidatorID]bridge.ValidatorView{}, map[types.ValidatorID]uint64{}, false
	var members []types.Validator
	for _, v := range views {
		reg.known[v.ID] = v
		if v.InSet {
			reg.powers[v.ID] = uint64(v.Power)
			members = append(members, v.Validator)
		}
		if node := r.nodeOf(v.ID); node != nil {
			node.adopt(v)
		}
	}
	r.sameInConsensus()
	if reg.handover == r.height {
		reg.gain, reg.wished = uint64(reg.params.MaxGain), reg.wishes()
		for id, v := range reg.known {
			reg.banned[id] = v.Status == types.ValidatorTombstoned
		}
	}
	if reg.begun == r.height && reg.epoch > 1 {
		r.newSet(before, members)
	}
	r.reform()
}

// sameInConsensus compares the newest set of consensus with the epoch's.
func (r *run) sameInConsensus() {
	latest := r.sets[len(r.sets)-1]
	if len(latest.seats) != len(r.registry.powers) {
		r.broken("one set", "consensus has %d validators, epoch %d has %d", len(latest.seats), r.registry.epoch, len(r.registry.powers))
	}
	for _, s := range latest.seats {
		if power := r.registry.powers[s.node.id]; power != s.power {
			r.broken("one set", "%s has the power %d in consensus, and %d in epoch %d", s.node.Moniker, s.power, power, r.registry.epoch)
		}
	}
	r.stats.Checks += int64(len(latest.seats))
}

// newSet checks the set of an epoch that has begun.
func (r *run) newSet(before map[types.ValidatorID]uint64, members []types.Validator) {
	reg := r.registry
	set, err := types.SignerSet(members)
	if err != nil {
		r.broken("one set", "epoch %d: %v", reg.epoch, err)
	}
	reg.contracts[reg.epoch] = set
	if promised, obeyed := reg.promised[reg.epoch]; obeyed && promised != set.Hash() {
		r.broken("one set", "a contract obeys the set %s as that of epoch %d, which is %s", promised, reg.epoch, set.Hash())
	}
	if gain := gained(before, reg.powers); len(before) >= small && !gain.within(reg.gain) && !reg.bansOne(before) {
		r.broken("max_gain", "epoch %d puts %d of %d of the power in other hands, %d thousandths may be", reg.epoch, gain.part, gain.of, reg.gain)
	}
	for id := range before {
		if reg.powers[id] == 0 {
			reg.replaced[id] = true
		}
	}
	r.rare("an epoch")
	if !maps.Equal(reg.powers, reg.wished) {
		r.rare("a wish that takes several epochs")
	}
}

// bansOne says whether a set is the one before without one that was banned: that
// one goes, however much power it has.
func (reg *registry) bansOne(before map[types.ValidatorID]uint64) bool {
	for id := range before {
		if reg.banned[id] {
			without := maps.Clone(before)
			delete(without, id)
			if maps.Equal(without, reg.powers) {
				return true
			}
		}
	}
	return false
}

// obeys holds that a contract which has just executed something has the set of
// its epoch.
func (r *run) obeys(c *chain) {
	reg, state := r.registry, c.State()
	set, begun := reg.contracts[state.Epoch]
	promised, obeyed := reg.promised[state.Epoch]
	switch {
	case begun && set.Hash() != state.SetHash, obeyed && promised != state.SetHash:
		r.broken("one set", "chain %s obeys the set %s as that of epoch %d", c.Label, state.SetHash, state.Epoch)
	case !begun && (state.Epoch != reg.epoch+1 || reg.handover == 0):
		r.broken("one set", "chain %s obeys epoch %d, this is %d", c.Label, state.Epoch, reg.epoch)
	}
	reg.promised[state.Epoch] = state.SetHash
	r.stats.Checks++
}

// obeyed is the epoch that a contract obeys, with its set: that of its
// deployment, before any command. The set is empty where it begins only now.
func (r *run) obeyed(c *chain) (uint64, types.ValidatorSet) {
	state := c.State()
	if state.Epoch > 0 {
		return state.Epoch, r.registry.contracts[state.Epoch]
	}
	for epoch := r.registry.epoch; epoch > 0; epoch-- {
		if set := r.registry.contracts[epoch]; set.Hash() == state.SetHash {
			return epoch, set
		}
	}
	return 0, nil
}

// unsettledSet says what keeps the validator set from its end.
func (r *run) unsettledSet() string {
	if r.registry.handover != 0 {
		return "the handover to epoch " + strconv.FormatUint(r.registry.epoch+1, 10) + " is not complete"
	}
	return ""
}

// handedOver holds, at the end, that every contract obeys the epoch's set.
func (r *run) handedOver() {
	for _, s := range r.agreed {
		c, reg := r.world.chain(s.ID), r.registry
		if c.retired || c.broken || s.Refused != "" || !s.Active {
			continue
		}
		if state := c.State(); state.Epoch != reg.epoch || state.SetHash != reg.contracts[reg.epoch].Hash() {
			r.broken("one set", "chain %s obeys epoch %d at the end, which is in epoch %d", c.Label, state.Epoch, reg.epoch)
		}
	}
	first, stay := uint64(0), uint64(0)
	for _, v := range r.genesis.Validators {
		first += uint64(v.Power)
		if !r.registry.replaced[v.ID()] {
			stay += uint64(v.Power)
		}
	}
	if 3*stay < first {
		r.rare("all first members but less than 1/3 replaced")
	}
}
