package badproxy

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is a proxy. Target has to be set.
type Config struct {
	Target string // JSON-RPC address of the good node, over HTTP
	Host   string // loopback address to listen at, default 127.0.0.1
	Seed   uint64
	Rules  []Rule
}

// Rule is one trouble that a proxy has.
type Rule struct {
	Trouble Trouble
	Methods []string // of those that the trouble concerns; nil: all
	// Share is the probability with which a request meets the trouble. Zero is
	// 1: a rule that never applies says nothing.
	Share float64
	// From is the nonce of the first deposit that is lied about, where a lie is
	// about one. If it is not set the dice choose a deposit from each answer.
	From uint64
}

// Proxy is a bad server. It is safe for concurrent use.
type Proxy struct {
	config Config
	server *http.Server
	listen net.Listener
	client *http.Client
	closed chan struct{}
	ended  sync.WaitGroup // connections that the server has let go of

	mu     sync.Mutex
	rules  []Rule
	calls  map[string]int    // by method
	counts map[string]int    // by name of the trouble
	forges map[string]*forge // by name of the trouble
	frozen map[string]uint64 // the heads that a frozen server knows, by tag
}

// upstreamTimeout bounds what the good node may take.
const upstreamTimeout = 30 * time.Second

// Start starts a proxy. The caller closes it.
func Start(c Config) (*Proxy, error) {
	if c.Host == "" {
		c.Host = "127.0.0.1"
	}
	if ip := net.ParseIP(c.Host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen at %q: want a loopback address", c.Host)
	}
	listen, err := net.Listen("tcp", net.JoinHostPort(c.Host, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", c.Host, err)
	}
	p := &Proxy{
		config: c, listen: listen, closed: make(chan struct{}), calls: map[string]int{}, counts: map[string]int{},
		client: &http.Client{Timeout: upstreamTimeout, Transport: &http.Transport{}},
	}
	p.Set(c.Rules...)
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: upstreamTimeout}
	p.ended.Go(func() { _ = p.server.Serve(listen) })
	return p, nil
}

// ForTest starts a proxy that ends with the test.
func ForTest(t interface {
	Helper()
	Fatal(args ...any)
	Cleanup(f func())
}, c Config,
) *Proxy {
	t.Helper()
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Close ends the proxy and all its connections, those that hang too.
func (p *Proxy) Close() {
	close(p.closed)
	_ = p.server.Close()
	p.ended.Wait()
	p.client.CloseIdleConnections()
}

// URL is where the proxy answers over HTTP.
func (p *Proxy) URL() string { return "http://" + p.listen.Addr().String() }

// WSURL is where it answers over WebSockets.
func (p *Proxy) WSURL() string { return strings.Replace(p.URL(), "http", "ws", 1) }

// Set replaces the rules. What a lie has to remember begins anew. Without rules
// the proxy is as good as its node.
func (p *Proxy) Set(rules ...Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = slices.Clone(rules)
	p.forges, p.frozen = map[string]*forge{}, map[string]uint64{}
	for _, r := range rules {
		p.forges[r.Trouble.Name] = newForge()
	}
}

// Counts says how many requests met each trouble so far, by its name. A lie that
// found nothing to lie about does not count.
func (p *Proxy) Counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Calls is how many requests of a method there were.
func (p *Proxy) Calls(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[method]
}

// meeting is a request that met a trouble.
type meeting struct {
	trouble  Trouble
	exchange Exchange
	did      bool
}

// meet throws the dice for one request: all that hit apply, in their order.
func (p *Proxy) meet(ctx context.Context, method string) (met []*meeting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	number := p.calls[method]
	p.calls[method]++
	for _, r := range p.rules {
		if !concerns(r.Trouble.Methods, method) || !concerns(r.Methods, method) {
			continue
		}
		dice := p.dice(r.Trouble.Name, method, number)
		if r.Share > 0 && dice.Float64() >= r.Share {
			continue
		}
		met = append(met, &meeting{trouble: r.Trouble, exchange: Exchange{
			Dice: dice, From: r.From, ctx: ctx, proxy: p, forge: p.forges[r.Trouble.Name],
		}})
	}
	return met
}

func concerns(methods []string, method string) bool {
	return len(methods) == 0 || slices.Contains(methods, method)
}

func (p *Proxy) dice(trouble, method string, number int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s/%d", trouble, method, number)
	return rand.New(rand.NewPCG(p.config.Seed, h.Sum64()))
}

// count adds up what was done.
func (p *Proxy) count(met []*meeting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range met {
		if m.did {
			p.counts[m.trouble.Name]++
		}
	}
}

// wait returns early, and with an error, when nobody waits any more.
func (p *Proxy) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return errClosed
	}
}

var errClosed = errors.New("the proxy is closed")
