// Command docs writes the figures of docs/benchmarks.md from what benchmarks have
// written: all files of docs/benchmarks/. Of what was measured with one command the
// newest run counts, and the newest has the last word on a figure.
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
	"strings"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// The page, and where its figures begin and end.
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
func rewrite(old, root string) (string, error) {
	before, rest, found := strings.Cut(old, begin)
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
	return before + begin + text(sections(reports)) + end + after, nil
}
