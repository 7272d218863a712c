package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func genesisSetStakingCommand(s *session) *cobra.Command {
	var activation string
	c := &cobra.Command{
		Use: "set-staking CHAIN", Short: "Let validators be admitted, and have power, by their stake on a chain",
		Long: `Lets validators be admitted, and have power, by their stake in the staking contract of
a chain of this genesis, instead of by vote. Until registered validators have staked the
activation, the powers are those of the genesis: who stakes first would have all the power
otherwise.`,
		Example: "  bridged genesis set-staking ethereum --activation 4000000000000000000000000",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			amount, err := types.ParseAmount(activation)
			if err != nil {
				return usagef(c, "--activation: %v", err)
			}
			staking := types.Staking{Activation: amount}
			err = s.editGenesis(c, func(g *node.Genesis) error {
				for _, chain := range g.State.Chains {
					if chain.Label == given[0] {
						staking.Chain = chain.ID
					}
				}
				if staking.Chain == 0 {
					return fmt.Errorf(`chain %s is not in this genesis: add it with "genesis add-chain"`, given[0])
				}
				g.State.Staking = &staking
				return nil
			})
			if err != nil {
				return err
			}
			return s.print(staking, func(w io.Writer) {
				fmt.Fprintf(w, "validators stake on chain %s; powers follow the stake from %s units of the staked token on\n", given[0], staking.Activation)
			})
		},
	}
	c.Flags().StringVar(&activation, "activation", "", "stake of all registered validators, in units of the staked token, from which on powers follow it")
	return c
}
