package relayer

import (
	"slices"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
)

// history is how many mined attempts are kept, for the case that a reorg of the
// destination makes them pending again.
const history = 128

// attempt is what was sent with one account nonce: a transaction and what
// replaced it since. Any of them may be the one that is mined.
type attempt struct {
	execution chain.Execution
	txs       []chain.Tx
	mined     bool
	since     moment // when the newest of txs was sent
	cast      uint64 // head at which it was last broadcast
	looks     int    // for a receipt
	settled   bool   // its end is known and was told
}

func (a *attempt) nonce() uint64    { return a.txs[0].Nonce }
func (a *attempt) latest() chain.Tx { return a.txs[len(a.txs)-1] }

// moment is a block of the destination and the time when it was seen.
type moment struct {
	head uint64
	at   time.Time
}

// lane is the account's transactions in the order of their nonces, as far as
// this process sent them.
type lane struct {
	attempts  []*attempt // nonces ascending by one
	mined     uint64     // the account's next nonce after what is mined
	strangers moment     // since when transactions pend that this process did not send
	foreign   bool       // strangers is set
}

// pending are the attempts that no block holds.
func (l *lane) pending() []*attempt {
	for i, a := range l.attempts {
		if !a.mined {
			return l.attempts[i:]
		}
	}
	return nil
}

// look takes the account's position. It returns the attempts that were mined
// since the last look, and those that a reorg made pending again.
func (l *lane) look(p chain.OutboxPosition, now time.Time) (mined, again []*attempt) {
	l.mined = p.Account.Mined
	for _, a := range l.attempts {
		switch in := a.nonce() < l.mined; {
		case in && !a.mined:
			a.mined = true
			mined = append(mined, a)
		case !in && a.mined:
			a.mined, a.settled, a.looks = false, false, 0
			a.since, a.cast = moment{p.Block, now}, 0
			again = append(again, a)
		}
	}
	pending := l.pending()
	if len(pending) > 0 && pending[0].nonce() != l.mined {
		l.forget(pending[0].nonce()) // somebody else used the account
		pending = nil
	}
	if old := len(l.attempts) - len(pending) - history; old > 0 {
		l.attempts = l.attempts[old:]
	}
	foreign := len(pending) == 0 && p.Account.Pending > p.Account.Mined
	if foreign && !l.foreign {
		l.strangers = moment{p.Block, now}
	}
	l.foreign = foreign
	return mined, again
}

// has says that this process sent something with an account nonce.
func (l *lane) has(nonce uint64) bool {
	return slices.ContainsFunc(l.attempts, func(a *attempt) bool { return a.nonce() == nonce })
}

// forget drops the attempts from an account nonce on.
func (l *lane) forget(from uint64) {
	for i, a := range l.attempts {
		if a.nonce() >= from {
			l.attempts = l.attempts[:i]
			return
		}
	}
}

// add appends the attempt for the next nonce.
func (l *lane) add(e chain.Execution, tx chain.Tx, at moment) *attempt {
	if n := len(l.attempts); n > 0 && l.attempts[n-1].nonce()+1 != tx.Nonce {
		l.attempts = nil // history of nonces that do not connect any more
	}
	a := &attempt{execution: e, txs: []chain.Tx{tx}, since: at, cast: at.head}
	l.attempts = append(l.attempts, a)
	return a
}
