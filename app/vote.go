package app

import (
	"context"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// ExtendVote says, with this validator's precommit, what it itself has seen and
// signed. It falls back to the empty extension, which is always good. It may be
// called again for a height, and then say something else.
func (a *App) ExtendVote(_ context.Context, req *abci.RequestExtendVote) (resp *abci.ResponseExtendVote, _ error) {
	resp = &abci.ResponseExtendVote{}
	defer a.survive("ExtendVote", req.Height)
	state, done, err := a.base()
	if err != nil {
		a.log.Error("voting with an empty extension", "height", req.Height, "err", err)
		return resp, nil
	}
	defer done()
	block, tx, err := a.votedBlock(req)
	if err != nil {
		a.log.Error("voting with an empty extension", "height", req.Height, "err", err)
		return resp, nil
	}
	extension, err := a.machine.BuildVote(state, block, tx, a.self, a.mailbox.Pending(), types.SoftVoteBytes)
	if err != nil {
		a.log.Error("voting with an empty extension", "height", req.Height, "err", err)
		return resp, nil
	}
	// What peers would refuse would cost the whole precommit.
	vote, err := a.machine.VerifyVote(state, req.Height, a.self, extension)
	if err != nil {
		a.log.Error("voting with an empty extension: the own one is not good", "height", req.Height, "err", err)
		return resp, nil
	}
	a.mailbox.Observe(req.Height, a.self, vote)
	return &abci.ResponseExtendVote{VoteExtension: extension}, nil
}

// votedBlock is the block that a precommit is for, and its first transaction.
func (a *App) votedBlock(req *abci.RequestExtendVote) (block bridge.Block, tx []byte, err error) {
	if block, err = decidedBlock(req.Height, req.Time, req.ProposedLastCommit); err != nil || len(req.Txs) == 0 {
		return block, nil, err
	}
	tx = req.Txs[0]
	block.Reading = a.read(tx)
	return block, tx, nil
}

// VerifyVoteExtension accepts what is small and well formed. A refusal drops a
// precommit, so what is merely useless is accepted, and has no effect.
func (a *App) VerifyVoteExtension(_ context.Context, req *abci.RequestVerifyVoteExtension) (resp *abci.ResponseVerifyVoteExtension, _ error) {
	resp = &abci.ResponseVerifyVoteExtension{Status: abci.ResponseVerifyVoteExtension_REJECT}
	defer a.survive("VerifyVoteExtension", req.Height)
	if len(req.VoteExtension) > types.MaxVoteBytes {
		a.log.Warn("refused a vote extension", "height", req.Height, "bytes", len(req.VoteExtension), "limit", types.MaxVoteBytes)
		return resp, nil
	}
	from, err := validatorID(req.ValidatorAddress)
	if err != nil {
		a.log.Warn("refused a vote extension", "height", req.Height, "err", err)
		return resp, nil
	}
	state, done, err := a.base()
	if err != nil {
		a.log.Error("refused a vote extension", "height", req.Height, "validator", from, "err", err)
		return resp, nil
	}
	defer done()
	vote, err := a.machine.VerifyVote(state, req.Height, from, req.VoteExtension)
	if err != nil {
		a.log.Warn("refused a vote extension", "height", req.Height, "validator", from, "err", err)
		return resp, nil
	}
	resp = &abci.ResponseVerifyVoteExtension{Status: abci.ResponseVerifyVoteExtension_ACCEPT}
	a.mailbox.Observe(req.Height, from, vote)
	return resp, nil
}
