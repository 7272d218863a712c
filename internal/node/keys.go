package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// keys are those that this node signs with; a nil one means that it does not.
type keys struct {
	signer  signer.Key
	relayer signer.Key
}

// loadKeys opens the keys that are enabled and there. A key that is there and
// cannot be opened stops the start: a validator that silently does not sign is
// worse than one that does not run.
func (n *Node) loadKeys() (err error) {
	if s := n.App.Signer; s.Enabled {
		n.keys.signer, err = n.loadKey(signer.RoleSigner, s.Key, s.PassphraseFile, s.Backend == "env")
		if err != nil {
			return err
		}
	}
	if r := n.App.Relayer; r.Enabled {
		n.keys.relayer, err = n.loadKey(signer.RoleRelayer, r.Key, r.PassphraseFile, false)
	}
	return err
}

func (n *Node) loadKey(role signer.Role, name, passphraseFile string, fromEnv bool) (signer.Key, error) {
	source := signer.Source{
		File:       signer.NewStore(n.Home.String()).Path(role, name),
		Passphrase: signer.PassphraseFrom{Env: PassphraseEnv(role)},
	}
	if passphraseFile != "" {
		if !filepath.IsAbs(passphraseFile) {
			passphraseFile = filepath.Join(n.Home.String(), passphraseFile)
		}
		source.Passphrase = signer.PassphraseFrom{File: passphraseFile}
	}
	if fromEnv {
		source = signer.Source{KeyEnv: "BRIDGED_SIGNER_KEY"}
	} else if _, err := os.Stat(source.File); errors.Is(err, os.ErrNotExist) {
		n.log.Info("no key of this role", "role", string(role), "file", source.File)
		return nil, nil
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

// signerAddress is zero on a node that does not sign.
func (k keys) signerAddress() types.Address {
	if k.signer == nil {
		return types.Address{}
	}
	return k.signer.Address()
}
