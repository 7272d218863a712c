package bridge

import (
	"fmt"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// setParams orders a chain's contract to take the parameters that the state has
// for it. A contract that was not heard of yet gets them when it is.
func (a *applier) setParams(chain *pb.Chain) {
	if chain.Outbox > 0 || chain.Backlog > 0 {
		a.order(chain, paramsOf(chain))
	}
}

func paramsOf(chain *pb.Chain) types.SetParams {
	return types.SetParams{ReleaseGas: chain.ReleaseGas, Deposits: chain.Paused == notPaused}
}

// unpause starts a paused chain again. Validators that still raise an alarm say
// so again with their next vote.
func (a *applier) unpause(chain *pb.Chain) error {
	switch chain.Paused {
	case notPaused:
		return fmt.Errorf("chain %s is not paused", chain.Label)
	case contradicted:
		return fmt.Errorf("chain %s contradicted what was agreed: re-anchor it", chain.Label)
	}
	a.resumeChain(chain)
	return nil
}

func (a *applier) resumeChain(chain *pb.Chain) {
	chain.Paused, chain.PausedHeight = notPaused, 0
	a.ballot.clearAlarms(a.ballot.of(types.ChainID(chain.Id)))
	a.setParams(chain)
	a.emit(EventChainUnpaused, "chain", decimal(chain.Id))
}

// refusedRetired is why a retired chain is not served.
const refusedRetired = "retired"

// retire disconnects a dead chain for good. What was committed to it and not
// executed is refunded, what waits for it is too by the following blocks, and
// its custody becomes deficit.
func (a *applier) retire(chain *pb.Chain) error {
	p := a.network.Params
	if chain.Refused == refusedRetired {
		return fmt.Errorf("chain %s is retired already", chain.Label)
	}
	quiet := a.height() >= chain.HeadHeight+p.RetireDelayBlocks &&
		a.block.Time.UnixMilli() >= chain.HeadMs+int64(p.RetireDelayMs) //nolint:gosec // at most a year
	if chain.Refused == "" && (!quiet || chain.HeadMs == 0) {
		return fmt.Errorf("chain %s moved its head at height %d: it may be retired %d blocks and %d ms of block time after that",
			chain.Label, chain.HeadHeight, p.RetireDelayBlocks, p.RetireDelayMs)
	}
	chain.Refused = refusedRetired
	if chain.Paused == paused { // its transfers to others go on; a contradicted one's are not to be trusted
		chain.Paused = notPaused
	}
	a.backlogs[types.ChainID(chain.Id)], chain.Backlog = nil, 0
	a.giveUpCommands(chain)
	if a.network.Staking.GetChain() == chain.Id {
		a.endStaking()
	}
	for _, asset := range a.s.Assets() {
		if token := tokenOn(asset, types.ChainID(chain.Id)); token != nil {
			books := a.ledger(types.AssetID(asset.Id))
			a.booked(chain, chain.Cursor, books.lost(books.at(token)))
		}
	}
	a.emit(EventChainRetired, "chain", decimal(chain.Id))
	return nil
}

// giveUpCommands ends all commands of a retired chain that are not executed:
// what they were to pay goes back to where it came from.
func (a *applier) giveUpCommands(chain *pb.Chain) {
	id := types.ChainID(chain.Id)
	var open []*pb.Command
	a.s.Commands(id, chain.Executed+1, func(c *pb.Command) bool {
		open = append(open, c)
		return true
	})
	for _, command := range open {
		for index := command.Executed; index < command.Items; index++ {
			a.giveUp(chain, command, index)
		}
		command.Executed = command.Items
		a.finish(chain, command)
		a.s.SetCommand(id, command)
	}
}

// giveUp ends one item of a retired chain's command.
func (a *applier) giveUp(chain *pb.Chain, command *pb.Command, index uint32) {
	again := failedBefore(command, index)
	command.Failures = setBit(command.Failures, index, true)
	if len(command.Entries) == 0 {
		return
	}
	entry := command.Entries[index]
	id := types.AssetID(entry.Transfer.Asset)
	balance := a.ledger(id).at(tokenOn(a.asset(id), types.ChainID(chain.Id)))
	a.booked(chain, command.Nonce, balance.free(needOf(entry)))
	a.tell(chain, command, index, true)
	if again {
		a.lose(entry.Transfer, amountOf(entry.Amount))
		return
	}
	a.refund(entry.Transfer, amountOf(entry.Amount), types.ReasonChainRetired)
}
