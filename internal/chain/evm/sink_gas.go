package evm

import (
	"fmt"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Gas of the parts of an execution. These are limits and not costs: what is not
// used is not paid, so they are generous, and hold under Ethereum's Amsterdam
// prices too. Estimating a batch by the node is no use: it takes as many items as
// its gas allows, so the least gas that does not revert pays a single one. Of other
// commands a node's estimate may raise the limit, for chains that count otherwise.
const (
	gasIntrinsic    = 21_000
	gasDataByte     = 64    // calldata, the dearest announced price
	gasSignature    = 6_000 // one signature of the quorum
	gasExecute      = 600_000
	gasItem         = 100_000 // of an item besides its payout
	gasItemReserve  = 700_000 // left unused when a batch's last item begins
	gasItemLikely   = 60_000  // what an item with a new recipient really takes, and more
	gasRegister     = 6_000_000
	gasParam        = 350_000   // one token of SetParams
	gasStaking      = 1_500_000 // the call of the staking contract
	gasMinimalItems = 1         // a slice that pays fewer is no use
)

// gasLimit is the gas for executing e from e.From on: for all items if limits
// of block, transaction and cost allow, and whole says whether they likely do.
func gasLimit(e chain.Execution, data []byte, p chain.OutboxPosition, fees chain.Fees, most, cost uint64) (gas uint64, whole bool, err error) {
	if p.BlockGas != 0 {
		most = min(most, p.BlockGas)
	}
	if fees.Cap != 0 {
		most = min(most, cost/fees.Cap)
	}
	fixed := gasIntrinsic + gasDataByte*uint64(len(data)) + gasSignature*uint64(len(e.Quorum)/64) + gasExecute
	if e.Kind() != types.CommandBatch {
		need := fixed + controlGas(e)
		if need > most {
			return 0, false, fmt.Errorf("%w: command %d (%s) needs a gas limit of %d, %d are allowed",
				chain.ErrTooExpensive, e.Nonce, e.Kind(), need, most)
		}
		return min(max(need, e.Least), most), true, nil
	}
	if e.From >= e.Items {
		return 0, false, fmt.Errorf("command %d: item %d of %d", e.Nonce, e.From, e.Items)
	}
	items := uint64(e.Items - e.From)
	release := max(uint64(p.ReleaseGas), types.MinReleaseGas)
	item := release + release/63 + 1 + gasItem
	fixed += gasItemReserve + release
	if need := fixed + gasMinimalItems*item; need > most {
		return 0, false, fmt.Errorf("%w: one item of command %d needs a gas limit of %d, %d are allowed",
			chain.ErrTooExpensive, e.Nonce, need, most)
	}
	gas = min(fixed+items*item, most)
	likely := min(item, gasItemLikely)
	if e.From > 0 { // the batch was cut once, so its items may be dear
		likely = item
	}
	return gas, fixed+items*likely <= gas, nil
}

func controlGas(e chain.Execution) uint64 {
	switch e.Kind() {
	case types.CommandRegisterToken:
		return gasRegister
	case types.CommandSetParams:
		return gasParam * uint64(1+len(e.Command)/68)
	case types.CommandSlash, types.CommandReleaseStake:
		return gasStaking
	default:
		return gasExecute
	}
}
