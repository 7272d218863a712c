package figure

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestMet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		f    Figure
		want bool
	}{
		{Figure{Value: 1}, true},
		{Figure{Value: 10, Aim: 10}, true},
		{Figure{Value: 9.9, Aim: 10}, false},
		{Figure{Value: 10, Aim: 10, AtMost: true}, true},
		{Figure{Value: 10.1, Aim: 10, AtMost: true}, false},
	} {
		if got := c.f.Met(); got != c.want {
			t.Errorf("%+v: %v", c.f, got)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "0", 1: "1", 0.0123456: "0.0123", 0.91: "0.91", 12.345: "12.3", 123.45: "123.5", 1234.5: "1,234",
		607_229: "607,229", 1_000_000: "1,000,000", -1234: "-1,234", -0.5: "-0.50",
	} {
		if got := Number(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

// A report survives a file, and the table of the next run has the ratios to it.
func TestReport(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bench.json")
	first := NewReport(t.Context(), "make bench")
	if first.Machine.Cores == 0 || first.Date.IsZero() || first.Commit == "" {
		t.Errorf("%+v", first)
	}
	first.Figures = []Figure{{Bench: "a", Name: "x", Value: 4, Unit: "ms", Aim: 5, AtMost: true, Note: "n"}}
	if err := first.Write(file); err != nil {
		t.Fatal(err)
	}
	read, err := Read(file)
	if err != nil || !reflect.DeepEqual(read, first) {
		t.Fatalf("%+v %v, want %+v", read, err, first)
	}
	var out bytes.Buffer
	if err := Print(&out, []Figure{
		{Bench: "a", Name: "x", Value: 6, Unit: "ms", Aim: 5, AtMost: true, Note: "n"},
		{Bench: "a", Name: "y", Value: 1, Unit: Ratio},
	}, &read); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range [][]string{
		{"figure", "value", "unit", "aim", "value ÷ aim", "value ÷ previous"},
		{"a: x", "6", "ms", "≤ 5", "1.20 missed", "1.50", "n"},
		{"a: y", "1", "ratio", "new"},
	} {
		rest := lines[i]
		for _, cell := range want {
			_, after, found := strings.Cut(rest, cell)
			if !found {
				t.Errorf("line %q has no %q", lines[i], cell)
			}
			rest = after
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bench.json")
	if _, err := Read(file); err == nil {
		t.Error("a file that is not there was read")
	}
	if err := (Report{}).Write(file); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(file); err == nil {
		t.Error("a report without figures was read")
	}
}
