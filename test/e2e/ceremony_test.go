package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

// The script of the ceremony: validators' entries become a genesis that names
// deployed contracts, and nobody takes another one.
func TestCeremony(t *testing.T) {
	if testing.Short() {
		t.Skip("starts chains")
	}
	t.Parallel()
	accounts := evmnode.DevAccounts("bridged ceremony", 1)
	dir := t.TempDir()
	entries := filepath.Join(dir, "entries")
	if err := os.Mkdir(entries, 0o700); err != nil {
		t.Fatal(err)
	}
	step := func(args ...string) (stdout, stderr string, err error) {
		command := exec.CommandContext(t.Context(), "../../scripts/ceremony.sh", args...)
		command.Env = append(os.Environ(), "BRIDGED="+executable, "KEY_FLAGS=--light",
			"BRIDGED_SIGNER_PASSPHRASE=correct-horse", "BRIDGED_OPERATOR_PASSPHRASE=correct-horse",
			fmt.Sprintf("BRIDGED_KEY=%x", crypto.FromECDSA(accounts[0].Key)))
		var out, errs bytes.Buffer
		command.Stdout, command.Stderr = &out, &errs
		err = command.Run()
		return out.String(), errs.String(), err
	}
	must := func(args ...string) string {
		t.Helper()
		stdout, stderr, err := step(args...)
		if err != nil {
			t.Fatalf("ceremony.sh %s: %v\n%s", strings.Join(args, " "), err, stderr)
		}
		return stdout
	}
	home := func(moniker string) string { return filepath.Join(dir, moniker) }
	write := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, moniker := range []string{"anna", "bert", "carl", "dora"} {
		entry := must("entry", home(moniker), moniker, "bridge-1", "10")
		write(filepath.Join("entries", moniker+".json"), entry)
		if again := must("entry", home(moniker), moniker, "bridge-1", "10"); again != entry {
			t.Errorf("the second entry of %s is another: %s", moniker, again)
		}
	}
	alpha, beta := newChain(t, "alpha", alphaID, accounts), newChain(t, "beta", betaID, accounts)
	chains := write("chains", fmt.Sprintf("# label, endpoint\nalpha %s --batch-gap 1s\nbeta %s\n", alpha.node.HTTPURL(), beta.node.HTTPURL()))
	assets := write("assets", "COIN --name 'Native coin' --token chain=alpha,mode=lock,address=native --token chain=beta,mode=mint\n")
	hash := strings.TrimSpace(must("assemble", home("anna"), entries, chains, assets))
	if again := strings.TrimSpace(must("assemble", home("anna"), entries, chains, assets)); again != hash || hash == "" {
		t.Errorf("assembled again: hash %q, then %q", hash, again)
	}
	if deployed, err := os.ReadFile(chains + ".deployed"); err != nil || strings.Count(string(deployed), "\n") != 2 {
		t.Errorf("deployed: %q, %v", deployed, err)
	}
	genesis := filepath.Join(home("anna"), "config", "genesis.json")
	must("adopt", home("bert"), genesis, hash, chains)
	if copied, err := os.ReadFile(filepath.Join(home("bert"), "config", "genesis.json")); err != nil || !bytes.Contains(copied, []byte("Native coin")) {
		t.Errorf("bert's genesis: %.100s, %v", copied, err)
	}
	if _, stderr, err := step("adopt", home("carl"), genesis, strings.Repeat("0", len(hash)), chains); err == nil || !strings.Contains(stderr, "all have compared") {
		t.Errorf("carl takes a genesis with another hash: %v\n%s", err, stderr)
	}
	swapped := write("swapped", fmt.Sprintf("alpha %s\nbeta %s\n", beta.node.HTTPURL(), alpha.node.HTTPURL()))
	if _, stderr, err := step("adopt", home("dora"), genesis, hash, swapped); err == nil || !strings.Contains(stderr, "do not start") {
		t.Errorf("dora takes contracts that are not those of the genesis: %v\n%s", err, stderr)
	}
}
