package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// keys are those that this node signs with; a nil one means that it does not.
// Of signers there are two while the validator changes from one to the other.
type keys struct {
	signers []signer.Key
	relayer signer.Key
}

// loadKeys opens the keys that are enabled and there. A key that is there and
// cannot be opened stops the start: a validator that silently does not sign is
// worse than one that does not run.
func (n *Node) loadKeys() error {
	if s := n.App.Signer; s.Enabled {
		key, err := n.loadKey(signer.RoleSigner, SignerSource(n.Home, s))
		if err != nil {
			return err
		}
		if key != nil {
			n.keys.signers = append(n.keys.signers, key)
		}
		if err := n.loadNextSigner(); err != nil {
			return err
		}
	}
	if r := n.App.Relayer; r.Enabled {
		key, err := n.loadKey(signer.RoleRelayer, RelayerSource(n.Home, r))
		if err != nil {
			return err
		}
		n.keys.relayer = key
	}
	return nil
}

// loadNextSigner opens the signer's successor. Whoever names one wants it.
func (n *Node) loadNextSigner() error {
	source := NextSignerSource(n.Home, n.App.Signer)
	if source == (signer.Source{}) {
		return nil
	}
	key, err := source.Load()
	if err != nil {
		return fmt.Errorf("load the next signer key: %w", err)
	}
	n.log.Info("loaded key", "role", "next signer", "address", key.Address())
	n.keys.signers = append(n.keys.signers, key)
	return nil
}

// Environment variables that hold a signer key in hexadecimal.
const (
	signerKeyEnv     = "BRIDGED_SIGNER_PRIVATE_KEY"
	nextSignerKeyEnv = "BRIDGED_NEXT_SIGNER_PRIVATE_KEY"
)

// SignerSource is where a home's signer key is.
func SignerSource(home config.Home, s config.Signer) signer.Source {
	if s.Backend == "env" {
		return signer.Source{KeyEnv: signerKeyEnv}
	}
	return keySource(home, signer.RoleSigner, s.Key, s.PassphraseFile)
}

// RelayerSource is where a home's relayer key is.
func RelayerSource(home config.Home, r config.Relayer) signer.Source {
	return keySource(home, signer.RoleRelayer, r.Key, r.PassphraseFile)
}

// NextSignerSource is where the key is that the signer is rotated to; zero while
// none is.
func NextSignerSource(home config.Home, s config.Signer) signer.Source {
	switch {
	case s.Backend == "env" && os.Getenv(nextSignerKeyEnv) != "":
		return signer.Source{KeyEnv: nextSignerKeyEnv}
	case s.Backend == "env" || s.NextKey == "":
		return signer.Source{}
	}
	return keySource(home, signer.RoleSigner, s.NextKey, s.NextPassphraseFile)
}

// keySource is a key in a home's keystore.
func keySource(home config.Home, role signer.Role, name, passphraseFile string) signer.Source {
	source := signer.Source{
		File:       signer.NewStore(home.String()).Path(role, name),
		Passphrase: signer.PassphraseFrom{Env: PassphraseEnv(role)},
	}
	if passphraseFile != "" {
		if !filepath.IsAbs(passphraseFile) {
			passphraseFile = filepath.Join(home.String(), passphraseFile)
		}
		source.Passphrase = signer.PassphraseFrom{File: passphraseFile}
	}
	return source
}

// SignerAddresses are those of the signer keys that a home's configuration names
// and that are there, as far as that can be told without a passphrase.
func SignerAddresses(home config.Home, s config.Signer) (addresses []types.Address) {
	if !s.Enabled {
		return nil
	}
	if s.Backend == "env" {
		for _, source := range []signer.Source{SignerSource(home, s), NextSignerSource(home, s)} {
			if key, err := source.Load(); err == nil {
				addresses = append(addresses, key.Address())
			}
		}
		return addresses
	}
	store := signer.NewStore(home.String())
	for _, name := range []string{s.Key, s.NextKey} {
		if info, err := store.Show(signer.RoleSigner, name); name != "" && err == nil {
			addresses = append(addresses, info.Address)
		}
	}
	return addresses
}

func (n *Node) loadKey(role signer.Role, source signer.Source) (signer.Key, error) {
	if source.KeyEnv == "" {
		if _, err := os.Stat(source.File); errors.Is(err, os.ErrNotExist) {
			n.log.Info("no key of this role", "role", string(role), "file", source.File)
			return nil, nil
		}
	}
	key, err := source.Load()
	if err != nil {
		return nil, fmt.Errorf("load the %s key: %w", role, err)
	}
	n.log.Info("loaded key", "role", string(role), "address", key.Address())
	return key, nil
}

// PassphraseEnv is the environment variable with the passphrase of a role's
// keys.
func PassphraseEnv(role signer.Role) string {
	switch role {
	case signer.RoleSigner:
		return "BRIDGED_SIGNER_PASSPHRASE"
	case signer.RoleOperator:
		return "BRIDGED_OPERATOR_PASSPHRASE"
	default:
		return "BRIDGED_RELAYER_PASSPHRASE"
	}
}

// signerAddresses are none on a node that does not sign.
func (k keys) signerAddresses() []types.Address {
	addresses := make([]types.Address, len(k.signers))
	for i, key := range k.signers {
		addresses[i] = key.Address()
	}
	return addresses
}
