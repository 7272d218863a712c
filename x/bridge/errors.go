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
	ErrSignature       = &Error{9, "the signature is not the operator's over this transaction: sign what TxDigest gives with the operator's key"}
	ErrWrongNetwork    = &Error{10, "the transaction is for another network: make it anew with this network's chain id"}
	ErrSequence        = &Error{11, "wrong sequence: ask for the operator's account and use its next sequence"}
	ErrExpired         = &Error{12, "expiry height out of range: name one from the next block to 10000 blocks ahead, and sign again"}
	ErrTooLarge        = &Error{13, "the transaction is too large: at most 32768 bytes"}
	ErrPending         = &Error{14, "another transaction of this operator with this sequence waits already: wait for it, or use the next sequence"}
	ErrContent         = &Error{15, "the proposal cannot be applied to the present state"}
	ErrTooMany         = &Error{16, "too many proposals are open: wait until one has ended"}
	ErrNotOpen         = &Error{17, "the proposal is not open: list the proposals to see which are"}
	ErrNotMember       = &Error{18, "only validators of the epoch propose and vote"}
	ErrStatus          = &Error{19, "the validator's status does not allow that now"}
	ErrKeyTaken        = &Error{20, "the key belongs to a validator, or did: make a new one"}
	ErrReport          = &Error{21, "the report proves nothing"}
	ErrProof           = &Error{22, "a key has not signed the registration that names it: sign what RegistrationDigest gives with that key"}
)

// refuse wraps a sentinel with what exactly was wrong.
func refuse(sentinel *Error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", sentinel, fmt.Sprintf(format, args...))
}
