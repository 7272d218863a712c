package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// TestDepositEndToEnd is the whole way by the command line alone: a network of
// one validator between two real EVM chains, the ceremony, a native coin sent
// over and back, and the answers proven.
func TestDepositEndToEnd(t *testing.T) {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	user := crypto.PubkeyToAddress(key.PublicKey)
	t.Setenv("BRIDGED_KEY", hex.EncodeToString(crypto.FromECDSA(key)))

	dir := tempDir(t)
	first := fmt.Sprint(ports.ForTest(t, testnetPorts).First)
	var homes []testnetHome
	decode(t, mustRun(t, "testnet", "-v", "1", "--output-dir", dir, "--chain-id", "local-1", "--starting-port", first,
		"--timeout-commit", "100ms", "--output", "json"), &homes)
	home := filepath.Join(dir, "node0")
	t.Setenv("BRIDGED_HOME", home)
	rpcs := map[string]string{}
	loaded, err := config.Load(config.Home(home), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, label := range []string{"alpha", "beta"} {
		id := uint64(1001 + i)
		chain := testChain(t, id, user, homes[0].Relayer)
		rpcs[label] = chain.HTTPURL()
		var d deployResult
		decode(t, mustRun(t, "contracts", "deploy", "--rpc", chain.HTTPURL(), "--output", "json"), &d)
		mustRun(t, "genesis", "add-chain", label, "--id", fmt.Sprint(id), "--bridge", d.Bridge.Hex(), "--batch-gap", "200ms")
		c := config.DefaultChain()
		c.Name, c.ID, c.Contract, c.MinAgree, c.SingleEndpoint = label, id, d.Bridge, 1, true
		c.Endpoints, c.PollInterval = []config.Endpoint{{URL: chain.HTTPURL(), Group: "own"}}, 100*time.Millisecond
		loaded.Chains = append(loaded.Chains, c)
	}
	mustRun(t, "genesis", "add-asset", "COIN", "--token", "chain=alpha,mode=lock,address=native,release_fee=1000", "--token", "chain=beta,mode=mint,release_fee=1000")
	if err := config.Write(config.Home(home), loaded.Config); err != nil {
		t.Fatal(err)
	}
	stop := start(t, home)
	defer stop()
	await(t, "registered tokens", func() bool {
		out, _, code := run(t, "query", "assets", "--output", "json")
		var assets []bridge.AssetView
		return code == 0 && json.Unmarshal([]byte(out), &assets) == nil && len(assets[0].Registered) == 2
	})

	over := sendCoin(t, rpcs["alpha"], "beta", "native", "5000000")
	if over.Status != types.StatusReleased || over.Payout.String() != "4999000" {
		t.Errorf("over: %+v", over)
	}
	back := sendCoin(t, rpcs["beta"], "alpha", "COIN", "3000000")
	if back.Status != types.StatusReleased {
		t.Errorf("back: %+v", back)
	}

	// Proven, the answers are the same.
	for _, query := range [][]string{{"transfer", over.ID}, {"chains"}, {"supply"}, {"why", back.ID}, {"transfers"}, {"invariants"}} {
		args := append(append([]string{"query"}, query...), "--output", "json", "--height", provable(t))
		plain, proven := mustRun(t, args...), mustRun(t, append(args, "--prove")...)
		if plain != proven {
			t.Errorf("%v: the node says\n%s\nproven is\n%s", query, plain, proven)
		}
	}
	if out := mustRun(t, "status"); !strings.Contains(out, "one endpoint is believed") {
		t.Errorf("status hides min_agree = 1:\n%s", out)
	}
	if _, errs, code := run(t, "deposit", "--rpc", rpcs["alpha"], "--amount", "1", "--to", "gamma"); code != exitFailed || !strings.Contains(errs, "alpha, beta") {
		t.Errorf("unknown destination: exit code %d: %s", code, errs)
	}
}

func sendCoin(t *testing.T, rpc, to, token, amount string) bridge.TransferView {
	t.Helper()
	var result depositResult
	decode(t, mustRun(t, "deposit", "--rpc", rpc, "--token", token, "--amount", amount, "--to", to, "--output", "json"), &result)
	if result.Transfer == nil {
		t.Fatalf("no transfer in %+v", result)
	}
	return *result.Transfer
}

// provable is a height whose app hash is in a header already.
func provable(t *testing.T) string {
	t.Helper()
	var status struct {
		SyncInfo struct {
			Height int64 `json:"latest_block_height,string"`
		} `json:"sync_info"`
	}
	decode(t, mustRun(t, "status", "--output", "json"), &status)
	return fmt.Sprint(status.SyncInfo.Height - 1)
}

// start runs "bridged start" beside the test until the returned function ends it.
func start(t *testing.T, home string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	done := make(chan int, 1)
	go func() { done <- Run(ctx, []string{"start", "--home", home}, strings.NewReader(""), &log, &log) }()
	return func() {
		cancel()
		if code := <-done; code != exitOK {
			t.Errorf("start ended with exit code %d", code)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	}
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Errorf("no %s within a minute", what)
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// tempDir is t.TempDir for nodes: CometBFT writes its address book once more
// when it has stopped.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bridged")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 20 {
			if err = os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Error(err)
	})
	return dir
}

func TestDecimal(t *testing.T) {
	for _, test := range []struct {
		units    uint64
		decimals uint8
		want     string
	}{{0, 6, "0"}, {1, 6, "0.000001"}, {1_500_000, 6, "1.5"}, {7, 0, "7"}, {10, 1, "1"}} {
		if got := decimal(types.NewAmount(test.units), test.decimals); got != test.want {
			t.Errorf("%d with %d decimals is %s, want %s", test.units, test.decimals, got, test.want)
		}
	}
}
