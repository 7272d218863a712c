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
	"github.com/icrosschain/bridged/test/badproxy"
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

// lies are those that the table of badproxy does not have.
var lies = map[string]struct {
	lie   lie
	check chain.Check
	says  string
}{
	"answers null":           {on("eth_getLogs", func(logs) logs { return nil }), chain.CheckHidden, "the logs end at nonce 0"},
	"an earlier block":       {bendLog(func(l *gethtypes.Log) { l.BlockNumber = 1 }), chain.CheckLog, "follows one in block"},
	"a forged storage proof": {bendProof(func(p *accountProof) { last(p.StorageProof[1].Proof)[40]++ }), chain.CheckProof, "does not lead to"},
	"a proof one block old":  {lie{ask: func(c *call) { older(c, "eth_getProof", 1) }}, chain.CheckProof, "does not lead to"},
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

// TestLiesAreNoVote asks liars alone, and then with honest servers beside them:
// the first gives an error that names the check, the second the truth.
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
	forger := newProxy(t, honest, bendHeader(func(h map[string]any) {
		if h["number"] != "0x0" { // else its chain is another one
			recomputed(h)
		}
	}))
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
	for name, refuse := range map[string]func(call, *badproxy.Reply){
		"-32005": func(c call, r *badproxy.Reply) {
			r.Body = fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32005,"message":"query returned more than 10000 results"}}`, c.ID)
		},
		"413":     func(_ call, r *badproxy.Reply) { r.Status, r.Body = http.StatusRequestEntityTooLarge, nil },
		"timeout": func(_ call, r *badproxy.Reply) { r.Silent = true },
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			p := newProxy(t, w.node.HTTPURL(), lie{send: func(c call, r *badproxy.Reply) {
				if tooMuch(c, 6) {
					refuse(c, r)
				}
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
	mute := newProxy(t, w.node.HTTPURL(), lie{})
	mute.Set(silent("eth_getLogs", "eth_getProof"))
	cfg := w.config(2, mute.URL, w.node.HTTPURL())
	cfg.RequestTimeout = 200 * time.Millisecond
	s := w.source(cfg)
	_, batch, err := readAll(t.Context(), s, w.seed())
	if err != nil || len(batch.Events) != 7 {
		t.Fatalf("%d events, %v", len(batch.Events), err)
	}
	asked := mute.count("eth_getLogs")
	if _, _, err := readAll(t.Context(), s, types.Mark{Nonce: 1, Hash: batch.Marks[0].Hash}); err != nil || mute.count("eth_getLogs") != asked {
		t.Errorf("the silent endpoint was asked again: %v", err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	w := newWorld(t)
	w.finalize()
	p := newProxy(t, w.node.HTTPURL(), lie{send: func(c call, r *badproxy.Reply) {
		if c.Method == "eth_getProof" {
			r.Body = bytes.Repeat([]byte(" "), 4<<20)
		}
	}})
	s := w.source(w.config(1, p.URL))
	s.client.endpoints[0].transport.most = 1 << 20
	_, err := s.Finalized(t.Context())
	if err == nil || !strings.Contains(err.Error(), errTooLong.Error()) {
		t.Errorf("an endless answer: %v", err)
	}
}
