package votes

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cometbft/cometbft/proto/tendermint/version"
	cmttypes "github.com/cometbft/cometbft/types"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/test/bench/model"
	"github.com/icrosschain/bridged/x/bridge/bridgepb"
)

// add counts a block, and the votes for it.
func (s *sums) add(b model.Block) error {
	for _, extension := range b.Extensions {
		if len(extension) == 0 {
			continue
		}
		if err := s.split(extension); err != nil {
			return err
		}
	}
	size, err := blockSize(b)
	s.heights, s.block = s.heights+1, s.block+size
	return err
}

// split counts an extension and its parts, by docs/wire-format.md. The byte of
// the version belongs to no part.
func (s *sums) split(extension []byte) error {
	message := &bridgepb.VoteExtension{}
	if err := proto.Unmarshal(extension[1:], message); err != nil {
		return fmt.Errorf("decoding a vote extension: %w", err)
	}
	s.extension += len(extension)
	for _, signature := range message.Signatures {
		s.signatures += field(signature)
	}
	for _, chain := range message.Chains {
		if chain.Chain == uint64(model.Source) {
			s.source += field(chain)
		}
	}
	return nil
}

// field is the size of a message in another one: tag, length and itself.
func field(m proto.Message) int { return 1 + protowire.SizeBytes(proto.Size(m)) }

// blockSize is the size of a block as CometBFT sends and stores it. Hashes and
// signatures have their lengths, and no meaning.
func blockSize(b model.Block) (int, error) {
	hash := make([]byte, 32)
	at := time.Date(2026, 11, 22, 20, 0, 0, 123_456_789, time.UTC)
	id := cmttypes.BlockID{Hash: hash, PartSetHeader: cmttypes.PartSetHeader{Total: 1, Hash: hash}}
	last := &cmttypes.Commit{Height: b.Height - 1, BlockID: id}
	for _, vote := range b.Last.Votes {
		last.Signatures = append(last.Signatures, cmttypes.CommitSig{
			BlockIDFlag: cmttypes.BlockIDFlag(vote.BlockIdFlag), ValidatorAddress: vote.Validator.Address,
			Timestamp: at, Signature: make([]byte, 64),
		})
	}
	block := cmttypes.MakeBlock(b.Height, cmttypes.ToTxs(slices.Clone(b.Txs)), last, nil)
	block.Header.Populate(version.Consensus{Block: 11, App: app.ProtocolVersion}, model.ChainID, at, id, hash, hash, hash, hash, hash, make([]byte, 20))
	message, err := block.ToProto()
	if err != nil {
		return 0, fmt.Errorf("encoding the block: %w", err)
	}
	if len(message.Data.Txs) == 0 {
		return 0, errors.New("a block without a system transaction")
	}
	return message.Size(), nil
}
