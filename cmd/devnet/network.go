package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/pflag"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/internal/ports"
)

const (
	networkID = "bridged-devnet-1"

	// registerTimeout is how long the network may take from its start until all
	// tokens are registered; that is five sealed commands on each chain.
	registerTimeout = 90 * time.Second
)

// networkOptions are the flags of every command that runs a whole network.
type networkOptions struct {
	chains  *chainOptions
	bridged string
	dir     string
	keep    bool
	port    int

	params []string // NAME=VALUE of `genesis set-param`, after the usual ones
	env    []string // of the validators' processes

	detours map[string]string  // by "home chain": the endpoint of a home that is not the chain's own
	started func(chains) error // called when the chains run; nil: nothing
}

func defaultNetworkOptions() *networkOptions {
	return &networkOptions{chains: defaultChainOptions(), dir: ".devnet"}
}

func (o *networkOptions) bind(flags *pflag.FlagSet) {
	o.chains.bind(flags)
	flags.StringVar(&o.bridged, "bridged", o.bridged, "program of the validators (default: beside this one, in ./bin, or on the PATH)")
	flags.StringVar(&o.dir, "dir", o.dir, "directory of the validators' homes; emptied at the start")
	flags.BoolVar(&o.keep, "keep", o.keep, "leave the directory with homes and logs behind")
	flags.IntVar(&o.port, "port", o.port, "first of the validators' 40 ports; 0 for free ones")
}

// network is everything that runs: chains in this process, validators beside it.
type network struct {
	options    *networkOptions
	bridged    *bridged
	space      *workspace
	people     *cast
	chains     chains
	tokens     []*token
	assets     []*asset
	ports      *ports.Range // nil if the caller named some
	homes      []home
	validators *validators
	watches    map[*chain]*watch
	wallets    map[walletKey]*wallet
	progress   *progress
}

// startNetwork brings a network up, until deposits of all assets are taken. On
// failure it leaves nothing behind.
func startNetwork(ctx context.Context, options *networkOptions, said *progress) (_ *network, err error) {
	n := &network{
		options: options, people: newCast(), progress: said,
		watches: map[*chain]*watch{}, wallets: map[walletKey]*wallet{},
	}
	defer func() {
		if err != nil {
			err = errors.Join(n.explain(ctx, err), n.close())
		}
	}()
	if n.bridged, err = findBridged(options.bridged); err != nil {
		return nil, err
	}
	if n.space, err = openWorkspace(options.dir); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"EVM chains with test tokens", n.startChains},
		{"homes of four validators", n.makeHomes},
		{"bridge contracts with the genesis set", n.deployBridges},
		{"genesis with chains and assets", n.makeGenesis},
		{"four validators", n.startValidators},
		{"tokens registered by sealed commands", n.awaitTokens},
	} {
		said.say("%s", step.what)
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return n, nil
}

// close ends everything, the validators first: they would complain about chains
// that are gone.
func (n *network) close() error {
	var errs []error
	if n.validators != nil {
		errs = append(errs, n.validators.close())
	}
	for _, w := range n.watches {
		w.close()
	}
	errs = append(errs, n.chains.close())
	if n.ports != nil {
		errs = append(errs, n.ports.Close())
	}
	if n.space != nil {
		errs = append(errs, n.space.close(n.options.keep))
	}
	return errors.Join(errs...)
}

// errInterrupted is the end of whatever was under way at a Ctrl-C.
var errInterrupted = errors.New("interrupted")

// explain adds the ends of the validators' logs to an error, for the homes are
// gone when somebody reads it. An interrupt needs no explanation.
func (n *network) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	if n.validators == nil {
		return err
	}
	return fmt.Errorf("%w\n%s", err, n.validators.tails())
}

func (n *network) startChains(ctx context.Context) (err error) {
	if n.chains, err = startChains(ctx, n.options.chains, n.people.all()); err != nil {
		return err
	}
	if n.options.started != nil {
		if err := n.options.started(n.chains); err != nil {
			return err
		}
	}
	for _, c := range n.chains {
		n.watches[c] = watchChain(c.node)
	}
	if n.tokens, err = deployTokens(ctx, n.chains, n.people.deployer); err != nil {
		return err
	}
	n.assets = newAssets(n.chains, n.tokens)
	return nil
}

// startValidators gives the relayers coins for gas, and runs all.
func (n *network) startValidators(ctx context.Context) error {
	for _, c := range n.chains {
		w, err := n.wallet(ctx, c, n.people.deployer)
		if err != nil {
			return err
		}
		calls := make([]call, len(n.homes))
		for i, h := range n.homes {
			calls[i] = call{to: &h.Relayer, value: evmnode.Ether(100)}
		}
		if err := w.all(ctx, calls); err != nil {
			return fmt.Errorf("fund relayers: %w", err)
		}
	}
	dirs := make([]string, len(n.homes))
	for i, h := range n.homes {
		dirs[i] = h.Home
	}
	n.validators = newValidators(n.bridged, dirs, "--log-format", "json")
	for _, v := range n.validators.nodes {
		v.spec.Env = n.options.env
	}
	return n.validators.startAll()
}

// awaitTokens waits until the state knows from every contract that it has
// registered its tokens, and learns the wrapped ones' addresses.
func (n *network) awaitTokens(ctx context.Context) error {
	return n.until(ctx, registerTimeout, "tokens to be registered", func(ctx context.Context) (bool, error) {
		var answer []assetAnswer
		if err := n.ask(ctx, "assets", queryArgs{}, &answer); err != nil {
			return false, err
		}
		complete := len(answer) == len(n.assets)
		for _, a := range n.assets {
			complete = a.learn(answer) && complete
		}
		return complete, nil
	})
}

// walletKey is an account on a chain.
type walletKey struct {
	chain   *chain
	account common.Address
}

// wallet is the one wallet of an account on a chain, for it counts nonces.
func (n *network) wallet(ctx context.Context, c *chain, account evmnode.Account) (*wallet, error) {
	key := walletKey{c, account.Address}
	if w := n.wallets[key]; w != nil {
		return w, nil
	}
	w, err := newWallet(ctx, c, account)
	if err != nil {
		return nil, err
	}
	n.wallets[key] = w
	return w, nil
}

// equip gives the users test tokens, and the bridges their allowance.
func (n *network) equip(ctx context.Context, whole int64) error {
	for _, t := range n.tokens {
		mints := make([]call, len(n.people.users))
		for i, user := range n.people.users {
			mints[i] = t.mint(user.Address, t.unit(whole))
		}
		w, err := n.wallet(ctx, t.home, n.people.deployer)
		if err != nil {
			return err
		}
		if err := w.all(ctx, mints); err != nil {
			return fmt.Errorf("mint %s: %w", t.symbol, err)
		}
	}
	return n.allow(ctx)
}

// allow lets the bridges take every ERC-20 of every user.
func (n *network) allow(ctx context.Context) error {
	for _, c := range n.chains {
		for _, user := range n.people.users {
			w, err := n.wallet(ctx, c, user)
			if err != nil {
				return err
			}
			for _, a := range n.assets {
				if !a.on(c) || a.native(c) {
					continue
				}
				if err := w.post(ctx, approve(a.token(c), c.bridge)); err != nil {
					return err
				}
			}
		}
	}
	for _, w := range n.wallets {
		if err := w.settle(ctx); err != nil {
			return fmt.Errorf("approve: %w", err)
		}
	}
	return nil
}

// progress tells people what happens, with the time since the start.
type progress struct {
	out   io.Writer
	start time.Time
}

func newProgress(out io.Writer) *progress { return &progress{out: out, start: time.Now()} }

func (p *progress) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, "[%3.0fs] %s\n", time.Since(p.start).Seconds(), fmt.Sprintf(format, args...))
}
