package evm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Source reads a bridge contract's inbox. It implements chain.Source.
type Source struct {
	client *Client
	log    *slog.Logger

	last   chain.Sighting // newest position verified
	heard  uint64         // block up to which all endpoints were asked for events, for ByReceipts
	limits map[*endpoint]*limit
	notices
	// dissent are the groups that named another final block than the agreed one
	// when they were asked last.
	dissent map[string]bool
	said    bool // what verification rests on
	looking
}

var _ chain.Source = (*Source)(nil)

// NewSource makes a Source. The caller closes the client, after the last use.
func NewSource(c *Client, log *slog.Logger) *Source {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Source{client: c, log: log.With("component", "source", "chain", c.cfg.Name), limits: map[*endpoint]*limit{}, notices: notices{}, dissent: map[string]bool{}, looking: newLooking()}
	for _, e := range c.endpoints {
		s.limits[e] = newLimit(c.cfg.MaxRange)
	}
	return s
}

// Finalized implements chain.Source.
func (s *Source) Finalized(ctx context.Context) (chain.Position, error) {
	defer s.tellEndpoints(ctx)
	if s.pace.early(time.Now()) {
		return s.last.Position, nil
	}
	ctx = counted(ctx, s.calls)
	newest := s.newest(ctx)
	agreed, err := s.agree(ctx, newest)
	if err != nil {
		return chain.Position{}, err
	}
	if s.isLast(agreed.header) {
		s.unmoved()
		return s.last.Position, nil
	}
	if err := s.keepsItsWord(ctx, newest, agreed); err != nil {
		return chain.Position{}, err
	}
	seen, err := s.sight(ctx, newest, agreed, s.last.Inbox)
	if err != nil {
		return chain.Position{}, err
	}
	if before := s.last.Inbox; seen.Inbox.Nonce < before.Nonce || seen.Inbox.Nonce == before.Nonce && seen.Inbox.Hash != before.Hash {
		return chain.Position{}, chain.Contradicts(chain.CheckFinality, chain.Contradiction{
			Text: fmt.Sprintf("the inbox proven at block %d stands at (%d, %s), at block %d it was at (%d, %s)",
				seen.Block, seen.Inbox.Nonce, seen.Inbox.Hash, s.last.Block, before.Nonce, before.Hash),
			Was: s.last, Is: seen,
		})
	}
	s.last = seen
	s.moved()
	s.sayOnce(agreed)
	return seen.Position, nil
}

// sayOnce logs what this chain's verification rests on, once it has begun.
func (s *Source) sayOnce(agreed agreement) {
	if s.said {
		return
	}
	s.said = true
	cfg := s.client.cfg
	level := slog.LevelInfo
	if cfg.Verification == ByAgreement {
		level = slog.LevelWarn
	}
	s.log.Log(context.Background(), level, "inbox is verified", "by", cfg.Verification, "means", cfg.Verification.means(), "min_agree", cfg.MinAgree)
	if !cfg.ForeignHeaders {
		return
	}
	if _, err := parseHeader(agreed.answers[0].Answer, false); err == nil {
		s.log.Warn("foreign_headers is set and not needed: this chain's block hashes can be recomputed; remove it")
		return
	}
	s.log.Warn("block hashes are taken as min_agree groups give them, and not recomputed", "unknown_fields", unknownFields(agreed.answers[0].Answer))
}

// Read implements chain.Source. An endpoint whose logs do not prove out is
// passed over for the others. Where nobody can be blamed for an end that is
// wrong, the whole is read again, from one endpoint after the other.
func (s *Source) Read(ctx context.Context, from, to types.Mark, o chain.ReadOptions) (chain.Batch, error) {
	defer s.tellEndpoints(ctx)
	switch {
	case to.Nonce < from.Nonce:
		return chain.Batch{}, chain.Failed(chain.CheckStale, "the inbox ends at nonce %d, and is wanted from %d on", to.Nonce, from.Nonce)
	case to.Nonce == from.Nonce && to.Hash != from.Hash:
		return chain.Batch{}, &chain.Error{Check: chain.CheckCursor, Severity: chain.Halt, Err: fmt.Errorf(
			"at nonce %d the chain has %s, the network %s", to.Nonce, to.Hash, from.Hash)}
	}
	batch, err := s.readAll(ctx, from, to, o)
	if known, ok := errors.AsType[*chain.Error](err); ok && known.Check == chain.CheckAccumulator {
		// Every endpoint's logs contradict what reading began with.
		return chain.Batch{}, &chain.Error{Check: known.Check, Severity: chain.Rewind, Err: known.Err}
	}
	return batch, err
}

// readAll reads from all endpoints at once, if there is more to read than the best
// one answers for, and then from each alone.
func (s *Source) readAll(ctx context.Context, from, to types.Mark, o chain.ReadOptions) (chain.Batch, error) {
	var order []*endpoint
	for _, i := range s.client.from(s.client.best(classLogs)) {
		order = append(order, s.client.endpoints[i])
	}
	if len(order) > 1 && to.Block-min(from.Block, to.Block) >= s.limits[order[0]].blocks() {
		batch, blamed, err := s.readOnce(ctx, from, to, o, order, false)
		if err == nil || blamed || ctx.Err() != nil {
			return batch, err
		}
	}
	var errs []error
	for range order {
		batch, blamed, err := s.readOnce(ctx, from, to, o, order, true)
		if err == nil || blamed || ctx.Err() != nil {
			return batch, err
		}
		errs = append(errs, err)
		order = append(order[1:], order[0])
	}
	return chain.Batch{}, join(errs)
}

// readOnce is one pass. It fails for good if each endpoint is to blame for an error
// of its own.
func (s *Source) readOnce(ctx context.Context, from, to types.Mark, o chain.ReadOptions, order []*endpoint, alone bool) (_ chain.Batch, blamed bool, err error) {
	collector := chain.NewCollector(from, to, o)
	next := from.Block
	if from.Nonce == 0 {
		next = max(next, s.client.cfg.StartBlock)
	}
	err = newReading(s, next, to.Block, order, alone).run(ctx, collector, o.Progress)
	if ctx.Err() != nil {
		return chain.Batch{}, false, ctx.Err()
	}
	if err != nil {
		return chain.Batch{}, !errors.Is(err, errMixed), err
	}
	batch, err := collector.Finish()
	return batch, false, err
}

// Newest is the highest number of a block that an endpoint names, final or not. It
// proves nothing.
func (s *Source) Newest(ctx context.Context) (newest uint64, err error) {
	numbers := make([]uint64, len(s.client.endpoints))
	errs := each(ctx, s.client.endpoints, 0, func(ctx context.Context, i int, e *endpoint) error {
		return e.do(ctx, func(ctx context.Context, conn Conn) (err error) {
			numbers[i], err = conn.Eth.BlockNumber(ctx)
			return err
		})
	})
	if !slices.Contains(errs, nil) {
		return 0, join(errs)
	}
	return slices.Max(numbers), nil
}

// flat joins errors in one line, for status and logs.
func flat(errs []error) error { return flatError(errs) }

type flatError []error

// Error implements error.
func (f flatError) Error() string {
	texts := make([]string, len(f))
	for i, err := range f {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives errors.Is and errors.As all of them.
func (f flatError) Unwrap() []error { return f }
