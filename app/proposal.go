package app

import (
	"context"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// txOverhead bounds what protobuf adds to one transaction of a block: a tag and
// a length.
const txOverhead = 11

// PrepareProposal makes a block: the system transaction, then operators'. It checks
// its own block as peers will, and each time that fails it leaves more out:
// operators' transactions, inbox payloads, vote extensions.
func (a *App) PrepareProposal(_ context.Context, req *abci.RequestPrepareProposal) (resp *abci.ResponsePrepareProposal, _ error) {
	resp = &abci.ResponsePrepareProposal{}
	defer a.survive("PrepareProposal", req.Height)
	state, done, err := a.base()
	if err != nil {
		a.log.Error("proposing an empty block", "height", req.Height, "err", err)
		return resp, nil
	}
	defer done()
	block, votes, err := proposedBlock(req.Height, req.Time, req.LocalLastCommit)
	if err != nil {
		a.log.Error("proposing an empty block", "height", req.Height, "err", err)
		return resp, nil
	}
	p := proposer{a: a, state: state, block: block, limit: req.MaxTxBytes}
	silent := withoutExtensions(votes)
	for _, attempt := range []func() ([][]byte, error){
		func() ([][]byte, error) { return p.propose(votes, a.mailbox, req.Txs) },
		func() ([][]byte, error) { return p.propose(votes, a.mailbox, nil) },
		func() ([][]byte, error) { return p.propose(votes, nothing{}, nil) },
		func() ([][]byte, error) { return p.propose(silent, nothing{}, nil) },
	} {
		txs, err := attempt()
		if err == nil {
			return &abci.ResponsePrepareProposal{Txs: txs}, nil
		}
		a.log.Error("the own proposal is not good: leaving more out", "height", req.Height, "err", err)
	}
	return resp, nil
}

// proposer makes attempts at one block.
type proposer struct {
	a     *App
	state bridge.Reader
	block bridge.Block
	limit int64
}

// propose makes and checks a block; a panic is an error here, so that the next,
// simpler attempt is made.
func (p proposer) propose(votes []bridge.ExtendedVote, inbox bridge.Inbox, waiting [][]byte) (txs [][]byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			txs, err = nil, fmt.Errorf("panic: %v\n%s", cause, stack())
		}
	}()
	operators, err := p.a.machine.SelectTxs(p.state, p.block, waiting)
	if err != nil {
		return nil, fmt.Errorf("select operators' transactions: %w", err)
	}
	// Theirs is little, and never waits for a busy inbox: it may be to stop one.
	room := p.limit - cmttypes.ComputeProtoSizeForTxs(cmttypes.ToTxs(operators))
	system, err := p.a.machine.BuildProposal(p.state, p.block, votes, inbox, room-txOverhead)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	txs = append([][]byte{system}, operators...)
	if size := cmttypes.ComputeProtoSizeForTxs(cmttypes.ToTxs(txs)); size > p.limit {
		return nil, fmt.Errorf("%d bytes, at most %d", size, p.limit)
	}
	p.block.Reading = p.a.read(system)
	if err := p.a.machine.VerifyProposal(p.state, p.block, txs); err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return txs, nil
}

func withoutExtensions(votes []bridge.ExtendedVote) []bridge.ExtendedVote {
	silent := make([]bridge.ExtendedVote, len(votes))
	for i, v := range votes {
		silent[i] = bridge.ExtendedVote{Validator: v.Validator, Committed: v.Committed}
	}
	return silent
}

// nothing is the inbox of a proposer that brings no payload.
type nothing struct{}

// Events implements bridge.Inbox.
func (nothing) Events(types.ChainID, uint64, uint64) []types.Event { return nil }

// ProcessProposal says whether this validator votes for a block. It judges by
// the committed state and the block alone, so that all honest validators agree.
func (a *App) ProcessProposal(_ context.Context, req *abci.RequestProcessProposal) (resp *abci.ResponseProcessProposal, _ error) {
	resp = &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}
	defer a.survive("ProcessProposal", req.Height)
	if err := a.checkProposal(req); err != nil {
		a.log.Warn("refused a proposal", "height", req.Height, "proposer", fmt.Sprintf("%X", req.ProposerAddress), "err", err)
		return resp, nil
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

func (a *App) checkProposal(req *abci.RequestProcessProposal) error {
	block, err := decidedBlock(req.Height, req.Time, req.ProposedLastCommit)
	if err != nil {
		return err
	}
	state, done, err := a.base()
	if err != nil {
		return err
	}
	defer done()
	if len(req.Txs) > 0 {
		block.Reading = a.read(req.Txs[0])
	}
	return a.machine.VerifyProposal(state, block, req.Txs)
}
