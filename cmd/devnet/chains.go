package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/spf13/pflag"

	"github.com/icrosschain/bridged/cmd/devnet/balance"
	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

// The two chains of every devnet, and the one that dies in the demo.
const (
	alphaName = "alpha"
	betaName  = "beta"
	gammaName = "gamma"
	alphaID   = 31001
	betaID    = 31002
	gammaID   = 31003
)

// startBalance is what each development account has of a chain's own coin.
var startBalance = evmnode.Ether(10_000)

// chainOptions are the flags about chains.
type chainOptions struct {
	blockTime   time.Duration
	finalityLag uint64
	gasLimit    uint64
	rules       string
	ports       []int
	third       bool // with gamma, on any free port
}

func defaultChainOptions() *chainOptions {
	return &chainOptions{
		blockTime:   time.Second,
		finalityLag: evmnode.DefaultFinalityLag,
		gasLimit:    evmnode.DefaultGasLimit,
		rules:       evmnode.Osaka.String(),
		ports:       []int{0, 0},
	}
}

func (o *chainOptions) bind(flags *pflag.FlagSet) {
	flags.DurationVar(&o.blockTime, "block-time", o.blockTime, "time between two blocks of a chain")
	flags.Uint64Var(&o.finalityLag, "finality-lag", o.finalityLag, "blocks that `finalized` trails behind the newest")
	flags.Uint64Var(&o.gasLimit, "gas-limit", o.gasLimit, "gas limit of a chain's block")
	flags.StringVar(&o.rules, "rules", o.rules, "protocol rules of the chains: osaka or amsterdam")
	flags.IntSliceVar(&o.ports, "rpc-ports", o.ports, "JSON-RPC ports of alpha and beta, for HTTP and WebSocket; 0 for free ones")
}

func (o *chainOptions) parseRules() (evmnode.Rules, error) {
	for _, rules := range []evmnode.Rules{evmnode.Osaka, evmnode.Amsterdam} {
		if o.rules == rules.String() {
			return rules, nil
		}
	}
	return 0, fmt.Errorf("--rules is %q; want osaka or amsterdam", o.rules)
}

// chain is a running chain with what it takes to use it.
type chain struct {
	name   string
	node   *evmnode.Node
	client *ethclient.Client
	reader *balance.Reader
	bridge common.Address // once one is deployed
	dead   bool
}

func (c *chain) id() *big.Int { return new(big.Int).SetUint64(c.node.ChainID()) }

func (c *chain) close() error {
	c.client.Close()
	c.reader.Close()
	return c.node.Close()
}

// chains are alpha and beta, in this order, and gamma if it is there.
type chains []*chain

// living are those that still answer.
func (cs chains) living() chains {
	return slices.DeleteFunc(slices.Clone(cs), func(c *chain) bool { return c.dead })
}

func (cs chains) close() error {
	var errs []error
	for _, c := range cs {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// startChains runs the chains, on which the given accounts have funds. Only
// those that came up with the last one are left running: none on failure.
func startChains(ctx context.Context, options *chainOptions, accounts []evmnode.Account) (cs chains, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, cs.close())
			cs = nil
		}
	}()
	rules, err := options.parseRules()
	if err != nil {
		return nil, err
	}
	if len(options.ports) != 2 {
		return nil, fmt.Errorf("--rpc-ports names %d ports; want 2", len(options.ports))
	}
	names, ids, ports := []string{alphaName, betaName}, []uint64{alphaID, betaID}, options.ports
	if options.third {
		names, ids, ports = append(names, gammaName), append(ids, gammaID), append(slices.Clone(ports), 0)
	}
	for i, name := range names {
		c, err := startChain(ctx, name, evmnode.Config{
			ChainID:     ids[i],
			BlockTime:   options.blockTime,
			FinalityLag: options.finalityLag,
			GasLimit:    options.gasLimit,
			Rules:       rules,
			HTTPPort:    ports[i],
			WSPort:      ports[i],
			Alloc:       evmnode.Fund(accounts, startBalance),
		})
		if err != nil {
			return cs, fmt.Errorf("start chain %s: %w", name, err)
		}
		cs = append(cs, c)
	}
	return cs, nil
}

func startChain(ctx context.Context, name string, cfg evmnode.Config) (*chain, error) {
	node, err := evmnode.New(cfg)
	if err != nil {
		return nil, err
	}
	client, err := ethclient.DialContext(ctx, node.HTTPURL())
	if err != nil {
		return nil, errors.Join(err, node.Close())
	}
	reader, err := balance.Dial(ctx, node.HTTPURL())
	if err != nil {
		client.Close()
		return nil, errors.Join(err, node.Close())
	}
	return &chain{name: name, node: node, client: client, reader: reader}, nil
}

// runChains is `devnet chains`.
func runChains(ctx context.Context, out io.Writer, options *chainOptions) (err error) {
	people := newCast()
	cs, err := startChains(ctx, options, people.all())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cs.close()) }()
	tokens, err := deployTokens(ctx, cs, people.deployer)
	if err != nil {
		return fmt.Errorf("deploy tokens: %w", err)
	}
	if err := showChains(out, cs, tokens, people); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func showChains(out io.Writer, cs chains, tokens []*token, people *cast) error {
	where := table{header: []string{"chain", "id", "HTTP", "WebSocket"}}
	for _, c := range cs {
		where.add(c.name, c.id().String(), c.node.HTTPURL(), c.node.WSURL())
	}
	coins := table{header: []string{"token", "chain", "decimals", "address"}}
	for _, t := range tokens {
		coins.add(t.symbol, t.home.name, fmt.Sprint(t.decimals), t.address.Hex())
	}
	accounts := table{header: []string{"account", "address", "key"}}
	for i, user := range people.users {
		accounts.add(fmt.Sprintf("user %d", i), user.Address.Hex(), common.Bytes2Hex(keyBytes(user)))
	}
	for _, part := range []table{where, coins, accounts} {
		if err := part.write(out); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out, "The keys are derived from a public seed: never use them elsewhere. Ctrl-C ends it.")
	return err
}
