package fake

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var all = chain.ReadOptions{MarkStride: 16, MaxEvents: 1000}

func TestSource(t *testing.T) {
	c := New(7, types.Hash{1})
	c.SetLag(2)
	c.Deposit(1)
	c.Deposit(2)
	c.Mine(1)
	c.Deposit(3)
	c.Mine(4)
	p, err := c.Finalized(t.Context())
	if err != nil || p.Block != 3 || p.Inbox.Nonce != 3 {
		t.Fatalf("position %+v, %v", p, err)
	}
	from := types.Mark{Hash: c.Seed()}
	batch, err := c.Read(t.Context(), from, p.Inbox, all)
	if err != nil || len(batch.Events) != 3 || len(batch.Marks) != 2 {
		t.Fatalf("batch %+v, %v", batch, err)
	}
	for check, lie := range map[chain.Check]Lie{
		chain.CheckHidden:      {Hide: 2},
		chain.CheckAccumulator: {Forge: 1},
	} {
		c.Tell(lie)
		if _, err := c.Read(t.Context(), from, p.Inbox, all); chain.CheckOf(err) != check {
			t.Errorf("%+v: %v", lie, err)
		}
	}
	c.Tell(Lie{})
	c.Reorg(5)
	if after, err := c.Finalized(t.Context()); err != nil || after.Hash == p.Hash || after.Inbox.Nonce != 0 {
		t.Errorf("after a reorg: %+v, %v", after, err)
	}
}

func TestSink(t *testing.T) {
	c := New(7, types.Hash{1})
	c.FailItems(func(_ uint64, item uint32) bool { return item == 2 })
	s := c.NewSink(types.Address{1})
	send := func(e chain.Execution, fee uint64) (chain.Tx, error) {
		p, err := s.Position(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tx, err := s.Make(e, p, p.Account.Mined, chain.Fees{Tip: fee, Cap: fee})
		if err != nil {
			t.Fatal(err)
		}
		return tx, s.Send(t.Context(), tx)
	}
	e := chain.Execution{Nonce: 1, Items: 3, Command: []byte{3}, Height: 5}
	if _, err := send(e, 10); err != nil {
		t.Fatal(err)
	}
	if _, err := send(e, 10); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if _, err := send(e, 10+0); err != nil {
		t.Error(err)
	}
	other := e
	other.Height = 6
	if _, err := send(other, 10); !errors.Is(err, chain.ErrUnderpriced) {
		t.Errorf("a replacement at the same price: %v", err)
	}
	tx, err := send(other, 12)
	if err != nil {
		t.Error(err)
	}
	c.Mine(1)
	r, err := s.Receipt(t.Context(), tx.Hash)
	if err != nil || r == nil || !r.Succeeded {
		t.Fatalf("receipt %+v, %v", r, err)
	}
	if nonce, next := c.Executed(); nonce != 1 || next != 0 {
		t.Errorf("the outbox stands at %d, item %d", nonce, next)
	}
	if _, err := s.Simulate(t.Context(), tx); !errors.Is(err, chain.ErrReverted) {
		t.Errorf("executed twice: %v", err)
	}
	if err := s.Send(t.Context(), tx); !errors.Is(err, chain.ErrNonceUsed) {
		t.Errorf("sent twice: %v", err)
	}
	p, err := c.Finalized(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	batch, err := c.Read(t.Context(), types.Mark{Hash: c.Seed()}, p.Inbox, all)
	if err != nil || len(batch.Events) != 1 {
		t.Fatalf("%+v, %v", batch, err)
	}
	got := batch.Events[0].Event.(types.Executed)
	if got.Count != 3 || got.Failed(0) || !got.Failed(2) || got.Relayer != (types.Address{1}) {
		t.Errorf("receipt %+v", got)
	}
}
