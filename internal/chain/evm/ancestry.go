package evm

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	// maxLine is how many blocks below a header its ancestors are looked for.
	maxLine = 16
	// maxHeader bounds a header that is kept, in bytes without its transactions.
	maxHeader = 8 << 10
)

// line is a header whose hash was recomputed, with what was said of it. Such a
// header names its parent by hash, that one its own, and so on: whoever names the
// first has named them all.
type line struct {
	header header
	answer chain.Answer
}

// hashed is the key of a line.
type hashed types.Hash

func (hashed) fact() fact { return factHeader }

// know keeps a header that an endpoint told, under its hash.
func (s *Source) know(t told, answer chain.Answer) {
	m := s.client.memory
	if s.client.cfg.ForeignHeaders || m.kept.Contains(hashed(t.header.Hash)) {
		return // its hash says nothing of its parent, or it is known
	}
	if answer = bounded([]chain.Answer{answer})[0]; len(answer.Answer) <= maxHeader {
		remember(m, hashed(t.header.Hash), line{t.header, answer})
	}
}

// ancestors are the headers below one, down to a number, as far as they are
// known: those of the history that the one ends, and of no other.
func (s *Source) ancestors(of header, number uint64) (below []line) {
	if s.client.cfg.ForeignHeaders {
		return nil
	}
	for of.Number > number && len(below) < maxLine {
		parent, ok := recall[line](s.client.memory, hashed(of.Parent))
		if !ok || parent.header.Number != of.Number-1 {
			return below
		}
		below, of = append(below, parent), parent.header
	}
	return below
}

// holds says that the history which a header ends is known to hold the position
// proven last. Where few headers lack between the two they are asked for, by
// their hashes, as long as that is less than asking min_agree groups.
func (s *Source) holds(ctx context.Context, newest []said, h header) bool {
	for h.Number > s.last.Block+1 {
		below := s.ancestors(h, s.last.Block+1)
		if len(below) > 0 {
			h = below[len(below)-1].header
			continue
		}
		if h.Number-s.last.Block > uint64(s.client.cfg.MinAgree) || s.client.cfg.ForeignHeaders { //nolint:gosec // not negative
			return false
		}
		parent, err := s.parent(ctx, newest, h)
		if err != nil {
			return false
		}
		h = parent
	}
	return h.Number == s.last.Block+1 && h.Parent == s.last.Hash
}

// parent asks one of those that know a header for the one before it. Who takes
// longer than mostly is not waited for: there is another way to know.
func (s *Source) parent(ctx context.Context, newest []said, h header) (header, error) {
	final := s.finalTo(newest, h.Number)
	if len(final) == 0 {
		return header{}, errUnasked
	}
	e, parent := final[0], told{}
	if favourite := s.client.endpoints[s.client.best(classHeader)]; slices.Contains(final, favourite) {
		e = favourite
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(max(e.patience(classHeader), agreeGrace), func() { cancel(errSilent) }).Stop()
	err := e.do(ctx, func(ctx context.Context, conn Conn) (err error) {
		parent, err = fetchHash(ctx, conn, h.Parent)
		return err
	})
	if err != nil {
		return header{}, err
	}
	if parent.header.Number != h.Number-1 {
		return header{}, e.failed(chain.Failed(chain.CheckHeader, "block %d has a parent of the number %d", h.Number, parent.header.Number))
	}
	s.know(parent, e.answer(fmt.Sprintf("eth_getBlockByHash(%s)", h.Parent), parent.raw))
	return parent.header, nil
}
