package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func validatorTxCommand(s *session, f *txFlags) *cobra.Command {
	c := group("validator", "Join the validators, and speak for one's own",
		registerCommand(s, f), editCommand(s, f), rotateSignerCommand(s, f), changeOperatorCommand(s, f),
		leaveCommand(s, f), unjailCommand(s, f))
	c.Long = `A newcomer writes its registration, which a member proposes ("bridged tx gov
propose admit"). All else an operator says of its own validator, and that is in
force from the next epoch on ("bridged status" shows when it may begin).`
	return c
}

func editCommand(s *session, f *txFlags) *cobra.Command {
	moniker := ""
	c := &cobra.Command{
		Use: "edit --moniker NAME", Short: "Change the validator's name", Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(c, "moniker"); err != nil {
				return err
			}
			return s.transact(c, f, func(context.Context, asker, types.Address) (types.Tx, error) {
				return types.Tx{Edit: &types.EditValidator{Moniker: moniker}}, nil
			})
		},
	}
	c.Flags().StringVar(&moniker, "moniker", "", "the new name")
	return c
}

// newKeyFlags name the key that a validator is to have.
type newKeyFlags struct{ passphraseFile string }

func (n *newKeyFlags) add(c *cobra.Command, role signer.Role) {
	c.Flags().StringVar(&n.passphraseFile, "new-passphrase-file", "",
		fmt.Sprintf("file with the new key's passphrase, mode 0600 (default: %s, or the terminal)", passphraseEnv(role)))
}

// withNewKey has a message made that brings a new key of the home's keystore. The
// message takes the validator's registration with that key, and the key's
// signature of it.
func (s *session) withNewKey(n newKeyFlags, role signer.Role, name string, say func(types.Registration, types.Signature) types.Tx) (message, error) {
	_, err := s.keystore(false).Show(role, name)
	if errors.Is(err, signer.ErrNotFound) {
		return nil, fmt.Errorf("%w; make it with \"bridged keys add %s %s\"", err, role, name)
	}
	if err != nil {
		return nil, err
	}
	passphrase, err := s.passphrase(role, n.passphraseFile, false)
	if err != nil {
		return nil, err
	}
	key, err := s.keystore(false).Load(role, name, passphrase)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, ask asker, operator types.Address) (types.Tx, error) {
		own, err := findValidator(ask, operator.Hex())
		if err != nil {
			return types.Tx{}, err
		}
		var network bridge.NetworkState
		if _, err := ask("network", bridge.QueryArgs{}, &network); err != nil {
			return types.Tx{}, err
		}
		r := types.Registration{Operator: own.Operator, ConsensusKey: own.ConsensusKey, Signer: own.Signer, Moniker: own.Moniker}
		if role == signer.RoleSigner {
			r.Signer = key.Address()
		} else {
			r.Operator = key.Address()
		}
		signature, err := key.Sign(evmsig.RegistrationDigest(network.NetworkID, r))
		return say(r, signature), err
	}, nil
}

func rotateSignerCommand(s *session, f *txFlags) *cobra.Command {
	var n newKeyFlags
	c := &cobra.Command{
		Use: "rotate-signer NAME", Short: "Sign seals with another key of the home from the next epoch on",
		Long: `NAME is a signer key of the home ("bridged keys add signer NAME"). First let the
node have both keys: set signer.next_key in app.toml, and restart it. Then rotate.
The node signs with each key what that key's epoch wants; when the new epoch has
begun ("bridged status" says so), make NAME the signer.key, and next_key empty.`,
		Example: "  bridged keys add signer second\n  bridged tx validator rotate-signer second",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			if loaded, err := config.Load(s.home(), s.flags); err == nil && loaded.Signer.Backend == "keystore" && loaded.Signer.NextKey != given[0] {
				s.note("This home's node does not have that key yet: set signer.next_key = %q and restart it before the next epoch begins, or its seals will not count.", given[0])
			}
			say, err := s.withNewKey(n, signer.RoleSigner, given[0], func(r types.Registration, signature types.Signature) types.Tx {
				return types.Tx{Rotate: &types.RotateSigner{Signer: r.Signer, Signature: signature}}
			})
			if err != nil {
				return err
			}
			return s.transact(c, f, say)
		},
	}
	n.add(c, signer.RoleSigner)
	return c
}

func changeOperatorCommand(s *session, f *txFlags) *cobra.Command {
	var n newKeyFlags
	c := &cobra.Command{
		Use: "change-operator NAME", Short: "Hand the validator to another operator key of the home, at once",
		Long: `NAME is an operator key of the home ("bridged keys add operator NAME"). Commands
take it with --key-file from then on, or as the home's default key.`,
		Args: args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			say, err := s.withNewKey(n, signer.RoleOperator, given[0], func(r types.Registration, signature types.Signature) types.Tx {
				return types.Tx{ChangeOperator: &types.ChangeOperator{Operator: r.Operator, Signature: signature}}
			})
			if err != nil {
				return err
			}
			return s.transact(c, f, say)
		},
	}
	n.add(c, signer.RoleOperator)
	return c
}

func leaveCommand(s *session, f *txFlags) *cobra.Command {
	return &cobra.Command{
		Use: "leave", Short: "Leave the validators with the next epoch",
		Long: `Takes the validator out of the next epoch. Its node has to go on until then; it
stays accountable for what it signed until the unbonding time is over.`,
		Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return s.transact(c, f, func(context.Context, asker, types.Address) (types.Tx, error) {
				return types.Tx{Leave: &types.Leave{}}, nil
			})
		},
	}
}

func unjailCommand(s *session, f *txFlags) *cobra.Command {
	return &cobra.Command{
		Use: "unjail", Short: "Come back from jail with the next epoch, once its time is over",
		Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return s.transact(c, f, func(context.Context, asker, types.Address) (types.Tx, error) {
				return types.Tx{Unjail: &types.Unjail{}}, nil
			})
		},
	}
}

func reportCommand(s *session, f *txFlags) *cobra.Command {
	var (
		report          types.ReportSignature
		root, signature string
	)
	c := &cobra.Command{
		Use: "report-signature", Short: "Show a signature of a seal that the network never made; it bans the signer",
		Long: `Reports a seal signature over another root than the network sealed at that height.
No honest node makes one: whoever signed it is banned. Any operator may report.

The state forgets seals whose commands are done. Of those the node that is asked
adds a witness from its seal log, which has to begin before that height. If seals
that were made meanwhile have outdated the witness, run the command again.`,
		Example: "  bridged tx report-signature --epoch 3 --height 41200 --root 0x… --signature 0x…",
		Args:    args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(c, "epoch", "height", "root", "signature"); err != nil {
				return err
			}
			if err := report.Root.UnmarshalText([]byte(root)); err != nil {
				return usagef(c, "--root: %v", err)
			}
			compact, err := compactSignature(signature)
			if err != nil {
				return usagef(c, "--signature: %v", err)
			}
			report.Signature = compact
			return s.transact(c, f, func(_ context.Context, ask asker, _ types.Address) (types.Tx, error) {
				var about app.SealWitnessView
				if _, err := ask(app.SealWitnessQuery, bridge.QueryArgs{Height: report.Height}, &about); err != nil {
					return types.Tx{}, err
				}
				report.Witness = about.Witness
				return types.Tx{Report: &report}, nil
			})
		},
	}
	c.Flags().Uint64Var(&report.Epoch, "epoch", 0, "epoch that the signed seal names")
	c.Flags().Uint64Var(&report.Height, "height", 0, "height that it names")
	c.Flags().StringVar(&root, "root", "", "root that it names")
	c.Flags().StringVar(&signature, "signature", "", "signature in hexadecimal: 64 or 65 bytes")
	return c
}

// compactSignature reads 65 bytes as wallets give them, or the 64 of EIP-2098.
func compactSignature(text string) (types.Signature, error) {
	raw := common.FromHex(text)
	switch {
	case len(raw) == types.SignatureBytes:
		return types.Signature(raw), nil
	case len(raw) == types.SignatureBytes+1 && (raw[64] < 2 || raw[64] == 27 || raw[64] == 28):
		raw[64] %= 27
		return types.Signature(evmsig.Compact([65]byte(raw))), nil
	}
	return types.Signature{}, errors.New("want 64 or 65 bytes in hexadecimal")
}

// findValidator finds a validator by id, operator, signer or moniker.
func findValidator(ask asker, who string) (bridge.ValidatorView, error) {
	var all []bridge.ValidatorView
	if _, err := ask("validators", bridge.QueryArgs{}, &all); err != nil {
		return bridge.ValidatorView{}, err
	}
	for _, same := range []func(v bridge.ValidatorView) bool{
		func(v bridge.ValidatorView) bool {
			return slices.ContainsFunc([]string{v.ID.String(), v.Operator.Hex(), v.Signer.Hex()},
				func(name string) bool { return strings.EqualFold(name, who) })
		},
		func(v bridge.ValidatorView) bool { return v.Moniker == who },
	} {
		var found []bridge.ValidatorView
		for _, v := range all {
			if same(v) {
				found = append(found, v)
			}
		}
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return bridge.ValidatorView{}, fmt.Errorf("%d validators are called %q: name one by its id, %s for example", len(found), who, found[0].ID)
		}
	}
	known := make([]string, len(all))
	for i, v := range all {
		known[i] = cmp.Or(v.Moniker, v.ID.String())
	}
	return bridge.ValidatorView{}, fmt.Errorf("no validator has the id, operator, signer or moniker %q; the network knows %s", who, strings.Join(known, ", "))
}

// consequence says what follows from a validator's own transaction.
func consequence(ask asker, tx types.Tx) (string, error) {
	if tx.Report != nil {
		return "If it is proven, the validator whose signer this is gets banned for ever.", nil
	}
	own, err := findValidator(ask, tx.Operator.Hex())
	if err != nil {
		return "", err
	}
	var network bridge.NetworkState
	if _, err := ask("network", bridge.QueryArgs{}, &network); err != nil {
		return "", err
	}
	name, next := cmp.Or(own.Moniker, own.ID.String()), nextEpoch(network)
	switch {
	case tx.Edit != nil:
		return fmt.Sprintf("%s is called %s at once; nothing else changes.", name, tx.Edit.Moniker), nil
	case tx.Rotate != nil:
		return fmt.Sprintf("From epoch %s, %s signs seals with %s instead of %s. Until it has begun the node needs both keys (signer.key and signer.next_key).",
			next, name, tx.Rotate.Signer, own.Signer), nil
	case tx.ChangeOperator != nil:
		return fmt.Sprintf("Only %s speaks for %s from then on, with its own sequence.", tx.ChangeOperator.Operator, name), nil
	case tx.Leave != nil:
		return fmt.Sprintf("%s is in no set from epoch %s. Its node has to run until then.", name, next), nil
	}
	return fmt.Sprintf("%s returns with power %d from epoch %s, once its jail time is over.", name, own.NextPower, next), nil
}

// nextEpoch is the number of the next epoch and when it may come.
func nextEpoch(n bridge.NetworkState) string {
	return fmt.Sprintf("%d on (its handover begins at height %d at the earliest)", n.Epoch+1, n.EpochHeight+n.Params.EpochBlocks)
}
