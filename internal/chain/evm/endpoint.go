package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/sony/gobreaker/v2"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	// chainIDEvery is how long a checked chain id is relied on: a load balancer
	// may put another server behind an address at any time. What another chain
	// says would not prove out anyway, so it need not be often.
	chainIDEvery = 15 * time.Minute
	// agreeGrace is how long the other endpoints are waited for once min_agree
	// groups have answered.
	agreeGrace = 500 * time.Millisecond
)

var (
	errSilent = errors.New("no answer in the time that others took")
	errFaster = errors.New("another endpoint was faster")
)

// endpoint is one server, connected to when it is first asked.
type endpoint struct {
	url, name, group string
	secrets          *strings.Replacer
	chainID          types.ChainID
	timeout          time.Duration
	transport        *boundedTransport
	gate             *gate
	genesis          *genesis
	singly           atomic.Bool   // it takes no batches
	connecting       chan struct{} // held by the one who connects

	mu      sync.Mutex
	client  *rpc.Client
	checked time.Time // when the chain id was last right
	all     stat
	stats   [classes]stat
	status  EndpointStatus
}

func newEndpoint(e Endpoint, cfg Config, g *genesis) *endpoint {
	name := e.Group
	if u, err := url.Parse(e.URL); err == nil && u.Host != e.Group {
		name += " (" + u.Host + ")"
	}
	return &endpoint{
		status: EndpointStatus{Group: e.Group, Calls: map[string]uint64{}},
		url:    e.URL, name: name, group: e.Group, secrets: secretsOf(e.URL), chainID: cfg.ChainID, timeout: cfg.RequestTimeout,
		transport: newTransport(e.URL), gate: newGate(cfg.Rate, cfg.Burst), genesis: g, connecting: make(chan struct{}, 1),
	}
}

// do runs ask against the endpoint, once the gate lets it, within the request
// timeout.
func (e *endpoint) do(ctx context.Context, ask func(context.Context, Conn) error) error {
	done, err := e.gate.enter(ctx, e.timeout)
	if err != nil {
		return e.notAsked(err)
	}
	verdict := errNoVerdict // of a panic, too
	defer func() {
		done(verdict)
		if e.gate.breaker.State() == gobreaker.StateOpen {
			e.disconnect()
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	client, err := e.connect(ctx)
	if err == nil {
		caller := &Caller{client: client, e: e}
		err = ask(ctx, Conn{
			RPC: caller, Eth: &Eth{ethclient.NewClient(client), caller}, Endpoint: e.name, Group: e.group,
		})
	}
	verdict = e.verdict(ctx, err)
	switch {
	case err == nil:
		e.served()
		return nil
	case errors.Is(ctx.Err(), context.Canceled) && !errors.Is(context.Cause(ctx), errSilent):
		return fmt.Errorf("%s: %w", e.name, context.Cause(ctx)) // nobody's fault
	}
	return e.failed(unlessSilent(ctx, err))
}

// verdict is what an error says of the server: nil, if it serves. A refusal or a
// lie is an answer: whom to prefer is decided by stats.
func (e *endpoint) verdict(ctx context.Context, err error) error {
	_, answered := errors.AsType[rpc.Error](err)
	switch check := chain.CheckOf(err); {
	case err == nil:
		return nil
	case isRateLimited(err):
		e.gate.pause(time.Duration(e.transport.retryAfter.Swap(0)))
		return errNoVerdict
	case errors.Is(ctx.Err(), context.Canceled):
		return errNoVerdict
	case check == chain.CheckChainID || check == chain.CheckGenesis:
		return err
	case answered || check != chain.CheckTransport:
		return nil
	}
	return err
}

// unlessSilent gives the reason for which a request was given up, where that is
// what ended it.
func unlessSilent(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

func (e *endpoint) served() {
	e.gate.served()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status.Error, e.status.Check = "", ""
}

// failed notes an error, and wraps it with the endpoint's name and without its
// secrets; it keeps the check that failed.
func (e *endpoint) failed(err error) error {
	failure := &chain.Error{Check: chain.CheckTransport, Err: fmt.Errorf("%s: %w", e.name, tidy(err, e.secrets))}
	if known, ok := errors.AsType[*chain.Error](err); ok {
		failure = &chain.Error{Check: known.Check, Severity: known.Severity, Err: fmt.Errorf("%s: %w", e.name, tidy(known.Err, e.secrets))}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status.Failures++
	e.status.Error, e.status.Check, e.status.FailedAt = failure.Error(), failure.Check, time.Now()
	for _, kind := range refuted(failure.Check) {
		e.stats[kind].ended(false, time.Now())
	}
	return failure
}

// refuted are the classes whose answers a failed check shows to be worth less.
// Calls that failed in themselves are counted where they are made.
func refuted(c chain.Check) []class {
	switch c {
	case chain.CheckTransport:
		return nil
	case chain.CheckChainID, chain.CheckGenesis:
		return []class{classHeader, classProof, classLogs, classReceipts, classState}
	case chain.CheckProof, chain.CheckContract:
		return []class{classProof}
	case chain.CheckEmitter, chain.CheckLog, chain.CheckHidden, chain.CheckAccumulator:
		return []class{classLogs}
	}
	return []class{classHeader}
}

// notAsked wraps the reason why no request was made, with the endpoint's last
// error, which is mostly the reason for that. It counts as none.
func (e *endpoint) notAsked(err error) error {
	e.mu.Lock()
	last, check := e.status.Error, e.status.Check
	e.mu.Unlock()
	if !errors.Is(err, errNotAsked) || last == "" {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	return &chain.Error{Check: check, Err: fmt.Errorf("%s: %w; last: %s", e.name, err, last)}
}

// answer is what the endpoint said, as evidence.
func (e *endpoint) answer(request string, raw json.RawMessage) chain.Answer {
	return chain.Answer{Endpoint: e.name, Group: e.group, Request: request, Answer: raw}
}

// connect returns the connection, whose chain was the right one not long ago.
func (e *endpoint) connect(ctx context.Context) (*rpc.Client, error) {
	if client := e.connection(); client != nil {
		return client, e.genesis.check(e)
	}
	select {
	case e.connecting <- struct{}{}:
		defer func() { <-e.connecting }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if client := e.connection(); client != nil { // somebody else was first
		return client, e.genesis.check(e)
	}
	client, isNew, err := e.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.identify(ctx, client, isNew); err != nil {
		return nil, err
	}
	return client, e.genesis.check(e)
}

// connection is the one whose chain is known, if there is one.
func (e *endpoint) connection() *rpc.Client {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client == nil || time.Since(e.checked) >= chainIDEvery {
		return nil
	}
	return e.client
}

// identify asks which chain a server is on; the first time, for its block 0 as
// well.
func (e *endpoint) identify(ctx context.Context, client *rpc.Client, first bool) error {
	caller := &Caller{client: client, e: e}
	caller.calls.Store(1) // the one that the request has paid for is still to come
	id, err := chainID(ctx, caller)
	if err != nil {
		return fmt.Errorf("ask for the chain id: %w", err)
	}
	if id != e.chainID.String() {
		e.disconnect()
		return chain.Failed(chain.CheckChainID, "the server is on chain %s, not on %s", id, e.chainID)
	}
	if first {
		hash, err := fetchGenesis(ctx, caller)
		if err != nil {
			e.disconnect()
			return err
		}
		e.genesis.hear(e, hash)
		e.mu.Lock()
		e.status.NoGenesis = hash == types.Hash{}
		e.mu.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.checked = time.Now()
	return nil
}

func chainID(ctx context.Context, caller *Caller) (string, error) {
	var id hexutil.Big
	err := caller.CallContext(ctx, &id, "eth_chainId")
	return id.ToInt().String(), err
}

// dial makes the connection if there is none.
func (e *endpoint) dial(ctx context.Context) (client *rpc.Client, isNew bool, err error) {
	e.mu.Lock()
	client = e.client
	e.mu.Unlock()
	if client != nil {
		return client, false, nil
	}
	client, err = rpc.DialOptions(ctx, e.url,
		rpc.WithHTTPClient(&http.Client{Transport: e.transport}),
		rpc.WithWebsocketMessageSizeLimit(maxAnswer))
	if err != nil {
		return nil, false, fmt.Errorf("connect: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.client, e.checked = client, time.Time{}
	return client, true, nil
}

// disconnect ends the connection; the next request makes another one.
func (e *endpoint) disconnect() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		e.client.Close()
		e.client = nil
	}
	e.transport.next.CloseIdleConnections()
}

// each runs one function for all endpoints at once. Where enough is set, those
// that have not answered some time after enough groups have are given up: a
// silent endpoint must not slow the others down.
func each(ctx context.Context, endpoints []*endpoint, enough int, f func(context.Context, int, *endpoint) error) []error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	errs := make([]error, len(endpoints))
	done := make(chan int, len(endpoints))
	for i, e := range endpoints {
		go func() {
			defer func() {
				// The supervisor of the caller's goroutine does not see this one.
				if p := recover(); p != nil {
					errs[i] = e.failed(fmt.Errorf("panic: %v", p))
				}
				done <- i
			}()
			errs[i] = f(ctx, i, e)
		}()
	}
	groups := map[string]bool{}
	var grace <-chan time.Time
	for left := len(endpoints); left > 0; {
		select {
		case i := <-done:
			left--
			if errs[i] == nil {
				groups[endpoints[i].group] = true
			}
			if enough > 0 && len(groups) >= enough && grace == nil {
				grace = time.After(agreeGrace)
			}
		case <-grace:
			cancel(errSilent)
		}
	}
	return errs
}

// count notes calls.
func (e *endpoint) count(kind class, calls int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status.Requests += uint64(calls)             //nolint:gosec // not negative
	e.status.Calls[kind.String()] += uint64(calls) //nolint:gosec // as above
}

// measure notes how a call went.
func (e *endpoint) measure(ctx context.Context, kind class, took time.Duration, err error) {
	_, answered := errors.AsType[rpc.Error](err)
	givenUp := err != nil && errors.Is(ctx.Err(), context.Canceled)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range []*stat{&e.all, &e.stats[kind]} {
		switch {
		case givenUp:
			s.lost(took)
		case err == nil || answered || errors.Is(err, context.DeadlineExceeded):
			s.took(took)
		}
		switch {
		case givenUp && !errors.Is(context.Cause(ctx), errSilent), isRateLimited(err):
		case answered && kind == classLogs: // most likely the range is too large
		default:
			s.ended(err == nil || answered && isRevert(err), time.Now())
		}
	}
}

// guarded is do for goroutines that no supervisor sees: a panic is an error.
func (e *endpoint) guarded(ctx context.Context, ask func(context.Context, Conn) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = e.failed(fmt.Errorf("panic: %v", p))
		}
	}()
	return e.do(ctx, ask)
}
