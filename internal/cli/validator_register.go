package cli

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// registerFlags are those of a registration.
type registerFlags struct {
	moniker, out       string
	addKeys, stakeData bool
	consensusKey       string
	consensusSignature string
}

func registerCommand(s *session, f *txFlags) *cobra.Command {
	var r registerFlags
	c := &cobra.Command{
		Use: "register", Short: "Write this home's registration, for a member to propose",
		Long: `Writes who the validator is, signed by each of its keys: operator, signer and
consensus key. Nothing is sent, and no node is asked: give the file to a member, who
runs "bridged tx gov propose admit FILE --power N". Where validators are admitted by
stake, --stake-data gives what the Staking contract wants as data.

If a remote signer holds the consensus key, bridged cannot have it sign this. Give
--consensus-key; the command then says which 32 bytes that ed25519 key has to sign,
and takes the result as --consensus-signature.`,
		Example: "  bridged tx validator register --out anna.json\n  bridged tx validator register --add-keys --moniker anna > anna.json",
		Args:    args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return s.register(c, f, r)
		},
	}
	c.Flags().StringVar(&r.moniker, "moniker", "", "name (default: the home's)")
	c.Flags().StringVar(&r.out, "out", "", "file to write (default: stdout)")
	c.Flags().BoolVar(&r.addKeys, "add-keys", false, "make the home's signer and operator keys that are missing")
	c.Flags().BoolVar(&r.stakeData, "stake-data", false, "print the registration as the bytes that go with a stake, in hexadecimal")
	c.Flags().StringVar(&r.consensusKey, "consensus-key", "", "ed25519 key in base64, where a remote signer holds it")
	c.Flags().StringVar(&r.consensusSignature, "consensus-signature", "", "its signature in hexadecimal")
	return c
}

func (s *session) register(c *cobra.Command, f *txFlags, flags registerFlags) error {
	chainID, err := s.ownNetwork()
	if err != nil {
		return err
	}
	if flags.addKeys {
		if err := s.addMissingKeys(f); err != nil {
			return err
		}
	}
	operator, err := s.operator(c, f)
	if err != nil {
		return err
	}
	sealing, err := s.signerKey()
	if err != nil {
		return err
	}
	r := types.Registration{Operator: operator.address, Signer: sealing.address}
	if err := s.fillRegistration(&r, flags); err != nil {
		return err
	}
	digest := evmsig.RegistrationDigest(evmsig.NetworkID(chainID), r)
	if f.dryRun || f.generateOnly {
		return s.printRegistration(chainID, r, digest)
	}
	if r.ConsensusSignature, err = s.consensusSignature(flags, r, digest); err != nil {
		return err
	}
	for _, one := range []struct {
		key  operatorKey
		into *types.Signature
	}{{operator, &r.OperatorSignature}, {sealing, &r.SignerSignature}} {
		key, err := one.key.open()
		if err != nil {
			return err
		}
		signature, err := key.Sign(digest)
		if err != nil {
			return err
		}
		*one.into = signature
	}
	if flags.stakeData {
		data, err := bridge.EncodeRegistration(r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.stdout, "0x%x\n", data)
		return err
	}
	return s.writeRegistration(flags.out, r)
}

// ownNetwork is the network that --chain-id or the home's genesis names.
func (s *session) ownNetwork() (string, error) {
	if s.chainID != "" {
		return s.chainID, nil
	}
	genesis, err := node.ReadGenesis(s.home().GenesisFile())
	if err != nil {
		return "", fmt.Errorf("which network is this for? --chain-id, or a home with its genesis, says it: %w", err)
	}
	return genesis.Doc.ChainID, nil
}

// addMissingKeys makes the two keys that a validator needs, where the home has
// none.
func (s *session) addMissingKeys(f *txFlags) error {
	loaded, err := config.Load(s.home(), s.flags)
	if err != nil {
		return err
	}
	files := map[signer.Role]string{signer.RoleOperator: f.passphraseFile, signer.RoleSigner: s.inHome(loaded.Signer.PassphraseFile)}
	names := map[signer.Role]string{signer.RoleOperator: defaultKey, signer.RoleSigner: loaded.Signer.Key}
	for _, role := range []signer.Role{signer.RoleSigner, signer.RoleOperator} {
		_, err := s.keystore(false).Show(role, names[role])
		if err == nil {
			continue
		}
		if !errors.Is(err, signer.ErrNotFound) {
			return err
		}
		passphrase, err := s.passphrase(role, files[role], true)
		if err != nil {
			return err
		}
		info, err := s.keystore(false).Create(role, names[role], passphrase)
		if err != nil {
			return err
		}
		s.note("Made the %s key %s, %s.", role, info.Address, info.Path)
	}
	return nil
}

// inHome is a path that may be relative to the home; empty stays empty.
func (s *session) inHome(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.homeDir, path)
}

// signerKey is the key that the home's [signer] names.
func (s *session) signerKey() (operatorKey, error) {
	loaded, err := config.Load(s.home(), s.flags)
	if err != nil {
		return operatorKey{}, err
	}
	if source := node.SignerSource(s.home(), loaded.Signer); source.KeyEnv != "" {
		key, err := source.Load()
		if err != nil {
			return operatorKey{}, err
		}
		return operatorKey{key.Address(), source.KeyEnv, func() (signer.Key, error) { return key, nil }}, nil
	}
	info, err := s.keystore(false).Show(signer.RoleSigner, loaded.Signer.Key)
	if errors.Is(err, signer.ErrNotFound) {
		return operatorKey{}, fmt.Errorf("%w in %s; make one with \"bridged keys add signer\", or with --add-keys", err, s.homeDir)
	}
	return operatorKey{info.Address, info.Path, func() (signer.Key, error) {
		passphrase, err := s.passphrase(signer.RoleSigner, s.inHome(loaded.Signer.PassphraseFile), false)
		if err != nil {
			return nil, err
		}
		return s.keystore(false).Load(signer.RoleSigner, loaded.Signer.Key, passphrase)
	}}, err
}

// fillRegistration takes name and consensus key from the flags, or the home.
func (s *session) fillRegistration(r *types.Registration, flags registerFlags) error {
	identity, err := node.ReadIdentity(s.home())
	if err != nil {
		return err
	}
	r.Moniker, r.ConsensusKey = identity.Moniker, identity.ConsensusKey
	if flags.moniker != "" {
		r.Moniker = flags.moniker
	}
	if flags.consensusKey != "" {
		if err := r.ConsensusKey.UnmarshalText([]byte(flags.consensusKey)); err != nil {
			return fmt.Errorf("--consensus-key: %w", err)
		}
	}
	if r.ConsensusKey == nil {
		return fmt.Errorf("%w; give --consensus-key", node.ErrRemoteKey)
	}
	return r.Validate()
}

// consensusSignature is the home's key's, or that of the key elsewhere.
func (s *session) consensusSignature(flags registerFlags, r types.Registration, digest types.Hash) (signature types.Signature, err error) {
	switch {
	case flags.consensusKey == "":
		return node.SignWithConsensusKey(s.home(), digest)
	case flags.consensusSignature == "":
		return signature, fmt.Errorf("the consensus key is elsewhere: have it sign these 32 bytes, as they are, with ed25519, and give the result as --consensus-signature: %s", digest)
	}
	if err := signature.UnmarshalText([]byte(flags.consensusSignature)); err != nil {
		return signature, fmt.Errorf("--consensus-signature: %w", err)
	}
	if !ed25519.Verify(ed25519.PublicKey(r.ConsensusKey), digest[:], signature[:]) {
		return signature, fmt.Errorf("--consensus-signature: the consensus key has not signed %s", digest)
	}
	return signature, nil
}

func (s *session) printRegistration(chainID string, r types.Registration, digest types.Hash) error {
	return s.print(map[string]any{"chain_id": chainID, "registration": r, "digest": digest}, func(w io.Writer) {
		key, _ := r.ConsensusKey.MarshalText()
		pairs(w, "network", chainID, "moniker", r.Moniker, "validator id", r.ID().String(), "consensus key", string(key),
			"signer", r.Signer.Hex(), "operator", r.Operator.Hex(), "digest", digest.Hex())
		fmt.Fprintln(w, "\nNothing was signed.")
	})
}

func (s *session) writeRegistration(out string, r types.Registration) error {
	if out == "" {
		return printJSON(s.stdout, r)
	}
	file, err := os.OpenFile(out, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644) //nolint:gosec // nothing secret
	if err != nil {
		return fmt.Errorf("write the registration: %w", err)
	}
	if err := errors.Join(printJSON(file, r), file.Close()); err != nil {
		return fmt.Errorf("write the registration: %w", err)
	}
	s.note("Wrote %s. A member proposes it: bridged tx gov propose admit %s --power N", out, out)
	return nil
}
