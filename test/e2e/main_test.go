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
	if testing.Short() {
		os.Exit(m.Run())
	}
	os.Exit(cluster.BuildAndRun(&executable, m))
}
