package evm

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/test/badproxy"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// asked is the range that a call wants logs of.
func asked(c call) (first, last uint64) {
	var filter struct {
		From hexutil.Uint64 `json:"fromBlock"`
		To   hexutil.Uint64 `json:"toBlock"`
	}
	if c.Method != "eth_getLogs" || json.Unmarshal(c.Params[0], &filter) != nil {
		return 0, 0
	}
	return uint64(filter.From), uint64(filter.To)
}

// capped refuses more than so many blocks at once.
func capped(blocks uint64) badproxy.Rule {
	return badproxy.Rule{Trouble: badproxy.Trouble{Name: "capped", Tell: func(x *badproxy.Exchange) bool {
		first, last := asked(x.Call)
		if last-first < blocks {
			return false
		}
		x.Answer.Result, x.Answer.Error = nil, []byte(`{"code":-32602,"message":"range is too large"}`)
		return true
	}}}
}

// TestCatchUp reads from three endpoints at once, each with a limit of its own,
// whatever one of them does.
func TestCatchUp(t *testing.T) {
	w := newWorld(t)
	for range 15 {
		w.deposits(2, 0, 1, 0)
	}
	w.finalize()
	want, whole, err := readAll(t.Context(), w.source(w.config(1, w.node.HTTPURL())), w.seed())
	w.must(err)
	for name, trouble := range map[string]badproxy.Rule{
		"is honest":              {},
		"hides a log":            {Trouble: badproxy.Named("log missing"), From: 20},
		"alters a log":           {Trouble: badproxy.Named("amount altered"), From: 20},
		"alters a log with care": {Trouble: badproxy.Named("amount altered with care"), From: 20},
		"has no logs":            {Trouble: badproxy.Named("logs missing")},
		"is silent about logs":   {Trouble: badproxy.Named("half-open"), Methods: []string{"eth_getLogs"}},
		"drops the connection":   {Trouble: badproxy.Named("drop"), Methods: []string{"eth_getLogs"}},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			all, urls := w.proxies(3)
			for i, p := range all {
				p.Set(capped(uint64(3 + 4*i)))
			}
			if trouble.Trouble.Name != "" {
				all[0].Set(trouble)
			}
			cfg := w.config(2, urls...)
			cfg.MaxRange = 16
			s := w.source(cfg)
			var at uint64
			o := keepAll
			o.Progress = func(block uint64) {
				if block <= at && name == "is honest" {
					t.Errorf("block %d after block %d", block, at)
				}
				at = block
			}
			position, err := s.Finalized(t.Context())
			w.must(err)
			batch, err := s.Read(t.Context(), w.seed(), position.Inbox, o)
			if err != nil || position != want || !slices.Equal(batch.Marks, whole.Marks) || len(batch.Events) != len(whole.Events) {
				t.Fatalf("%d events of %d, %v", len(batch.Events), len(whole.Events), err)
			}
			for i, p := range all {
				if p.count("eth_getLogs") == 0 {
					t.Errorf("endpoint %d was not asked", i)
				}
				if own, most := s.limits[s.client.endpoints[i]].blocks(), uint64(3+4*i); name == "is honest" && (own > 2*most || own < 2) {
					t.Errorf("endpoint %d answers for %d blocks, and is asked for %d", i, most, own)
				}
			}
		})
	}
}

// A read that is not taken in goes on fetching only so far.
func TestBackPressure(t *testing.T) {
	w := newWorld(t)
	w.deposits(slices.Repeat([]int{1, 0}, 40)...)
	w.finalize()
	all, urls := w.proxies(2)
	cfg := w.config(1, urls...)
	cfg.MaxRange = 1
	s := w.source(cfg)
	position, err := s.Finalized(t.Context())
	w.must(err)
	pieces, most := 0, 2*atOnce*len(all)
	o := keepAll
	o.Progress = func(uint64) {
		if pieces++; pieces > 3 {
			return
		}
		for deadline := time.Now().Add(5 * time.Second); sum(all, "eth_getLogs") < most && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond) // for one too many
		if n := sum(all, "eth_getLogs"); n > pieces+most {
			t.Errorf("%d requests after %d pieces, and %d may be ahead", n, pieces, most)
		}
	}
	batch, err := s.Read(t.Context(), w.seed(), position.Inbox, o)
	if err != nil || uint64(len(batch.Events)) != position.Inbox.Nonce {
		t.Errorf("%d events, %v", len(batch.Events), err)
	}
}

// A bug in a goroutine of its own is that endpoint's failure.
func TestPanicWhileFetching(t *testing.T) {
	w := newWorld(t)
	w.finalize()
	s := w.source(w.config(1, w.node.HTTPURL()))
	delete(s.limits, s.client.endpoints[0])
	r := newReading(s, 0, 3, s.client.endpoints, true)
	err := r.run(t.Context(), chain.NewCollector(w.seed(), types.Mark{Nonce: 1}, keepAll), nil)
	if err == nil {
		t.Error("no error")
	}
}
