package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/x/bridge"
)

func queryCommand(s *session) *cobra.Command {
	var f queryFlags
	c := group("query", "Ask a node for the state of the bridge",
		queryOne(s, &f, "transfer ID", "Show a transfer", "transfer", 1, printTransfer),
		queryOne(s, &f, "why ID", "Say where a transfer stands, why, and what happens next", "why", 1, printWhy),
		queryList(s, &f, "transfers", "List transfers", "transfers", printTransfers),
		queryOne(s, &f, "chains", "List the connected chains", "chains", 0, printChains),
		queryOne(s, &f, "assets", "List assets and their tokens", "assets", 0, printAssets),
		queryOne(s, &f, "supply", "Show what is in custody and minted, for each asset", "supply", 0, printSupply),
		queryOne(s, &f, "validators", "List all validators that are known: those of the epoch, then the others", "validators", 0, printMembers),
		queryValidatorCommand(s, &f),
		queryList(s, &f, "batches", "List commands of outboxes", "batches", printBatches),
		queryList(s, &f, "seals", "List seals and who signed them", "seals", printSeals),
		queryOne(s, &f, "inbox CHAIN", "Show what is agreed and voted of a chain's inbox", "inbox", 1, printInbox),
		queryInvariantsCommand(s, &f))
	c.AddCommand(govQueries(s, &f)...)
	c.Long = `Asks a node (--node, by default the home's). A transfer's ID is CHAIN/NONCE, for
example alpha/7.

With --prove nothing is believed: each record that the answer rests on, and each
absence, is verified under a header that more than 2/3 of the validators signed,
found from the home's genesis, or from --trust-height and --trust-hash, by
CometBFT's light client.`
	f.add(c)
	return c
}

// queryOne is a query with no argument, or one: a transfer's id or a chain.
func queryOne[T any](s *session, f *queryFlags, use, short, name string, arguments int, show func(io.Writer, names, T)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args(arguments, arguments),
		RunE: func(c *cobra.Command, given []string) error {
			var a bridge.QueryArgs
			if arguments == 1 {
				a.ID, a.Chain = given[0], given[0]
			}
			return runQuery(c.Context(), s, *f, name, a, show)
		},
	}
}

// queryList is a query that gives a list in pages.
func queryList[T any](s *session, f *queryFlags, use, short, name string, show func(io.Writer, names, T)) *cobra.Command {
	var a bridge.QueryArgs
	c := &cobra.Command{
		Use: use, Short: short, Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if a.Limit < 1 || a.Limit > bridge.MaxQueryLimit {
				return usagef(c, "--limit %d: want 1 to %d", a.Limit, bridge.MaxQueryLimit)
			}
			return runQuery(c.Context(), s, *f, name, a, show)
		},
	}
	c.Flags().IntVar(&a.Limit, "limit", bridge.DefaultQueryLimit, "at most so many")
	c.Flags().Uint64Var(&a.After, "after", 0, "only what comes after this nonce (transfers and batches: of an outbox), height (seals) or number (proposals and quarantine)")
	if name != "seals" && name != "proposals" {
		c.Flags().StringVar(&a.Chain, "chain", "", "only of this chain, a label or an id")
	}
	return c
}

// dialAsker finds the node, and asks it on the state of one height.
func (s *session) dialAsker(ctx context.Context, f queryFlags) (*client, asker, error) {
	client, err := s.dial()
	if err != nil {
		return nil, nil, err
	}
	ask, err := client.asker(ctx, f)
	return client, ask, err
}

// runQuery prints the node's JSON as it is, or a text for people.
func runQuery[T any](ctx context.Context, s *session, f queryFlags, name string, a bridge.QueryArgs, show func(io.Writer, names, T)) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, ask, err := s.dialAsker(ctx, f)
	if err != nil {
		return err
	}
	var result T
	answer, err := ask(name, a, &result)
	if err != nil {
		return err
	}
	if s.output == "json" {
		return printJSON(s.stdout, json.RawMessage(answer))
	}
	known, err := loadNames(ask)
	if err != nil {
		return err
	}
	show(s.stdout, known, result)
	return nil
}

// errBroken makes "query invariants" fail where one does not hold.
var errBroken = errors.New("an invariant is broken")

func queryInvariantsCommand(s *session, f *queryFlags) *cobra.Command {
	return &cobra.Command{
		Use: "invariants", Short: "Check the invariants over the whole state; exit code 1 if one is broken", Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
			defer cancel()
			_, ask, err := s.dialAsker(ctx, *f)
			if err != nil {
				return err
			}
			var verdict bridge.InvariantsView
			answer, err := ask("invariants", bridge.QueryArgs{}, &verdict)
			if err != nil {
				return err
			}
			err = s.print(json.RawMessage(answer), func(w io.Writer) {
				if verdict.OK {
					fmt.Fprintln(w, "all invariants hold")
				}
				for _, v := range verdict.Violations {
					fmt.Fprintf(w, "%s: %s\n", v.Invariant, v.Text)
				}
			})
			if err == nil && !verdict.OK {
				err = errBroken
			}
			return err
		},
	}
}
