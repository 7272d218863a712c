package bridgetest_test

import (
	"errors"
	"testing"

	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// What the model chain does like the real contract is tested against it, in
// package contracts. Here is what the contract has no part in.

// ready is a pair's source chain with deposits on, and a deposit that it takes.
func ready(t *testing.T) (*bridgetest.Chain, types.Deposited) {
	n := bridgetest.NewPair(t, nil)
	return n.Chains[bridgetest.Alpha],
		bridgetest.To(bridgetest.Beta, bridgetest.Bob, bridgetest.GoldToken, bridgetest.Alice, types.NewAmount(1))
}

func deposit(t *testing.T, c *bridgetest.Chain, d types.Deposited) {
	t.Helper()
	if _, err := c.Deposit(d); err != nil {
		t.Fatal(err)
	}
}

func TestReorgGoesBackToTheEndOfABlock(t *testing.T) {
	c, d := ready(t)
	c.Mine()
	deposit(t, c, d)
	height, seconds, state := c.Height(), c.Time, c.State()
	c.Mine() // ends that block
	for range 5 {
		c.Time += 12
		deposit(t, c, d)
		c.Mine()
		c.Mine() // an empty block between
	}
	if err := c.Reorg(height); err != nil {
		t.Fatal(err)
	}
	if c.State() != state || c.Height() != height+1 || c.Time != seconds {
		t.Errorf("at %d: %+v, want %+v", c.Height(), c.State(), state)
	}
	if vault := c.Balance(bridgetest.GoldToken, c.Bridge); vault != types.NewAmount(1) {
		t.Errorf("the vault holds %s", vault)
	}
	// Another history, from there.
	d.Amount = types.NewAmount(7)
	deposit(t, c, d)
	inbox := c.Inbox()
	if last := inbox[len(inbox)-1]; last.Block != height+1 || last.Nonce != state.InboxNonce+1 {
		t.Errorf("%+v", last)
	}
	if err := c.Reorg(height + 2); err == nil {
		t.Error("went to a block that is no more")
	}
}

func TestReorgHasADepth(t *testing.T) {
	c, d := ready(t)
	deposit(t, c, d)
	height := c.Height()
	for range bridgetest.MaxReorg {
		c.Mine()
	}
	if err := c.Clone().Reorg(height); err != nil {
		t.Error(err)
	}
	c.Mine()
	if err := c.Reorg(height); err == nil {
		t.Error("went back further than there are snapshots")
	}
}

func TestClonesGoTheirOwnWay(t *testing.T) {
	c, d := ready(t)
	c.Mine()
	clone := c.Clone()
	height, before := c.Height(), c.State()
	deposit(t, clone, d)
	clone.Refuses[bridgetest.Bob] = true
	clone.Mine()
	if c.State() != before || c.Refuses[bridgetest.Bob] || c.Height() != height {
		t.Errorf("the clone changed the original: %+v", c.State())
	}
	d.Amount = types.NewAmount(2)
	deposit(t, c, d)
	if c.State().InboxHash == clone.State().InboxHash || clone.Inbox()[before.InboxNonce].Event.(types.Deposited).Amount != types.NewAmount(1) {
		t.Error("the original changed the clone")
	}
	if err := clone.Reorg(height - 1); err != nil || clone.State() != before {
		t.Errorf("the clone has no past: %v, %+v", err, clone.State())
	}
}

func TestRevertsHaveTheNameOfTheContract(t *testing.T) {
	c, d := ready(t)
	d.Destination = c.ID
	var name bridgetest.Revert
	if _, err := c.Deposit(d); !errors.As(err, &name) || name != "BadDestination" {
		t.Errorf("err = %v", err)
	}
	c.Lax = true
	if _, err := c.Deposit(d); err != nil {
		t.Errorf("a lax contract takes it: %v", err)
	}
}
