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
