package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
)

const (
	validators = 4
	alphaID    = 41001
	betaID     = 41002
	gammaID    = 41003

	startLimit = 90 * time.Second
	askTimeout = 10 * time.Second

	// proposeEnv is how long a block of a validator that is down is waited for.
	proposeEnv = "BRIDGED_COMET_CONSENSUS_TIMEOUT_PROPOSE=1s"
)

// asset is what a network carries: locked on alpha, minted on the others. Its
// fees are the same on all chains.
type asset struct {
	symbol      string
	origin      common.Address    // on alpha
	wrapped     common.Address    // on beta: minted, or locked where the test names a token
	far         common.Address    // on gamma
	fee, refund int64             // of a release, of a refund
	terms       map[uint64]string // by chain, more of its token as `genesis add-asset` takes it
	lone        bool              // alpha's alone
	deficit     int64             // what is lost at the end
}

// token is what holds the asset on a chain.
func (a *asset) token(c *chain) common.Address {
	switch c.id() {
	case alphaID:
		return a.origin
	case betaID:
		return a.wrapped
	}
	return a.far
}

// flags are the asset's tokens on all chains, for `genesis add-asset`.
func (a *asset) flags(chains []*chain) (flags []string) {
	fees := fmt.Sprintf("release_fee=%d,refund_fee=%d", a.fee, a.refund)
	for _, c := range chains {
		if a.lone && c.id() != alphaID {
			continue
		}
		token, mode := "", "mint"
		switch at := a.token(c); {
		case at == native:
			token, mode = ",address=native", "lock"
		case at != common.Address{}:
			token, mode = ",address="+at.Hex(), "lock"
		}
		flags = append(flags, "--token", fmt.Sprintf("chain=%s,mode=%s%s,%s%s", c.name, mode, token, fees, a.terms[c.id()]))
	}
	return flags
}

// plan is what a test wants of its network beyond the ordinary.
type plan struct {
	patience  time.Duration                          // of requests to chains, if not the default
	eager     bool                                   // all relayers send at once
	endpoints func(validator int, c *chain) []string // JSON-RPC addresses, if not the chain's own; of two or more two have to agree
	assets    func(n *network) []*asset              // besides GOLD and COIN, and may change those
	users     int                                    // accounts with coins
	third     bool                                   // with gamma, a third chain
	terms     func(c *chain) []string                // more flags of `genesis add-chain`
	params    []string                               // NAME=VALUE of `genesis set-param`
	snapshot  uint64                                 // blocks from one snapshot of the state to the next, if not the default
	env       map[int][]string                       // more in the environment of a validator
	alone     int                                    // relayers of no validator, while no validator relays
}

// network is four validators, as processes, between two chains.
type network struct {
	*cluster.Validators
	t           *testing.T
	plan        plan
	dir         string
	alpha, beta *chain
	gamma       *chain // nil in most tests
	deployer    evmnode.Account
	users       []evmnode.Account
	gold, coin  *asset
	assets      []*asset
	relayers    []*loneRelayer
}

// newNetwork brings a network up until it takes deposits of all assets. It ends
// with the test.
func newNetwork(t *testing.T, p plan) *network {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a network")
	}
	start := time.Now()
	accounts := evmnode.DevAccounts("bridged e2e", 1+p.users)
	n := &network{t: t, plan: p, dir: t.TempDir(), deployer: accounts[0], users: accounts[1:]}
	n.alpha = newChain(t, "alpha", alphaID, accounts)
	n.beta = newChain(t, "beta", betaID, accounts)
	if p.third {
		n.gamma = newChain(t, "gamma", gammaID, accounts)
	}
	n.found()
	n.configure()
	for i := range validators {
		n.Start(i)
	}
	for range p.alone {
		n.relayAlone()
	}
	n.awaitAssets()
	t.Logf("the network is up after %s", time.Since(start).Round(100*time.Millisecond))
	return n
}

func (n *network) chains() []*chain {
	if n.gamma == nil {
		return []*chain{n.alpha, n.beta}
	}
	return []*chain{n.alpha, n.beta, n.gamma}
}

// other is where deposits of a chain go, if they do not say: to beta, or alpha.
func (n *network) other(c *chain) *chain {
	if c == n.alpha {
		return n.beta
	}
	return n.alpha
}

// found makes homes, contracts, assets and the genesis.
func (n *network) found() {
	n.t.Helper()
	n.Validators = cluster.NewValidators(n.t, executable, n.dir, "bridged-e2e-1", validators, ports.ForTest(n.t, 10*validators).First, keyOf(n.deployer))
	n.EnvAll = []string{proposeEnv}
	if n.plan.alone > 0 {
		n.EnvAll = append(n.EnvAll, "BRIDGED_RELAYER_ENABLED=false")
	}
	maps.Copy(n.Env, n.plan.env)
	first := n.Homes[0].Home
	for _, c := range n.chains() {
		var terms []string
		if n.plan.terms != nil {
			terms = n.plan.terms(c)
		}
		c.bridge = n.AddChain(c.name, c.id(), c.node.HTTPURL(), blockTime/2, terms...)
		c.nonces[n.deployer.Address]++
		for _, h := range n.Homes {
			c.send(n.deployer, call{to: &h.Relayer, value: evmnode.Ether(100)})
		}
	}
	n.gold = &asset{symbol: "GOLD", origin: n.alpha.deploy(n.deployer, "TestToken", "Gold", "GOLD", uint8(18)), fee: 10, refund: 3}
	n.coin = &asset{symbol: "COIN", origin: native, fee: 10, refund: 3}
	n.assets = []*asset{n.gold, n.coin}
	if n.plan.assets != nil {
		n.assets = append(n.assets, n.plan.assets(n)...)
	}
	for _, a := range n.assets {
		n.Must(append([]string{"genesis", "add-asset", a.symbol, "--home", first, "--decimals", "18"}, a.flags(n.chains())...)...)
	}
	if len(n.plan.params) > 0 {
		n.Must(append([]string{"genesis", "set-param", "--home", first}, n.plan.params...)...)
	}
	n.Must("genesis", "validate", "--home", first)
}

// configure gives each home the genesis and its chains.
func (n *network) configure() {
	n.t.Helper()
	n.Configure(func(validator int, loaded *config.Config) {
		loaded.Relayer.Eager = n.plan.eager
		if n.plan.snapshot > 0 {
			loaded.Snapshot.Interval = n.plan.snapshot
		}
		for _, c := range n.chains() {
			urls := []string{c.node.HTTPURL()}
			if n.plan.endpoints != nil {
				urls = n.plan.endpoints(validator, c)
			}
			chain := config.DefaultChain()
			chain.Name, chain.ID, chain.Contract = c.name, c.id(), c.bridge
			for at, url := range urls {
				chain.Endpoints = append(chain.Endpoints, config.Endpoint{URL: url, Group: fmt.Sprintf("group%d", at)})
			}
			chain.MinAgree, chain.SingleEndpoint = min(2, uint64(len(urls))), len(urls) == 1
			chain.PollInterval = 50 * time.Millisecond
			if n.plan.patience > 0 {
				chain.RequestTimeout = n.plan.patience
			}
			loaded.Chains = append(loaded.Chains, chain)
		}
	})
}

// awaitAssets waits until all contracts have confirmed all tokens, and learns
// the wrapped ones.
func (n *network) awaitAssets() {
	n.t.Helper()
	cluster.Eventually(n.t, startLimit, "tokens to be registered", func(ctx context.Context) error {
		if err := n.Alive(); err != nil {
			n.t.Fatal(err)
		}
		var assets []bridge.AssetView
		if err := n.ask(ctx, 0, "assets", bridge.QueryArgs{}, &assets); err != nil {
			return err
		}
		for _, a := range n.assets {
			at := slices.IndexFunc(assets, func(v bridge.AssetView) bool { return v.Symbol == a.symbol })
			if at < 0 || len(assets[at].Registered) != len(assets[at].Tokens) {
				return fmt.Errorf("%s is not registered yet", a.symbol)
			}
			for _, t := range assets[at].Tokens {
				switch t.Chain {
				case betaID:
					a.wrapped = t.Token
				case gammaID:
					a.far = t.Token
				}
			}
		}
		return nil
	})
}
