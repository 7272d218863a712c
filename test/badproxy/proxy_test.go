package badproxy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/test/badproxy"
)

// silence is how long a test waits for who never answers.
const silence = 200 * time.Millisecond

// TestWithoutRules is as good as the node itself, by HTTP, in a batch, and by
// WebSocket.
func TestWithoutRules(t *testing.T) {
	c := newChain(t, 2)
	p := c.proxy()
	questions := c.questions()
	want := c.ask(dial(t, c.node.HTTPURL()), questions)
	for name, url := range map[string]string{"http": p.URL(), "websocket": p.WSURL()} {
		client := dial(t, url)
		if got := c.ask(client, questions); !equalJSON(got, want) {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
		must(t, client.BatchCallContext(t.Context(), questions))
		var got []string
		for _, q := range questions {
			got = append(got, said(*q.Result.(*json.RawMessage), q.Error))
		}
		if !equalJSON(got, want) {
			t.Errorf("%s, in a batch: %s\nwant %s", name, got, want)
		}
	}
	if p.Calls("eth_getLogs") != 4 || len(p.Counts()) != 0 {
		t.Errorf("%d calls, and %v", p.Calls("eth_getLogs"), p.Counts())
	}
}

func equalJSON(a, b []string) bool {
	normal := func(all []string) (out []string) {
		for _, s := range all {
			var v any
			if json.Unmarshal([]byte(s), &v) == nil {
				raw, _ := json.Marshal(v)
				s = string(raw)
			}
			out = append(out, s)
		}
		return out
	}
	return slices.Equal(normal(a), normal(b))
}

// TestEveryTrouble wants each one to do what it says to at least one question,
// by HTTP and by WebSocket, and to count it.
func TestEveryTrouble(t *testing.T) {
	c := newChain(t, 4)
	questions := c.questions()
	want := c.ask(dial(t, c.node.HTTPURL()), questions)
	p := c.proxy()
	for _, trouble := range badproxy.Troubles {
		for _, url := range []string{p.URL(), p.WSURL()} {
			if trouble.Name == "wrong id" && url == p.URL() {
				continue // a client over HTTP does not look at it
			}
			if trouble.Name == "frozen head" || trouble.Name == "transaction doubled" {
				continue // it begins with the truth; the questions hold no transaction
			}
			client := dial(t, url)
			before := p.Counts()[trouble.Name]
			p.Set(badproxy.Rule{Trouble: trouble})
			if !c.bends(trouble, client, questions, want) {
				t.Errorf("%s, at %s: nothing was bent", trouble.Name, url)
			}
			for deadline := time.Now().Add(10 * time.Second); p.Counts()[trouble.Name] == before; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("%s, at %s: nothing was counted", trouble.Name, url)
				}
			}
			p.Set()
			must(t, client.CallContext(t.Context(), new(json.RawMessage), "eth_blockNumber"))
		}
	}
}

// bends says whether one of the answers is another one, missing, or, where that is
// the trouble, late.
func (c *chain) bends(trouble badproxy.Trouble, client *rpc.Client, questions []rpc.BatchElem, want []string) bool {
	limit := time.Minute
	if trouble.Send != nil { // it may never answer
		limit = silence
	}
	for i, q := range questions {
		var raw json.RawMessage
		ctx, cancel := context.WithTimeout(c.t.Context(), limit)
		start := time.Now()
		err := client.CallContext(ctx, &raw, q.Method, q.Args...)
		cancel()
		late := time.Since(start) > silence/2 && strings.Contains("delay jitter", trouble.Name)
		if late || !equalJSON([]string{said(raw, err)}, want[i:i+1]) {
			return true
		}
	}
	return false
}

// TestAllAtOnce mixes all lies: whatever one makes of an answer, the next one
// bears it, and without rules the proxy is good again.
func TestAllAtOnce(t *testing.T) {
	c := newChain(t, 4)
	questions := c.questions()
	p := c.proxy()
	for _, url := range []string{p.URL(), p.WSURL()} {
		client := dial(t, url)
		want := c.ask(client, questions)
		var rules []badproxy.Rule
		for _, trouble := range badproxy.Troubles {
			if trouble.Send == nil {
				rules = append(rules, badproxy.Rule{Trouble: trouble, Share: 0.3})
			}
		}
		p.Set(rules...)
		for range 15 {
			c.ask(client, questions)
			_ = client.BatchCallContext(t.Context(), questions) // may fail
		}
		p.Set()
		if got := c.ask(client, questions); !equalJSON(got, want) {
			t.Errorf("afterwards: %s\nwant %s", got, want)
		}
	}
	if met := p.Counts(); len(met) < len(badproxy.Troubles)/2 {
		t.Errorf("only %v", met)
	}
}

// TestFrozenHead stops a server's head where it was.
func TestFrozenHead(t *testing.T) {
	c := newChain(t, 0)
	p := c.proxy(badproxy.Rule{Trouble: badproxy.Named("frozen head")})
	client := dial(t, p.URL())
	number := func() (h struct{ Number string }) {
		must(t, client.CallContext(t.Context(), &h, "eth_getBlockByNumber", "finalized", false))
		return h
	}
	first := number()
	must(t, c.node.Mine(t.Context(), 3))
	if second := number(); second != first {
		t.Errorf("it went on from %s to %s", first.Number, second.Number)
	}
	p.Set()
	if third := number(); third == first {
		t.Errorf("it stays at %s", third.Number)
	}
}

// TestTransport looks at the troubles that a JSON-RPC client hides.
func TestTransport(t *testing.T) {
	c := newChain(t, 0)
	p := c.proxy()
	post := func(ctx context.Context) (*http.Response, []byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL(), strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}`))
		must(t, err)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Do(r)
		if err != nil {
			return nil, nil, err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response, body, err
	}
	for name, holds := range map[string]func(r *http.Response, body []byte, err error) bool{
		"429": func(r *http.Response, _ []byte, _ error) bool {
			return r.StatusCode == 429 && r.Header.Get("Retry-After") == "1"
		},
		"503":   func(r *http.Response, _ []byte, _ error) bool { return r.StatusCode == 503 },
		"page":  func(r *http.Response, b []byte, _ error) bool { return r.StatusCode == 200 && b[0] == '<' },
		"empty": func(_ *http.Response, b []byte, err error) bool { return err == nil && len(b) == 0 },
		"truncated": func(_ *http.Response, b []byte, err error) bool {
			return errors.Is(err, io.ErrUnexpectedEOF) && len(b) > 0
		},
		"malformed": func(_ *http.Response, b []byte, err error) bool { return err == nil && !json.Valid(b) },
		"drop":      func(_ *http.Response, _ []byte, err error) bool { return errors.Is(err, io.EOF) },
		"half-open": func(_ *http.Response, _ []byte, err error) bool { return errors.Is(err, context.DeadlineExceeded) },
	} {
		p.Set(badproxy.Rule{Trouble: badproxy.Named(name)})
		short(t, func(ctx context.Context) {
			if r, body, err := post(ctx); !holds(r, body, err) {
				t.Errorf("%s: %+v %q %v", name, r, body, err)
			}
		})
	}
}

// TestSameSeed throws the same dice for the same requests, and others for
// another seed.
func TestSameSeed(t *testing.T) {
	c := newChain(t, 0)
	run := func(seed uint64) string {
		p := badproxy.ForTest(t, badproxy.Config{Target: c.node.HTTPURL(), Seed: seed, Rules: []badproxy.Rule{
			{Trouble: badproxy.Named("503"), Share: 0.3},
			{Trouble: badproxy.Named("null"), Methods: []string{"eth_chainId"}, Share: 0.5},
		}})
		client := dial(t, p.URL())
		var pattern strings.Builder
		for i := range 60 {
			method := []string{"eth_chainId", "eth_blockNumber"}[i%2]
			var raw json.RawMessage
			switch err := client.CallContext(t.Context(), &raw, method); {
			case err != nil:
				pattern.WriteByte('x')
			case bytes.Equal(raw, []byte("null")):
				pattern.WriteByte('0')
			default:
				pattern.WriteByte('.')
			}
		}
		text := pattern.String()
		if n := p.Counts(); n["503"] != strings.Count(text, "x") || n["null"] < strings.Count(text, "0") || n["null"] > 28 {
			t.Errorf("%s is counted as %v", text, n)
		}
		return text
	}
	first := run(1)
	if second := run(1); second != first {
		t.Errorf("the same seed: %s and %s", first, second)
	}
	if other := run(2); other == first {
		t.Errorf("another seed: %s again", other)
	}
	for _, r := range "x0." {
		if strings.Count(first, string(r)) < 5 {
			t.Errorf("hardly any %c in %s", r, first)
		}
	}
}

// TestForks tells a history that fits itself, and another one than another liar.
func TestForks(t *testing.T) {
	c := newChain(t, 3)
	rule := badproxy.Rule{Trouble: badproxy.Named("fork")}
	p := c.proxy(rule)
	client := dial(t, p.URL())
	header := func(client *rpc.Client, block string) (h *gethtypes.Header, hash common.Hash) {
		t.Helper()
		var raw json.RawMessage
		must(t, client.CallContext(t.Context(), &raw, "eth_getBlockByNumber", block, false))
		must(t, json.Unmarshal(raw, &h))
		said := struct{ Hash common.Hash }{}
		must(t, json.Unmarshal(raw, &said))
		if h.Hash() != said.Hash {
			t.Errorf("block %s: the fields hash to %s, it says %s", block, h.Hash(), said.Hash)
		}
		return h, said.Hash
	}
	_, first := header(client, "finalized")
	if first == c.node.Finalized().Hash() {
		t.Error("the first header is true")
	}
	c.deposit(true)
	must(t, c.node.Mine(t.Context(), 3))
	newest, hash := header(client, "finalized")
	for at := newest; at.Number.Uint64() > c.node.Finalized().Number.Uint64()-4; {
		parent, parentHash := header(client, hexutil.EncodeBig(new(big.Int).Sub(at.Number, common.Big1)))
		if at.ParentHash != parentHash {
			t.Errorf("block %s follows %s, not %s", at.Number, at.ParentHash, parentHash)
		}
		at = parent
	}
	// Its blocks can be asked for by their names, and logs name them.
	var again map[string]any
	must(t, client.CallContext(t.Context(), &again, "eth_getBlockByHash", hash, false))
	if again["hash"] != hash.Hex() {
		t.Errorf("by its hash %s the block is %v", hash, again["hash"])
	}
	other := badproxy.ForTest(t, badproxy.Config{Target: c.node.HTTPURL(), Seed: 8, Rules: []badproxy.Rule{rule}})
	if _, lie := header(dial(t, other.URL()), "finalized"); lie == hash {
		t.Error("two liars tell the same")
	}
	var logs []gethtypes.Log
	must(t, client.CallContext(t.Context(), &logs, "eth_getLogs", map[string]any{"fromBlock": "0x0", "toBlock": "latest", "address": c.bridge}))
	for _, l := range logs {
		_, want := header(client, hexutil.EncodeUint64(l.BlockNumber))
		if l.BlockHash != want {
			t.Errorf("a log of block %d names %s, the block is %s", l.BlockNumber, l.BlockHash, want)
		}
	}
}

func TestConfig(t *testing.T) {
	if _, err := badproxy.Start(badproxy.Config{Host: "0.0.0.0"}); err == nil {
		t.Error("it listens to the world")
	}
	p := badproxy.ForTest(t, badproxy.Config{Target: "http://127.0.0.1:1", Host: "127.0.0.3"})
	if host, _, _ := net.SplitHostPort(strings.TrimPrefix(p.URL(), "http://")); host != "127.0.0.3" {
		t.Errorf("it listens at %s", p.URL())
	}
	response, err := http.Post(p.URL(), "application/json", strings.NewReader(`{"id":1,"method":"eth_chainId"}`))
	must(t, err)
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadGateway {
		t.Errorf("without its node: %s", response.Status)
	}
	names := map[string]int{}
	for _, name := range badproxy.Names() {
		names[name]++
	}
	if len(names) != len(badproxy.Troubles) {
		t.Errorf("a name stands twice: %v", names)
	}
}
