package ops

import (
	"context"
	"errors"
)

// ErrConsensusFailure says that consensus has ended while the process has not.
// CometBFT then prints CONSENSUS FAILURE and leaves a process that looks alive
// and is of no use; a supervisor has to see an exit code instead.
var ErrConsensusFailure = errors.New("consensus has failed in this process")

// Routine is something whose Wait returns when its main loop has ended:
// CometBFT's consensus state.
type Routine interface{ Wait() }

// WatchConsensus returns ErrConsensusFailure when routine ends before ctx does,
// and nil when ctx ends first. A chain that only waits, because fewer than 2/3
// are there, has a running routine and is left alone, however old its last
// block.
func WatchConsensus(ctx context.Context, routine Routine) error {
	ended := make(chan struct{})
	go func() { // lives as long as the routine; stopping the node ends it
		routine.Wait()
		close(ended)
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-ended:
		if ctx.Err() != nil {
			return nil
		}
		return ErrConsensusFailure
	}
}
