package simnet

import (
	"encoding/json"
	"slices"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// deepReorg drops blocks that were final: the chain has broken its word. What
// was booked on the strength of them is somebody's loss; everything else has to
// go on, and the chain goes on once governance has re-anchored it.
func (r *run) deepReorg(c *chain) {
	if c.broken || c.Height() < 20 || !r.fails("deep", FaultDeep) {
		return
	}
	to := c.final - 1 - r.dice.of("deep").Uint64N(8)
	c.forgery = nil
	c.common = uint64(len(c.Inbox()))
	if err := c.Reorg(to); err != nil {
		return
	}
	r.rare("a reorg past finality")
	c.broken, c.final, r.mayPause[c.ID] = true, to, true
	c.common = uint64(len(c.Inbox()))
	for _, t := range r.world.transfers {
		if t.id.Source == c.ID && t.id.Nonce > c.common {
			t.exempt, t.vanished = true, true
		}
	}
	r.undo(c, to)
}

// anchor says where a chain that has contradicted the network really is, as
// operators read it from the chain; false while it is not as far as the cursor.
func (r *run) anchor(c *chain, s bridge.ChainState) (types.Reanchor, bool) {
	final := uint64(0)
	for _, l := range c.Inbox() {
		if l.Block <= c.final {
			final = l.Nonce
		}
	}
	if final < s.Cursor || s.Cursor == 0 {
		return types.Reanchor{}, false
	}
	a := types.Reanchor{ID: c.ID, Nonce: s.Cursor, Common: s.Cursor, Block: c.final}
	if c.hash(s.Cursor) != s.CursorHash {
		a.Common = min(c.common, s.Cursor)
	}
	a.Hash = c.hash(a.Nonce)
	a.OutboxNonce, a.NextItem = c.at[a.Nonce-1].executed, c.at[a.Nonce-1].next
	for _, asset := range r.world.assets {
		if token, has := tokenOf(asset, c.ID); has {
			amount, err := c.at[a.Nonce-1].holds[asset.ID].Mul(scaleOf(asset, token))
			if err != nil {
				r.broken("simnet", "anchor: %v", err)
			}
			a.Balances = append(a.Balances, types.AssetBalance{Asset: asset.ID, Amount: amount})
		}
	}
	a.Skipped = skipped(c, a, s.Executed)
	a.Registered = r.registered(c, a)
	slices.SortFunc(a.Balances, func(x, y types.AssetBalance) int { return slices.Compare(x.Asset[:], y.Asset[:]) })
	return a, true
}

// registered is the tokens that the new history registered before its anchor, and
// that the network has not heard of.
func (r *run) registered(c *chain, a types.Reanchor) []types.AssetToken {
	var all []types.AssetToken
	known := r.knownTokens(c.ID)
	for _, l := range c.Inbox()[a.Common:a.Nonce] {
		e, ok := l.Event.(types.TokenRegistered)
		if ok && !known[e.Asset] {
			all = append(all, types.AssetToken{Asset: e.Asset, Token: e.Token})
		}
	}
	slices.SortFunc(all, func(x, y types.AssetToken) int { return slices.Compare(x.Asset[:], y.Asset[:]) })
	return all
}

// knownTokens is the assets whose tokens on a chain the network has heard of.
func (r *run) knownTokens(id types.ChainID) map[types.AssetID]bool {
	known := map[types.AssetID]bool{}
	n := r.anybody()
	if n == nil {
		return known
	}
	n.view(func(state bridge.Reader) error {
		answer, err := n.app.Machine().Query(state, "assets", nil)
		if err != nil {
			return err
		}
		var assets []bridge.AssetView
		if err := json.Unmarshal(answer, &assets); err != nil {
			return err
		}
		for _, asset := range assets {
			known[asset.ID] = slices.Contains(asset.Registered, id)
		}
		return nil
	})
	return known
}

// skipped is what failed of the commands that were executed in the new history
// before its anchor, and that the network does not know as executed.
func skipped(c *chain, a types.Reanchor, executed uint64) []types.SkippedCommand {
	var all []types.SkippedCommand
	for _, l := range c.Inbox()[a.Common:a.Nonce] {
		e, ok := l.Event.(types.Executed)
		if !ok || e.OutboxNonce <= executed || len(e.Failures) == 0 {
			continue
		}
		if n := len(all); n == 0 || all[n-1].Nonce != e.OutboxNonce {
			all = append(all, types.SkippedCommand{Nonce: e.OutboxNonce})
		}
		last := &all[len(all)-1]
		for i := range e.Count {
			for int((e.First+i)/8) >= len(last.Failures) {
				last.Failures = append(last.Failures, 0)
			}
			if e.Failed(i) {
				last.Failures[(e.First+i)/8] |= 1 << ((e.First + i) % 8)
			}
		}
	}
	return all
}

// reanchored exempts what the old history had and the new one has not: deposits
// between the last common event and the anchor are seen by nobody.
func (r *run) reanchored(c *chain, anchor uint64) {
	for _, t := range r.world.transfers {
		if t.id.Source == c.ID && t.id.Nonce > c.common && t.id.Nonce <= anchor {
			t.exempt = true
		}
	}
}

// push has somebody deposit on a chain whose new history is shorter than the
// network's cursor: before it has grown, it cannot be re-anchored. Where that
// cannot be, the chain is given up.
func (r *run) push(c *chain, s bridge.ChainState) {
	if !r.ending {
		return
	}
	before := len(c.Inbox())
	r.deposit(c)
	if len(c.Inbox()) == before {
		r.submit("retire "+s.Label, types.Content{RetireChain: &types.RetireChain{ID: c.ID}})
	}
}

// retired exempts what a retired chain was to pay, or has paid unseen.
func (r *run) retired(c *chain) {
	c.retired = true
	for _, t := range r.world.transfers {
		if t.id.Source == c.ID || t.destination == c.ID && (t.released || t.tried) {
			t.exempt = true
		}
		if t.destination == c.ID {
			t.releasable = false
		}
	}
}

// print gives somebody wrapped tokens that the bridge never minted, who deposits
// more than there ever were: the network has to stop the asset there.
func (r *run) printTokens(c *chain) {
	if c.printed || !r.fails("print", FaultPrint) {
		return
	}
	for _, a := range r.world.assets {
		token, has := tokenOf(a, c.ID)
		address := c.TokenOf(a.ID)
		if !has || token.Mode != types.ModeMint || address == (types.Address{}) {
			continue
		}
		c.printed = true
		amount, err := c.Supply(address).Add(types.NewAmount(1 << 30))
		if err != nil {
			return
		}
		c.Give(address, thief, amount)
		d := types.Deposited{
			Token: address, Sender: thief, RefundTo: thief, Destination: r.otherThan(c), Recipient: types.RecipientFromAddress(thief),
			Amount: amount, MaxFee: amount,
		}
		if nonce, err := c.Deposit(d); err == nil {
			c.note(r.world.assets)
			r.world.counterfeit[types.TransferID{Source: c.ID, Nonce: nonce}] = true
		}
		return
	}
}

func (r *run) otherThan(c *chain) types.ChainID {
	for _, other := range r.world.chains {
		if other != c {
			return other.ID
		}
	}
	return 0
}

// pauseForGood has operators pause a chain in the last blocks with faults, and
// nobody unpause it: what it holds has to expire.
func (r *run) pauseForGood() {
	if r.height != int64(r.scenario.Blocks)-6 || !r.dice.chance("for good", 10*r.rate(FaultPause)+100) || r.rate(FaultPause) == 0 {
		return
	}
	c := pick(r.dice.of("for good"), r.world.chains)
	r.count(FaultPause)
	r.operators.wanted[c.ID], r.mayPause[c.ID], c.left = true, true, true
	r.alarmed()
}

// leftPaused says whether nobody unpauses a chain.
func (r *run) leftPaused(c *chain) bool { return c.left && r.ending }
