package app

import (
	"fmt"
	"runtime/debug"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// verifyExtension checks CometBFT's signature of a vote extension.
func (a *App) verifyExtension(key types.ConsensusKey, height int64, round int32, extension, signature []byte) bool {
	chainID := a.chainID.Load()
	if chainID == nil || len(key) != ed25519.PubKeySize {
		return false
	}
	signed := cmttypes.VoteExtensionSignBytes(*chainID, &cmtproto.Vote{Height: height, Round: round, Extension: extension})
	return ed25519.PubKey(key).VerifySignature(signed, signature)
}

// validatorID reads a consensus address; CometBFT's are never of another length.
func validatorID(address []byte) (id types.ValidatorID, err error) {
	if len(address) != len(id) {
		return id, fmt.Errorf("validator address of %d bytes, want %d", len(address), len(id))
	}
	return types.ValidatorID(address), nil
}

// decidedBlock is a block as its proposal or its decision names it.
func decidedBlock(height int64, at time.Time, last abci.CommitInfo) (bridge.Block, error) {
	b := bridge.Block{Height: height, Time: at, Round: last.Round}
	for _, vote := range last.Votes {
		id, err := validatorID(vote.Validator.Address)
		if err != nil {
			return bridge.Block{}, err
		}
		b.Commit = append(b.Commit, bridge.CommitVote{Validator: id, Committed: committed(vote.BlockIdFlag)})
	}
	return b, nil
}

// proposedBlock is a block that this validator is to propose, with the votes
// that it holds.
func proposedBlock(height int64, at time.Time, last abci.ExtendedCommitInfo) (bridge.Block, []bridge.ExtendedVote, error) {
	b := bridge.Block{Height: height, Time: at, Round: last.Round}
	var votes []bridge.ExtendedVote
	for _, vote := range last.Votes {
		id, err := validatorID(vote.Validator.Address)
		if err != nil {
			return bridge.Block{}, nil, err
		}
		slot := bridge.ExtendedVote{Validator: id, Committed: committed(vote.BlockIdFlag)}
		b.Commit = append(b.Commit, bridge.CommitVote{Validator: id, Committed: slot.Committed})
		if slot.Committed {
			slot.Extension, slot.Signature = vote.VoteExtension, vote.ExtensionSignature
		}
		votes = append(votes, slot)
	}
	return b, votes, nil
}

// misbehavior is who a block's evidence convicts: of two votes in one round, or
// of a header for light clients that was never decided.
func misbehavior(evidence []abci.Misbehavior) ([]types.ValidatorID, error) {
	var convicted []types.ValidatorID
	for _, e := range evidence {
		id, err := validatorID(e.Validator.Address)
		if err != nil {
			return nil, fmt.Errorf("evidence: %w", err)
		}
		convicted = append(convicted, id)
	}
	return convicted, nil
}

func committed(flag cmtproto.BlockIDFlag) bool { return flag == cmtproto.BlockIDFlagCommit }

func validatorUpdates(validators []types.Validator) []abci.ValidatorUpdate {
	updates := make([]abci.ValidatorUpdate, len(validators))
	for i, v := range validators {
		updates[i] = abci.Ed25519ValidatorUpdate(v.ConsensusKey, int64(v.Power))
	}
	return updates
}

func abciEvents(events []bridge.Event) []abci.Event {
	out := make([]abci.Event, len(events))
	for i, e := range events {
		out[i].Type = e.Type
		for _, a := range e.Attributes {
			out[i].Attributes = append(out[i].Attributes, abci.EventAttribute{Key: a.Key, Value: a.Value, Index: true})
		}
	}
	return out
}

func stack() string { return string(debug.Stack()) }
