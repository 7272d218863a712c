package chains

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/test/modelchain"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	networkName = "bridged-chains"
	endpoints   = 3
	minAgree    = 2
)

var (
	token = types.Address{0xa1}
	payer = types.Address{0xaa}
)

// spec is one chain of a world.
type spec struct {
	block time.Duration // between two blocks
	lag   uint64        // blocks that finality trails behind
	epoch uint64        // blocks that become final together
}

// world is model chains. Each chain has an asset of its own, which is sent to
// the next that works.
type world struct {
	chains []*chain
}

// chain is a model chain and what is measured of it.
type chain struct {
	*modelchain.Chain
	spec
	config types.Chain
	next   types.ChainID // where its deposits go

	mu    sync.Mutex
	known uint64      // inbox nonce of the newest final block
	final []finalised // not applied yet
	busy  bool        // there are deposits
	bad   trouble
}

// finalised is an event that has become final and when it did.
type finalised struct {
	nonce uint64
	at    time.Time
}

// trouble is what is wrong with all endpoints of a chain.
type trouble uint8

const (
	fine trouble = iota
	hanging
	lying
)

// newWorld makes chains; nothing is sent to those from healthy on.
func newWorld(specs []spec, healthy int, set types.ValidatorSet) (*world, error) {
	w := &world{}
	for i, s := range specs {
		c := &chain{spec: s, config: modelchain.Numbered(i, s.block), next: modelchain.Numbered((i+1)%healthy, 0).ID}
		var err error
		c.Chain, err = modelchain.New(modelchain.Config{
			Chain: c.config, NetworkID: evmsig.NetworkID(networkName), Set: set,
			FinalityLag: s.lag, FinalityEvery: s.epoch, Endpoints: endpoints,
		})
		if err != nil {
			return nil, errors.Join(err, w.close())
		}
		w.chains = append(w.chains, c)
		for range s.lag + s.epoch { // until the contract is final
			if err := c.Mine(); err != nil {
				return nil, errors.Join(err, w.close())
			}
		}
	}
	return w, nil
}

func (w *world) close() error {
	var errs []error
	for _, c := range w.chains {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// assets are one for each chain, minted on the next.
func (w *world) assets() (all []types.Asset) {
	for i, c := range w.chains {
		all = append(all, types.Asset{
			ID: types.AssetID{1, byte(i)}, Name: fmt.Sprintf("Asset %d", i), Symbol: "ASSET", Decimals: 18, //nolint:gosec // few
			Tokens: []types.Token{
				{Chain: c.config.ID, Mode: types.ModeLock, Token: token, Decimals: 18},
				{Chain: c.next, Mode: types.ModeMint, Decimals: 18},
			},
		})
	}
	return all
}

// configs is how a node is told of the chains.
func (w *world) configs(poll time.Duration) (all []config.Chain) {
	for _, c := range w.chains {
		told := c.Told()
		told.MinAgree, told.PollInterval = minAgree, poll
		all = append(all, told)
	}
	return all
}

// run makes a chain's blocks until ctx ends, and a deposit in each of every.
func (w *world) run(ctx context.Context, i, every int) error {
	c, number := w.chains[i], i-1
	return modelchain.Pace(ctx, c.block, i, len(w.chains), func() error {
		number++
		return c.step(number, number%every == 0)
	})
}

// step makes a block, with a deposit or without, and notes what it made final.
func (c *chain) step(number int, deposit bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.misbehave(number)
	if deposit && c.busy {
		if err := c.Do(c.deposit); err != nil {
			return err
		}
	}
	now := time.Now() // before anybody can see the block
	if err := c.Mine(); err != nil {
		return err
	}
	_, nonce := c.Finalized()
	for c.known < nonce {
		c.known++
		c.final = append(c.final, finalised{c.known, now})
	}
	return nil
}

func (c *chain) deposit(contract *bridgetest.Chain) error {
	contract.Give(token, payer, types.NewAmount(1_000_000))
	_, err := contract.Deposit(types.Deposited{
		Token: token, Sender: payer, Destination: c.next, Recipient: types.RecipientFromAddress(payer), RefundTo: payer,
		Amount: types.NewAmount(1_000_000), MaxFee: types.NewAmount(1000),
	})
	return err
}

// lies change from block to block, and at times there is none, so that a lying
// chain goes on now and then and nobody leaves it alone.
var lies = []modelchain.Mode{
	modelchain.AltersLogs, modelchain.Honest, modelchain.ForgesHeaders, modelchain.Honest,
	modelchain.BadProofs, modelchain.Honest, modelchain.HidesLogs, modelchain.Honest,
}

func (c *chain) misbehave(number int) {
	for _, e := range c.Endpoints() {
		switch c.bad {
		case hanging:
			e.SetMode(modelchain.Hanging)
		case lying:
			e.SetMode(lies[number%len(lies)])
		case fine:
		}
	}
}

// applied takes the chain's cursor in a state that was committed at a time, and
// returns how long those events up to there took that became final in a span,
// and of how many source blocks they were.
func (c *chain) applied(cursor uint64, at, since, until time.Time) (took latencies, blocks int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var last time.Time
	for len(c.final) > 0 && c.final[0].nonce <= cursor {
		event := c.final[0]
		c.final = c.final[1:]
		if !event.at.After(since) || !event.at.Before(until) {
			continue
		}
		took = append(took, at.Sub(event.at))
		if event.at != last {
			blocks, last = blocks+1, event.at
		}
	}
	return took, blocks
}

// waiting counts the events that became final in a span and are not applied.
func (c *chain) waiting(since, until time.Time) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, event := range c.final {
		if event.at.After(since) && event.at.Before(until) {
			n++
		}
	}
	return n
}

func (c *chain) set(busy bool, bad trouble) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy, c.bad = busy, bad
}
