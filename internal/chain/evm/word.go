package evm

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// maxKept bounds one answer that is kept as evidence, in bytes. A header is
// about 2 KB without its transactions, a proof 15 KB.
const maxKept = 64 << 10

// Answers implements chain.Source.
func (s *Source) Answers() []chain.Answer { return s.last.Answers }

// Forget implements chain.Source.
func (s *Source) Forget() { s.last, s.heard, s.looking = chain.Sighting{}, 0, newLooking() }

// keepsItsWord checks that the chain which an agreed header ends still has the
// final block that was proven last. Nobody is believed for less than min_agree
// groups: where they do not agree on that block either, it is an error and no
// contradiction.
func (s *Source) keepsItsWord(ctx context.Context, newest []said, agreed agreement) error {
	h, last := agreed.header, s.last
	switch {
	case last.Block == 0:
		return nil
	case h.Number < last.Block:
		return chain.Failed(chain.CheckStale, "the endpoints' newest final block is %d, and was %d before", h.Number, last.Block)
	case s.holds(ctx, newest, h):
		return nil
	}
	now, err := s.agreeAt(ctx, newest, last.Block)
	if err != nil {
		return fmt.Errorf("ask again for final block %d: %w", last.Block, err)
	}
	if now.header.Hash == last.Hash {
		return nil
	}
	return chain.Contradicts(chain.CheckFinality, chain.Contradiction{
		Text: fmt.Sprintf("final block %d was %s and is %s", last.Block, last.Hash, now.header.Hash),
		Was:  last, Is: s.sightIfPossible(ctx, newest, now),
	})
}

// sightIfPossible verifies the inbox for the evidence. A block hash contradicts
// without it.
func (s *Source) sightIfPossible(ctx context.Context, newest []said, agreed agreement) chain.Sighting {
	seen, err := s.sight(ctx, newest, agreed, types.Mark{})
	if err == nil {
		return seen
	}
	h := agreed.header
	return chain.Sighting{
		Position: chain.Position{Block: h.Number, Hash: h.Hash, Time: h.Time}, Answers: bounded(agreed.answers),
	}
}

// bounded takes from answers what is no evidence: a block's transactions, which
// its header names by their root, and what is too long to be honest.
func bounded(answers []chain.Answer) []chain.Answer {
	kept := make([]chain.Answer, len(answers))
	for i, a := range answers {
		var fields map[string]json.RawMessage
		if json.Unmarshal(a.Answer, &fields) == nil && fields["transactions"] != nil {
			delete(fields, "transactions")
			if shorter, err := json.Marshal(fields); err == nil {
				a.Answer = shorter
			}
		}
		if len(a.Answer) > maxKept {
			a.Answer = fmt.Appendf(nil, `"left out: %d bytes"`, len(a.Answer))
		}
		kept[i] = a
	}
	return kept
}

// At implements chain.Source: somebody's log of the event says where the inbox
// stood, and the events from there to the proven end show that it is true.
func (s *Source) At(ctx context.Context, nonce uint64, to types.Mark) (types.Mark, error) {
	defer s.tellEndpoints(ctx)
	if nonce == to.Nonce {
		return to, nil
	}
	var errs []error
	for _, e := range s.client.endpoints {
		mark, err := s.find(ctx, e, nonce, to.Block)
		if err == nil {
			if _, err = s.readAll(ctx, mark, to, chain.ReadOptions{MaxEvents: 1}); err == nil {
				return mark, nil
			}
		}
		if ctx.Err() != nil {
			return types.Mark{}, ctx.Err()
		}
		errs = append(errs, err)
	}
	return types.Mark{}, join(errs)
}

// find asks one endpoint for the event of a nonce, from a block downwards.
func (s *Source) find(ctx context.Context, e *endpoint, nonce, last uint64) (types.Mark, error) {
	event, err := s.lastEvent(ctx, e, min(s.client.cfg.StartBlock, last), last, []common.Hash{common.BigToHash(new(big.Int).SetUint64(nonce))})
	if err != nil {
		return types.Mark{}, err
	}
	if event.Nonce != nonce {
		return types.Mark{}, e.failed(chain.Failed(chain.CheckHidden, "there is no event %d", nonce))
	}
	return types.Mark{Nonce: nonce, Hash: event.Hash, Block: event.Block}, nil
}
