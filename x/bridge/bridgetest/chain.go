package bridgetest

import (
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/quorum"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Chain is a model of a chain with a Bridge contract: an inbox with its
// accumulator, an outbox with the checks of execute(), and balances. Blocks are
// final at once unless Lag is set.
type Chain struct {
	types.Chain
	Lag uint64 // blocks that finality trails behind

	networkID types.Hash
	set       types.ValidatorSet
	epoch     uint64
	inbox     []Logged
	hash      types.Hash
	height    uint64

	executed, next uint64 // outbox position
	sealHeight     uint64
	deposits       bool
	tokens         map[types.Address]types.RegisterToken
	balances       map[account]types.Amount
	supply         map[types.Address]types.Amount
	owed           map[owedKey]types.Claimed

	// Refuses makes a payout to this payee fail, as a recipient or token that
	// reverts would.
	Refuses map[types.Address]bool
	// FailCommands makes commands of these kinds be consumed as failed.
	FailCommands map[types.CommandKind]bool
}

// Logged is an inbox event with its block and the accumulator after it.
type Logged struct {
	types.InboxEvent
	Hash types.Hash
}

type account struct{ token, holder types.Address }

type owedKey struct {
	nonce uint64
	index uint32
}

func newChain(networkID types.Hash, c types.Chain, set types.ValidatorSet) *Chain {
	chain := &Chain{
		Chain: c, networkID: networkID, set: set, epoch: 1, hash: evmsig.InboxSeed(networkID, c.ID, c.Bridge), height: 1,
		tokens: map[types.Address]types.RegisterToken{}, balances: map[account]types.Amount{},
		supply: map[types.Address]types.Amount{}, owed: map[owedKey]types.Claimed{},
		Refuses: map[types.Address]bool{}, FailCommands: map[types.CommandKind]bool{},
	}
	chain.log(types.Initialized{SetHash: set.Hash()})
	return chain
}

func (c *Chain) log(e types.Event) uint64 {
	nonce := uint64(len(c.inbox)) + 1
	c.hash = evmsig.Accumulate(c.hash, evmsig.InboxLeaf(nonce, e))
	c.inbox = append(c.inbox, Logged{types.InboxEvent{Nonce: nonce, Block: c.height, Event: e}, c.hash})
	return nonce
}

// Log appends any event, as a forged or future contract could.
func (c *Chain) Log(e types.Event) uint64 { return c.log(e) }

// Mine begins the next block.
func (c *Chain) Mine() { c.height++ }

// Inbox is everything logged so far.
func (c *Chain) Inbox() []Logged { return c.inbox }

// WrappedToken is the address at which the model deploys an asset's token.
func (c *Chain) WrappedToken(asset types.AssetID) types.Address {
	return types.Address(crypto.Keccak256([]byte("wrapped"), asset[:], c.Bridge[:])[12:])
}

// Balance is what a holder has of a token.
func (c *Chain) Balance(token, holder types.Address) types.Amount {
	return c.balances[account{token, holder}]
}

// Supply is how much of a wrapped token exists, with unclaimed fees.
func (c *Chain) Supply(token types.Address) types.Amount { return c.supply[token] }

// Give makes units of a token out of nothing, for a test's begin.
func (c *Chain) Give(token, holder types.Address, amount types.Amount) {
	c.move(account{token, holder}, amount, true)
}

func (c *Chain) move(at account, amount types.Amount, in bool) {
	change := c.balances[at].Sub
	if in {
		change = c.balances[at].Add
	}
	after, err := change(amount)
	if err != nil {
		panic(fmt.Sprintf("model chain %s: balance of %s: %v", c.Label, at.holder, err))
	}
	c.balances[at] = after
}

// Deposit is the contract's deposit(): it takes the tokens and logs the event.
// What the contract reverts is an error.
func (c *Chain) Deposit(d types.Deposited) (uint64, error) {
	token, known := c.tokens[d.Token]
	if !c.deposits || !known || d.Amount.Cmp(token.Limit.Minimum) < 0 || d.Amount.IsZero() || len(d.Data) > types.MaxDataBytes {
		return 0, fmt.Errorf("model chain %s: deposit reverts", c.Label)
	}
	if c.Balance(d.Token, d.Sender).Cmp(d.Amount) < 0 {
		return 0, fmt.Errorf("model chain %s: %s has too little", c.Label, d.Sender)
	}
	if d.RefundTo == (types.Address{}) {
		d.RefundTo = d.Sender
	}
	c.move(account{d.Token, d.Sender}, d.Amount, false)
	if token.Mode == types.ModeLock {
		c.move(account{d.Token, c.Bridge}, d.Amount, true)
	} else {
		c.supply[d.Token], _ = c.supply[d.Token].Sub(d.Amount) // covered: it was in a balance
	}
	return c.log(d), nil
}

// Claim is the contract's claim().
func (c *Chain) Claim(nonce uint64, index uint32, to types.Address) error {
	key := owedKey{nonce, index}
	claim, ok := c.owed[key]
	if !ok {
		return fmt.Errorf("model chain %s: nothing owed", c.Label)
	}
	delete(c.owed, key)
	claim.To = to
	c.pay(claim.Token, to, claim.Amount)
	c.log(claim)
	return nil
}

func (c *Chain) pay(token, to types.Address, amount types.Amount) {
	if c.tokens[token].Mode == types.ModeLock {
		c.move(account{token, c.Bridge}, amount, false)
	} else {
		c.supply[token], _ = c.supply[token].Add(amount)
	}
	c.move(account{token, to}, amount, true)
}

// Execute is the contract's execute() for one slice of at most items: it checks
// position, path and quorum, does the work and logs the receipt.
func (c *Chain) Execute(o bridge.OutboxCommand, relayer types.Address, items uint32) error {
	if o.Nonce != c.executed+1 || o.Seal.Height < c.sealHeight || o.Seal.Epoch != c.epoch {
		return fmt.Errorf("model chain %s: command %d is not next", c.Label, o.Nonce)
	}
	leaf := evmsig.CommandLeaf(c.ID, c.Bridge, o.Nonce, o.Bytes)
	if !evmsig.VerifyPath(o.Seal.Root, leaf, o.Proof) {
		return fmt.Errorf("model chain %s: command %d is not under the root", c.Label, o.Nonce)
	}
	digest := evmsig.SealDigest(c.networkID, o.Seal.Epoch, o.Seal.Height, o.Seal.Root)
	var power uint64
	for position, signature := range o.Signatures {
		signer, err := evmsig.Recover(digest, signature)
		if err == nil && position < len(c.set) && c.set[position].Signer == signer {
			power += uint64(c.set[position].Power)
		}
	}
	if !quorum.Reached(power, c.set.TotalPower()) {
		return fmt.Errorf("model chain %s: no quorum over seal %d", c.Label, o.Seal.Height)
	}
	command, err := types.DecodeCommand(o.Bytes)
	if err != nil {
		return err
	}
	c.sealHeight = o.Seal.Height
	first := uint32(c.next) //nolint:gosec // at most MaxBatchItems
	count := min(items, command.Items()-first)
	failures := c.run(o.Nonce, command, first, count, relayer)
	if c.next += uint64(count); uint32(c.next) == command.Items() { //nolint:gosec // as above
		c.executed, c.next = o.Nonce, 0
	}
	c.log(types.Executed{OutboxNonce: o.Nonce, First: first, Count: count, Relayer: relayer, Failures: failures})
	return nil
}

// run does a slice's work and returns the bitmap of what failed.
func (c *Chain) run(nonce uint64, command types.Command, first, count uint32, relayer types.Address) []byte {
	bits := make([]byte, (count+7)/8)
	failed := false
	for i := range count {
		if !c.item(nonce, command, first+i, relayer) {
			bits[i/8] |= 1 << (i % 8)
			failed = true
		}
	}
	if !failed {
		return nil
	}
	return bits
}

func (c *Chain) item(nonce uint64, command types.Command, index uint32, relayer types.Address) bool {
	if c.FailCommands[command.Kind()] {
		return false
	}
	switch command := command.(type) {
	case types.Activate:
		c.deposits = true
	case types.SetParams:
		c.deposits = command.Deposits
	case types.RegisterToken:
		if command.Mode == types.ModeMint {
			command.Token = c.WrappedToken(command.Asset)
		}
		c.tokens[command.Token] = command
		c.log(types.TokenRegistered{Asset: command.Asset, Token: command.Token, Mode: command.Mode, Decimals: command.Decimals})
	case types.SetValidators:
		c.set, c.epoch = command.Set, command.Epoch
	case types.Batch:
		return c.payout(nonce, index, command.Entries[index], relayer)
	case types.Slash:
		return false
	}
	return true
}

func (c *Chain) payout(nonce uint64, index uint32, e types.BatchEntry, relayer types.Address) bool {
	if !e.Fee.IsZero() {
		c.pay(e.Token, relayer, e.Fee)
	}
	if !c.Refuses[e.Recipient] {
		c.pay(e.Token, e.Recipient, e.Amount)
		return true
	}
	if e.Kind == types.EntryRefund {
		c.owed[owedKey{nonce, index}] = types.Claimed{
			OutboxNonce: nonce, Index: index, Token: e.Token, Owner: e.Recipient, Amount: e.Amount,
		}
	}
	return false
}

// view is what a validator's observer has proven of the chain: its finalised
// head, and its marks above a cursor.
func (c *Chain) view(cursor, stride uint64) types.ChainVote {
	vote := types.ChainVote{Chain: c.ID, Head: c.final()}
	for i, l := range c.inbox {
		if l.Nonce <= cursor || l.Block > c.final() {
			continue
		}
		last := i+1 == len(c.inbox) || c.inbox[i+1].Block != l.Block
		if last || l.Nonce%stride == 0 {
			vote.Marks = append(vote.Marks, types.Mark{Nonce: l.Nonce, Hash: l.Hash, Block: l.Block})
		}
	}
	return vote
}

func (c *Chain) final() uint64 { return c.height - min(c.height, c.Lag) }
