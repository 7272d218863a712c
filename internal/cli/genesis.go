package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func genesisCommand(s *session) *cobra.Command {
	c := group("genesis", "The ceremony that makes a network's first state",
		genesisAddValidatorCommand(s), genesisCollectCommand(s),
		genesisAddChainCommand(s), genesisAddAssetCommand(s), genesisSetParamCommand(s), genesisSetStakingCommand(s),
		genesisValidateCommand(s), genesisHashCommand(s))
	c.Long = `The ceremony, in this order:

  1. Everybody: init, keys add signer, keys add operator, then
     "genesis add-validator --entry > NAME.json", sent to the coordinator.
  2. Coordinator: "genesis collect *.json".
  3. Coordinator: "contracts deploy" on each chain (the contract's first
     validator set is the one collected), then "genesis add-chain" for each, and
     "genesis add-asset" for each asset; "genesis set-param" where a default does
     not fit.
  4. Coordinator: "genesis validate", and sends config/genesis.json around.
  5. Everybody: "contracts verify", compare "genesis hash", start.`
	c.PersistentFlags().String("genesis", "", "genesis file (default: the home's)")
	return c
}

// genesisFile is the file that genesis commands work on.
func (s *session) genesisFile(c *cobra.Command) string {
	if path, err := c.Flags().GetString("genesis"); err == nil && path != "" {
		return path
	}
	return s.home().GenesisFile()
}

// editGenesis reads the file, lets change alter the state, checks the parts
// that there are, and writes it.
func (s *session) editGenesis(c *cobra.Command, change func(*node.Genesis) error) error {
	path := s.genesisFile(c)
	g, err := node.ReadGenesis(path)
	if err != nil {
		return err
	}
	if err := change(&g); err != nil {
		return err
	}
	if len(g.State.Validators) > 0 { // else the set is incomplete, which is no mistake yet
		if err := g.State.Validate(); err != nil {
			return err
		}
	}
	return g.Write(path)
}

type validatorFlags struct {
	power            uint32
	moniker          string
	signer, operator string
	key              string
	entry            bool
}

func genesisAddValidatorCommand(s *session) *cobra.Command {
	var f validatorFlags
	c := &cobra.Command{
		Use: "add-validator", Short: "Add this home's validator, or another one",
		Example: "  bridged genesis add-validator --power 10\n  bridged genesis add-validator --entry > anna.json",
		Args:    args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			v, err := s.validatorEntry(f)
			if err != nil {
				return err
			}
			if f.entry {
				return printJSON(s.stdout, v)
			}
			err = s.editGenesis(c, func(g *node.Genesis) error {
				g.State.Validators, err = mergeValidators(g.State.Validators, v)
				return err
			})
			if err != nil {
				return err
			}
			return s.print(v, func(w io.Writer) { printValidators(w, []types.Validator{v}) })
		},
	}
	c.Flags().Uint32Var(&f.power, "power", 10, "voting power")
	c.Flags().StringVar(&f.moniker, "moniker", "", "name (default: the home's)")
	c.Flags().StringVar(&f.signer, "signer", "", "address that signs seals (default: the home's signer key)")
	c.Flags().StringVar(&f.operator, "operator", "", "address of the operator (default: the home's operator key)")
	c.Flags().StringVar(&f.key, "consensus-key", "", "ed25519 key in base64 (default: the home's)")
	c.Flags().BoolVar(&f.entry, "entry", false, "only print the entry, for the coordinator's genesis collect")
	return c
}

func (s *session) validatorEntry(f validatorFlags) (types.Validator, error) {
	v := types.Validator{Power: f.power, Moniker: f.moniker}
	if f.key != "" {
		if err := v.ConsensusKey.UnmarshalText([]byte(f.key)); err != nil {
			return v, err
		}
	}
	if f.key == "" || f.moniker == "" {
		identity, err := node.ReadIdentity(s.home())
		if err != nil {
			return v, err
		}
		if f.key == "" && identity.ConsensusKey == nil {
			return v, fmt.Errorf("%w; give --consensus-key", node.ErrRemoteKey)
		}
		if f.key == "" {
			v.ConsensusKey = identity.ConsensusKey
		}
		if f.moniker == "" {
			v.Moniker = identity.Moniker
		}
	}
	var err error
	if v.Signer, err = s.roleAddress(f.signer, signer.RoleSigner); err != nil {
		return v, err
	}
	if v.Operator, err = s.roleAddress(f.operator, signer.RoleOperator); err != nil {
		return v, err
	}
	return v, v.Validate()
}

// roleAddress is the address given, or that of the home's key.
func (s *session) roleAddress(given string, role signer.Role) (types.Address, error) {
	if given != "" {
		return parseAddress(given)
	}
	info, err := s.keystore(false).Show(role, defaultKey)
	if errors.Is(err, signer.ErrNotFound) {
		return types.Address{}, fmt.Errorf("%w; make one with \"bridged keys add %s\", or give --%s", err, role, role)
	}
	return info.Address, err
}

// mergeValidators adds v, or replaces the entry with its consensus key, and
// sorts, so that the order of collecting changes nothing.
func mergeValidators(all []types.Validator, v types.Validator) ([]types.Validator, error) {
	if err := v.Validate(); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(o types.Validator) bool { return o.ID() == v.ID() })
	all = append(all, v)
	slices.SortFunc(all, func(a, b types.Validator) int {
		if c := strings.Compare(a.Moniker, b.Moniker); c != 0 {
			return c
		}
		return bytes.Compare(a.ConsensusKey, b.ConsensusKey)
	})
	return all, nil
}

func genesisCollectCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "collect FILE...", Short: "Add the validators of entries or of other genesis files",
		Args: args(1, -1),
		RunE: func(c *cobra.Command, files []string) error {
			var validators []types.Validator
			err := s.editGenesis(c, func(g *node.Genesis) error {
				for _, file := range files {
					found, err := s.readValidators(file)
					if err != nil {
						return err
					}
					for _, v := range found {
						if g.State.Validators, err = mergeValidators(g.State.Validators, v); err != nil {
							return fmt.Errorf("%s: %w", file, err)
						}
					}
				}
				validators = g.State.Validators
				return nil
			})
			if err != nil {
				return err
			}
			return s.print(validators, func(w io.Writer) { printValidators(w, validators) })
		},
	}
}

// readValidators reads an entry, a list of entries, or a genesis file.
func (s *session) readValidators(file string) ([]types.Validator, error) {
	content, err := s.readInput(file)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(content, []byte(`"app_state"`)) {
		g, err := node.ParseGenesis(content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return g.State.Validators, nil
	}
	var one types.Validator
	if err := json.Unmarshal(content, &one); err == nil {
		return []types.Validator{one}, nil
	}
	var list []types.Validator
	if err := json.Unmarshal(content, &list); err != nil {
		return nil, fmt.Errorf("%s is neither a validator entry nor a genesis file: %w", file, err)
	}
	return list, nil
}

func printValidators(w io.Writer, validators []types.Validator) {
	rows := make([][]string, len(validators))
	for i, v := range validators {
		rows[i] = []string{v.Moniker, fmt.Sprint(v.Power), v.ID().String(), v.Signer.Hex(), v.Operator.Hex()}
	}
	table(w, []string{"MONIKER", "POWER", "ID", "SIGNER", "OPERATOR"}, rows)
}

func genesisValidateCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "validate", Short: "Check that a network can start from the genesis", Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			g, err := node.ReadGenesis(s.genesisFile(c))
			if err != nil {
				return err
			}
			if err := g.Validate(); err != nil {
				return err
			}
			result := struct {
				Valid      bool       `json:"valid"`
				ChainID    string     `json:"chain_id"`
				Validators int        `json:"validators"`
				Chains     int        `json:"chains"`
				Assets     int        `json:"assets"`
				SetHash    types.Hash `json:"set_hash"`
			}{true, g.Doc.ChainID, len(g.State.Validators), len(g.State.Chains), len(g.State.Assets), types.Hash{}}
			if len(g.State.Validators) > 0 {
				set, err := types.SignerSet(g.State.Validators)
				if err != nil {
					return err
				}
				result.SetHash = set.Hash()
			}
			return s.print(result, func(w io.Writer) {
				fmt.Fprintf(w, "valid: %s with %d validator(s), %d chain(s), %d asset(s), set hash %s\n",
					result.ChainID, result.Validators, result.Chains, result.Assets, result.SetHash)
			})
		},
	}
}

func genesisHashCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "hash", Short: "Show the SHA-256 of the genesis file, to compare with others", Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			hash, err := node.HashGenesis(s.genesisFile(c))
			if err != nil {
				return err
			}
			return s.print(map[string]string{"sha256": hash}, func(w io.Writer) { fmt.Fprintln(w, hash) })
		},
	}
}
