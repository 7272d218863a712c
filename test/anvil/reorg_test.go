package anvil

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// stranger is an account that nobody has the key of, and that has nothing.
func stranger(number byte) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte("bridged anvil recipient"), []byte{number}))
}

// TestReorgs reorganises alpha: above what its validators call final nothing
// comes of it; below they raise the alarm, and beta goes on, until governance has
// re-anchored alpha.
func TestReorgs(t *testing.T) {
	n := newNetwork(t)
	send := func(to byte, amount int64) uint64 {
		return n.alpha.block(n.alpha.deposit(n.user, betaID, stranger(to), amount))
	}
	send(0, 1000)
	n.arrives(stranger(0), 1000-fee)

	// The chain's clock jumps a day ahead, and then come many blocks at once.
	goOn := n.alpha.clock.Stop()
	n.alpha.call("evm_increaseTime", 24*60*60)
	n.alpha.deposit(n.user, betaID, stranger(6), 1500)
	n.alpha.call("anvil_mine", 300)
	goOn()
	n.arrives(stranger(6), 1500-fee)

	// A deposit that comes again in another block arrives once; one that is gone
	// for good never does, and another one takes its nonce.
	goOn = n.alpha.clock.Stop()
	moved := n.alpha.deposit(n.user, betaID, stranger(1), 2000)
	n.alpha.call("anvil_mine", 3)
	n.alpha.reorg(3, moved)
	goOn()
	n.arrives(stranger(1), 2000-fee)
	goOn = n.alpha.clock.Stop()
	n.alpha.deposit(n.user, betaID, stranger(2), 3000)
	n.alpha.call("anvil_mine", confirmations-1)
	n.alpha.reorg(confirmations - 1)
	goOn()
	send(3, 4000)
	n.arrives(stranger(3), 4000-fee)
	for to, want := range map[byte]int64{0: 1000 - fee, 6: 1500 - fee, 1: 2000 - fee, 2: 0} {
		n.arrives(stranger(to), want)
	}
	for i := range validators {
		n.quiet(i)
	}

	// The block of a deposit that has been paid out is replaced.
	block := send(4, 5000)
	n.arrives(stranger(4), 5000-fee)
	goOn = n.alpha.clock.Stop()
	n.alpha.reorg(n.alpha.head() - block + 1)
	goOn()
	var shared uint64
	for i := range validators {
		shared = n.alarmed(i)
	}
	if shared == 0 {
		t.Error("nobody knows where the histories part")
	}

	// One that is started again remembers nothing but the agreed cursor.
	n.Stop(0)
	n.Start(0)
	n.alarmed(0)
	n.goesOn(n.beta)
	n.reanchor(shared)
	send(5, 6000)
	n.arrives(stranger(5), 6000-fee)
	n.operators()
	for _, c := range n.chains() {
		met := n.bad[c].Counts()
		t.Logf("the bad endpoint of %s: %v", c.name, met)
		if len(met) < 10 {
			t.Errorf("the bad endpoint of %s did too little", c.name)
		}
	}
}

// reanchor lets governance go on from where alpha is now, and wants all alarms
// to be over.
func (n *network) reanchor(shared uint64) {
	n.t.Helper()
	var proposal bridge.ProposalView
	operate := func(i int, args ...string) error {
		home := config.Home(n.Homes[i].Home)
		out, err := n.Run(append(append([]string{"tx", "gov"}, args...), "--home", home.String(), "--yes", "--output", "json",
			"--key-env", "BRIDGED_NO_KEY", "--passphrase-file", filepath.Join(home.Keys(), "passphrase"))...)
		if err != nil {
			return err
		}
		outcome := struct {
			Proposal *bridge.ProposalView `json:"proposal"`
		}{&proposal}
		return json.Unmarshal(out, &outcome)
	}
	// By a node that has not just been started: it may be catching up.
	if err := operate(1, "propose", "reanchor", "alpha", "--rpc", n.alpha.url, "--common", fmt.Sprint(shared)); err != nil {
		n.t.Fatal(err)
	}
	for i := 2; proposal.Tally.Yes < proposal.Tally.Needed; i++ {
		if err := operate(i, "vote", fmt.Sprint(proposal.ID), "yes"); err != nil {
			n.t.Fatal(err)
		}
	}
	if proposal.Status != types.ProposalApplied {
		n.t.Fatalf("proposal %d is %s: %s", proposal.ID, proposal.Status, proposal.Result)
	}
	for i := range validators {
		cluster.Eventually(n.t, time.Minute, fmt.Sprintf("the end of node%d's alarm", i), func(context.Context) error {
			s, err := n.status(i, n.alpha)
			if err == nil && (s.Alarm.Kind != "off" || s.Alarm.Voted != "off" || s.Paused != bridge.PauseNone) {
				err = fmt.Errorf("it says %+v", s)
			}
			return err
		})
	}
}

// quiet wants no alarm of a validator, and no evidence.
func (n *network) quiet(i int) {
	n.t.Helper()
	for _, c := range n.chains() {
		s, err := n.status(i, c)
		if err != nil || s.Alarm.Kind != "off" || s.Alarm.Voted != "off" || s.Paused != bridge.PauseNone {
			n.t.Errorf("node%d says of %s: %+v, %v", i, c.name, s, err)
		}
	}
	if files, err := os.ReadDir(config.Home(n.Homes[i].Home).EvidenceDir()); err == nil {
		n.t.Errorf("node%d has evidence: %v", i, files)
	}
	if log, err := os.ReadFile(n.Homes[i].LogFile()); err != nil || strings.Contains(string(log), "alarm raised") {
		n.t.Errorf("node%d's log speaks of an alarm, %v", i, err)
	}
}

// alarmed waits for a validator's alarm for alpha, in its vote and with evidence,
// and for the network to take it. It returns the last event that both histories
// share.
func (n *network) alarmed(i int) uint64 {
	n.t.Helper()
	var s chainStatus
	cluster.Eventually(n.t, time.Minute, fmt.Sprintf("the alarm of node%d", i), func(context.Context) (err error) {
		s, err = n.status(i, n.alpha)
		if err == nil && (s.Alarm.Kind != "contradiction" || s.Alarm.Voted != "contradiction" || s.Paused != bridge.PauseContradicted) {
			err = fmt.Errorf("it says %+v", s)
		}
		return err
	})
	content, err := os.ReadFile(s.Alarm.Evidence)
	if err != nil {
		n.t.Fatal(err)
	}
	var evidence struct {
		Label   string `json:"label"`
		Height  uint64 `json:"height"`
		Common  uint64 `json:"common"`
		Was, Is struct {
			Block     uint64      `json:"block"`
			BlockHash common.Hash `json:"block_hash"`
			InboxHash common.Hash `json:"inbox_hash"`
			Answers   []struct {
				Endpoint string          `json:"endpoint"`
				Group    string          `json:"group"`
				Answer   json.RawMessage `json:"answer"`
			} `json:"answers"`
		}
	}
	if err := json.Unmarshal(content, &evidence); err != nil {
		n.t.Fatal(err)
	}
	want := fmt.Sprintf("alpha-%d.json", evidence.Height)
	if filepath.Base(s.Alarm.Evidence) != want || evidence.Was.BlockHash == evidence.Is.BlockHash || evidence.Was.InboxHash == evidence.Is.InboxHash {
		n.t.Errorf("node%d: evidence %s: %s", i, s.Alarm.Evidence, content)
	}
	groups := map[string]bool{}
	for _, a := range evidence.Is.Answers {
		groups[a.Group] = len(a.Answer) > 0
	}
	if !groups["one"] || !groups["two"] {
		n.t.Errorf("node%d: the evidence is of %v", i, groups)
	}
	n.t.Logf("node%d: %s; common is %d", i, s.Alarm.Why, evidence.Common)
	return evidence.Common
}

// goesOn wants a chain to be observed still.
func (n *network) goesOn(c *chain) {
	n.t.Helper()
	before, err := n.status(0, c)
	if err != nil {
		n.t.Fatal(err)
	}
	cluster.Eventually(n.t, time.Minute, c.name+" to go on", func(context.Context) error {
		s, err := n.status(0, c)
		if err == nil && (s.Head <= before.Head || s.Alarm.Kind != "off" || s.Paused != bridge.PauseNone) {
			err = fmt.Errorf("from %+v to %+v", before, s)
		}
		return err
	})
}

// operators lets operators pause beta: one of four cannot.
func (n *network) operators() {
	n.t.Helper()
	n.Must("alarm", "raise", "beta", "--reason", "a test", "--home", n.Homes[1].Home)
	voted := func(i int, kind string) func(context.Context) error {
		return func(context.Context) error {
			s, err := n.status(i, n.beta)
			if err == nil && s.Alarm.Voted != kind {
				err = fmt.Errorf("its vote says %s", s.Alarm.Voted)
			}
			return err
		}
	}
	cluster.Eventually(n.t, time.Minute, "the alarm of node1's operator", voted(1, "pause"))
	n.goesOn(n.beta)
	n.Must("alarm", "raise", "beta", "--reason", "a test", "--home", n.Homes[2].Home)
	cluster.Eventually(n.t, time.Minute, "beta to be paused", func(context.Context) error {
		s, err := n.status(0, n.beta)
		if err == nil && s.Paused != bridge.PausePaused {
			err = errors.New("it is not")
		}
		return err
	})
	n.Must("alarm", "clear", "beta", "--home", n.Homes[1].Home)
	cluster.Eventually(n.t, time.Minute, "node1's operator to be heard", voted(1, "off"))
}
