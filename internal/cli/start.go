package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/ops"
)

func startCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "start", Short: "Run the node: consensus, observers, signer and relayer",
		Long: `Runs the node until it is interrupted. Without a signer key it follows the
network and signs nothing. Logs go to stderr.

It may be killed at any time, and comes back where it was. Exit code 11 means
that consensus failed in this process, 12 that it stopped rather than risk
signing twice.`,
		Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if !s.home().Exists() {
				return fmt.Errorf("no node in %s; run \"bridged init MONIKER\" first", s.homeDir)
			}
			comet, err := config.LoadComet(s.home())
			if err != nil {
				return err
			}
			loaded, err := config.Load(s.home(), s.flags)
			if err != nil {
				return err
			}
			log, err := ops.NewLogger(s.stderr, ops.LogConfig{Level: loaded.Log.Level, Format: loaded.Log.Format})
			if err != nil {
				return err
			}
			return node.Run(c.Context(), node.Options{
				Home: s.home(), App: loaded.Config, Comet: comet, Logger: log, Version: version,
			})
		},
	}
}
