package simnet

import (
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// operators are the people behind the validators: honest ones pause a chain,
// vote, and repair what only governance can; the others get in the way.
type operators struct {
	waiting   []waiting // the mempool
	bad       []byte    // one that is no good, for the next proposal
	sequences map[types.Address]uint64
	used      map[types.Address]uint64 // of transactions in blocks
	open      map[uint64]ballot        // proposals
	wanted    map[types.ChainID]bool   // chains that operators want paused
	tried     map[string]int64         // what was proposed, at which height
	records   map[uint64]types.Reason  // in quarantine
	proposals uint64                   // ever made
}

// waiting is a transaction in the mempool.
type waiting struct {
	operator types.Address
	bytes    []byte
}

func newOperators() *operators {
	return &operators{
		sequences: map[types.Address]uint64{}, used: map[types.Address]uint64{}, open: map[uint64]ballot{}, wanted: map[types.ChainID]bool{},
		tried: map[string]int64{}, records: map[uint64]types.Reason{},
	}
}

// govern lets operators do what is theirs.
func (r *run) govern() {
	r.pauses()
	r.pauseForGood()
	if r.fails("proposal", FaultProposal) {
		r.proposeSomething()
	}
	if r.fails("bad transaction", FaultTx) {
		r.badTransaction()
	}
	r.repair()
	r.vote()
}

// pauses has more than 1/3 of the power, or less, want a chain paused, and
// later not any more.
func (r *run) pauses() {
	for _, c := range r.world.chains {
		switch {
		case r.operators.wanted[c.ID] && (r.ending || !c.left && r.dice.chance("resume", 100)):
			r.operators.wanted[c.ID] = false
			r.alarmed()
		case !r.operators.wanted[c.ID] && r.fails("pause", FaultPause):
			r.operators.wanted[c.ID] = true
			r.mayPause[c.ID] = true
			r.alarmed()
		}
	}
}

// alarmed hands every node what its operator wants.
func (r *run) alarmed() {
	for _, n := range r.nodes {
		if n.up() {
			n.setAlarms()
		}
	}
}

func (n *node) setAlarms() {
	var ids []types.ChainID
	for _, c := range n.run.world.chains {
		if n.run.operators.wanted[c.ID] {
			ids = append(ids, c.ID)
		}
	}
	n.box.SetOperatorAlarms(ids)
}

// repair proposes what has to be decided: an end of a pause, a new anchor, what
// becomes of records in quarantine.
func (r *run) repair() {
	for _, s := range r.agreed {
		c := r.world.chain(s.ID)
		switch {
		case c.retired:
		case s.Paused == bridge.PausePaused && !r.operators.wanted[s.ID] && !r.leftPaused(c):
			r.submit("unpause "+s.Label, types.Content{Unpause: &types.Unpause{Chain: s.ID}})
		case s.Paused == bridge.PauseContradicted:
			if anchor, ok := r.anchor(c, s); ok {
				r.submit("reanchor "+s.Label, types.Content{ReanchorChain: &anchor})
			} else {
				r.push(c, s)
			}
		}
	}
	for _, id := range sortedKeys(r.operators.records) {
		action := types.QuarantineRefund
		if r.dice.chance("credit", 500) && !r.ending { // it fails where the books lack it: in the end people choose what works
			action = types.QuarantineCredit
		}
		of, reason := r.quarantineOf[id], r.operators.records[id]
		nobodys := reason == types.ReasonSurplus || r.world.counterfeit[of]
		if nobodys || reason == types.ReasonChainRetired || r.world.chain(of.Source).retired {
			action = types.QuarantineDrop
		}
		r.submit("quarantine "+strconv.FormatUint(id, 10), types.Content{ResolveQuarantine: &types.ResolveQuarantine{ID: id, Action: action}})
	}
}

// again is after how many blocks something is proposed once more.
const again = 25

// submit has an honest operator propose something, unless it was proposed just
// now.
func (r *run) submit(what string, content types.Content) {
	if at, tried := r.operators.tried[what]; tried && r.height < at+again {
		return
	}
	n := r.speaker()
	if n == nil || len(r.operators.waiting) > 40 {
		return
	}
	r.operators.tried[what] = r.height
	r.trace("proposed: %s", content.Action())
	r.sendTx(n, types.Tx{Propose: &types.GovPropose{Content: content}})
}

// speaker is a member whose operator is honest, if there is one.
func (r *run) speaker() (found *node) {
	at := r.dice.of("speaker").IntN(len(r.nodes))
	for i := range r.nodes {
		n := r.nodes[(at+i)%len(r.nodes)]
		if r.registry.powers[n.id] > 0 && r.hasOperator(n) && (found == nil || found.liar && !n.liar) {
			found = n
		}
	}
	return found
}

// hasOperator says whether the network takes the transactions of a node's
// operator.
func (r *run) hasOperator(n *node) bool {
	v, known := r.registry.known[n.id]
	return known && v.Status != types.ValidatorTombstoned
}

// sendTx signs a transaction of a node's operator and puts it into the mempool,
// if it is one that the network knows.
func (r *run) sendTx(n *node, tx types.Tx) {
	if !r.hasOperator(n) {
		return
	}
	r.operators.sequences[n.Operator]++
	tx.ChainID, tx.Operator, tx.Sequence = chainID, n.Operator, r.operators.sequences[n.Operator]
	tx.Expiry = uint64(r.height) + 1000
	r.operators.waiting = append(r.operators.waiting, waiting{n.Operator, r.signTx(n, tx)})
}

func (r *run) signTx(n *node, tx types.Tx) []byte {
	digest, err := bridge.TxDigest(tx)
	if err != nil {
		r.broken("simnet", "a transaction: %v", err)
	}
	signature, err := evmsig.Sign(n.operator, digest)
	if err != nil {
		r.broken("simnet", "a transaction: %v", err)
	}
	b, err := bridge.EncodeTx(tx, signature)
	if err != nil {
		r.broken("simnet", "a transaction: %v", err)
	}
	return b
}

// submitted notes a proposal that a block has taken.
func (r *run) submitted(attributes map[string]string) {
	id, _ := strconv.ParseUint(attributes["proposal"], 10, 64)
	r.operators.open[id] = ballot{attributes["kind"], map[int]bool{}}
}

// ballot is an open proposal.
type ballot struct {
	kind  string
	voted map[int]bool // nodes whose operators have answered
}

// vote has operators answer the open proposals, not all at once: honest ones yes,
// but for texts, liars at random. Some who are no members try it, too.
func (r *run) vote() {
	for _, id := range sortedKeys(r.operators.open) {
		if !r.ending && !r.dice.chance("vote soon", 300) {
			continue
		}
		b := r.operators.open[id]
		for _, n := range r.nodes {
			stranger := r.registry.powers[n.id] == 0
			if b.voted[n.index] || stranger && !r.dice.chance("a stranger's vote", 100) || !r.ending && r.dice.chance("vote later", 250) {
				continue
			}
			b.voted[n.index] = !stranger
			yes := b.kind != "text"
			if n.liar && !r.ending {
				yes = r.dice.chance("liar's vote", 500)
			}
			if b.kind == "text" && r.dice.chance("abstain", 400) {
				continue
			}
			r.sendTx(n, types.Tx{Vote: &types.GovVote{Proposal: id, Yes: yes}})
		}
	}
}

// mempool is what a proposer has waiting, in any order.
func (r *run) mempool() [][]byte {
	var txs [][]byte
	for _, w := range r.operators.waiting[:min(len(r.operators.waiting), 20)] {
		txs = append(txs, w.bytes)
	}
	if r.operators.bad != nil {
		txs = slices.Insert(txs, r.dice.of("mempool").IntN(len(txs)+1), r.operators.bad)
		r.operators.bad = nil
	}
	return txs
}

// included drops from the mempool what a block has taken, and holds what it did
// against the rules. Each operator's sequences are used once and in order.
func (r *run) included(b *block) {
	for i, raw := range b.process.Txs {
		if i == 0 {
			continue
		}
		tx, err := bridge.DecodeTx(raw)
		if err != nil || tx.Sequence != r.operators.used[tx.Operator]+1 {
			r.broken("transactions", "a block holds transaction %d of %s, after %d: %v", tx.Sequence, tx.Operator, r.operators.used[tx.Operator], err)
		}
		r.operators.used[tx.Operator] = tx.Sequence
		r.performed(tx.Tx, b.result.TxResults[i].Code)
		r.stats.Checks++
	}
	r.operators.waiting = slices.DeleteFunc(r.operators.waiting, func(w waiting) bool {
		return slices.ContainsFunc(b.process.Txs, func(in []byte) bool { return string(in) == string(w.bytes) })
	})
}

// performed follows an operator's transaction by its result.
func (r *run) performed(tx types.Tx, code uint32) {
	switch {
	case tx.Report != nil && code == bridge.ErrUnknownOperator.Code && !r.registry.hasOperator(tx.Operator):
		// its validator was handed to another key a moment ago: nobody has looked at it
	case tx.Report != nil:
		r.reported(*tx.Report, code)
	case code != 0:
		if tx.Vote != nil && r.registry.powerOf(tx.Operator) == 0 {
			r.rare("a stranger's vote is refused")
		}
	case tx.Propose != nil:
		r.operators.proposals++
		r.answer(r.operators.proposals, tx.Operator, true)
	case tx.Vote != nil:
		r.answer(tx.Vote.Proposal, tx.Operator, tx.Vote.Yes)
	case tx.ChangeOperator != nil:
		r.rare("an operator changes")
		for id, v := range r.registry.known {
			if v.Operator == tx.Operator {
				v.Operator = tx.ChangeOperator.Operator
				r.registry.known[id] = v
			}
		}
		r.registry.handAnswers(tx.Operator, tx.ChangeOperator.Operator)
		r.dropTxs(tx.Operator)
	}
}

// forgetOperator drops the transactions of a validator that the network does not
// listen to any more.
func (r *run) forgetOperator(n *node) {
	r.dropTxs(n.Operator)
}

func (r *run) dropTxs(operator types.Address) {
	r.operators.waiting = slices.DeleteFunc(r.operators.waiting, func(w waiting) bool { return w.operator == operator })
	r.operators.sequences[operator] = r.operators.used[operator]
}

// proposeSomething proposes a change of terms, or only a text.
func (r *run) proposeSomething() {
	rnd := r.dice.of("proposal")
	switch rnd.IntN(5) {
	case 0:
		r.submit("text", types.Content{Text: &types.Text{Title: "A question", Text: "Shall it be?"}})
	case 1:
		changes := []types.ParamChange{
			{Name: "max_open_batches", Value: 1 + rnd.Uint64N(4)},
			{Name: "max_sigs", Value: 1 + rnd.Uint64N(6)},
			{Name: "head_interval", Value: 1 + rnd.Uint64N(20)},
			{Name: "max_marks", Value: 2 + rnd.Uint64N(30)},
			{Name: "max_open_seals", Value: 4 + rnd.Uint64N(10)},
		}
		r.submit("params", types.Content{Params: &types.ParamChanges{Changes: []types.ParamChange{pick(rnd, changes)}}})
	case 2:
		r.changeChain(rnd, pick(rnd, r.world.chains))
	case 3: // all at once: their contracts are told one after the other
		for _, c := range r.world.chains {
			r.changeChain(rnd, c)
		}
	case 4:
		a := pick(rnd, r.world.assets)
		token := pick(rnd, a.Tokens)
		unit := scaleOf(a, token)
		token.Limit, token.Flow, token.Large = types.TokenLimit{}, types.FlowLimit{}, types.Amount{}
		drawLimits(rnd, unit, &token)
		r.limits.loosen(a.ID, token)
		r.submit("map asset", types.Content{MapAsset: &types.MapAsset{Asset: a.ID, Token: token}})
	}
}

func (r *run) changeChain(rnd *rand.Rand, c *chain) {
	r.submit("change "+c.Label, types.Content{ChangeChain: &types.ChangeChain{
		ID: c.ID, BatchGapMS: uint64(rnd.IntN(3)) * 500, BatchGas: 3_000_000 + rnd.Uint64N(10_000_000),
		ReleaseGas: 60_000 + rnd.Uint32N(9)*5000, ExpiryBlocks: c.ExpiryBlocks,
	}})
}

// badTransaction puts into the mempool what no block may hold: proposers have
// to leave it out.
func (r *run) badTransaction() {
	rnd := r.dice.of("bad transaction")
	n := pick(rnd, r.nodes)
	tx := types.Tx{
		ChainID: chainID, Operator: n.Operator, Sequence: r.operators.sequences[n.Operator] + 1, Expiry: uint64(r.height) + 100,
		Vote: &types.GovVote{Proposal: 1 + rnd.Uint64N(5), Yes: true},
	}
	signer := n
	switch rnd.IntN(5) {
	case 0:
		signer = r.nodes[(n.index+1)%len(r.nodes)]
	case 1:
		tx.ChainID = "another-network"
	case 2:
		tx.Sequence = max(1, tx.Sequence-1) + 100
	case 3:
		tx.Expiry = 1
	case 4:
		tx.Sequence = max(1, tx.Sequence-1-rnd.Uint64N(2)) // used already, if it was ever
		if tx.Sequence > r.operators.sequences[n.Operator] {
			return
		}
	}
	r.rare("a bad transaction")
	r.operators.bad = r.signTx(signer, tx)
}

// quarantined notes a record that governance has to resolve.
func (r *run) quarantined(attributes map[string]string) {
	id, err := strconv.ParseUint(attributes["id"], 10, 64)
	if err != nil {
		return // only counted
	}
	chain, _ := strconv.ParseUint(attributes["chain"], 10, 64)
	nonce, _ := strconv.ParseUint(attributes["nonce"], 10, 64)
	r.operators.records[id] = types.Reason(attributes["reason"])
	r.quarantineOf[id] = types.TransferID{Source: types.ChainID(chain), Nonce: nonce}
	for _, t := range r.world.transfers {
		if t.id == r.quarantineOf[id] {
			t.releasable = false
		}
	}
}

// resolved forgets a record that has left quarantine.
func (r *run) resolved(attributes map[string]string) {
	id, _ := strconv.ParseUint(attributes["id"], 10, 64)
	delete(r.operators.records, id)
}

func sortedKeys[V any](m map[uint64]V) []uint64 {
	keys := make([]uint64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
