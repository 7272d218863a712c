package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/icrosschain/bridged/test/badproxy"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	deceived = 3 // the validator with the lying endpoint
	absent   = 2 // the one that is killed, so that nobody can do without the deceived

	lieLimit    = 45 * time.Second // an observer that meets lies waits longer each time
	quietBlocks = 3
)

// lies are told one after the other, about the same deposit.
var lies = []struct {
	name    string
	trouble string
	check   string // in the validator's log
}{
	{"hides a log", "log missing", "log hidden"},
	{"alters an amount", "amount altered", "accumulator"},
	{"serves another contract's log", "foreign emitter", "foreign emitter"},
}

// TestLyingEndpoint gives one validator an endpoint that lies about deposits on
// alpha. The validator says which check failed and votes for nothing that it was
// lied to about; the other three go on; when the lie ends it is back by itself.
func TestLyingEndpoint(t *testing.T) {
	t.Parallel()
	var liar *badproxy.Proxy
	n := newNetwork(t, plan{users: 1, endpoints: func(validator int, c *chain) []string {
		if validator == deceived && c.id() == alphaID {
			liar = badproxy.ForTest(t, badproxy.Config{Target: c.node.HTTPURL()})
			return []string{liar.URL()}
		}
		return []string{c.node.HTTPURL()}
	}})
	tell := func(i int, from uint64) {
		liar.Set(badproxy.Rule{Trouble: badproxy.Named(lies[i].trouble), From: from})
	}
	user := n.users[0]
	n.equip(n.gold, 1_000_000, user)
	deposit := deposit{from: n.alpha, asset: n.gold, sender: user, amount: 1000}
	send := func(to int64) (id string, nonce, block uint64) {
		deposit.recipient = word(stranger(to))
		ids, block := n.deposit(deposit)
		_, nonce, err := types.SplitTransferID(ids[0])
		if err != nil {
			t.Fatal(err)
		}
		return ids[0], nonce, block
	}
	before, _, _ := send(0)
	n.reach(time.Minute, types.StatusReleased, before)

	// With one validator down, all three others are needed: what the deceived
	// does not vote for stays where it is.
	n.Kill(absent)
	next := n.inbox(n.alpha).Cursor + 1
	tell(0, next)
	started := n.heightNow(0)
	id, nonce, block := send(1)
	for i, l := range lies {
		tell(i, next)
		n.awaitCheck(l.name, l.check)
		n.stays(nonce, block)
	}
	if view, err := n.stands(t.Context(), id); err == nil {
		t.Errorf("with two honest votes of four: %+v", view)
	}

	// With three honest ones the network goes on, and the lie with it.
	told := liar.Counts()[lies[2].trouble]
	n.Start(absent)
	n.reach(90*time.Second, types.StatusReleased, id)
	id, second, _ := send(2)
	n.reach(90*time.Second, types.StatusReleased, id)
	ended := n.heightNow(0)
	for h, nonces := range n.votes(deceived, alphaID, started, ended) {
		if slices.Contains(nonces, nonce) || slices.Contains(nonces, second) {
			t.Errorf("height %d: the deceived voted for %v of alpha", h, nonces)
		}
	}
	cluster.Eventually(t, lieLimit, "the last lie to be told again", func(context.Context) error {
		if liar.Counts()[lies[2].trouble] == told { // the deceived waits a while after errors
			return errors.New("it was not")
		}
		return nil
	})

	// Then the truth is back, and with it the vote.
	liar.Set()
	paid := int64(3)
	cluster.Eventually(t, time.Minute, "a vote of the validator that was deceived", func(context.Context) error {
		// It waits a while after errors: the others may be faster, once or twice.
		id, nonce, _ := send(paid)
		paid++
		n.reach(time.Minute, types.StatusReleased, id)
		if !slices.ContainsFunc(n.voteOf(deceived).Marks, func(m types.Mark) bool { return m.Nonce >= nonce }) {
			return fmt.Errorf("it has not voted for nonce %d", nonce)
		}
		return nil
	})
	for i := range paid {
		n.has(n.beta, n.gold.wrapped, stranger(i), 1000-n.gold.fee)
	}
	n.audit()
}

// awaitCheck waits until the deceived has said which check failed.
func (n *network) awaitCheck(name, check string) {
	n.t.Helper()
	cluster.Eventually(n.t, lieLimit, "the check that fails where an endpoint "+name, func(context.Context) error {
		if err := n.Alive(); err != nil {
			n.t.Fatal(err)
		}
		found := n.said(deceived, func(l logLine) bool {
			return l.Component == "observer" && l.Chain == n.alpha.name && l.Check == check
		})
		if len(found) == 0 {
			return errors.New("its log does not say")
		}
		n.t.Logf("%s: %s", name, found[0].Err)
		return nil
	})
}

// stays wants the deceived to vote for nothing of alpha while blocks go by, where
// both honest validators have voted for a nonce.
func (n *network) stays(nonce, block uint64) {
	n.t.Helper()
	start := n.heightNow(0)
	cluster.Eventually(n.t, time.Minute, "honest votes, and blocks", func(ctx context.Context) error {
		for _, honest := range []int{0, 1} {
			if v := n.voteOf(honest); len(v.Marks) == 0 || v.Marks[len(v.Marks)-1].Nonce < nonce {
				return fmt.Errorf("node%d has not voted for nonce %d", honest, nonce)
			}
		}
		if height, err := n.height(ctx, 0); err != nil || height < start+quietBlocks {
			return errors.Join(err, fmt.Errorf("height %d", height))
		}
		return nil
	})
	v := n.voteOf(deceived)
	if v.Head >= block || slices.ContainsFunc(v.Marks, func(m types.Mark) bool { return m.Nonce >= nonce }) {
		n.t.Errorf("the deceived votes for nonce %d in block %d: %+v", nonce, block, v)
	}
	if cursor := n.inbox(n.alpha).Cursor; cursor >= nonce {
		n.t.Errorf("two of four validators agreed on nonce %d", cursor)
	}
}

// voteOf is what stands as a validator's vote for alpha.
func (n *network) voteOf(i int) bridge.InboxVoteView {
	n.t.Helper()
	for _, v := range n.inbox(n.alpha).Votes {
		if v.Validator == n.Homes[i].Validator {
			return v
		}
	}
	n.t.Fatalf("node%d has no place among the votes", i)
	return bridge.InboxVoteView{}
}

// votes reads out of the blocks which nonces of a chain a validator's precommits
// of heights named: the first transaction of block h holds those of h-1.
func (n *network) votes(i int, chain types.ChainID, first, last int64) map[int64][]uint64 {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), time.Minute)
	defer cancel()
	named, slots := map[int64][]uint64{}, 0
	for h := max(first, 2); h <= last; h++ {
		block, err := n.node(0).Block(ctx, &h)
		if err != nil {
			n.t.Fatal(err)
		}
		votes, err := bridge.ProposalVotes(block.Block.Txs[0])
		if err != nil {
			n.t.Fatal(err)
		}
		for slot, commit := range block.Block.LastCommit.Signatures {
			if !bytes.Equal(commit.ValidatorAddress, n.Homes[i].Validator[:]) {
				continue
			}
			slots++
			for _, c := range votes[slot].Chains {
				for _, m := range c.Marks {
					if c.Chain == chain {
						named[h-1] = append(named[h-1], m.Nonce)
					}
				}
			}
		}
	}
	if slots == 0 {
		n.t.Errorf("node%d is in no commit from %d to %d", i, first, last)
	}
	return named
}
