package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// govQueries are the queries of governance.
func govQueries(s *session, f *queryFlags) []*cobra.Command {
	return []*cobra.Command{
		queryProposalsCommand(s, f),
		queryOne(s, f, "proposal ID", "Show a proposal: what it says, how it stands, who voted what", "proposal", 1, printProposal),
		queryEffectCommand(s, f),
		queryParamsCommand(s, f),
		queryOne(s, f, "limits", "Show each token's flow limit, how much of it is spent, and what waits", "limits", 0, printLimits),
		queryList(s, f, "quarantine", "List what the validators have to decide about", "quarantine", printQuarantine),
	}
}

func queryProposalsCommand(s *session, f *queryFlags) *cobra.Command {
	open := false
	c := queryList(s, f, "proposals", "List proposals, the open ones first", "proposals", printProposals)
	all := c.RunE
	c.RunE = func(c *cobra.Command, given []string) error {
		if !open {
			return all(c, given)
		}
		return s.queryOpenProposals(c.Context(), *f)
	}
	c.Flags().BoolVar(&open, "open", false, "only those that can still be voted on")
	return c
}

// queryOpenProposals lists all that are open; the state bounds how many.
func (s *session) queryOpenProposals(ctx context.Context, f queryFlags) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, ask, err := s.dialAsker(ctx, f)
	if err != nil {
		return err
	}
	var list []bridge.ProposalView
	if _, err := ask("proposals", bridge.QueryArgs{Limit: bridge.MaxQueryLimit}, &list); err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(p bridge.ProposalView) bool { return p.Status != types.ProposalOpen })
	return s.print(list, func(w io.Writer) { printProposals(w, names{}, list) })
}

func printProposals(w io.Writer, _ names, list []bridge.ProposalView) {
	rows := make([][]string, len(list))
	for i, p := range list {
		rows[i] = []string{number(p.ID), p.Kind, tallyText(p.Tally), standing(p), p.Action}
	}
	table(w, []string{"ID", "KIND", "POWER", "STATUS", "ACTION"}, rows)
}

func tallyText(t bridge.TallyView) string {
	return fmt.Sprintf("%d yes, %d no, %d wanted of %d", t.Yes, t.No, t.Needed, t.Total)
}

// standing is a proposal's status, with the height that belongs to it.
func standing(p bridge.ProposalView) string {
	if p.Status == types.ProposalOpen {
		return fmt.Sprintf("open until height %d", p.Deadline)
	}
	text := fmt.Sprintf("%s at height %d", p.Status, p.Ended)
	if p.Result != "" {
		text += " (" + p.Result + ")"
	}
	return text
}

func printProposal(w io.Writer, _ names, p bridge.ProposalView) {
	pairs(w, "proposal", number(p.ID), "action", p.Action, "proposer", p.Proposer.Hex(), "made at height", number(p.Height),
		"status", standing(p), "power", tallyText(p.Tally))
	fmt.Fprintln(w)
	rows := make([][]string, len(p.Votes))
	for i, v := range p.Votes {
		rows[i] = []string{v.Operator.Hex(), yesNo(v.Yes)}
	}
	table(w, []string{"OPERATOR", "VOTE"}, rows)
	fmt.Fprintln(w, "\nContent:")
	_ = printJSON(w, p.Content)
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func queryEffectCommand(s *session, f *queryFlags) *cobra.Command {
	return &cobra.Command{
		Use: "effect ID|FILE|-", Short: "Show exactly what a proposal would change, now",
		Long: `Has the node apply a proposal to a copy of its state and compare: one that was
made, by its number, or one that was not, as JSON in a file ("bridged tx gov
propose file" says how).`,
		Args: args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			query, err := s.effectQuery(given[0])
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
			defer cancel()
			client, ask, err := s.dialAsker(ctx, *f)
			if err != nil {
				return err
			}
			status, err := client.rpc.Status(ctx)
			if err != nil {
				return client.unreachable(err)
			}
			effect, err := effectOf(ask, query, status.SyncInfo.LatestBlockHeight+1, status.SyncInfo.LatestBlockTime)
			if err != nil {
				return err
			}
			known, err := loadNames(ask)
			if err != nil {
				return err
			}
			return s.print(effect, func(w io.Writer) {
				fmt.Fprintf(w, "%s\n\n", effect.Action)
				printEffect(w, known, *effect)
			})
		},
	}
}

func (s *session) effectQuery(what string) (bridge.QueryArgs, error) {
	if strings.Trim(what, "0123456789") == "" {
		return bridge.QueryArgs{ID: what}, nil
	}
	raw, err := s.readInput(what)
	if err != nil {
		return bridge.QueryArgs{}, err
	}
	content, err := types.ParseContent(raw)
	if err != nil {
		return bridge.QueryArgs{}, fmt.Errorf("%s: %w", what, err)
	}
	return contentArgs(content)
}

func queryParamsCommand(s *session, f *queryFlags) *cobra.Command {
	return &cobra.Command{
		Use: "params", Short: "List the parameters with their ranges", Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
			defer cancel()
			_, ask, err := s.dialAsker(ctx, *f)
			if err != nil {
				return err
			}
			var network bridge.NetworkState
			if _, err := ask("network", bridge.QueryArgs{}, &network); err != nil {
				return err
			}
			lines := paramLines(network.Params)
			return s.print(lines, func(w io.Writer) { printParams(w, lines) })
		},
	}
}

func printLimits(w io.Writer, n names, list []bridge.LimitView) {
	rows := make([][]string, len(list))
	for i, l := range list {
		capacity, rate, spent, large := "-", "-", "-", "-"
		if !l.Capacity.IsZero() {
			capacity, rate, spent = n.amount(l.Asset, l.Capacity), n.amount(l.Asset, l.Rate)+"/s", n.amount(l.Asset, l.Spent)
		}
		if !l.Large.IsZero() {
			large = n.amount(l.Asset, l.Large)
		}
		q := l.Queued
		rows[i] = []string{
			l.Symbol, n.chain(l.Chain), capacity, rate, spent, large, number(q.Release), number(q.Large), number(q.Short),
			number(q.Refund + q.ShortRefund), yesNo(l.Stopped),
		}
	}
	table(w, []string{"ASSET", "CHAIN", "CAPACITY", "RATE", "SPENT", "LARGE FROM", "RELEASES", "DELAYED", "SHORT", "REFUNDS", "STOPPED"}, rows)
}

func printQuarantine(w io.Writer, n names, list []bridge.QuarantineView) {
	rows := make([][]string, len(list))
	for i, q := range list {
		rows[i] = []string{number(q.ID), n.chain(q.Chain) + "/" + number(q.Nonce), n.amount(q.Asset, q.Amount), string(q.Reason)}
	}
	table(w, []string{"RECORD", "EVENT", "AMOUNT", "REASON"}, rows)
	for _, q := range list {
		fmt.Fprintf(w, "\n%d. %s %s\n", q.ID, q.Text, q.Next)
	}
}
