package badproxy

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/gorilla/websocket"
)

// connecting is the method by which rules know that a WebSocket is opened.
const connecting = "websocket"

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if websocket.IsWebSocketUpgrade(r) {
		p.serveSocket(w, r)
		return
	}
	message, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	p.send(w, r, p.handle(r.Context(), message))
}

// send writes a reply, as far as it goes.
func (p *Proxy) send(w http.ResponseWriter, r *http.Request, reply *Reply) {
	if p.wait(r.Context(), reply.Wait) != nil {
		panic(http.ErrAbortHandler)
	}
	if reply.Silent {
		select {
		case <-r.Context().Done():
		case <-p.closed:
		}
	}
	if reply.Silent || reply.Drop {
		panic(http.ErrAbortHandler) // ends the connection without a word
	}
	for name, values := range reply.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(reply.Body)))
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body[:len(reply.Body)-min(reply.Cut, len(reply.Body))]) // who has gone hears nothing
	if reply.Cut > 0 {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// serveSocket answers over a WebSocket, with requests served side by side. There
// are no subscriptions: the node is asked over HTTP.
func (p *Proxy) serveSocket(w http.ResponseWriter, r *http.Request) {
	met := p.meet(r.Context(), connecting)
	reply := &Reply{Status: http.StatusOK}
	for _, m := range met {
		if m.trouble.Send != nil {
			m.trouble.Send(&m.exchange, reply)
			m.did = true
		}
	}
	p.count(met)
	if reply.Silent || reply.Drop || reply.Cut > 0 || reply.Status != http.StatusOK {
		p.send(w, r, reply)
		return
	}
	if p.wait(r.Context(), reply.Wait) != nil {
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the client has been told
	}
	p.ended.Go(func() { // the server does not end what it has let go of
		<-p.closed
		_ = conn.Close()
	})
	var serving sync.WaitGroup
	defer serving.Wait()
	defer func() { _ = conn.Close() }()
	var writing sync.Mutex
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		serving.Go(func() {
			reply := p.handle(r.Context(), message)
			if p.wait(r.Context(), reply.Wait) != nil || reply.Silent {
				return
			}
			writing.Lock()
			defer writing.Unlock()
			if reply.Drop || reply.Cut > 0 {
				_ = conn.Close()
				return
			}
			_ = conn.WriteMessage(websocket.TextMessage, reply.frame(message)) // who has gone hears nothing
		})
	}
}

// frame is a reply as a WebSocket's message: a status becomes an error.
func (r *Reply) frame(message []byte) []byte {
	if r.Status == http.StatusOK {
		return r.Body
	}
	calls, batch, err := parse(message)
	if err != nil {
		return []byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`)
	}
	answers := make([]Answer, len(calls))
	for i, c := range calls {
		answers[i] = Answer{Version: "2.0", ID: c.ID}
		answers[i].fail(-32000, http.StatusText(r.Status))
	}
	var all any = answers
	if !batch {
		all = answers[0]
	}
	raw, _ := json.Marshal(all) // plain structs
	return raw
}
