package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
)

// portsPerNode is how many of them `bridged testnet` gives to each validator.
const portsPerNode = 10

// Chains are asked so often that all validators see a block become final at
// about the same time: who sees it a height later makes the others wait.
const (
	minimumPoll   = 50 * time.Millisecond
	pollsPerBlock = 20
)

// amsterdamReleaseGas is the gas cap of one payout under Amsterdam's prices, at
// which the very first payout of a wrapped token costs more than the default:
// it makes two records, the recipient's and that of the supply.
const amsterdamReleaseGas = 300_000

// delays are short enough to see them pass.
var delays = []string{"large_delay_blocks=10", "large_delay_ms=5000", "retire_delay_blocks=15", "retire_delay_ms=5000"}

// home is one validator's home, as `bridged testnet` prints it.
type home struct {
	Moniker   string         `json:"moniker"`
	Home      string         `json:"home"`
	RPC       string         `json:"rpc"`
	Telemetry string         `json:"telemetry"`
	Validator string         `json:"validator_id"`
	Signer    common.Address `json:"signer"`
	Relayer   common.Address `json:"relayer"`
}

func (n *network) makeHomes(ctx context.Context) error {
	port := n.options.port
	if port == 0 {
		var err error
		if n.ports, err = ports.Reserve(validatorCount * portsPerNode); err != nil {
			return fmt.Errorf("%w; name the first of others with --port", err)
		}
		port = n.ports.First
	}
	return n.bridged.query(ctx, &n.homes, "testnet", "--validators", strconv.Itoa(validatorCount),
		"--output-dir", n.space.dir, "--chain-id", networkID, "--starting-port", strconv.Itoa(port))
}

// genesis runs a command on the coordinator's genesis file.
func (n *network) genesis(ctx context.Context, args ...string) error {
	_, err := n.bridged.run(ctx, append([]string{"genesis", "--home", n.homes[0].Home}, args...)...)
	return err
}

// makeGenesis is the rest of the ceremony, and each node's view of the chains.
func (n *network) makeGenesis(ctx context.Context) error {
	// Less than a block, so that a batch for each block is never late by a hair.
	gap := n.options.chains.blockTime / 2
	for _, c := range n.chains {
		args := []string{"add-chain", c.name, "--id", c.id().String(), "--bridge", c.bridge.Hex(), "--batch-gap", gap.String()}
		if n.options.chains.rules == evmnode.Amsterdam.String() {
			args = append(args, "--release-gas", strconv.Itoa(amsterdamReleaseGas))
		}
		if err := n.genesis(ctx, args...); err != nil {
			return err
		}
	}
	for _, a := range n.assets {
		if err := n.genesis(ctx, append([]string{"add-asset"}, a.flags()...)...); err != nil {
			return err
		}
	}
	if err := n.genesis(ctx, slices.Concat([]string{"set-param"}, delays, n.options.params)...); err != nil {
		return err
	}
	if err := n.genesis(ctx, "validate"); err != nil {
		return err
	}
	if err := n.verifyBridges(ctx); err != nil {
		return err
	}
	final, err := os.ReadFile(config.Home(n.homes[0].Home).GenesisFile())
	if err != nil {
		return fmt.Errorf("read genesis: %w", err)
	}
	for _, h := range n.homes {
		if err := os.WriteFile(config.Home(h.Home).GenesisFile(), final, 0o600); err != nil {
			return fmt.Errorf("write genesis: %w", err)
		}
		if err := n.configure(config.Home(h.Home)); err != nil {
			return err
		}
	}
	return nil
}

// endpoint is where a home asks a chain.
func (n *network) endpoint(h config.Home, c *chain) string {
	return cmp.Or(n.options.detours[filepath.Base(h.String())+" "+c.name], c.node.HTTPURL())
}

// configure adds the chains to a home's app.toml. Their one endpoint is this
// program's own, which is what single_endpoint says.
func (n *network) configure(h config.Home) error {
	loaded, err := config.Load(h, nil)
	if err != nil {
		return err
	}
	for _, c := range n.chains {
		endpoint, err := config.ParseEndpoint(n.endpoint(h, c))
		if err != nil {
			return err
		}
		chain := config.DefaultChain()
		chain.Name, chain.ID, chain.Contract = c.name, c.node.ChainID(), c.bridge
		chain.Endpoints = []config.Endpoint{endpoint}
		chain.MinAgree, chain.SingleEndpoint = 1, true
		chain.PollInterval = max(minimumPoll, n.options.chains.blockTime/pollsPerBlock)
		loaded.Chains = append(loaded.Chains, chain)
	}
	return config.Write(h, loaded.Config)
}
