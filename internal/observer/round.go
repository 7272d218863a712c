package observer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// runOnce is one round: cursor, finalised position, the events between. It says
// whether another round would find work at once.
func (o *Observer) runOnce(ctx context.Context) (more bool, err error) {
	agreed, params, err := o.cfg.State.Chain(o.cfg.Chain)
	if err != nil {
		return false, fmt.Errorf("read the state: %w", err)
	}
	o.setAgreed(agreed)
	if agreed.Refused != "" {
		return false, nil // nobody votes for it
	}
	if err := o.follow(agreed); err != nil {
		return false, err
	}
	position, err := o.cfg.Source.Finalized(ctx)
	if err != nil {
		return false, fmt.Errorf("finalised position: %w", err)
	}
	o.setPosition(position)
	if err := o.compare(position); err != nil {
		return false, err
	}
	more, err = o.read(ctx, params, position)
	if err != nil {
		return false, fmt.Errorf("read events after nonce %d: %w", o.tip.Nonce, err)
	}
	return more, nil
}

// follow takes the agreed cursor as the place to read from, where this observer
// has nothing newer, and compares the two where it has.
func (o *Observer) follow(agreed bridge.ChainState) error {
	cursor := types.Mark{Nonce: agreed.Cursor, Hash: agreed.CursorHash, Block: agreed.CursorBlock}
	if !o.reading || o.tip.Nonce < cursor.Nonce {
		o.cfg.Mailbox.Reset(o.cfg.Chain)
		o.tip, o.marks, o.reading = cursor, nil, true
	}
	own := o.tip
	for len(o.marks) > 0 && o.marks[0].Nonce <= cursor.Nonce {
		own, o.marks = o.marks[0], o.marks[1:]
	}
	if own.Nonce == cursor.Nonce && own.Hash != cursor.Hash {
		return &chain.Error{Check: chain.CheckCursor, Severity: chain.Rewind, Err: fmt.Errorf(
			"at nonce %d this node has proven %s, the network agreed on %s", cursor.Nonce, own.Hash, cursor.Hash)}
	}
	o.ahead = slices.DeleteFunc(o.ahead, func(m types.Mark) bool { return m.Nonce <= o.tip.Nonce })
	return nil
}

// compare holds the proven position against where reading has come to.
func (o *Observer) compare(p chain.Position) error {
	switch {
	case p.Inbox.Nonce < o.tip.Nonce:
		return chain.Failed(chain.CheckStale, "the finalised inbox ends at nonce %d (block %d), %d is known", p.Inbox.Nonce, p.Block, o.tip.Nonce)
	case p.Inbox.Nonce == o.tip.Nonce && p.Inbox.Hash != o.tip.Hash:
		return &chain.Error{Check: chain.CheckCursor, Severity: chain.Halt, Err: fmt.Errorf(
			"at nonce %d the chain has %s, not %s as agreed or proven before", p.Inbox.Nonce, p.Inbox.Hash, o.tip.Hash)}
	}
	return nil
}

// read fetches what there is room for, and hands it over with the head.
func (o *Observer) read(ctx context.Context, params types.Params, p chain.Position) (more bool, err error) {
	room := o.cfg.MaxEvents - o.cfg.Mailbox.Held(o.cfg.Chain)
	news := mailbox.News{Head: p.Block}
	if o.tip.Nonce < p.Inbox.Nonce && room > 0 {
		to := o.target(p, room)
		batch, err := o.cfg.Source.Read(ctx, o.tip, to, chain.ReadOptions{
			MarkStride: params.MarkStride, MaxEvents: room, Progress: o.setProgress,
		})
		if err != nil {
			return false, err
		}
		if n := len(batch.Events); n == 0 || batch.Last.Nonce != o.tip.Nonce+uint64(n) {
			return false, errors.New("invariant broken: a source read nothing, or left events out")
		}
		news.Events, news.Marks = batch.Events, batch.Marks
		o.advance(batch, to)
	}
	if o.tip.Nonce == p.Inbox.Nonce {
		o.tip.Block = p.Block + 1 // proven: nothing newer up to p.Block
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
