package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
)

func configCommand(s *session) *cobra.Command {
	return group("config", "Show and check the configuration",
		configViewCommand(s), configGetCommand(s), configValidateCommand(s))
}

func configViewCommand(s *session) *cobra.Command {
	origin := false
	c := &cobra.Command{
		Use: "view", Short: "Show every value in force, without secrets", Args: args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			loaded, err := config.Load(s.home(), s.flags)
			if err != nil {
				return err
			}
			return s.print(loaded.Settings, func(w io.Writer) {
				for _, setting := range loaded.Settings {
					fmt.Fprintf(w, "%s = %s", setting.Key, setting.Value)
					if origin {
						fmt.Fprintf(w, "  # %s", setting.Origin)
					}
					fmt.Fprintln(w)
				}
			})
		},
	}
	c.Flags().BoolVar(&origin, "origin", false, "with where each value comes from: flag, environment, file or default")
	return c
}

func configGetCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "get KEY", Short: "Show one value in force", Example: "  bridged config get log.level", Args: args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			loaded, err := config.Load(s.home(), s.flags)
			if err != nil {
				return err
			}
			for _, setting := range loaded.Settings {
				if setting.Key == args[0] {
					return s.print(setting, func(w io.Writer) { fmt.Fprintln(w, setting.Value) })
				}
			}
			return usagef(c, "%q is no key of app.toml; \"bridged config view\" lists them", args[0])
		},
	}
}

func configValidateCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "validate", Short: "Check app.toml and config.toml", Args: args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if _, err := config.LoadComet(s.home()); err != nil {
				return err
			}
			loaded, err := config.Load(s.home(), s.flags)
			if err != nil {
				return err
			}
			result := struct {
				Valid  bool `json:"valid"`
				Chains int  `json:"chains"`
			}{true, len(loaded.Chains)}
			return s.print(result, func(w io.Writer) {
				fmt.Fprintf(w, "valid: %s and %s, %d chain(s)\n", s.home().AppFile(), s.home().CometFile(), len(loaded.Chains))
			})
		},
	}
}
