// Package fake is a model of a chain with a bridge contract, for tests of
// observers and relayers: blocks are made by hand, finality follows or stands
// still, and servers may fail, hang or lie. Its Source proves what it returns
// by the same rules as a real one, so a lie gives an error here too.
package fake

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// blockSeconds is how far blocks are apart by their own time.
const blockSeconds = 12

// Chain is the model. It is safe for concurrent use.
type Chain struct {
	id     types.ChainID
	bridge types.Address
	seed   types.Hash

	mu         sync.Mutex
	generation uint64 // grows with each reorganisation, so that hashes differ
	blocks     []block
	waiting    []types.Event // for the next block
	lag        uint64
	final      uint64
	frozen     bool
	fail       error
	stalled    bool
	panics     bool
	lie        Lie
	partial    bool
	reads      int

	outbox outbox
}

// block holds the inbox events of one block; the accumulator runs through all.
type block struct {
	hash   types.Hash
	events []chain.Logged
}

// Lie is what the chain's servers do wrong.
type Lie struct {
	Hide    uint64 // the event with this nonce is left out
	Alter   uint64 // the event with this nonce has another content
	Forge   uint64 // the same, and everything after it hashes accordingly
	Rewrite bool   // the finalised position has another accumulator
	Behind  uint64 // the finalised block is named so many blocks too low
}

var (
	_ chain.Source = (*Source)(nil)
	_ chain.Sink   = (*Sink)(nil)
)

// New makes a chain whose block 0 is empty. Its finality follows the newest
// block.
func New(id types.ChainID, network types.Hash) *Chain {
	bridge := types.Address(crypto.Keccak256([]byte("bridge"), binary.BigEndian.AppendUint64(nil, uint64(id)))[:20])
	c := &Chain{id: id, bridge: bridge, seed: evmsig.InboxSeed(network, id, bridge)}
	c.blocks = []block{{hash: c.blockHash(0)}}
	return c
}

// ID is the chain's id.
func (c *Chain) ID() types.ChainID { return c.id }

// Bridge is the address of the contract.
func (c *Chain) Bridge() types.Address { return c.bridge }

// Seed is the accumulator before the first event.
func (c *Chain) Seed() types.Hash { return c.seed }

// Emit makes the contract emit events in the next block, and returns the nonce
// of the last one.
func (c *Chain) Emit(events ...types.Event) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, events...)
	return c.tip().Nonce + uint64(len(c.waiting))
}

// Deposit emits a deposit of an amount.
func (c *Chain) Deposit(amount uint64) uint64 {
	return c.Emit(types.Deposited{
		Token: types.NativeToken, Sender: types.Address{1}, Destination: c.id + 1,
		Recipient: types.Hash{31: 2}, RefundTo: types.Address{1}, Amount: types.NewAmount(amount),
	})
}

// Mine makes blocks; the first holds what waits.
func (c *Chain) Mine(count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range count {
		c.mine()
	}
	c.finalize()
}

func (c *Chain) mine() {
	number := uint64(len(c.blocks))
	c.runPool(number)
	at := c.tip()
	b := block{hash: c.blockHash(number)}
	for _, e := range c.waiting {
		at.Nonce++
		at.Hash = evmsig.Accumulate(at.Hash, evmsig.InboxLeaf(at.Nonce, e))
		b.events = append(b.events, chain.Logged{InboxEvent: types.InboxEvent{Nonce: at.Nonce, Block: number, Event: e}, Hash: at.Hash})
	}
	c.waiting = nil
	c.blocks = append(c.blocks, b)
}

func (c *Chain) blockHash(number uint64) types.Hash {
	var b []byte
	for _, n := range []uint64{uint64(c.id), number, c.generation} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return crypto.Keccak256Hash(b)
}

// tip is the newest event of all blocks.
func (c *Chain) tip() types.Mark { return c.inboxAt(uint64(len(c.blocks) - 1)) }

// inboxAt is the newest event up to a block.
func (c *Chain) inboxAt(number uint64) types.Mark {
	for i := int(number); i >= 0; i-- { //nolint:gosec // a test's chain is short
		if events := c.blocks[i].events; len(events) > 0 {
			last := events[len(events)-1]
			return types.Mark{Nonce: last.Nonce, Hash: last.Hash, Block: last.Block}
		}
	}
	return types.Mark{Hash: c.seed}
}

func (c *Chain) finalize() {
	if head := uint64(len(c.blocks) - 1); !c.frozen && head >= c.lag {
		c.final = max(c.final, head-c.lag)
	}
}

// Height is the number of the newest block.
func (c *Chain) Height() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(len(c.blocks) - 1)
}

// SetLag puts the finalised block so many below the newest. It never goes back.
func (c *Chain) SetLag(lag uint64) { c.set(func() { c.lag = lag }) }

// Freeze holds the finalised block where it is, or lets it follow again.
func (c *Chain) Freeze(frozen bool) { c.set(func() { c.frozen = frozen }) }

// Fail makes every request fail with err, until it is nil again.
func (c *Chain) Fail(err error) { c.set(func() { c.fail = err }) }

// Stall makes every request hang until its context ends.
func (c *Chain) Stall(stalled bool) { c.set(func() { c.stalled = stalled }) }

// Panic makes every request panic, as a bug in a Source would.
func (c *Chain) Panic(panics bool) { c.set(func() { c.panics = panics }) }

// Partial makes the finalised position one of a source that proves events, and
// not that there are no newer ones: what a Lie hides is then missing there too.
func (c *Chain) Partial(partial bool) { c.set(func() { c.partial = partial }) }

// Tell makes the servers lie; the zero Lie is the truth.
func (c *Chain) Tell(l Lie) { c.set(func() { c.lie = l }) }

// Reads is how often Read was called.
func (c *Chain) Reads() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads
}

func (c *Chain) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	c.finalize()
}

// Reorg replaces the newest depth blocks by as many empty ones, finalised or
// not, and forgets their events.
func (c *Chain) Reorg(depth int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	c.blocks = c.blocks[:len(c.blocks)-depth]
	c.waiting = nil
	for range depth {
		c.mine()
	}
}

// Save returns a function that makes the chain what it is now: to come back from
// a fork that only lying servers told of.
func (c *Chain) Save() (restore func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	blocks, final := slices.Clone(c.blocks), c.final
	return func() { c.set(func() { c.blocks, c.final = slices.Clone(blocks), final }) }
}

// ask is what every request begins with.
func (c *Chain) ask(ctx context.Context) error {
	c.mu.Lock()
	fail, stalled, panics := c.fail, c.stalled, c.panics
	c.mu.Unlock()
	if stalled {
		<-ctx.Done()
	}
	if panics {
		panic("fake: scripted panic")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fail
}

// Finalized is the finalised position as the servers name it now.
func (c *Chain) Finalized(ctx context.Context) (chain.Position, error) {
	if err := c.ask(ctx); err != nil {
		return chain.Position{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	number := c.final - min(c.final, c.lie.Behind)
	inbox := c.inboxAt(number)
	switch {
	case !c.partial:
		inbox.Block = number
	case c.lie.Hide > 0 && inbox.Nonce >= c.lie.Hide:
		inbox = c.markAt(c.lie.Hide - 1)
	}
	if c.lie.Rewrite {
		inbox.Hash = crypto.Keccak256Hash(inbox.Hash[:])
	}
	return chain.Position{Block: number, Hash: c.blocks[number].hash, Time: number * blockSeconds, Inbox: inbox}, nil
}

// markAt is the event of a nonce as a mark.
func (c *Chain) markAt(nonce uint64) types.Mark {
	at := types.Mark{Hash: c.seed}
	for _, b := range c.blocks {
		for _, e := range b.events {
			if e.Nonce <= nonce {
				at = types.Mark{Nonce: e.Nonce, Hash: e.Hash, Block: e.Block}
			}
		}
	}
	return at
}

// Read is what chain.Source says.
func (c *Chain) Read(ctx context.Context, from, to types.Mark, o chain.ReadOptions) (chain.Batch, error) {
	if err := c.ask(ctx); err != nil {
		return chain.Batch{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if to.Block > c.final {
		return chain.Batch{}, fmt.Errorf("fake: asked for block %d, final is %d", to.Block, c.final)
	}
	collector := chain.NewCollector(from, to, o)
	var told types.Hash // the accumulator of a forger
	for number := from.Block; number <= to.Block; number++ {
		events, err := collector.Verify(c.tell(c.blocks[number].events, &told))
		if err != nil {
			return chain.Batch{}, err
		}
		collector.Add(events)
		if o.Progress != nil {
			o.Progress(number)
		}
	}
	return collector.Finish()
}

// tell is a block's events as the servers tell them.
func (c *Chain) tell(events []chain.Logged, told *types.Hash) []chain.Logged {
	var claims []chain.Logged
	for _, e := range events {
		before := e.Hash
		switch e.Nonce {
		case c.lie.Hide:
			continue
		case c.lie.Alter:
			e.Event = types.Unstaked{Amount: types.NewAmount(1)}
		case c.lie.Forge:
			e.Event = types.Unstaked{Amount: types.NewAmount(1)}
			*told = c.before(e.Nonce)
		}
		if *told != (types.Hash{}) {
			*told = evmsig.Accumulate(*told, evmsig.InboxLeaf(e.Nonce, e.Event))
			before = *told
		}
		e.Hash = before
		claims = append(claims, e)
	}
	return claims
}

// before is the true accumulator just before a nonce.
func (c *Chain) before(nonce uint64) types.Hash {
	at := c.seed
	for _, b := range c.blocks {
		for _, e := range b.events {
			if e.Nonce == nonce {
				return at
			}
			at = e.Hash
		}
	}
	return at
}
