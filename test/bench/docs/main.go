// Command docs writes the table of docs/benchmarks.md from what benchmarks have
// written: all files of docs/benchmarks/, of which the newest has the last word
// on a figure.
//
//	go run ./test/bench/docs [FILE...]
//
// Files that are named are put there first, each by the name it has.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// The page, and where its table begins and ends.
const (
	page   = "docs/benchmarks.md"
	source = "docs/benchmarks"
	begin  = "<!-- figures: written by make bench-docs -->\n"
	end    = "<!-- end of figures -->\n"
)

func main() {
	flag.Parse()
	if err := run(".", flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run(root string, files []string) error {
	for _, file := range files {
		report, err := figure.Read(file)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(root, source), 0o755); err != nil {
			return fmt.Errorf("keeping %s: %w", file, err)
		}
		if err := report.Write(filepath.Join(root, source, filepath.Base(file))); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		return fmt.Errorf("reading the page: %w", err)
	}
	written, err := rewrite(string(text), root)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, page), []byte(written), 0o644)
}

// rewrite puts the figures into the page.
func rewrite(text, root string) (string, error) {
	before, rest, found := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", errors.New("the page has no place for figures")
	}
	files, err := filepath.Glob(filepath.Join(root, source, "*.json"))
	if err != nil {
		return "", fmt.Errorf("looking for figures: %w", err)
	}
	var reports []figure.Report
	for _, file := range files {
		report, err := figure.Read(file)
		if err != nil {
			return "", err
		}
		reports = append(reports, report)
	}
	return before + begin + table(reports) + end + after, nil
}

// row is a figure with the run it is of.
type row struct {
	figure.Figure
	run figure.Report
}

// table has each figure once, in the order in which the oldest run has them.
func table(reports []figure.Report) string {
	slices.SortFunc(reports, func(a, b figure.Report) int { return a.Date.Compare(b.Date) })
	var rows []row
	for _, report := range reports {
		for _, f := range report.Figures {
			i := slices.IndexFunc(rows, func(r row) bool { return r.Same(f) })
			if i < 0 {
				rows = append(rows, row{f, report})
			} else {
				rows[i] = row{f, report}
			}
		}
	}
	var out strings.Builder
	out.WriteString("| figure | value | aim | command | commit | machine class | date |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		name := r.Bench + ": " + r.Name
		if r.Note != "" {
			name += " (" + r.Note + ")"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | `%s` | %.8s | %s | %s |\n", strings.ReplaceAll(name, "|", `\|`), r.Text(), r.AimText(),
			r.Command, r.run.Commit, r.run.Machine.Class(), r.run.Date.Format("2006-01-02"))
	}
	return out.String()
}
