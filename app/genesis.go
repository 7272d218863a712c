package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	abci "github.com/cometbft/cometbft/abci/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// genesis is kept until the first commit, for only that saves what it wrote.
type genesis struct {
	chainID       string
	initialHeight int64
	state         types.Genesis
}

func (g *genesis) write(m *bridge.Machine, s bridge.Store) ([]types.Validator, error) {
	validators, err := m.InitGenesis(s, g.chainID, g.initialHeight, g.state)
	if err != nil {
		return nil, fmt.Errorf("write the genesis state: %w", err)
	}
	return validators, nil
}

// InitChain writes the first state of a new network, to be saved by the first
// Commit. CometBFT calls it again if the process ends before that.
func (a *App) InitChain(_ context.Context, req *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	if version := a.store.Version(); version != 0 {
		return nil, fmt.Errorf("init chain %q: this node already has the state of height %d", req.ChainId, version)
	}
	g, err := readGenesis(req)
	if err != nil {
		return nil, fmt.Errorf("init chain %q: %w", req.ChainId, err)
	}
	a.store.Rollback()
	a.applied = 0
	if err := a.store.SetInitialVersion(g.initialHeight); err != nil {
		return nil, fmt.Errorf("init chain %q: %w", req.ChainId, err)
	}
	validators, err := g.write(a.machine, a.store.Working())
	if err != nil {
		return nil, fmt.Errorf("init chain %q: %w", req.ChainId, err)
	}
	if err := a.checkBlockSize(req); err != nil {
		return nil, fmt.Errorf("init chain %q: %w", req.ChainId, err)
	}
	updates := validatorUpdates(validators)
	if err := sameValidators(req.Validators, updates); err != nil {
		return nil, fmt.Errorf("init chain %q: %w", req.ChainId, err)
	}
	a.genesis = g
	a.chainID.Store(&g.chainID)
	return &abci.ResponseInitChain{Validators: updates, AppHash: a.store.WorkingHash()}, nil
}

// readGenesis checks everything that is not the machine's to check.
func readGenesis(req *abci.RequestInitChain) (*genesis, error) {
	if req.ChainId == "" {
		return nil, errors.New("empty chain id")
	}
	g := &genesis{chainID: req.ChainId, initialHeight: max(req.InitialHeight, 1)}
	if err := checkConsensusParams(req, g.initialHeight); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(req.AppStateBytes))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&g.state); err != nil {
		return nil, fmt.Errorf("app_state: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("app_state: something follows the object")
	}
	return g, g.state.Validate()
}

// checkConsensusParams refuses a network without vote extensions, or with keys
// that the machine does not know.
func checkConsensusParams(req *abci.RequestInitChain, initialHeight int64) error {
	params := req.ConsensusParams
	if params == nil {
		return errors.New("no consensus parameters")
	}
	if h := params.GetAbci().GetVoteExtensionsEnableHeight(); h < 1 || h > initialHeight {
		return fmt.Errorf("consensus parameter abci.vote_extensions_enable_height = %d: want %d, from the first block on", h, initialHeight)
	}
	if types := params.GetValidator().GetPubKeyTypes(); !slices.Equal(types, []string{"ed25519"}) {
		return fmt.Errorf("consensus parameter validator.pub_key_types = %v: want ed25519 alone", types)
	}
	return nil
}

// slotBytes bounds what the system transaction carries for one vote: its
// extension, CometBFT's signature of it, and their framing.
const slotBytes = types.MaxVoteBytes + 128

// checkBlockSize refuses a network whose blocks could be too small for what the
// protocol must be able to put in one: every vote's extension, for each chain the
// events up to the next mark, and operators' transactions. Such a network would
// stop for ever.
func (a *App) checkBlockSize(req *abci.RequestInitChain) error {
	most := req.ConsensusParams.GetBlock().GetMaxBytes()
	if most == -1 {
		most = cmttypes.MaxBlockSizeBytes
	}
	network, err := a.machine.Network(a.store.Working())
	if err != nil {
		return err
	}
	chains, err := a.machine.Chains(a.store.Working())
	if err != nil {
		return err
	}
	validators := int(network.Params.MaxValidators) // as many as may come
	payload := uint64(len(chains)) * network.Params.MarkStride * types.MaxEventBytes
	need := int64(payload) + int64(validators)*slotBytes + types.MaxBlockTxBytes + types.MaxBlockTxs*txOverhead + cmttypes.MaxCommitBytes(validators) + //nolint:gosec // genesis bounds the factors
		cmttypes.MaxHeaderBytes + req.ConsensusParams.GetEvidence().GetMaxBytes()
	if most < need {
		return fmt.Errorf("consensus parameter block.max_bytes = %d: %d validators, %d chains and the evidence may need %d", most, validators, len(chains), need)
	}
	return nil
}

// sameValidators compares the validators of CometBFT's genesis, if it names
// any, with those of the app state.
func sameValidators(listed, ours []abci.ValidatorUpdate) error {
	if len(listed) == 0 {
		return nil
	}
	order := func(a, b abci.ValidatorUpdate) int {
		return cmp.Or(bytes.Compare(a.PubKey.GetEd25519(), b.PubKey.GetEd25519()), cmp.Compare(a.Power, b.Power))
	}
	x, y := slices.Clone(listed), slices.Clone(ours)
	slices.SortFunc(x, order)
	slices.SortFunc(y, order)
	if !slices.EqualFunc(x, y, func(a, b abci.ValidatorUpdate) bool { return order(a, b) == 0 }) {
		return errors.New("the genesis file's validators and those of its app_state differ: leave the former out")
	}
	return nil
}
