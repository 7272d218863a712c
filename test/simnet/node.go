package simnet

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

var ctx = context.Background()

// node is one validator: a real application over a real store in memory, a real
// mailbox, and models of the workers beside them.
type node struct {
	*member             // with the keys in force
	keys      []*member // the same with every signer that it has, the old ones too
	operators []*member // with every operator that it has had
	run       *run
	index     int
	liar      bool
	reformed  bool  // it has been a liar: what it said then may still be held against it
	down      int   // blocks until it starts again; 0 while it is up
	off       bool  // nobody wants it to run: it is no validator yet, or no more
	height    int64 // at which it was switched off
	wants     int64 // height at which it asked to be a validator
	asked     int64 // height at which its operator asked to unjail it
	mute      int64 // until this height its signer is away
	deaf      int64 // until this height its observers are away

	db        memory       // survives a crash
	store     *store.Store // over db; processes that hold the same state share both: see share
	app       *app.App
	box       *mailbox.Box
	blind     bool // proposes without payloads of its own
	observers map[types.ChainID]*observer
	signed    map[uint64]types.Hash // by height: what it ever signed, over all restarts
	quiet     bool                  // its errors are expected
}

// start opens the process over what the database holds. The blocks that it has
// missed come afterwards.
func (n *node) start() {
	s, err := store.Open(store.Config{DB: n.db, Keep: n.run.keep})
	if err != nil {
		n.run.broken("node", "%s: open the store: %v", n.Moniker, err)
	}
	n.box, n.observers = mailbox.New(), map[types.ChainID]*observer{}
	n.open(s)
	n.setAlarms()
	if n.app.Height() > 0 {
		return
	}
	if _, err := n.app.InitChain(ctx, n.run.init); err != nil {
		n.run.broken("node", "%s: init chain: %v", n.Moniker, err)
	}
}

// open puts the application over a store.
func (n *node) open(s *store.Store) {
	a, err := app.New(app.Options{
		Store: s, Mailbox: inbox{n.box, n}, Self: n.id, Logger: slog.New(strictLog{n}), Version: "simnet", Checks: n.run.memo.checks(),
	})
	if err != nil {
		n.run.broken("node", "%s: start: %v", n.Moniker, err)
	}
	n.store, n.app = s, a
}

// crash ends the process: nothing but its database is left.
func (n *node) crash(blocks int, where string) {
	n.run.count(FaultCrash)
	if state := "a crash " + where; knownStates[state] {
		n.run.rare(state)
	}
	n.run.trace("%s dies %s, for %d blocks", n.Moniker, where, blocks)
	n.stop()
	n.down = max(1, blocks)
}

// stop leaves nothing of the process but its database, as it was committed last.
func (n *node) stop() {
	n.db = n.db.clone() // the others may go on with theirs
	n.store, n.app, n.box, n.observers = nil, nil, nil, nil
}

// up says whether the process runs.
func (n *node) up() bool { return n.app != nil }

// catchUp replays the blocks that a process which was down has missed.
func (n *node) catchUp() {
	for n.app.Height() < n.run.height {
		height := n.app.Height() + 1
		n.finalize(n.run.blocks[height-1])
		n.commit(n.app)
		n.run.stats.Replayed++
		if n.dies("while catching up") {
			return
		}
	}
}

// finalize applies a decided block; every node has to come to the same.
func (n *node) finalize(b *block) {
	resp, err := n.app.FinalizeBlock(ctx, b.finalize)
	if err != nil {
		n.run.broken("I5", "%s: finalize block %d: %v", n.Moniker, b.finalize.Height, err)
	}
	if b.result == nil {
		b.result = resp
	}
	if !slices.EqualFunc(resp.ValidatorUpdates, b.result.ValidatorUpdates, func(x, y abci.ValidatorUpdate) bool {
		return x.Power == y.Power && x.PubKey.Equal(y.PubKey)
	}) {
		n.run.broken("I5", "%s: block %d: validator updates %v, others have %v", n.Moniker, b.finalize.Height, resp.ValidatorUpdates, b.result.ValidatorUpdates)
	}
	if string(resp.AppHash) != string(b.result.AppHash) || len(resp.TxResults) != len(b.finalize.Txs) {
		n.run.broken("I5", "%s: block %d: app hash %X, others have %X", n.Moniker, b.finalize.Height, resp.AppHash, b.result.AppHash)
	}
}

// commit saves what an application over the node's store has applied.
func (n *node) commit(by *app.App) {
	if _, err := by.Commit(ctx, &abci.RequestCommit{}); err != nil {
		n.run.broken("I5", "%s: commit: %v", n.Moniker, err)
	}
}

// view reads the newest committed state.
func (n *node) view(read func(state bridge.Reader) error) {
	err := n.app.View(func(state bridge.Reader, _ int64) error { return read(state) })
	if err != nil {
		n.run.broken("node", "%s: read the state: %v", n.Moniker, err)
	}
}

// work lets the workers beside consensus have a round.
func (n *node) work() {
	if n.run.height == 0 {
		return
	}
	n.box.Chains(uint64(n.run.height), n.run.agreed)
	n.view(n.sign)
	for _, c := range n.run.agreed {
		n.observe(c)
	}
}

// sign signs what the state wants signed, and lets the mailbox forget what it
// does not want any more.
func (n *node) sign(state bridge.Reader) error {
	if max(n.run.mute, n.mute) > n.run.height || !n.run.signable() {
		return nil
	}
	if n.run.dice.chance("slow signer", n.run.rate(FaultSlow)) {
		n.run.count(FaultSlow)
		return nil
	}
	var all []bridge.SealState
	for _, keys := range n.keys {
		seals, err := n.app.Machine().SealsToSign(state, n.run.height+1, keys.Signer, 64)
		if err != nil {
			return err
		}
		for _, seal := range seals {
			if before, known := n.signed[seal.Height]; known && before != seal.Digest {
				n.run.broken("one seal", "%s is asked to sign a second seal of height %d", n.Moniker, seal.Height)
			}
			n.signed[seal.Height] = seal.Digest
			n.box.AddSignature(types.SealSignature{Height: seal.Height, Signature: n.run.memo.sign(keys, seal.Digest)})
		}
		all = append(all, seals...)
	}
	n.box.Committed(uint64(n.run.height), n.run.agreed, all)
	return nil
}

func (n *node) observe(c bridge.ChainState) {
	d := n.run.dice
	if n.deaf > n.run.height {
		return
	}
	if d.chance("slow observer", n.run.rate(FaultSlow)) {
		n.run.count(FaultSlow)
		return
	}
	if n.observers[c.ID] == nil {
		n.observers[c.ID] = &observer{}
	}
	model, o := n.run.world.chain(c.ID), n.observers[c.ID]
	view := shown{inbox: model.seen(n.liar), final: model.final}
	if d.chance("hide", n.run.rate(FaultHide)) {
		n.run.count(FaultHide)
		view.hide = o.tip.Nonce + uint64(d.between("hide", 1, 4))
	}
	switch o.round(n.box, c, n.run.genesis.Params.MarkStride, view) {
	case nothing:
		n.run.rare("an observer abstains")
	case contradiction:
		n.run.rare("an observer contradicts the cursor")
		if !n.liar && !model.broken {
			n.run.broken("I3", "%s: what was agreed of chain %s is not what happened there", n.Moniker, c.Label)
		}
	case fine:
	}
}

// inbox is a node's mailbox, of which a blind proposer sees no events.
type inbox struct {
	*mailbox.Box
	node *node
}

// Events implements bridge.Inbox.
func (i inbox) Events(id types.ChainID, after, last uint64) []types.Event {
	if i.node.blind {
		return nil
	}
	return i.Box.Events(id, after, last)
}

// strictLog takes an error that a node logs for a break: it has recovered from
// a panic, or its own block or vote is not good.
type strictLog struct{ node *node }

func (strictLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

func (l strictLog) Handle(_ context.Context, r slog.Record) error {
	if l.node.quiet {
		return nil
	}
	var text strings.Builder
	r.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&text, " %s", a); return true })
	l.node.run.note("log", "%s logs: %s%s", l.node.Moniker, r.Message, text.String())
	return nil
}

func (l strictLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l strictLog) WithGroup(string) slog.Handler      { return l }
