package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func queryValidatorCommand(s *session, f *queryFlags) *cobra.Command {
	return &cobra.Command{
		Use: "validator ID|MONIKER|OPERATOR", Short: "Show a validator: its status, power, keys, misses and strikes",
		Example: "  bridged query validator anna", Args: args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
			defer cancel()
			_, ask, err := s.dialAsker(ctx, *f)
			if err != nil {
				return err
			}
			v, err := findValidator(ask, given[0])
			if err != nil {
				return err
			}
			known, err := loadNames(ask)
			if err != nil {
				return err
			}
			return s.print(v, func(w io.Writer) { printMember(w, known, v) })
		},
	}
}

func printMembers(w io.Writer, _ names, list []bridge.ValidatorView) {
	rows := make([][]string, len(list))
	for i, v := range list {
		rows[i] = []string{
			v.Moniker, v.Status.String(), number(uint64(v.Power)), number(uint64(v.NextPower)), worstMisses(v), strconv.Itoa(v.Strikes),
			orDash(v.JailedUntil), v.ID.String(), v.Signer.Hex(), v.Operator.Hex(),
		}
	}
	table(w, []string{"MONIKER", "STATUS", "POWER", "NEXT", "MISSES", "STRIKES", "JAILED UNTIL", "ID", "SIGNER", "OPERATOR"}, rows)
}

// worstMisses is the duty that is nearest to jail.
func worstMisses(v bridge.ValidatorView) string {
	worst := bridge.MissView{}
	for _, m := range v.Misses {
		if m.Missed >= worst.Missed {
			worst = m
		}
	}
	if worst.Most == 0 {
		return "0"
	}
	return fmt.Sprintf("%d/%d", worst.Missed, worst.Most)
}

func printMember(w io.Writer, n names, v bridge.ValidatorView) {
	key, _ := v.ConsensusKey.MarshalText()
	lines := []string{
		"validator", cmp.Or(v.Moniker, "-"), "id", v.ID.String(), "status", statusText(v), "in the epoch", yesNo(v.InSet),
		"power", number(uint64(v.Power)), "wants from the next epoch", number(uint64(v.NextPower)),
		"admitted at height", number(v.Joined), "operator", v.Operator.Hex(), "signer", v.Signer.Hex(),
	}
	if v.NextSigner != (types.Address{}) {
		lines = append(lines, "signer from the next epoch", v.NextSigner.Hex())
	}
	pairs(w, append(lines, "consensus key", string(key), "strikes", strconv.Itoa(v.Strikes))...)
	for _, m := range v.Misses {
		fmt.Fprintf(w, "missed %s: %d of %d\n", n.duty(m.Chain), m.Missed, m.Most)
	}
}

// statusText is a validator's status with why, since when, and until when.
func statusText(v bridge.ValidatorView) string {
	text := v.Status.String()
	if v.Reason != "" {
		text += " (" + v.Reason + ")"
	}
	text += fmt.Sprintf(" since height %d", v.Since)
	if v.JailedUntil != 0 {
		text += fmt.Sprintf(", until height %d and %s at the earliest", v.JailedUntil, time.UnixMilli(v.JailedUntilMS).UTC().Format(time.RFC3339))
	}
	return text
}

// duty is what a validator has to do.
func (n names) duty(chain types.ChainID) string {
	if chain == 0 {
		return "signing seals"
	}
	return "observing " + n.chain(chain)
}
