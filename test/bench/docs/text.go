package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// section is what is known of one benchmark.
type section struct {
	bench  string
	tables []*table
}

// table is figures of one run, measured with one command.
type table struct {
	command string
	run     figure.Report
	figures []figure.Figure
}

// sections are the benchmarks in the order in which the oldest run has them, each
// with every figure once.
func sections(reports []figure.Report) (all []*section) {
	slices.SortFunc(reports, func(a, b figure.Report) int { return a.Date.Compare(b.Date) })
	for _, report := range reports {
		for _, f := range report.Figures {
			i := slices.IndexFunc(all, func(s *section) bool { return s.bench == f.Bench })
			if i < 0 {
				i, all = len(all), append(all, &section{bench: f.Bench})
			}
			all[i].add(f, report)
		}
	}
	return all
}

func (s *section) add(f figure.Figure, run figure.Report) {
	for _, t := range s.tables {
		t.figures = slices.DeleteFunc(t.figures, f.Same)
	}
	i := slices.IndexFunc(s.tables, func(t *table) bool { return t.command == f.Command })
	if i < 0 {
		i, s.tables = len(s.tables), append(s.tables, &table{command: f.Command, run: run})
	}
	if t := s.tables[i]; !t.run.Date.Equal(run.Date) { // what that one has not is gone
		t.run, t.figures = run, nil
	}
	s.tables[i].figures = append(s.tables[i].figures, f)
}

// text is all of it: what has an aim, and then each benchmark.
func text(all []*section) string {
	var out strings.Builder
	out.WriteString("### What has an aim\n\n| figure | value | aim | value ÷ aim | |\n| --- | --- | --- | --- | --- |\n")
	for _, s := range all {
		for _, t := range s.tables {
			for _, f := range t.figures {
				if ratio, verdict := f.ToAim(); verdict != "" {
					row(&out, s.bench+": "+f.Name, f.Text(), f.AimText(), ratio, verdict)
				}
			}
		}
	}
	for _, s := range all {
		fmt.Fprintf(&out, "\n### %s\n", s.bench)
		for _, t := range s.tables {
			t.write(&out)
		}
	}
	return out.String()
}

func (t *table) write(out *strings.Builder) {
	if len(t.figures) == 0 {
		return
	}
	fmt.Fprintf(out, "\n`%s`, %s\n\n| figure | value | conditions |\n| --- | --- | --- |\n", t.command, t.run.Origin())
	for _, f := range t.figures {
		row(out, f.Name, f.Text(), f.Note)
	}
}

func row(out *strings.Builder, cells ...string) {
	for _, cell := range cells {
		out.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
	}
	out.WriteString("|\n")
}
