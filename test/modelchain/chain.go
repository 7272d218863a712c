package modelchain

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	gethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Config is a chain with a bridge contract that block 1 deploys.
type Config struct {
	types.Chain
	NetworkID types.Hash
	Set       types.ValidatorSet // the contract's first
	// FinalityLag is how many blocks `finalized` trails behind the newest; `safe`
	// trails half as many.
	FinalityLag uint64
	// FinalityEvery is for chains that make many blocks final together: those
	// whose numbers it divides are the ones that may be the newest final block.
	// Default 1.
	FinalityEvery uint64
	Endpoints     int // JSON-RPC servers, each at a loopback port of its own
}

// Chain is a model chain and its servers. It is safe for concurrent use.
type Chain struct {
	cfg       Config
	endpoints []*Endpoint

	mu     sync.Mutex
	model  *bridgetest.Chain
	told   int      // events of the model's inbox that a transaction holds
	blocks []*block // by number
	logged []uint64 // those with logs, ascending
	made   []made   // of the block being made
	filler uint64   // how many transactions of nobody there were
	pool   pool
	mined  map[types.Hash]*gethtypes.Receipt
}

// New deploys the contract and begins to serve. The caller closes the chain.
func New(cfg Config) (*Chain, error) {
	c := &Chain{
		cfg: cfg, model: bridgetest.NewChain(cfg.NetworkID, cfg.Chain, cfg.Set),
		pool: newPool(cfg.ID), mined: map[types.Hash]*gethtypes.Receipt{},
	}
	genesis, err := c.block(nil)
	if err != nil {
		return nil, fmt.Errorf("model chain %s: genesis: %w", cfg.Label, err)
	}
	c.blocks = append(c.blocks, genesis)
	c.note()
	if err := c.Mine(); err != nil {
		return nil, err
	}
	for range cfg.Endpoints {
		e, err := serve(c)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("model chain %s: %w", cfg.Label, err), c.Close())
		}
		c.endpoints = append(c.endpoints, e)
	}
	return c, nil
}

// Close ends all servers, and whatever they were asked.
func (c *Chain) Close() error {
	var errs []error
	for _, e := range c.endpoints {
		errs = append(errs, e.close())
	}
	return errors.Join(errs...)
}

// Endpoints are the chain's servers.
func (c *Chain) Endpoints() []*Endpoint { return c.endpoints }

// Do lets a test change the contract, in one transaction of the block being
// made.
func (c *Chain) Do(change func(*bridgetest.Chain) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := change(c.model)
	c.note()
	return err
}

// Deposit is a deposit in the block being made. The contract need not know the
// token: what matters is the event.
func (c *Chain) Deposit(d types.Deposited) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.model.Log(d)
	c.note()
}

// note makes a transaction of the events that are in none yet.
func (c *Chain) note() {
	if c.told == len(c.model.Inbox()) {
		return
	}
	c.filler++
	bridge := c.cfg.Bridge
	tx := gethtypes.NewTx(&gethtypes.LegacyTx{Nonce: c.filler, To: &bridge, Gas: callGas, GasPrice: common.Big1})
	c.made = append(c.made, made{tx: tx, events: c.untold()})
}

// untold takes the events that no transaction holds yet.
func (c *Chain) untold() []bridgetest.Logged {
	inbox := c.model.Inbox()
	events := slices.Clone(inbox[c.told:])
	c.told = len(inbox)
	return events
}

// Mine makes a block of what there is: the test's transactions first, then the
// relayers'.
func (c *Chain) Mine() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.model.Time = c.now()
	for next := c.pool.ready(); next != nil; next = c.pool.ready() {
		c.made = append(c.made, c.execute(next))
	}
	b, err := c.block(c.made)
	if err != nil {
		return fmt.Errorf("model chain %s: block %d: %w", c.cfg.Label, c.model.Height(), err)
	}
	c.made = nil
	c.blocks = append(c.blocks, b)
	for _, r := range b.receipts {
		c.mined[r.TxHash] = r
	}
	if len(b.receipts) > 0 {
		c.logged = append(c.logged, b.number())
	}
	c.model.Mine()
	return nil
}

// now is the time of the next block, in seconds. It never goes back.
func (c *Chain) now() uint64 {
	return max(uint64(time.Now().Unix()), c.model.Time) //nolint:gosec // after 1970
}

// Finalized is the newest final block, and the inbox nonce up to there.
func (c *Chain) Finalized() (block, nonce uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.blocks[c.final()]
	return b.number(), b.state.InboxNonce
}

// Head is the number of the newest block.
func (c *Chain) Head() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.head()
}

// Contract reads the contract's model, as the block being made leaves it.
func (c *Chain) Contract() bridgetest.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.model.State()
}

func (c *Chain) head() uint64 { return uint64(len(c.blocks) - 1) }

func (c *Chain) final() uint64 {
	newest := c.head() - min(c.head(), c.cfg.FinalityLag)
	return newest - newest%max(c.cfg.FinalityEvery, 1)
}

func (c *Chain) safe() uint64 { return c.head() - min(c.head(), c.cfg.FinalityLag/2) }
