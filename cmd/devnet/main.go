// Command devnet runs a whole network on this machine: EVM chains inside this
// process, and validators as processes beside it. It is for development, demos
// and benchmarks; bridged itself links no EVM node and knows nothing of it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	// A second signal, while all is being taken down, ends the program at once;
	// its children then die with it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "devnet:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "devnet",
		Short:         "Run a bridge network with its chains on this machine",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(runCommand(), demoCommand(), setDemoCommand(), chainsCommand())
	return root
}

// chainsCommand runs the two chains without a bridge.
func chainsCommand() *cobra.Command {
	options := defaultChainOptions()
	cmd := &cobra.Command{
		Use:   "chains",
		Short: "Run the two EVM chains alone, with test tokens, until interrupted",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runChains(cmd.Context(), cmd.OutOrStdout(), options)
		},
	}
	options.bind(cmd.Flags())
	return cmd
}
