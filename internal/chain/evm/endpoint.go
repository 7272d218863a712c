package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	// maxAnswer bounds what one answer may take of the memory. 10,000 logs of
	// deposits with the most data are about 30 MB.
	maxAnswer = 64 << 20
	// chainIDEvery is how long a checked chain id is relied on: a load balancer
	// may put another server behind an address at any time.
	chainIDEvery = time.Minute
	// agreeGrace is how long the other endpoints are waited for once min_agree
	// groups have answered.
	agreeGrace = 500 * time.Millisecond
)

var (
	errTooLong = errors.New("answer is too long")
	errSilent  = errors.New("no answer in the time that others took")
)

// endpoint is one server, connected to when it is first asked.
type endpoint struct {
	url, name, group string
	chainID          types.ChainID
	timeout          time.Duration
	transport        boundedTransport

	mu      sync.Mutex
	client  *rpc.Client
	checked time.Time // when the chain id was last right
	status  EndpointStatus
}

// EndpointStatus is how an endpoint has done so far.
type EndpointStatus struct {
	Endpoint string // group and host, without secrets
	Group    string
	Requests uint64
	Failures uint64
	// Of the last request, if it failed or its answer was refused.
	Error string
	Check chain.Check
}

func newEndpoint(e Endpoint, cfg Config) *endpoint {
	name := e.Group
	if u, err := url.Parse(e.URL); err == nil && u.Host != e.Group {
		name += " (" + u.Host + ")"
	}
	return &endpoint{
		status: EndpointStatus{Endpoint: name, Group: e.Group},
		url:    e.URL, name: name, group: e.Group, chainID: cfg.ChainID, timeout: cfg.RequestTimeout,
		transport: boundedTransport{http.DefaultTransport.(*http.Transport).Clone(), maxAnswer},
	}
}

// do runs ask against the endpoint, within the request timeout.
func (e *endpoint) do(ctx context.Context, ask func(context.Context, Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	client, err := e.connect(ctx)
	if err != nil {
		return e.failed(unlessSilent(ctx, err))
	}
	err = ask(ctx, Conn{RPC: client, Eth: ethclient.NewClient(client), Endpoint: e.name, Group: e.group})
	if err != nil {
		return e.failed(unlessSilent(ctx, err))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status.Requests++
	e.status.Error, e.status.Check = "", ""
	return nil
}

// unlessSilent gives the reason for which a request was given up, where that is
// what ended it.
func unlessSilent(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

// failed notes an error, and wraps it with the endpoint's name and without its
// secrets; it keeps the check that failed.
func (e *endpoint) failed(err error) error {
	failure := &chain.Error{Check: chain.CheckTransport, Err: fmt.Errorf("%s: %w", e.name, withoutURL(err))}
	if known, ok := errors.AsType[*chain.Error](err); ok {
		failure = &chain.Error{Check: known.Check, Severity: known.Severity, Err: fmt.Errorf("%s: %w", e.name, known.Err)}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status.Requests++
	e.status.Failures++
	e.status.Error, e.status.Check = failure.Error(), failure.Check
	return failure
}

// answer is what the endpoint said, as evidence.
func (e *endpoint) answer(request string, raw json.RawMessage) chain.Answer {
	return chain.Answer{Endpoint: e.name, Group: e.group, Request: request, Answer: raw}
}

// connect returns the connection, whose chain id was right not long ago.
func (e *endpoint) connect(ctx context.Context) (*rpc.Client, error) {
	client, checked, err := e.dial(ctx)
	if err != nil || time.Since(checked) < chainIDEvery {
		return client, err
	}
	id, err := ethclient.NewClient(client).ChainID(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for the chain id: %w", err)
	}
	if !id.IsUint64() || id.Uint64() != uint64(e.chainID) {
		e.mu.Lock()
		e.checked = time.Time{}
		e.mu.Unlock()
		return nil, chain.Failed(chain.CheckChainID, "the server is on chain %s, not on %s", id, e.chainID)
	}
	e.mu.Lock()
	e.checked = time.Now()
	e.mu.Unlock()
	return client, nil
}

func (e *endpoint) dial(ctx context.Context) (*rpc.Client, time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		return e.client, e.checked, nil
	}
	client, err := rpc.DialOptions(ctx, e.url,
		rpc.WithHTTPClient(&http.Client{Transport: e.transport}),
		rpc.WithWebsocketMessageSizeLimit(maxAnswer))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("connect: %w", err)
	}
	e.client, e.checked = client, time.Time{}
	return client, e.checked, nil
}

func (e *endpoint) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.client != nil {
		e.client.Close()
		e.client = nil
	}
	e.transport.next.CloseIdleConnections()
}

// boundedTransport cuts answers off that are longer than any honest one.
type boundedTransport struct {
	next *http.Transport
	most int64 // bytes of one answer
}

// RoundTrip implements http.RoundTripper.
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = &boundedBody{ReadCloser: response.Body, left: t.most}
	return response, nil
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// withoutURL takes the address, which often holds a key, out of an error.
func withoutURL(err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		return inner.Err
	}
	return err
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
