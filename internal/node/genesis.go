package node

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	cmtjson "github.com/cometbft/cometbft/libs/json"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Genesis is a network's first state: CometBFT's document around the protocol's.
// The validators stand in the protocol's part only; InitChain hands them to
// CometBFT.
type Genesis struct {
	Doc   cmttypes.GenesisDoc
	State types.Genesis
}

var chainIDPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{2,49}$`)

// NewGenesis is a network without validators, chains and assets.
func NewGenesis(chainID string, at time.Time) (Genesis, error) {
	if !chainIDPattern.MatchString(chainID) {
		return Genesis{}, fmt.Errorf("chain id %q: want 3 to 50 of a-z, 0-9 and -, for example bridge-1", chainID)
	}
	params := cmttypes.DefaultConsensusParams()
	params.Block.MaxBytes = config.MaxBlockBytes
	params.Block.MaxGas = -1
	params.ABCI.VoteExtensionsEnableHeight = 1 // for good: it can never be changed
	return Genesis{
		Doc: cmttypes.GenesisDoc{
			GenesisTime: at.UTC().Truncate(time.Millisecond), ChainID: chainID, InitialHeight: 1, ConsensusParams: params,
		},
		State: types.Genesis{
			Params: types.DefaultParams(), Validators: []types.Validator{}, Chains: []types.Chain{}, Assets: []types.Asset{},
		},
	}, nil
}

// ReadGenesis reads a genesis file.
func ReadGenesis(path string) (Genesis, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Genesis{}, fmt.Errorf("read genesis: %w", err)
	}
	return ParseGenesis(content)
}

// ParseGenesis reads the content of a genesis file. Unknown fields of our part
// are errors: a misspelt one would silently be a default.
func ParseGenesis(content []byte) (Genesis, error) {
	var g Genesis
	if err := unmarshalComet(content, &g.Doc); err != nil {
		return Genesis{}, fmt.Errorf("read genesis: %w", err)
	}
	if err := decodeStrict(g.Doc.AppState, &g.State); err != nil {
		return Genesis{}, fmt.Errorf("read genesis: app_state: %w", err)
	}
	return g, nil
}

// content is what a genesis file holds.
func (g Genesis) content() ([]byte, error) {
	state, err := json.Marshal(g.State)
	if err != nil {
		return nil, fmt.Errorf("encode genesis: %w", err)
	}
	g.Doc.AppState = state
	content, err := cmtjson.MarshalIndent(g.Doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode genesis: %w", err)
	}
	return append(content, '\n'), nil
}

// Hash is what HashGenesis gives for the file that Write writes.
func (g Genesis) Hash() (string, error) {
	content, err := g.content()
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), err
}

// Write puts the genesis into a file, atomically.
func (g Genesis) Write(path string) error {
	content, err := g.content()
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".genesis-")
	if err != nil {
		return fmt.Errorf("write genesis: %w", err)
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write genesis: %w", err), os.Remove(temporary.Name()))
	}
	return nil
}

// Validate checks a genesis that a network is to start from.
func (g Genesis) Validate() error {
	if !chainIDPattern.MatchString(g.Doc.ChainID) {
		return fmt.Errorf("genesis: chain id %q: want 3 to 50 of a-z, 0-9 and -", g.Doc.ChainID)
	}
	if len(g.Doc.Validators) > 0 {
		return errors.New("genesis: validators stand in app_state.validators, not beside it; empty the outer list")
	}
	doc := g.Doc
	if err := doc.ValidateAndComplete(); err != nil {
		return fmt.Errorf("genesis: %w", err)
	}
	if h := doc.ConsensusParams.ABCI.VoteExtensionsEnableHeight; h != doc.InitialHeight {
		return fmt.Errorf("genesis: consensus_params.abci.vote_extensions_enable_height = %d: want %d, the initial height", h, doc.InitialHeight)
	}
	if n := doc.ConsensusParams.Block.MaxBytes; n < int64(g.State.Params.PayloadBytes)+1<<20 || n > 64<<20 {
		return fmt.Errorf("genesis: consensus_params.block.max_bytes = %d: want from a MiB above payload_bytes to 64 MiB", n)
	}
	if len(g.State.Validators) == 0 && len(g.State.Records) == 0 {
		return errors.New("genesis: no validators; use genesis add-validator or genesis collect")
	}
	return g.State.Validate()
}

// HashGenesis is what operators compare before they start: SHA-256 of the file,
// as sha256sum prints it.
func HashGenesis(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("hash genesis: %w", err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}

// unmarshalComet reads CometBFT's JSON, whose decoder may panic on some input.
func unmarshalComet(content []byte, into any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("decode: %v", r)
		}
	}()
	return cmtjson.Unmarshal(content, into)
}

// decodeStrict reads one JSON value whose fields are all known.
func decodeStrict(content []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// document is what CometBFT starts from.
func (g Genesis) document() (*cmttypes.GenesisDoc, error) {
	doc := g.Doc
	if err := doc.ValidateAndComplete(); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	return &doc, nil
}
