package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// TestValidators is a validator's life by the command line, on a running node
// with short epochs.
func TestValidators(t *testing.T) {
	c := newCouncil(t, "epoch_blocks=5", "jail_blocks=1", "jail_ms=1")
	t.Run("join", func(t *testing.T) { c.t = t; joins(t, c) })
	t.Run("rotate", func(t *testing.T) { c.t = t; rotates(t, c) })
	t.Run("report", func(t *testing.T) { c.t = t; reports(t, c) })
	t.Run("leave", func(t *testing.T) { c.t = t; leaves(t, c) })
}

func (c *council) validator(who string) (v bridge.ValidatorView) {
	c.t.Helper()
	c.query(&v, "validator", who)
	return v
}

// say sends a transaction that is about no proposal, and wants it to succeed.
func (c *council) say(validator int, args ...string) {
	c.t.Helper()
	var o txOutcome
	args = append(append([]string{"tx"}, args...), "--yes", "--output", "json")
	decode(c.t, mustRun(c.t, c.as(validator, args...)...), &o)
	if o.Code != 0 || o.Height == 0 || o.Proposal != nil {
		c.t.Fatalf("%v: %+v", args, o)
	}
}

// joins is a newcomer, from an empty directory to the validators.
func joins(t *testing.T, c *council) {
	home, dir := filepath.Join(tempDir(t), "anna"), t.TempDir()
	passphrase := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(passphrase, []byte("a long passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BRIDGED_SIGNER_PASSPHRASE", "another passphrase")
	mustRun(t, "init", "anna", "--home", home, "--chain-id", "local-1")
	file := filepath.Join(dir, "anna.json")
	register := []string{"tx", "validator", "register", "--home", home, "--passphrase-file", passphrase}
	c.refused(exitFailed, "--add-keys", append(register, "--operator", "0x"+strings.Repeat("11", 20), "--dry-run")...)
	mustRun(t, append(register, "--add-keys", "--out", file)...)

	again := mustRun(t, register...) // what is there already is taken, and the result is the same
	raw, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(raw, []byte(again)) {
		t.Fatalf("%v: %s, then %s", err, raw, again)
	}
	var r types.Registration
	decode(t, again, &r)
	if r.Moniker != "anna" || r.Validate() != nil {
		t.Errorf("%+v", r)
	}
	if data := mustRun(t, append(register, "--stake-data")...); !strings.HasPrefix(data, "0x") {
		t.Errorf("stake data %q", data)
	} else if got, err := bridge.DecodeRegistration(common.FromHex(strings.TrimSpace(data))); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("the stake data is of %+v: %v", got, err)
	}
	c.refused(exitFailed, "has not signed it for network local-1", c.as(0, "tx", "gov", "propose", "admit",
		alteredFile(t, dir, r, func(r *types.Registration) { r.Moniker = "bob" }), "--power", "10", "--yes")...)
	c.refused(exitFailed, "is no registration", c.as(0, "tx", "gov", "propose", "admit", passphrase, "--power", "10", "--yes")...)

	c.send(0, "gov", "propose", "admit", file, "--power", "10")
	await(t, "the epoch with anna", func() bool { return c.validator("anna").InSet })
	if v := c.validator(r.Operator.Hex()); v.ID != r.ID() || v.Power != 10 || v.Status != types.ValidatorActive {
		t.Errorf("%+v", v)
	}
	c.send(0, "gov", "propose", "set-power", "anna", "--power", "7")
	await(t, "anna's new power", func() bool { return c.validator("anna").Power == 7 })
	c.send(0, "gov", "propose", "remove", "anna")
	await(t, "the epoch without anna", func() bool { return !c.validator("anna").InSet })
	if out := mustRun(t, "query", "validators", "--home", c.homes[0].Home); !strings.Contains(out, "leaving") {
		t.Errorf("the text of validators:\n%s", out)
	}
	c.refused(exitFailed, "the network knows ", "query", "validator", "nobody", "--home", c.homes[0].Home)
}

func alteredFile(t *testing.T, dir string, r types.Registration, alter func(*types.Registration)) string {
	t.Helper()
	alter(&r)
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "altered.json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// rotates is a validator with new keys, and a new name.
func rotates(t *testing.T, c *council) {
	h := c.homes[1]
	passphrase := filepath.Join(h.Home, "keys", "passphrase")
	before := c.validator("node1")
	for _, role := range []string{"signer", "operator"} {
		mustRun(t, "keys", "add", role, "second", "--light", "--home", h.Home, "--passphrase-file", passphrase)
	}
	second := func(role string) string {
		return strings.TrimSpace(mustRun(t, "keys", "show", role, "second", "--address", "--home", h.Home))
	}
	c.refused(exitFailed, "keys add signer third", c.as(1, "tx", "validator", "rotate-signer", "third", "--yes", "--new-passphrase-file", passphrase)...)

	rotate := []string{"validator", "rotate-signer", "second", "--new-passphrase-file", passphrase}
	if out := mustRun(t, c.as(1, append(append([]string{"tx"}, rotate...), "--dry-run")...)...); !strings.Contains(out, "signer.next_key") {
		t.Errorf("the dry run says nothing of the order:\n%s", out)
	}
	var plan txPlan
	decode(t, mustRun(t, c.as(1, append(append([]string{"tx"}, rotate...), "--generate-only")...)...), &plan)
	if plan.Transaction.Rotate == nil || plan.Effect != nil || c.validator("node1").NextSigner != (types.Address{}) {
		t.Errorf("%+v", plan)
	}
	c.say(1, rotate...)
	await(t, "the new signer's epoch", func() bool { return c.validator("node1").Signer.Hex() == second("signer") })
	if v := c.validator("node1"); v.Signer == before.Signer || v.NextSigner != (types.Address{}) {
		t.Errorf("%+v", v)
	}

	c.say(1, "validator", "edit", "--moniker", "berta")
	c.say(1, "validator", "change-operator", "second", "--new-passphrase-file", passphrase)
	if v := c.validator("berta"); v.ID != before.ID || v.Operator.Hex() != second("operator") {
		t.Errorf("%+v", v)
	}
	c.refused(exitFailed, "is no operator", c.as(1, "tx", "validator", "leave", "--yes")...)
}

// reports is a signature that the signer of the first validator never should
// have made, and one that it may.
func reports(t *testing.T, c *council) {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	root := types.Hash{1}
	digest := evmsig.SealDigest(evmsig.NetworkID("local-1"), 1, 3, root)
	full, err := crypto.Sign(digest[:], key)
	if err != nil {
		t.Fatal(err)
	}
	report := func(signature string) []string {
		return c.as(0, "tx", "report-signature", "--epoch", "1", "--height", "3", "--root", root.Hex(), "--signature", signature, "--yes")
	}
	c.refused(exitFailed, "is no validator's signer", report(hex.EncodeToString(full))...)
	c.refused(exitUsage, "64 or 65 bytes", report("0x12")...)
}

// leaves is the end; what the status does not allow is refused with a hint.
func leaves(t *testing.T, c *council) {
	key := filepath.Join(c.homes[1].Home, "keys", "operator", "second.json")
	c.refused(exitFailed, "not jailed", append(c.as(1, "tx", "validator", "unjail", "--yes"), "--key-file", key)...)
	c.say(1, "validator", "leave", "--key-file", key)
	await(t, "the epoch without berta", func() bool { return !c.validator("berta").InSet })
	c.refused(exitFailed, "is leaving already", append(c.as(1, "tx", "validator", "leave", "--yes"), "--key-file", key)...)
	var status statusResult
	decode(t, mustRun(t, "status", "--home", c.homes[0].Home, "--output", "json"), &status)
	if b := status.Bridge; b.Epoch < 6 || b.Validator == nil || b.Validator.Moniker != "node0" || b.NextEpoch <= b.EpochHeight || b.Handover != 0 {
		t.Errorf("%+v", status.Bridge)
	}
}

func TestProjectedJail(t *testing.T) {
	for name, one := range map[string]struct {
		missed, recent, blocks uint64
		want                   uint64
	}{
		"no miss of late":       {400, 0, 400, 0},
		"no older state":        {400, 0, 0, 0},
		"every look":            {400, 20, 400, 101 * 20},
		"one more is too many":  {500, 10, 400, 40},
		"a fraction is a block": {499, 3, 400, 267},
	} {
		d := statusDuty{MissView: bridge.MissView{Missed: one.missed, Most: 500}, Recent: one.recent, Blocks: one.blocks}
		if got := jailedIn(d); got != one.want {
			t.Errorf("%s: jailed in %d, want %d", name, got, one.want)
		}
	}
}

// What threatens a validator is said in words.
func TestStatusShowsStanding(t *testing.T) {
	v := &statusValidator{
		ValidatorView: bridge.ValidatorView{Status: types.ValidatorActive, InSet: true, NextPower: 10, Since: 3, Strikes: 1},
		Duties: []statusDuty{
			{MissView: bridge.MissView{Chain: 7, Missed: 480, Most: 500}, Recent: 20, Blocks: 400, JailedIn: 420},
			{MissView: bridge.MissView{Missed: 2, Most: 500}},
		},
		SignerTrouble: "the old signer key was removed too early",
		OldSigner:     types.Address{9},
	}
	v.Moniker, v.Power = "anna", 10
	var out bytes.Buffer
	printStanding(&out, statusBridge{Epoch: 4, Handover: 17, Validator: v, Chains: []statusChain{{ID: 7, Label: "alpha"}}})
	want := `epoch      4; a handover to epoch 5 goes on since height 17
validator  anna, active since height 3; power 10
Missed observing alpha 480 times, of 500 allowed; 20 in the last 400 blocks: jailed in about 420 blocks at this rate.
Missed signing seals 2 times, of 500 allowed.
Strikes, votes for another history than what happened: 1. Look at the endpoints.
SIGNER: the old signer key was removed too early
The signer key ` + v.OldSigner.Hex() + ` is not needed any more: make that of ` + v.Signer.Hex() + ` the signer.key, and signer.next_key empty.
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}
