package evm

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/test/badproxy"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// fork makes a server tell another history from a block on.
func (w *world) fork(p *proxy, from uint64) {
	w.t.Helper()
	p.Set(badproxy.Rule{Trouble: badproxy.Named("fork")})
	client, err := ethclient.Dial(p.URL)
	w.must(err)
	defer client.Close()
	_, err = client.HeaderByNumber(w.t.Context(), new(big.Int).SetUint64(from)) // the first that is asked for
	w.must(err)
}

// Only min_agree groups of endpoints can contradict what was proven before.
func TestContradictionNeedsEnoughEndpoints(t *testing.T) {
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	proxies := []*proxy{newProxy(t, w.node.HTTPURL(), lie{}), newProxy(t, w.node.HTTPURL(), lie{}), newProxy(t, w.node.HTTPURL(), lie{})}
	s := w.source(w.config(2, proxies[0].URL, proxies[1].URL, proxies[2].URL))
	before, err := s.Finalized(t.Context())
	w.must(err)

	w.fork(proxies[0], before.Block)
	if again, err := s.Finalized(t.Context()); err != nil || again != before {
		t.Errorf("one of three tells of a fork: %+v, %v", again, err)
	}
	w.mine(2)
	after, err := s.Finalized(t.Context())
	if err != nil || after.Block != before.Block+2 {
		t.Fatalf("one of three tells of a fork, and the chain goes on: %+v, %v", after, err)
	}
	w.mine(1)
	proxies[1].Set(badproxy.Rule{Trouble: badproxy.Named("503")})
	_, err = s.Finalized(t.Context())
	if chain.CheckOf(err) != chain.CheckAgreement || chain.ContradictionOf(err) != nil {
		t.Errorf("one liar, one honest, one down: %v", err)
	}

	w.fork(proxies[1], before.Block)
	for range 2 { // and again in the next round
		_, err = s.Finalized(t.Context())
		c := chain.ContradictionOf(err)
		if c == nil || chain.CheckOf(err) != chain.CheckFinality || chain.SeverityOf(err) != chain.Halt {
			t.Fatalf("two of three tell of a fork: %v", err)
		}
		if c.Was.Position != after || c.Is.Block != after.Block || c.Is.Hash == after.Hash {
			t.Errorf("%s was %+v and is %+v", c, c.Was.Position, c.Is.Position)
		}
		w.wantHeader(c.Was, 2, after.Hash)
		w.wantHeader(c.Is, 2, c.Is.Hash)
		w.wantHeader(c.Is, 1, after.Hash) // the honest one is heard too
	}
	s.Forget()
	if _, err := s.Finalized(t.Context()); chain.ContradictionOf(err) != nil {
		t.Errorf("what was forgotten is contradicted: %v", err)
	}
}

// wantHeader wants so many answers, of different groups, whose fields hash to a
// block hash, and no transactions in them.
func (w *world) wantHeader(s chain.Sighting, groups int, hash types.Hash) {
	w.t.Helper()
	var named []string
	for _, a := range s.Answers {
		h, err := parseHeader(a.Answer, false)
		if err == nil && h.Hash == hash && !bytes.Contains(a.Answer, []byte("transactions\"")) && !slices.Contains(named, a.Group) {
			named = append(named, a.Group)
		}
	}
	if len(named) < groups {
		w.t.Errorf("block %s is named by %v in %d answers", hash, named, len(s.Answers))
	}
}

// A block that was replaced below the newest final one shows.
func TestReorgBelowTheNewestFinalBlock(t *testing.T) {
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	s := w.source(w.config(1, w.node.HTTPURL()))
	before, err := s.Finalized(t.Context())
	w.must(err)
	w.must(w.node.Reorg(3, true))
	w.mine(4) // far above what was known
	_, err = s.Finalized(t.Context())
	c := chain.ContradictionOf(err)
	if c == nil || c.Was.Position != before || c.Is.Block != before.Block || c.Is.Hash == before.Hash || c.Is.Inbox.Nonce >= before.Inbox.Nonce {
		t.Fatalf("%v", err)
	}
}

// At proves where the inbox stood from the events alone.
func TestAt(t *testing.T) {
	w := newWorld(t)
	w.deposits(1, 3, 0, 0, 2)
	w.finalize()
	position, batch, err := readAll(t.Context(), w.source(w.config(1, w.node.HTTPURL())), w.seed())
	w.must(err)
	for _, span := range []uint64{1, 2, 2000} {
		cfg := w.config(1, w.node.HTTPURL())
		cfg.MaxRange = span
		s := w.source(cfg)
		for _, want := range batch.Marks {
			got, err := s.At(t.Context(), want.Nonce, position.Inbox)
			got.Block = min(got.Block, want.Block) // the end is named by the final block
			if err != nil || got != want {
				t.Errorf("%d blocks at once: at nonce %d: %+v, %v; want %+v", span, want.Nonce, got, err, want)
			}
		}
	}
	for name, l := range map[string]lie{
		"hides it":                 bendLogs(func(all logs, i int) logs { return append(all[:i], all[i+1:]...) }),
		"says another accumulator": bendLog(func(l *gethtypes.Log) { l.Data[0]++ }),
	} {
		liar := newProxy(t, w.node.HTTPURL(), l)
		if got, err := w.source(w.config(1, liar.URL)).At(t.Context(), forged, position.Inbox); err == nil {
			t.Errorf("%s: believed %+v", name, got)
		}
		got, err := w.source(w.config(1, liar.URL, w.node.HTTPURL())).At(t.Context(), forged, position.Inbox)
		if err != nil || got.Nonce != forged || got.Hash == (types.Hash{}) {
			t.Errorf("%s, with an honest server behind: %+v, %v", name, got, err)
		}
	}
}

func TestEvidenceIsShort(t *testing.T) {
	got := bounded([]chain.Answer{
		{Answer: []byte(`{"hash":"0x1","transactions":["` + strings.Repeat("x", 2*maxKept) + `"]}`)},
		{Answer: []byte(`"` + strings.Repeat("x", 2*maxKept) + `"`)},
	})
	if string(got[0].Answer) != `{"hash":"0x1"}` || string(got[1].Answer) != fmt.Sprintf(`"left out: %d bytes"`, 2*maxKept+2) {
		t.Errorf("%s and %s", got[0].Answer, got[1].Answer)
	}
}
