package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// council is a network of two validators, of which the first, with nearly all
// the power, runs: what the second proposes, the first decides.
type council struct {
	t     *testing.T
	homes []testnetHome
}

func newCouncil(t *testing.T, params ...string) *council {
	t.Helper()
	dir := tempDir(t)
	c := &council{t: t}
	first := fmt.Sprint(ports.ForTest(t, 2*testnetPorts).First)
	decode(t, mustRun(t, "testnet", "-v", "2", "--output-dir", dir, "--chain-id", "local-1", "--starting-port", first,
		"--timeout-commit", "50ms", "--output", "json"), &c.homes)
	mustRun(t, "genesis", "add-validator", "--power", "10000", "--home", c.homes[0].Home)
	if len(params) > 0 {
		mustRun(t, append([]string{"genesis", "set-param", "--home", c.homes[0].Home}, params...)...)
	}
	startProcess(t, c.homes[0].Home)
	await(t, "first block", func() bool {
		_, _, code := run(t, "query", "params", "--home", c.homes[0].Home)
		return code == 0
	})
	return c
}

// startProcess is start as a program of its own: only one node fits a process.
func startProcess(t *testing.T, home string) {
	t.Helper()
	var log bytes.Buffer
	node := exec.CommandContext(t.Context(), "bridged", "start", "--home", home)
	node.Stderr = &log
	node.Cancel = func() error { return node.Process.Signal(os.Interrupt) }
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the context has ended
		if err := node.Wait(); err != nil && node.ProcessState.ExitCode() != exitOK {
			t.Errorf("start: %v", err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
}

// as adds to a command line what makes it one of a validator's operator.
func (c *council) as(validator int, args ...string) []string {
	h := c.homes[validator]
	return append(args, "--home", h.Home, "--node", c.homes[0].RPC, "--passphrase-file", filepath.Join(h.Home, "keys", "passphrase"))
}

// query asks the running node.
func (c *council) query(into any, args ...string) {
	c.t.Helper()
	decode(c.t, mustRun(c.t, append(append([]string{"query"}, args...), "--home", c.homes[0].Home, "--output", "json")...), into)
}

// send sends a transaction of a validator's operator and wants it to succeed.
func (c *council) send(validator int, args ...string) txOutcome {
	c.t.Helper()
	var o txOutcome
	args = append(append([]string{"tx"}, args...), "--yes", "--output", "json")
	decode(c.t, mustRun(c.t, c.as(validator, args...)...), &o)
	if o.Code != 0 || o.Height == 0 || o.Proposal == nil {
		c.t.Fatalf("%v: %+v", args, o)
	}
	return o
}

// refused runs a command line and wants an exit code and a text.
func (c *council) refused(code int, text string, args ...string) {
	c.t.Helper()
	out, errs, got := run(c.t, args...)
	if got != code || !strings.Contains(errs, text) {
		c.t.Errorf("%v: exit code %d, want %d and %q in:\n%s%s", args, got, code, text, out, errs)
	}
}

func (c *council) proposals(flags ...string) []bridge.ProposalView {
	c.t.Helper()
	var list []bridge.ProposalView
	c.query(&list, append([]string{"proposals"}, flags...)...)
	return list
}

// TestGovernance is governance by the command line, on a running node.
func TestGovernance(t *testing.T) {
	c := newCouncil(t)
	for name, test := range map[string]func(*testing.T, *council){
		"life": proposalsLife, "mistakes": mistakes, "at once": transactionsAtOnce, "signed elsewhere": signedElsewhere,
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			test(t, c)
		})
	}
}

// proposalsLife is how proposals are made, and end.
func proposalsLife(t *testing.T, c *council) {
	// Looking changes nothing.
	out := mustRun(t, c.as(1, "tx", "gov", "propose", "params", "keep_blocks=2000", "--dry-run")...)
	for _, want := range []string{"propose to set keep_blocks to 2000", "network.params.keep_blocks  1000    2000", "Nothing was sent", `"primaryType": "Transaction"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in the dry run:\n%s", want, out)
		}
	}
	if list := c.proposals("--open"); len(list) != 0 {
		t.Fatalf("a dry run made %+v", list)
	}
	c.refused(exitUsage, "--yes", c.as(1, "tx", "gov", "propose", "params", "keep_blocks=2000")...)

	o := c.send(1, "gov", "propose", "params", "keep_blocks=2000")
	id := fmt.Sprint(o.Proposal.ID)
	if o.Proposal.Status != types.ProposalOpen || o.Proposal.Proposer != c.homes[1].Operator {
		t.Errorf("proposed: %+v", o)
	}
	if list := c.proposals("--open"); len(list) != 1 || list[0].ID != o.Proposal.ID {
		t.Errorf("open proposals: %+v", list)
	}
	out = mustRun(t, c.as(0, "tx", "gov", "vote", id, "yes", "--dry-run")...)
	if !strings.Contains(out, "is to set keep_blocks to 2000") || !strings.Contains(out, "network.params.keep_blocks") {
		t.Errorf("a voter is not told what it votes on:\n%s", out)
	}
	o = c.send(0, "gov", "vote", id, "yes")
	if o.Proposal.Status != types.ProposalApplied || o.Proposal.Ended != uint64(o.Height) {
		t.Errorf("voted: %+v", o.Proposal)
	}
	var params []paramLine
	c.query(&params, "params")
	for _, p := range params {
		if p.Name == "keep_blocks" && p.Value != 2000 {
			t.Errorf("applied, and not in force: %+v", p)
		}
	}
	if list := c.proposals("--open"); len(list) != 0 {
		t.Errorf("open proposals: %+v", list)
	}
	c.refused(exitFailed, "is not open, it is applied", c.as(1, "tx", "gov", "vote", id, "no", "--yes")...)

	o = c.send(1, "gov", "propose", "text", "--title", "Lunch", "--text", "Now?")
	var quick txOutcome
	decode(t, mustRun(t, c.as(1, "tx", "gov", "vote", fmt.Sprint(o.Proposal.ID), "no", "--yes", "--no-wait", "--output", "json")...), &quick)
	if quick.Height != 0 || quick.Hash == "" {
		t.Errorf("not waited for: %+v", quick)
	}
	await(t, "vote", func() bool { return c.proposals("--open")[0].Tally.Yes == 0 })
	o = c.send(0, "gov", "vote", fmt.Sprint(o.Proposal.ID), "no")
	if o.Proposal.Status != types.ProposalRejected {
		t.Errorf("voted down: %+v", o.Proposal)
	}
	out = mustRun(t, "query", "proposal", fmt.Sprint(o.Proposal.ID), "--home", c.homes[0].Home)
	if !strings.Contains(out, "rejected at height") || !strings.Contains(out, c.homes[0].Operator.Hex()+"  no") || !strings.Contains(out, `"text": "Now?"`) {
		t.Errorf("the proposal:\n%s", out)
	}
}

// mistakes wants of every mistake a text that says what to do.
func mistakes(t *testing.T, c *council) {
	propose := []string{"tx", "gov", "propose", "params", "keep_blocks=2000", "--yes"}
	c.refused(exitFailed, "name a node of local-2", c.as(1, append(propose, "--chain-id", "local-2")...)...)
	c.refused(exitNotReady, "--node names another", append(c.as(1, propose...), "--node", "tcp://127.0.0.1:1")...)
	c.refused(exitUsage, "1 to 9999 blocks", c.as(1, append(propose, "--expires-in", "10000")...)...)
	c.refused(exitFailed, "bridged query proposals", c.as(1, "tx", "gov", "vote", "777", "yes", "--yes")...)
	c.refused(exitFailed, "--key-file", "tx", "gov", "vote", "777", "yes", "--yes", "--home", t.TempDir(), "--node", c.homes[0].RPC)
	c.refused(exitFailed, "alpha is not connected", c.as(1, "tx", "gov", "propose", "unpause", "alpha", "--yes")...)

	stranger, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("BRIDGED_KEY", hex.EncodeToString(crypto.FromECDSA(stranger)))
	c.refused(exitFailed, "(from BRIDGED_KEY) is no operator of local-1; use the key of one of these: node", c.as(1, propose...)...)
}

// transactionsAtOnce sends two with one key at the same time: one takes the
// next sequence.
func transactionsAtOnce(t *testing.T, c *council) {
	var wait sync.WaitGroup
	outs, codes := make([]string, 2), make([]int, 2)
	for i := range outs {
		wait.Go(func() {
			args := c.as(1, "tx", "gov", "propose", "text", "--title", fmt.Sprint("Question ", i), "--yes", "--output", "json")
			out, errs, code := run(t, args...)
			outs[i], codes[i] = out+errs, code
		})
	}
	wait.Wait()
	for i := range outs {
		if codes[i] != exitOK {
			t.Errorf("exit code %d: %s", codes[i], outs[i])
		}
	}
	list := c.proposals("--open")
	if len(list) != 2 {
		t.Errorf("proposals %+v", list)
	}
	for _, p := range list {
		c.send(0, "gov", "vote", fmt.Sprint(p.ID), "no")
	}
}

// signedElsewhere has a wallet sign what a dry run prints.
func signedElsewhere(t *testing.T, c *council) {
	digits := mustRun(t, c.as(1, "keys", "export", "operator", "--insecure-hex")...)
	wallet, err := crypto.HexToECDSA(strings.TrimSpace(digits))
	if err != nil {
		t.Fatal(err)
	}
	dry := mustRun(t, "tx", "gov", "propose", "text", "--title", "From afar", "--operator", c.homes[1].Operator.Hex(), "--dry-run",
		"--home", t.TempDir(), "--node", c.homes[0].RPC, "--output", "json")
	var plan struct {
		TypedData apitypes.TypedData `json:"typed_data"`
		Digest    types.Hash         `json:"digest"`
	}
	decode(t, dry, &plan)
	digest, _, err := apitypes.TypedDataAndHash(plan.TypedData)
	if err != nil {
		t.Fatal(err)
	}
	if types.Hash(digest) != plan.Digest {
		t.Errorf("a wallet signs %x, the network wants %s", digest, plan.Digest)
	}
	signature, err := crypto.Sign(digest, wallet)
	if err != nil {
		t.Fatal(err)
	}
	signature[64] += 27 // as wallets do
	file := filepath.Join(t.TempDir(), "tx.json")
	if err := os.WriteFile(file, []byte(dry), 0o600); err != nil {
		t.Fatal(err)
	}
	forged := append([]byte{signature[0] ^ 1}, signature[1:]...)
	c.refused(exitFailed, "--signature:", c.as(0, "tx", "send", file, "--signature", hex.EncodeToString(forged), "--yes")...)
	o := c.send(0, "send", file, "--signature", "0x"+hex.EncodeToString(signature))
	if o.Proposal.Action != `agree on the text "From afar"` || o.Proposal.Proposer != c.homes[1].Operator {
		t.Errorf("sent: %+v", o.Proposal)
	}
	c.refused(exitFailed, "make it anew", c.as(0, "tx", "send", file, "--signature", hex.EncodeToString(signature), "--yes")...)

	var effect bridge.EffectView
	c.query(&effect, "effect", fmt.Sprint(o.Proposal.ID))
	if effect.Error != "" || len(effect.Changes) != 0 {
		t.Errorf("a text changes %+v", effect)
	}
	c.send(0, "gov", "vote", fmt.Sprint(o.Proposal.ID), "no")
	content, err := json.Marshal(types.Content{Params: &types.ParamChanges{Changes: []types.ParamChange{{Name: "max_sigs", Value: 9}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	c.query(&effect, "effect", file)
	if len(effect.Changes) != 1 || effect.Changes[0].Path != "network.params.max_sigs" || string(effect.Changes[0].After) != "9" {
		t.Errorf("effect %+v", effect)
	}
}
