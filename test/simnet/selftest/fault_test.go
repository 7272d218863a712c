package main

import (
	"os"
	"strings"
	"testing"
)

// A fault whose text is gone from the sources tests nothing any more.
func TestFaultsFitTheSources(t *testing.T) {
	t.Chdir("../../..")
	faults, err := readFaults("test/simnet/faults")
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) < 15 {
		t.Errorf("only %d faults", len(faults))
	}
	for _, f := range faults {
		overlay, err := f.overlay(t.TempDir())
		if err != nil {
			t.Error(err)
			continue
		}
		if text, err := os.ReadFile(overlay); err != nil || !strings.Contains(string(text), `"Replace"`) {
			t.Errorf("%s: overlay %s: %v", f.name, text, err)
		}
	}
}

func TestParseFault(t *testing.T) {
	const good = "# what\n-- a.go\n<<<<\nold\n====\nnew\n>>>>\n-- b.go\n<<<<\nx\n====\n\n>>>>\n"
	what, edits, err := parseFault(good)
	if err != nil || what != "what" || len(edits) != 2 || edits[0] != (edit{"a.go", "old", "new"}) || edits[1].after != "" {
		t.Errorf("%q %v %v", what, edits, err)
	}
	for _, bad := range []string{"# what\na.go\n", "# what\n-- a.go\n<<<<\nold\n", strings.TrimSuffix(good, ">>>>\n")} {
		if _, _, err := parseFault(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	f := fault{name: "gone", edits: []edit{{"fault_test.go", "\x00", ""}}}
	if _, err := f.overlay(t.TempDir()); err == nil {
		t.Error("a text that is not there")
	}
}
