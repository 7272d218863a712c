// Command bridged is the validator of a bridge network, and the tool of those
// who run or ask one.
package main

import (
	"os"

	"github.com/icrosschain/bridged/internal/cli"
)

func main() { os.Exit(cli.Main()) }
