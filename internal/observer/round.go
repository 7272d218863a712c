package observer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// runOnce is one round: cursor, finalised position, the events between. It says
// whether another round would find work at once.
func (o *Observer) runOnce(ctx context.Context) (more bool, err error) {
	anchored := o.cfg.Mailbox.Anchored(o.cfg.Chain) // before the state, which may then only be newer
	agreed, params, err := o.cfg.State.Chain(o.cfg.Chain)
	if err != nil {
		return false, fmt.Errorf("read the state: %w", err)
	}
	o.setAgreed(agreed)
	if agreed.Refused != "" {
		return false, nil // nobody votes for it
	}
	o.agreed = agreed
	o.anchor(anchored)
	if err := o.follow(); err != nil {
		return false, err
	}
	position, err := o.cfg.Source.Finalized(ctx)
	if err != nil {
		return false, fmt.Errorf("finalised position: %w", err)
	}
	o.setPosition(position)
	o.watch(ctx, position)
	if err := o.compare(position); err != nil {
		return false, err
	}
	more, err = o.read(ctx, params, position)
	if err != nil {
		return false, fmt.Errorf("read events after nonce %d: %w", o.tip.Nonce, err)
	}
	o.consistent()
	return more, nil
}

// follow takes the agreed cursor as the place to read from, where this observer
// has nothing newer, and compares the two where it has.
func (o *Observer) follow() error {
	cursor := o.cursor()
	if !o.reading || o.tip.Nonce < cursor.Nonce {
		o.cfg.Mailbox.Reset(o.cfg.Chain)
		o.tip, o.marks, o.reading = cursor, nil, true
	}
	own, passed := o.tip, []types.Mark(nil)
	for len(o.marks) > 0 && o.marks[0].Nonce <= cursor.Nonce {
		own, o.marks = o.marks[0], o.marks[1:]
		passed = append(passed, own)
	}
	if own.Nonce == cursor.Nonce && own.Hash != cursor.Hash {
		return &chain.Error{Check: chain.CheckCursor, Severity: chain.Rewind, Err: fmt.Errorf(
			"at nonce %d this node has proven %s, the network agreed on %s", cursor.Nonce, own.Hash, cursor.Hash)}
	}
	if own.Nonce == cursor.Nonce {
		o.remember(passed...)
	}
	o.remember(cursor)
	o.ahead = slices.DeleteFunc(o.ahead, func(m types.Mark) bool { return m.Nonce <= o.tip.Nonce })
	return nil
}

// compare holds the proven position against the agreed cursor, and against where
// reading has come to.
func (o *Observer) compare(p chain.Position) error {
	cursor, by := o.agreed.Cursor, max(o.agreed.Head, o.agreed.CursorBlock)
	switch {
	case p.Inbox.Nonce < cursor && p.Block >= by && p.Complete():
		return o.contradicts(p, p.Inbox, "the inbox ends at nonce %d in final block %d, and the network has applied nonce %d by block %d",
			p.Inbox.Nonce, p.Block, cursor, by)
	case p.Inbox.Nonce == cursor && p.Inbox.Hash != o.agreed.CursorHash:
		return o.contradicts(p, p.Inbox, "at nonce %d the chain has %s, the network agreed on %s", cursor, p.Inbox.Hash, o.agreed.CursorHash)
	case p.Inbox.Nonce < o.tip.Nonce && p.Block >= by && !p.Complete():
		return chain.Failed(chain.CheckHidden, "the endpoints tell of no event after nonce %d up to block %d, and %d is known", p.Inbox.Nonce, p.Block, o.tip.Nonce)
	case p.Inbox.Nonce < o.tip.Nonce:
		return chain.Failed(chain.CheckStale, "the finalised inbox ends at nonce %d (block %d), %d is known", p.Inbox.Nonce, p.Block, o.tip.Nonce)
	case p.Inbox.Nonce == o.tip.Nonce && p.Inbox.Hash != o.tip.Hash:
		return &chain.Error{Check: chain.CheckCursor, Severity: chain.Rewind, Err: fmt.Errorf(
			"at nonce %d the chain has %s, not %s as proven before", p.Inbox.Nonce, p.Inbox.Hash, o.tip.Hash)}
	}
	return nil
}

// contradicts makes the error of a chain that contradicts the agreed cursor:
// now its inbox is at that nonce, or ends, as proven under the position.
func (o *Observer) contradicts(p chain.Position, now types.Mark, format string, args ...any) error {
	is := chain.Sighting{Position: p, Answers: o.cfg.Source.Answers()}
	is.Inbox = now
	return chain.Contradicts(chain.CheckCursor, chain.Contradiction{
		Text: fmt.Sprintf(format, args...),
		Was:  chain.Sighting{Position: chain.Position{Inbox: o.cursor()}},
		Is:   is,
	})
}

// cursor is the agreed cursor as a mark.
func (o *Observer) cursor() types.Mark {
	return types.Mark{Nonce: o.agreed.Cursor, Hash: o.agreed.CursorHash, Block: o.agreed.CursorBlock}
}

// explain finds out whether events that do not follow the agreed cursor show
// that the chain has another one. A server that hides or alters logs cannot
// show that: the chain's own cursor is proven by the events after it.
func (o *Observer) explain(ctx context.Context, p chain.Position, err error) error {
	check := chain.CheckOf(err)
	if o.tip.Nonce != o.agreed.Cursor || o.tip.Nonce == 0 || check != chain.CheckAccumulator && check != chain.CheckHidden {
		return err
	}
	at, errAt := o.cfg.Source.At(ctx, o.tip.Nonce, p.Inbox)
	switch {
	case errAt != nil:
		return err
	case at.Hash != o.agreed.CursorHash:
		return o.contradicts(p, at, "at nonce %d the chain has %s, the network agreed on %s", at.Nonce, at.Hash, o.agreed.CursorHash)
	}
	o.tip.Block = at.Block // the agreed hint was wrong
	return err
}

// read fetches what there is room for, and hands it over with the head.
func (o *Observer) read(ctx context.Context, params types.Params, p chain.Position) (more bool, err error) {
	room := o.cfg.MaxEvents - o.cfg.Mailbox.Held(o.cfg.Chain)
	news := mailbox.News{Head: p.Block}
	if o.tip.Nonce < p.Inbox.Nonce && room > 0 {
		to := o.target(p, room)
		advance, end := o.progress(o.tip, to)
		batch, err := o.cfg.Source.Read(ctx, o.tip, to, chain.ReadOptions{
			MarkStride: params.MarkStride, MaxEvents: room, Progress: advance,
		})
		end()
		if err != nil {
			return false, o.explain(ctx, p, err)
		}
		if n := len(batch.Events); n == 0 || batch.Last.Nonce != o.tip.Nonce+uint64(n) {
			return false, errors.New("invariant broken: a source read nothing, or left events out")
		}
		news.Events, news.Marks = batch.Events, batch.Marks
		o.advance(batch, to)
	}
	if o.tip.Nonce == p.Inbox.Nonce {
		o.tip.Block = p.Inbox.Block + 1 // proven: nothing newer up to there
	}
	if err := o.cfg.Mailbox.Add(o.cfg.Chain, news); err != nil {
		return false, &chain.Error{Check: chain.CheckHidden, Severity: chain.Rewind, Err: err}
	}
	held := o.cfg.Mailbox.Held(o.cfg.Chain)
	o.setTip(o.tip, held)
	return o.tip.Nonce < p.Inbox.Nonce && held < o.cfg.MaxEvents, nil
}

// target is where to read to: no further than there is room, if a mark is
// proven there, else to the finalised position, which proves the marks between.
func (o *Observer) target(p chain.Position, room int) types.Mark {
	for _, m := range o.ahead {
		if m.Nonce >= o.tip.Nonce+uint64(room) && m.Nonce < p.Inbox.Nonce { //nolint:gosec // room is positive
			return m
		}
	}
	return p.Inbox
}

// advance moves to the end of what was kept.
func (o *Observer) advance(batch chain.Batch, to types.Mark) {
	beyond := slices.DeleteFunc(o.ahead, func(m types.Mark) bool { return m.Nonce <= to.Nonce })
	o.ahead = append(slices.Clone(batch.Ahead), beyond...)
	o.marks = append(o.marks, batch.Marks...)
	o.tip = batch.Last
}
