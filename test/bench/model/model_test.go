package model

import (
	"testing"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// In lockstep every deposit is released, and the invariants hold.
func TestLockstep(t *testing.T) {
	t.Parallel()
	n, err := New(Options{Validators: 4})
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLockstep(n, store.Config{Backend: store.Memory, Keep: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := l.Setup(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if err := l.Final(Source, l.Deposits(300)...); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Step(); err != nil {
			t.Fatal(err)
		}
	}
	for range 40 {
		if _, err := l.Step(); err != nil {
			t.Fatal(err)
		}
	}
	chains, err := l.Views[0].Chains()
	if err != nil {
		t.Fatal(err)
	}
	if source := chains[Source]; source.Ended != 1500 || source.Transfers != 1500 || l.Made() != 1500 {
		t.Errorf("%d deposits, %d transfers, %d of them ended", l.Made(), source.Transfers, source.Ended)
	}
	if err := l.Check(); err != nil {
		t.Error(err)
	}
}

// A payout tells which deposit it is for; a command is executed once, in order.
func TestChain(t *testing.T) {
	t.Parallel()
	d := deposit(7)
	if got := Number(types.BatchEntry{Amount: d.Amount}); got != 7 || d.Destination != Third {
		t.Errorf("payout %d to chain %d", got, d.Destination)
	}
	c := newChain(Options{}.chain(Second))
	command := types.EncodeCommand(types.Activate{})
	for i, step := range []struct {
		nonce uint64
		want  int
	}{{2, 0}, {1, 1}, {1, 0}, {2, 1}} {
		events, err := c.Execute(step.nonce, command, 1)
		if err != nil || len(events) != step.want {
			t.Errorf("step %d: %d events, %v", i, len(events), err)
		}
	}
	if news := c.block(128, make([]types.Event, 0)); news.Head != born+1 || len(news.Marks) != 0 {
		t.Errorf("an empty block told %v", news)
	}
}
