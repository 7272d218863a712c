package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// print writes a result: value as JSON, or what text writes for people.
func (s *session) print(value any, text func(w io.Writer)) error {
	if s.output == "json" {
		return printJSON(s.stdout, value)
	}
	text(s.stdout)
	return nil
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("print the result: %w", err)
	}
	return nil
}

// table writes rows in columns under a header.
func table(w io.Writer, header []string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	writeRow(t, header)
	for _, row := range rows {
		writeRow(t, row)
	}
	_ = t.Flush()
}

func writeRow(w io.Writer, cells []string) {
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(w, "\t")
		}
		fmt.Fprint(w, cell)
	}
	fmt.Fprintln(w)
}

// pairs writes names and values, aligned.
func pairs(w io.Writer, namesAndValues ...string) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		fmt.Fprintf(t, "%s\t%s\n", namesAndValues[i], namesAndValues[i+1])
	}
	_ = t.Flush()
}

// note tells the user something that is no result.
func (s *session) note(format string, values ...any) {
	fmt.Fprintf(s.stderr, format+"\n", values...)
}
