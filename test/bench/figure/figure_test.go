package figure

import (
	"bytes"
	"os"
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

// What is no whole report of this suite is refused, and it is said why.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	const whole = `{"command": "c", "commit": "d", "date": "2026-01-02T03:04:05Z", "machine": {"cores": 2}, "figures": [
		{"bench": "a", "name": "x", "value": 1, "unit": "ms", "command": "c"}]}`
	file := filepath.Join(t.TempDir(), "bench.json")
	if _, err := Read(file); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error("a file that is not there:", err)
	}
	for text, why := range map[string]string{
		whole:       "",
		"":          "EOF",
		"[1]":       "cannot unmarshal array",
		`{"a": 1}`:  `unknown field "a"`,
		whole + "}": "invalid character '}'",
		strings.Replace(whole, `"value": 1, `, "", 1):            `figure 1: there is no "value"`,
		strings.Replace(whole, `"value": 1`, `"value": "1"`, 1):  "cannot unmarshal string",
		strings.Replace(whole, `"bench": "a", `, "", 1):          `figure 1: there is no "bench"`,
		strings.Replace(whole, `"unit"`, `"mean": 3, "unit"`, 1): `unknown field "mean"`,
		strings.Replace(whole, `"commit": "d", `, "", 1):         `there is no "commit"`,
		whole[:strings.Index(whole, "[")] + "[]}":                "there are no figures",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read(file)
		if why == "" && err != nil || why != "" && (err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "measure again")) {
			t.Errorf("%s\n%v, want %q", text, err, why)
		}
	}
}

func TestToPrevious(t *testing.T) {
	t.Parallel()
	previous := Report{Figures: []Figure{{Name: "x", Value: 4}, {Name: "none"}}}
	for want, f := range map[string]Figure{
		"1.50": {Name: "x", Value: 6}, "1": {Name: "none"}, "was 0": {Name: "none", Value: 2}, "new": {Name: "y"},
	} {
		if got := f.toPrevious(previous); got != want {
			t.Errorf("%+v is %q, want %q", f, got, want)
		}
	}
}
