package evm

import "time"

const (
	// callsPerBlock is how many calls to all endpoints together a block of the
	// source may cost on average, while nothing happens there.
	callsPerBlock = 3.5
	// Bounds of the wait for a block: of any chain, and of one whose pace is not
	// known yet.
	longestWait, unknownWait = 10 * time.Minute, 12 * time.Second
	// leastWait is worth waiting: what is shorter is left to poll_interval.
	leastWait = 500 * time.Millisecond
)

// pace learns how often a chain has a new block, so that it is asked for one when
// it is due and not all the time. It knows when answers came, not when blocks
// were made: by looking a little earlier each time, and again soon where that was
// too early, it stays close behind the chain.
type pace struct {
	block time.Duration // between blocks; 0: not known

	number, time uint64 // of the newest final block
	seen         time.Time
	calls        uint64 // made until then

	due   time.Time // not to be asked before
	first time.Time // when it was due first, after the newest
}

// early says that there can hardly be a new final block.
func (p *pace) early(now time.Time) bool { return now.Before(p.due) }

// moved notes a new final block. Calls is how many were made so far.
func (p *pace) moved(number, seconds uint64, now time.Time, calls uint64) {
	ahead := 31. / 32
	if p.number > 0 && number > p.number {
		blocks := float64(number - p.number)
		// The chain's own clock is the better one, where nobody turns it.
		passed := min(now.Sub(p.seen), time.Duration(min(seconds-min(seconds, p.time), 1<<30))*time.Second) //nolint:gosec // bounded
		sample := time.Duration(float64(passed) / blocks)
		if p.block == 0 {
			p.block = min(sample, unknownWait)
		}
		p.block += (min(sample, 4*p.block) - p.block) / 4 // a chain that stood still goes on as before
		ahead = min(max(ahead, float64(calls-p.calls)/blocks/callsPerBlock), 2)
	}
	p.number, p.time, p.seen, p.calls = number, seconds, now, calls
	p.wait(now, time.Duration(float64(p.block)*ahead))
	p.first = p.due
}

func (p *pace) wait(now time.Time, d time.Duration) {
	if d < leastWait {
		d = 0
	}
	p.due = now.Add(min(d, longestWait))
}

// same notes that the newest final block still was: the next look is soon, and
// the later the longer it takes.
func (p *pace) same(now time.Time) {
	wait := min(now.Sub(p.seen)/8, unknownWait)
	if p.block > 0 { // which may have been learned in other times
		wait = min(max(p.block/8, now.Sub(p.first)/2), max(p.block, wait))
	}
	p.wait(now, wait)
}
