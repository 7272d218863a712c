// Package figure is what the benchmarks of test/bench have in common: what a
// figure is, what a benchmark is told, and how figures are printed, written as
// JSON, and compared with those of an earlier run.
//
// Every benchmark is a package test/bench/NAME with
//
//	func Run(ctx context.Context, o figure.Options) ([]figure.Figure, error)
//
// and a line in test/bench/main.go.
package figure

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// Ratio is the unit of a quotient of two figures of one run.
const Ratio = "ratio"

// Figure is one value that a benchmark has measured.
type Figure struct {
	Bench   string  `json:"bench"` // the program fills it in
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Aim     float64 `json:"aim,omitempty"`     // 0: none
	AtMost  bool    `json:"at_most,omitempty"` // the aim is a ceiling and no floor
	Command string  `json:"command"`           // that measures it alone; the program fills it in
	Note    string  `json:"note,omitempty"`    // conditions, or the origin of a published figure
}

// Met says whether the value reaches its aim.
func (f Figure) Met() bool {
	switch {
	case f.Aim == 0:
		return true
	case f.AtMost:
		return f.Value <= f.Aim
	default:
		return f.Value >= f.Aim
	}
}

// Same says whether both are the same figure, of two runs.
func (f Figure) Same(g Figure) bool {
	return f.Bench == g.Bench && f.Name == g.Name && f.Unit == g.Unit
}

// Options are what a benchmark is told.
type Options struct {
	Short   bool      // `make bench`, with all others under 20 minutes; else `make bench-full`
	Dir     string    // an empty directory for what the benchmark writes; it is removed afterwards
	Log     io.Writer // where the benchmark says what it does
	Profile string    // a directory to write profiles to; "" wants none
	Args    []string  // flags of this benchmark alone
}

// Printf says something to who watches the run.
func (o Options) Printf(format string, args ...any) { _, _ = fmt.Fprintf(o.Log, format, args...) }

// Parse sets the benchmark's own flags from Args. Whatever is no flag is refused.
func (o Options) Parse(flags *flag.FlagSet) error {
	flags.SetOutput(o.Log)
	if err := flags.Parse(o.Args); err != nil {
		return fmt.Errorf("flags of %s: %w", flags.Name(), err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("flags of %s: %q is none", flags.Name(), flags.Arg(0))
	}
	return nil
}

// NoFlags refuses Args, for a benchmark that has no flags.
func (o Options) NoFlags() error {
	if len(o.Args) > 0 {
		return errors.New("this benchmark has no flags")
	}
	return nil
}
