package bridge

import (
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// setParams orders a chain's contract to take the parameters that the state has
// for it. Before the contract was activated there is nothing to set yet.
func (a *applier) setParams(chain *pb.Chain) {
	if chain.Outbox > 0 {
		a.order(chain, paramsOf(chain))
	}
}

func paramsOf(chain *pb.Chain) types.SetParams {
	return types.SetParams{ReleaseGas: chain.ReleaseGas, Deposits: chain.Paused == notPaused}
}
