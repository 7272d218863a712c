package cli

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// realm is a network whose first validator's word is law, with one chain; a
// second chain is there, and not connected.
type realm struct {
	*council
	chains  map[string]*evmnode.Node
	bridges map[string]common.Address
}

func newRealm(t *testing.T, validators int) *realm {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	// Not BRIDGED_KEY: that would be the operator's.
	t.Setenv("BRIDGED_USER", hex.EncodeToString(crypto.FromECDSA(key)))
	r := &realm{council: &council{t: t}, chains: map[string]*evmnode.Node{}, bridges: map[string]common.Address{}}
	first := fmt.Sprint(ports.ForTest(t, validators*testnetPorts).First)
	decode(t, mustRun(t, "testnet", "-v", fmt.Sprint(validators), "--output-dir", tempDir(t), "--chain-id", "local-1", "--starting-port", first,
		"--timeout-commit", "100ms", "--output", "json"), &r.homes)
	home := r.homes[0].Home
	t.Setenv("BRIDGED_HOME", home)
	mustRun(t, "genesis", "add-validator", "--power", "10000")
	loaded, err := config.Load(config.Home(home), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, label := range []string{"alpha", "beta"} {
		chain := testChain(t, uint64(1001+i), crypto.PubkeyToAddress(key.PublicKey), r.homes[0].Relayer)
		var d deployResult
		decode(t, mustRun(t, "contracts", "deploy", "--rpc", chain.HTTPURL(), "--key-env", "BRIDGED_USER", "--output", "json"), &d)
		r.chains[label], r.bridges[label] = chain, d.Bridge
		c := config.DefaultChain()
		c.Name, c.ID, c.Contract, c.MinAgree, c.SingleEndpoint = label, chain.ChainID(), d.Bridge, 1, true
		c.Endpoints, c.PollInterval = []config.Endpoint{{URL: chain.HTTPURL(), Group: "own"}}, 100*time.Millisecond
		loaded.Chains = append(loaded.Chains, c)
	}
	if err := config.Write(config.Home(home), loaded.Config); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "genesis", "add-chain", "alpha", "--id", "1001", "--bridge", r.bridges["alpha"].Hex(), "--batch-gap", "200ms")
	mustRun(t, "genesis", "add-asset", "COIN", "--token", "chain=alpha,mode=lock,address=native,release_fee=1000,large=4000000")
	startProcess(t, home)
	await(t, "active chain", func() bool { return r.chain("alpha").Active })
	return r
}

// chain is a chain's state; the zero one before there is a state.
func (r *realm) chain(label string) bridge.ChainState {
	out, _, code := run(r.t, "query", "chains", "--output", "json")
	var list []bridge.ChainState
	if code != exitOK || json.Unmarshal([]byte(out), &list) != nil {
		return bridge.ChainState{}
	}
	for _, c := range list {
		if c.Label == label {
			return c
		}
	}
	return bridge.ChainState{}
}

// decree proposes something, which passes at once.
func (r *realm) decree(args ...string) txOutcome {
	r.t.Helper()
	o := r.send(0, append([]string{"gov", "propose"}, args...)...)
	if o.Proposal.Status != types.ProposalApplied {
		r.t.Fatalf("%v: %+v", args, o.Proposal)
	}
	return o
}

// preview is what a proposal would do, for people.
func (r *realm) preview(args ...string) string {
	r.t.Helper()
	return mustRun(r.t, r.as(0, append([]string{"tx", "gov", "propose", "--dry-run"}, args...)...)...)
}

// write puts JSON into a file.
func (r *realm) write(value any) string {
	r.t.Helper()
	content, err := json.Marshal(value)
	if err != nil {
		r.t.Fatal(err)
	}
	file := filepath.Join(r.t.TempDir(), "content.json")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return file
}

func (r *realm) asset() bridge.AssetView {
	r.t.Helper()
	var assets []bridge.AssetView
	r.query(&assets, "assets")
	for _, a := range assets {
		if a.Symbol == "COIN" {
			return a
		}
	}
	r.t.Fatalf("no COIN in %+v", assets)
	return bridge.AssetView{}
}

// TestGovernanceOfChains connects a chain, maps an asset to it, pauses, and picks
// up a chain whose final blocks were replaced: by the command line, on real EVM
// nodes.
func TestGovernanceOfChains(t *testing.T) {
	r := newRealm(t, 1)
	alpha, beta := r.chains["alpha"], r.chains["beta"]

	// A contract of another network, or at another place, is not connected.
	add := []string{"tx", "gov", "propose", "add-chain", "beta", "--id", "1002", "--rpc", beta.HTTPURL(), "--batch-gap", "200ms", "--yes"}
	r.refused(exitFailed, "the contract is not this network's", r.as(0, append(add, "--bridge", "0x0000000000000000000000000000000000000009")...)...)
	r.refused(exitFailed, "chain id", r.as(0, append(add, "--bridge", r.bridges["alpha"].Hex(), "--rpc", alpha.HTTPURL())...)...)
	add = append(add[3:len(add)-1], "--bridge", r.bridges["beta"].Hex())
	out := r.preview(add...)
	if !strings.Contains(out, "chains.1002.label") && !strings.Contains(out, "chains.beta.label") {
		t.Errorf("adding a chain:\n%s", out)
	}
	o := r.decree(add...)
	if added := o.Proposal.Content.AddChain; added.Block == 0 || added.Block > 100 || added.CodeHash == (types.Hash{}) {
		t.Errorf("added %+v", added)
	}

	// A file maps the asset there; a registered one gets other terms.
	mapping := types.MapAsset{Asset: r.asset().ID, Token: types.Token{Chain: 1002, Mode: types.ModeMint, Decimals: 18, ReleaseFee: types.NewAmount(1000)}}
	r.decree("map-asset", r.write(mapping))
	await(t, "registered tokens", func() bool { return len(r.asset().Registered) == 2 })
	asset := types.Asset{ID: types.AssetID{7}, Name: "Other", Symbol: "OTH", Decimals: 6}
	r.decree("register-asset", r.write(asset))
	r.refused(exitFailed, "unknown field", r.as(0, "tx", "gov", "propose", "register-asset", r.write(map[string]any{"simbol": "X"}), "--yes")...)

	out = r.preview("change-chain", "alpha", "--batch-gap", "300ms")
	if !strings.Contains(out, "chains.alpha.batch_gap_ms  200     300") || strings.Contains(out, "chains.alpha.batch_gas") {
		t.Errorf("changing a chain:\n%s", out)
	}
	r.decree("change-chain", "alpha", "--batch-gap", "300ms")
	r.refused(exitUsage, "nothing to change", r.as(0, "tx", "gov", "propose", "change-chain", "alpha", "--yes")...)
	out = mustRun(t, "query", "limits")
	if !strings.Contains(out, "0.000000000004 COIN") {
		t.Errorf("limits:\n%s", out)
	}
	if out := mustRun(t, "query", "quarantine"); strings.Count(out, "\n") != 1 {
		t.Errorf("quarantine:\n%s", out)
	}
	r.refused(exitFailed, "there is no such record", r.as(0, "tx", "gov", "propose", "resolve", "1", "refund", "--yes")...)

	r.pauseAndUnpause()
	r.reanchor()
}

func (r *realm) pauseAndUnpause() {
	r.t.Helper()
	r.refused(exitFailed, "is not paused", r.as(0, "tx", "gov", "propose", "unpause", "alpha", "--yes")...)
	mustRun(r.t, "alarm", "raise", "alpha", "--reason", "a test")
	await(r.t, "pause", func() bool { return r.chain("alpha").Paused == bridge.PausePaused })
	_, errs, _ := run(r.t, r.as(0, "tx", "gov", "propose", "unpause", "alpha", "--dry-run")...)
	if !strings.Contains(errs, "still raises an alarm for alpha (pause)") {
		r.t.Errorf("no warning that it will be paused again: %s", errs)
	}
	mustRun(r.t, "alarm", "clear", "alpha")
	await(r.t, "end of the alarm", func() bool {
		var inbox bridge.InboxView
		r.query(&inbox, "inbox", "alpha")
		return inbox.Votes[0].Alarm == types.AlarmOff.String()
	})
	r.decree("unpause", "alpha")
	await(r.t, "end of the pause", func() bool { return r.chain("alpha").Paused == bridge.PauseNone })
}

// reanchor replaces final blocks that held a deposit which was released already.
func (r *realm) reanchor() {
	r.t.Helper()
	alpha := r.chains["alpha"]
	r.refused(exitFailed, "has not contradicted", r.as(0, "tx", "gov", "propose", "reanchor", "alpha", "--rpc", alpha.HTTPURL(), "--common", "1", "--yes")...)
	r.refused(exitFailed, "serves chain 1002", r.as(0, "tx", "gov", "propose", "reanchor", "alpha", "--rpc", r.chains["beta"].HTTPURL(), "--common", "1", "--yes")...)

	// Once the contract has heard of the pause's end, only the deposit is lost.
	await(r.t, "executed commands", func() bool { c := r.chain("alpha"); return c.Outbox == c.Executed })
	common := r.chain("alpha").Cursor
	var d depositResult
	decode(r.t, mustRun(r.t, "deposit", "--rpc", alpha.HTTPURL(), "--key-env", "BRIDGED_USER", "--amount", "3000000", "--to", "beta", "--output", "json"), &d)
	if d.Transfer.Status != types.StatusReleased {
		r.t.Fatalf("deposit: %+v", d.Transfer)
	}
	if err := alpha.Reorg(int(alpha.Head().Number.Uint64()-d.Block)+1, true); err != nil {
		r.t.Fatal(err)
	}
	await(r.t, "contradiction", func() bool { return r.chain("alpha").Paused == bridge.PauseContradicted })
	r.refused(exitFailed, "the network has applied", r.as(0, "tx", "gov", "propose", "reanchor", "alpha", "--rpc", alpha.HTTPURL(), "--common", "99", "--yes")...)
	// The order to pause is executed there, and takes the lost deposit's number.
	if _, errs, code := run(r.t, r.as(0, "tx", "gov", "propose", "reanchor", "alpha", "--rpc", alpha.HTTPURL(), "--common", "0", "--dry-run")...); code != 0 {
		r.t.Errorf("nothing in common: %s", errs)
	}
	args := []string{"reanchor", "alpha", "--rpc", alpha.HTTPURL(), "--common", fmt.Sprint(common)}
	var out string
	await(r.t, "anchor", func() bool {
		out = r.preview(args...)
		return !strings.Contains(out, "would not apply")
	})
	if !strings.Contains(out, "Booked as deficit, which nobody backs: 0.000000000003 COIN instead of 0 COIN.") {
		r.t.Errorf("the loss is not shown:\n%s", out)
	}
	r.decree(args...)
	var supply []bridge.SupplyView
	r.query(&supply, "supply")
	at := slices.IndexFunc(supply, func(v bridge.SupplyView) bool { return v.Symbol == "COIN" })
	if got := supply[at].Deficit; got != types.NewAmount(3_000_000) {
		r.t.Errorf("deficit %s: %+v", got, supply)
	}
	if out := mustRun(r.t, "query", "invariants"); !strings.Contains(out, "all invariants hold") {
		r.t.Error(out)
	}
	if paused := r.chain("alpha").Paused; paused != bridge.PauseNone {
		r.t.Errorf("alpha is %q", paused)
	}
}

// TestGovernanceDocument runs the commands of docs/governance.md as they stand
// there, as an operator whose validator has little power.
func TestGovernanceDocument(t *testing.T) {
	r := newRealm(t, 2)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "governance.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir, home := t.TempDir(), r.homes[1].Home
	genesis, err := os.ReadFile(config.Home(r.homes[0].Home).GenesisFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "genesis.json"), genesis, 0o600); err != nil {
		t.Fatal(err)
	}
	passphrase, err := os.ReadFile(filepath.Join(home, "keys", "passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "BRIDGED_HOME="+home, "BRIDGED_NODE="+r.homes[0].RPC, "OPERATOR="+r.homes[1].Operator.Hex(),
		"BRIDGED_OPERATOR_PASSPHRASE="+strings.TrimSpace(string(passphrase)),
		"ALPHA_RPC="+r.chains["alpha"].HTTPURL(), "BETA_RPC="+r.chains["beta"].HTTPURL(), "BETA_BRIDGE="+r.bridges["beta"].Hex())
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		shell := exec.CommandContext(t.Context(), "sh", "-eu", "-c", block[1])
		shell.Dir, shell.Env = dir, append(env, "SIGNATURE="+walletSign(t, filepath.Join(dir, "tx.json"), r.as(1)))
		if out, err := shell.CombinedOutput(); err != nil {
			t.Errorf("%v:\n%s\n%s", err, block[1], out)
		}
	}
	if list := r.proposals("--open"); len(list) != 3 {
		t.Errorf("the document makes 3 proposals: %+v", list)
	}
}

// walletSign signs the transaction of a dry run, if there is one by now.
func walletSign(t *testing.T, file string, as []string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	var plan struct {
		Digest types.Hash `json:"digest"`
	}
	decode(t, string(content), &plan)
	key, err := crypto.HexToECDSA(strings.TrimSpace(mustRun(t, append([]string{"keys", "export", "operator", "--insecure-hex"}, as...)...)))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := crypto.Sign(plan.Digest[:], key)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(signature)
}
