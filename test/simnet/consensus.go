package simnet

import (
	"bytes"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
)

// maxTxBytes is the limit of a block.
const maxTxBytes = 4 << 20

// block is a proposal, and once it is decided what became of it.
type block struct {
	process  *abci.RequestProcessProposal
	finalize *abci.RequestFinalizeBlock
	honest   bool // made by an honest proposer
	result   *abci.ResponseFinalizeBlock
}

// precommit is one validator's vote for the decided block, in the order of the
// seats. A Byzantine one may
// show different extensions to different peers.
type precommit struct {
	cast       bool     // for the block
	onTime     bool     // before the quorum: peers have verified it
	extensions []signed // one that all see, or one for each peer
	refused    bool     // peers refuse what they were shown
	bent       bool     // by a liar
	late       *signed  // what comes to a proposer unverified
}

// signed is an extension with CometBFT's signature.
type signed struct{ extension, signature []byte }

func (p *precommit) shownTo(node int) signed {
	if len(p.extensions) == 1 {
		return p.extensions[0]
	}
	return p.extensions[node]
}

// everybody: at every so many heights all processes judge what honest ones made,
// and apply the block; at the others one does of those that share a store, for they
// all hold the same state. What liars made is always judged by all.
const everybody = 6

// anyHonest is an honest process that runs; without any, one that runs at all.
func (r *run) anyHonest() (found *node) {
	seats := r.setOf(r.height + 1).seats
	at := r.dice.of("listener").IntN(len(seats))
	for i := range seats {
		n := seats[(at+i)%len(seats)].node
		if n.up() && (found == nil || found.liar && !n.liar) {
			found = n
		}
	}
	return found
}

// patience is how many rounds may fail before the trouble pauses for a block.
const patience = 10

// decide makes rounds until a block of the next height is decided, and returns
// it with the precommits for it.
func (r *run) decide() (*block, []precommit, int32) {
	height := r.height + 1
	at := r.at.Add(time.Duration(r.dice.between("time", 200, 1500)) * time.Millisecond)
	var locked *block
	r.calm, r.listener = false, r.anyHonest()
	for round := int32(0); ; round++ {
		if round > patience {
			r.calm = true
			r.heal()
		}
		if round > 60 {
			r.broken("consensus", "height %d: no block in %d rounds", height, round)
		}
		b := locked
		if b == nil {
			b = r.propose(height, round, at)
		}
		if b == nil || !r.accepted(b) {
			continue
		}
		locked = b
		if votes, decided := r.precommits(b, round); decided {
			return b, votes, round
		}
		r.rare("a round fails after its precommits")
	}
}

// propose has the round's proposer make a block; nil if none comes.
func (r *run) propose(height int64, round int32, at time.Time) *block {
	proposer := r.proposer(height, round)
	if !proposer.up() {
		return nil
	}
	if r.fails("lost proposal", FaultRound) {
		return nil
	}
	proposer.blind = r.fails("blind", FaultBlind)
	last := r.lastCommitOf(proposer)
	resp, err := proposer.app.PrepareProposal(ctx, &abci.RequestPrepareProposal{
		MaxTxBytes: maxTxBytes, Txs: r.mempool(), LocalLastCommit: last, Height: height, Time: at,
	})
	if err != nil {
		r.broken("ABCI", "%s: prepare proposal: %v", proposer.Moniker, err)
	}
	if proposer.dies("after PrepareProposal") {
		return nil
	}
	misbehavior := r.evidence()
	b := &block{honest: true, process: &abci.RequestProcessProposal{
		Txs: resp.Txs, ProposedLastCommit: commitOf(last), Height: height, Time: at, ProposerAddress: proposer.id[:],
		Misbehavior: misbehavior,
	}}
	if proposer.liar {
		r.bendProposal(proposer, b)
	}
	if r.fails("claimed power", FaultPower) {
		for i := range b.process.ProposedLastCommit.Votes {
			b.process.ProposedLastCommit.Votes[i].Validator.Power = int64(r.dice.between("claimed power", 0, 1<<20))
		}
	}
	b.process.Hash = cmttypes.ToTxs(b.process.Txs).Hash()
	p := b.process
	b.finalize = &abci.RequestFinalizeBlock{
		Txs: p.Txs, DecidedLastCommit: p.ProposedLastCommit, Hash: p.Hash, Height: p.Height, Time: p.Time,
		ProposerAddress: p.ProposerAddress, Misbehavior: p.Misbehavior,
	}
	return b
}

// fails throws for a fault and counts it.
func (r *run) fails(purpose string, f Fault) bool {
	if !r.dice.chance(purpose, r.rate(f)) {
		return false
	}
	r.count(f)
	return true
}

// proposer takes turns by power.
func (r *run) proposer(height int64, round int32) *node {
	set := r.setOf(height)
	turn := newDice(r.scenario.Seed ^ uint64(height)<<16 ^ uint64(round)).of("proposer").Uint64N(set.power)
	for _, s := range set.seats {
		if turn < s.power {
			return s.node
		}
		turn -= s.power
	}
	panic("unreachable")
}

func commitOf(last abci.ExtendedCommitInfo) abci.CommitInfo {
	info := abci.CommitInfo{Round: last.Round}
	for _, v := range last.Votes {
		info.Votes = append(info.Votes, abci.VoteInfo{Validator: v.Validator, BlockIdFlag: v.BlockIdFlag})
	}
	return info
}

// accepted asks every process for its prevote. All honest ones judge alike, and
// accept what an honest proposer made.
func (r *run) accepted(b *block) bool {
	var power uint64
	verdict := 0 // of the honest ones: 1 yes, -1 no
	all := !b.honest || r.height%everybody == 0
	set := r.setOf(b.process.Height)
	for _, s := range set.seats {
		n := s.node
		if !n.up() {
			continue
		}
		if !all && n != r.listener {
			power += s.power
			continue
		}
		resp, err := n.app.ProcessProposal(ctx, b.process)
		if err != nil {
			r.broken("ABCI", "%s: process proposal: %v", n.Moniker, err)
		}
		yes := resp.IsAccepted()
		said := map[bool]int{true: 1, false: -1}[yes]
		if !n.liar {
			if verdict != 0 && verdict != said {
				r.broken("proposal", "height %d: honest validators judge a proposal differently", b.process.Height)
			}
			if b.honest && !yes {
				r.broken("proposal", "height %d: %s refuses an honest proposal", b.process.Height, n.Moniker)
			}
			verdict = said
		}
		if n.dies("after ProcessProposal") {
			continue
		}
		if yes || n.liar {
			power += s.power
		}
	}
	if verdict < 0 {
		r.rare("a bent proposal is refused")
	} else if !b.honest {
		r.rare("a bent proposal is accepted")
	}
	return set.isQuorum(power) && !r.fails("lost prevotes", FaultRound)
}

// precommits has every process vote for a block that has its prevotes, and
// peers verify what they get.
func (r *run) precommits(b *block, round int32) (votes []precommit, decided bool) {
	set := r.setOf(b.process.Height)
	votes = make([]precommit, len(set.seats))
	var power uint64
	for i, s := range set.seats {
		n := s.node
		if !n.up() || r.fails("nil precommit", FaultRound) {
			continue
		}
		resp, err := n.app.ExtendVote(ctx, &abci.RequestExtendVote{
			Height: b.process.Height, Time: b.process.Time, Txs: b.process.Txs,
			ProposedLastCommit: b.process.ProposedLastCommit, Hash: b.process.Hash,
		})
		if err != nil {
			r.broken("ABCI", "%s: extend vote: %v", n.Moniker, err)
		}
		if n.dies("after ExtendVote") {
			continue
		}
		votes[i] = precommit{cast: true, onTime: true, extensions: []signed{r.sign(n, b.process.Height, round, resp.VoteExtension)}}
		if n.liar {
			r.bendVote(n, &votes[i], b.process.Height, round)
		}
		if r.fails("late", FaultLate) {
			votes[i].onTime = false
		}
		if votes[i].onTime {
			r.deliver(n, &votes[i], b.process.Height)
		}
		if votes[i].onTime && !votes[i].refused {
			power += s.power
		}
	}
	return votes, set.isQuorum(power)
}

// deliver has all peers verify a precommit. They judge alike, and accept what an
// honest validator says.
func (r *run) deliver(from *node, vote *precommit, height int64) {
	verdicts := map[string]bool{}
	for i, n := range r.nodes {
		if n == from || !n.up() || n != r.listener && !vote.bent && r.height%everybody != 0 {
			continue
		}
		said := vote.shownTo(i)
		resp, err := n.app.VerifyVoteExtension(ctx, &abci.RequestVerifyVoteExtension{
			Height: height, ValidatorAddress: from.id[:], VoteExtension: said.extension,
		})
		if err != nil {
			r.broken("ABCI", "%s: verify vote extension: %v", n.Moniker, err)
		}
		yes := resp.IsAccepted()
		if !n.liar {
			if before, known := verdicts[string(said.extension)]; known && before != yes {
				r.broken("extension", "height %d: honest validators judge an extension differently", height)
			}
			verdicts[string(said.extension)] = yes
			if !from.liar && !yes {
				r.broken("extension", "height %d: %s refuses the extension of %s", height, n.Moniker, from.Moniker)
			}
		}
		vote.refused = vote.refused || !yes && !n.liar
		if n.dies("after VerifyVoteExtension") {
			continue
		}
	}
}

func (r *run) sign(n *node, height int64, round int32, extension []byte) signed {
	signature, err := n.consensus.Sign(cmttypes.VoteExtensionSignBytes(chainID, &cmtproto.Vote{Height: height, Round: round, Extension: extension}))
	if err != nil {
		r.broken("node", "%s: sign an extension: %v", n.Moniker, err)
	}
	return signed{extension, signature}
}

// lastCommitOf is the last commit as a proposer holds it: enough verified
// precommits, perhaps not all, and perhaps some that came late and that nobody
// has verified.
func (r *run) lastCommitOf(proposer *node) abci.ExtendedCommitInfo {
	info := abci.ExtendedCommitInfo{Round: r.lastRound}
	if r.height == 0 {
		return info
	}
	set := r.setOf(r.height)
	var power uint64
	for i, v := range r.lastVotes {
		if v.cast && v.onTime && !v.refused {
			power += set.seats[i].power
		}
	}
	for i, s := range set.seats {
		v := &r.lastVotes[i]
		slot := abci.ExtendedVoteInfo{
			Validator: abci.Validator{Address: bytes.Clone(s.node.id[:]), Power: int64(s.power)}, BlockIdFlag: cmtproto.BlockIDFlagAbsent,
		}
		verified := v.cast && v.onTime && !v.refused
		if verified && set.isQuorum(power-s.power) && r.fails("missing", FaultMissing) {
			verified = false
			power -= s.power
		} else if v.cast && !verified && r.fails("late arrives", FaultLate) {
			r.rare("a late extension in a proposal")
			verified = true
		}
		if verified {
			said := v.shownTo(proposer.index)
			if !v.onTime && v.late != nil {
				r.rare("a late extension that is garbage")
				said = *v.late
			}
			slot.BlockIdFlag, slot.VoteExtension, slot.ExtensionSignature = cmtproto.BlockIDFlagCommit, said.extension, said.signature
		}
		info.Votes = append(info.Votes, slot)
	}
	return info
}
