package crash

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
)

// world is a network of one validator between two EVM chains. The chains live
// in the test, the validator in a process of its own.
type world struct {
	t       *testing.T
	dir     string
	bin     string
	key     string // of the user
	base    string // a home that never ran
	chains  []config.Chain
	home    string
	rpc     string       // of chain alpha
	ports   *ports.Range // of the validator, from 4 on of the follower
	homes   int
	process *process

	mu   sync.Mutex
	sent int // deposits made
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir()}
	w.bin = filepath.Join(w.dir, "bridged")
	build := exec.Command("go", "build", "-o", w.bin, "github.com/icrosschain/bridged/cmd/bridged")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build bridged: %v\n%s", err, out)
	}
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	w.key = hex.EncodeToString(crypto.FromECDSA(key))
	w.ports = ports.ForTest(t, 10)
	w.base = filepath.Join(w.dir, "node0")
	var homes []struct {
		Relayer common.Address `json:"relayer"`
	}
	out := w.must("testnet", "-v", "1", "--output-dir", w.dir, "--chain-id", "crash-1", "--starting-port", fmt.Sprint(w.ports.First),
		"--timeout-commit", "100ms", "--output", "json")
	if err := json.Unmarshal(out, &homes); err != nil {
		t.Fatal(err)
	}
	w.connect(crypto.PubkeyToAddress(key.PublicKey), homes[0].Relayer)
	t.Cleanup(func() {
		if w.process != nil {
			w.process.kill()
		}
	})
	return w
}

// connect makes the chains and finishes the ceremony.
func (w *world) connect(user, relayer common.Address) {
	rich := new(big.Int).Lsh(big.NewInt(1), 90)
	for i, label := range []string{"alpha", "beta"} {
		id := uint64(2001 + i)
		node, err := evmnode.New(evmnode.Config{
			ChainID: id, BlockTime: 200 * time.Millisecond, Alloc: map[common.Address]*big.Int{user: rich, relayer: rich},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { _ = node.Close() })
		var deployed struct {
			Bridge common.Address `json:"bridge"`
		}
		out := w.must("contracts", "deploy", "--home", w.base, "--rpc", node.HTTPURL(), "--output", "json")
		if err := json.Unmarshal(out, &deployed); err != nil {
			w.t.Fatal(err)
		}
		w.must("genesis", "add-chain", label, "--id", fmt.Sprint(id), "--bridge", deployed.Bridge.Hex(), "--batch-gap", "100ms", "--home", w.base)
		c := config.DefaultChain()
		c.Name, c.ID, c.Contract, c.MinAgree, c.SingleEndpoint = label, id, deployed.Bridge, 1, true
		c.Endpoints, c.PollInterval = []config.Endpoint{{URL: node.HTTPURL(), Group: "own"}}, 100*time.Millisecond
		w.chains = append(w.chains, c)
		if label == "alpha" {
			w.rpc = node.HTTPURL()
		}
	}
	w.must("genesis", "add-asset", "COIN", "--token", "chain=alpha,mode=lock,address=native", "--token", "chain=beta,mode=mint", "--home", w.base)
}

// serveChains lets the current home observe and relay. Only one home may: the
// contracts remember what a network that began from genesis has sealed, and
// would refuse another one that does.
func (w *world) serveChains() {
	loaded, err := config.Load(config.Home(w.home), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	loaded.Chains = w.chains
	if err := config.Write(config.Home(w.home), loaded.Config); err != nil {
		w.t.Fatal(err)
	}
}

// freshHome goes on with a copy of the home that never ran.
func (w *world) freshHome() {
	w.homes++
	w.home = filepath.Join(w.dir, fmt.Sprintf("home%d", w.homes))
	if err := os.CopyFS(w.home, os.DirFS(w.base)); err != nil {
		w.t.Fatal(err)
	}
	// A copy keeps no modes, and keys that others may read are refused.
	err := filepath.Walk(w.home, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start() { w.process = startProcess(w.t, w.bin, w.home, w.logFile()) }

func (w *world) kill() {
	w.process.kill()
	w.process = nil
}

// deposits sends coins from alpha to beta until the returned function is called.
func (w *world) deposits() (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(300 * time.Millisecond):
			}
			// It fails while the node is down or the bridge not active yet.
			_, err := w.bridged("deposit", "--home", w.home, "--rpc", w.rpc, "--amount", "1000", "--to", "beta", "--no-wait", "--timeout", "5s")
			if err == nil {
				w.mu.Lock()
				w.sent++
				w.mu.Unlock()
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// awaitDeposits waits until everything that was sent has been released once:
// the ledger says what beta minted.
func (w *world) awaitDeposits() {
	w.mu.Lock()
	sent := w.sent
	w.mu.Unlock()
	if sent == 0 {
		w.t.Fatal("no deposit was made")
	}
	want := fmt.Sprint(sent * 1000)
	minted, flight := "", ""
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		out, err := w.bridged("query", "supply", "--home", w.home, "--output", "json")
		if err != nil {
			continue
		}
		var supply []struct {
			InFlight string `json:"in_flight"`
			Chains   []struct {
				Supply string `json:"supply"`
			} `json:"chains"`
		}
		if err := json.Unmarshal(out, &supply); err != nil {
			w.t.Fatal(err)
		}
		if len(supply) != 1 || len(supply[0].Chains) != 2 {
			continue
		}
		minted, flight = supply[0].Chains[1].Supply, supply[0].InFlight
		if minted == want && flight == "0" {
			w.t.Logf("%d deposits released", sent)
			w.must("query", "invariants", "--home", w.home)
			return
		}
	}
	w.t.Fatalf("%d deposits were made: %s minted (want %s), %s in flight", sent, minted, want, flight)
}

// compareWithReplay lets a new node replay all blocks and compares app hashes.
func (w *world) compareWithReplay() {
	follower := filepath.Join(w.dir, "follower")
	w.must("init", "follower", "--home", follower, "--chain-id", "crash-1")
	genesis, err := os.ReadFile(config.Home(w.home).GenesisFile())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(config.Home(follower).GenesisFile(), genesis, 0o600); err != nil {
		w.t.Fatal(err)
	}
	var id struct {
		NodeID string `json:"node_id"`
	}
	if err := json.Unmarshal(w.must("comet", "show-node-id", "--home", w.home, "--output", "json"), &id); err != nil {
		w.t.Fatal(err)
	}
	rpc := "tcp://" + w.ports.Address(5)
	p := startProcess(w.t, w.bin, follower, filepath.Join(w.dir, "follower.log"),
		"BRIDGED_COMET_P2P_PERSISTENT_PEERS="+id.NodeID+"@"+w.ports.Address(0),
		"BRIDGED_COMET_P2P_LADDR="+"tcp://"+w.ports.Address(4), "BRIDGED_COMET_RPC_LADDR="+rpc)
	defer p.kill()
	target := w.height()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		out, err := w.bridged("status", "--node", rpc, "--output", "json")
		var theirs status
		if err != nil || json.Unmarshal(out, &theirs) != nil || theirs.SyncInfo.Height <= target {
			continue
		}
		// Both compute the state themselves; the proofs compare it with headers.
		height := fmt.Sprint(target)
		own := w.must("query", "invariants", "--prove", "--height", height, "--home", w.home, "--output", "json")
		replayed := w.must("query", "invariants", "--prove", "--height", height, "--home", w.home, "--node", rpc, "--output", "json")
		if string(own) != string(replayed) {
			w.t.Errorf("state of height %s: %s, replayed %s", height, own, replayed)
		}
		w.t.Logf("replayed to height %d", theirs.SyncInfo.Height)
		return
	}
	log, _ := os.ReadFile(filepath.Join(w.dir, "follower.log"))
	w.t.Fatalf("the follower did not reach height %d; its log ends:\n%s", target, tail(log))
}
