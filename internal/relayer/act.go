package relayer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	maxRaises    = 16 // of the offer for one transaction within one round
	maxLooks     = 8  // for the receipt of a mined transaction
	maxPauseStep = 6  // so at most 64 blocks
)

// act carries a decision out. It stops at the first trouble: the next round
// finds out what became of it.
func (w *Worker) act(ctx context.Context, d decision) error {
	if d.forget != nil {
		w.lane.forget(*d.forget)
	}
	for _, a := range d.recast {
		a.cast = w.position.Block
		err := w.deps.Sink.Send(ctx, a.latest())
		if err != nil && !errors.Is(err, chain.ErrNonceUsed) && !errors.Is(err, chain.ErrUnderpriced) {
			return err
		}
		w.log.Debug("sent again", "nonce", a.execution.Nonce, "account_nonce", a.nonce(), "tx", a.latest().Hash)
	}
	for _, b := range d.bumps {
		if err := w.bump(ctx, b); err != nil {
			return err
		}
	}
	if d.costly {
		w.complain("a transaction is stuck, and a higher offer would exceed the limit", "limit", w.cfg.MaxFee)
	}
	for i, s := range d.sends {
		whole, err := w.launch(ctx, s, i == 0 && !d.chained)
		if err != nil || !whole {
			return err
		}
	}
	return nil
}

// launch sends a new transaction. It returns false where the next one cannot
// stand on it.
func (w *Worker) launch(ctx context.Context, s sending, simulate bool) (whole bool, err error) {
	height := w.deps.State.Height() + 1 // being voted on as the sending begins
	tx, err := w.make(s)
	if err != nil {
		return false, err
	}
	if simulate {
		gas, err := w.deps.Sink.Simulate(ctx, tx)
		if err != nil {
			return false, w.refused(s.execution, err)
		}
		if gas > tx.Gas {
			s.execution.Least = gas
			if tx, err = w.make(s); err != nil {
				return false, err
			}
		}
	}
	if err := w.claim(tx); err != nil {
		return false, err
	}
	// In the books before it is out: an answer that got lost must not make
	// this process send it under another nonce.
	a := w.lane.add(s.execution, tx, moment{w.position.Block, time.Now()})
	if err := w.offer(ctx, a, tx); err != nil {
		if known(err) {
			w.lane.forget(s.nonce)
		}
		if errors.Is(err, chain.ErrNonceUsed) { // the account moved on since the look
			w.considered = 0
			w.poke()
			return false, nil
		}
		return false, err
	}
	w.count(func(st *Status) { st.Sent++ })
	last := a.latest()
	w.log.Info("sent", "nonce", s.execution.Nonce, "first", s.execution.From,
		"count", s.execution.Items-s.execution.From, "seal_height", s.execution.Height,
		"height", height, "tx", last.Hash, "account_nonce", last.Nonce,
		"gas", last.Gas, "fee_cap", last.Fees.Cap, "tip", last.Fees.Tip, "quorum_bytes", len(s.execution.Quorum))
	return last.Whole, nil
}

// make builds a transaction that the rest of the day's limit can pay.
func (w *Worker) make(s sending) (chain.Tx, error) {
	left, limited := w.deps.Spending.Left(time.Now(), s.nonce)
	if !limited {
		return w.deps.Sink.Make(s.execution, w.position, s.nonce, s.fees)
	}
	if left.IsZero() {
		return chain.Tx{}, ErrSpent
	}
	s.execution.Spend = left
	tx, err := w.deps.Sink.Make(s.execution, w.position, s.nonce, s.fees)
	if !errors.Is(err, chain.ErrTooExpensive) {
		return tx, err
	}
	s.execution.Spend = types.Amount{}
	if _, ever := w.deps.Sink.Make(s.execution, w.position, s.nonce, s.fees); ever != nil {
		return chain.Tx{}, err // not because of the limit
	}
	return chain.Tx{}, fmt.Errorf("%w: %w", ErrSpent, err)
}

// claim counts a transaction against the day's limit, before it is out. A disk
// that takes no record stops a relayer with a limit only.
func (w *Worker) claim(tx chain.Tx) error {
	err := w.deps.Spending.Claim(time.Now(), tx.Nonce, tx.Hash, tx.Most())
	if _, limited := w.deps.Spending.Left(time.Now(), tx.Nonce); err != nil && !limited {
		w.complain("what the relayer spends is not counted", "err", err)
		return nil
	}
	return err
}

// offer broadcasts a transaction, and raises what it pays until the pool takes
// it: the same nonce may hold one of a former process, with fees unknown.
func (w *Worker) offer(ctx context.Context, a *attempt, tx chain.Tx) error {
	for range maxRaises {
		err := w.deps.Sink.Send(ctx, tx)
		if !errors.Is(err, chain.ErrUnderpriced) {
			return err
		}
		fees, ok := replacement(tx.Fees, w.position.Market, w.position.Rush, w.cfg.MaxFee)
		if !ok {
			return err
		}
		if tx, err = w.deps.Sink.Make(a.execution, w.position, tx.Nonce, fees); err != nil {
			return err
		}
		if err := w.claim(tx); err != nil {
			return err
		}
		a.txs = append(a.txs, tx)
	}
	return chain.ErrUnderpriced
}

// known says that an answer leaves no doubt that the transaction is not under
// way.
func known(err error) bool {
	for _, verdict := range []error{
		chain.ErrNonceUsed, chain.ErrUnderpriced, chain.ErrFunds, chain.ErrTooExpensive, chain.ErrReverted,
	} {
		if errors.Is(err, verdict) {
			return true
		}
	}
	return false
}

func (w *Worker) bump(ctx context.Context, b bump) error {
	a := b.attempt
	before := a.latest()
	tx, err := w.deps.Sink.Make(a.execution, w.position, a.nonce(), b.fees)
	if err != nil {
		return err
	}
	if err := w.claim(tx); err != nil {
		return err
	}
	a.txs = append(a.txs, tx)
	a.since, a.cast = moment{w.position.Block, time.Now()}, w.position.Block
	if err := w.offer(ctx, a, tx); err != nil {
		if errors.Is(err, chain.ErrNonceUsed) {
			w.poke() // it was mined meanwhile
			return nil
		}
		return err
	}
	last := a.latest()
	w.count(func(st *Status) { st.Bumped++ })
	w.log.Info("replaced a stuck transaction", "nonce", a.execution.Nonce, "first", a.execution.From,
		"account_nonce", a.nonce(), "tx", last.Hash, "before", before.Hash,
		"fee_cap", last.Fees.Cap, "tip", last.Fees.Tip, "fee_cap_before", before.Fees.Cap)
	return nil
}

// refused handles an execution that the contract would not take now: most
// often another relayer was first, and the next look shows it.
func (w *Worker) refused(e chain.Execution, err error) error {
	if !errors.Is(err, chain.ErrReverted) {
		return err
	}
	w.quorums.drop(e.Nonce)
	w.pause()
	if w.reverts > 2 {
		w.complain("the contract refuses a command (will retry)", "nonce", e.Nonce, "first", e.From, "err", err)
	} else {
		w.log.Info("not sent: the contract would refuse it", "nonce", e.Nonce, "first", e.From, "reason", err)
	}
	return nil
}

// pause waits for 1, 2, 4, … blocks of the destination.
func (w *Worker) pause() {
	w.reverts++
	w.pausedTo = w.position.Block + 1<<min(w.reverts-1, maxPauseStep)
}

// settle finds out how mined transactions ended.
func (w *Worker) settle(ctx context.Context) {
	for _, a := range w.lane.attempts {
		if !a.mined || a.settled {
			continue
		}
		a.looks++
		if a.looks >= maxLooks { // endpoints that never say, or a stranger's transaction
			a.settled = true
			w.paid(a.nonce(), types.Amount{})
		}
		for _, tx := range a.txs {
			receipt, err := w.deps.Sink.Receipt(ctx, tx.Hash)
			if err != nil || receipt == nil {
				continue
			}
			a.settled = true
			w.paid(a.nonce(), receipt.Cost)
			w.ended(a, tx, receipt)
			break
		}
	}
}

// settleFormer finds out what those transactions cost that a former process
// sent.
func (w *Worker) settleFormer(ctx context.Context) {
	looks := map[uint64]int{}
	for _, c := range w.deps.Spending.mined(w.position.Account.Mined) {
		if w.lane.has(c.Nonce) {
			continue
		}
		looks[c.Nonce] = w.former[c.Nonce] + 1
		if looks[c.Nonce] >= maxLooks {
			w.paid(c.Nonce, types.Amount{})
		}
		for _, hash := range c.Hashes {
			if receipt, err := w.deps.Sink.Receipt(ctx, hash); err == nil && receipt != nil {
				w.paid(c.Nonce, receipt.Cost)
				break
			}
		}
	}
	w.former = looks
}

// paid takes what an account nonce cost into the day's spending.
func (w *Worker) paid(nonce uint64, cost types.Amount) {
	if err := w.deps.Spending.Settle(time.Now(), nonce, cost); err != nil {
		w.complain("what the relayer spends is not written down (will retry)", "err", err)
	}
}

func (w *Worker) ended(a *attempt, tx chain.Tx, receipt *chain.Receipt) {
	args := []any{
		"nonce", a.execution.Nonce, "first", a.execution.From, "tx", tx.Hash,
		"block", receipt.Block, "gas_used", receipt.GasUsed, "attempts", len(a.txs),
	}
	if receipt.Succeeded {
		w.log.Info("executed", args...)
		return
	}
	w.count(func(st *Status) { st.Reverted++ })
	if w.position.Nonce >= a.execution.Nonce {
		w.log.Info("reverted: another relayer was first", args...)
		return
	}
	w.pause()
	w.complain("a transaction reverted (will retry)", args...)
}

// unsettled says that some receipt is still missing.
func (w *Worker) unsettled() bool {
	for _, a := range w.lane.attempts {
		if a.mined && !a.settled {
			return true
		}
	}
	return false
}

func (w *Worker) count(change func(*Status)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.status)
}
