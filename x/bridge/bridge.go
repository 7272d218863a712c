// Package bridge is the protocol: a pure state machine that turns what
// validators agree on (the inboxes of chains) into what the network orders
// (sealed commands in their outboxes).
//
// It does no I/O, starts no goroutine, reads no clock and keeps no state of its
// own: a Machine is immutable, everything it knows is in the Store handed to
// each call, and the same calls over the same store give the same bytes on
// every machine. An ABCI application embeds it; package app is one, and shows
// the order of the calls:
//
//	ExtendVote            BuildVote        the state at h-1, and what this validator itself saw
//	VerifyVoteExtension   VerifyVote       the state at h-1, nothing else
//	PrepareProposal       BuildProposal    the state at h-1, the extensions of h-1
//	ProcessProposal       VerifyProposal   the state at h-1, nothing else
//	FinalizeBlock         Apply            writes the state of h
//	Query                 Query, CheckInvariants
//
// Bytes from other validators and from users are hostile: every decoder is
// bounded and total. An error from Apply or InitGenesis means that this process
// or its store is broken and has to stop; bad content never is one.
package bridge

import (
	"errors"
	"time"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Reader reads one version of the state.
type Reader interface {
	// Get returns the value at key, or nil if there is none. The caller does
	// not change the returned bytes.
	Get(key []byte) ([]byte, error)
	// Iterate calls visit for each key in [start, end) in ascending order
	// until visit returns false. The store is not written meanwhile.
	Iterate(start, end []byte, visit func(key, value []byte) bool) error
}

// Store is the state being written by one block. Its values are never empty:
// what would encode to nothing is not written, for a Merkle proof could not tell
// it from an absent key.
type Store interface {
	Reader
	Set(key, value []byte) error
	Delete(key []byte) error
}

// Inbox hands a proposer the verified inbox events that it has seen itself.
// It answers from memory and never waits.
type Inbox interface {
	// Events returns events of the chain with nonces after+1, after+2, … up to
	// and including last, without a gap; fewer, or none, if it has fewer.
	Events(chain types.ChainID, after, last uint64) []types.Event
}

// ExtensionVerifier checks the consensus signature of a vote extension. It is
// pure.
type ExtensionVerifier func(key types.ConsensusKey, height int64, round int32, extension, signature []byte) bool

// SignerRecoverer returns who signed a seal's digest, as evmsig.Recover. It is
// pure.
type SignerRecoverer func(digest types.Hash, signature [types.SignatureBytes]byte) (types.Address, error)

// Options are what a Machine needs of its host.
type Options struct {
	VerifyExtension ExtensionVerifier
	RecoverSigner   SignerRecoverer // nil: evmsig.Recover; for hosts that remember what they have checked
}

// Machine is the protocol's rules. It holds no state and is safe for
// concurrent use.
type Machine struct {
	verifyExtension ExtensionVerifier
	recoverSigner   SignerRecoverer
}

// New makes a Machine.
func New(o Options) (*Machine, error) {
	if o.VerifyExtension == nil {
		return nil, errors.New("bridge: Options.VerifyExtension is nil")
	}
	if o.RecoverSigner == nil {
		o.RecoverSigner = evmsig.Recover
	}
	return &Machine{verifyExtension: o.VerifyExtension, recoverSigner: o.RecoverSigner}, nil
}

// Block is the block being proposed, checked or applied.
type Block struct {
	Height int64
	Time   time.Time    // the block's own time
	Round  int32        // round of the last commit
	Commit []CommitVote // the last commit, in CometBFT's order; empty at the initial height

	// Misbehavior is who is proven to have voted twice. Only Apply reads it.
	Misbehavior []types.ValidatorID

	// Reading is what Read gave for the first transaction, if the host has kept
	// it. It saves work and changes nothing.
	Reading *Reading
}

// CommitVote is one slot of a block's last commit as the block itself says it
// (ProposedLastCommit, DecidedLastCommit).
type CommitVote struct {
	Validator types.ValidatorID
	Committed bool // flag COMMIT; only such a vote has an extension
}

// ExtendedVote is one slot of the last commit as a proposer holds it. Its
// extension may come from a precommit that nobody has verified.
type ExtendedVote struct {
	Validator types.ValidatorID
	Committed bool
	Extension []byte
	Signature []byte
}

// Pending is what a validator itself wants to say in its next vote. It may
// repeat what the state holds already; BuildVote leaves that out.
type Pending struct {
	Signatures []types.SealSignature // own seal signatures
	Chains     []types.ChainVote     // own finalised heads and marks above the cursors
}

// Vote is a decoded vote extension.
type Vote struct {
	Signatures []types.SealSignature
	Chains     []types.ChainVote
}

// Result is what a block did.
type Result struct {
	Events []Event
	Txs    []TxResult // one for each transaction of the block
	// Validators is the powers that consensus changes to, two heights later; a
	// power of 0 is out. Ascending by consensus key.
	Validators []types.Validator
}

// TxResult is the outcome of one transaction of a block.
type TxResult struct {
	Code uint32 // 0 is ok; codes are stable, see errors.go
	Log  string // for people; not part of the state
}
