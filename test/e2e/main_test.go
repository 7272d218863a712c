package e2e

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/icrosschain/bridged/test/cluster"
)

// executable is the bridged under test, built once.
var executable string

// networks is how many run at once, unless -parallel says otherwise. They wait
// for blocks most of the time, so they can be more than there are cores.
const networks = "3"

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", networks); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	if testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "bridged-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if executable, err = cluster.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
