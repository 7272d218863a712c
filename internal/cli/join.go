package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
)

// trustFlags say which servers are asked, and what of them is believed.
type trustFlags struct {
	rpc    []string
	height int64
	hash   string
	one    bool
}

func (f *trustFlags) add(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.rpc, "rpc", nil, "RPC servers of the network, of two operators or more")
	c.Flags().Int64Var(&f.height, "trust-height", 0, "height of a block whose hash you know (default: one that all servers agree on)")
	c.Flags().StringVar(&f.hash, "trust-hash", "", "that hash, in hexadecimal")
	c.Flags().BoolVar(&f.one, "trust-one", false, "believe a single server: for a node of your own, and for tests")
}

// trusted is the block hash that was given, nil if none was.
func (f *trustFlags) trusted(c *cobra.Command) ([]byte, error) {
	if (f.height == 0) != (f.hash == "") {
		return nil, usagef(c, "--trust-height and --trust-hash go together")
	}
	if f.height < 0 {
		return nil, usagef(c, "--trust-height %d: want 1 or more", f.height)
	}
	return hash32(c, "trust-hash", f.hash)
}

// hash32 reads a hash from a flag; nil if it was not given.
func hash32(c *cobra.Command, flag, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	hash, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil || len(hash) != 32 {
		return nil, usagef(c, "--%s %q: want 64 hexadecimal digits", flag, text)
	}
	return hash, nil
}

func joinCommand(s *session) *cobra.Command {
	var (
		f       trustFlags
		genesis string
		peers   []string
		chains  []string
	)
	c := &cobra.Command{
		Use: "join MONIKER", Short: "Make a home that joins a network that runs, by a snapshot of its state",
		Long: `Makes a home as "init" does, with the network's genesis, peers, and state sync
from a snapshot: after it, only "start" is left.

Genesis and a trusted block are what all --rpc servers say. They should be of
different operators, and the genesis hash from somewhere else: --genesis-hash is
what "bridged genesis hash" shows on any node. A single server, which could lead
this node into a network of its own, is believed with --trust-one only.

Each chain of the network gets a [[chains]] table in app.toml. Its endpoints are
--chain NAME=URL,URL, or are filled in there later; without them the node follows
the network and does not observe the chain. That is enough for a full node, and a
validator's duty missed.`,
		Example: `  bridged join dora --rpc http://one.example:26657,http://two.example:26657 \
    --genesis-hash 8d4e3c1f... --chain ethereum=https://rpc.one.example,https://rpc.two.example`,
		Args: args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := need(c, "rpc"); err != nil {
				return err
			}
			spec := node.JoinSpec{
				Moniker: args[0], RPC: f.rpc, ChainID: s.chainID, GenesisHash: genesis,
				TrustHeight: f.height, TrustOne: f.one, Peers: peers,
			}
			if _, err := hash32(c, "genesis-hash", genesis); err != nil {
				return err
			}
			var err error
			if spec.TrustHash, err = f.trusted(c); err != nil {
				return err
			}
			if spec.Endpoints, err = chainEndpoints(c, chains); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
			defer cancel()
			joined, err := node.Join(ctx, s.home(), spec)
			if err != nil {
				return joinError(err)
			}
			s.tellJoined(joined, genesis != "")
			return s.print(joined, func(w io.Writer) { printJoined(w, joined) })
		},
	}
	f.add(c)
	c.Flags().StringVar(&genesis, "genesis-hash", "", "SHA-256 that the genesis must have, in hexadecimal")
	c.Flags().StringSliceVar(&peers, "peers", nil, "peers as ID@HOST:PORT (default: the servers and their peers)")
	c.Flags().StringArrayVar(&chains, "chain", nil, "endpoints of a chain as NAME=URL,URL (repeatable)")
	return c
}

// chainEndpoints reads --chain flags.
func chainEndpoints(c *cobra.Command, flags []string) (map[string][]config.Endpoint, error) {
	all := map[string][]config.Endpoint{}
	for _, flag := range flags {
		name, list, found := strings.Cut(flag, "=")
		if !found || name == "" || strings.Contains(name, "/") {
			return nil, usagef(c, "--chain %s: want NAME=URL,URL", name)
		}
		if all[name] != nil {
			return nil, usagef(c, "--chain %s stands there twice", name)
		}
		for text := range strings.SplitSeq(list, ",") {
			endpoint, err := config.ParseEndpoint(strings.TrimSpace(text))
			if err != nil {
				return nil, usagef(c, "--chain %s: %v", name, err)
			}
			all[name] = append(all[name], endpoint)
		}
	}
	return all, nil
}

// joinError says what to do about trouble that only flags can mend.
func joinError(err error) error {
	switch {
	case errors.Is(err, node.ErrUnreachable):
		return fmt.Errorf("%w: %w", errNotReady, err)
	case errors.Is(err, node.ErrOneSource):
		return fmt.Errorf("%w (--trust-one)", err)
	}
	return err
}

func (s *session) tellJoined(j node.Joined, checked bool) {
	if j.Sources == 1 {
		s.note("Genesis and trusted block rest on the word of a single node.")
	}
	if !checked {
		s.note("Compare the genesis hash with that of an operator you trust, before you start.")
	}
	for _, c := range j.Chains {
		if c.Endpoints == 0 {
			s.note("%s has no endpoints: name them in %s, or this node does not observe it.", c.Name, s.home().AppFile())
		}
	}
	s.note("Made %s. Next: \"bridged start\".", s.homeDir)
}

func printJoined(w io.Writer, j node.Joined) {
	printIdentity(w, j.Identity)
	pairs(w, "network", j.ChainID, "genesis hash", j.GenesisHash, "trusted block", fmt.Sprintf("%d %s", j.TrustHeight, j.TrustHash),
		"agreed by", fmt.Sprintf("%d node(s)", j.Sources), "peers", strings.Join(j.Peers, " "))
	rows := make([][]string, len(j.Chains))
	for i, c := range j.Chains {
		rows[i] = []string{c.Name, fmt.Sprint(c.ID), fmt.Sprint(c.Endpoints)}
	}
	table(w, []string{"CHAIN", "ID", "ENDPOINTS"}, rows)
}
