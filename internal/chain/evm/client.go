package evm

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Client holds the connections to a chain's endpoints, for a source and a sink
// together. It is safe for concurrent use.
type Client struct {
	cfg       Config
	endpoints []*endpoint
	memory    *memory
	genesis   *genesis
	hedges    budget

	mu        sync.Mutex
	favourite [classes]*endpoint
	agreement Agreement
}

// Conn is one endpoint's connection, as a request sees it. The chain id behind
// it has been checked.
type Conn struct {
	RPC *Caller
	Eth *Eth
	// Endpoint names the server without its secrets: group and host.
	Endpoint string
	Group    string
}

// Dial checks the configuration and prepares the endpoints. It fails for a bad
// configuration only: servers are connected to, and their chain id is checked,
// when they are first asked, so that a chain out of reach stops nobody's start.
func Dial(_ context.Context, cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, memory: newMemory(), agreement: Agreement{Wanted: cfg.MinAgree},
		genesis: &genesis{want: cfg.GenesisHash, minAgree: cfg.MinAgree, said: map[*endpoint]types.Hash{}},
	}
	named := map[string]int{}
	for _, configured := range cfg.Endpoints {
		e := newEndpoint(configured, cfg, c.genesis)
		if named[e.name]++; named[e.name] > 1 { // another account with the same operator, say
			e.name = fmt.Sprintf("%s #%d", e.name, named[e.name])
		}
		e.status.Endpoint = e.name
		c.endpoints = append(c.endpoints, e)
	}
	return c, nil
}

// Close ends all connections.
func (c *Client) Close() {
	for _, e := range c.endpoints {
		e.disconnect()
	}
}

// Name is the chain's name in logs.
func (c *Client) Name() string { return c.cfg.Name }

// ChainID is the chain's id.
func (c *Client) ChainID() types.ChainID { return c.cfg.ChainID }

// Bridge is the address of the bridge contract.
func (c *Client) Bridge() types.Address { return c.cfg.Bridge }

// Do asks the endpoint that does best, then the others until ask succeeds at
// one; where all of them are in trouble that may pass, once more after a moment.
// Each try has the request timeout of its own. The error joins what all of them
// said.
//
// An error of ask that says that the request itself is wrong (a reverted call)
// should be returned as a result instead, or every endpoint is asked in vain.
func (c *Client) Do(ctx context.Context, ask func(context.Context, Conn) error) error {
	_, err := c.doFrom(ctx, c.best(classState), ask)
	return err
}

// doFrom is Do beginning with a certain endpoint; it says which one served.
func (c *Client) doFrom(ctx context.Context, first int, ask func(context.Context, Conn) error) (int, error) {
	at := first
	err := again(ctx, func() error {
		var errs []error
		for _, i := range c.from(first) {
			err := c.endpoints[i].do(ctx, ask)
			if err == nil {
				at = i
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			errs = append(errs, err)
		}
		return join(errs)
	})
	return at, err
}

// DoAll asks all endpoints at once and returns their errors in order, nil where
// ask succeeded: for what every server should hear, such as a transaction.
func (c *Client) DoAll(ctx context.Context, ask func(context.Context, Conn) error) []error {
	return each(ctx, c.endpoints, 0, func(ctx context.Context, _ int, e *endpoint) error { return e.do(ctx, ask) })
}

// Probe connects to every endpoint and checks its chain id, for start-up logs
// and the doctor.
func (c *Client) Probe(ctx context.Context) error {
	return errors.Join(c.DoAll(ctx, func(context.Context, Conn) error { return nil })...)
}

// join keeps the check and severity of the gravest error, so that one server's
// lie is not hidden behind another one's time-out.
func join(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	worst := &chain.Error{Check: chain.CheckTransport, Err: flat(errs)}
	for _, err := range errs {
		check, severity := chain.CheckOf(err), chain.SeverityOf(err)
		if severity > worst.Severity || worst.Check == chain.CheckTransport && check != worst.Check {
			worst.Check, worst.Severity = check, severity
		}
	}
	return worst
}
