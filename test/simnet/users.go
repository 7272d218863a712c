package simnet

import (
	"math/rand/v2"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// users make deposits.
func (r *run) users() {
	d := r.dice
	n := d.between("deposits", 0, 2*r.scenario.Deposits)
	if r.fails("burst", FaultBurst) {
		n += d.between("burst", 50, 300)
	}
	for range n {
		r.deposit(r.market())
	}
}

// market is a chain on which somebody has something to deposit, most of the
// time.
func (r *run) market() *chain {
	rnd := r.dice.of("market")
	c := pick(rnd, r.world.chains)
	for range 6 {
		a := pick(rnd, r.world.assets)
		token, has := tokenOf(a, c.ID)
		rich := has && (token.Mode == types.ModeLock || len(r.world.wallets[c.ID]) > 0)
		if rich && !c.retired && c.TokenOf(a.ID) != (types.Address{}) {
			break
		}
		c = pick(rnd, r.world.chains)
	}
	return c
}

// claims has users fetch what is owed to them.
func (r *run) claims() {
	for _, t := range r.world.transfers {
		if t.owed != nil && !t.claimed && r.dice.chance("claim", 100) {
			r.claim(t)
		}
	}
}

// deposit sends something of a random asset from a chain.
func (r *run) deposit(c *chain) {
	rnd := r.dice.of("deposit")
	d, asset, ok := r.purse(rnd, c)
	if !ok || c.retired {
		return
	}
	recipient, refundTo := r.world.address(), r.world.address()
	to := pick(rnd, r.world.chains)
	for (to == c || to.TokenOf(asset.ID) == (types.Address{})) && rnd.IntN(12) > 0 { // now and then it is a mistake
		to = pick(rnd, r.world.chains)
	}
	d.Destination, d.Recipient, d.RefundTo = to.ID, types.RecipientFromAddress(recipient), refundTo
	d.MaxFee = types.NewAmount(1 << 40)
	if rnd.IntN(20) == 0 {
		d.Data = randomBytes(rnd, rnd.IntN(types.MaxDataBytes+1))
	}
	t := &transfer{
		asset: asset.ID, destination: d.Destination, recipient: recipient, refundTo: refundTo,
		releasable: d.Destination != c.ID && !to.retired && r.isRegistered(asset.ID, d.Destination),
	}
	if r.fails("invalid", FaultInvalid) {
		r.spoil(rnd, &d)
		t.releasable, t.destination = false, d.Destination
	}
	token, _ := tokenOf(asset, c.ID)
	var err error
	if t.amount, err = d.Amount.Mul(scaleOf(asset, token)); err != nil {
		return
	}
	if to, has := tokenOf(asset, t.destination); !has || due(t.amount, to.ReleaseFee, scaleOf(asset, to)).IsZero() {
		t.releasable = false
	}
	if r.fails("refuse a release", FaultRefuse) {
		if to := r.world.chain(d.Destination); to != nil {
			to.Refuses[recipient] = true
		}
	}
	if r.fails("refuse a refund", FaultRefuse) {
		c.Refuses[refundTo] = true
	}
	nonce, err := c.Deposit(d)
	if err != nil {
		r.rare("a deposit reverts")
		return
	}
	c.note(r.world.assets)
	t.id = types.TransferID{Source: c.ID, Nonce: nonce}
	r.world.transfers = append(r.world.transfers, t)
	r.world.byPayee[recipient], r.world.byPayee[refundTo] = t, t
	r.stats.Transfers++
}

// purse finds a sender with tokens: where they are locked there are always
// some, elsewhere whoever was paid before.
func (r *run) purse(rnd *rand.Rand, c *chain) (types.Deposited, types.Asset, bool) {
	held := r.world.wallets[c.ID]
	for range min(len(held), rnd.IntN(4)) {
		at := rnd.IntN(len(held))
		w := held[at]
		token := c.TokenOf(w.asset)
		if balance := c.Balance(token, w.owner); !balance.IsZero() {
			amount := balance
			if rnd.IntN(2) == 0 {
				_, amount = types.NewAmount(rnd.Uint64()).DivMod(balance)
			}
			return types.Deposited{Token: token, Sender: w.owner, Amount: amount}, r.world.asset(w.asset), true
		}
		held[at] = held[len(held)-1] // it is spent
		held = held[:len(held)-1]
		r.world.wallets[c.ID] = held
	}
	for _, at := range rnd.Perm(len(r.world.assets)) {
		asset := r.world.assets[at]
		token, has := tokenOf(asset, c.ID)
		if !has || token.Mode != types.ModeLock {
			continue
		}
		amount := types.NewAmount(1 + rnd.Uint64N(1<<(4+rnd.UintN(30))))
		sender := r.world.address()
		c.Give(token.Token, sender, amount)
		return types.Deposited{Token: token.Token, Sender: sender, Amount: amount}, asset, true
	}
	return types.Deposited{}, types.Asset{}, false
}

// spoil makes a deposit that cannot be released.
func (r *run) spoil(rnd *rand.Rand, d *types.Deposited) {
	switch rnd.IntN(5) {
	case 0:
		d.Destination = 999
	case 1:
		d.Recipient = types.Hash{}
	case 2:
		d.Recipient[0] = 1
	case 3:
		d.MaxFee = types.Amount{}
	case 4:
		if to := r.world.chain(d.Destination); to != nil {
			d.Recipient = types.RecipientFromAddress(to.Bridge)
		}
	}
	r.rare("an invalid deposit")
}

// claim fetches a refund that could not be paid.
func (r *run) claim(t *transfer) {
	c := r.world.chain(t.id.Source)
	to := r.world.address()
	if _, owed := c.Owed(t.owed.nonce, t.owed.index); !owed {
		r.broken("I2", "transfer %s: the contract does not owe what its receipt said", t.id)
	}
	if err := c.Claim(t.owed.nonce, t.owed.index, to); err != nil {
		r.rare("a claim that has to wait for the contract's limit")
		return
	}
	c.note(r.world.assets)
	t.claimed = true
	c.happened(t, func() { t.claimed = false })
	r.rare("a claim")
	if err := c.Claim(t.owed.nonce, t.owed.index, to); err == nil {
		r.broken("I2", "transfer %s: its owed refund was claimed twice", t.id)
	}
}

// isRegistered says whether the network knows that a chain's contract has an
// asset's token.
func (r *run) isRegistered(asset types.AssetID, id types.ChainID) bool {
	c := r.world.chain(id)
	cursor := r.positions[id].Cursor
	if cursor == 0 || cursor > uint64(len(c.at)) || c.Inbox()[cursor-1].Hash != r.positions[id].CursorHash {
		return false // or it is in a history that is not the agreed one
	}
	_, known := c.at[cursor-1].holds[asset]
	return known
}
