package main

import (
	"context"
	"fmt"

	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/config"
)

// equivocate signs, with a validator's own key, a second precommit for another
// block of a round that is decided, and hands both to another node: what a
// validator does that runs twice. Whoever sees both has the proof.
func (n *network) equivocate(ctx context.Context, h home) error {
	client, err := n.node(0)
	if err != nil {
		return err
	}
	status, err := client.Status(ctx)
	if err != nil {
		return fmt.Errorf("equivocate: %w", err)
	}
	height := status.SyncInfo.LatestBlockHeight - 1
	block, err := client.Block(ctx, &height)
	if err != nil {
		return fmt.Errorf("equivocate: %w", err)
	}
	members, err := client.Validators(ctx, &height, nil, nil)
	if err != nil {
		return fmt.Errorf("equivocate: %w", err)
	}
	set := types.NewValidatorSet(members.Validators)
	home := config.Home(h.Home)
	key := privval.LoadFilePVEmptyState(home.ValidatorKeyFile(), home.ValidatorStateFile()).Key
	at, member := set.GetByAddress(key.Address)
	if member == nil {
		return fmt.Errorf("equivocate: %s is not in the set of height %d", h.Moniker, height)
	}
	var votes [2]*types.Vote
	for i := range votes {
		id := block.BlockID
		id.Hash = append([]byte(nil), id.Hash...)
		id.Hash[0] ^= byte(i)
		vote := &types.Vote{
			Type: cmtproto.PrecommitType, Height: height, BlockID: id, Timestamp: block.Block.Time,
			ValidatorAddress: key.Address, ValidatorIndex: at,
		}
		if vote.Signature, err = key.PrivKey.Sign(types.VoteSignBytes(networkID, vote.ToProto())); err != nil {
			return fmt.Errorf("equivocate: %w", err)
		}
		votes[i] = vote
	}
	proof, err := types.NewDuplicateVoteEvidence(votes[0], votes[1], block.Block.Time, set)
	if err != nil {
		return fmt.Errorf("equivocate: %w", err)
	}
	if _, err := client.BroadcastEvidence(ctx, proof); err != nil {
		return fmt.Errorf("equivocate: %w", err)
	}
	return nil
}
