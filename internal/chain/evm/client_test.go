package evm

import (
	"context"
	"testing"
)

// TestWebSocket reads over a WebSocket endpoint.
func TestWebSocket(t *testing.T) {
	w := newWorld(t)
	w.deposits(2)
	w.finalize()
	_, batch, err := readAll(t.Context(), w.source(w.config(1, w.node.WSURL())), w.seed())
	if err != nil || len(batch.Events) != 6 {
		t.Errorf("%d events, %v", len(batch.Events), err)
	}
}

// TestProbe tells of every endpoint.
func TestProbe(t *testing.T) {
	w := newWorld(t)
	client, err := Dial(t.Context(), w.config(1, w.node.HTTPURL(), w.node.WSURL()))
	w.must(err)
	defer client.Close()
	if err := client.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	errs := client.DoAll(t.Context(), func(_ context.Context, c Conn) error {
		if c.Group == "b" {
			panic("a bug")
		}
		return nil
	})
	if errs[0] != nil || errs[1] == nil {
		t.Errorf("a panic at one endpoint: %v", errs)
	}
}
