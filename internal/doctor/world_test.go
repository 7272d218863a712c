package doctor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/cli"
	"github.com/icrosschain/bridged/internal/doctor"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	alphaID   = 41101
	networkID = "doctor-test-1"
)

// world is a healthy validator that runs, on a chain with its contract.
type world struct {
	t       *testing.T
	chain   *evmnode.Node
	eth     *ethclient.Client
	account evmnode.Account
	nonce   uint64
	home    config.Home
	rpc     string
	set     types.ValidatorSet
	bridge  types.Address
	relayer types.Address

	// Contracts that are not the network's: without the bridge's code, of another
	// network, with another set.
	imposter, foreign, strangers types.Address
}

// newWorld brings a network of one validator up until its contract is active.
func newWorld(t *testing.T) *world {
	t.Helper()
	accounts := evmnode.DevAccounts("doctor", 1)
	chain, err := evmnode.New(evmnode.Config{
		ChainID: alphaID, Alloc: evmnode.Fund(accounts, evmnode.Ether(1000)), Logger: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(func() { must(t, chain.Close()) })
	eth, err := ethclient.Dial(chain.HTTPURL())
	must(t, err)
	t.Cleanup(eth.Close)
	w := &world{t: t, chain: chain, eth: eth, account: accounts[0]}

	dir := t.TempDir()
	var homes []struct {
		Home    string        `json:"home"`
		RPC     string        `json:"rpc"`
		Signer  types.Address `json:"signer"`
		Relayer types.Address `json:"relayer"`
	}
	first := ports.ForTest(t, 10).First
	w.bridged(&homes, "testnet", "-v", "1", "--output-dir", dir, "--chain-id", networkID,
		"--starting-port", strconv.Itoa(first), "--timeout-commit", "50ms")
	w.home, w.rpc, w.relayer = config.Home(homes[0].Home), homes[0].RPC, homes[0].Relayer
	w.set = types.ValidatorSet{{Signer: homes[0].Signer, Power: 10}}
	w.weaken(signer.RoleSigner)
	w.weaken(signer.RoleRelayer)
	w.bridge = w.deploy(networkID, w.set)
	w.send(&w.relayer, nil, evmnode.Ether(10))
	w.imposter = w.send(nil, common.FromHex("600a600c600039600a6000f3602a60005260206000f3"), nil).ContractAddress // answers 42 to everything
	w.foreign = w.deploy("doctor-test-2", w.set)
	w.strangers = w.deploy(networkID, types.ValidatorSet{{Signer: types.Address{1}, Power: 1}})
	w.bridged(nil, "genesis", "add-chain", "alpha", "--home", string(w.home), "--id", strconv.Itoa(alphaID), "--bridge", w.bridge.Hex())
	changeApp(t, w.home, func(c *config.Config) {
		alpha := config.DefaultChain()
		alpha.Name, alpha.ID, alpha.Contract = "alpha", alphaID, w.bridge
		alpha.Endpoints = []config.Endpoint{{URL: chain.HTTPURL(), Group: "own"}}
		alpha.MinAgree, alpha.SingleEndpoint, alpha.PollInterval = 1, true, 50*time.Millisecond
		c.Chains = []config.Chain{alpha}
	})
	w.run()
	w.activate()
	return w
}

// weaken encrypts a key so that opening it takes no time: every check of a home
// does.
func (w *world) weaken(role signer.Role) {
	w.t.Helper()
	passphrase, err := os.ReadFile(filepath.Join(w.home.Keys(), "passphrase"))
	must(w.t, err)
	secret := strings.TrimSpace(string(passphrase))
	file := signer.NewStore(string(w.home)).Path(role, "default")
	content, err := os.ReadFile(file)
	must(w.t, err)
	key, err := keystore.DecryptKey(content, secret)
	must(w.t, err)
	content, err = keystore.EncryptKey(key, secret, 2, 1)
	must(w.t, err)
	must(w.t, os.WriteFile(file, content, 0o600))
}

// run runs the node until the test ends.
func (w *world) run() {
	w.t.Helper()
	comet, err := config.LoadComet(w.home)
	must(w.t, err)
	loaded, err := config.Load(w.home, nil)
	must(w.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- node.Run(ctx, node.Options{Home: w.home, App: loaded.Config, Comet: comet, Logger: slog.New(slog.DiscardHandler)})
	}()
	w.t.Cleanup(func() {
		cancel()
		must(w.t, <-done)
	})
}

// activate makes blocks until the network has seen its first command executed,
// and then as many as make the chain's clock run far ahead.
func (w *world) activate() {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		must(w.t, w.chain.Mine(w.t.Context(), 1))
		var chains []bridge.ChainState
		out, err := w.try("query", "chains", "--home", string(w.home), "--output", "json")
		if err == 0 && json.Unmarshal(out, &chains) == nil && len(chains) == 1 && chains[0].Active {
			break
		}
		if time.Now().After(end) {
			w.t.Fatal("the contract is not activated")
		}
		time.Sleep(50 * time.Millisecond)
	}
	must(w.t, w.chain.Mine(w.t.Context(), 100))
}

func (w *world) deploy(chainID string, set types.ValidatorSet) types.Address {
	w.t.Helper()
	return w.send(nil, evm.CreationCode(evmsig.NetworkID(chainID), set, types.Address{}), nil).ContractAddress
}

// send sends a transaction of the test's own, in a block of its own.
func (w *world) send(to *types.Address, data []byte, value *big.Int) *ethtypes.Receipt {
	w.t.Helper()
	tx := ethtypes.MustSignNewTx(w.account.Key, ethtypes.LatestSignerForChainID(big.NewInt(alphaID)), &ethtypes.DynamicFeeTx{
		ChainID: big.NewInt(alphaID), Nonce: w.nonce, To: to, Data: data, Value: value, Gas: 1 << 24,
		GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(5e9),
	})
	w.nonce++
	must(w.t, w.eth.SendTransaction(w.t.Context(), tx))
	must(w.t, w.chain.Mine(w.t.Context(), 1))
	receipt, err := w.eth.TransactionReceipt(w.t.Context(), tx.Hash())
	must(w.t, err)
	if receipt.Status != 1 {
		w.t.Fatalf("a transaction of the test failed: %+v", receipt)
	}
	return receipt
}

// try runs a command line.
func (w *world) try(args ...string) ([]byte, int) {
	var out bytes.Buffer
	code := cli.Run(w.t.Context(), args, strings.NewReader(""), &out, io.Discard)
	return out.Bytes(), code
}

// bridged runs a command line that has to succeed, and reads its JSON.
func (w *world) bridged(result any, args ...string) {
	w.t.Helper()
	out, code := w.try(append(args, "--output", "json")...)
	if code != 0 {
		w.t.Fatalf("bridged %s: exit code %d", strings.Join(args, " "), code)
	}
	if result != nil {
		must(w.t, json.Unmarshal(out, result))
	}
}

// examine runs `bridged doctor`.
func (w *world) examine(t *testing.T, home config.Home, args ...string) (doctor.Report, int) {
	t.Helper()
	out, code := w.try(append([]string{"doctor", "--home", string(home), "--output", "json"}, args...)...)
	var report doctor.Report
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("exit code %d: %v: %s", code, err, out)
	}
	return report, code
}

// copyHome is a home like the validator's, with ports of its own, whose node does
// not run.
func (w *world) copyHome(t *testing.T) config.Home {
	t.Helper()
	home := config.Home(t.TempDir())
	for _, part := range []string{"config", "keys"} {
		must(t, os.CopyFS(filepath.Join(string(home), part), os.DirFS(filepath.Join(string(w.home), part))))
	}
	must(t, filepath.WalkDir(string(home), func(path string, d os.DirEntry, err error) error { // CopyFS gives all 0666
		if err == nil && d.Type().IsRegular() {
			err = os.Chmod(path, 0o600)
		}
		return err
	}))
	must(t, os.MkdirAll(filepath.Join(home.Data(), "cs.wal"), 0o700))
	for from, to := range map[string]string{
		w.home.ValidatorStateFile(): home.ValidatorStateFile(), w.home.SignedSealsFile(): home.SignedSealsFile(),
	} {
		content, err := os.ReadFile(from)
		must(t, err)
		must(t, os.WriteFile(to, content, 0o600))
	}
	own := ports.ForTest(t, 3)
	changeComet(t, home, func(c *cmtconfig.Config) {
		c.P2P.ListenAddress, c.RPC.ListenAddress = "tcp://"+own.Address(0), "tcp://"+own.Address(1)
	})
	changeApp(t, home, func(c *config.Config) { c.Telemetry.Listen = own.Address(2) })
	return home
}

func changeApp(t *testing.T, home config.Home, change func(*config.Config)) {
	t.Helper()
	loaded, err := config.Load(home, nil)
	must(t, err)
	change(&loaded.Config)
	must(t, config.Write(home, loaded.Config))
}

func changeComet(t *testing.T, home config.Home, change func(*cmtconfig.Config)) {
	t.Helper()
	comet, err := config.LoadComet(home)
	must(t, err)
	change(comet)
	must(t, config.WriteComet(home, comet))
}

func changeGenesis(t *testing.T, home config.Home, change func(*node.Genesis)) {
	t.Helper()
	genesis, err := node.ReadGenesis(home.GenesisFile())
	must(t, err)
	change(&genesis)
	must(t, genesis.Write(home.GenesisFile()))
}

// bend changes the answer to a JSON-RPC request, or makes it an error.
type bend func(method string, params, result string) (bent string, refused string)

// proxy is a server that bends what another one answers.
func proxy(t *testing.T, target string, b bend) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, target, bytes.NewReader(body))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return
		}
		defer func() { _ = response.Body.Close() }()
		var asked struct {
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
		}
		var answer struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Result  json.RawMessage `json:"result,omitempty"`
			Error   any             `json:"error,omitempty"`
		}
		if json.Unmarshal(body, &asked) != nil || json.NewDecoder(response.Body).Decode(&answer) != nil {
			return
		}
		bent, refused := b(asked.Method, string(asked.Params), string(answer.Result))
		answer.Result = json.RawMessage(bent)
		if refused != "" {
			answer.Result, answer.Error = nil, map[string]any{"code": -32601, "message": refused}
		}
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
