package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
)

func initCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "init MONIKER", Short: "Make a new home: keys, configuration, databases and an empty genesis",
		Example: "  bridged init anna --chain-id bridge-1",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if s.chainID == "" {
				return usagef(c, "--chain-id is needed: the id of the network, for example bridge-1")
			}
			genesis, err := node.NewGenesis(s.chainID, time.Now())
			if err != nil {
				return usagef(c, "%v", err)
			}
			identity, err := node.CreateHome(s.home(), node.HomeSpec{
				Moniker: args[0], App: config.Default(), Genesis: genesis,
			})
			if err != nil {
				return err
			}
			s.note("Made %s. Next: \"bridged keys add signer\" and \"bridged keys add operator\", then \"bridged genesis add-validator\".", s.homeDir)
			return s.print(identity, func(w io.Writer) { printIdentity(w, identity) })
		},
	}
}

func printIdentity(w io.Writer, i node.Identity) {
	key, _ := i.ConsensusKey.MarshalText()
	pairs(w, "moniker", i.Moniker, "home", i.Home, "node id", i.NodeID,
		"consensus key", string(key), "validator id", fmt.Sprint(i.Validator))
}
