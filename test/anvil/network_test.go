package anvil

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/cmd/devnet/proc"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/x/bridge"
)

const (
	validators    = 4
	alphaID       = 51001
	betaID        = 51002
	confirmations = 8 // of alpha; beta has the tag "finalized", two blocks below the newest

	startLimit = 90 * time.Second
	stopGrace  = 15 * time.Second
)

// home is one validator's, as `bridged testnet` prints it.
type home struct {
	Home    string         `json:"home"`
	RPC     string         `json:"rpc"`
	Relayer common.Address `json:"relayer"`
}

// status is what a test reads of `bridged status`.
type status struct {
	Bridge *struct {
		Chains []chainStatus `json:"chains"`
	} `json:"bridge"`
}

type chainStatus struct {
	Label   string       `json:"label"`
	Active  bool         `json:"active"`
	Cursor  uint64       `json:"cursor"`
	Head    uint64       `json:"head"`
	OwnHead uint64       `json:"own_head"`
	Paused  bridge.Pause `json:"paused"`
	Alarm   struct {
		Kind     string `json:"kind"`
		Why      string `json:"why"`
		Evidence string `json:"evidence"`
		Voted    string `json:"voted"`
	} `json:"alarm"`
}

// network is four validators between two chains, with alpha's coin on both.
type network struct {
	t           *testing.T
	alpha, beta *chain
	user        evmnode.Account
	deployer    evmnode.Account
	homes       []home
	group       *proc.Group
	processes   [validators]*proc.Process
	wrapped     common.Address // the coin on beta
}

// newNetwork brings a network up until it takes deposits.
func newNetwork(t *testing.T) *network {
	t.Helper()
	need(t)
	accounts := evmnode.DevAccounts("bridged anvil", 2)
	n := &network{t: t, deployer: accounts[0], user: accounts[1], group: proc.NewGroup()}
	dir := t.TempDir()
	t.Cleanup(func() {
		if err := n.group.Close(stopGrace); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			n.tails()
		}
	})
	listen := ports.ForTest(t, 2+10*validators)
	n.alpha = newChain(t, n.group, dir, "alpha", alphaID, listen.First)
	n.beta = newChain(t, n.group, dir, "beta", betaID, listen.First+1)
	n.decode(&n.homes, "testnet", "--validators", strconv.Itoa(validators), "--output-dir", dir,
		"--chain-id", "bridged-anvil-1", "--starting-port", strconv.Itoa(listen.First+2))
	n.found()
	n.configure()
	for i := range validators {
		n.start(i)
	}
	n.awaitCoin()
	return n
}

func (n *network) chains() []*chain { return []*chain{n.alpha, n.beta} }

// found makes contracts and the genesis, in the first home.
func (n *network) found() {
	n.t.Helper()
	first := n.homes[0].Home
	for _, c := range n.chains() {
		c.fund(n.deployer.Address)
		c.fund(n.user.Address)
		for _, h := range n.homes {
			c.fund(h.Relayer)
		}
		var deployed struct {
			Bridge common.Address `json:"bridge"`
		}
		n.decode(&deployed, "contracts", "deploy", "--home", first, "--rpc", c.url)
		c.bridge = deployed.Bridge
		n.must("genesis", "add-chain", c.name, "--home", first, "--id", fmt.Sprint(c.id),
			"--bridge", c.bridge.Hex(), "--batch-gap", (blockTime / 2).String())
	}
	fees := fmt.Sprintf("release_fee=%d,refund_fee=1", fee)
	n.must("genesis", "add-asset", "COIN", "--home", first, "--decimals", "18",
		"--token", "chain=alpha,mode=lock,address=native,"+fees, "--token", "chain=beta,mode=mint,"+fees)
	n.must("genesis", "validate", "--home", first)
}

// configure gives each home the genesis and its chains. Two endpoints have to
// agree: the same anvil by two names.
func (n *network) configure() {
	n.t.Helper()
	genesis, err := os.ReadFile(config.Home(n.homes[0].Home).GenesisFile())
	if err != nil {
		n.t.Fatal(err)
	}
	for _, h := range n.homes {
		if err := os.WriteFile(config.Home(h.Home).GenesisFile(), genesis, 0o600); err != nil {
			n.t.Fatal(err)
		}
		loaded, err := config.Load(config.Home(h.Home), nil)
		if err != nil {
			n.t.Fatal(err)
		}
		for _, c := range n.chains() {
			chain := config.DefaultChain()
			chain.Name, chain.ID, chain.Contract = c.name, c.id, c.bridge
			chain.Endpoints = []config.Endpoint{{URL: c.url, Group: "one"}, {URL: strings.Replace(c.url, "127.0.0.1", "localhost", 1), Group: "two"}}
			chain.MinAgree, chain.PollInterval = 2, 200*time.Millisecond
			if c == n.alpha {
				chain.Finality = config.Finality{Confirmations: confirmations}
			}
			loaded.Chains = append(loaded.Chains, chain)
		}
		if err := config.Write(config.Home(h.Home), loaded.Config); err != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *network) logFile(i int) string { return n.homes[i].Home + "/node.log" }

func (n *network) start(i int) {
	n.t.Helper()
	p, err := n.group.Start(proc.Spec{
		Name: fmt.Sprintf("node%d", i), Path: bridged, Log: n.logFile(i),
		Args: []string{"start", "--home", n.homes[i].Home, "--log-format", "json"},
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.processes[i] = p
}

// tails shows the ends of the logs.
func (n *network) tails() {
	for i := range n.homes {
		text, err := proc.Tail(n.logFile(i), 12)
		if err != nil {
			text = err.Error()
		}
		n.t.Logf("end of the log of node%d:\n%s", i, text)
	}
}

// run runs a command of bridged, with the deployer's key.
func (n *network) run(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(n.t.Context(), time.Minute)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, bridged, args...)
	cmd.Env = append(os.Environ(), "BRIDGED_KEY="+common.Bytes2Hex(crypto.FromECDSA(n.deployer.Key)))
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("bridged %s: %w: %s", strings.Join(args, " "), err, complaint.String())
	}
	return out.Bytes(), nil
}

func (n *network) must(args ...string) []byte {
	n.t.Helper()
	out, err := n.run(args...)
	if err != nil {
		n.t.Fatal(err)
	}
	return out
}

// decode runs a command and reads its JSON.
func (n *network) decode(result any, args ...string) {
	n.t.Helper()
	if err := json.Unmarshal(n.must(append(args, "--output", "json")...), result); err != nil {
		n.t.Fatalf("bridged %s: %v", strings.Join(args, " "), err)
	}
}

// awaitCoin waits until both chains take deposits, and learns the wrapped coin.
func (n *network) awaitCoin() {
	n.t.Helper()
	eventually(n.t, startLimit, "the coin to be registered", func(context.Context) error {
		for i, p := range n.processes {
			if !p.Running() {
				n.t.Fatalf("node%d ended: %v", i, p.Err())
			}
		}
		out, err := n.run("query", "assets", "--home", n.homes[0].Home, "--output", "json")
		if err != nil {
			return err
		}
		var assets []bridge.AssetView
		if err := json.Unmarshal(out, &assets); err != nil {
			return err
		}
		if len(assets) != 1 || len(assets[0].Registered) != 2 {
			return errors.New("it is not yet")
		}
		for _, token := range assets[0].Tokens {
			if token.Chain == betaID {
				n.wrapped = token.Token
			}
		}
		return nil
	})
}

// status is what a validator says of a chain.
func (n *network) status(i int, c *chain) (chainStatus, error) {
	var s status
	out, err := n.run("status", "--home", n.homes[i].Home, "--output", "json")
	if err != nil {
		return chainStatus{}, err
	}
	if err := json.Unmarshal(out, &s); err != nil || s.Bridge == nil {
		return chainStatus{}, errors.Join(err, fmt.Errorf("status says %s", out))
	}
	for _, line := range s.Bridge.Chains {
		if line.Label == c.name {
			return line, nil
		}
	}
	return chainStatus{}, fmt.Errorf("node%d knows no chain %s", i, c.name)
}

// arrives waits until a recipient on beta has an amount.
func (n *network) arrives(recipient common.Address, want int64) {
	n.t.Helper()
	eventually(n.t, time.Minute, fmt.Sprintf("%d to arrive", want), func(ctx context.Context) error {
		have, err := n.beta.reader.Token(ctx, n.wrapped, recipient)
		if err == nil && (!have.IsInt64() || have.Int64() != want) {
			err = fmt.Errorf("the recipient has %s", have)
		}
		return err
	})
}

// eventually asks again and again until holds has no objection, and fails the
// test with the last one when the time is over.
func eventually(t *testing.T, limit time.Duration, what string, holds func(context.Context) error) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), askTimeout)
		err := holds(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Since(start) > limit || t.Context().Err() != nil {
			t.Fatalf("waited %s for %s: %v", time.Since(start).Round(time.Second), what, err)
		}
	}
}
