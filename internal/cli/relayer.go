package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/ops"
)

func relayerCommand(s *session) *cobra.Command {
	c := group("relayer", "Relay the network's commands without being a validator", relayerInitCommand(s), relayerRunCommand(s), relayerStatusCommand(s))
	c.Long = `Anyone may bring the network's commands to their chains, and is paid the relay
fees of what they execute. A relayer needs no node: it asks nodes of others, checks
what they say against the contracts, and sends with an account of its own.

  bridged relayer init --rpc URL,URL --chain NAME=URL,URL ...
  bridged keys add relayer
  (coins of each chain to the address that this shows)
  bridged relayer run

docs/relayer.md has the rest.`
	return c
}

func relayerInitCommand(s *session) *cobra.Command {
	var (
		servers []string
		chains  []string
		one     bool
	)
	c := &cobra.Command{
		Use: "init", Short: "Make a home for a relayer",
		Long: `Makes a home with config/app.toml alone. The servers are RPC servers of the
network's nodes; which chains there are is what all of them say.

Each chain of the network gets a [[chains]] table. Its endpoints are --chain
NAME=URL,URL, or are filled in there later; nothing is relayed to a chain without
any.`,
		Example: `  bridged relayer init --rpc http://one.example:26657,http://two.example:26657 \
    --chain ethereum=https://rpc.one.example,https://rpc.two.example`,
		Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(c, "rpc"); err != nil {
				return err
			}
			endpoints, err := chainEndpoints(c, chains)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
			defer cancel()
			app, err := node.InitRelayer(ctx, s.home(), node.RelayerSpec{Nodes: servers, Endpoints: endpoints, OneEndpoint: one})
			if err != nil {
				return joinError(err)
			}
			s.note("Made %s. Next: \"bridged keys add relayer\", coins for its address on each chain, \"bridged relayer run\".", s.home().AppFile())
			return s.print(relayerHome(s.home(), app), func(w io.Writer) { printRelayerHome(w, app) })
		},
	}
	c.Flags().StringSliceVar(&servers, "rpc", nil, "RPC servers of the network's nodes, of two operators or more")
	c.Flags().StringArrayVar(&chains, "chain", nil, "endpoints of a chain as NAME=URL,URL (repeatable)")
	c.Flags().BoolVar(&one, "one-endpoint", false, "let one endpoint of a chain be enough: your own node, or a test")
	return c
}

// relayerHomeResult is a new home, for programs.
type relayerHomeResult struct {
	Home   string             `json:"home"`
	Nodes  int                `json:"nodes"`
	Chains []node.JoinedChain `json:"chains"`
}

func relayerHome(home config.Home, app config.Config) relayerHomeResult {
	result := relayerHomeResult{Home: home.String(), Nodes: len(app.Relayer.Nodes), Chains: []node.JoinedChain{}}
	for _, c := range app.Chains {
		result.Chains = append(result.Chains, node.JoinedChain{Name: c.Name, ID: c.ID, Endpoints: len(c.Endpoints)})
	}
	return result
}

func printRelayerHome(w io.Writer, app config.Config) {
	rows := make([][]string, len(app.Chains))
	for i, c := range app.Chains {
		rows[i] = []string{c.Name, number(c.ID), strconv.Itoa(len(c.Endpoints))}
	}
	table(w, []string{"CHAIN", "ID", "ENDPOINTS"}, rows)
}

func relayerRunCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "Relay until interrupted",
		Long: `Relays to every chain that has endpoints in app.toml, with the key under
keys/relayer, until it is interrupted. Logs go to stderr; with [telemetry] enabled,
/metrics, /livez and /readyz say how it does. It may be killed at any time, and goes
on where it was.

It takes no turn. With patience in [relayer] it leaves a command to the validators
for so many heights first; without, it sends at once, and whoever comes second pays
for a transaction that does nothing.`,
		Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if !s.home().Exists() {
				return fmt.Errorf("no home in %s; run \"bridged relayer init\" first", s.homeDir)
			}
			loaded, err := config.Load(s.home(), s.flags)
			if err != nil {
				return err
			}
			log, err := ops.NewLogger(s.stderr, ops.LogConfig{Level: loaded.Log.Level, Format: loaded.Log.Format})
			if err != nil {
				return err
			}
			return node.RunRelayer(c.Context(), node.RelayOptions{Home: s.home(), App: loaded.Config, Logger: log})
		},
	}
}

func relayerStatusCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show how the home's relayers do; exit code 4 if none runs",
		Long: `Shows what the relayers of a running process last wrote down, "bridged relayer run"
or "bridged start": what is pending, why nothing more is sent, and the money.`,
		Args: args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			running, err := node.IsLocked(s.home())
			if err != nil {
				return err
			}
			if !running {
				return fmt.Errorf("%w: no process runs on %s", errNotReady, s.homeDir)
			}
			reports, err := ops.ReadRelayers(s.home().RelayersFile())
			if err != nil {
				return err
			}
			return s.print(append([]ops.RelayerReport{}, reports...), func(w io.Writer) { printRelayers(w, reports) })
		},
	}
}

func printRelayers(w io.Writer, reports []ops.RelayerReport) {
	rows := make([][]string, len(reports))
	for i, r := range reports {
		limit := "none"
		if !r.LimitDay.IsZero() {
			limit = config.CoinsOf(r.LimitDay).String()
		}
		rows[i] = []string{
			r.Label, strconv.Itoa(r.Pending), r.Hold, config.CoinsOf(r.Balance).String(),
			config.CoinsOf(r.SpentDay).String(), config.CoinsOf(r.Claimed).String(), limit,
		}
	}
	table(w, []string{"CHAIN", "PENDING", "HOLD", "BALANCE", "SPENT IN 24 H", "CLAIMED", "LIMIT"}, rows)
	for _, r := range reports {
		printRelayer(w, r)
	}
}
