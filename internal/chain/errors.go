package chain

import (
	"errors"
	"fmt"
)

// Severity says what an error asks of the worker that met it.
type Severity uint8

const (
	// Retry says that nothing is wrong with what is known already: ask again
	// later. An error that is no *Error means this.
	Retry Severity = iota
	// Rewind says that what was read beyond the agreed cursor is not to be
	// relied on: forget it and read again.
	Rewind
	// Halt says that the chain contradicts what the network has agreed: a person
	// has to look. Asking again does no harm, and helps if a server lied.
	Halt
)

// String is the word for logs and status.
func (s Severity) String() string {
	switch s {
	case Rewind:
		return "rewind"
	case Halt:
		return "halt"
	}
	return "retry"
}

// Check names what was checked when an error arose; status and metrics show it.
type Check string

// The checks between a chain's servers and a vote, in their order.
const (
	CheckTransport   Check = "transport"       // no usable answer
	CheckChainID     Check = "chain id"        // another chain answers
	CheckGenesis     Check = "genesis"         // another chain with the same id answers
	CheckAgreement   Check = "agreement"       // fewer than min_agree groups name one finalised header
	CheckHeader      Check = "header"          // the header's fields do not hash to its hash
	CheckStale       Check = "stale head"      // finality went back
	CheckFinality    Check = "finality broken" // a finalised block was replaced
	CheckProof       Check = "state proof"     // the storage proof does not lead to the header's state root
	CheckReceipts    Check = "receipts"        // the receipts do not lead to the header's receipts root
	CheckContract    Check = "contract"        // no bridge there
	CheckEmitter     Check = "foreign emitter" // a log of another contract
	CheckLog         Check = "log form"        // a log that the bridge cannot have emitted
	CheckHidden      Check = "log hidden"      // a gap in the nonces, or the inbox ends too early
	CheckAccumulator Check = "accumulator"     // an event does not hash to what the contract holds
	CheckCursor      Check = "cursor"          // the chain's inbox is not the one that the network agreed on
)

// Error is a failed check and what to do about it.
type Error struct {
	Check    Check
	Severity Severity
	Err      error
}

// Error implements error.
func (e *Error) Error() string { return string(e.Check) + ": " + e.Err.Error() }

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Err }

// Failed makes an error that asks to retry; its arguments are fmt.Errorf's.
func Failed(c Check, format string, args ...any) error {
	return &Error{Check: c, Err: fmt.Errorf(format, args...)}
}

// SeverityOf is the severity of the outermost *Error in err's chain, else Retry.
func SeverityOf(err error) Severity {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Severity
	}
	return Retry
}

// CheckOf is the failed check of the outermost *Error in err's chain, else
// CheckTransport.
func CheckOf(err error) Check {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Check
	}
	return CheckTransport
}
