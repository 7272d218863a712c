package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// mock is a server of which a test decides every answer but the chain's id and
// block 0.
type mock struct {
	*httptest.Server
	answer  atomic.Pointer[func(w http.ResponseWriter, r *http.Request, method string) string]
	genesis atomic.Pointer[string]
	singly  atomic.Bool // it takes no batches
	asked   atomic.Int64
}

// newMock answers "0x1" to everything.
func newMock(t *testing.T) *mock {
	t.Helper()
	m := &mock{}
	m.says(func(http.ResponseWriter, *http.Request, string) string { return `"result":"0x1"` })
	m.startsWith(`{"number":"0x0","hash":"` + types.Hash{1}.Hex() + `"}`)
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var calls []call
		batch := json.Unmarshal(body, &calls) == nil
		if batch && m.singly.Load() {
			fmt.Fprint(w, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}`) //nolint:errcheck // a test's server
			return
		}
		if !batch {
			calls = make([]call, 1)
			if err := json.Unmarshal(body, &calls[0]); err != nil {
				t.Error(err)
			}
		}
		var answers []string
		for _, c := range calls {
			said := m.tell(w, r, c)
			if said == "" {
				return
			}
			answers = append(answers, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, c.ID, said))
		}
		text := strings.Join(answers, ",")
		if batch {
			text = "[" + text + "]"
		}
		fmt.Fprint(w, text) //nolint:errcheck // a test's server
	}))
	t.Cleanup(m.Close)
	return m
}

func (m *mock) tell(w http.ResponseWriter, r *http.Request, c call) string {
	switch {
	case c.Method == "eth_chainId":
		return fmt.Sprintf(`"result":"%s"`, hexutil.EncodeUint64(testChain))
	case c.Method == "eth_getBlockByNumber" && string(c.Params[0]) == `"0x0"`:
		return `"result":` + *m.genesis.Load()
	}
	m.asked.Add(1)
	return (*m.answer.Load())(w, r, c.Method)
}

// says sets the answer: `"result":…`, `"error":…`, or nothing if it is written.
func (m *mock) says(answer func(w http.ResponseWriter, r *http.Request, method string) string) {
	m.answer.Store(&answer)
}

func (m *mock) startsWith(genesis string) { m.genesis.Store(&genesis) }

func hangs(_ http.ResponseWriter, r *http.Request, _ string) string {
	<-r.Context().Done()
	return ""
}

func status(code int) func(w http.ResponseWriter, r *http.Request, method string) string {
	return func(w http.ResponseWriter, _ *http.Request, _ string) string {
		w.WriteHeader(code)
		return ""
	}
}

// mocked is a client of so many mocks, each a group.
func mocked(t *testing.T, count int, bend func(*Config)) (*Client, []*mock) {
	t.Helper()
	cfg := Config{ChainID: testChain, Bridge: types.Address{1}, MinAgree: min(2, count), RequestTimeout: 20 * time.Second}
	var mocks []*mock
	for i := range count {
		mocks = append(mocks, newMock(t))
		cfg.Endpoints = append(cfg.Endpoints, Endpoint{URL: mocks[i].URL, Group: string(rune('a' + i))})
	}
	if bend != nil {
		bend(&cfg)
	}
	c, err := Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, mocks
}

func number(ctx context.Context, conn Conn) (uint64, error) { return conn.Eth.BlockNumber(ctx) }

func ask(ctx context.Context, conn Conn) error {
	_, err := number(ctx, conn)
	return err
}

// The best endpoint is asked until another one is much better.
func TestTheBestIsAsked(t *testing.T) {
	c, mocks := mocked(t, 3, nil)
	for _, e := range c.endpoints {
		if err := e.do(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
	}
	latencies := func(seconds ...float64) {
		for i, e := range c.endpoints {
			e.mu.Lock()
			e.all.latency = seconds[i]
			e.mu.Unlock()
		}
	}
	best := func(want int, why string) {
		t.Helper()
		if got := c.best(classHeader); got != want {
			t.Errorf("%s: endpoint %d is asked first, want %d", why, got, want)
		}
	}
	latencies(0.2, 0.1, 0.3)
	best(1, "the fastest")
	latencies(0.09, 0.1, 0.3)
	best(1, "hardly slower than another one")
	latencies(0.04, 0.1, 0.3)
	best(0, "much slower")
	mocks[0].says(status(http.StatusInternalServerError))
	for range 2 {
		if err := c.endpoints[0].do(t.Context(), ask); err == nil {
			t.Error("500 is no error")
		}
	}
	best(1, "the fastest fails")
	c.endpoints[1].mu.Lock()
	c.endpoints[1].status.Lag = 30
	c.endpoints[1].mu.Unlock()
	latencies(0.04, 0.1, 0.11)
	best(2, "the next is far behind")
	var served string
	if err := c.Do(t.Context(), func(ctx context.Context, conn Conn) error {
		served = conn.Group
		return ask(ctx, conn)
	}); err != nil || served == "a" {
		t.Errorf("%s served, %v", served, err)
	}
	order := map[int]int{}
	for range 200 {
		order[c.drawn(classHeader)[0]]++
	}
	if order[2] < 100 || order[0]+order[1] == 0 {
		t.Errorf("drawn first: %v", order)
	}
}

// A doubt is forgiven with time: who has recovered is found again.
func TestDoubtIsForgiven(t *testing.T) {
	now := time.Now()
	var s stat
	for range 10 {
		s.ended(false, now)
	}
	if before, after := s.doubt(now), s.doubt(now.Add(5*forgiven)); before < 0.8 || after > 0.01 {
		t.Errorf("doubt %.2f, later %.3f", before, after)
	}
}

// A slow endpoint costs as long as it mostly takes, and no more of such requests
// are made than the budget allows.
func TestHedgedReads(t *testing.T) {
	c, mocks := mocked(t, 2, nil)
	for _, e := range c.endpoints {
		if err := e.do(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
	}
	c.favourite[classHeader] = c.endpoints[0]
	c.endpoints[1].all.latency = 0.001
	c.endpoints[0].all.latency, c.endpoints[0].stats[classHeader].latency = 0.001, 0.001
	ended := make(chan struct{}, 1)
	mocks[0].says(func(w http.ResponseWriter, r *http.Request, method string) string {
		defer func() { ended <- struct{}{} }()
		return hangs(w, r, method)
	})
	c.hedges.credit = hedgeShare
	start := time.Now()
	if n, err := read(t.Context(), c, classHeader, number); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the slow request goes on")
	}
	if c.Hedged() != 1 || c.Status()[0].Failures != 0 || c.Status()[0].State != StateUp {
		t.Errorf("%d hedged, %+v", c.Hedged(), c.Status()[0])
	}

	c.hedges.credit, c.favourite[classHeader] = 0, c.endpoints[0]
	c.endpoints[0].all.latency = 0.001
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	asked := mocks[1].asked.Load()
	if _, err := read(ctx, c, classHeader, number); err == nil || mocks[1].asked.Load() != asked {
		t.Errorf("without a budget: %v", err)
	}
	var b budget
	granted := 0
	for range 1000 {
		b.read()
		if b.hedge() {
			granted++
		}
	}
	if granted != 1000/hedgeShare {
		t.Errorf("%d of 1000 reads may be hedged", granted)
	}
}

// What passes in a moment is tried again, and nothing else is.
func TestRetries(t *testing.T) {
	c, mocks := mocked(t, 2, nil)
	var once sync.Once
	flaky := func(w http.ResponseWriter, r *http.Request, method string) (said string) {
		said = `"result":"0x1"`
		once.Do(func() { said = status(http.StatusBadGateway)(w, r, method) })
		return said
	}
	mocks[0].says(flaky)
	mocks[1].says(status(http.StatusServiceUnavailable))
	if n, err := read(t.Context(), c, classHeader, number); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	for name, answer := range map[string]string{
		"an answer": `"error":{"code":-32000,"message":"nonce too low"}`,
		"a lie":     `"result":{"lie":true}`,
	} {
		before := mocks[0].asked.Load()
		for _, m := range mocks {
			m.says(func(http.ResponseWriter, *http.Request, string) string { return answer })
		}
		if err := c.Do(t.Context(), func(ctx context.Context, conn Conn) error {
			err := ask(ctx, conn)
			if _, said := errors.AsType[rpc.Error](err); err != nil && !said {
				return chain.Failed(chain.CheckHeader, "%w", err)
			}
			return err
		}); err == nil || mocks[0].asked.Load() != before+1 {
			t.Errorf("%s was asked for %d times: %v", name, mocks[0].asked.Load()-before, err)
		}
	}
}

// A server that is told to be quiet towards is; the others are asked, and neither
// its breaker opens nor does it count as down.
func TestTooManyRequests(t *testing.T) {
	c, mocks := mocked(t, 2, nil)
	mocks[0].says(func(w http.ResponseWriter, r *http.Request, method string) string {
		w.Header().Set("Retry-After", "120")
		return status(http.StatusTooManyRequests)(w, r, method)
	})
	mocks[1].says(func(http.ResponseWriter, *http.Request, string) string {
		return `"error":{"code":-32005,"message":"daily request count exceeded, request rate limited"}`
	})
	for range 3 {
		if err := c.Do(t.Context(), ask); err == nil {
			t.Error("no error")
		}
	}
	if err := c.Do(t.Context(), ask); !errors.Is(err, errNotAsked) || !strings.Contains(err.Error(), "too many requests, for another 1") || !strings.Contains(err.Error(), "429") {
		t.Errorf("%v", err)
	}
	for i, s := range c.Status() {
		if s.State != StateLimited || s.Limited != 1 || mocks[i].asked.Load() != 1 {
			t.Errorf("%d asked, %+v", mocks[i].asked.Load(), s)
		}
	}
	if wait := c.endpoints[0].gate.wait(); wait < 100*time.Second || wait > 120*time.Second {
		t.Errorf("left alone for %s", wait)
	}
}

// A batch is asked for one by one where batches are not taken, and each call
// counts.
func TestBatches(t *testing.T) {
	c, mocks := mocked(t, 1, nil)
	for _, singly := range []bool{false, true} {
		mocks[0].singly.Store(singly)
		for range 2 {
			before := c.Status()[0].Calls[classState.String()]
			var answers [3]hexutil.Uint64
			err := c.Do(t.Context(), func(ctx context.Context, conn Conn) error {
				batch := make([]rpc.BatchElem, len(answers))
				for i := range batch {
					batch[i] = rpc.BatchElem{Method: "eth_getBalance", Args: []any{}, Result: &answers[i]}
				}
				return errors.Join(conn.RPC.BatchCallContext(ctx, batch), batch[0].Error, batch[1].Error, batch[2].Error)
			})
			if err != nil || answers != [3]hexutil.Uint64{1, 1, 1} {
				t.Errorf("batches refused: %t: %v, %v", singly, answers, err)
			}
			calls := c.Status()[0].Calls[classState.String()] - before
			if refused := c.endpoints[0].singly.Load(); refused != singly || calls != 3 && calls != 6 {
				t.Errorf("batches refused: %t: %d calls, known %t", singly, calls, refused)
			}
		}
	}
	if calls := mocks[0].asked.Load(); calls != 12 {
		t.Errorf("%d calls have arrived", calls)
	}
}

// Endpoints of another chain with the same id are refused, once it is known which
// chain is meant.
func TestGenesis(t *testing.T) {
	other := `{"number":"0x0","hash":"` + types.Hash{2}.Hex() + `"}`
	verdicts := func(c *Client) (refused string) {
		for range 2 { // the first time, what the others say may not be known
			refused = ""
			for _, e := range c.endpoints {
				if err := e.do(t.Context(), ask); chain.CheckOf(err) == chain.CheckGenesis {
					refused += e.group
				} else if err != nil {
					t.Error(err)
				}
			}
		}
		return refused
	}
	for name, test := range map[string]struct {
		bend    func(*Config)
		others  []int
		refused string
	}{
		"all the same":          {},
		"one of three":          {others: []int{1}, refused: "b"},
		"two of three":          {others: []int{0, 1}, refused: "c"},
		"nobody is enough":      {bend: func(c *Config) { c.MinAgree = 3 }, others: []int{1}},
		"each is enough":        {bend: func(c *Config) { c.MinAgree = 1 }, others: []int{1}, refused: "abc"},
		"one group counts once": {bend: func(c *Config) { c.Endpoints[0].Group = "b"; c.Endpoints[2].Group = "d" }, others: []int{0, 1}},
		"as configured":         {bend: func(c *Config) { c.GenesisHash = types.Hash{2} }, others: []int{1}, refused: "ac"},
	} {
		c, mocks := mocked(t, 3, test.bend)
		for _, i := range test.others {
			mocks[i].startsWith(other)
		}
		if refused := verdicts(c); refused != test.refused {
			t.Errorf("%s: refused are %q, want %q", name, refused, test.refused)
		}
	}
	for _, silence := range []string{`null`, `{"number":"0x5","hash":"` + types.Hash{3}.Hex() + `"}`, `"0x"`} {
		c, mocks := mocked(t, 3, nil)
		mocks[2].startsWith(silence)
		if refused := verdicts(c); refused != "" || !c.Status()[2].NoGenesis || c.Status()[0].NoGenesis {
			t.Errorf("block 0 is %s: refused are %q, %+v", silence, refused, c.Status())
		}
	}
}

// Nothing of a URL is seen in an error, even if the server repeats it.
func TestErrorsKeepSecrets(t *testing.T) {
	c, mocks := mocked(t, 1, func(c *Config) {
		c.Endpoints[0].URL = strings.Replace(c.Endpoints[0].URL, "://", "://user:word@", 1) + "/v3/0123456789abcdef?token=TOKEN"
	})
	mocks[0].says(func(w http.ResponseWriter, r *http.Request, _ string) string {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, "no such project: 0123456789abcdef\n\n %s %s", r.URL, strings.Repeat("<p>", 10_000)) //nolint:errcheck // a test's server
		return ""
	})
	refused := c.Do(t.Context(), ask)
	mocks[0].Close()
	down := c.Do(t.Context(), ask)
	for _, err := range []error{refused, down} {
		if err == nil {
			t.Fatal("no error")
		}
		text := err.Error()
		for _, secret := range []string{"word", "0123456789abcdef", "TOKEN"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in %s", secret, text)
			}
		}
		if len(text) > 4*maxErrorText || strings.Contains(text, "\n") {
			t.Errorf("an error of %d bytes: %s", len(text), text)
		}
	}
	if !strings.Contains(refused.Error(), "401 Unauthorized: no such project: [redacted]") {
		t.Errorf("%v", refused)
	}
}

// Two endpoints of one operator have names of their own, for the metrics.
func TestNamesAreDifferent(t *testing.T) {
	c, _ := mocked(t, 2, func(c *Config) {
		c.Endpoints = []Endpoint{{"http://host/one", ""}, {"http://host/two", ""}, {"http://host:1/two", ""}}
		c.MinAgree = 1
	})
	var names []string
	for _, s := range c.Status() {
		names = append(names, s.Endpoint)
	}
	if want := []string{"host", "host #2", "host (host:1)"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
}

// TestRequestsAtRest counts what a source asks of three endpoints, block by block
// and between the blocks.
func TestRequestsAtRest(t *testing.T) {
	w := newWorld(t)
	w.finalize()
	proxies := []*proxy{newProxy(t, w.node.HTTPURL(), lie{}), newProxy(t, w.node.HTTPURL(), lie{}), newProxy(t, w.node.HTTPURL(), lie{})}
	s := w.source(w.config(2, proxies[0].URL, proxies[1].URL, proxies[2].URL))
	count := func() (sum int) {
		for _, p := range proxies {
			for _, method := range []string{"eth_chainId", "eth_getBlockByNumber", "eth_getProof", "eth_getLogs", "eth_blockNumber"} {
				sum += p.count(method)
			}
		}
		return sum
	}
	look := func() {
		t.Helper()
		if _, err := s.Finalized(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	start, blocks := count(), 2*wideEvery
	for range blocks {
		w.mine(1)
		look()
	}
	moved := float64(count()-start) / float64(blocks)
	t.Logf("%.2f calls for each new block", moved)
	if moved > 3.2 {
		t.Errorf("%.2f calls for each new block", moved)
	}
	start = count()
	for range 10 {
		look()
	}
	if same := count() - start; same > 10 {
		t.Errorf("%d calls for 10 looks at the same block", same)
	}
	for i, p := range proxies {
		if p.count("eth_getBlockByNumber") == 0 {
			t.Errorf("endpoint %d was never asked", i)
		}
	}
	status := s.client.Status()
	if sum := status[0].Requests + status[1].Requests + status[2].Requests; sum != uint64(count()) { //nolint:gosec // positive
		t.Errorf("%d calls are counted, %d were made", sum, count())
	}
	if hits, misses := s.use("proof"); hits != 0 || misses == 0 {
		t.Errorf("memory: %d hits, %d misses", hits, misses)
	}
	s.Forget() // what is proven needs no other proof
	before := s.client.endpoints[0].snapshot().Calls["proof"] + s.client.endpoints[1].snapshot().Calls["proof"] + s.client.endpoints[2].snapshot().Calls["proof"]
	look()
	after := s.client.endpoints[0].snapshot().Calls["proof"] + s.client.endpoints[1].snapshot().Calls["proof"] + s.client.endpoints[2].snapshot().Calls["proof"]
	if hits, _ := s.use("proof"); hits != 1 || after != before {
		t.Errorf("%d hits, %d proofs", hits, after-before)
	}
}

// TestAgreementIsLostAndFound has two of three endpoints go bad, and come back.
func TestAgreementIsLostAndFound(t *testing.T) {
	w := newWorld(t)
	w.finalize()
	proxies := []*proxy{newProxy(t, w.node.HTTPURL(), lie{}), newProxy(t, w.node.HTTPURL(), lie{}), newProxy(t, w.node.HTTPURL(), lie{})}
	s := w.source(w.config(2, proxies[0].URL, proxies[1].URL, proxies[2].URL))
	before, err := s.Finalized(t.Context())
	w.must(err)
	if a := s.client.Agreement(); a.Lost || a.Groups != 3 || a.Wanted != 2 || a.Block != before.Block {
		t.Errorf("agreement %+v", a)
	}
	proxies[0].tell(bendHeader(recomputed))
	proxies[1].Set(silent("eth_getBlockByNumber"))
	for _, e := range s.client.endpoints {
		e.timeout = 300 * time.Millisecond
	}
	w.mine(1)
	if _, err := s.Finalized(t.Context()); chain.CheckOf(err) != chain.CheckAgreement {
		t.Errorf("two of three are bad: %v", err)
	}
	if a := s.client.Agreement(); !a.Lost || a.Groups != 1 || a.Block != before.Block {
		t.Errorf("agreement %+v", a)
	}
	proxies[0].tell(lie{})
	for _, e := range s.client.endpoints {
		e.timeout = 10 * time.Second
	}
	proxies[1].tell(lie{})
	if after, err := s.Finalized(t.Context()); err != nil || after.Block != before.Block+1 {
		t.Errorf("all are good again: %+v, %v", after, err)
	}
	if a := s.client.Agreement(); a.Lost || a.Groups < 2 || a.Block != before.Block+1 {
		t.Errorf("agreement %+v", a)
	}
}

// cutter passes TCP connections on, until it is told to cut or to hold them.
type cutter struct {
	net.Listener
	target string
	mu     sync.Mutex
	conns  []net.Conn
	held   atomic.Bool
}

func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: listener, target: target}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			other, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", target)
			if err != nil {
				_ = conn.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, conn, other)
			c.mu.Unlock()
			wg.Go(func() { c.pass(conn, other) })
			wg.Go(func() { c.pass(other, conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		c.cut()
		wg.Wait()
	})
	return c
}

func (c *cutter) pass(from, to net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err == nil && !c.held.Load() {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_, _ = from.Close(), to.Close()
			return
		}
	}
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// A WebSocket that breaks, or goes silent, is made again.
func TestWebSocketIsMadeAgain(t *testing.T) {
	node, err := evmnode.New(evmnode.Config{ChainID: testChain})
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close() //nolint:errcheck // a test's node
	c := newCutter(t, strings.TrimPrefix(node.WSURL(), "ws://"))
	client, err := Dial(t.Context(), Config{
		ChainID: testChain, Bridge: types.Address{1}, MinAgree: 1, RequestTimeout: 5 * time.Second,
		Endpoints: []Endpoint{{URL: "ws://" + c.Addr().String()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	again := func() (err error) {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			if err = client.Do(t.Context(), ask); err == nil || time.Now().After(deadline) {
				return err
			}
		}
	}
	for range 3 {
		if err := client.Do(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
		c.cut()
		if err := again(); err != nil {
			t.Errorf("after a cut: %v", err)
		}
	}
	client.endpoints[0].gate.breaker = newBreaker(300 * time.Millisecond)
	first := client.endpoints[0].connection()
	c.held.Store(true)
	client.endpoints[0].timeout = 50 * time.Millisecond
	for range breakerFailures {
		if err := client.Do(t.Context(), ask); err == nil {
			t.Error("a silent server answers")
		}
	}
	client.endpoints[0].timeout = 5 * time.Second
	c.held.Store(false) // for new connections; the old ones have lost what was sent
	if client.endpoints[0].connection() != nil {
		t.Error("the silent connection is kept")
	}
	if err := again(); err != nil || client.endpoints[0].connection() == first {
		t.Errorf("after silence: %v", err)
	}
}
