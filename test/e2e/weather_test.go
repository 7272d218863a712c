package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/icrosschain/bridged/test/badproxy"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// weather is a network of which each validator has three endpoints a chain that
// have to agree by two. One of them is bad, and at another place in each validator's
// list. The others are a little slower, so that nobody avoids the bad one for that.
type weather struct {
	*network
	bad, spare, good map[*chain]*badproxy.Proxy
	sent             []deposit
}

// slower is what good endpoints are.
var slower = badproxy.Rule{Trouble: badproxy.Delay("slower", 20*time.Millisecond, 30*time.Millisecond)}

func newWeather(t *testing.T) *weather {
	w := &weather{bad: map[*chain]*badproxy.Proxy{}, spare: map[*chain]*badproxy.Proxy{}, good: map[*chain]*badproxy.Proxy{}}
	w.network = newNetwork(t, plan{users: 2, patience: time.Second, endpoints: func(validator int, c *chain) []string {
		if validator == 0 {
			w.bad[c] = badproxy.ForTest(t, badproxy.Config{Target: c.node.HTTPURL(), Host: "127.0.0.2", Seed: c.id()})
			w.spare[c] = badproxy.ForTest(t, badproxy.Config{Target: c.node.HTTPURL(), Host: "127.0.0.3", Rules: []badproxy.Rule{slower}})
			w.good[c] = badproxy.ForTest(t, badproxy.Config{Target: c.node.HTTPURL(), Host: "127.0.0.4", Rules: []badproxy.Rule{slower}})
		}
		urls := []string{w.bad[c].URL(), w.spare[c].URL(), w.good[c].WSURL()}
		return append(urls[validator%3:], urls[:validator%3]...)
	}})
	// Somebody on beta has coins to send back.
	there, back := w.users[0], w.users[1]
	w.equip(w.gold, 1_000_000_000, there)
	ids, _ := w.deposit(deposit{from: w.alpha, asset: w.coin, sender: there, amount: 100_000_000, recipient: word(back.Address)})
	w.reach(time.Minute, types.StatusReleased, ids...)
	return w
}

// send deposits on both chains in turn, each time another amount for somebody else.
func (w *weather) send(count int) (ids []string) {
	w.t.Helper()
	var all []deposit
	for range count {
		number := int64(len(w.sent))
		d := deposit{from: w.alpha, asset: w.gold, sender: w.users[0], amount: 1000 + number, recipient: word(stranger(number))}
		if number%2 == 1 {
			d.from, d.asset, d.sender = w.beta, w.coin, w.users[1]
		}
		all, w.sent = append(all, d), append(w.sent, d)
	}
	ids, _ = w.deposit(all...)
	return ids
}

// under has both chains' bad endpoints do some things while transfers are made.
func (w *weather) under(count int, rules ...badproxy.Rule) {
	w.t.Helper()
	for _, p := range w.bad {
		p.Set(rules...)
	}
	start := time.Now()
	w.reach(2*time.Minute, types.StatusReleased, w.send(count)...)
	w.t.Logf("%d transfers after %s", len(w.sent), time.Since(start).Round(100*time.Millisecond))
}

// lured has all validators read from the bad endpoints, which are good for once:
// the others have no logs and no proofs for a while.
func (w *weather) lured() {
	w.t.Helper()
	refuses := badproxy.Rule{Trouble: badproxy.Named("503"), Methods: []string{"eth_getLogs", "eth_getProof"}}
	for _, c := range w.chains() {
		w.spare[c].Set(slower, refuses)
		w.good[c].Set(slower, refuses)
	}
	w.under(2)
	for _, c := range w.chains() {
		w.spare[c].Set(slower)
		w.good[c].Set(slower)
	}
}

// arrived wants every transfer paid, exactly, once, and nobody to have cried wolf.
func (w *weather) arrived() {
	w.t.Helper()
	for i, d := range w.sent {
		to := w.other(d.from)
		w.has(to, d.asset.token(to), stranger(int64(i)), d.amount-d.asset.fee)
	}
	for i := range w.Homes {
		if cries := w.said(i, func(l logLine) bool { return l.Msg == "alarm raised" }); len(cries) > 0 {
			w.t.Errorf("node%d: %+v", i, cries)
		}
	}
	w.audit()
}

// TestBadEndpoints makes transfers while one endpoint of three does all that a bad
// one can: several troubles at a time, or with BRIDGED_LONG=1 each by itself and
// 500 transfers. Then a second one fails on alpha, and alpha stops until it is back;
// and then alpha's finality stalls.
func TestBadEndpoints(t *testing.T) {
	t.Parallel()
	w := newWeather(t)
	// From the back: who has once been without answers is asked less for a while.
	all := slices.Clone(badproxy.Troubles)
	slices.Reverse(all)
	if os.Getenv("BRIDGED_LONG") == "" {
		for some := range slices.Chunk(all, (len(all)+2)/3) {
			w.under(20, rules(0.2, some)...)
		}
	} else {
		for _, trouble := range all {
			t.Log(trouble.Name)
			if slices.Contains(trouble.Methods, "eth_getLogs") || slices.Contains(trouble.Methods, "eth_getProof") {
				w.lured()
			}
			w.under(8, badproxy.Rule{Trouble: trouble})
		}
		for len(w.sent) < 500 {
			w.under(10, badproxy.Rules(0.02)...)
		}
	}
	met := map[string]int{}
	for _, c := range w.chains() {
		for name, times := range w.bad[c].Counts() {
			met[name] += times
		}
	}
	t.Logf("%d of %d troubles were met: %v", len(met), len(all), met)
	if len(met) < len(all)/2 {
		t.Error("the bad endpoints did too little")
	}
	w.twoOfThree()
	w.stalled()
	w.arrived()
}

func rules(share float64, some []badproxy.Trouble) (all []badproxy.Rule) {
	for _, t := range some {
		all = append(all, badproxy.Rule{Trouble: t, Share: share})
	}
	return all
}

// twoOfThree leaves alpha with one endpoint that is up and right. Nobody votes for
// what only one says, status says so, beta goes on; all goes on when one is back.
func (w *weather) twoOfThree() {
	t := w.t
	for _, c := range w.chains() {
		w.bad[c].Set(badproxy.Rule{Trouble: badproxy.Named("fork")})
	}
	w.spare[w.alpha].Set(badproxy.Rule{Trouble: badproxy.Named("503")})
	w.quiet()
	before := w.inbox(w.alpha).Cursor
	ids := w.send(2)
	nonce := func(id string) uint64 {
		_, nonce, err := types.SplitTransferID(id)
		if err != nil {
			t.Fatal(err)
		}
		return nonce
	}
	cluster.Eventually(t, time.Minute, "beta to go on", func(context.Context) error {
		if cursor := w.inbox(w.beta).Cursor; cursor < nonce(ids[1]) {
			return fmt.Errorf("the cursor is %d", cursor)
		}
		return nil
	})
	w.alpha.finalised(w.alpha.head() + standstill)
	if now := w.inbox(w.alpha).Cursor; now != before {
		t.Errorf("one endpoint of three moved alpha from nonce %d to %d", before, now)
	}
	for i := range w.Homes {
		w.sees(i, w.alpha, "agreement")
		w.sees(i, w.beta, "")
	}
	w.spare[w.alpha].Set(slower)
	start := time.Now()
	w.reach(time.Minute, types.StatusReleased, ids...)
	t.Logf("all is there %s after the second endpoint is back", time.Since(start).Round(100*time.Millisecond))
	for i := range w.Homes {
		w.sees(i, w.alpha, "")
	}
}

// sees waits until a validator's `bridged status` says which check fails on a
// chain, and says it in words; or that none does.
func (w *weather) sees(validator int, c *chain, check string) {
	w.t.Helper()
	cluster.Eventually(w.t, time.Minute, fmt.Sprintf("node%d to see %q on %s", validator, check, c.name), func(context.Context) error {
		var status struct {
			Bridge struct {
				Chains []struct {
					Label string `json:"label"`
					Seen  struct {
						Check string `json:"check"`
						Error string `json:"error"`
					} `json:"seen"`
				} `json:"chains"`
			} `json:"bridge"`
		}
		w.Decode(&status, "status", "--home", w.Homes[validator].Home)
		for _, line := range status.Bridge.Chains {
			if line.Label == c.name && (line.Seen.Check != check || (line.Seen.Error == "") != (check == "")) {
				return fmt.Errorf("it sees %+v", line.Seen)
			}
		}
		return nil
	})
}

// stalled holds what is final on alpha where it is while its blocks go on: nothing
// newer is voted, and all of it once finality moves again.
func (w *weather) stalled() {
	w.t.Helper()
	w.alpha.node.FreezeFinality(true)
	w.quiet()
	before := w.inbox(w.alpha).Cursor
	ids := w.send(2)
	head := w.alpha.head() + standstill
	cluster.Eventually(w.t, time.Minute, "blocks that are not final", func(context.Context) error {
		if now := w.alpha.head(); now < head {
			return fmt.Errorf("block %d of %d", now, head)
		}
		return nil
	})
	if now := w.inbox(w.alpha).Cursor; now != before {
		w.t.Errorf("without finality alpha went from nonce %d to %d", before, now)
	}
	w.alpha.node.FreezeFinality(false)
	w.reach(time.Minute, types.StatusReleased, ids...)
}

// quiet waits until votes for alpha rest.
func (w *weather) quiet() {
	w.t.Helper()
	var last uint64
	cluster.Eventually(w.t, time.Minute, "alpha to rest", func(context.Context) error {
		now := w.inbox(w.alpha)
		if now.Cursor != last || slices.ContainsFunc(now.Votes, func(v bridge.InboxVoteView) bool {
			return len(v.Marks) > 0 && v.Marks[len(v.Marks)-1].Nonce > now.Cursor
		}) {
			last = now.Cursor
			return fmt.Errorf("the cursor is at %d", now.Cursor)
		}
		return nil
	})
}
