package observer

import (
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// calmRounds is how many rounds in a row must find the chain consistent with
// what was agreed and proven before this validator says that there is no alarm.
const calmRounds = 10

// alarm is what an observer says of a chain's word. Of Run's goroutine alone.
//
//	unsaid ──── calmRounds ────▶ off ◀── calmRounds ── contradiction
//	  │  ▲                        │                        ▲  │
//	  │  └────── re-anchored ─────┴────────────────────────┼──┘
//	  └──────────────── a contradiction is found ──────────┘
type alarm struct {
	says types.Alarm // unsaid after a start: the state may hold an alarm of ours
	calm int         // consistent rounds since the last contradiction
	// was is what the chain is found to contradict; Block 0 is the cursor.
	was chain.Position
}

// raise takes a contradiction to the mailbox and to the operator. The state is
// read again: if governance has re-anchored the chain meanwhile, what was found
// is out of date.
func (o *Observer) raise(c *chain.Contradiction, check chain.Check) {
	now, _, err := o.cfg.State.Chain(o.cfg.Chain)
	if err == nil && reanchored(o.agreed, now) {
		return
	}
	o.alarm.calm, o.alarm.was = 0, c.Was.Position
	o.cfg.Mailbox.SetAlarm(o.cfg.Chain, types.AlarmContradiction)
	if o.alarm.says == types.AlarmContradiction {
		return
	}
	o.alarm.says = types.AlarmContradiction
	since := time.Now()
	file, err := o.keepEvidence(c, check, since)
	if err != nil {
		o.log.Error("the evidence of a contradiction is not kept: this line is all there is of it", "err", err)
	}
	o.update(func(s *Status) {
		s.Alarm, s.AlarmSince, s.Found, s.Evidence = types.AlarmContradiction, since, c.Text, file
	})
	o.log.Error("chain breaks its word about finalised data: alarm raised, no votes for its inbox",
		"height", c.Is.Block, "check", check, "err", c, "evidence", file,
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
	o.alarm = alarm{says: a}
	o.cfg.Mailbox.SetAlarm(o.cfg.Chain, a)
	o.update(func(s *Status) { s.Alarm, s.AlarmSince, s.Found, s.Evidence = types.AlarmOff, time.Time{}, "", "" })
}

// anchor looks for what the network has decided about the chain since the last
// round, and forgets what is no longer to be compared with.
func (o *Observer) anchor(agreed bridge.ChainState) {
	before := o.agreed
	o.agreed = agreed
	if reanchored(before, agreed) {
		o.log.Info("chain is re-anchored: observing from its new cursor", "nonce", agreed.Cursor, "hash", agreed.CursorHash)
		o.cfg.Source.Forget()
		o.rewind()
		o.say(types.AlarmUnsaid)
		return
	}
	// More than 2/3 of the power have seen, in what this node calls another
	// history, more than this node had: its endpoints were wrong then, not now.
	// The cursor alone judges from here on.
	if was := o.alarm.was; was.Block != 0 && agreed.Cursor > was.Inbox.Nonce {
		o.cfg.Source.Forget()
		o.alarm.was = chain.Position{}
	}
}

// reanchored says whether governance has given the chain another history:
// nothing else ends a contradiction.
func reanchored(before, now bridge.ChainState) bool {
	return before.Paused == bridge.PauseContradicted && now.Paused != bridge.PauseContradicted
}
