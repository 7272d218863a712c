package fake

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Source reads a Chain for one observer: it remembers what was final, and says
// when the chain breaks its word.
type Source struct {
	*Chain
	last chain.Position
}

// NewSource makes a Source that remembers nothing.
func (c *Chain) NewSource() *Source { return &Source{Chain: c} }

// Finalized implements chain.Source.
func (s *Source) Finalized(ctx context.Context) (chain.Position, error) {
	p, err := s.Chain.Finalized(ctx)
	if err != nil {
		return p, err
	}
	if p.Block < s.last.Block {
		return chain.Position{}, chain.Failed(chain.CheckStale, "the newest final block is %d, and was %d before", p.Block, s.last.Block)
	}
	if now := s.hash(s.last.Block); s.last.Block != 0 && now != s.last.Hash {
		return chain.Position{}, chain.Contradicts(chain.CheckFinality, chain.Contradiction{
			Text: fmt.Sprintf("final block %d was %s and is %s", s.last.Block, s.last.Hash, now),
			Was:  chain.Sighting{Position: s.last, Answers: answers(s.last)},
			Is:   chain.Sighting{Position: p, Answers: answers(p)},
		})
	}
	s.last = p
	return p, nil
}

func (c *Chain) hash(block uint64) types.Hash {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.blocks[block].hash
}

// At implements chain.Source.
func (s *Source) At(ctx context.Context, nonce uint64, to types.Mark) (types.Mark, error) {
	if err := s.ask(ctx); err != nil {
		return types.Mark{}, err
	}
	s.mu.Lock()
	mark, found := s.find(nonce)
	s.mu.Unlock()
	if !found {
		return types.Mark{}, chain.Failed(chain.CheckHidden, "there is no event %d", nonce)
	}
	_, err := s.Read(ctx, mark, to, chain.ReadOptions{MaxEvents: 1})
	return mark, err
}

// find is an event as the servers tell it.
func (c *Chain) find(nonce uint64) (types.Mark, bool) {
	var told types.Hash
	for _, b := range c.blocks {
		for _, e := range c.tell(b.events, &told) {
			if e.Nonce == nonce {
				return types.Mark{Nonce: nonce, Hash: e.Hash, Block: e.Block}, true
			}
		}
	}
	return types.Mark{}, false
}

// Answers implements chain.Source.
func (s *Source) Answers() []chain.Answer { return answers(s.last) }

// Forget implements chain.Source.
func (s *Source) Forget() { s.last = chain.Position{} }

// answers are a single server's.
func answers(p chain.Position) []chain.Answer {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("fake: a position has no JSON: %v", err))
	}
	return []chain.Answer{{Endpoint: "fake", Group: "fake", Request: fmt.Sprintf("position(%d)", p.Block), Answer: raw}}
}
