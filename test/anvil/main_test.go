package anvil

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/icrosschain/bridged/test/cluster"
)

// Programs under test: bridged is built once, anvil was installed.
var bridged, anvil string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	anvil = findAnvil()
	if testing.Short() || anvil == "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "bridged-anvil-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if bridged, err = cluster.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// findAnvil is the program's path, empty if it is not there.
func findAnvil() string {
	for _, path := range []string{os.Getenv("BRIDGED_ANVIL"), "../../bin/tools/anvil"} {
		if path == "" {
			continue
		}
		if absolute, err := filepath.Abs(path); err == nil {
			if _, err := os.Stat(absolute); err == nil {
				return absolute
			}
		}
	}
	return ""
}

// need skips a test where it cannot run, but not where everything has to.
func need(t *testing.T) {
	t.Helper()
	switch {
	case testing.Short():
		t.Skip("starts a network")
	case anvil == "" && os.Getenv("CI") != "":
		t.Fatal("there is no anvil: make bin/tools/anvil")
	case anvil == "":
		t.Skip("there is no anvil: make bin/tools/anvil")
	}
}
