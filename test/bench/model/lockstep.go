package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// BlockTime is between two blocks in lockstep: about what the shipped settings
// give.
const BlockTime = 333 * time.Millisecond

// Lockstep drives the validators of a network block by block through the ABCI
// calls of CometBFT, without CometBFT. Their states would all be the same, so
// there is one, which the first validator writes and all others read.
type Lockstep struct {
	*Network
	Views  []View
	Height int64

	config    store.Config
	store     *store.Store
	consensus []ed25519.PrivKey
	ids       []types.ValidatorID
	at        time.Time
	last      abci.ExtendedCommitInfo
}

// Block is one that was committed.
type Block struct {
	Height     int64
	Txs        [][]byte
	Last       abci.ExtendedCommitInfo // the votes that it carries
	Extensions [][]byte                // of the votes for it, by validator
	Finalize   time.Duration           // of FinalizeBlock
	Commit     time.Duration           // of Commit
}

// NewLockstep starts a network at its genesis. The caller closes it.
func NewLockstep(n *Network, c store.Config) (*Lockstep, error) {
	l := &Lockstep{Network: n, config: c, at: time.Unix(1_800_000_000, 0).UTC()}
	for i := range n.Genesis.Validators {
		key := ed25519.GenPrivKey()
		n.Genesis.Validators[i].ConsensusKey = types.ConsensusKey(key.PubKey().Bytes())
		l.consensus, l.ids = append(l.consensus, key), append(l.ids, n.Genesis.Validators[i].ID())
	}
	if err := l.open(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	init, err := l.initChain()
	if err == nil {
		_, err = l.first().InitChain(context.Background(), init)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lockstep) open() (err error) {
	l.store, err = store.Open(l.config)
	if err != nil {
		return err
	}
	l.Views = nil
	for i, box := range l.Boxes {
		a, err := app.New(app.Options{
			Store: l.store, Mailbox: box, Self: l.ids[i], Logger: slog.New(slog.DiscardHandler), ChainID: ChainID,
		})
		if err != nil {
			return err
		}
		l.Views = append(l.Views, l.NewView(i, a))
	}
	return nil
}

// Reopen closes the state and opens it again, from where it stands on disk, and
// says how long the opening took. Nothing is written when it is closed, so that a
// process that is killed leaves the same.
func (l *Lockstep) Reopen() (took time.Duration, err error) {
	if err := l.store.Close(); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := l.open(); err != nil {
		return 0, err
	}
	took = time.Since(start)
	if height := l.first().Height(); height != l.Height {
		return 0, fmt.Errorf("the state opened at height %d, and was at %d", height, l.Height)
	}
	return took, nil
}

// Close closes the state.
func (l *Lockstep) Close() error {
	if l.store == nil {
		return nil
	}
	return l.store.Close()
}

// Store is the state.
func (l *Lockstep) Store() *store.Store { return l.store }

func (l *Lockstep) first() *app.App { return l.Views[0].App }

func (l *Lockstep) initChain() (*abci.RequestInitChain, error) {
	state, err := json.Marshal(l.Genesis)
	if err != nil {
		return nil, fmt.Errorf("encoding the genesis: %w", err)
	}
	params := cmttypes.DefaultConsensusParams()
	params.ABCI.VoteExtensionsEnableHeight = 1
	params.Block.MaxBytes = config.MaxBlockBytes
	proto := params.ToProto()
	return &abci.RequestInitChain{
		Time: l.at, ChainId: ChainID, InitialHeight: 1, AppStateBytes: state, ConsensusParams: &proto,
	}, nil
}

// Step makes a block: proposed and checked by the first validator, voted by all.
func (l *Lockstep) Step() (Block, error) {
	ctx := context.Background()
	b := Block{Height: l.Height + 1, Last: l.last}
	l.at = l.at.Add(BlockTime)
	proposal, err := l.first().PrepareProposal(ctx, &abci.RequestPrepareProposal{
		MaxTxBytes: config.MaxBlockBytes - 64<<10, LocalLastCommit: l.last, Height: b.Height, Time: l.at, ProposerAddress: l.ids[0][:],
	})
	if err != nil {
		return b, err
	}
	b.Txs = proposal.Txs
	request := &abci.RequestProcessProposal{
		Txs: b.Txs, ProposedLastCommit: commitOf(l.last), Height: b.Height, Time: l.at, ProposerAddress: l.ids[0][:],
		Hash: cmttypes.ToTxs(b.Txs).Hash(),
	}
	if resp, err := l.first().ProcessProposal(ctx, request); err != nil || !resp.IsAccepted() {
		return b, fmt.Errorf("height %d: the proposal is refused: %w", b.Height, err)
	}
	votes, err := l.vote(ctx, request)
	if err != nil {
		return b, err
	}
	for _, v := range votes.Votes {
		b.Extensions = append(b.Extensions, v.VoteExtension)
	}
	if err := l.commit(ctx, request, &b); err != nil {
		return b, err
	}
	l.Height, l.last = b.Height, votes
	return b, l.committed()
}

func commitOf(last abci.ExtendedCommitInfo) abci.CommitInfo {
	info := abci.CommitInfo{Round: last.Round}
	for _, v := range last.Votes {
		info.Votes = append(info.Votes, abci.VoteInfo{Validator: v.Validator, BlockIdFlag: v.BlockIdFlag})
	}
	return info
}

// vote asks all validators for their precommits, and signs them.
func (l *Lockstep) vote(ctx context.Context, p *abci.RequestProcessProposal) (votes abci.ExtendedCommitInfo, err error) {
	for i, v := range l.Views {
		resp, err := v.App.ExtendVote(ctx, &abci.RequestExtendVote{
			Height: p.Height, Time: p.Time, Txs: p.Txs, ProposedLastCommit: p.ProposedLastCommit, Hash: p.Hash,
		})
		if err != nil {
			return votes, err
		}
		signature, err := l.consensus[i].Sign(cmttypes.VoteExtensionSignBytes(ChainID, &cmtproto.Vote{Height: p.Height, Extension: resp.VoteExtension}))
		if err != nil {
			return votes, fmt.Errorf("signing a vote: %w", err)
		}
		votes.Votes = append(votes.Votes, abci.ExtendedVoteInfo{
			Validator: abci.Validator{Address: slices.Clone(l.ids[i][:]), Power: 1}, BlockIdFlag: cmtproto.BlockIDFlagCommit,
			VoteExtension: resp.VoteExtension, ExtensionSignature: signature,
		})
	}
	return votes, nil
}

func (l *Lockstep) commit(ctx context.Context, p *abci.RequestProcessProposal, b *Block) error {
	start := time.Now()
	if _, err := l.first().FinalizeBlock(ctx, &abci.RequestFinalizeBlock{
		Txs: p.Txs, DecidedLastCommit: p.ProposedLastCommit, Hash: p.Hash, Height: p.Height, Time: p.Time, ProposerAddress: p.ProposerAddress,
	}); err != nil {
		return err
	}
	b.Finalize = time.Since(start)
	start = time.Now()
	_, err := l.first().Commit(ctx, &abci.RequestCommit{})
	b.Commit = time.Since(start)
	return err
}

// committed does what the workers of each validator do after a commit, and then
// what relayers and contracts do.
func (l *Lockstep) committed() error {
	for i, v := range l.Views {
		seals, err := v.SealsToSign(v.By)
		if err != nil {
			return err
		}
		for _, s := range seals {
			signature, err := l.Keys[i].Sign(s.Digest)
			if err != nil {
				return err
			}
			v.Box.AddSignature(types.SealSignature{Height: s.Height, Signature: signature})
		}
		if err := v.Tidy(v.Box); err != nil {
			return err
		}
	}
	return l.relay()
}

// atOnce is how many commands a chain may execute in one block.
const atOnce = 64

// relay executes what is complete, each chain in one block of its own.
func (l *Lockstep) relay() error {
	for _, id := range IDs {
		outbox, err := l.Views[0].Outbox(id, atOnce)
		if err != nil {
			return err
		}
		var events []types.Event
		for _, c := range outbox.Commands {
			if c.Seal.Complete == 0 {
				break
			}
			receipts, err := l.Chains[id].Execute(c.Nonce, c.Bytes, c.Items)
			if err != nil {
				return err
			}
			events = append(events, receipts...)
		}
		if len(events) > 0 {
			if err := l.Final(id, events...); err != nil {
				return err
			}
		}
	}
	return nil
}

// Setup makes blocks until deposits are taken.
func (l *Lockstep) Setup() error {
	for range 50 {
		if _, err := l.Step(); err != nil {
			return err
		}
		if ready, err := l.Views[0].Ready(); ready || err != nil {
			return err
		}
	}
	return errors.New("the tokens are not registered after 50 blocks")
}

// Check says which invariants do not hold.
func (l *Lockstep) Check() error {
	return l.first().View(func(r bridge.Reader, height int64) error {
		violations, err := l.first().Machine().CheckInvariants(r)
		if len(violations) > 0 {
			return fmt.Errorf("height %d: invariants do not hold: %v", height, violations)
		}
		return err
	})
}
