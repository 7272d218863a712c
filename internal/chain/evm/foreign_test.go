package evm

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/internal/chain"
)

// rollup makes a server's headers those of a chain with a field of its own,
// which goes into the hash.
func rollup(own string) lie {
	hashed := func(hash any) string { return crypto.Keccak256Hash([]byte(fmt.Sprint(hash, own))).Hex() }
	return bendHeader(func(h map[string]any) {
		h["sendRoot"], h["hash"], h["parentHash"] = own, hashed(h["hash"]), hashed(h["parentHash"])
	})
}

func TestForeignHeaders(t *testing.T) {
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	all, urls := w.proxies(3)
	for _, p := range all {
		p.tell(rollup("0x01"))
	}
	_, err := w.source(w.config(2, urls...)).Finalized(t.Context())
	if chain.CheckOf(err) != chain.CheckHeader || !strings.Contains(err.Error(), `fields that Ethereum's headers have not ("sendRoot")`) ||
		!strings.Contains(err.Error(), "set foreign_headers = true") {
		t.Errorf("a chain that is not marked: %v", err)
	}

	cfg := w.config(2, urls...)
	cfg.ForeignHeaders = true
	s := w.source(cfg)
	var log bytes.Buffer
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	for range 3 {
		if position, err := s.Finalized(t.Context()); err != nil || position.Inbox.Nonce != 5 {
			t.Fatalf("a marked chain: %+v, %v", position, err)
		}
		w.mine(1)
	}
	if text := log.String(); strings.Count(text, "block hashes are taken as min_agree groups give them") != 1 || !strings.Contains(text, "sendRoot") {
		t.Errorf("log:\n%s", text)
	}

	// The same hash with another state root is another header.
	bent := rollup("0x01")
	root := bendHeader(func(h map[string]any) { h["stateRoot"] = common.Hash{1}.Hex() })
	all[0].tell(lie{tell: func(c call, a *answer) { bent.tell(c, a); root.tell(c, a) }})
	if position, err := s.Finalized(t.Context()); err != nil || position.Inbox.Nonce != 5 {
		t.Errorf("one forges the root: %+v, %v", position, err)
	}
	all[1].tell(rollup("0x02"))
	w.mine(1)
	if _, err := s.Finalized(t.Context()); chain.CheckOf(err) != chain.CheckAgreement {
		t.Errorf("three headers: %v", err)
	}
}

// Whoever marks a chain that needs it not is told so.
func TestForeignHeadersForNothing(t *testing.T) {
	w := newWorld(t)
	w.finalize()
	cfg := w.config(1, w.node.HTTPURL())
	cfg.ForeignHeaders = true
	s := w.source(cfg)
	var log bytes.Buffer
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	_, err := s.Finalized(t.Context())
	w.must(err)
	if !strings.Contains(log.String(), "foreign_headers is set and not needed") {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestUnknownFieldsAreFewAndShort(t *testing.T) {
	var fields []string
	for i := range 100 {
		fields = append(fields, fmt.Sprintf(`"%03d%s":1`, i, strings.Repeat("x", 100)))
	}
	got := unknownFields([]byte("{" + strings.Join(fields, ",") + `,"hash":"0x1","number":"0x1"}`))
	if len(got) != 8 || len(got[0]) > 50 {
		t.Errorf("%q", got)
	}
}
