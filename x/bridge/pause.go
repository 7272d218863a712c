package bridge

import (
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Pause is how far a chain is stopped.
type Pause string

// A paused chain holds new transfers from and to it. Its inbox is still voted
// and applied, and refunds, claims and control commands go on. A contradicted
// one has broken its word about finalised data: its inbox and head stand still
// as well, and refunds into it wait.
const (
	PauseNone         Pause = ""
	PausePaused       Pause = "paused"
	PauseContradicted Pause = "contradicted"
)

// The same in the state.
const (
	notPaused    = 0
	paused       = 1
	contradicted = 2
)

func pauseOf(c *pb.Chain) Pause {
	return []Pause{PauseNone, PausePaused, PauseContradicted}[min(c.Paused, contradicted)]
}

// alarms pauses the chains against which validators with more than 1/3 of the
// power raise an alarm. Only governance ends a pause.
func (a *applier) alarms() {
	for _, chain := range a.chains {
		votes := a.ballot.chains[types.ChainID(chain.Id)]
		if votes == nil || chain.Refused != "" {
			continue
		}
		switch {
		case a.ballot.raised(votes, types.AlarmContradiction):
			a.pause(chain, contradicted)
		case a.ballot.raised(votes, types.AlarmPause):
			a.pause(chain, paused)
		}
	}
}

// pause stops a chain, and deposits in its contract with it.
func (a *applier) pause(chain *pb.Chain, how uint32) {
	if chain.Paused >= how {
		return
	}
	chain.Paused, chain.PausedHeight = how, a.height()
	a.emit(EventChainPaused, "chain", decimal(chain.Id), "pause", string(pauseOf(chain)))
	a.setParams(chain)
}
