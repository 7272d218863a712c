package bridgetest_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// What the model does like the real contract is tested against it, in package
// contracts.

func TestStakeGoesBackInAReorg(t *testing.T) {
	c, _ := ready(t)
	token, operator := types.Address{0xb0}, types.Address{0x0b}
	if err := c.Stake(operator, types.NewAmount(1), nil); !errors.Is(err, bridgetest.Revert("NotConnected")) {
		t.Errorf("without a staking contract: %v", err)
	}
	c.Staking = &bridgetest.Staking{Address: types.Address{0x57}, Token: token, Unbonding: 10, Minimum: types.NewAmount(100)}
	c.Give(token, operator, types.NewAmount(1000))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Stake(operator, types.NewAmount(700), nil))
	must(c.RequestUnstake(operator, types.NewAmount(100)))
	height, before := c.Height(), c.StakeOf(operator)
	c.Mine()
	must(c.RequestUnstake(operator, types.NewAmount(200)))
	c.Mine()
	must(c.Reorg(height))
	if after := c.StakeOf(operator); !reflect.DeepEqual(after, before) {
		t.Errorf("%+v, want %+v", after, before)
	}
	// Another history, which must not write into the first one's list.
	must(c.RequestUnstake(operator, types.NewAmount(300)))
	if requests := c.StakeOf(operator).Requests; len(requests) != 2 || requests[1].Left != types.NewAmount(300) || len(before.Requests) != 1 {
		t.Errorf("%+v", requests)
	}
	if held := c.Balance(token, c.Staking.Address); held != types.NewAmount(700) {
		t.Errorf("the contract holds %s", held)
	}
}
