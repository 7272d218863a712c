package modelchain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/rpc"
)

// Mode is how an endpoint behaves.
type Mode uint8

// The modes.
const (
	Honest Mode = iota
	// Hanging accepts every request and answers none.
	Hanging
	// ForgesHeaders tells blocks of another history, with hashes that fit.
	ForgesHeaders
	// AltersLogs changes a field of each log.
	AltersLogs
	// HidesLogs leaves the last log out.
	HidesLogs
	// BadProofs proves the state of another block.
	BadProofs
)

var errGone = errors.New("the endpoint hangs")

// Endpoint is one JSON-RPC server of a chain, over HTTP and WebSocket.
type Endpoint struct {
	server  *http.Server
	rpc     *rpc.Server
	address string
	closing chan struct{}

	mu       sync.Mutex
	mode     Mode
	requests map[string]uint64
	posts    uint64
}

// serve opens an endpoint of a chain.
func serve(c *Chain) (*Endpoint, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	e := &Endpoint{
		rpc: rpc.NewServer(), address: listener.Addr().String(), closing: make(chan struct{}), requests: map[string]uint64{},
	}
	if err := e.rpc.RegisterName("eth", &api{c, e}); err != nil {
		return nil, errors.Join(fmt.Errorf("serve eth_: %w", err), listener.Close())
	}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
	go func() { _ = e.server.Serve(listener) }() // ends with close
	return e, nil
}

// URL is where the endpoint listens for HTTP.
func (e *Endpoint) URL() string { return "http://" + e.address }

// WebSocketURL is where it listens for WebSocket.
func (e *Endpoint) WebSocketURL() string { return "ws://" + e.address }

// ServeHTTP implements http.Handler.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		e.rpc.WebsocketHandler(nil).ServeHTTP(w, r)
		return
	}
	e.mu.Lock()
	e.posts++
	e.mu.Unlock()
	e.rpc.ServeHTTP(w, r)
}

// SetMode changes how the endpoint behaves.
func (e *Endpoint) SetMode(m Mode) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mode = m
}

// Requests are how often each method was asked for, members of batches counted
// one by one.
func (e *Endpoint) Requests() map[string]uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.requests)
}

// Posts is how many HTTP requests brought them.
func (e *Endpoint) Posts() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.posts
}

// asked counts a request. At a hanging endpoint it does not return before
// whoever asked has given up.
func (e *Endpoint) asked(ctx context.Context, method string) error {
	e.mu.Lock()
	e.requests[method]++
	hangs := e.mode == Hanging
	e.mu.Unlock()
	if !hangs {
		return nil
	}
	select {
	case <-ctx.Done():
	case <-e.closing:
	}
	return errGone
}

// lies says whether the endpoint is in this mode.
func (e *Endpoint) lies(m Mode) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mode == m
}

func (e *Endpoint) close() error {
	close(e.closing)
	err := e.server.Close()
	e.rpc.Stop()
	if err != nil {
		return fmt.Errorf("close an endpoint: %w", err)
	}
	return nil
}
