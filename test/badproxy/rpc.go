package badproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Call is a JSON-RPC request.
type Call struct {
	Version string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id,omitempty"`
	Method  string            `json:"method"`
	Params  []json.RawMessage `json:"params"`
}

// Answer is what comes back.
type Answer struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// Reply is what is sent for one request or for one batch.
type Reply struct {
	Wait   time.Duration // before it is sent
	Status int           // of HTTP
	Header http.Header
	Body   []byte
	Silent bool // it is never sent, and the connection stays
	Cut    int  // so many bytes from its end on the connection ends
	Drop   bool // the connection ends instead
}

// handle serves one message: a request or a batch.
func (p *Proxy) handle(ctx context.Context, message []byte) *Reply {
	reply := &Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}}
	calls, batch, err := parse(message)
	if err != nil {
		reply.Status, reply.Body = http.StatusBadRequest, []byte(err.Error())
		return reply
	}
	met, unasked := make([][]*meeting, len(calls)), false
	for i, c := range calls {
		met[i] = p.meet(ctx, c.Method)
		defer p.count(met[i])
		for _, m := range met[i] {
			m.exchange.Call = c
			unasked = unasked || m.trouble.Unasked
		}
	}
	if !unasked {
		if reply.Body, err = p.content(ctx, calls, batch, met); err != nil {
			reply.Status, reply.Body = http.StatusBadGateway, []byte("the node does not answer")
			return reply
		}
	}
	for _, all := range met {
		for _, m := range all {
			if m.trouble.Send != nil {
				m.trouble.Send(&m.exchange, reply)
				m.did = true
			}
		}
	}
	return reply
}

// content asks the node, and bends what is asked and answered.
func (p *Proxy) content(ctx context.Context, calls []Call, batch bool, met [][]*meeting) ([]byte, error) {
	asked := make([]Call, len(calls))
	for i, c := range calls {
		for _, m := range met[i] {
			if m.trouble.Ask != nil {
				m.exchange.Call.Params = append([]json.RawMessage(nil), c.Params...)
				m.did = m.trouble.Ask(&m.exchange)
				c.Params = m.exchange.Call.Params
			}
		}
		asked[i] = c
	}
	answers, err := p.ask(ctx, asked)
	if err != nil {
		return nil, err
	}
	for i := range answers {
		answers[i].ID = calls[i].ID
		for _, m := range met[i] {
			if m.trouble.Tell != nil {
				m.exchange.Answer = answers[i]
				m.did = m.trouble.Tell(&m.exchange) || m.did
				answers[i] = m.exchange.Answer
			}
		}
	}
	if batch {
		return json.Marshal(answers)
	}
	return json.Marshal(answers[0])
}

// ask asks the node for all calls in one message. Answers are in their order.
func (p *Proxy) ask(ctx context.Context, calls []Call) ([]Answer, error) {
	numbered := make([]Call, len(calls))
	for i, c := range calls {
		c.ID = fmt.Append(nil, i)
		numbered[i] = c
	}
	message, err := json.Marshal(numbered)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.config.Target, bytes.NewReader(message))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the node: %w", err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the node's answer: %w", err)
	}
	var said []Answer
	if err := json.Unmarshal(raw, &said); err != nil || len(said) != len(calls) {
		return nil, fmt.Errorf("the node answers %d requests with %.200s", len(calls), raw)
	}
	answers := make([]Answer, len(calls))
	for _, a := range said {
		var i int
		if err := json.Unmarshal(a.ID, &i); err != nil || i < 0 || i >= len(calls) {
			return nil, fmt.Errorf("the node answers request %s", a.ID)
		}
		answers[i] = a
	}
	return answers, nil
}

// parse reads a request or a batch of them.
func parse(message []byte) (calls []Call, batch bool, err error) {
	message = bytes.TrimSpace(message)
	if batch = bytes.HasPrefix(message, []byte("[")); batch {
		err = json.Unmarshal(message, &calls)
		if err == nil && len(calls) == 0 {
			err = fmt.Errorf("an empty batch")
		}
	} else {
		calls = make([]Call, 1)
		err = json.Unmarshal(message, &calls[0])
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the request: %w", err)
	}
	return calls, batch, nil
}
