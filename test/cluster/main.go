package cluster

import (
	"fmt"
	"os"
)

// BuildAndRun builds bridged, hands over where it is, runs tests, and returns their
// exit code.
func BuildAndRun(executable *string, tests interface{ Run() int }) int {
	dir, err := os.MkdirTemp("", "bridged-test-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		*executable, err = Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return tests.Run()
}
