package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/internal/signer"
)

// Exit codes; supervisors and scripts rely on them.
const (
	exitOK           = 0
	exitFailed       = 1
	exitUsage        = 2
	exitConfig       = 3
	exitNotReady     = 4
	exitConsensus    = 11
	exitSigningStops = 12
)

// errNotReady says that what was asked for is not there yet, or did not come in
// time.
var errNotReady = errors.New("not ready")

// usageError is a command line that cannot be understood.
type usageError struct {
	command string
	text    string
}

func (e *usageError) Error() string { return e.text }

func usagef(c *cobra.Command, format string, values ...any) error {
	return &usageError{c.CommandPath(), fmt.Sprintf(format, values...)}
}

func exitCode(err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case config.IsInvalid(err):
		return exitConfig
	case errors.Is(err, ops.ErrConsensusFailure):
		return exitConsensus
	case errors.Is(err, signer.ErrDoubleSign), errors.Is(err, node.ErrSigningSafety):
		return exitSigningStops
	case errors.Is(err, errNotReady), errors.Is(err, context.DeadlineExceeded):
		return exitNotReady
	}
	return exitFailed
}
