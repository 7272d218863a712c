package earlyseal

import (
	"encoding/binary"
	"sync"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Variant is one way to do it. In all of them a validator signs what was decided
// too, in its next precommits, as today: seals whose fast quorum was missed.
type Variant struct {
	Name, Text       string
	fast, form, rule int
}

// Rounds whose precommits carry a seal.
const (
	noRound = iota
	roundZero
	everyRound
)

// Forms: what a fast signature covers. One of a decided block covers (epoch, height,
// root) always.
const (
	plain  = iota // (epoch, height, root), as today
	leafed        // the same, and the round is a leaf under the root
	typed         // a type of its own: (epoch, height, root, round, block hash)
)

// Rules: what proves a forgery.
const (
	undecided   = iota // a root that is not the height's: today's rule
	sameRound          // two seals of one round
	sinceCommit        // … or an undecided root of a round from the commit's on
	noPolka            // … or an undecided root, unless its signer shows a polka for it
)

// Variants are those that are judged.
var Variants = [...]Variant{
	{"today", "nothing before the commit; an undecided root is forged", noRound, plain, undecided},
	{"a", "every round signs (height, root); an undecided root is forged", everyRound, plain, undecided},
	{"b", "the round is a leaf of the tree; two seals of a round are forged", everyRound, leafed, sameRound},
	{"c", "round and block hash are signed and contracts check them; rule of b", everyRound, typed, sameRound},
	{"d", "as c; so is an undecided root of a round not below the commit's", everyRound, typed, sinceCommit},
	{"e", "as c; so is an undecided root without a polka", everyRound, typed, noPolka},
	{"f", "only round 0 signs (height, root); an undecided root is forged if round 0 decided", roundZero, plain, sinceCommit},
	{"g", "as f; an undecided root is forged unless there is a polka of round 0", roundZero, plain, noPolka},
}

func (v Variant) signs(round int) bool {
	return v.fast == everyRound || v.fast == roundZero && round == 0
}

// Rounds of seals that were not signed in a precommit.
const (
	afterCommit = -1
	hidden      = -2 // the root may hold any round, or none; who made it does not show
)

// seal is what one signature is about.
type seal struct {
	digest, root types.Hash // root is that of the commands
	round        int
	block        *block
}

// network, epoch and bridge are the same in all runs.
var network, bridge = evmsig.NetworkID("earlyseal"), types.Address{0xb1}

func commandLeaf(b *block) types.Hash {
	return evmsig.CommandLeaf(1, bridge, uint64(b.height), []byte{byte(b.content)}) //nolint:gosec // small
}

// seals remembers what was hashed: it depends on the key alone.
var seals sync.Map

type sealKey struct{ form, height, content, number, round int }

// sealOf is what a validator signs for a block with commands.
func (v Variant) sealOf(b *block, round int) seal {
	key := sealKey{v.form, b.height, b.content, 0, round}
	if v.form == typed {
		key.number = b.number
	}
	known, ok := seals.Load(key)
	if !ok {
		known, _ = seals.LoadOrStore(key, v.hash(b, round))
	}
	s := known.(seal)
	s.block = b
	return s
}

func (v Variant) hash(b *block, round int) seal {
	leaves := []types.Hash{commandLeaf(b)}
	s := seal{root: evmsig.MerkleRoot(leaves), round: round}
	root := s.root
	if v.form == leafed && round >= 0 {
		root = evmsig.MerkleRoot(append(leaves, evmsig.CommandLeaf(0, types.Address{}, uint64(round), nil)))
	}
	s.digest = evmsig.SealDigest(network, 1, uint64(b.height), root) //nolint:gosec // small
	if v.form == typed && round >= 0 {
		text := binary.BigEndian.AppendUint64(s.digest[:], uint64(round))
		s.digest = crypto.Keccak256Hash(binary.BigEndian.AppendUint64(text, uint64(b.number))) //nolint:gosec // small
	}
	return s
}

// forgeries are the ways to sign a root that no block of a height has.
func (v Variant) forgeries(height, commitRound int) (list []seal) {
	false_ := &block{height: height, content: 99}
	if v.form == plain {
		return []seal{v.sealOf(false_, afterCommit)}
	}
	for round := range commitRound + 3 {
		list = append(list, v.sealOf(false_, round))
	}
	last := v.sealOf(false_, afterCommit)
	if v.form == leafed {
		last.round = hidden
	}
	return append(list, last)
}

// truth is what the state holds about a height.
type truth struct {
	root  types.Hash // zero: no commands
	round int        // of the commit, as the next block has it
	// polka says whether more than 2/3 can be shown to have prevoted, in that round, for
	// that block, or where only roots are signed, for any with its commands.
	polka func(s seal, byRoot bool) bool
}

// guilty says whether signatures of one validator over seals of one height prove a
// forgery.
func (v Variant) guilty(signed []seal, t truth) bool {
	for i, s := range signed {
		for _, other := range signed[:i] {
			twice := s.round >= 0 && s.round == other.round
			if v.form == plain { // there is no telling the round: one root may be that of round 0
				twice = v.fast == roundZero && s.root != t.root && other.root != t.root
			}
			if twice && s.digest != other.digest {
				return true
			}
		}
		if s.root == t.root {
			continue
		}
		late := s.round == afterCommit && v.form == typed
		switch v.rule {
		case undecided:
			return true
		case sinceCommit:
			if late || v.form == typed && s.round >= t.round || v.form == plain && t.round == 0 {
				return true
			}
		case noPolka:
			if late || !t.polka(s, v.form == plain) {
				return true
			}
		case sameRound:
			if late {
				return true
			}
		}
	}
	return false
}
