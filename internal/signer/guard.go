package signer

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// ErrDoubleSign says that a second, different seal of one height was to be
// signed: this process or its state is broken. The node stops, since the
// signature would be proof enough to ban its operator.
var ErrDoubleSign = errors.New("refused to sign a second seal of one height")

// ErrForgotten says that a height is so old that nobody knows any more whether
// it was signed. It is not signed, and nothing else is wrong.
var ErrForgotten = errors.New("refused to sign a height that the guard has forgotten")

// guardHeights is how many heights a Guard remembers.
const guardHeights = 100_000

// Guard remembers which digest was signed at each height and refuses another
// one. It forgets the lowest heights when it is full, and from then on refuses
// all that it may have forgotten. It lives in memory only. It is safe for
// concurrent use.
type Guard struct {
	mu     sync.Mutex
	most   int
	floor  uint64 // heights up to and including it are refused
	signed map[uint64]types.Hash
}

// NewGuard makes an empty Guard.
func NewGuard() *Guard { return newGuard(guardHeights) }

func newGuard(most int) *Guard {
	return &Guard{most: most, signed: make(map[uint64]types.Hash)}
}

// Allow records that digest is about to be signed at height. ErrDoubleSign and
// ErrForgotten mean that it must not be.
func (g *Guard) Allow(height uint64, digest types.Hash) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if known, ok := g.signed[height]; ok {
		if known != digest {
			return fmt.Errorf("%w: height %d: signed %s, asked for %s", ErrDoubleSign, height, known, digest)
		}
		return nil
	}
	if height <= g.floor {
		return fmt.Errorf("%w: %d, at or below %d", ErrForgotten, height, g.floor)
	}
	g.signed[height] = digest
	if len(g.signed) > g.most {
		g.forget()
	}
	return nil
}

// forget drops the lower half.
func (g *Guard) forget() {
	heights := make([]uint64, 0, len(g.signed))
	for height := range g.signed {
		heights = append(heights, height)
	}
	slices.Sort(heights)
	for _, height := range heights[:len(heights)/2] {
		delete(g.signed, height)
		g.floor = height
	}
}
