package bridgetest

import (
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Chain is a model of a chain with a Bridge contract: its two logs, its vault,
// and the balances of everybody. It takes, refuses and fails what the real
// contract does, which the differential test in contracts holds it to; it knows
// nothing of gas. Blocks are final at once unless Lag is set.
//
// The exported fields are the driver's knobs and no part of the chain's state:
// Reorg leaves them alone.
type Chain struct {
	types.Chain
	Lag  uint64 // blocks that finality trails behind
	Time uint64 // timestamp of the block being made, in seconds; the driver moves it, never backwards

	// Refuses makes a payout to this payee fail, as a recipient or token that
	// reverts would.
	Refuses map[types.Address]bool
	// Rejects does the same for one token and payee; nil rejects nothing.
	Rejects func(token, to types.Address) bool
	// Lockable says which addresses are contracts that can be registered as a token
	// to lock; nil is all.
	Lockable func(types.Address) bool
	// FailCommands makes commands of these kinds be consumed as failed.
	FailCommands map[types.CommandKind]bool
	// Lax takes deposits to the own chain, to recipient zero and with a refund
	// address that cannot be paid. The real contract refuses them; the network has
	// to survive a contract that does not.
	Lax bool
	// WrappedAt is where the token of a RegisterToken is deployed; nil is
	// WrappedToken.
	WrappedAt func(types.RegisterToken) types.Address
	// Staking is the contract that the bridge was deployed with; nil is none, and
	// then nothing can be staked.
	Staking *Staking

	networkID types.Hash
	height    uint64 // of the block being made
	contract
	touched bool // the block being made has changed something
	past    []snapshot
}

// Logged is an inbox event with its block and the accumulator after it.
type Logged struct {
	types.InboxEvent
	Hash types.Hash
}

// NewChain deploys the model with its first validator set, in block 1.
func NewChain(networkID types.Hash, c types.Chain, set types.ValidatorSet) *Chain {
	chain := &Chain{
		Chain: c, networkID: networkID, height: 1, contract: newContract(set),
		Refuses: map[types.Address]bool{}, FailCommands: map[types.CommandKind]bool{},
	}
	chain.hash = evmsig.InboxSeed(networkID, c.ID, c.Bridge)
	chain.log(types.Initialized{SetHash: set.Hash()})
	return chain
}

func (c *Chain) log(e types.Event) uint64 {
	c.touched = true
	nonce := uint64(len(c.inbox)) + 1
	c.hash = evmsig.Accumulate(c.hash, evmsig.InboxLeaf(nonce, e))
	c.inbox = append(c.inbox, Logged{types.InboxEvent{Nonce: nonce, Block: c.height, Event: e}, c.hash})
	return nonce
}

// Log appends any event, as a forged or future contract could.
func (c *Chain) Log(e types.Event) uint64 { return c.log(e) }

// Inbox is everything logged so far.
func (c *Chain) Inbox() []Logged { return c.inbox }

// Position is the outbox: the last command that was wholly executed, and the
// next item of the one after it.
func (c *Chain) Position() (executed uint64, next uint32) { return c.executed, c.next }

// State is where the contract stands, and what is in force.
type State struct {
	InboxNonce  uint64
	InboxHash   types.Hash
	OutboxNonce uint64 // last command that was wholly executed
	NextIndex   uint32 // next item of the one after it
	SealHeight  uint64 // of the newest seal used
	Deposits    bool
	Activated   bool
	Epoch       uint64
	SetHash     types.Hash
	TotalPower  uint32
	ReleaseGas  uint32
}

// State reads it.
func (c *Chain) State() State {
	return State{
		InboxNonce: uint64(len(c.inbox)), InboxHash: c.hash, OutboxNonce: c.executed, NextIndex: c.next,
		SealHeight: c.sealHeight, Deposits: c.deposits, Activated: c.activated, Epoch: c.epoch, SetHash: c.set.Hash(),
		TotalPower: uint32(c.set.TotalPower()), ReleaseGas: c.releaseGas, //nolint:gosec // at most MaxTotalPower
	}
}

// WrappedToken is the address at which the model deploys an asset's token.
func (c *Chain) WrappedToken(asset types.AssetID) types.Address {
	return types.Address(crypto.Keccak256([]byte("wrapped"), asset[:], c.Bridge[:])[12:])
}

// TokenOf is the token that stands for an asset, or zero.
func (c *Chain) TokenOf(asset types.AssetID) types.Address { return c.tokenOf[asset] }

// Token is what the contract knows of a token; Mode 0 is unregistered.
func (c *Chain) Token(token types.Address) Token { return c.tokens[token] }

// Balance is what a holder has of a token.
func (c *Chain) Balance(token, holder types.Address) types.Amount {
	return c.balances[account{token, holder}]
}

// Custody is what the contract holds of a token besides unclaimed fees: what the
// network books as custody. It is zero where the fees exceed the balance, which
// only a chain that has dropped final deposits can bring about.
func (c *Chain) Custody(token types.Address) types.Amount {
	custody, err := c.Balance(token, c.Bridge).Sub(c.tokens[token].Fees)
	if err != nil {
		return types.Amount{}
	}
	return custody
}

// Supply is how much of a wrapped token exists, with unclaimed fees: what the
// network books as supply.
func (c *Chain) Supply(token types.Address) types.Amount {
	supply, err := c.minted[token].Add(c.tokens[token].Fees)
	if err != nil {
		panic(fmt.Sprintf("model chain %s: supply of %s: %v", c.Label, token, err))
	}
	return supply
}

// Minted is the wrapped token's own total supply.
func (c *Chain) Minted(token types.Address) types.Amount { return c.minted[token] }

// Claimable is the relay fees that an account has not withdrawn.
func (c *Chain) Claimable(holder, token types.Address) types.Amount {
	return c.claimable[account{token, holder}]
}

// Owed is the refund that could not be paid, and whether there is one.
func (c *Chain) Owed(nonce uint64, index uint32) (types.Claimed, bool) {
	claim, ok := c.owed[owedKey{nonce, index}]
	return claim, ok
}

// Give makes units of a token out of nothing, for a test's begin.
func (c *Chain) Give(token, holder types.Address, amount types.Amount) {
	c.touched = true
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

// A Revert is the name of the custom error with which the contract, or a token,
// refuses a call. Nothing has changed then.
type Revert string

// Error implements error.
func (r Revert) Error() string { return "reverts with " + string(r) }

func (c *Chain) reverts(call string, name Revert) error {
	return fmt.Errorf("model chain %s: %s %w", c.Label, call, name)
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
