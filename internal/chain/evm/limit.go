package evm

import "sync"

const (
	// manyLogs is how many logs one answer is meant to hold at most, so that
	// what is read ahead stays small: about 4 MB as JSON.
	manyLogs = 4000
	// firstRange is how many blocks a first request asks for: what comes back
	// says how many more it can be.
	firstRange = 128
	// forgetAfter is how many answers in a row make a refused range worth
	// another try: most limits are of results, and busy times end.
	forgetAfter = 32
)

// limit is how many blocks one endpoint answers for in one eth_getLogs.
// Providers cap blocks, results and bytes, each at its own number and with its
// own error: so it halves when refused, grows when served, and does not go back
// to what was refused lately. It is safe for concurrent use.
type limit struct {
	most uint64 // configured

	mu      sync.Mutex
	size    uint64
	refused uint64 // smallest range refused lately; 0: none
	served  int    // full ranges in a row since then
}

func newLimit(most uint64) *limit { return &limit{most: most, size: min(most, firstRange)} }

// blocks is how many to ask for.
func (l *limit) blocks() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}

// refuse notes that a range of so many blocks was too much.
func (l *limit) refuse(blocks uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused == 0 || blocks < l.refused {
		l.refused = blocks
	}
	l.size, l.served = max(min(l.size, blocks/2), 1), 0
}

// serve notes an answer for so many blocks with so many logs.
func (l *limit) serve(blocks uint64, logs int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if logs > manyLogs {
		l.size = max(min(l.size, blocks*manyLogs/uint64(logs)), 1)
		return
	}
	if blocks < l.size || logs > manyLogs/2 {
		return
	}
	if l.served++; l.served >= forgetAfter {
		l.refused, l.served = 0, 0
	}
	next := 2 * l.size
	if l.refused > 0 {
		next = min(next, (l.size+l.refused)/2)
	}
	l.size = max(min(next, l.most), l.size)
}
