package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	gethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/contracts/bindings"
)

// lie changes the logs that a node answers with. It is asked for answers that
// hold the bridge's deposits alone, and given the place of the first.
type lie func(all []*gethtypes.Log, deposit int) []*gethtypes.Log

// proxy stands between a validator and a real node. While it has a lie, it tells
// it about deposits from a nonce on.
type proxy struct {
	*httptest.Server
	t      *testing.T
	target string
	client *http.Client

	mu   sync.Mutex
	lie  lie
	from uint64
	told int // answers that were bent
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{t: t, client: &http.Client{Timeout: askTimeout}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

// tell begins a lie about deposits from a nonce on; nil ends it.
func (p *proxy) tell(l lie, from uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lie, p.from, p.told = l, from, 0
}

func (p *proxy) lies() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, p.target, bytes.NewReader(body))
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(p.bend(body, raw)) // a validator that was killed hears nothing
}

// bend is what the validator hears instead of an answer.
func (p *proxy) bend(request, raw []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	var asked struct {
		Method string `json:"method"`
	}
	if p.lie == nil || json.Unmarshal(request, &asked) != nil || asked.Method != "eth_getLogs" {
		return raw
	}
	var answer struct {
		Version string           `json:"jsonrpc"`
		ID      json.RawMessage  `json:"id"`
		Result  []*gethtypes.Log `json:"result"`
	}
	if json.Unmarshal(raw, &answer) != nil {
		return raw // an error is passed on
	}
	contract := bindings.NewBridge()
	for i, log := range answer.Result {
		e, err := contract.UnpackDepositedEvent(log)
		if err != nil || e.Nonce < p.from {
			continue
		}
		answer.Result = p.lie(answer.Result, i)
		bent, err := json.Marshal(answer)
		if err != nil {
			p.t.Error(err)
			return raw
		}
		p.told++
		return bent
	}
	return raw
}
