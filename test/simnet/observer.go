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
// it starts at the agreed cursor, takes only what chains from there into the
// proven position, and keeps nothing over a restart.
type observer struct {
	reading bool
	tip     types.Mark
	marks   []types.Mark // handed over, above the cursor
}

// maxHeld is how many events above the cursor an observer reads ahead.
const maxHeld = 4096

// errRewind says that the observer has forgotten what it knew.
type trouble string

const (
	fine          trouble = ""
	hidden        trouble = "events are hidden"
	contradiction trouble = "the chain contradicts the cursor"
)

// round is one look at a chain, of which the endpoints show shown, but for the
// event at the nonce hide.
func (o *observer) round(box *mailbox.Box, agreed bridge.ChainState, stride uint64, shown []bridgetest.Logged, final, hide uint64) trouble {
	if agreed.Refused != "" {
		return fine
	}
	if !o.follow(box, agreed) {
		return o.rewind(box, agreed.ID, contradiction)
	}
	end := sort.Search(len(shown), func(i int) bool { return shown[i].Block > final })
	if uint64(end) < o.tip.Nonce {
		return fine // behind what is known
	}
	proven := o.tip
	if end > 0 {
		proven = types.Mark{Nonce: shown[end-1].Nonce, Hash: shown[end-1].Hash}
	}
	if proven.Nonce == o.tip.Nonce && proven.Hash != o.tip.Hash {
		return o.rewind(box, agreed.ID, contradiction)
	}
	news := mailbox.News{Head: final}
	hash := o.tip.Hash
	for i := o.tip.Nonce; i < uint64(end); i++ {
		if i+1 == hide {
			return hidden
		}
		l := shown[i]
		hash = evmsig.Accumulate(hash, evmsig.InboxLeaf(l.Nonce, l.Event))
		news.Events = append(news.Events, l.InboxEvent)
		if int(i)+1 == len(shown) || shown[i+1].Block != l.Block || l.Nonce%stride == 0 {
			news.Marks = append(news.Marks, types.Mark{Nonce: l.Nonce, Hash: hash, Block: l.Block})
		}
	}
	if hash != proven.Hash {
		return o.rewind(box, agreed.ID, contradiction)
	}
	if box.Add(agreed.ID, news) != nil {
		return o.rewind(box, agreed.ID, hidden)
	}
	o.marks = append(o.marks, news.Marks...)
	o.tip = proven
	return fine
}

// follow takes the cursor as the place to read from, where there is nothing
// newer; false is that it contradicts what was proven.
func (o *observer) follow(box *mailbox.Box, agreed bridge.ChainState) bool {
	cursor := types.Mark{Nonce: agreed.Cursor, Hash: agreed.CursorHash, Block: agreed.CursorBlock}
	if !o.reading || o.tip.Nonce < cursor.Nonce {
		box.Reset(agreed.ID)
		o.tip, o.marks, o.reading = cursor, nil, true
	}
	own := o.tip
	for len(o.marks) > 0 && o.marks[0].Nonce <= cursor.Nonce {
		own, o.marks = o.marks[0], o.marks[1:]
	}
	return own.Nonce != cursor.Nonce || own.Hash == cursor.Hash
}

func (o *observer) rewind(box *mailbox.Box, id types.ChainID, why trouble) trouble {
	*o = observer{}
	box.Reset(id)
	return why
}
