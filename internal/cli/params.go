package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// paramLine is one parameter with its place in the table, as printed.
type paramLine struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
	Min   uint64 `json:"min"`
	Max   uint64 `json:"max"`
	Unit  string `json:"unit"` // what it counts
}

func paramLines(p types.Params) []paramLine {
	all := types.ParamTable()
	lines := make([]paramLine, len(all))
	for i, param := range all {
		lines[i] = paramLine{param.Name, param.Get(p), param.Min, param.Max, param.Unit}
	}
	return lines
}

func printParams(w io.Writer, lines []paramLine) {
	rows := make([][]string, len(lines))
	for i, p := range lines {
		rows[i] = []string{p.Name, number(p.Value), fmt.Sprintf("%d to %d", p.Min, p.Max), p.Unit}
	}
	table(w, []string{"NAME", "VALUE", "RANGE", "UNIT"}, rows)
}

// parseParams reads NAME=VALUE arguments.
func parseParams(pairs []string) (*types.ParamChanges, error) {
	changes := &types.ParamChanges{}
	for _, pair := range pairs {
		name, text, found := strings.Cut(pair, "=")
		if !found {
			return nil, fmt.Errorf("%q: want NAME=VALUE, for example keep_blocks=2000", pair)
		}
		if _, err := types.ParamByName(name); err != nil {
			return nil, fmt.Errorf("%w; the parameters are %s", err, strings.Join(paramNames(), ", "))
		}
		value, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is no whole number", name, text)
		}
		changes.Changes = append(changes.Changes, types.ParamChange{Name: name, Value: value})
	}
	return changes, types.Content{Params: changes}.Validate()
}

func paramNames() []string {
	var names []string
	for _, param := range types.ParamTable() {
		names = append(names, param.Name)
	}
	return names
}

func genesisSetParamCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "set-param NAME=VALUE...", Short: "Set parameters that the network starts with, and show all",
		Example: "  bridged genesis set-param voting_period=100000 large_delay_ms=7200000",
		Args:    args(1, -1),
		RunE: func(c *cobra.Command, given []string) error {
			changes, err := parseParams(given)
			if err != nil {
				return usagef(c, "%v", err)
			}
			var lines []paramLine
			err = s.editGenesis(c, func(g *node.Genesis) error {
				changed, err := changes.ApplyTo(g.State.Params)
				if err != nil {
					return err
				}
				g.State.Params, lines = changed, paramLines(changed)
				return changed.ValidateFor(len(g.State.Chains))
			})
			if err != nil {
				return err
			}
			return s.print(lines, func(w io.Writer) { printParams(w, lines) })
		},
	}
}
