package evm

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// heardAgain is for how many blocks below the newest final one endpoints are
// asked again whether they know an event: some answer before they have indexed
// what they are asked for.
const heardAgain = 128

// sight verifies the inbox under an agreed header, in the way that is
// configured. None stands in for another. Known is what was proven of the same
// history before, if anything was.
func (s *Source) sight(ctx context.Context, newest []said, agreed agreement, known types.Mark) (chain.Sighting, error) {
	h := agreed.header
	seen := chain.Sighting{Position: chain.Position{Block: h.Number, Hash: h.Hash, Time: h.Time}}
	var answers []chain.Answer
	var err error
	switch s.client.cfg.Verification {
	case ByReceipts:
		seen.Inbox, answers, err = s.byReceipts(ctx, newest, h, known)
	case ByAgreement:
		seen.Inbox, answers, err = s.byAgreement(ctx, newest, h)
	default:
		seen.Inbox, answers, err = s.byProof(ctx, h)
	}
	if err != nil {
		return chain.Sighting{}, err
	}
	seen.Answers = bounded(slices.Concat(agreed.answers, answers))
	return seen, nil
}

// byProof has one endpoint prove the contract's storage under the header's
// state root.
func (s *Source) byProof(ctx context.Context, h header) (types.Mark, []chain.Answer, error) {
	inbox, proof, err := s.client.inboxAt(ctx, h)
	return inbox, []chain.Answer{proof}, err
}

// claim is an event that an endpoint says is the newest.
type claim struct {
	event chain.Logged
	by    *endpoint
}

// byReceipts finds the newest inbox event by what the endpoints claim, and
// proves it by the receipts of its block. The event that is found is as certain
// as the header of its block. That none came after it is only what min_agree
// groups say: the mark's block is the event's own, and not the final one, where
// the position of the contract's storage would say more.
func (s *Source) byReceipts(ctx context.Context, newest []said, h header, known types.Mark) (types.Mark, []chain.Answer, error) {
	first := min(s.client.cfg.StartBlock, h.Number)
	if known.Nonce > 0 {
		first = max(known.Block+1, min(s.heard+1, h.Number-min(heardAgain, h.Number)))
	}
	claims, err := s.claims(ctx, newest, first, h.Number)
	if err != nil {
		return types.Mark{}, nil, err
	}
	best, answers, proven := known, []chain.Answer(nil), map[uint64]bool{}
	for _, c := range claims {
		if c.event.Nonce <= best.Nonce || proven[c.event.Block] {
			continue // no news, or what its block really holds is known
		}
		mark, said, err := s.proveEvent(ctx, newest, c)
		if err != nil {
			return types.Mark{}, nil, fmt.Errorf("event %d in block %d: %w", c.event.Nonce, c.event.Block, err)
		}
		proven[c.event.Block] = true
		if mark.Nonce > best.Nonce {
			best, answers = mark, said
		}
	}
	if best.Nonce == 0 {
		return types.Mark{}, nil, chain.Failed(chain.CheckContract, "%s has no inbox event from block %d to %d",
			s.client.cfg.Bridge, first, h.Number)
	}
	s.heard = h.Number
	return best, answers, nil
}

// claims asks every endpoint for the newest event from first to last, highest
// nonce first. At least min_agree groups have to answer: one that is silent
// about an event is found out by any other that is not.
func (s *Source) claims(ctx context.Context, newest []said, first, last uint64) ([]claim, error) {
	if first > last {
		return nil, nil
	}
	asked, found := s.finalTo(newest, last), make([]chain.Logged, len(s.client.endpoints))
	errs := each(ctx, asked, s.client.cfg.MinAgree, func(ctx context.Context, i int, e *endpoint) (err error) {
		found[i], err = s.lastEvent(ctx, e, first, last, nil)
		return err
	})
	groups, all := map[string]bool{}, []claim(nil)
	for i, err := range errs {
		if err != nil {
			continue
		}
		groups[asked[i].group] = true
		if found[i].Nonce > 0 {
			all = append(all, claim{found[i], asked[i]})
		}
	}
	if len(groups) < s.client.cfg.MinAgree {
		return nil, joinUnder(chain.Failed(chain.CheckAgreement, "%d groups say what the newest inbox event is, and %d have to",
			len(groups), s.client.cfg.MinAgree), errs)
	}
	slices.SortStableFunc(all, func(a, b claim) int { return cmp.Compare(b.event.Nonce, a.event.Nonce) })
	return all, nil
}

// finalTo are the endpoints to which a block is final.
func (s *Source) finalTo(newest []said, number uint64) (final []*endpoint) {
	for i, n := range newest {
		if n.err == nil && n.header.Number >= number {
			final = append(final, s.client.endpoints[i])
		}
	}
	return final
}

// proveEvent proves the newest event of the block that a claim names. Where the
// block's receipts show none, the claim was false, and the mark is zero.
func (s *Source) proveEvent(ctx context.Context, newest []said, c claim) (types.Mark, []chain.Answer, error) {
	agreed, err := s.agreeAt(ctx, newest, c.event.Block)
	if err != nil {
		return types.Mark{}, nil, err
	}
	shown, err := s.client.shown(ctx, agreed.header)
	if err != nil {
		return types.Mark{}, nil, err
	}
	if shown.mark.Nonce < c.event.Nonce {
		_ = c.by.failed(chain.Failed(chain.CheckReceipts, "it tells of an event %d that block %d does not hold", c.event.Nonce, c.event.Block))
	}
	return shown.mark, append(slices.Clone(agreed.answers), shown.answer), nil
}

// byAgreement believes what min_agree groups read in the contract's storage. It
// proves nothing.
func (s *Source) byAgreement(ctx context.Context, newest []said, h header) (types.Mark, []chain.Answer, error) {
	asked := s.finalTo(newest, h.Number)
	marks, answers := make([]types.Mark, len(asked)), make([]chain.Answer, len(asked))
	errs := each(ctx, asked, s.client.cfg.MinAgree, func(ctx context.Context, i int, e *endpoint) error {
		return e.do(ctx, func(ctx context.Context, conn Conn) (err error) {
			marks[i], answers[i], err = readInbox(ctx, conn, s.client.cfg.Bridge, h.Number)
			return err
		})
	})
	groups, said := map[types.Mark]map[string]bool{}, []chain.Answer(nil)
	for i, err := range errs {
		if err != nil {
			continue
		}
		if groups[marks[i]] == nil {
			groups[marks[i]] = map[string]bool{}
		}
		groups[marks[i]][asked[i].group] = true
		said = append(said, answers[i])
	}
	var agreed []types.Mark
	for mark, names := range groups {
		if len(names) >= s.client.cfg.MinAgree {
			agreed = append(agreed, mark)
		}
	}
	s.tell("inbox", len(groups) > 1, "endpoints disagree about the inbox", "height", h.Number, "said", len(groups))
	if len(agreed) != 1 {
		return types.Mark{}, nil, joinUnder(chain.Failed(chain.CheckAgreement,
			"%d inboxes have %d groups behind them at block %d: want exactly one", len(agreed), s.client.cfg.MinAgree, h.Number), errs)
	}
	return agreed[0], said, nil
}

// readInbox reads the contract's storage at one endpoint.
func readInbox(ctx context.Context, conn Conn, bridge types.Address, number uint64) (types.Mark, chain.Answer, error) {
	var values [2]hexutil.Bytes
	slots := [2]common.Hash{slotPosition, slotHash}
	batch := make([]rpc.BatchElem, len(slots))
	for i, slot := range slots {
		batch[i] = rpc.BatchElem{Method: "eth_getStorageAt", Args: []any{bridge, slot, hexutil.Uint64(number)}, Result: &values[i]}
	}
	if err := conn.RPC.BatchCallContext(ctx, batch); err != nil {
		return types.Mark{}, chain.Answer{}, fmt.Errorf("eth_getStorageAt: %w", err)
	}
	for i, slot := range slots {
		if err := batch[i].Error; err != nil {
			return types.Mark{}, chain.Answer{}, fmt.Errorf("eth_getStorageAt: %w", err)
		}
		if len(values[i]) > wordBytes {
			return types.Mark{}, chain.Answer{}, chain.Failed(chain.CheckContract, "slot %s does not hold a word", slot)
		}
	}
	mark, err := inboxOf(common.BytesToHash(values[0]), common.BytesToHash(values[1]), bridge, number)
	if err != nil {
		return types.Mark{}, chain.Answer{}, err
	}
	raw, err := json.Marshal(values)
	request := fmt.Sprintf("eth_getStorageAt(%s, [%s, %s], %d)", bridge, slotPosition, slotHash, number)
	return mark, chain.Answer{Endpoint: conn.Endpoint, Group: conn.Group, Request: request, Answer: raw}, err
}
