package evm

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// proxy stands between a client and a chain's server, and bends what it likes.
type proxy struct {
	*httptest.Server
	t      *testing.T
	target string

	mu    sync.Mutex
	lie   lie
	calls map[string]int
}

// call is a JSON-RPC request on its way to the server.
type call struct {
	Version string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id"`
	Method  string            `json:"method"`
	Params  []json.RawMessage `json:"params"`
}

// answer is what comes back.
type answer struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// lie changes a request, an answer, or both. Either may be nil.
type lie struct {
	ask  func(*call)
	tell func(call, *answer)
	// serve answers in the server's place, and says whether it did.
	serve func(http.ResponseWriter, *http.Request, call) bool
}

func newProxy(t *testing.T, target string, l lie) *proxy {
	t.Helper()
	p := &proxy{t: t, target: target, lie: l, calls: map[string]int{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) tell(l lie) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lie = l
}

func (p *proxy) count(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[method]
}

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var c call
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		p.t.Errorf("request: %v", err)
		return
	}
	p.mu.Lock()
	l := p.lie
	p.calls[c.Method]++
	p.mu.Unlock()
	if l.serve != nil && l.serve(w, r, c) {
		return
	}
	asked := c
	if l.ask != nil {
		l.ask(&asked)
	}
	body, err := json.Marshal(asked)
	if err != nil {
		p.t.Error(err)
		return
	}
	response, err := http.Post(p.target, "application/json", bytes.NewReader(body)) //nolint:noctx // ends with the node
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if l.tell != nil {
		var a answer
		if err := json.Unmarshal(raw, &a); err != nil {
			p.t.Errorf("answer %s: %v", raw, err)
			return
		}
		l.tell(c, &a)
		if raw, err = json.Marshal(a); err != nil {
			p.t.Error(err)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(raw); err != nil {
		p.t.Log(err)
	}
}

// on bends the result of one method, decoded as T.
func on[T any](method string, bend func(T) T) lie {
	return lie{tell: func(c call, a *answer) {
		if c.Method != method || a.Error != nil {
			return
		}
		var result T
		if err := json.Unmarshal(a.Result, &result); err != nil {
			panic(err)
		}
		raw, err := json.Marshal(bend(result))
		if err != nil {
			panic(err)
		}
		a.Result = raw
	}}
}
