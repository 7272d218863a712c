package relayer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge"
)

// Bounds of what a Worker waits.
const (
	maxBackoff   = 30 * time.Second // between rounds that fail
	idleLook     = 15 * time.Minute // between looks while nothing is open, for the balance
	agreedLooks  = 10               // Polls between looks while executions are only not agreed yet
	freshLook    = time.Second      // how long a look that was taken ahead saves the one at the quorum
	sameLogAfter = time.Minute      // before an unchanged complaint is logged again
)

// Worker relays to one destination. Run it in one goroutine; the other methods
// may be called from any.
type Worker struct {
	cfg  Config
	deps Deps
	log  *slog.Logger

	wake  chan struct{}
	fresh atomic.Bool // a block was committed since the outbox was read
	stale atomic.Bool // others have executed commands since the last look

	// Of the goroutine in Run alone.
	outbox     Outbox
	quorums    *quorums
	turns      *turns
	lane       lane
	position   chain.OutboxPosition
	looked     time.Time
	considered uint64    // highest complete command that a look took into account
	expected   uint64    // highest command that a look was taken for before it was complete
	notBefore  time.Time // no look before, after a failed one
	failures   int
	reverts    int // in a row, at the same place of the contract
	pausedTo   uint64
	former     map[uint64]int // looks for receipts of what a former process sent, by account nonce
	held       hold           // last reason to wait that was logged
	complaint  string         // last one logged
	complained time.Time

	mu     sync.Mutex
	status Status
}

// Status is a Worker's view, for status, metrics and doctor.
type Status struct {
	Position chain.OutboxPosition
	Looked   time.Time // zero: the destination has not answered yet
	Pending  int       // own transactions in no block yet
	Hold     string    // why nothing more is sent; one of Holds
	Spent    Spent
	Low      bool   // the balance is below LowBalance
	Err      string // of the last round; empty when it went well
	Sent     uint64 // transactions, without replacements
	Bumped   uint64 // replacements
	Reverted uint64
}

// New makes a Worker; Run starts it.
func New(cfg Config, deps Deps) (*Worker, error) {
	if err := deps.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if deps.Logger == nil {
		deps.Logger = slog.Default()
	}
	if deps.Spending == nil {
		deps.Spending = &Spending{}
	}
	name := cfg.Label
	if name == "" {
		name = cfg.Chain.String()
	}
	w := &Worker{
		cfg: cfg, deps: deps, log: deps.Logger.With("component", "relayer", "chain", name),
		wake: make(chan struct{}, 1), quorums: newQuorums(deps.Signatures), turns: newTurns(cfg),
	}
	w.fresh.Store(true)
	return w, nil
}

// Committed tells that a block was committed. It never blocks.
func (w *Worker) Committed() {
	w.fresh.Store(true)
	w.poke()
}

// Outdated tells that the contract is said to be further than it was at the last
// look: it is looked at again, soon and not too often. It never blocks.
func (w *Worker) Outdated() {
	w.stale.Store(true)
	w.poke()
}

// SignaturesChanged tells that precommits brought signatures. It never blocks.
func (w *Worker) SignaturesChanged() { w.poke() }

func (w *Worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default: // a round is due already
	}
}

// Status returns how things stand.
func (w *Worker) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	status := w.status
	status.Spent = w.deps.Spending.Status(time.Now())
	return status
}

// Run works until the context ends, and then returns nil: a destination in
// trouble is no reason for a validator to stop.
func (w *Worker) Run(ctx context.Context) error {
	tick := time.NewTicker(w.cfg.Poll)
	defer tick.Stop()
	for {
		looked, err := w.runOnce(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if looked || err != nil {
			w.outcome(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-w.wake:
		}
	}
}

// outcome notes how a round ended, and sets when to try again.
func (w *Worker) outcome(err error) {
	w.mu.Lock()
	w.status.Pending, w.status.Err = len(w.lane.pending()), ""
	if err != nil {
		w.status.Err = err.Error()
	}
	w.mu.Unlock()
	if err == nil {
		return
	}
	w.failures++
	wait := min(w.cfg.Poll<<min(w.failures-1, 10), maxBackoff)
	w.notBefore = time.Now().Add(wait)
	w.complain("relaying is delayed (will retry)", "err", err)
}

// complain warns, but not over and over of the same.
func (w *Worker) complain(message string, args ...any) {
	now, text := time.Now(), fmt.Sprint(message, args)
	if text == w.complaint && now.Sub(w.complained) < sameLogAfter {
		return
	}
	w.complaint, w.complained = text, now
	w.log.Warn(message, args...)
}

// runOnce is one round: state, signatures, and if they give a reason,
// destination and transactions. It says whether it came as far as the latter.
func (w *Worker) runOnce(ctx context.Context) (looked bool, err error) {
	if w.fresh.Swap(false) {
		outbox, err := w.deps.State.Outbox(w.cfg.Chain, MaxOpen)
		if err != nil {
			w.fresh.Store(true)
			return false, fmt.Errorf("read outbox: %w", err)
		}
		w.outbox = outbox
	}
	complete := w.quorums.update(w.outbox.Commands)
	w.turns.committed(w.outbox, complete)
	now := time.Now()
	if !w.wantsLook(now, complete) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, w.cfg.CallTimeout)
	defer cancel()
	if !w.lookedAhead(now, complete) {
		if err := w.look(ctx, now); err != nil {
			return true, err
		}
	}
	for nonce := range complete {
		w.considered = max(w.considered, nonce)
	}
	d := decide(w.situation(now))
	err = w.act(ctx, d)
	if errors.Is(err, ErrSpent) {
		d.hold, err = holdSpent, nil
	}
	w.holds(d.hold)
	if err != nil {
		return true, err
	}
	w.failures = 0
	return true, nil
}

// wantsLook says whether there is a reason to ask the destination: at once for
// what this validator is the first to send, else at the pace of Poll.
func (w *Worker) wantsLook(now time.Time, complete map[uint64]bool) bool {
	if now.Before(w.notBefore) {
		return false
	}
	if w.expects(complete) {
		return true
	}
	open := len(w.lane.pending()) > 0 || w.lane.foreign || w.unsettled()
	for nonce := range complete {
		if nonce <= w.position.Nonce {
			continue
		}
		open = true
		if nonce > w.considered && w.turns.first(nonce) {
			return true
		}
	}
	// What the destination has executed may be undone by a reorg, as long as
	// the network has not agreed on it.
	idle := now.Sub(w.looked)
	if w.stale.Load() && idle >= agreedLooks*w.cfg.Poll {
		return true
	}
	return idle >= idleLook || open && idle >= w.cfg.Poll || len(complete) > 0 && idle >= agreedLooks*w.cfg.Poll
}

// expects says, once for each command that this validator will be the first to
// send, that its signatures are on their way: a look taken now is one less when
// they are there, and then every millisecond counts.
func (w *Worker) expects(complete map[uint64]bool) bool {
	before := w.expected
	for _, c := range w.outbox.Commands {
		if c.Nonce > w.expected && !complete[c.Nonce] && w.turns.first(c.Nonce) {
			w.expected = c.Nonce
		}
	}
	return w.expected > before
}

// lookedAhead says that the last look was taken for a command that has just
// become complete, and still holds: nothing of ours has moved the destination
// since. What others did meanwhile the simulation finds out.
func (w *Worker) lookedAhead(now time.Time, complete map[uint64]bool) bool {
	if now.Sub(w.looked) > freshLook || w.failures > 0 || w.reverts > 0 || len(w.lane.pending()) > 0 || w.lane.foreign || w.unsettled() {
		return false
	}
	for nonce := range complete {
		if nonce > w.considered && nonce == w.position.Nonce+1 && nonce <= w.expected && w.turns.first(nonce) {
			return true
		}
	}
	return false
}

// look asks the destination where it stands, and takes that into the books.
func (w *Worker) look(ctx context.Context, now time.Time) error {
	position, err := w.deps.Sink.Position(ctx)
	if err != nil {
		return err
	}
	if position.Nonce != w.position.Nonce || position.NextItem != w.position.NextItem {
		w.reverts, w.pausedTo = 0, 0
	}
	if position.Nonce < w.position.Nonce {
		w.considered = min(w.considered, position.Nonce)
		w.log.Info("the destination went back", "nonce", position.Nonce, "before", w.position.Nonce)
	}
	w.position, w.looked = position, now
	w.stale.Store(false)
	w.turns.looked(w.deps.State.Height()+1, position)
	_, again := w.lane.look(position, now)
	for _, a := range again {
		w.log.Info("a reorg of the destination undid a transaction", "nonce", a.execution.Nonce,
			"account_nonce", a.nonce(), "tx", a.latest().Hash)
	}
	w.settle(ctx)
	w.settleFormer(ctx)
	low := position.Account.Balance.Cmp(w.cfg.LowBalance) < 0
	w.mu.Lock()
	news := low && !w.status.Low
	w.status.Position, w.status.Looked, w.status.Low = position, now, low
	w.mu.Unlock()
	if news {
		w.log.Warn("the relayer's balance is low: send coins to its account", "account", position.Account.Address,
			"balance_wei", position.Account.Balance, "want_wei", w.cfg.LowBalance)
	}
	return nil
}

// holds notes why nothing more is sent, and says it once where somebody should
// know.
func (w *Worker) holds(why hold) {
	w.mu.Lock()
	w.status.Hold = string(why)
	w.mu.Unlock()
	before := w.held
	w.held = why
	if why == before {
		return
	}
	switch {
	case why == holdFees && w.position.Market.Cap > w.cfg.MaxFee: // else a stuck transaction was complained about
		w.log.Warn("fees of the destination are above the limit; waiting", "price", w.position.Market.Cap, "limit", w.cfg.MaxFee)
	case why == holdSpent:
		spent := w.deps.Spending.Status(time.Now())
		w.log.Warn("the day's spending limit is reached; waiting", "limit_wei", spent.Limit, "paid_wei", spent.Paid,
			"pending_wei", spent.Claimed)
	}
}

func (w *Worker) situation(now time.Time) situation {
	height := w.deps.State.Height() + 1
	candidates := make([]candidate, len(w.outbox.Commands))
	for i, c := range w.outbox.Commands {
		quorum := w.quorums.packed[c.Nonce]
		candidates[i] = candidate{execution: execution(c, quorum), complete: quorum != nil}
	}
	return situation{
		now: now, position: w.position, lane: &w.lane, candidates: candidates, pausedTo: w.pausedTo,
		mayLead:    func(nonce uint64) bool { return w.turns.mayLead(nonce, height, w.position.Block) },
		mayFollow:  w.turns.mayFollow,
		maxPending: w.cfg.MaxPending, maxFee: w.cfg.MaxFee,
		bumpBlocks: w.cfg.BumpBlocks, bumpAfter: w.cfg.BumpAfter,
	}
}

func execution(c bridge.OutboxCommand, quorum []byte) chain.Execution {
	return chain.Execution{
		Nonce: c.Nonce, Command: c.Bytes, Items: c.Items, Proof: c.Proof,
		Epoch: c.Seal.Epoch, Height: c.Seal.Height, Root: c.Seal.Root, Quorum: quorum,
	}
}
