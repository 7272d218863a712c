package bridgetest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// MaxReorg is how many blocks a Chain can go back.
const MaxReorg = 64

// contract is everything that a reorg takes back. Amounts are in token units.
type contract struct {
	inbox []Logged
	hash  types.Hash

	executed   uint64 // outbox position
	next       uint32
	sealHeight uint64

	activated, deposits bool
	releaseGas          uint32
	epoch               uint64
	set                 types.ValidatorSet

	tokens    map[types.Address]Token
	tokenOf   map[types.AssetID]types.Address
	claimable map[account]types.Amount
	owed      map[owedKey]types.Claimed

	// Of the staking contract.
	stakes  map[types.Address]Stake
	slashed types.Amount

	// What other contracts hold: each token, and for a wrapped one its supply.
	balances map[account]types.Amount
	minted   map[types.Address]types.Amount
}

type account struct{ token, holder types.Address }

type owedKey struct {
	nonce uint64
	index uint32
}

func newContract(set types.ValidatorSet) contract {
	return contract{
		set: set, releaseGas: 300_000,
		tokens: map[types.Address]Token{}, tokenOf: map[types.AssetID]types.Address{},
		claimable: map[account]types.Amount{}, owed: map[owedKey]types.Claimed{},
		stakes:   map[types.Address]Stake{},
		balances: map[account]types.Amount{}, minted: map[types.Address]types.Amount{},
	}
}

func (c contract) clone() contract {
	c.inbox = slices.Clip(c.inbox) // two histories must not append into one array
	c.tokens, c.tokenOf = maps.Clone(c.tokens), maps.Clone(c.tokenOf)
	c.claimable, c.owed = maps.Clone(c.claimable), maps.Clone(c.owed)
	c.stakes = maps.Clone(c.stakes)
	c.balances, c.minted = maps.Clone(c.balances), maps.Clone(c.minted)
	return c
}

// snapshot is the state at the end of a block. Nobody writes to it; blocks in
// which nothing happened share one.
type snapshot struct {
	height uint64
	time   uint64
	*contract
}

// Mine ends the block being made and begins the next, with the same Time until
// the driver moves it.
func (c *Chain) Mine() {
	state := (*contract)(nil)
	if n := len(c.past); n > 0 && !c.touched {
		state = c.past[n-1].contract
	} else {
		kept := c.contract.clone()
		state = &kept
	}
	c.past = append(c.past, snapshot{c.height, c.Time, state})
	if len(c.past) > MaxReorg {
		c.past = slices.Delete(c.past, 0, len(c.past)-MaxReorg)
	}
	c.touched = false
	c.height++
}

// Height is the number of the block being made.
func (c *Chain) Height() uint64 { return c.height }

// Reorg drops the blocks after block to, of the last MaxReorg, as if they had
// never been: block to+1 is being made again, at the time of block to.
func (c *Chain) Reorg(to uint64) error {
	i := slices.IndexFunc(c.past, func(s snapshot) bool { return s.height == to })
	if i < 0 {
		return fmt.Errorf("model chain %s: no reorg from block %d to %d: only the last %d can go", c.Label, c.height, to, MaxReorg)
	}
	c.contract = c.past[i].contract.clone()
	c.height, c.Time = to+1, c.past[i].time
	c.past = c.past[:i+1]
	c.touched = false
	return nil
}

// Clone is an independent copy, with a past of its own. The functions among its
// knobs are shared.
func (c *Chain) Clone() *Chain {
	clone := *c
	clone.contract = c.contract.clone()
	clone.past = slices.Clone(c.past)
	clone.Refuses, clone.FailCommands = maps.Clone(c.Refuses), maps.Clone(c.FailCommands)
	return &clone
}
