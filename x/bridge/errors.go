package bridge

import "fmt"

// Error is a refusal with a stable code. Codes are part of the public
// interface: a transaction's or query's code never changes its meaning.
type Error struct {
	Code uint32
	Text string
}

// Error implements error.
func (e *Error) Error() string { return e.Text }

// The refusals.
var (
	ErrMalformed       = &Error{1, "malformed bytes"}
	ErrSystemTx        = &Error{2, "a system transaction is made by the proposer only"}
	ErrUnknownOperator = &Error{3, "transactions are taken from validators' operators only"}
	ErrBadVote         = &Error{4, "bad vote extension"}
	ErrBadProposal     = &Error{5, "bad proposal"}
	ErrNotFound        = &Error{6, "not found"}
	ErrBadQuery        = &Error{7, "bad query"}
	ErrFinished        = &Error{8, "finished and pruned: ask the index"}
)

// refuse wraps a sentinel with what exactly was wrong.
func refuse(sentinel *Error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...))
}
