package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func govCommand(s *session, f *txFlags) *cobra.Command {
	c := group("gov", "Propose changes, and vote on them", proposeCommand(s, f), voteCommand(s, f))
	c.Long = `A proposal passes, and is applied in that very block, when operators with more
than 2/3 of the power have voted yes before its deadline. Whoever proposes has
voted yes. "bridged query proposals" shows how they stand.`
	return c
}

func voteCommand(s *session, f *txFlags) *cobra.Command {
	return &cobra.Command{
		Use: "vote ID yes|no", Short: "Vote on an open proposal; a later vote replaces an earlier one",
		Example: "  bridged tx gov vote 3 yes",
		Args:    args(2, 2),
		RunE: func(c *cobra.Command, given []string) error {
			id, err := parseProposalID(given[0])
			if err != nil {
				return usagef(c, "%v", err)
			}
			if given[1] != "yes" && given[1] != "no" {
				return usagef(c, "vote %q: want yes or no", given[1])
			}
			return s.transact(c, f, func(context.Context, asker, types.Address) (types.Tx, error) {
				return types.Tx{Vote: &types.GovVote{Proposal: id, Yes: given[1] == "yes"}}, nil
			})
		},
	}
}

func parseProposalID(text string) (uint64, error) {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("proposal %q: want its number, from 1", text)
	}
	return id, nil
}

func proposeCommand(s *session, f *txFlags) *cobra.Command {
	c := group("propose", "Propose a change",
		proposeTextCommand(s, f), proposeParamsCommand(s, f), proposeUnpauseCommand(s, f), proposeRetireCommand(s, f),
		proposeResolveCommand(s, f), proposeChangeChainCommand(s, f), proposeAddChainCommand(s, f),
		proposeAdmitCommand(s, f), proposeSetPowerCommand(s, f), proposeRemoveCommand(s, f),
		proposeReanchorCommand(s, f), proposeRegisterAssetCommand(s, f), proposeMapAssetCommand(s, f), proposeFileCommand(s, f))
	c.Long = `Shows exactly what would change, as the node works it out on its own state, and
then proposes it. With --dry-run it is only shown.`
	return c
}

// contentMaker makes a proposal's content, by the state that ask asks.
type contentMaker func(ctx context.Context, ask asker) (types.Content, error)

// propose has a content signed and sent.
func (s *session) propose(c *cobra.Command, f *txFlags, content contentMaker) error {
	return s.transact(c, f, func(ctx context.Context, ask asker, _ types.Address) (types.Tx, error) {
		made, err := content(ctx, ask)
		if err != nil {
			return types.Tx{}, err
		}
		return types.Tx{Propose: &types.GovPropose{Content: made}}, made.Validate()
	})
}

// fixed is a content that needs no look at the state.
func fixed(content types.Content) contentMaker {
	return func(context.Context, asker) (types.Content, error) { return content, nil }
}

func proposeTextCommand(s *session, f *txFlags) *cobra.Command {
	var text types.Text
	c := &cobra.Command{
		Use: "text", Short: "Ask the validators for their opinion; it changes nothing",
		Example: `  bridged tx gov propose text --title "Upgrade in March" --text "Shall we?"`,
		Args:    args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(c, "title"); err != nil {
				return err
			}
			return s.propose(c, f, fixed(types.Content{Text: &text}))
		},
	}
	c.Flags().StringVar(&text.Title, "title", "", "one line of printable ASCII, at most 100 characters")
	c.Flags().StringVar(&text.Text, "text", "", "the question, at most 16 KiB")
	return c
}

func proposeParamsCommand(s *session, f *txFlags) *cobra.Command {
	return &cobra.Command{
		Use: "params NAME=VALUE...", Short: "Set parameters, all of them or none",
		Long:    `Sets parameters; "bridged query params" lists them with their ranges.`,
		Example: "  bridged tx gov propose params voting_period=100000 large_delay_ms=7200000",
		Args:    args(1, -1),
		RunE: func(c *cobra.Command, given []string) error {
			changes, err := parseParams(given)
			if err != nil {
				return usagef(c, "%v", err)
			}
			return s.propose(c, f, fixed(types.Content{Params: changes}))
		},
	}
}

func proposeUnpauseCommand(s *session, f *txFlags) *cobra.Command {
	return &cobra.Command{
		Use: "unpause CHAIN", Short: "End the pause of a chain",
		Long: `Ends a pause. While more than 1/3 of the power raises an alarm the chain is paused
again at once, so the alarms are cleared first ("bridged alarm clear" on each
home); "bridged query inbox CHAIN" shows who raises one. A chain that contradicted
what was agreed is re-anchored instead.`,
		Args: args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			return s.propose(c, f, func(_ context.Context, ask asker) (types.Content, error) {
				chain, err := findChain(ask, given[0])
				if err != nil {
					return types.Content{}, err
				}
				return types.Content{Unpause: &types.Unpause{Chain: chain.ID}}, s.warnOfAlarms(ask, chain)
			})
		},
	}
}

// warnOfAlarms says which validators would pause the chain again.
func (s *session) warnOfAlarms(ask asker, chain bridge.ChainState) error {
	var inbox bridge.InboxView
	if _, err := ask("inbox", bridge.QueryArgs{Chain: chain.Label}, &inbox); err != nil {
		return err
	}
	for _, vote := range inbox.Votes {
		if vote.Alarm != types.AlarmOff.String() {
			s.note("Validator %s still raises an alarm for %s (%s); with more than 1/3 of the power behind such, it is paused again at once.",
				vote.Validator, chain.Label, vote.Alarm)
		}
	}
	return nil
}

func proposeRetireCommand(s *session, f *txFlags) *cobra.Command {
	return &cobra.Command{
		Use: "retire CHAIN", Short: "Disconnect a dead chain for good",
		Long: `Disconnects a chain whose head has not moved for retire_delay_blocks and
retire_delay_ms. What is committed to it and not executed is refunded where it
came from, what it holds in custody becomes deficit, and it can never be connected
again. Commands that are sealed stay executable there, should it come back to life.`,
		Args: args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			return s.propose(c, f, func(_ context.Context, ask asker) (types.Content, error) {
				chain, err := findChain(ask, given[0])
				return types.Content{RetireChain: &types.RetireChain{ID: chain.ID}}, err
			})
		},
	}
}

func proposeResolveCommand(s *session, f *txFlags) *cobra.Command {
	return &cobra.Command{
		Use: "resolve ID credit|refund|drop", Short: "Decide what becomes of a record in quarantine",
		Long: `Decides about one record of "bridged query quarantine": credit releases it as its
deposit said, refund returns it to its deposit's refund address, drop pays it to
nobody. The asset goes on there when its last record is resolved.`,
		Example: "  bridged tx gov propose resolve 1 refund",
		Args:    args(2, 2),
		RunE: func(c *cobra.Command, given []string) error {
			resolve := types.ResolveQuarantine{}
			var err error
			if resolve.ID, err = strconv.ParseUint(given[0], 10, 64); err != nil || resolve.ID == 0 {
				return usagef(c, "record %q: want its number, from 1", given[0])
			}
			if err := resolve.Action.UnmarshalText([]byte(given[1])); err != nil {
				return usagef(c, "%v", err)
			}
			return s.propose(c, f, fixed(types.Content{ResolveQuarantine: &resolve}))
		},
	}
}

func proposeChangeChainCommand(s *session, f *txFlags) *cobra.Command {
	var (
		terms types.ChangeChain
		gap   time.Duration
	)
	c := &cobra.Command{
		Use: "change-chain CHAIN", Short: "Change a chain's terms; what is not named stays",
		Example: "  bridged tx gov propose change-chain alpha --batch-gap 6s",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			named := c.Flags().Changed
			if !slices.ContainsFunc([]string{"batch-gap", "batch-gas", "release-gas", "expiry-blocks"}, named) {
				return usagef(c, "nothing to change: give --batch-gap, --batch-gas, --release-gas or --expiry-blocks")
			}
			return s.propose(c, f, func(_ context.Context, ask asker) (types.Content, error) {
				chain, err := findChain(ask, given[0])
				if err != nil {
					return types.Content{}, err
				}
				change := chainTerms(chain)
				if named("batch-gap") {
					change.BatchGapMS = uint64(max(gap, 0) / time.Millisecond)
				}
				if named("batch-gas") {
					change.BatchGas = terms.BatchGas
				}
				if named("release-gas") {
					change.ReleaseGas = terms.ReleaseGas
				}
				if named("expiry-blocks") {
					change.ExpiryBlocks = terms.ExpiryBlocks
				}
				return types.Content{ChangeChain: &change}, nil
			})
		},
	}
	c.Flags().DurationVar(&gap, "batch-gap", 0, "least time between batches, about one block of the chain")
	c.Flags().Uint64Var(&terms.BatchGas, "batch-gas", 0, "gas that one batch may plan with")
	c.Flags().Uint32Var(&terms.ReleaseGas, "release-gas", 0, "gas cap of one payout")
	c.Flags().Uint64Var(&terms.ExpiryBlocks, "expiry-blocks", 0, "blocks of this chain after which a transfer from it that still waits is refunded")
	return c
}

// chainTerms is a change of a chain that changes nothing.
func chainTerms(c bridge.ChainState) types.ChangeChain {
	return types.ChangeChain{
		ID: c.ID, BatchGapMS: c.BatchGapMS, BatchGas: c.BatchGas, ReleaseGas: c.ReleaseGas, ExpiryBlocks: c.ExpiryBlocks,
	}
}

func proposeRegisterAssetCommand(s *session, f *txFlags) *cobra.Command {
	return proposeFromFile(s, f, "register-asset FILE|-", "Make an asset known, with its tokens",
		`Reads the asset as JSON, as it stands in genesis and as "bridged query assets
--output json" shows it. Its tokens may also be mapped later.`,
		func(content []byte) (types.Content, error) {
			var asset types.Asset
			err := decodeStrict(content, &asset)
			slices.SortFunc(asset.Tokens, func(a, b types.Token) int { return cmp.Compare(a.Chain, b.Chain) })
			return types.Content{RegisterAsset: &types.RegisterAsset{Asset: asset}}, err
		})
}

func proposeMapAssetCommand(s *session, f *txFlags) *cobra.Command {
	return proposeFromFile(s, f, "map-asset FILE|-", "Add an asset's token on a chain, or change its fees and limits",
		`Reads JSON: {"asset": id, "token": {…}}, the token as it stands in genesis. All its
values are absolute; "bridged query assets --output json" shows the present ones.
What the contract has registered keeps its mode, token and decimals for good.`,
		func(content []byte) (types.Content, error) {
			var mapping types.MapAsset
			err := decodeStrict(content, &mapping)
			return types.Content{MapAsset: &mapping}, err
		})
}

func proposeFileCommand(s *session, f *txFlags) *cobra.Command {
	return proposeFromFile(s, f, "file FILE|-", "Propose what a file says",
		`Reads a proposal's content as JSON: an object with one key, its kind, as "bridged
query proposal" shows it under content.`, types.ParseContent)
}

func proposeFromFile(s *session, f *txFlags, use, short, long string, read func([]byte) (types.Content, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Args: args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			raw, err := s.readInput(given[0])
			if err != nil {
				return err
			}
			content, err := read(raw)
			if err != nil {
				return fmt.Errorf("%s: %w", given[0], err)
			}
			return s.propose(c, f, fixed(content))
		},
	}
}

// decodeStrict reads one JSON object without unknown fields: a misspelt one
// would silently be zero.
func decodeStrict(content []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("something follows the JSON object")
	}
	return nil
}
