package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/internal/signer"
)

const defaultKey = "default"

func keysCommand(s *session) *cobra.Command {
	c := group("keys", "Manage this node's keys",
		keysAddCommand(s), keysListCommand(s), keysShowCommand(s),
		keysImportCommand(s), keysExportCommand(s), keysDeleteCommand(s))
	c.Long = `Keys are encrypted files under keys/ROLE in the home. The roles:

  signer    signs seals, with which contracts release money
  operator  signs transactions of the network
  relayer   pays the gas of transactions on connected chains

A passphrase comes from --passphrase-file, from BRIDGED_ROLE_PASSPHRASE (for
example BRIDGED_SIGNER_PASSPHRASE) or from the terminal, never from an argument.`
	return c
}

// keyArgs are ROLE and an optional NAME.
func keyArgs(c *cobra.Command, given []string) (signer.Role, string, error) {
	role, err := signer.ParseRole(given[0])
	if err != nil {
		return "", "", usagef(c, "%v", err)
	}
	if len(given) > 1 {
		return role, given[1], nil
	}
	return role, defaultKey, nil
}

func (s *session) keystore(light bool) *signer.Store {
	if light {
		return signer.NewStore(s.homeDir, signer.LightScrypt())
	}
	return signer.NewStore(s.homeDir)
}

func (s *session) printKey(info signer.Info) error {
	return s.print(info, func(w io.Writer) {
		pairs(w, "role", string(info.Role), "name", info.Name, "address", info.Address.Hex(), "file", info.Path)
	})
}

func keysAddCommand(s *session) *cobra.Command {
	var (
		file  string
		light bool
	)
	c := &cobra.Command{
		Use: "add ROLE [NAME]", Short: "Make a new key", Args: args(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			role, name, err := keyArgs(c, args)
			if err != nil {
				return err
			}
			if _, err := s.keystore(light).Show(role, name); err == nil {
				return fmt.Errorf("%w: %s %s", signer.ErrExists, role, name)
			}
			passphrase, err := s.passphrase(role, file, true)
			if err != nil {
				return err
			}
			info, err := s.keystore(light).Create(role, name, passphrase)
			if err != nil {
				return err
			}
			return s.printKey(info)
		},
	}
	c.Flags().StringVar(&file, "passphrase-file", "", "file with the new key's passphrase, mode 0600")
	c.Flags().BoolVar(&light, "light", false, "encrypt quickly and weakly, for test networks")
	return c
}

func keysListCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "list [ROLE]", Short: "List keys", Args: args(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			roles := signer.Roles()
			if len(args) == 1 {
				role, _, err := keyArgs(c, args)
				if err != nil {
					return err
				}
				roles = []signer.Role{role}
			}
			infos, err := s.keystore(false).List(roles...)
			if err != nil {
				return err
			}
			if infos == nil {
				infos = []signer.Info{}
			}
			return s.print(infos, func(w io.Writer) {
				rows := make([][]string, len(infos))
				for i, info := range infos {
					rows[i] = []string{string(info.Role), info.Name, info.Address.Hex()}
				}
				table(w, []string{"ROLE", "NAME", "ADDRESS"}, rows)
			})
		},
	}
}

func keysShowCommand(s *session) *cobra.Command {
	address := false
	c := &cobra.Command{
		Use: "show ROLE [NAME]", Short: "Show a key's address", Args: args(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			role, name, err := keyArgs(c, args)
			if err != nil {
				return err
			}
			info, err := s.keystore(false).Show(role, name)
			if err != nil {
				return err
			}
			if address {
				_, err := fmt.Fprintln(s.stdout, info.Address.Hex())
				return err
			}
			return s.printKey(info)
		},
	}
	c.Flags().BoolVar(&address, "address", false, "the address alone")
	return c
}

func keysImportCommand(s *session) *cobra.Command {
	var (
		from, file, fromFile string
		light                bool
	)
	c := &cobra.Command{
		Use: "import ROLE [NAME]", Short: "Add a key from a keystore file or 64 hexadecimal digits",
		Example: "  bridged keys import relayer --from key.json --from-passphrase-file old.txt\n  bridged keys import signer --from - < key.hex",
		Args:    args(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			role, name, err := keyArgs(c, args)
			if err != nil {
				return err
			}
			if err := need(c, "from"); err != nil {
				return err
			}
			content, err := s.readInput(from)
			if err != nil {
				return err
			}
			passphrase, err := s.passphrase(role, file, true)
			if err != nil {
				return err
			}
			var info signer.Info
			if json.Valid(content) && strings.HasPrefix(strings.TrimSpace(string(content)), "{") {
				old := passphrase
				if fromFile != "" {
					if old, err = (signer.PassphraseFrom{File: fromFile}).Read(); err != nil {
						return err
					}
				}
				info, err = s.keystore(light).ImportJSON(role, name, content, old, passphrase)
			} else {
				info, err = s.keystore(light).ImportHex(role, name, string(content), passphrase)
			}
			if err != nil {
				return err
			}
			return s.printKey(info)
		},
	}
	c.Flags().StringVar(&from, "from", "", "file to read, or - for stdin")
	c.Flags().StringVar(&fromFile, "from-passphrase-file", "", "file with the passphrase of the keystore file that is read (default: the same as the new one)")
	c.Flags().StringVar(&file, "passphrase-file", "", "file with the new key's passphrase, mode 0600")
	c.Flags().BoolVar(&light, "light", false, "encrypt quickly and weakly, for test networks")
	return c
}

// readInput reads a file, or stdin for "-".
func (s *session) readInput(path string) ([]byte, error) {
	if path == "-" {
		content, err := io.ReadAll(io.LimitReader(s.stdin, 1<<20))
		if err != nil {
			return nil, fmt.Errorf("read stdin: %w", err)
		}
		return content, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	return content, nil
}

func keysExportCommand(s *session) *cobra.Command {
	var (
		file, toFile string
		hex          bool
	)
	c := &cobra.Command{
		Use: "export ROLE [NAME]", Short: "Print a key as an encrypted keystore file", Args: args(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			role, name, err := keyArgs(c, args)
			if err != nil {
				return err
			}
			passphrase, err := s.passphrase(role, file, false)
			if err != nil {
				return err
			}
			if hex {
				digits, err := s.keystore(false).ExportHex(role, name, passphrase)
				if err != nil {
					return err
				}
				s.note("This is the bare key: whoever reads it can sign as you.")
				_, err = fmt.Fprintln(s.stdout, digits)
				return err
			}
			to := passphrase
			if toFile != "" {
				if to, err = (signer.PassphraseFrom{File: toFile}).Read(); err != nil {
					return err
				}
			}
			encrypted, err := s.keystore(false).ExportJSON(role, name, passphrase, to)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(s.stdout, string(encrypted))
			return err
		},
	}
	c.Flags().StringVar(&file, "passphrase-file", "", "file with the key's passphrase, mode 0600")
	c.Flags().StringVar(&toFile, "to-passphrase-file", "", "file with the passphrase of what is printed (default: the same)")
	c.Flags().BoolVar(&hex, "insecure-hex", false, "print the bare key instead")
	return c
}

func keysDeleteCommand(s *session) *cobra.Command {
	yes := false
	c := &cobra.Command{
		Use: "delete ROLE [NAME]", Short: "Delete a key for good", Args: args(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			role, name, err := keyArgs(c, args)
			if err != nil {
				return err
			}
			info, err := s.keystore(false).Show(role, name)
			if err != nil {
				return err
			}
			if !yes {
				ok, err := s.confirm(fmt.Sprintf("Delete the %s key %s for good?", role, info.Address))
				if err != nil {
					return err
				}
				if !ok {
					s.note("Nothing was deleted.")
					return nil
				}
			}
			if err := s.keystore(false).Delete(role, name); err != nil {
				return err
			}
			s.note("Deleted %s.", info.Path)
			return nil
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}
