package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func proposeAdmitCommand(s *session, f *txFlags) *cobra.Command {
	var power uint32
	c := &cobra.Command{
		Use: "admit REGISTRATION|-", Short: "Take a validator into the next epoch",
		Long: `Reads the registration that the newcomer's "bridged tx validator register" wrote.
Once the proposal passes the validator is known, and in the next epoch as far as
the limits of shares and gains let it ("bridged query params": max_share, max_gain).`,
		Example: "  bridged tx gov propose admit anna.json --power 10",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			if err := need(c, "power"); err != nil {
				return err
			}
			raw, err := s.readInput(given[0])
			if err != nil {
				return err
			}
			admit := types.AdmitValidator{Power: power}
			if err := decodeStrict(raw, &admit.Registration); err != nil {
				return fmt.Errorf("%s is no registration, as \"bridged tx validator register\" writes it: %w", given[0], err)
			}
			return s.propose(c, f, func(_ context.Context, ask asker) (types.Content, error) {
				return types.Content{AdmitValidator: &admit}, s.sameNetwork(ask, given[0], admit.Registration)
			})
		},
	}
	c.Flags().Uint32Var(&power, "power", 0, "voting power, in the unit of \"bridged query validators\"")
	return c
}

// sameNetwork says early, and more clearly than the state, that a registration
// was signed for another network.
func (s *session) sameNetwork(ask asker, file string, r types.Registration) error {
	var network bridge.NetworkState
	if _, err := ask("network", bridge.QueryArgs{}, &network); err != nil {
		return err
	}
	by, err := evmsig.Recover(evmsig.RegistrationDigest(network.NetworkID, r), r.OperatorSignature)
	if err != nil || by != r.Operator {
		return fmt.Errorf("%s: its operator has not signed it for network %s; have it made anew with --chain-id %s", file, network.ChainID, network.ChainID)
	}
	return nil
}

func proposeSetPowerCommand(s *session, f *txFlags) *cobra.Command {
	var power uint32
	c := &cobra.Command{
		Use: "set-power VALIDATOR", Short: "Change a validator's power from the next epoch on",
		Example: "  bridged tx gov propose set-power anna --power 20",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			if err := need(c, "power"); err != nil {
				return err
			}
			return s.propose(c, f, func(_ context.Context, ask asker) (types.Content, error) {
				v, err := findValidator(ask, given[0])
				return types.Content{SetPower: &types.SetPower{Validator: v.ID, Power: power}}, err
			})
		},
	}
	c.Flags().Uint32Var(&power, "power", 0, "the new voting power; \"remove\" is for none")
	return c
}

func proposeRemoveCommand(s *session, f *txFlags) *cobra.Command {
	return &cobra.Command{
		Use: "remove VALIDATOR", Short: "Take a validator out of the next epoch",
		Long: `VALIDATOR is an id, an operator's address or a moniker. The validator may be
admitted again by another vote.`,
		Args: args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			return s.propose(c, f, func(_ context.Context, ask asker) (types.Content, error) {
				v, err := findValidator(ask, given[0])
				return types.Content{RemoveValidator: &types.RemoveValidator{Validator: v.ID}}, err
			})
		},
	}
}
