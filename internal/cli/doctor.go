package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/internal/doctor"
)

func doctorCommand(s *session) *cobra.Command {
	all := false
	c := &cobra.Command{
		Use: "doctor", Short: "Look for what is wrong with this home, its node and its chains, and say what to do",
		Long: `Checks configuration, keys and file modes, ports, disk and clock, the node and its
peers, each endpoint of each chain, the contracts and the relayer's funds. It
changes nothing and needs no running node: where one runs, or --node names one, it
is asked for the network's state.

All checks run at once; --timeout bounds each. The exit code is 1 if one fails.`,
		Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := os.Stat(s.home().Dir()); err != nil {
				return fmt.Errorf("no node in %s; run \"bridged init MONIKER\" first", s.homeDir)
			}
			report := doctor.Run(c.Context(), doctor.Options{Home: s.home(), Node: s.node, Limit: s.timeout})
			if err := s.print(report, func(w io.Writer) { printReport(w, report, all) }); err != nil {
				return err
			}
			if !report.OK {
				return fmt.Errorf("%d check(s) failed", report.Failed)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&all, "all", false, "show the checks that hold or were skipped, too")
	return c
}

// printReport shows what needs somebody's hand, the failures first.
func printReport(w io.Writer, r doctor.Report, all bool) {
	held, skipped := 0, 0
	for _, result := range []doctor.Result{doctor.Fail, doctor.Warn} {
		for _, f := range r.Findings {
			if f.Result != result {
				continue
			}
			fmt.Fprintf(w, "%-4s  %s%s\n      %s: %s\n      do: %s\n\n", f.Result, f.Code, of(f), f.Title, strings.ReplaceAll(f.Found, "\n", "\n      "), f.Remedy)
		}
	}
	for _, f := range r.Findings {
		switch f.Result {
		case doctor.OK:
			held++
		case doctor.Skip:
			skipped++
		default:
			continue
		}
		if all {
			fmt.Fprintf(w, "%-4s  %s%s: %s\n", f.Result, f.Code, of(f), f.Found)
		}
	}
	fmt.Fprintf(w, "%d failed, %d warned, %d hold, %d skipped\n", r.Failed, r.Warned, held, skipped)
}

func of(f doctor.Finding) string {
	if f.Subject == "" {
		return ""
	}
	return " of " + f.Subject
}
