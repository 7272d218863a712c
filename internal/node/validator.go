package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// ErrRemoteKey says that a home's consensus key is not in the home.
var ErrRemoteKey = errors.New("the consensus key is with the remote signer (priv_validator_laddr in config.toml), which has to be asked for it")

// HasRemoteSigner says whether another process holds the consensus key.
func HasRemoteSigner(c *cmtconfig.Config) bool { return c.PrivValidatorListenAddr != "" }

// openValidator gets the consensus key: the home's, or that of a remote signer,
// and then the home's is neither used nor needed.
func (n *Node) openValidator(ctx context.Context, logger ops.CometLogger) error {
	if !HasRemoteSigner(n.Comet) {
		validator, err := loadValidator(n.Home, n.hasBlocks())
		if err != nil {
			return err
		}
		n.validator, n.self = validator, types.ValidatorID(validator.GetAddress())
		return nil
	}
	nodeKey, err := p2p.LoadNodeKey(n.Home.NodeKeyFile())
	if err != nil {
		return fmt.Errorf("read node key: %w", err)
	}
	address := n.Comet.PrivValidatorListenAddr
	remote, err := listenForSigner(address, n.genesis.Doc.ChainID, nodeKey, n.Logger, logger)
	if err != nil {
		return err
	}
	n.validator = remote // closed with the node
	n.progress.step("a remote signer to connect to " + address)
	n.log.Info("waiting for the remote signer", "address", address)
	if err := remote.await(ctx, cmp.Or(n.SignerWait, signerWait)); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	n.self = types.ValidatorID(remote.key.Address())
	n.health.Add("remote_signer", remote.check)
	n.log.Info("the remote signer has connected", "validator", n.self)
	return nil
}

// loadValidator gives the consensus key with what it signed last. CometBFT's
// own loader ends the process on a bad file, so the files are checked before.
func loadValidator(home config.Home, hasBlocks bool) (*privval.FilePV, error) {
	if _, err := readValidatorKey(home); err != nil {
		return nil, err
	}
	_, err := SignedHeight(home)
	switch {
	case err == nil:
		return privval.LoadFilePV(home.ValidatorKeyFile(), home.ValidatorStateFile()), nil
	case errors.Is(err, fs.ErrNotExist) && !hasBlocks:
		pv := privval.LoadFilePVEmptyState(home.ValidatorKeyFile(), home.ValidatorStateFile())
		pv.LastSignState.Save()
		return pv, nil
	}
	return nil, fmt.Errorf("%w: %w; this node has blocks but not what it signed last: restore %s, or wait until no vote of this key can be open any more and write height \"0\" into it",
		ErrSigningSafety, err, home.ValidatorStateFile())
}

func readValidatorKey(home config.Home) (privval.FilePVKey, error) {
	var key privval.FilePVKey
	content, err := os.ReadFile(home.ValidatorKeyFile())
	if err != nil {
		return key, fmt.Errorf("read consensus key: %w", err)
	}
	if err := unmarshalComet(content, &key); err != nil || key.PubKey == nil || key.PrivKey == nil {
		return key, fmt.Errorf("%s is no consensus key file", home.ValidatorKeyFile())
	}
	return key, nil
}

// SignWithConsensusKey signs a digest of this network with the home's consensus
// key, as a registration wants it. No vote or proposal of CometBFT has 32 bytes.
func SignWithConsensusKey(home config.Home, digest types.Hash) (types.Signature, error) {
	comet, err := config.LoadComet(home)
	if err != nil {
		return types.Signature{}, err
	}
	if HasRemoteSigner(comet) {
		return types.Signature{}, ErrRemoteKey
	}
	key, err := readValidatorKey(home)
	if err != nil {
		return types.Signature{}, err
	}
	signature, err := key.PrivKey.Sign(digest[:])
	if err != nil || len(signature) != types.SignatureBytes {
		return types.Signature{}, fmt.Errorf("sign with the consensus key: %d bytes, %w", len(signature), err)
	}
	return types.Signature(signature), nil
}

// SignedHeight is the height signed last.
func SignedHeight(home config.Home) (int64, error) {
	content, err := os.ReadFile(home.ValidatorStateFile())
	if err != nil {
		return 0, fmt.Errorf("read what was signed last: %w", err)
	}
	var state struct {
		Height int64 `json:"height,string"`
	}
	if err := json.Unmarshal(content, &state); err != nil {
		return 0, fmt.Errorf("%s does not say what was signed last: %w", home.ValidatorStateFile(), err)
	}
	return state.Height, nil
}
