package evm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// forged is the nonce of the deposit that the liars pick.
const forged = 7

type logs = []*gethtypes.Log

// bendLogs changes answers of eth_getLogs that hold the chosen deposit.
func bendLogs(bend func(all logs, i int) logs) lie {
	return on("eth_getLogs", func(all logs) logs {
		for i, l := range all {
			if l.Topics[1] == common.BigToHash(common.Big0) {
				continue
			}
			if logged, err := DecodeLog(l); err == nil && logged.Nonce == forged {
				return bend(all, i)
			}
		}
		return all
	})
}

func bendLog(bend func(*gethtypes.Log)) lie {
	return bendLogs(func(all logs, i int) logs {
		bend(all[i])
		return all
	})
}

// amountAt is where a deposit's amount ends in its data.
const amountAt = 7 * wordBytes

// rehash makes the logs from the i-th on follow from what they now say, as
// someone would who forges an event with care.
func rehash(all logs, i int) logs {
	before, err := DecodeLog(all[i-1])
	if err != nil {
		panic(err)
	}
	hash := before.Hash
	for _, l := range all[i:] {
		logged, err := DecodeLog(l)
		if err != nil {
			panic(err)
		}
		hash = evmsig.Accumulate(hash, evmsig.InboxLeaf(logged.Nonce, logged.Event))
		copy(l.Data, hash[:])
	}
	return all
}

func bendProof(bend func(*accountProof)) lie {
	return on("eth_getProof", func(p accountProof) accountProof {
		bend(&p)
		return p
	})
}

func bendHeader(bend func(h map[string]any)) lie {
	return on("eth_getBlockByNumber", func(h map[string]any) map[string]any {
		if h != nil {
			bend(h)
		}
		return h
	})
}

// recomputed forges a header's state root, and its hash to match.
func recomputed(h map[string]any) {
	h["stateRoot"] = common.Hash{1}.Hex()
	raw, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	var header gethtypes.Header
	if err := json.Unmarshal(raw, &header); err != nil {
		panic(err)
	}
	h["hash"] = header.Hash().Hex()
}

var lies = map[string]struct {
	lie   lie
	check chain.Check
	says  string
}{
	"hides a log":      {bendLogs(func(all logs, i int) logs { return append(all[:i], all[i+1:]...) }), chain.CheckHidden, "event 8 follows event 6"},
	"hides the end":    {bendLogs(func(all logs, i int) logs { return all[:i] }), chain.CheckHidden, "the logs end at nonce 6, the inbox at 9"},
	"hides all":        {on("eth_getLogs", func(logs) logs { return logs{} }), chain.CheckHidden, "the logs end at nonce 0"},
	"answers null":     {on("eth_getLogs", func(logs) logs { return nil }), chain.CheckHidden, "the logs end at nonce 0"},
	"alters an amount": {bendLog(func(l *gethtypes.Log) { l.Data[amountAt-1]++ }), chain.CheckAccumulator, "mismatch at nonce 7"},
	"alters an amount with care": {bendLogs(func(all logs, i int) logs {
		all[i].Data[amountAt-1]++
		return rehash(all, i)
	}), chain.CheckAccumulator, "mismatch at nonce 9"},
	"repeats a log":           {bendLogs(func(all logs, i int) logs { return append(all[:i], all[i-1:]...) }), chain.CheckHidden, "event 6 follows event 6"},
	"swaps logs":              {bendLogs(func(all logs, i int) logs { all[i], all[i-1] = all[i-1], all[i]; return all }), chain.CheckHidden, "event 7 follows event 5"},
	"another contract's log":  {bendLog(func(l *gethtypes.Log) { l.Address = common.Address{1} }), chain.CheckEmitter, "the bridge is"},
	"another event":           {bendLog(func(l *gethtypes.Log) { l.Topics[0] = common.Hash{1} }), chain.CheckLog, "unknown event"},
	"a removed log":           {bendLog(func(l *gethtypes.Log) { l.Removed = true }), chain.CheckLog, "removed"},
	"another block":           {bendLog(func(l *gethtypes.Log) { l.BlockNumber += 1000 }), chain.CheckLog, "asked for"},
	"an earlier block":        {bendLog(func(l *gethtypes.Log) { l.BlockNumber = 1 }), chain.CheckLog, "follows one in block"},
	"cut data":                {bendLog(func(l *gethtypes.Log) { l.Data = l.Data[:len(l.Data)-1] }), chain.CheckLog, "the length is missing"},
	"a wrong chain id":        {on("eth_chainId", func(string) string { return "0x1" }), chain.CheckChainID, "the server is on chain 1, not on 31001"},
	"a forged root":           {bendHeader(func(h map[string]any) { h["stateRoot"] = common.Hash{1}.Hex() }), chain.CheckHeader, "the fields hash to"},
	"a forged hash":           {bendHeader(func(h map[string]any) { h["hash"] = common.Hash{1}.Hex() }), chain.CheckHeader, "the fields hash to"},
	"a header without root":   {bendHeader(func(h map[string]any) { delete(h, "stateRoot") }), chain.CheckHeader, "without hash or state root"},
	"a forged header":         {bendHeader(recomputed), chain.CheckProof, "does not lead to"},
	"no proof":                {bendProof(func(p *accountProof) { *p = accountProof{} }), chain.CheckProof, "does not lead to"},
	"no storage proof":        {bendProof(func(p *accountProof) { p.StorageProof = nil }), chain.CheckProof, "0 storage proofs"},
	"a forged account proof":  {bendProof(func(p *accountProof) { last(p.AccountProof)[40]++ }), chain.CheckProof, "does not lead to"},
	"a forged storage proof":  {bendProof(func(p *accountProof) { last(p.StorageProof[1].Proof)[40]++ }), chain.CheckProof, "does not lead to"},
	"the proofs swapped":      {bendProof(func(p *accountProof) { p.StorageProof[0], p.StorageProof[1] = p.StorageProof[1], p.StorageProof[0] }), chain.CheckProof, "does not lead to"},
	"a proof of another time": {lie{ask: func(c *call) { older(c, "eth_getProof", 2) }}, chain.CheckProof, "does not lead to"},
	"endless proof":           {bendProof(func(p *accountProof) { p.AccountProof = make([]hexutil.Bytes, 1000) }), chain.CheckProof, "nodes, at most"},
	"huge proof node":         {bendProof(func(p *accountProof) { p.AccountProof[0] = make([]byte, 1<<20) }), chain.CheckProof, "a node of"},
	"another account's proof": {lie{ask: func(c *call) { ofAnother(c) }}, chain.CheckProof, "does not lead to"},
	"garbage":                 {lie{serve: func(w http.ResponseWriter, _ *http.Request, _ call) bool { return say(w, "<html>") }}, chain.CheckTransport, "invalid character"},
	"an error page":           {lie{serve: func(w http.ResponseWriter, _ *http.Request, _ call) bool { w.WriteHeader(503); return say(w, "busy") }}, chain.CheckTransport, "503"},
}

func say(w http.ResponseWriter, text string) bool {
	fmt.Fprint(w, text) //nolint:errcheck // a test's server
	return true
}

func last(nodes []hexutil.Bytes) hexutil.Bytes { return nodes[len(nodes)-1] }

// older makes a call ask for a block so many before.
func older(c *call, method string, blocks uint64) {
	if c.Method != method {
		return
	}
	var number hexutil.Uint64
	if json.Unmarshal(c.Params[len(c.Params)-1], &number) == nil {
		c.Params[len(c.Params)-1], _ = json.Marshal(number - hexutil.Uint64(blocks))
	}
}

func ofAnother(c *call) {
	if c.Method == "eth_getProof" {
		c.Params[0], _ = json.Marshal(common.Address{1})
	}
}

// TestLiesAreNoVote asks liars alone, and then with an honest server behind
// them: the first gives an error that names the check, the second the truth.
func TestLiesAreNoVote(t *testing.T) {
	w := newWorld(t)
	w.deposits(1, 3, 1) // nonces 5 to 9
	w.finalize()
	want, _, err := readAll(t.Context(), w.source(w.config(1, w.node.HTTPURL())), w.seed())
	w.must(err)
	if want.Inbox.Nonce != 9 {
		t.Fatalf("the inbox has %d events", want.Inbox.Nonce)
	}
	for name, c := range lies {
		t.Run(name, func(t *testing.T) {
			w.t = t
			liar := newProxy(t, w.node.HTTPURL(), c.lie)
			_, batch, err := readAll(t.Context(), w.source(w.config(1, liar.URL)), w.seed())
			if err == nil || len(batch.Events) != 0 || len(batch.Marks) != 0 {
				t.Fatalf("the liar was believed: %d events, %v", len(batch.Events), err)
			}
			if chain.CheckOf(err) != c.check || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %q, want check %q and text %q", err, c.check, c.says)
			}

			honest := newProxy(t, w.node.HTTPURL(), lie{})
			third := newProxy(t, w.node.HTTPURL(), lie{})
			s := w.source(w.config(2, liar.URL, honest.URL, third.URL))
			position, batch, err := readAll(t.Context(), s, w.seed())
			if err != nil || position != want || len(batch.Events) != 9 || batch.Last.Hash != want.Inbox.Hash {
				t.Errorf("with two honest servers: %+v, %d events, %v", position, len(batch.Events), err)
			}
		})
	}
}

// TestAgreementIsNotLowered takes min_agree 2 with one server that forges
// headers, or is down, and one honest one.
func TestAgreementIsNotLowered(t *testing.T) {
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	honest := w.node.HTTPURL()
	forger := newProxy(t, honest, bendHeader(recomputed))
	_, err := w.source(w.config(2, forger.URL, honest)).Finalized(t.Context())
	if chain.CheckOf(err) != chain.CheckAgreement || !strings.Contains(err.Error(), "no 2 groups agree on block") {
		t.Errorf("a forger and an honest server: %v", err)
	}
	_, err = w.source(w.config(2, "http://127.0.0.1:1", honest)).Finalized(t.Context())
	if chain.CheckOf(err) != chain.CheckAgreement || !strings.Contains(err.Error(), "1 of 2 endpoints answer") {
		t.Errorf("one server is down: %v", err)
	}

	same := w.config(2, forger.URL, forger.URL, honest, honest)
	same.Endpoints[0].Group, same.Endpoints[1].Group = "forger", "forger"
	same.Endpoints[2].Group, same.Endpoints[3].Group = "x", "y"
	if position, err := w.source(same).Finalized(t.Context()); err != nil || position.Hash != w.node.Finalized().Hash() {
		t.Errorf("two servers of one group count once: %+v, %v", position, err)
	}
	same.Endpoints[1].Group = "another"
	if _, err := w.source(same).Finalized(t.Context()); chain.CheckOf(err) != chain.CheckAgreement || !strings.Contains(err.Error(), "two headers of block") {
		t.Errorf("two against two: %v", err)
	}
}

// TestEndpointsAtDifferentHeights takes the newest block that enough of them
// hold final.
func TestEndpointsAtDifferentHeights(t *testing.T) {
	w := newWorld(t)
	w.deposits(1, 0, 0, 0)
	final := w.node.Finalized().Number.Uint64()
	behind := func(blocks uint64) string {
		return newProxy(t, w.node.HTTPURL(), lie{ask: func(c *call) {
			if c.Method == "eth_getBlockByNumber" && string(c.Params[0]) == `"finalized"` {
				c.Params[0] = fmt.Appendf(nil, "%q", hexutil.EncodeUint64(final-blocks))
			}
		}}).URL
	}
	ahead := newProxy(t, w.node.HTTPURL(), bendHeader(func(h map[string]any) {
		h["number"] = hexutil.EncodeUint64(final + 1_000_000)
		recomputed(h)
	}))
	for want, urls := range map[uint64][]string{
		final:     {behind(0), behind(0), behind(2)},
		final - 1: {behind(0), behind(1), behind(2)},
		final - 2: {ahead.URL, behind(2), behind(1)},
	} {
		position, err := w.source(w.config(2, urls...)).Finalized(t.Context())
		if err != nil || position.Block != want {
			t.Errorf("want block %d, got %d, %v", want, position.Block, err)
		}
	}
}

func TestStaleHead(t *testing.T) {
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	p := newProxy(t, w.node.HTTPURL(), lie{})
	s := w.source(w.config(1, p.URL))
	before, err := s.Finalized(t.Context())
	w.must(err)
	p.tell(lie{ask: func(c *call) {
		if c.Method == "eth_getBlockByNumber" {
			c.Params[0] = fmt.Appendf(nil, "%q", hexutil.EncodeUint64(before.Block-1))
		}
	}})
	if _, err = s.Finalized(t.Context()); chain.CheckOf(err) != chain.CheckStale || chain.SeverityOf(err) != chain.Retry {
		t.Errorf("a head that went back: %v", err)
	}
	p.tell(lie{})
	if again, err := s.Finalized(t.Context()); err != nil || again != before {
		t.Errorf("afterwards: %+v, %v", again, err)
	}
}

// TestRangesAreHalved meets servers that refuse large ranges, each in its way.
func TestRangesAreHalved(t *testing.T) {
	w := newWorld(t)
	w.deposits(3, 0, 0, 2, 0, 0, 0, 1)
	w.finalize()
	tooMuch := func(c call, most uint64) bool {
		var filter struct {
			From hexutil.Uint64 `json:"fromBlock"`
			To   hexutil.Uint64 `json:"toBlock"`
		}
		if c.Method != "eth_getLogs" || json.Unmarshal(c.Params[0], &filter) != nil {
			return false
		}
		return uint64(filter.To-filter.From) >= most
	}
	for name, refuse := range map[string]func(http.ResponseWriter, *http.Request, call){
		"-32005": func(w http.ResponseWriter, _ *http.Request, c call) {
			say(w, fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32005,"message":"query returned more than 10000 results"}}`, c.ID))
		},
		"413":     func(w http.ResponseWriter, _ *http.Request, _ call) { w.WriteHeader(http.StatusRequestEntityTooLarge) },
		"timeout": func(_ http.ResponseWriter, r *http.Request, _ call) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			p := newProxy(t, w.node.HTTPURL(), lie{serve: func(w http.ResponseWriter, r *http.Request, c call) bool {
				if !tooMuch(c, 6) {
					return false
				}
				refuse(w, r, c)
				return true
			}})
			cfg := w.config(1, p.URL)
			if name == "timeout" {
				cfg.RequestTimeout = time.Second
			}
			position, batch, err := readAll(t.Context(), w.source(cfg), w.seed())
			if err != nil || uint64(len(batch.Events)) != position.Inbox.Nonce {
				t.Errorf("%d of %d events, %v", len(batch.Events), position.Inbox.Nonce, err)
			}
		})
	}
}

func TestSilentEndpointIsPassedOver(t *testing.T) {
	w := newWorld(t)
	w.deposits(3)
	w.finalize()
	silent := newProxy(t, w.node.HTTPURL(), lie{serve: func(_ http.ResponseWriter, r *http.Request, c call) bool {
		if c.Method == "eth_getLogs" || c.Method == "eth_getProof" {
			<-r.Context().Done()
			return true
		}
		return false
	}})
	cfg := w.config(2, silent.URL, w.node.HTTPURL())
	cfg.RequestTimeout = 200 * time.Millisecond
	s := w.source(cfg)
	_, batch, err := readAll(t.Context(), s, w.seed())
	if err != nil || len(batch.Events) != 7 {
		t.Fatalf("%d events, %v", len(batch.Events), err)
	}
	asked := silent.count("eth_getLogs")
	if _, _, err := readAll(t.Context(), s, types.Mark{Nonce: 1, Hash: batch.Marks[0].Hash}); err != nil || silent.count("eth_getLogs") != asked {
		t.Errorf("the silent endpoint was asked again: %v", err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	w := newWorld(t)
	w.finalize()
	p := newProxy(t, w.node.HTTPURL(), lie{serve: func(w http.ResponseWriter, r *http.Request, c call) bool {
		if c.Method != "eth_getProof" {
			return false
		}
		filler := bytes.Repeat([]byte(" "), 1<<16)
		for range 64 {
			if _, err := w.Write(filler); err != nil {
				break
			}
		}
		return true
	}})
	s := w.source(w.config(1, p.URL))
	s.client.endpoints[0].transport.most = 1 << 20
	_, err := s.Finalized(t.Context())
	if err == nil || !strings.Contains(err.Error(), errTooLong.Error()) {
		t.Errorf("an endless answer: %v", err)
	}
}
