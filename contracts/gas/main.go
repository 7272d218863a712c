// Command gas measures the bridge contract on go-ethereum's EVM: whole
// transactions, under the rules of today and of Ethereum's next fork. Its
// figures are exact, so its tests hold the contract to them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/icrosschain/bridged/contracts/evmtest"
)

func main() {
	asJSON := flag.Bool("json", false, "print JSON instead of tables")
	flag.Parse()
	if err := run(os.Stdout, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "gas:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, asJSON bool) error {
	var reports []Report
	for _, rules := range []evmtest.Rules{evmtest.Osaka, evmtest.Amsterdam} {
		r, err := measure(rules)
		if err != nil {
			return fmt.Errorf("%s: %w", rules, err)
		}
		reports = append(reports, r)
	}
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(reports)
	}
	for _, r := range reports {
		if err := r.print(w); err != nil {
			return err
		}
	}
	return nil
}

func (r Report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(format string, args ...any) { fmt.Fprintf(w, format+"\t\n", args...) }

	line("%s rules", r.Rules)
	line("validators\tsignatures\tcheckQuorum\texecute")
	for _, q := range r.Quorums {
		line("%d\t%d\t%d\t%d", q.Validators, q.Signatures, q.Check, q.Execute)
	}
	line("\ntoken\trecipients\tbatch\tgas\teach (21 validators)")
	for _, b := range r.Batches {
		line("%s\t%s\t%d\t%d\t%d", b.Token, b.Recipients, b.Size, b.Gas, b.Each)
	}
	line("\ndeposit\tgas")
	for _, d := range r.Deposits {
		line("%s\t%d", d.Kind, d.Gas)
	}
	line("\nnew set of\tgas")
	for _, s := range r.SetChanges {
		line("%d\t%d", s.Validators, s.Gas)
	}
	line("\n250 fresh, slice from\titems\tgas")
	for _, s := range r.Slices {
		line("%d\t%d\t%d", s.First, s.Count, s.Gas)
	}
	line("\nstake\tgas")
	for _, s := range r.Stakes {
		line("%s\t%d", s.What, s.Gas)
	}
	line("\ndeploy\t%d", r.Deploy)
	line("register a wrapped token\t%d", r.Register)
	line("")
	return w.Flush()
}
