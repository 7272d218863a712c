package anvil

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/test/badproxy"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
)

const (
	validators    = 4
	alphaID       = 51001
	betaID        = 51002
	confirmations = 8 // of alpha; beta has the tag "finalized", two blocks below the newest

	startLimit = 90 * time.Second
)

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
	*cluster.Validators
	t           *testing.T
	alpha, beta *chain
	user        evmnode.Account
	deployer    evmnode.Account
	wrapped     common.Address // the coin on beta
	bad         map[*chain]*badproxy.Proxy
}

// newNetwork brings a network up until it takes deposits.
func newNetwork(t *testing.T) *network {
	t.Helper()
	need(t)
	accounts := evmnode.DevAccounts("bridged anvil", 2)
	n := &network{t: t, deployer: accounts[0], user: accounts[1]}
	dir, listen := t.TempDir(), ports.ForTest(t, 2+10*validators)
	n.Validators = cluster.NewValidators(t, bridged, dir, "bridged-anvil-1", validators, listen.First+2, crypto.FromECDSA(n.deployer.Key))
	n.alpha = newChain(t, n.Group, dir, "alpha", alphaID, listen.First)
	n.beta = newChain(t, n.Group, dir, "beta", betaID, listen.First+1)
	n.found()
	n.configure()
	for i := range validators {
		n.Start(i)
	}
	n.awaitCoin()
	return n
}

func (n *network) chains() []*chain { return []*chain{n.alpha, n.beta} }

// found makes contracts and the genesis, in the first home.
func (n *network) found() {
	n.t.Helper()
	first := n.Homes[0].Home
	for _, c := range n.chains() {
		c.fund(n.deployer.Address)
		c.fund(n.user.Address)
		for _, h := range n.Homes {
			c.fund(h.Relayer)
		}
		c.bridge = n.AddChain(c.name, c.id, c.url, blockTime/2)
	}
	fees := fmt.Sprintf("release_fee=%d,refund_fee=1", fee)
	n.Must("genesis", "add-asset", "COIN", "--home", first, "--decimals", "18",
		"--token", "chain=alpha,mode=lock,address=native,"+fees, "--token", "chain=beta,mode=mint,"+fees)
	n.Must("genesis", "validate", "--home", first)
}

// share is how many requests to the bad endpoint meet each of its troubles.
const share = 0.02

// configure gives each home the genesis and its chains. Two endpoints of three
// have to agree: the same anvil by two names, and one that does all that a bad
// endpoint can.
func (n *network) configure() {
	n.t.Helper()
	n.bad = map[*chain]*badproxy.Proxy{}
	for _, c := range n.chains() {
		n.bad[c] = badproxy.ForTest(n.t, badproxy.Config{Target: c.url, Seed: c.id, Rules: badproxy.Rules(share)})
	}
	n.Configure(func(_ int, loaded *config.Config) {
		for _, c := range n.chains() {
			chain := config.DefaultChain()
			chain.Name, chain.ID, chain.Contract = c.name, c.id, c.bridge
			chain.Endpoints = []config.Endpoint{
				{URL: n.bad[c].URL(), Group: "bad"},
				{URL: c.url, Group: "one"},
				{URL: strings.Replace(c.url, "127.0.0.1", "localhost", 1), Group: "two"},
			}
			chain.MinAgree, chain.PollInterval, chain.RequestTimeout = 2, 200*time.Millisecond, 2*time.Second
			if c == n.alpha {
				chain.Finality = config.Finality{Confirmations: confirmations}
			}
			loaded.Chains = append(loaded.Chains, chain)
		}
	})
}

// awaitCoin waits until both chains take deposits, and learns the wrapped coin.
func (n *network) awaitCoin() {
	n.t.Helper()
	cluster.Eventually(n.t, startLimit, "the coin to be registered", func(context.Context) error {
		if err := n.Alive(); err != nil {
			n.t.Fatal(err)
		}
		out, err := n.Run("query", "assets", "--home", n.Homes[0].Home, "--output", "json")
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
	out, err := n.Run("status", "--home", n.Homes[i].Home, "--output", "json")
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
	cluster.Eventually(n.t, time.Minute, fmt.Sprintf("%d to arrive", want), func(ctx context.Context) error {
		have, err := n.beta.reader.Token(ctx, n.wrapped, recipient)
		if err == nil && (!have.IsInt64() || have.Int64() != want) {
			err = fmt.Errorf("the recipient has %s", have)
		}
		return err
	})
}
