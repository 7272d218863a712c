package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// itemGas is what each item of a command costs here, and a transaction besides.
const itemGas = 30_000

// outbox is the contract's other half. Seals and quorums are not checked: that
// is the real contract's business.
type outbox struct {
	nonce      uint64
	next       uint32
	sealHeight uint64
	failures   func(nonce uint64, item uint32) bool
	pool       []pending
	receipts   map[types.Hash]chain.Receipt
	accounts   map[types.Address]uint64 // next nonce
}

type pending struct {
	from types.Address
	tx   chain.Tx
}

// FailItems decides which items of commands report a failure; nil: none.
func (c *Chain) FailItems(fails func(nonce uint64, item uint32) bool) {
	c.set(func() { c.outbox.failures = fails })
}

// DropPool makes the chain forget the transactions that wait.
func (c *Chain) DropPool() { c.set(func() { c.outbox.pool = nil }) }

// Executed is how far the outbox is: the last command wholly executed and the
// next item of the one after it.
func (c *Chain) Executed() (nonce uint64, next uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.outbox.nonce, c.outbox.next
}

// Sink is one relayer's account on a Chain.
type Sink struct {
	c       *Chain
	account types.Address
}

// NewSink makes a Sink for an account.
func (c *Chain) NewSink(account types.Address) *Sink { return &Sink{c: c, account: account} }

// Position implements chain.Sink.
func (s *Sink) Position(ctx context.Context) (chain.OutboxPosition, error) {
	if err := s.c.ask(ctx); err != nil {
		return chain.OutboxPosition{}, err
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	o := &s.c.outbox
	waiting := uint64(0)
	for _, p := range o.pool {
		if p.from == s.account {
			waiting++
		}
	}
	mined := o.accounts[s.account]
	return chain.OutboxPosition{
		Block: uint64(len(s.c.blocks) - 1), BlockGas: 1 << 25, Nonce: o.nonce, NextItem: o.next, SealHeight: o.sealHeight,
		ReleaseGas: itemGas,
		Account:    chain.Account{Address: s.account, Mined: mined, Pending: mined + waiting, Balance: types.NewAmount(1 << 62)},
		Market:     chain.Fees{Tip: 1, Cap: 10},
	}, nil
}

// Make implements chain.Sink.
func (s *Sink) Make(e chain.Execution, p chain.OutboxPosition, accountNonce uint64, f chain.Fees) (chain.Tx, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return chain.Tx{}, fmt.Errorf("encode: %w", err)
	}
	tx := chain.Tx{
		Raw: fmt.Appendf(data, " %s %d %v", s.account, accountNonce, f), Nonce: accountNonce, Data: data,
		Gas: min(itemGas*(1+uint64(e.Items-e.From)), p.BlockGas), Fees: f, Whole: true,
	}
	tx.Hash = crypto.Keccak256Hash(tx.Raw)
	return tx, nil
}

// Simulate implements chain.Sink.
func (s *Sink) Simulate(ctx context.Context, tx chain.Tx) (gas uint64, err error) {
	if err := s.c.ask(ctx); err != nil {
		return 0, err
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	_, err = s.c.execution(tx)
	return 0, err
}

// Send implements chain.Sink. As geth's pool does, it wants a tenth more for a
// replacement.
func (s *Sink) Send(ctx context.Context, tx chain.Tx) error {
	if err := s.c.ask(ctx); err != nil {
		return err
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	o := &s.c.outbox
	if tx.Nonce < o.accounts[s.account] {
		return chain.ErrNonceUsed
	}
	for i, p := range o.pool {
		if p.from != s.account || p.tx.Nonce != tx.Nonce {
			continue
		}
		if p.tx.Hash == tx.Hash {
			return nil
		}
		if tx.Fees.Cap*10 < p.tx.Fees.Cap*11 || tx.Fees.Tip*10 < p.tx.Fees.Tip*11 {
			return chain.ErrUnderpriced
		}
		o.pool[i].tx = tx
		return nil
	}
	o.pool = append(o.pool, pending{s.account, tx})
	return nil
}

// Receipt implements chain.Sink.
func (s *Sink) Receipt(ctx context.Context, hash types.Hash) (*chain.Receipt, error) {
	if err := s.c.ask(ctx); err != nil {
		return nil, err
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if r, ok := s.c.outbox.receipts[hash]; ok {
		return &r, nil
	}
	return nil, nil //nolint:nilnil // the interface's word for "in no block"
}

// execution decodes a transaction and checks its place in the outbox.
func (c *Chain) execution(tx chain.Tx) (e chain.Execution, err error) {
	if err := json.NewDecoder(bytes.NewReader(tx.Data)).Decode(&e); err != nil {
		return e, fmt.Errorf("%w: no execution: %w", chain.ErrReverted, err)
	}
	switch {
	case e.Nonce != c.outbox.nonce+1:
		return e, fmt.Errorf("%w: command %d, the next is %d", chain.ErrReverted, e.Nonce, c.outbox.nonce+1)
	case e.From != c.outbox.next || e.From >= e.Items:
		return e, fmt.Errorf("%w: item %d, the next is %d", chain.ErrReverted, e.From, c.outbox.next)
	case e.Height < c.outbox.sealHeight:
		return e, fmt.Errorf("%w: seal of height %d, the last was %d", chain.ErrReverted, e.Height, c.outbox.sealHeight)
	}
	return e, nil
}

// runPool executes what waits, in order, as far as account nonces allow.
func (c *Chain) runPool(number uint64) {
	o := &c.outbox
	if o.receipts == nil {
		o.receipts, o.accounts = map[types.Hash]chain.Receipt{}, map[types.Address]uint64{}
	}
	var left []pending
	for _, p := range o.pool {
		if p.tx.Nonce != o.accounts[p.from] {
			left = append(left, p)
			continue
		}
		o.accounts[p.from]++
		o.receipts[p.tx.Hash] = chain.Receipt{Succeeded: c.execute(p), Block: number, GasUsed: p.tx.Gas}
	}
	o.pool = left
}

// execute runs as many items as the gas pays for.
func (c *Chain) execute(p pending) bool {
	e, err := c.execution(p.tx)
	if err != nil || p.tx.Gas < 2*itemGas {
		return false
	}
	o := &c.outbox
	count := min(e.Items-e.From, uint32(p.tx.Gas/itemGas-1)) //nolint:gosec // gas is below 2^25
	bitmap, failed := make([]byte, (count+7)/8), false
	for i := range count {
		if o.failures != nil && o.failures(e.Nonce, e.From+i) {
			bitmap[i/8] |= 1 << (i % 8)
			failed = true
		}
	}
	if !failed {
		bitmap = nil
	}
	o.sealHeight = e.Height
	if o.next += count; o.next == e.Items {
		o.nonce, o.next = o.nonce+1, 0
	}
	c.waiting = append(c.waiting, types.Executed{OutboxNonce: e.Nonce, First: e.From, Count: count, Relayer: p.from, Failures: bitmap})
	return true
}
