package observer

import (
	"context"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// calmRounds is how many rounds in a row must find the chain consistent with
// what was agreed and proven before this validator says that there is no alarm.
const calmRounds = 10

// watchRounds is how many intervals lie at most between two looks at a chain
// that contradicts itself: each may read all that came after the cursor.
const watchRounds = 10

// alarm is what an observer says of a chain's word. Of Run's goroutine alone.
//
//	unsaid ──── calmRounds ────▶ off ◀── calmRounds ── contradiction
//	  │  ▲                        │                        ▲  │
//	  │  └────── re-anchored ─────┴────────────────────────┼──┘
//	  └──────────────── a contradiction is found ──────────┘
type alarm struct {
	says types.Alarm // unsaid after a start: the state may hold an alarm of ours
	calm int         // consistent rounds since the last contradiction
	// anchored is the count of re-anchorings that the round began with.
	anchored uint64
	// was is what the chain is found to contradict; Block 0 is the cursor.
	was chain.Position
}

// raise takes a contradiction to the mailbox and to the operator, unless
// governance has re-anchored the chain meanwhile.
func (o *Observer) raise(ctx context.Context, c *chain.Contradiction, check chain.Check) {
	if o.cfg.Mailbox.Anchored(o.cfg.Chain) != o.alarm.anchored {
		return
	}
	o.alarm.calm, o.alarm.was = 0, c.Was.Position
	o.cfg.Mailbox.SetAlarm(o.cfg.Chain, types.AlarmContradiction, o.alarm.anchored)
	if o.alarm.says == types.AlarmContradiction {
		return
	}
	o.alarm.says = types.AlarmContradiction
	since, common := time.Now(), o.common(ctx, c.Is.Inbox)
	file, err := o.keepEvidence(c, common, check, since)
	if err != nil {
		o.log.Error("the evidence of a contradiction is not kept: this line is all there is of it", "err", err)
	}
	o.update(func(s *Status) {
		s.Alarm, s.AlarmSince, s.Found, s.Evidence = types.AlarmContradiction, since, c.Text, file
	})
	o.log.Error("chain breaks its word about finalised data: alarm raised, no votes for its inbox",
		"height", c.Is.Block, "check", check, "err", c, "evidence", file, "common_nonce", common.Nonce,
		"was_block", c.Was.Block, "was_hash", c.Was.Hash, "was_nonce", c.Was.Inbox.Nonce, "was_inbox", c.Was.Inbox.Hash,
		"is_block", c.Is.Block, "is_hash", c.Is.Hash, "is_nonce", c.Is.Inbox.Nonce, "is_inbox", c.Is.Inbox.Hash)
}

// consistent counts a round that found nothing wrong.
func (o *Observer) consistent() {
	if o.alarm.says == types.AlarmOff {
		return
	}
	if o.alarm.calm++; o.alarm.calm < calmRounds {
		return
	}
	withdrawn := o.alarm.says == types.AlarmContradiction
	o.say(types.AlarmOff)
	if withdrawn {
		o.log.Warn("alarm withdrawn: the chain stands by what it said again; its endpoints were wrong", "rounds", calmRounds)
	}
}

// say ends an alarm.
func (o *Observer) say(a types.Alarm) {
	o.alarm = alarm{says: a, anchored: o.alarm.anchored}
	o.cfg.Mailbox.SetAlarm(o.cfg.Chain, a, o.alarm.anchored)
	o.update(func(s *Status) { s.Alarm, s.AlarmSince, s.Found, s.Evidence = types.AlarmOff, time.Time{}, "", "" })
}

// anchor looks for what the network has decided about the chain since the last
// round, and forgets what is no longer to be compared with. The mailbox hears of
// each block that ends a contradiction, which a round might miss.
func (o *Observer) anchor(anchored uint64) {
	if anchored != o.alarm.anchored {
		o.log.Info("chain is re-anchored: observing from its new cursor", "nonce", o.agreed.Cursor, "hash", o.agreed.CursorHash)
		o.cfg.Source.Forget()
		o.rewind()
		o.history, o.alarm.anchored = nil, anchored
		o.say(types.AlarmUnsaid)
		return
	}
	// More than 2/3 of the power have seen, in what this node calls another
	// history, more than this node had: its endpoints were wrong then, not now.
	// The cursor alone judges from here on.
	if was := o.alarm.was; was.Block != 0 && o.agreed.Cursor > was.Inbox.Nonce {
		o.cfg.Source.Forget()
		o.alarm.was = chain.Position{}
	}
}
