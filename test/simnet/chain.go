package simnet

import (
	"slices"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// chain is a model chain, with what its world notes beside it.
type chain struct {
	*bridgetest.Chain
	seed    types.Hash // first accumulator
	final   uint64     // newest final block
	stalled int        // blocks of the network that it stands still for
	at      []position // after each inbox event
	forgery *forgery
	broken  bool   // it has reorganised past finality
	common  uint64 // last inbox nonce before that
	printed bool   // tokens were printed
	left    bool   // if it is paused at the end, it stays so
	retired bool

	payments []payment // ascending by block
}

// position is the contract after an inbox event.
type position struct {
	holds    holdings
	executed uint64
	next     uint32
}

// happened notes a change of a transfer, and how a reorg takes it back.
func (c *chain) happened(t *transfer, undo func()) {
	c.payments = append(c.payments, payment{c.Height(), t, undo})
}

// holdings is what the contract holds of each asset, or has minted, in token
// units.
type holdings map[types.AssetID]types.Amount

func newChain(networkID types.Hash, c types.Chain, set types.ValidatorSet) *chain {
	return &chain{
		Chain: bridgetest.NewChain(networkID, c, set), seed: evmsig.InboxSeed(networkID, c.ID, c.Bridge),
	}
}

// mine ends the block being made.
func (c *chain) mine(now int64) {
	c.Mine()
	c.Time = max(c.Time, uint64(now))
	c.final = max(c.final, c.Height()-min(c.Height(), c.Lag+1))
}

// note keeps, for each event that came since, what the contract held after it.
func (c *chain) note(assets []types.Asset) {
	now := holdings{}
	for _, a := range assets {
		token := c.TokenOf(a.ID)
		if token == (types.Address{}) {
			continue
		}
		if c.Token(token).Mode == types.ModeLock {
			now[a.ID] = c.Custody(token)
		} else {
			now[a.ID] = c.Supply(token)
		}
	}
	executed, next := c.Position()
	for len(c.at) < len(c.Inbox()) {
		c.at = append(c.at, position{now, executed, next})
	}
}

// hash is the true accumulator after an event.
func (c *chain) hash(nonce uint64) types.Hash {
	if nonce == 0 {
		return c.seed
	}
	if nonce > uint64(len(c.Inbox())) {
		return types.Hash{}
	}
	return c.Inbox()[nonce-1].Hash
}

// executed is the last command that was wholly executed.
func (c *chain) executed() uint64 {
	executed, _ := c.Position()
	return executed
}

// execute hands a command to the contract and returns what its receipt says.
func (c *chain) execute(o bridge.OutboxCommand, by types.Address, items uint32) (types.Executed, error) {
	if err := c.Execute(o, by, items); err != nil {
		return types.Executed{}, err
	}
	inbox := c.Inbox()
	receipt, _ := inbox[len(inbox)-1].Event.(types.Executed) // it is the last thing that execute() does
	return receipt, nil
}

// forgery is a chain as lying endpoints show it: the true one with an event
// that never happened put in.
type forgery struct {
	at     int // events that are true
	inbox  []bridgetest.Logged
	copied int // true events already copied
}

// forge begins a forged view whose first event of its own is e.
func (c *chain) forge(e types.Event) {
	at := len(c.Inbox())
	hash := c.hash(uint64(at))
	nonce := uint64(at) + 1
	hash = evmsig.Accumulate(hash, evmsig.InboxLeaf(nonce, e))
	forged := bridgetest.Logged{InboxEvent: types.InboxEvent{Nonce: nonce, Block: c.Height(), Event: e}, Hash: hash}
	c.forgery = &forgery{at: at, inbox: append(slices.Clone(c.Inbox()), forged), copied: at}
}

// seen is the inbox as the endpoints of an observer show it.
func (c *chain) seen(forged bool) []bridgetest.Logged {
	if !forged || c.forgery == nil {
		return c.Inbox()
	}
	f := c.forgery
	for _, l := range c.Inbox()[f.copied:] {
		l.Nonce++
		l.Hash = evmsig.Accumulate(f.inbox[len(f.inbox)-1].Hash, evmsig.InboxLeaf(l.Nonce, l.Event))
		f.inbox = append(f.inbox, l)
	}
	f.copied = len(c.Inbox())
	return f.inbox
}
