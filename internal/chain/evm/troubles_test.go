package evm

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/test/badproxy"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// caught says which check fails where an endpoint with a trouble of the table is
// asked alone, and what is said. Without a check it is read as if it were good.
var caught = map[string]struct {
	check chain.Check
	says  string
}{
	"delay":                    {},
	"jitter":                   {},
	"half-open":                {chain.CheckTransport, "context deadline exceeded"},
	"answer lost":              {chain.CheckTransport, "context deadline exceeded"},
	"drop":                     {chain.CheckTransport, "EOF"},
	"truncated":                {chain.CheckTransport, "unexpected EOF"},
	"malformed":                {chain.CheckTransport, ""},
	"page":                     {chain.CheckTransport, "invalid character"},
	"empty":                    {chain.CheckTransport, "EOF"},
	"null":                     {chain.CheckTransport, "ask for the chain id"},
	"wrong type":               {chain.CheckTransport, "cannot unmarshal"},
	"wrong id":                 {},
	"429":                      {chain.CheckTransport, "429"},
	"401":                      {chain.CheckTransport, "401"},
	"500":                      {chain.CheckTransport, "500"},
	"503":                      {chain.CheckTransport, "503"},
	"internal error":           {chain.CheckTransport, "internal error"},
	"limit exceeded":           {chain.CheckTransport, "more than 10000 results"},
	"rate limit":               {chain.CheckTransport, "rate limited"},
	"method missing":           {chain.CheckTransport, "does not exist"},
	"stale head":               {},
	"frozen head":              {},
	"head ahead":               {chain.CheckTransport, ""},
	"wrong chain":              {chain.CheckChainID, "the server is on chain 1, not on 31001"},
	"forged hash":              {chain.CheckHeader, "the fields hash to"},
	"forged root":              {chain.CheckHeader, "the fields hash to"},
	"no root":                  {chain.CheckHeader, "without hash or state root"},
	"forged header":            {chain.CheckProof, "does not lead to"},
	"forged receipts root":     {},
	"another block":            {},
	"log missing":              {chain.CheckHidden, "event 8 follows event 6"},
	"end missing":              {chain.CheckHidden, "the logs end at nonce 6, the inbox at 9"},
	"logs missing":             {chain.CheckHidden, "the logs end at nonce 0"},
	"amount altered":           {chain.CheckAccumulator, "mismatch at nonce 7"},
	"amount altered with care": {chain.CheckAccumulator, "mismatch at nonce 9"},
	"recipient altered":        {chain.CheckAccumulator, "mismatch at nonce 7"},
	"log duplicated":           {chain.CheckHidden, "event 7 follows event 7"},
	"logs reordered":           {chain.CheckHidden, "event 7 follows event 5"},
	"foreign emitter":          {chain.CheckEmitter, "the bridge is"},
	"another event":            {chain.CheckLog, "unknown event"},
	"log removed":              {chain.CheckLog, "removed"},
	"log of another block":     {chain.CheckLog, "asked for"},
	"log cut":                  {chain.CheckLog, "the length is missing"},
	"proof missing":            {chain.CheckProof, "does not lead to"},
	"storage proof missing":    {chain.CheckProof, "0 storage proofs"},
	"account proof altered":    {chain.CheckProof, "does not lead to"},
	"storage proof altered":    {chain.CheckProof, "does not lead to"},
	"proofs swapped":           {chain.CheckProof, "does not lead to"},
	"proof too long":           {chain.CheckProof, "nodes, at most"},
	"proof node too large":     {chain.CheckProof, "a node of"},
	"proof of another time":    {chain.CheckProof, "does not lead to"},
	"proof of another account": {chain.CheckProof, "does not lead to"},
	"receipt missing":          {},
	"receipt's logs missing":   {},
	"receipt altered":          {},
	"receipt failed":           {},
	"receipts reordered":       {},
	"receipt cheap":            {},
	"transaction swallowed":    {},
	"transaction doubled":      {},
	"transaction denied":       {},
	"fees too high":            {},
	"position ahead":           {},
	"nonce ahead":              {},
	"nonce behind":             {},
	"fees too low":             {},
	"gas too low":              {},
	"call altered":             {},
	"storage altered":          {},
	"fork":                     {},
	"counterfeit":              {},
}

// hasty is a chain whose silent endpoints cost little.
func (w *world) hasty(minAgree int, urls ...string) Config {
	cfg := w.config(minAgree, urls...)
	cfg.RequestTimeout = time.Second
	return cfg
}

// TestEveryTroubleAlone asks bad endpoints that nobody contradicts. A fork of the
// same events, and the counterfeit, are believed: this is what min_agree is for.
func TestEveryTroubleAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposits(1, 3, 1) // nonces 5 to 9
	w.finalize()
	want, _, err := readAll(t.Context(), w.source(w.config(1, w.node.HTTPURL())), w.seed())
	w.must(err)
	p := badproxy.ForTest(t, badproxy.Config{Target: w.node.HTTPURL()})
	for _, trouble := range badproxy.Troubles {
		c, known := caught[trouble.Name]
		if !known {
			t.Errorf("%s: say what it does to a reader", trouble.Name)
		}
		p.Set(badproxy.Rule{Trouble: trouble, From: forged})
		cfg := w.config(1, p.URL())
		if strings.Contains(c.says, "deadline") {
			cfg = w.hasty(1, p.URL())
		}
		position, batch, err := readAll(t.Context(), w.source(cfg), w.seed())
		switch {
		case c.says == "" && c.check == "":
			if err != nil || uint64(len(batch.Events)) != position.Inbox.Nonce {
				t.Errorf("%s: %d events of %+v, %v", trouble.Name, len(batch.Events), position, err)
			}
			if lie := position.Inbox.Nonce == want.Inbox.Nonce && position.Inbox.Hash != want.Inbox.Hash; lie != (trouble.Name == "counterfeit") {
				t.Errorf("%s: the inbox is at %+v", trouble.Name, position.Inbox)
			}
		case err == nil || len(batch.Events) != 0 || chain.CheckOf(err) != c.check || !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: %d events, %v; want check %q and text %q", trouble.Name, len(batch.Events), err, c.check, c.says)
		}
	}
}

// TestOneBadEndpoint has three endpoints of which one, each in turn, has every
// trouble of the table: what is read is right, and it is read, however it is
// verified.
func TestOneBadEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposits(2, 3)
	w.finalize()
	p := badproxy.ForTest(t, badproxy.Config{Target: w.node.HTTPURL(), Seed: 1})
	for i, trouble := range badproxy.Troubles {
		p.Set(badproxy.Rule{Trouble: trouble})
		urls := []string{w.node.HTTPURL(), w.node.WSURL()}
		urls = append(urls[:i%3], append([]string{p.URL()}, urls[i%3:]...)...)
		cfg := w.hasty(2, urls...)
		if len(trouble.Methods) > 0 {
			if cfg.Verification = ByAgreement; slices.Contains(trouble.Methods, "eth_getLogs") || slices.Contains(trouble.Methods, "eth_getBlockReceipts") {
				cfg.Verification = ByReceipts
			}
			r := &reader{w: w, s: w.source(cfg), at: w.seed()}
			r.through(fmt.Sprintf("%s, verified by %s", trouble.Name, cfg.Verification))
		}
		cfg.Verification = ByProof
		r := &reader{w: w, s: w.source(cfg), at: w.seed()}
		r.through(trouble.Name)
		if i%6 == 0 {
			w.deposits(1)
			w.finalize()
			r.through(trouble.Name + ", and on")
		}
	}
}

// TestDisagreementIsSaidOnce has a fork beside two good endpoints: although not
// everybody is asked each time the log says so once.
func TestDisagreementIsSaidOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	p := badproxy.ForTest(t, badproxy.Config{Target: w.node.HTTPURL(), Rules: []badproxy.Rule{{Trouble: badproxy.Named("fork")}}})
	client, err := Dial(t.Context(), w.config(2, p.URL(), w.node.HTTPURL(), w.node.WSURL()))
	w.must(err)
	defer client.Close()
	var log strings.Builder
	r := &reader{w: w, s: NewSource(client, slog.New(slog.NewTextHandler(&log, nil))), at: w.seed()}
	for range 12 {
		w.mine(1)
		r.through("beside a fork")
	}
	const said = `msg="endpoints disagree about a finalised block"`
	if n := strings.Count(log.String(), said); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
}

// TestFrozenEndpointHoldsNobodyUp has an endpoint whose head stands still, which
// answers much faster than the two that go on: they are asked all the same.
func TestFrozenEndpointHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	frozen := badproxy.ForTest(t, badproxy.Config{Target: w.node.HTTPURL(), Rules: []badproxy.Rule{{Trouble: badproxy.Named("frozen head")}}})
	slow := badproxy.ForTest(t, badproxy.Config{Target: w.node.HTTPURL(), Rules: []badproxy.Rule{
		{Trouble: badproxy.Delay("slower", 20*time.Millisecond, 20*time.Millisecond)},
	}})
	s := w.source(w.config(2, frozen.URL(), slow.URL(), slow.WSURL()))
	for range 10 {
		w.mine(1)
		for looks := 1; ; looks++ {
			s.pace = pace{} // now, not when a block is due
			position, err := s.Finalized(t.Context())
			w.must(err)
			if position.Hash == w.node.Finalized().Hash() {
				break
			}
			if looks == 3 {
				t.Fatalf("after %d looks at block %d, %s is final", looks, position.Block, w.node.Finalized().Number)
			}
		}
	}
}

// TestRandomTroubles mixes troubles, by seeds, while the chain grows; with
// BRIDGED_LONG=1 by many seeds.
func TestRandomTroubles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	met, seeds := map[string]int{}, uint64(3)
	if os.Getenv("BRIDGED_LONG") != "" {
		seeds = 20
	}
	for seed := range seeds {
		dice := rand.New(rand.NewPCG(seed, 1))
		var rules []badproxy.Rule
		for _, i := range dice.Perm(len(badproxy.Troubles))[:20] {
			rules = append(rules, badproxy.Rule{Trouble: badproxy.Troubles[i], Share: 0.15})
		}
		p := badproxy.ForTest(t, badproxy.Config{Target: w.node.HTTPURL(), Seed: seed, Rules: rules})
		url := p.URL()
		if seed%2 == 1 {
			url = p.WSURL()
		}
		r := &reader{w: w, s: w.source(w.hasty(2, url, w.node.HTTPURL(), w.node.WSURL())), at: w.seed()}
		for range 6 {
			w.deposits(2)
			w.finalize()
			r.through(fmt.Sprintf("seed %d", seed))
		}
		for name, times := range p.Counts() {
			met[name] += times
		}
	}
	if len(met) < 6 {
		t.Errorf("only %v", met)
	}
}

// reader reads like an observer: round by round, and again after errors.
type reader struct {
	w  *world
	s  *Source
	at types.Mark
}

// patience is how long a reader may take to get past a bad endpoint.
const patience = 20 * time.Second

// through reads up to the block that is final now. Errors may delay that; what is
// read has to be true, and none may say that the chain contradicts itself.
func (r *reader) through(what string) {
	t := r.w.t
	t.Helper()
	truth := r.w.node.Finalized()
	stored, err := r.w.eth.StorageAt(t.Context(), r.w.bridge, slotHash, truth.Number)
	r.w.must(err)
	for deadline := time.Now().Add(patience); ; {
		position, batch, err := r.round(t.Context())
		if err == nil && position.Block == truth.Number.Uint64() {
			if position.Hash != truth.Hash() || position.Inbox.Hash != types.Hash(stored) || batch.Last.Hash != position.Inbox.Hash {
				t.Fatalf("%s: read %+v up to %+v; the block is %s, the inbox %x", what, position, batch.Last, truth.Hash(), stored)
			}
			r.at = batch.Last
			return
		}
		if chain.SeverityOf(err) == chain.Halt || chain.ContradictionOf(err) != nil || err == nil && position.Block > truth.Number.Uint64() {
			t.Fatalf("%s: %+v, %v", what, position, err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: stays at %+v: %v", what, position, err)
		}
	}
}

func (r *reader) round(ctx context.Context) (chain.Position, chain.Batch, error) {
	position, batch, err := readAll(ctx, r.s, r.at)
	if err == nil && len(batch.Events) == 0 {
		batch.Last = r.at
	}
	return position, batch, err
}
