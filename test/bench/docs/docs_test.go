package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// The tables in the page are what the files say: nobody has typed a figure.
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

// Each benchmark has one heading; the newest run of a command replaces the one
// before, and a figure of another command stands where it was measured last.
func TestText(t *testing.T) {
	t.Parallel()
	of := func(name string, value float64, command string) figure.Figure {
		return figure.Figure{Bench: "a", Name: name, Value: value, Unit: "ms", Command: command}
	}
	run := func(day int, figures ...figure.Figure) figure.Report {
		return figure.Report{
			Commit: "0123456789abcdef", Date: time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC), Machine: figure.Machine{Cores: 2}, Figures: figures,
		}
	}
	missed, met := of("x", 6, "make bench"), of("y|z", 2, "make bench-full")
	missed.Aim, missed.AtMost, missed.Note = 5, true, "n"
	met.Bench, met.Aim = "b", 1
	last := run(3, of("both", 3, "make bench-full"))
	last.Commit += "-dirty"
	got := text(sections([]figure.Report{
		last,
		run(2, missed, of("both", 2, "make bench"), met),
		run(1, of("x", 4, "make bench"), of("gone", 1, "make bench")),
	}))
	want := `### What has an aim

| figure | value | aim | value ÷ aim | |
| --- | --- | --- | --- | --- |
| a: x | 6 ms | ≤ 5 | 1.20 | missed |
| b: y\|z | 2 ms | ≥ 1 | 2 | met |

### a

` + "`make bench`" + `, commit 01234567, 2026-01-02, machine class S, load 0

| figure | value | conditions |
| --- | --- | --- |
| x | 6 ms | n |

` + "`make bench-full`" + `, commit 01234567-dirty, 2026-01-03, machine class S, load 0

| figure | value | conditions |
| --- | --- | --- |
| both | 3 ms |  |

### b

` + "`make bench-full`" + `, commit 01234567, 2026-01-02, machine class S, load 0

| figure | value | conditions |
| --- | --- | --- |
| y\|z | 2 ms |  |
`
	if got != want {
		t.Errorf("%s", got)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(t.TempDir(), "bench.json")
	report := figure.NewReport(t.Context(), "make bench")
	report.Figures = []figure.Figure{{Bench: "a", Name: "x", Value: 1234, Unit: "1/s", Command: "make bench"}}
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
