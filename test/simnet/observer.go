package simnet

import (
	"sort"

	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// observer follows the rules of package internal/observer over a model chain:
// it starts at the agreed cursor, hands over only what chains from there into
// the proven position, raises the alarm where the chain contradicts the cursor,
// and keeps nothing over a restart.
type observer struct {
	agreed   bridge.ChainState
	anchored uint64 // re-anchorings that were seen
	reading  bool
	tip      types.Mark
	final    uint64       // newest block that was shown as final
	marks    []types.Mark // handed over, above the cursor
	alarm    types.Alarm
	calm     int // consistent rounds since the last contradiction
}

// calmRounds is after how many consistent rounds there is no alarm.
const calmRounds = 10

// finding is what a round has found.
type finding int

const (
	fine finding = iota
	nothing
	contradiction
)

// shown is a chain as the endpoints of an observer show it, but for the event at
// the nonce hide.
type shown struct {
	inbox       []bridgetest.Logged
	final, hide uint64
}

// round is one look at a chain.
func (o *observer) round(box *mailbox.Box, agreed bridge.ChainState, stride uint64, chain shown) finding {
	if agreed.Refused != "" {
		return nothing
	}
	if o.agreed.ID == 0 {
		o.anchored = box.Anchored(agreed.ID)
		box.SetAlarm(agreed.ID, types.AlarmUnsaid, o.anchored)
	}
	if anchored := box.Anchored(agreed.ID); anchored != o.anchored { // perhaps since this observer last looked
		o.anchored = anchored
		o.rewind(box)
		o.say(box, types.AlarmUnsaid)
	}
	o.agreed = agreed
	found := o.look(box, stride, chain)
	switch {
	case found == contradiction:
		o.calm = 0
		o.alarm = types.AlarmContradiction
		box.SetAlarm(agreed.ID, o.alarm, box.Anchored(agreed.ID))
	case found == fine && o.alarm != types.AlarmOff:
		if o.calm++; o.calm >= calmRounds {
			o.say(box, types.AlarmOff)
		}
	}
	return found
}

func (o *observer) say(box *mailbox.Box, alarm types.Alarm) {
	o.alarm, o.calm = alarm, 0
	box.SetAlarm(o.agreed.ID, alarm, box.Anchored(o.agreed.ID))
}

// look compares the chain with the cursor and hands over what is new.
func (o *observer) look(box *mailbox.Box, stride uint64, chain shown) finding {
	if !o.follow(box) {
		o.rewind(box)
		return nothing
	}
	end := sort.Search(len(chain.inbox), func(i int) bool { return chain.inbox[i].Block > chain.final })
	proven := types.Mark{Nonce: uint64(end)}
	if end > 0 {
		proven.Hash = chain.inbox[end-1].Hash
	}
	switch {
	case proven.Nonce < o.agreed.Cursor && chain.final >= o.agreed.Head,
		proven.Nonce == o.agreed.Cursor && o.agreed.Cursor > 0 && proven.Hash != o.agreed.CursorHash:
		o.rewind(box)
		return contradiction
	case proven.Nonce < o.tip.Nonce && chain.final < o.final:
		return nothing // an endpoint that is behind
	case proven.Nonce < o.tip.Nonce, proven.Nonce == o.tip.Nonce && o.tip.Nonce > 0 && proven.Hash != o.tip.Hash:
		o.rewind(box) // what was final before is not there any more
		return contradiction
	}
	o.final = max(o.final, chain.final)
	return o.read(box, stride, chain, proven)
}

// read hands over the events up to the proven position, if they chain into it.
func (o *observer) read(box *mailbox.Box, stride uint64, chain shown, proven types.Mark) finding {
	news := mailbox.News{Head: chain.final}
	hash := o.tip.Hash
	for i := o.tip.Nonce; i < proven.Nonce; i++ {
		if i+1 == chain.hide {
			return nothing // the accumulator does not come out
		}
		l := chain.inbox[i]
		hash = evmsig.Accumulate(hash, evmsig.InboxLeaf(l.Nonce, l.Event))
		news.Events = append(news.Events, l.InboxEvent)
		if int(i)+1 == len(chain.inbox) || chain.inbox[i+1].Block != l.Block || l.Nonce%stride == 0 {
			news.Marks = append(news.Marks, types.Mark{Nonce: l.Nonce, Hash: hash, Block: l.Block})
		}
	}
	if proven.Nonce > o.tip.Nonce && hash != proven.Hash {
		atCursor := o.tip.Nonce == o.agreed.Cursor && o.tip.Nonce > 0
		o.rewind(box)
		if atCursor { // the chain's own cursor is proven by the events after it
			return contradiction
		}
		return nothing
	}
	if box.Add(o.agreed.ID, news) != nil {
		o.rewind(box)
		return nothing
	}
	if proven.Nonce > o.tip.Nonce {
		o.tip = proven
	}
	o.marks = append(o.marks, news.Marks...)
	return fine
}

// follow takes the cursor as the place to read from, where there is nothing
// newer; false is that it contradicts what was proven.
func (o *observer) follow(box *mailbox.Box) bool {
	cursor := types.Mark{Nonce: o.agreed.Cursor, Hash: o.agreed.CursorHash, Block: o.agreed.CursorBlock}
	if !o.reading || o.tip.Nonce < cursor.Nonce {
		box.Reset(o.agreed.ID)
		o.tip, o.marks, o.reading = cursor, nil, true
	}
	own := o.tip
	for len(o.marks) > 0 && o.marks[0].Nonce <= cursor.Nonce {
		own, o.marks = o.marks[0], o.marks[1:]
	}
	return own.Nonce != cursor.Nonce || own.Hash == cursor.Hash
}

// rewind forgets what the network has not agreed on.
func (o *observer) rewind(box *mailbox.Box) {
	o.reading, o.tip, o.marks = false, types.Mark{}, nil
	box.Reset(o.agreed.ID)
}
