package earlyseal

import (
	"slices"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// Fault is a mistake planted into the model, to see that it is found.
type Fault string

// Faults.
const (
	NoFault     Fault = ""
	NoLock      Fault = "locks are not kept"
	AtPrevote   Fault = "seals are signed with the prevote"
	Half        Fault = "1/2 is a quorum for contracts"
	Mixed       Fault = "contracts count the signatures of all rounds together"
	NoGuard     Fault = "no file of signed seals"
	HeightGuard Fault = "the file of signed seals knows heights, not rounds"
	NoPolkas    Fault = "polkas of failed rounds are not kept"
)

// Properties. Wrong, Framed and Unsealed speak of what happened at a height; the others
// ask what a liar could have done there.
const (
	Wrong    = iota // a quorum for what was not decided
	Framed          // an honest validator is proven guilty
	Escaped         // one that signs a root of no block is not
	Unsealed        // a decided block never gets its quorum
	Spared          // one that signs the root of a proposal that lost is not guilty
	Quiet           // Wrong, and no liar is guilty, not even of voting twice
	Ahead           // a quorum of signatures in a round that did not decide
)

// Names of the properties.
var Names = [...]string{"wrong", "framed", "escaped", "unsealed", "spared", "quiet", "ahead"}

// Verdict is how a variant stood a run: which properties broke at each height.
type Verdict struct {
	Broken [judged + 1][len(Names)]bool
	Gains  []Gain
}

// Gain is how long a seal took, from the commit of the block whose votes carried its
// marks until the first honest validator held a quorum.
type Gain struct{ Ticks, Heights int }

// Result is a run and its verdicts, one for each of Variants.
type Result struct {
	Scenario
	Stuck, Forked bool            // no blocks any more; two blocks of a height decided
	Heights       int             // that were judged
	Rounds        [judged + 1]int // by height: the round of the commit
	// Executions of blocks of these heights before prevotes, and in ExtendVote; Vain are
	// those of blocks that were not decided.
	Executions, Vain [2]int
	Verdicts         []Verdict
	Story            []string // in words
}

// Run makes a run and judges it.
func Run(s Scenario, planted Fault) Result {
	r := newRun(s, planted)
	result := Result{Scenario: s, Stuck: !r.play()}
	result.Story = r.story
	for result.Heights < judged && r.decidedAt(result.Heights+1) != nil {
		result.Heights++
		result.Rounds[result.Heights] = r.truth(result.Heights).round
	}
	result.Forked = result.Heights < judged && !result.Stuck
	for e := range r.executions {
		if e.block.height <= result.Heights {
			stage := Count(e.stage == precommit)
			result.Executions[stage]++
			result.Vain[stage] += Count(e.block != r.decidedAt(e.block.height))
		}
	}
	for _, v := range Variants {
		j := judge{run: r, variant: v, signed: map[signer][]seal{}}
		result.Verdicts = append(result.Verdicts, j.verdict(result.Heights, !result.Stuck))
	}
	return result
}

// Count is 1 for yes.
func Count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// decidedAt is the block that all who decided a height decided; nil if there is none.
func (r *run) decidedAt(height int) (b *block) {
	for _, p := range r.decisions[height] {
		if b != nil && p.block != b {
			return nil
		}
		b = p.block
	}
	return b
}

func (r *run) truth(height int) truth {
	b, t := r.decidedAt(height), truth{round: r.seenRound(height)}
	if next := r.decidedAt(height + 1); next != nil {
		t.round = next.lastRound
	}
	if b.content > 0 {
		t.root = Variants[0].sealOf(b, afterCommit).root
	}
	t.polka = func(s seal, byRoot bool) bool {
		for _, b := range r.blocks {
			round, same := s.round, b == s.block
			if byRoot {
				round, same = 0, b.height == height && b.content == s.block.content
			}
			if same && r.planted != NoPolkas && r.isQuorum(r.prevoters(b, round)) {
				return true
			}
		}
		return false
	}
	return t
}

// judge holds what honest validators sign in a variant.
type judge struct {
	*run
	variant Variant
	signed  map[signer][]seal
}

type signer struct{ id, height int }

func (j *judge) verdict(heights int, complete bool) (v Verdict) {
	j.sign(heights)
	for height := 1; height <= heights; height++ {
		t, broken := j.truth(height), &v.Broken[height]
		sealed := t.root == types.Hash{}
		for _, by := range j.quorums(height) {
			if by.seal.root == t.root {
				sealed = sealed || j.isQuorum(by.voters)
			} else if j.accepted(by.voters | j.liars) {
				broken[Wrong] = true
				broken[Quiet] = broken[Quiet] || j.caught[height] == 0 && !j.variant.guilty([]seal{by.seal}, t)
			}
		}
		for id := range j.powers {
			broken[Framed] = broken[Framed] || j.variant.guilty(j.signed[signer{id, height}], t)
		}
		broken[Escaped] = j.escapes(t, j.variant.forgeries(height, t.round))
		broken[Spared] = j.escapes(t, j.lost(height, t))
		broken[Ahead] = j.ahead(height, t)
		broken[Unsealed] = !sealed && complete && !j.Beyond
		if t.root != (types.Hash{}) && height > 1 && !j.Beyond {
			v.Gains = append(v.Gains, j.gain(height)...)
		}
	}
	return v
}

// accepted says whether contracts take the signatures of these for a quorum.
func (j *judge) accepted(m mask) bool {
	return j.isQuorum(m) || j.planted == Half && 2*j.power(m) > j.total
}

// sign has every honest validator sign what its precommits carry: the seal of their
// own block, and those of the heights before.
func (j *judge) sign(heights int) {
	for _, c := range j.casts {
		if j.variant.signs(c.round) {
			j.ask(c.from, c.block, c.round)
		}
		for height := 1; height < min(c.block.height, heights+1); height++ {
			j.ask(c.from, j.decisions[height][c.from].block, afterCommit)
		}
	}
}

// ask has a validator sign, if its file of signed seals, by height and round, allows.
func (j *judge) ask(id int, b *block, round int) {
	if b == nil || b.content == 0 {
		return
	}
	key, s := signer{id, b.height}, j.variant.sealOf(b, round)
	for _, before := range j.signed[key] {
		clash := before.round == round && j.planted != NoGuard || j.planted == HeightGuard
		if before.digest == s.digest && before.round == round || clash && before.digest != s.digest {
			return
		}
	}
	j.signed[key] = append(j.signed[key], s)
}

// signers of one digest.
type signers struct {
	seal   seal
	voters mask
}

// quorums is who, of the honest, signed what for a height.
func (j *judge) quorums(height int) (list []signers) {
	for id := range j.powers {
	seals:
		for _, s := range j.signed[signer{id, height}] {
			for i := range list {
				if list[i].seal.digest == s.digest || j.planted == Mixed && list[i].seal.root == s.root {
					list[i].voters |= 1 << id
					continue seals
				}
			}
			list = append(list, signers{s, 1 << id})
		}
	}
	return list
}

// escapes says whether one of several seals can be signed unpunished.
func (j *judge) escapes(t truth, seals []seal) bool {
	return slices.ContainsFunc(seals, func(s seal) bool { return !j.variant.guilty([]seal{s}, t) })
}

// lost is what a liar may sign of the proposals that were not decided.
func (j *judge) lost(height int, t truth) (list []seal) {
	for _, b := range j.blocks {
		if b.height != height || b.content == 0 {
			continue
		}
		for round := range t.round + 1 {
			if s := j.variant.sealOf(b, round); s.root != t.root {
				list = append(list, s)
			}
		}
	}
	return list
}

// ahead says whether one round's signatures over what was decided later were, with
// those of liars, a quorum already.
func (j *judge) ahead(height int, t truth) bool {
	voters := make([]mask, t.round)
	for _, c := range j.casts {
		if c.block == j.decidedAt(height) && c.round < t.round && c.block.content > 0 && j.variant.signs(c.round) {
			voters[c.round] |= 1 << c.from
		}
	}
	return slices.ContainsFunc(voters, func(m mask) bool { return m != 0 && j.isQuorum(m|j.liars) })
}

// gain replays what honest validators received until one held a quorum over the seal
// of a height.
func (j *judge) gain(height int) []Gain {
	type held struct {
		by     int
		digest types.Hash
	}
	masks, b := map[held]mask{}, j.decidedAt(height)
	for _, c := range j.receipts {
		var s seal
		switch {
		case c.block == b && j.variant.signs(c.round):
			s = j.variant.sealOf(b, c.round)
		case c.block.height > height && j.decisions[height][c.from].block != nil:
			s = j.variant.sealOf(b, afterCommit)
		default:
			continue
		}
		at := held{c.to, s.digest}
		if masks[at] |= 1 << c.from; j.isQuorum(masks[at]) {
			return []Gain{{c.at - j.first[height-1], j.heightsUntil(height, c.at)}}
		}
	}
	return nil
}

// heightsUntil counts the heights from one on that have begun at a time.
func (j *judge) heightsUntil(height, at int) (n int) {
	for n = 1; j.first[height+n-1] > 0 && j.first[height+n-1]+timeoutCommit < at; n++ {
	}
	return n
}
