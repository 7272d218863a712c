package figure

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Print writes figures as a table. With a previous report each one is divided by
// what it was then.
func Print(out io.Writer, figures []Figure, previous *Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	columns := []string{"figure", "value", "unit", "aim", "value ÷ aim"}
	if previous != nil {
		columns = append(columns, "value ÷ previous")
	}
	row(w, columns)
	for _, f := range figures {
		ratio, verdict := f.ToAim()
		if verdict == "missed" {
			ratio += " missed"
		}
		cells := []string{f.Bench + ": " + f.Name, Number(f.Value), f.Unit, f.AimText(), ratio}
		if previous != nil {
			cells = append(cells, f.toPrevious(*previous))
		}
		row(w, append(cells, f.Note))
	}
	return w.Flush()
}

func row(w io.Writer, cells []string) { _, _ = fmt.Fprintln(w, strings.Join(cells, "\t")) }

// Text is the value with its unit, for a sentence.
func (f Figure) Text() string {
	switch unit, per := strings.CutPrefix(f.Unit, "1/"); {
	case f.Unit == Ratio || f.Unit == "1":
		return Number(f.Value)
	case per:
		return Number(f.Value) + "/" + unit
	default:
		return Number(f.Value) + " " + f.Unit
	}
}

// AimText is the aim; empty where there is none.
func (f Figure) AimText() string {
	switch {
	case f.Aim == 0:
		return ""
	case f.AtMost:
		return "≤ " + Number(f.Aim)
	default:
		return "≥ " + Number(f.Aim)
	}
}

// ToAim is the value divided by the aim, and whether that is good enough; both
// are empty where there is none.
func (f Figure) ToAim() (ratio, verdict string) {
	switch {
	case f.Aim == 0:
		return "", ""
	case f.Met():
		return Number(f.Value / f.Aim), "met"
	default:
		return Number(f.Value / f.Aim), "missed"
	}
}

func (f Figure) toPrevious(previous Report) string {
	switch was, ok := previous.find(f); {
	case !ok:
		return "new"
	case was.Value == f.Value:
		return "1"
	case was.Value == 0:
		return "was 0"
	default:
		return Number(f.Value / was.Value)
	}
}

// Number is a value as people read it: with commas, and with no more digits
// behind the point than mean something.
func Number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v)
	}
	digits := 0
	switch abs := math.Abs(v); {
	case v == math.Trunc(v):
	case abs < 0.1:
		return strconv.FormatFloat(v, 'g', 3, 64)
	case abs < 10:
		digits = 2
	case abs < 1000:
		digits = 1
	}
	text := strconv.FormatFloat(math.Abs(v), 'f', digits, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if v < 0 {
		whole = "-" + whole
	}
	return whole
}

// Count is a number of things, which are named in the singular.
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return Number(float64(n)) + " " + thing + "s"
}
