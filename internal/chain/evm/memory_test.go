package evm

import (
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/icrosschain/bridged/internal/chain"
)

// behind is a server whose final block is so many blocks behind the node's.
func (w *world) behind(blocks uint64) *proxy {
	return newProxy(w.t.(*testing.T), w.node.HTTPURL(), lie{ask: func(c *call) {
		if c.Method == "eth_getBlockByNumber" && string(c.Params[0]) == `"finalized"` {
			c.Params[0] = []byte(`"` + hexutil.EncodeUint64(w.node.Finalized().Number.Uint64()-blocks) + `"`)
		}
	}})
}

// use is what the memory says of one kind.
func (s *Source) use(kind string) (hits, misses uint64) {
	for _, use := range s.client.Memory() {
		if use.Kind == kind {
			return use.Hits, use.Misses
		}
	}
	return 0, 0
}

// TestHeadersAreRemembered has three servers at three heights. Who names a block
// names those before it, so none is asked for the block that others are at, nor
// whether the one before is still the same.
func TestHeadersAreRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposits(1)
	w.mine(4)
	w.finalize()
	proxies := []*proxy{w.behind(0), w.behind(1), w.behind(2)}
	s := w.source(w.config(2, proxies[0].URL, proxies[1].URL, proxies[2].URL))
	type calls struct{ number, hash int }
	count := func() (sum calls) {
		for _, p := range proxies {
			sum.number += p.Calls("eth_getBlockByNumber")
			sum.hash += p.Calls("eth_getBlockByHash")
		}
		return sum
	}
	look := func(blocks int) (asked calls, moved uint64) {
		t.Helper()
		w.mine(blocks)
		before, was := count(), s.last.Block
		s.pace = pace{} // now, not when a block is due
		position, err := s.Finalized(t.Context())
		w.must(err)
		header, err := w.eth.HeaderByNumber(t.Context(), hexutil.MustDecodeBig(hexutil.EncodeUint64(position.Block)))
		w.must(err)
		if position.Hash != header.Hash() {
			t.Fatalf("%+v, the block is %s", position, header.Hash())
		}
		after := count()
		return calls{after.number - before.number, after.hash - before.hash}, position.Block - was
	}
	look(1)
	for range 2 * wideEvery {
		if asked, moved := look(1); asked.number > len(proxies) || asked.hash > 1 || moved > 2 {
			t.Errorf("%+v for %d new blocks", asked, moved)
		}
	}
	if hits, _ := s.use("header"); hits < wideEvery {
		t.Errorf("%d headers were known", hits)
	}
	// Far apart, what lies between is not fetched.
	if asked, moved := look(9); asked.hash != 0 || asked.number > len(proxies)+2 || moved < 8 {
		t.Errorf("%+v for %d new blocks", asked, moved)
	}
	if kept := s.client.memory.kept.Len(); kept > remembered {
		t.Errorf("%d things are kept", kept)
	}
}

// TestMemoryHidesNoReorg replaces final blocks between looks: close below the
// newest one, where the headers before are remembered, and above.
func TestMemoryHidesNoReorg(t *testing.T) {
	t.Parallel()
	for _, grow := range []int{1, 2, 3} {
		w := newWorld(t)
		w.deposits(1)
		w.finalize()
		s := w.source(w.config(2, w.node.HTTPURL(), w.node.WSURL()))
		var before chain.Position
		for range 4 {
			w.mine(1)
			s.pace = pace{}
			var err error
			before, err = s.Finalized(t.Context())
			w.must(err)
		}
		w.must(w.node.Reorg(5, true))
		w.mine(grow)
		s.pace = pace{}
		_, err := s.Finalized(t.Context())
		c := chain.ContradictionOf(err)
		if c == nil || c.Was.Position != before || c.Is.Block != before.Block || c.Is.Hash == before.Hash {
			t.Errorf("%d blocks later: %v", grow, err)
		}
	}
}

// TestForeignHeadersAreNotRemembered: where no hash is recomputed none says
// anything of a parent.
func TestForeignHeadersAreNotRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	cfg := w.config(2, w.node.HTTPURL(), w.node.WSURL())
	cfg.ForeignHeaders = true
	s := w.source(cfg)
	for range 3 {
		w.mine(2)
		s.pace = pace{}
		_, err := s.Finalized(t.Context())
		w.must(err)
	}
	if hits, misses := s.use("header"); hits != 0 || misses != 0 {
		t.Errorf("%d hits, %d misses", hits, misses)
	}
}

// TestSilenceAboutAHashHoldsNobodyUp has servers that never answer for a block of
// a hash: the number is asked for instead.
func TestSilenceAboutAHashHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	proxies := []*proxy{newProxy(t, w.node.HTTPURL(), lie{}), newProxy(t, w.node.HTTPURL(), lie{})}
	for _, p := range proxies {
		p.Set(silent("eth_getBlockByHash"))
	}
	cfg := w.config(2, proxies[0].URL, proxies[1].URL)
	cfg.RequestTimeout = time.Minute
	s := w.source(cfg)
	_, err := s.Finalized(t.Context())
	w.must(err)
	w.mine(2)
	s.pace = pace{}
	start := time.Now()
	position, err := s.Finalized(t.Context())
	if err != nil || position.Hash != w.node.Finalized().Hash() || time.Since(start) > cfg.RequestTimeout/2 {
		t.Errorf("%+v, %v, after %s", position, err, time.Since(start))
	}
	if asked := proxies[0].Calls("eth_getBlockByHash") + proxies[1].Calls("eth_getBlockByHash"); asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

// TestHeaderOfAHash wants a server believed about a hash only if what it tells
// has it.
func TestHeaderOfAHash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.finalize()
	liar := newProxy(t, w.node.HTTPURL(), on("eth_getBlockByHash", func(h map[string]any) map[string]any {
		recomputed(h)
		return h
	}))
	s := w.source(w.config(1, liar.URL))
	h := header{Number: w.node.Finalized().Number.Uint64(), Parent: w.node.Finalized().ParentHash}
	newest := []said{{told: told{header: h}}}
	if got, err := s.parent(t.Context(), newest, h); chain.CheckOf(err) != chain.CheckHeader {
		t.Errorf("believed %+v, %v", got, err)
	}
	liar.tell(lie{})
	if got, err := s.parent(t.Context(), newest, h); err != nil || got.Hash != h.Parent || got.Number != h.Number-1 {
		t.Errorf("%+v, %v", got, err)
	}
}
