package simnet

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// paid books a receipt: each payment belongs to a deposit, which has not been
// paid before, and is exactly what is due.
func (r *run) paid(c *chain, o bridge.OutboxCommand, receipt types.Executed) {
	command, err := types.DecodeCommand(o.Bytes)
	if err != nil {
		r.broken("I3", "chain %s executed what is no command: %v", c.Label, err)
	}
	batch, ok := command.(types.Batch)
	if !ok {
		return
	}
	for i := range receipt.Count {
		index := receipt.First + i
		e := batch.Entries[index]
		t := r.world.byPayee[e.Recipient]
		switch {
		case t == nil:
			r.broken("I2", "chain %s pays %s to %s, who has deposited nothing", c.Label, e.Amount, e.Recipient)
		case t.exempt: // a chain has broken its word about it
		case e.Kind == types.EntryRelease:
			r.held(c, t, o, index, e)
			r.release(c, t, e, receipt.Failed(i))
		default:
			r.early(t, o)
			r.refund(c, t, e, receipt.Failed(i), debt{o.Nonce, index})
		}
		r.stats.Checks++
	}
}

func (r *run) release(c *chain, t *transfer, e types.BatchEntry, failed bool) {
	asset := r.world.asset(t.asset)
	token, _ := tokenOf(asset, c.ID)
	switch {
	case c.ID != t.destination || e.Recipient != t.recipient || e.Token != c.TokenOf(t.asset):
		r.broken("I2", "transfer %s is released on chain %s to %s", t.id, c.Label, e.Recipient)
	case t.released || t.tried || t.refunded || t.owed != nil:
		r.broken("I2", "transfer %s is released a second time, or after its refund", t.id)
	case e.Amount != due(t.amount, token.ReleaseFee, scaleOf(asset, token)):
		r.broken("I1", "transfer %s of %s is released with %s token units", t.id, t.amount, e.Amount)
	case failed:
		t.tried = true
		c.happened(t, func() { t.tried = false })
		r.rare("a release that fails")
		return
	}
	t.released = true
	c.happened(t, func() { t.released = false })
	if token.Mode == types.ModeMint {
		r.world.wallets[c.ID] = append(r.world.wallets[c.ID], wallet{t.asset, t.recipient})
	}
}

func (r *run) refund(c *chain, t *transfer, e types.BatchEntry, failed bool, d debt) {
	asset := r.world.asset(t.asset)
	token, _ := tokenOf(asset, c.ID)
	amount := t.amount
	if to, has := tokenOf(asset, t.destination); has && t.tried {
		amount = minus(amount, to.ReleaseFee)
	}
	switch {
	case c.ID != t.id.Source || e.Recipient != t.refundTo || e.Token != c.TokenOf(t.asset):
		r.broken("I2", "transfer %s is refunded on chain %s to %s", t.id, c.Label, e.Recipient)
	case t.released || t.refunded || t.owed != nil:
		r.broken("I2", "transfer %s is refunded a second time, or after its release", t.id)
	case e.Amount != due(amount, token.RefundFee, scaleOf(asset, token)):
		r.broken("I1", "transfer %s of %s is refunded with %s token units", t.id, t.amount, e.Amount)
	case failed:
		t.owed = &d
		c.happened(t, func() { t.owed = nil })
		r.rare("a refund that fails")
		return
	}
	t.refunded = true
	c.happened(t, func() { t.refunded = false })
	r.rare("a refund")
}

// due is what is paid of an amount, in token units.
func due(amount, fee, scale types.Amount) types.Amount {
	units, _ := minus(amount, fee).DivMod(scale)
	return units
}

func minus(a, b types.Amount) types.Amount {
	rest, err := a.Sub(b)
	if err != nil {
		return types.Amount{}
	}
	return rest
}

// auditEvery is how many blocks pass between two full audits of a state.
const auditEvery = 12

// revive starts all processes where none is left: what starts first knows what
// became of the block.
func (r *run) revive() {
	if r.anybody() == nil {
		r.calm = true
		r.heal()
	}
}

// check holds what has to hold after every block.
func (r *run) check() {
	n := r.anybody()
	n.view(func(state bridge.Reader) error {
		r.cursors(n, state)
		// What a node has removed from its log does not come back.
		r.registry.loggedFrom = max(r.registry.loggedFrom, r.since(r.height+1, r.agreed))
		r.holdings(n, state)
		if r.height%4 == 0 || r.height < r.decided+4 {
			r.waits(n)
		}
		if r.height%auditEvery == 0 {
			return r.audit(n, state)
		}
		return nil
	})
}

// anybody is an honest process that runs, or nil.
func (r *run) anybody() *node {
	at := r.dice.of("anybody").IntN(len(r.nodes))
	for i := range r.nodes {
		if n := r.nodes[(at+i)%len(r.nodes)]; n.up() && n.app.Height() == r.height {
			return n
		}
	}
	return nil
}

// waits asks for one transfer that has not ended what it waits for.
func (r *run) waits(n *node) {
	if len(r.world.transfers) == 0 {
		return
	}
	t := pick(r.dice.of("waits"), r.world.transfers[max(0, len(r.world.transfers)-100):])
	if r.ended(t) {
		return
	}
	var view bridge.TransferView
	if err := json.Unmarshal([]byte(r.ask(n, t)), &view); err != nil {
		return // not applied yet
	}
	for _, reason := range []types.Reason{view.Reason, view.Wait} {
		if state := "waits: " + string(reason); knownStates[state] {
			r.rare(state)
		}
	}
}

// cursors holds I3 and I4 from outside: what was applied is what happened, and
// no position goes back.
func (r *run) cursors(n *node, state bridge.Reader) {
	chains, err := n.app.Machine().Chains(state)
	if err != nil {
		r.broken("node", "read the chains: %v", err)
	}
	r.agreed = chains
	for _, s := range chains {
		c, before := r.world.chain(s.ID), r.positions[s.ID]
		r.positions[s.ID] = s
		if s.Paused != bridge.PauseNone && !r.mayPause[s.ID] && !r.scenario.Beyond {
			r.broken("pause", "chain %s is %s, though 1/3 of the power or less can have said so", s.Label, s.Paused)
		}
		if c.broken {
			continue
		}
		r.moved(before, s)
		if s.CursorHash != c.hash(s.Cursor) {
			r.broken("I3", "the network has applied what never happened on chain %s, at nonce %d", s.Label, s.Cursor)
		}
		if s.Cursor < before.Cursor || s.Outbox < before.Outbox || s.Executed < before.Executed || s.Head < before.Head {
			r.broken("I4", "a position of chain %s went back", s.Label)
		}
		if s.Head > c.final {
			r.broken("I3", "the agreed head of chain %s is %d, but final is %d", s.Label, s.Head, c.final)
		}
		if s.Executed > c.executed() {
			r.broken("I3", "the network knows command %d of chain %s as executed, but it is not", s.Executed, s.Label)
		}
		if taken := c.State().SealHeight; s.ExecutedSeal > taken {
			r.broken("I3", "the network says that chain %s takes no seals below height %d, but it does, from %d", s.Label, s.ExecutedSeal, taken)
		}
		r.stats.Checks += 6
	}
	r.timeline.add(r.height, r.at.UnixMilli(), chains)
}

// holdings holds I1 from outside: the ledger says of each chain what its
// contract held after the last event that was applied.
func (r *run) holdings(n *node, state bridge.Reader) {
	answer, err := n.app.Machine().Query(state, "supply", nil)
	if err != nil {
		r.broken("node", "read the ledger: %v", err)
	}
	var supply []bridge.SupplyView
	if err := json.Unmarshal(answer, &supply); err != nil {
		r.broken("node", "read the ledger: %v", err)
	}
	for _, s := range supply {
		for _, b := range s.Chains {
			c, cursor := r.world.chain(b.Chain), r.positions[b.Chain].Cursor
			if cursor == 0 || c.broken || c.printed {
				continue
			}
			asset := r.world.asset(s.Asset)
			token, _ := tokenOf(asset, b.Chain)
			held := c.at[cursor-1].holds[s.Asset]
			units, err := held.Mul(scaleOf(asset, token))
			said := b.Supply
			if b.Mode == types.ModeLock {
				said = b.Custody
			}
			if err != nil || units != said {
				r.broken("I1", "the ledger has %s of %s on chain %s, its contract held %s after event %d", said, s.Symbol, b.Chain, units, cursor)
			}
			r.stats.Checks++
		}
	}
}

// audit asks the machine itself about a whole state.
func (r *run) audit(n *node, state bridge.Reader) error {
	violations, err := n.app.Machine().CheckInvariants(state)
	if err != nil {
		return err
	}
	for _, v := range violations {
		r.broken(v.Invariant, "%s: %s", n.Moniker, v.Text)
	}
	r.stats.Audits++
	return nil
}

// unsettled says what keeps a run from its end (I7), or nothing, and how many
// transfers are on their way.
func (r *run) unsettled() (why string, open int) {
	var last *transfer
	for _, t := range r.world.transfers {
		if !r.ended(t) {
			open++
			last = t
		}
	}
	if last != nil {
		why = fmt.Sprintf("%d transfers have not ended, %s is one of them", open, last.id)
	}
	for _, c := range r.world.chains {
		s := r.positions[c.ID]
		if !c.retired && (s.Cursor != uint64(len(c.Inbox())) || s.Outbox != s.Executed || s.Queued > 0) {
			why = fmt.Sprintf("chain %s%s: cursor %d of %d, executed %d of %d on the chain and %d in the state, %d queued", c.Label,
				stops(s), s.Cursor, len(c.Inbox()), c.executed(), s.Outbox, s.Executed, s.Queued)
		}
	}
	if why == "" {
		why = r.unsettledSet()
	}
	return why, open
}

func stops(s bridge.ChainState) string {
	if s.Paused == bridge.PauseNone {
		return ""
	}
	return ", " + string(s.Paused)
}

// ended says whether a deposit is released, refunded, claimable, or not worth a
// refund.
func (r *run) ended(t *transfer) bool {
	if t.released || t.refunded || t.owed != nil || t.exempt {
		return true
	}
	asset := r.world.asset(t.asset)
	token, _ := tokenOf(asset, t.id.Source)
	left := t.amount
	if to, has := tokenOf(asset, t.destination); has && t.tried {
		left = minus(left, to.ReleaseFee)
	}
	return due(left, token.RefundFee, scaleOf(asset, token)).IsZero()
}

// explain is what the network says of a transfer that has not ended.
func (r *run) explain() (text string) {
	n := r.anybody()
	at := slices.IndexFunc(r.world.transfers, func(t *transfer) bool { return !r.ended(t) })
	if n == nil || at < 0 {
		return ""
	}
	return r.ask(n, r.world.transfers[at])
}

// ask is what a node says of a transfer.
func (r *run) ask(n *node, t *transfer) (text string) {
	n.view(func(state bridge.Reader) error {
		answer, err := n.app.Machine().Query(state, "transfer", fmt.Appendf(nil, `{"id":%q}`, t.id))
		text = string(answer)
		if err != nil {
			text = err.Error()
		}
		return nil
	})
	return text
}

// shortOfCustody says whether all that has not ended waits for custody, of an
// asset that two chains lock: both together have enough of it, but this one does
// not, and nobody deposits there.
func (r *run) shortOfCustody() bool {
	n := r.anybody()
	for _, c := range r.world.chains {
		const claims = 4 // people go on fetching what is owed to them
		if s := r.positions[c.ID]; !c.retired && (s.Cursor+claims < uint64(len(c.Inbox())) || s.Outbox != s.Executed) {
			return false
		}
	}
	for _, t := range r.world.transfers {
		if r.ended(t) {
			continue
		}
		locking := 0
		for _, token := range r.world.asset(t.asset).Tokens {
			if token.Mode == types.ModeLock {
				locking++
			}
		}
		if locking < 2 && !r.someLoss() || !strings.Contains(r.ask(n, t), string(types.ReasonMissingLiquidity)) {
			return false
		}
	}
	return true
}

// someLoss says whether a chain has broken its word, or tokens were printed:
// then custody may be short for good.
func (r *run) someLoss() bool {
	return slices.ContainsFunc(r.world.chains, func(c *chain) bool { return c.broken || c.printed })
}
