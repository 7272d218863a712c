package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

// run runs a command line and returns what it printed and its exit code.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// mustRun is run where success is expected.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := run(t, args...)
	if code != 0 {
		t.Fatalf("bridged %s: exit code %d: %s", strings.Join(args, " "), code, errs)
	}
	return out
}

func testChain(t *testing.T, id uint64, rich ...common.Address) *evmnode.Node {
	t.Helper()
	alloc := map[common.Address]*big.Int{}
	for _, address := range rich {
		alloc[address] = new(big.Int).Lsh(big.NewInt(1), 90)
	}
	chain, err := evmnode.New(evmnode.Config{ChainID: id, BlockTime: 200 * time.Millisecond, Alloc: alloc})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := chain.Close(); err != nil {
			t.Error(err)
		}
	})
	return chain
}

// TestContracts deploys the bridge of a network on a real EVM node and compares
// it with genesis; then with the genesis of another network.
func TestContracts(t *testing.T) {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	chain := testChain(t, 1001, crypto.PubkeyToAddress(key.PublicKey))
	dir := t.TempDir()
	mustRun(t, "testnet", "-v", "2", "--output-dir", dir, "--chain-id", "local-1")
	home := filepath.Join(dir, "node0")

	if _, errs, code := run(t, "contracts", "deploy", "--home", home, "--rpc", chain.HTTPURL()); code != exitUsage || !strings.Contains(errs, "BRIDGED_KEY") {
		t.Errorf("without a key: exit code %d: %s", code, errs)
	}
	t.Setenv("BRIDGED_KEY", hex.EncodeToString(crypto.FromECDSA(key)))
	var deployed deployResult
	out := mustRun(t, "contracts", "deploy", "--home", home, "--rpc", chain.HTTPURL(), "--output", "json")
	if err := json.Unmarshal([]byte(out), &deployed); err != nil {
		t.Fatal(err)
	}
	if deployed.ChainID != 1001 || deployed.Bridge == (common.Address{}) || deployed.Block == 0 {
		t.Errorf("deployed %+v", deployed)
	}
	mustRun(t, "genesis", "add-chain", "alpha", "--id", "1001", "--bridge", deployed.Bridge.Hex(), "--home", home)

	out, errs, code := run(t, "contracts", "verify", "alpha", "--home", home, "--rpc", chain.HTTPURL(), "--output", "json")
	if code != exitOK {
		t.Errorf("exit code %d: %s%s", code, errs, out)
	}
	var checks []contractCheck
	if err := json.Unmarshal([]byte(out), &checks); err != nil {
		t.Fatal(err)
	}
	if len(checks) != 5 {
		t.Errorf("checks %+v", checks)
	}

	mustRun(t, "testnet", "-v", "2", "--output-dir", dir+"/other", "--chain-id", "local-2")
	out, _, code = run(t, "contracts", "verify", "alpha", "--bridge", deployed.Bridge.Hex(),
		"--home", filepath.Join(dir, "other", "node0"), "--rpc", chain.HTTPURL())
	if code != exitFailed || strings.Count(out, "WRONG") != 4 {
		t.Errorf("another network's genesis: exit code %d:\n%s", code, out)
	}
	out, _, code = run(t, "contracts", "verify", "alpha", "--bridge", "0x0000000000000000000000000000000000000009",
		"--home", filepath.Join(dir, "other", "node0"), "--rpc", chain.HTTPURL())
	if code != exitFailed || !strings.Contains(out, "WRONG") {
		t.Errorf("no contract: exit code %d:\n%s", code, out)
	}
	if _, _, code := run(t, "contracts", "deploy", "--home", home, "--rpc", "http://127.0.0.1:1"); code != exitNotReady {
		t.Errorf("no server: exit code %d", code)
	}
}
