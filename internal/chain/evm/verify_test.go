package evm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/trie"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/test/badproxy"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// by is a configuration with another verification.
func by(v Verification, cfg Config) Config {
	cfg.Verification = v
	return cfg
}

func (w *world) proxies(count int) (all []*proxy, urls []string) {
	for range count {
		p := newProxy(w.t.(*testing.T), w.node.HTTPURL(), lie{})
		all, urls = append(all, p), append(urls, p.URL)
	}
	return all, urls
}

func sum(all []*proxy, method string) (n int) {
	for _, p := range all {
		n += p.count(method)
	}
	return n
}

// TestReceipts reads a chain without a single state proof.
func TestReceipts(t *testing.T) {
	w := newWorld(t)
	w.deposits(3, 0, 2, 0)
	w.finalize()
	all, urls := w.proxies(3)
	s := w.source(by(ByReceipts, w.config(2, urls...)))
	position, batch, err := readAll(t.Context(), s, w.seed())
	w.must(err)
	if position.Inbox.Nonce != 9 || len(batch.Events) != 9 || position.Inbox.Hash != batch.Last.Hash || position.Inbox.Block != batch.Last.Block || position.Complete() {
		t.Fatalf("%+v, %d events up to %+v", position, len(batch.Events), batch.Last)
	}
	asked := sum(all, "eth_getBlockReceipts")
	w.mine(3)
	silent, err := s.Finalized(t.Context())
	if err != nil || silent.Inbox != position.Inbox || silent.Block != position.Block+3 || sum(all, "eth_getBlockReceipts") != asked {
		t.Errorf("without a new event: %+v, %v, %d requests", silent, err, sum(all, "eth_getBlockReceipts")-asked)
	}
	w.deposits(2)
	w.finalize()
	next, err := s.Finalized(t.Context())
	w.must(err)
	from := types.Mark{Nonce: 9, Hash: position.Inbox.Hash, Block: position.Inbox.Block + 1}
	if batch, err = s.Read(t.Context(), from, next.Inbox, keepAll); err != nil || next.Inbox.Nonce != 11 || len(batch.Events) != 2 {
		t.Errorf("%+v, %d events, %v", next, len(batch.Events), err)
	}
	asked = sum(all, "eth_getBlockReceipts")
	s.Forget() // what is proven needs no other receipts
	if again, err := s.Finalized(t.Context()); err != nil || again.Inbox != next.Inbox || sum(all, "eth_getBlockReceipts") != asked {
		t.Errorf("once more: %+v, %v, %d requests", again, err, sum(all, "eth_getBlockReceipts")-asked)
	}
	if sum(all, "eth_getProof") != 0 {
		t.Error("a proof was asked for")
	}
}

type receipts = []*gethtypes.Receipt

func bendReceipts(bend func(receipts) receipts) lie { return on("eth_getBlockReceipts", bend) }

// A server's receipts are wrong, and nobody else has any.
func TestReceiptsThatDoNotProve(t *testing.T) {
	w := newWorld(t)
	w.deposits(1, 3)
	w.finalize()
	for name, c := range map[string]struct {
		lie  lie
		says string
	}{
		"wrong gas":     {bendReceipts(func(r receipts) receipts { r[0].CumulativeGasUsed++; return r }), "lead to the root"},
		"a failed one":  {bendReceipts(func(r receipts) receipts { r[1].Status = 0; return r }), "lead to the root"},
		"another log":   {bendReceipts(func(r receipts) receipts { r[2].Logs[0].Data[0]++; return r }), "lead to the root"},
		"another type":  {bendReceipts(func(r receipts) receipts { r[2].Type = gethtypes.LegacyTxType; return r }), "lead to the root"},
		"one missing":   {bendReceipts(func(r receipts) receipts { return r[:2] }), "2 receipts lead to the root"},
		"none":          {bendReceipts(func(receipts) receipts { return receipts{} }), "0 receipts lead to the root"},
		"one too many":  {bendReceipts(func(r receipts) receipts { return append(r, r[2]) }), "4 receipts lead to the root"},
		"reordered":     {bendReceipts(func(r receipts) receipts { r[0], r[1] = r[1], r[0]; return r }), "lead to the root"},
		"a hidden log":  {bendReceipts(func(r receipts) receipts { r[2].Logs = []*gethtypes.Log{}; return r }), "lead to the root"},
		"an L2's":       {bendReceipts(func(r receipts) receipts { r[0].Type = 0x7e; return r }), `type 0x7e, which Ethereum has not: set verification = "proof"`},
		"null":          {bendReceipts(func(receipts) receipts { return nil }), "not found"},
		"a null inside": {bendReceipts(func(r receipts) receipts { r[1] = nil; return r }), "receipt 1 has nothing"},
		"a null log":    {bendReceipts(func(r receipts) receipts { r[1].Logs[0] = nil; return r }), "receipt 1 has nothing"},
		"another block": {lie{ask: func(c *call) { older(c, "eth_getBlockReceipts", 1) }}, "lead to the root"},
		"no list":       {on("eth_getBlockReceipts", func(any) any { return "0x" }), "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			liar := newProxy(t, w.node.HTTPURL(), c.lie)
			_, err := w.source(by(ByReceipts, w.config(1, liar.URL))).Finalized(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			position, err := w.source(by(ByReceipts, w.config(2, liar.URL, w.node.HTTPURL(), w.node.WSURL()))).Finalized(t.Context())
			if err != nil || position.Inbox.Nonce != 8 {
				t.Errorf("with honest servers behind: %+v, %v", position, err)
			}
		})
	}
}

// TestReceiptsOfEveryType: what go-ethereum can encode is taken, from its JSON.
func TestReceiptsOfEveryType(t *testing.T) {
	var all gethtypes.Receipts
	for i, kind := range knownReceipts {
		r := &gethtypes.Receipt{
			Type: kind, Status: 1, CumulativeGasUsed: uint64(i+1) * 21_000,
			Logs: []*gethtypes.Log{{Address: common.Address{byte(i)}, Topics: []common.Hash{{1}, {byte(i)}}, Data: []byte{kind}}},
		}
		r.Bloom = gethtypes.CreateBloom(r)
		all = append(all, r)
	}
	all = append(all, &gethtypes.Receipt{PostState: common.Hash{1}.Bytes(), CumulativeGasUsed: 1, Logs: []*gethtypes.Log{}}) // before Byzantium
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	h := header{Number: 7, Receipts: gethtypes.DeriveSha(all, trie.NewStackTrie(nil))}
	if got, err := verifyReceipts(raw, h); err != nil || len(got) != len(all) {
		t.Errorf("%d receipts, %v", len(got), err)
	}
	if _, err := verifyReceipts([]byte("[]"), header{Receipts: gethtypes.EmptyReceiptsHash}); err != nil {
		t.Errorf("an empty block: %v", err)
	}
}

// A header of the event's block that too few name is no header to prove by.
func TestReceiptsNeedAnAgreedHeader(t *testing.T) {
	w := newWorld(t)
	w.deposits(1)
	event := w.node.Head().Number.Uint64()
	w.finalize()
	all, urls := w.proxies(3)
	forge := bendHeader(func(h map[string]any) {
		if h["number"] == hexutil.EncodeUint64(event) {
			h["receiptsRoot"] = common.Hash{1}.Hex()
			recomputed(h)
		}
	})
	all[0].tell(forge)
	s := w.source(by(ByReceipts, w.config(2, urls...)))
	if position, err := s.Finalized(t.Context()); err != nil || position.Inbox.Nonce != 5 {
		t.Errorf("one of three forges the header: %+v, %v", position, err)
	}
	s.Forget()
	all[1].tell(forge) // both forge the same: the honest one is alone
	if position, err := s.Finalized(t.Context()); chain.CheckOf(err) != chain.CheckReceipts {
		t.Errorf("two of three forge the header: %+v, %v", position, err)
	}
	all[1].tell(bendHeader(func(h map[string]any) {
		if h["number"] == hexutil.EncodeUint64(event) {
			h["extraData"] = "0x01"
			recomputed(h)
		}
	}))
	if position, err := s.Finalized(t.Context()); chain.CheckOf(err) != chain.CheckAgreement {
		t.Errorf("three headers: %+v, %v", position, err)
	}
}

// Silence is believed if min_agree groups keep it, and contradicts nothing.
func TestReceiptsAndSilence(t *testing.T) {
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	all, urls := w.proxies(3)
	s := w.source(by(ByReceipts, w.config(2, urls...)))
	before, err := s.Finalized(t.Context())
	w.must(err)
	hides := on("eth_getLogs", func(logs) logs { return logs{} })
	all[0].tell(hides)
	all[1].tell(hides)
	w.deposits(1)
	w.finalize()
	after, err := s.Finalized(t.Context())
	if err != nil || after.Inbox.Nonce != before.Inbox.Nonce+1 {
		t.Errorf("two of three hide an event: %+v, %v", after, err)
	}
	all[2].tell(hides)
	w.deposits(1)
	w.finalize()
	hidden, err := s.Finalized(t.Context())
	if err != nil || hidden.Inbox != after.Inbox || hidden.Complete() {
		t.Errorf("all hide an event: %+v, %v", hidden, err)
	}
	all[1].tell(lie{})
	w.mine(1)
	found, err := s.Finalized(t.Context())
	if err != nil || found.Inbox.Nonce != after.Inbox.Nonce+1 {
		t.Errorf("one tells of it later: %+v, %v", found, err)
	}
	for _, p := range all[1:] {
		p.tell(on("eth_getLogs", func(any) any { return "0x" }))
	}
	w.mine(1)
	if _, err := s.Finalized(t.Context()); chain.CheckOf(err) != chain.CheckAgreement && chain.CheckOf(err) != chain.CheckTransport ||
		err == nil || !strings.Contains(err.Error(), "1 groups say what the newest inbox event is, and 2 have to") {
		t.Errorf("too few answer: %v", err)
	}
}

// An event that nobody has seen but one server is no event.
func TestReceiptsAndInventedEvents(t *testing.T) {
	w := newWorld(t)
	w.deposits(1, 2, 0, 0)
	w.finalize()
	invents := on("eth_getLogs", func(all logs) logs {
		if len(all) > 0 {
			l := *all[len(all)-1]
			l.Topics = []common.Hash{l.Topics[0], common.BigToHash(common.Big256)}
			l.BlockNumber += 2
			all = append(all, &l)
		}
		return all
	})
	_, urls := w.proxies(2)
	liar := newProxy(t, w.node.HTTPURL(), invents)
	s := w.source(by(ByReceipts, w.config(2, liar.URL, urls[0], urls[1])))
	position, err := s.Finalized(t.Context())
	if err != nil || position.Inbox.Nonce != 7 {
		t.Errorf("%+v, %v", position, err)
	}
	if status := s.client.Status()[0]; status.Failures == 0 {
		t.Errorf("the liar's status: %+v", status)
	}
}

// TestReceiptsReadBackToTheNewestEvent starts without start_block on a chain with
// a long history: nothing is asked for below the newest event.
func TestReceiptsReadBackToTheNewestEvent(t *testing.T) {
	t.Parallel()
	const span, before, after = 8, 96, 40
	w := newWorld(t)
	w.mine(before)
	w.deposits(1)
	w.mine(after)
	w.finalize()
	all, urls := w.proxies(2)
	cfg := by(ByReceipts, w.config(2, urls...))
	cfg.MaxRange = span
	s := w.source(cfg)
	if _, err := s.Finalized(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, p := range all {
		if n := p.Calls("eth_getLogs"); n > after/span+2 {
			t.Errorf("endpoint %d was asked for logs %d times", i, n)
		}
		if n := p.Calls("eth_getLogs"); n < after/span {
			t.Errorf("endpoint %d was asked for logs %d times: not up to the end", i, n)
		}
	}
}

// TestAgreement believes groups, and says so.
func TestAgreement(t *testing.T) {
	w := newWorld(t)
	w.deposits(2)
	w.finalize()
	all, urls := w.proxies(3)
	var log bytes.Buffer
	s := w.source(by(ByAgreement, w.config(2, urls...)))
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	position, batch, err := readAll(t.Context(), s, w.seed())
	if err != nil || position.Inbox.Nonce != 6 || len(batch.Events) != 6 || !position.Complete() {
		t.Fatalf("%+v, %v", position, err)
	}
	if text := log.String(); strings.Count(text, "inbox is verified") != 1 || !strings.Contains(text, "nothing is proven") || !strings.Contains(text, "level=WARN") {
		t.Errorf("log:\n%s", text)
	}
	other := on("eth_getStorageAt", func(word string) string { return word[:len(word)-1] + "f" })
	all[0].tell(other)
	w.mine(1)
	if next, err := s.Finalized(t.Context()); err != nil || next.Inbox.Nonce != 6 || next.Block != position.Block+1 {
		t.Errorf("one of three lies: %+v, %v", next, err)
	}
	all[1].tell(on("eth_getStorageAt", func(string) string { return "0x" }))
	w.mine(1)
	if _, err := s.Finalized(t.Context()); err == nil || !strings.Contains(err.Error(), "0 inboxes have 2 groups behind them") {
		t.Errorf("two of three lie: %v", err)
	}
	if sum(all, "eth_getProof")+sum(all, "eth_getBlockReceipts") != 0 {
		t.Error("more than a plain read")
	}
}

// Verification never becomes less than what is configured.
func TestNoDowngrade(t *testing.T) {
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	all, urls := w.proxies(2)
	for i, method := range []string{"eth_getProof", "eth_getBlockReceipts", "eth_getStorageAt"} {
		for _, p := range all {
			p.tell(lie{tell: func(c call, a *answer) {
				if c.Method == method {
					a.Result, a.Error = nil, fmt.Appendf(nil, `{"code":-32601,"message":"the method %s does not exist"}`, method)
				}
			}})
		}
		before := map[string]int{}
		others := []string{"eth_getProof", "eth_getBlockReceipts", "eth_getStorageAt"}
		for _, other := range others {
			before[other] = sum(all, other)
		}
		_, err := w.source(by([]Verification{ByProof, ByReceipts, ByAgreement}[i], w.config(2, urls...))).Finalized(t.Context())
		if err == nil || !strings.Contains(err.Error(), "the method "+method+" does not exist") {
			t.Errorf("without %s: %v", method, err)
		}
		for _, other := range slices.DeleteFunc(others, func(m string) bool { return m == method }) {
			if sum(all, other) != before[other] {
				t.Errorf("without %s, %s was asked", method, other)
			}
		}
	}
}

// One endpoint of three has every trouble of the table that has to do with what
// receipts need: what is read is right, and it is read.
func TestReceiptsBesideOneBadEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deposits(2, 3, 0)
	w.finalize()
	p := badproxy.ForTest(t, badproxy.Config{Target: w.node.HTTPURL(), Seed: 1})
	for i, trouble := range badproxy.Troubles {
		if !slices.ContainsFunc([]string{"eth_getLogs", "eth_getBlockReceipts", "eth_getBlockByNumber"}, func(method string) bool {
			return slices.Contains(trouble.Methods, method)
		}) {
			continue
		}
		p.Set(badproxy.Rule{Trouble: trouble})
		urls := []string{w.node.HTTPURL(), w.node.WSURL()}
		urls = append(urls[:i%3], append([]string{p.URL()}, urls[i%3:]...)...)
		r := &reader{w: w, s: w.source(by(ByReceipts, w.hasty(2, urls...))), at: w.seed()}
		r.through(trouble.Name)
		w.deposits(1)
		w.finalize()
		r.through(trouble.Name + ", and on")
	}
	if met := p.Counts(); len(met) < 10 {
		t.Errorf("only %v", met)
	}
}

// FuzzVerifyReceipts: any bytes give receipts that lead to the root, or an error.
func FuzzVerifyReceipts(f *testing.F) {
	r := &gethtypes.Receipt{Status: 1, Logs: []*gethtypes.Log{{Topics: []common.Hash{topics[0], {1}}}}}
	raw, err := json.Marshal(gethtypes.Receipts{r})
	if err != nil {
		f.Fatal(err)
	}
	root := gethtypes.DeriveSha(gethtypes.Receipts{r}, trie.NewStackTrie(nil))
	f.Add(raw, root[:])
	f.Add([]byte(`[null]`), []byte{})
	f.Add([]byte(`[{"type":"0x7e","cumulativeGasUsed":"0x1","logs":[null]}]`), []byte{})
	f.Fuzz(func(t *testing.T, raw, root []byte) {
		h := header{Number: 1, Receipts: common.BytesToHash(root)}
		receipts, err := verifyReceipts(raw, h)
		if err != nil {
			return
		}
		if gethtypes.DeriveSha(receipts, trie.NewStackTrie(nil)) != h.Receipts {
			t.Fatal("another root")
		}
		if mark, err := newestEvent(receipts, types.Address{}, h); err == nil && mark.Nonce > 0 && mark.Block != 1 {
			t.Fatalf("%+v", mark)
		}
	})
}
