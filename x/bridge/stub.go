package bridge

import "github.com/icrosschain/bridged/x/bridge/types"

// Signatures of the public API; each moves to its own file as it lands.

// BuildVote gives this validator's extension for height, from the state at height-1; at most limit bytes.
func (m *Machine) BuildVote(r Reader, height int64, self types.ValidatorID, p Pending, limit int) ([]byte, error) {
	panic("todo")
}

// VerifyVote checks an extension by the state at height-1.
func (m *Machine) VerifyVote(r Reader, height int64, from types.ValidatorID, extension []byte) (Vote, error) {
	panic("todo")
}

// BuildProposal gives the system transaction, at most limit bytes.
func (m *Machine) BuildProposal(r Reader, b Block, votes []ExtendedVote, inbox Inbox, limit int64) ([]byte, error) {
	panic("todo")
}

// VerifyProposal checks a block's transactions.
func (m *Machine) VerifyProposal(r Reader, b Block, txs [][]byte) error { panic("todo") }

// CheckTx says whether a user's transaction may enter the mempool.
func (m *Machine) CheckTx(r Reader, tx []byte) error { panic("todo") }

// Apply executes a decided block.
func (m *Machine) Apply(s Store, b Block, txs [][]byte) (Result, error) { panic("todo") }

// InitGenesis writes the first state.
func (m *Machine) InitGenesis(s Store, chainID string, initialHeight int64, g types.Genesis) ([]types.Validator, error) {
	panic("todo")
}

// ExportGenesis exports.
func (m *Machine) ExportGenesis(r Reader) (types.Genesis, error) { panic("todo") }

// QueryResult is an answer: stable snake_case JSON, and for one provable record its key and value.
type QueryResult struct {
	JSON  []byte
	Key   []byte // store key of the record that proves the answer; nil if it is no single record
	Value []byte
}

// Query answers path (for example "/transfer", "/chains") with data = JSON arguments.
func (m *Machine) Query(r Reader, path string, data []byte) (QueryResult, error) { panic("todo") }

// Violation is a broken invariant.
type Violation struct{ Invariant, Text string }

// CheckInvariants recomputes everything.
func (m *Machine) CheckInvariants(r Reader) ([]Violation, error) { panic("todo") }

// Network, Chains, Validators, SealsToSign, OpenCommands are for the workers of a node.
func (m *Machine) Network(r Reader) (NetworkState, error) { panic("todo") }

// Chains returns all chains ascending by id.
func (m *Machine) Chains(r Reader) ([]ChainState, error) { panic("todo") }

// Chain returns one chain.
func (m *Machine) Chain(r Reader, id types.ChainID) (ChainState, error) { panic("todo") }

// Validators returns the epoch's members ascending by signer.
func (m *Machine) Validators(r Reader) ([]types.Validator, error) { panic("todo") }

// SealsToSign returns incomplete seals of the epoch that lack self's signature, oldest first, at most max.
func (m *Machine) SealsToSign(r Reader, signer types.Address, max int) ([]SealState, error) {
	panic("todo")
}

// OpenCommands returns the unexecuted commands of a chain in order, at most max.
func (m *Machine) OpenCommands(r Reader, chain types.ChainID, max int) ([]OutboxCommand, error) {
	panic("todo")
}
