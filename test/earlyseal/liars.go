package earlyseal

// Liars know all that is said, act together, and sign any seal at any time: the
// judge counts their power to every quorum, so here they only have to bring honest
// validators to sign what will not be decided.

// roundBegins has a liar whose turn it is propose: nothing, one block or two, to
// some or to all, new or one that has lost already.
func (r *run) roundBegins(height, round int) {
	p := r.plot(height, round)
	if p.begun {
		return
	}
	p.begun = true
	who := r.proposer(height, round)
	if !r.liars.has(who) {
		return
	}
	old := r.oldPolka(height, round)
	if r.trouble() && r.rnd.IntN(4) == 0 { // silent; the others may vote for what they are locked on
		if old != nil {
			r.liarsVote(height, round, old.block, nil)
		}
		return
	}
	m := message{kind: propose, height: height, round: round, from: who, block: r.newBlock(height, r.seenRound(height-1))}
	other := m
	if r.trouble() {
		switch r.rnd.IntN(3) {
		case 0:
			if old != nil {
				other.block, other.proof = old.block, old
				if r.rnd.IntN(2) == 0 {
					m = other
				}
			}
		case 1:
			other.block = r.newBlock(height, m.block.lastRound)
		}
	}
	for to, n := range r.nodes {
		if told := &other; n != nil {
			if p.favoured.has(to) {
				told = &m
			}
			r.in(r.delay(told, to), event{to: to, message: told})
		}
	}
	r.liarsVote(height, round, m.block, other.block)
}

// seenRound is the round of a height's commit as some honest validator has it.
func (r *run) seenRound(height int) int {
	for id := range r.nodes {
		if p, decided := r.decisions[height][id]; decided {
			return p.round
		}
	}
	return 0
}

// prevoters are the honest ones that prevoted a block in a round, and all liars.
func (r *run) prevoters(b *block, round int) mask {
	voters := r.liars
	for _, p := range r.prevotes {
		if p.block == b && p.round == round {
			voters |= p.voters
		}
	}
	return voters
}

// oldPolka is one of an earlier round that liars can make.
func (r *run) oldPolka(height, round int) *proof {
	for _, p := range r.prevotes {
		if voters := r.prevoters(p.block, p.round); p.block.height == height && p.round < round && r.isQuorum(voters) {
			return &proof{p.round, p.block, voters}
		}
	}
	return nil
}

// liarsVote has all liars vote in a round, for one block towards the favoured and
// perhaps for another, or none, towards the rest. Their precommits they mostly keep
// to themselves.
func (r *run) liarsVote(height, round int, target, other *block) {
	p := r.plot(height, round)
	if p.voted || r.liars == 0 {
		return
	}
	p.voted = true
	if !r.trouble() {
		*p = plot{begun: true, voted: true, favoured: 1<<len(r.powers) - 1, precommits: true}
	}
	for from := range r.powers {
		if r.liars.has(from) {
			r.tell(p, message{kind: prevote, height: height, round: round, from: from}, target, other)
			r.tell(p, message{kind: precommit, height: height, round: round, from: from}, target, other)
		}
	}
}

// tell sends a liar's vote: to each what the plot says, and to whom it says nothing
// what the peers pass on, later. Beyond 1/3 no round would end without liars, so there
// they always say something in the end.
func (r *run) tell(p *plot, m message, target, other *block) {
	vote := func(to int, b *block, late int) {
		before, voted := r.liarVotes[m]
		if voted && before != b {
			r.caught[m.height] |= 1 << m.from
		}
		r.liarVotes[m] = b
		m := m
		m.block = b
		r.in(r.delay(&m, to)+int(m.kind-propose)*8+late, event{to: to, message: &m})
	}
	var silent []int
	said, passed := r.Beyond, (*block)(nil)
	for to, n := range r.nodes {
		if n == nil {
			continue
		}
		b, says := p.says(m.kind, p.favoured.has(to), target, other)
		if !says {
			silent = append(silent, to)
			continue
		}
		said, passed = true, b
		vote(to, b, 0)
	}
	for _, to := range silent {
		if said {
			vote(to, passed, 300+r.rnd.IntN(900))
		}
	}
}

// says is a liar's vote towards one validator, if there is any.
func (p *plot) says(kind step, favoured bool, target, other *block) (b *block, says bool) {
	switch {
	case kind == prevote && favoured:
		return target, !p.hides
	case kind == precommit && p.precommits && (favoured || !p.conflicting):
		return target, true
	case kind == precommit && favoured:
		return nil, false
	}
	return other, p.conflicting
}
