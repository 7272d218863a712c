package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestDemo runs the whole demo. `make demo` is the same; this is for those who
// run `make test-long` alone.
func TestDemo(t *testing.T) {
	if os.Getenv("BRIDGED_LONG") == "" {
		t.Skip("takes more than a minute; set BRIDGED_LONG=1")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "bridged")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../bridged")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build bridged: %v\n%s", err, out)
	}
	var out output
	file := filepath.Join(dir, "report.json")
	cmd := command()
	cmd.SetArgs([]string{"demo", "--bridged", program, "--dir", filepath.Join(dir, "net"), "--json", file})
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if !r.OK || len(r.Transfers) < 4+2*userCount {
		t.Errorf("%d transfers, failures %q", len(r.Transfers), r.Failures)
	}
	if _, err := os.Stat(filepath.Join(dir, "net")); !os.IsNotExist(err) {
		t.Errorf("left behind: %v", err)
	}
}
