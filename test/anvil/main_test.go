package anvil

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/icrosschain/bridged/test/cluster"
)

// Programs under test: bridged is built once, anvil was installed.
var bridged, anvil string

func TestMain(m *testing.M) {
	flag.Parse()
	anvil = findAnvil()
	if testing.Short() || anvil == "" {
		os.Exit(m.Run())
	}
	os.Exit(cluster.BuildAndRun(&bridged, m))
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
