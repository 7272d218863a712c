package bridge_test

import (
	"testing"

	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A max_validators below the present number keeps nobody in the set.
func TestLoweredMaxValidatorsLetsLeave(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	agree(t, n, types.Content{Params: &types.ParamChanges{Changes: []types.ParamChange{{Name: "max_validators", Value: 2}}}}, 0, 1, 2)
	n.Operate(types.Tx{Leave: &types.Leave{}}, 3)
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[:3]...)
}

// A mark that was agreed by less of the present power than 2/3 is agreed: the
// audit, which looks at every block, asks those who were members then.
func TestMarksOfAnEarlierEpochStand(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	n.Validators[3].Down = true
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Settle(20)
	agree(t, n, admission(n.Join(), 1), 0, 1, 2)
	untilEpoch(t, n, 2)
	n.Settle(20)
}
