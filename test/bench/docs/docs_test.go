package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// The table in the page is what the files say: nobody has typed a figure.
func TestPageIsWrittenFromFiles(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..")
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	want, err := rewrite(string(text), root)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != want {
		t.Error("docs/benchmarks.md differs from docs/benchmarks/*.json: run make bench-docs")
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	run := func(day int, value float64, more ...figure.Figure) figure.Report {
		return figure.Report{
			Commit: "0123456789abcdef", Date: time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC),
			Machine: figure.Machine{Cores: 2}, Figures: append([]figure.Figure{{Bench: "a", Name: "x", Value: value, Unit: "ms", Command: "make bench", Aim: 5, AtMost: true}}, more...),
		}
	}
	got := strings.Split(table([]figure.Report{run(2, 6), run(1, 4, figure.Figure{Bench: "a", Name: "y", Value: 2, Unit: figure.Ratio, Command: "make bench", Note: "n"})}), "\n")
	want := []string{
		"| a: x | 6 ms | ≤ 5, missed | `make bench` | 01234567 | S | 2026-01-02 |",
		"| a: y (n) | 2 |  | `make bench` | 01234567 | S | 2026-01-01 |",
		"",
	}
	if len(got) != 5 || strings.Join(got[2:], "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(t.TempDir(), "bench.json")
	report := figure.NewReport(t.Context(), "make bench")
	report.Figures = []figure.Figure{{Bench: "a", Name: "x", Value: 1234, Unit: "1/s"}}
	if err := report.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(root, page)
	for _, page := range []struct {
		text string
		good bool
	}{{"no place", false}, {"above\n" + begin + "old\n" + end + "below\n", true}} {
		if err := os.WriteFile(at, []byte(page.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run(root, []string{file}); (err == nil) != page.good {
			t.Errorf("%q: %v", page.text, err)
		}
	}
	text, err := os.ReadFile(at)
	if err != nil || !strings.Contains(string(text), "1,234/s") || strings.Contains(string(text), "old") || !strings.Contains(string(text), "below") {
		t.Errorf("%s, %v", text, err)
	}
}
