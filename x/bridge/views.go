package bridge

import (
	"github.com/icrosschain/bridged/x/bridge/types"
)

// NetworkState is the identity of the network and its epoch.
type NetworkState struct {
	ChainID   string
	NetworkID types.Hash
	Epoch     uint64
	Params    types.Params
}

// ChainState is a connected chain with its positions.
type ChainState struct {
	types.Chain
	Cursor      uint64 // last inbox event applied
	CursorHash  types.Hash
	CursorBlock uint64 // hint: source block of the cursor; 0 at first
	Head        uint64 // agreed finalised head
	Active      bool   // Activate was executed: deposits are taken
	Refused     string // why the chain is not served; empty when it is
	Outbox      uint64 // last outbox nonce assigned
	Executed    uint64 // last outbox nonce wholly executed
	NextItem    uint32 // next item of command Executed+1
	OpenBatches uint32
	Queued      uint64 // entries waiting for a batch
}

// OutboxCommand is a command with everything that execute() wants but
// signatures that only precommits hold so far.
type OutboxCommand struct {
	Nonce      uint64
	Kind       types.CommandKind
	Bytes      []byte
	Items      uint32
	Proof      []types.Hash
	Seal       SealState
	Set        types.ValidatorSet // of the seal's epoch
	Signatures map[int][types.SignatureBytes]byte
}

// SealState is a seal and how far it is.
type SealState struct {
	Epoch    uint64
	Height   uint64
	Root     types.Hash
	Digest   types.Hash // what is signed
	Complete bool       // the state holds > 2/3 of the epoch's power over it
}
