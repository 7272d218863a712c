package bridge

import (
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// NetworkState is the identity of the network and its epoch.
type NetworkState struct {
	ChainID     string       `json:"chain_id"`
	NetworkID   types.Hash   `json:"network_id"`
	Epoch       uint64       `json:"epoch"`
	EpochHeight uint64       `json:"epoch_height"` // block that began it
	Handover    uint64       `json:"handover"`     // block that fixed the next epoch's set; 0 while no handover goes on
	Quarantined uint64       `json:"quarantined"`  // events that the rules had no place for
	Proposals   uint64       `json:"proposals"`    // proposals ever made; the last one's number
	Params      types.Params `json:"params"`
}

// ChainState is a connected chain with its positions.
type ChainState struct {
	types.Chain
	Cursor      uint64     `json:"cursor"` // last inbox event applied
	CursorHash  types.Hash `json:"cursor_hash"`
	CursorBlock uint64     `json:"cursor_block"` // hint: source block of the cursor; 0 at first
	// TransferOffset is what is added to an inbox nonce to give a transfer's: not
	// 0 where the chain was re-anchored to an inbox that is shorter than before.
	TransferOffset uint64 `json:"transfer_offset"`
	Transfers      uint64 `json:"transfers"` // that ever came from this chain
	Ended          uint64 `json:"ended"`     // of them: paid, refunded, claimed, become fee, vanished or dropped
	Head           uint64 `json:"head"`      // agreed finalised head
	Active         bool   `json:"active"`    // Activate was executed: deposits are taken
	Refused        string `json:"refused"`   // why the chain is not served; empty when it is
	Paused         Pause  `json:"paused"`
	// PausedHeight is the block that paused the chain, or made it worse.
	PausedHeight uint64 `json:"paused_height"`
	Outbox       uint64 `json:"outbox"`    // last outbox nonce assigned
	Executed     uint64 `json:"executed"`  // last outbox nonce wholly executed
	NextItem     uint32 `json:"next_item"` // next item of command executed+1
	// ExecutedSeal is the height of the seal under which anything was last
	// executed: the contract takes none below. 0 where that is not known.
	ExecutedSeal uint64 `json:"executed_seal"`
	OpenBatches  uint32 `json:"open_batches"`
	Queued       uint64 `json:"queued"` // entries waiting for a batch
}

// OutboxCommand is a command with everything that execute() wants, but for
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
	Epoch    uint64     `json:"epoch"`
	Height   uint64     `json:"height"`
	Root     types.Hash `json:"root"`
	Digest   types.Hash `json:"digest"`   // what is signed
	Complete uint64     `json:"complete"` // height at which the state came to hold > 2/3 of the epoch's power over it; 0 while open
}

// Network reads the identity of the network.
func (m *Machine) Network(r Reader) (n NetworkState, err error) {
	defer state.Catch(&err)
	return networkState(state.NewView(r).Network()), nil
}

func networkState(n *pb.Network) NetworkState {
	return NetworkState{
		ChainID: n.ChainId, NetworkID: evmsig.NetworkID(n.ChainId), Epoch: n.Epoch, EpochHeight: n.EpochHeight, Handover: n.Handover,
		Quarantined: n.Quarantined, Proposals: n.Proposals, Params: paramsFromPB(n.Params),
	}
}

// Chains reads all chains, ascending by id.
func (m *Machine) Chains(r Reader) (chains []ChainState, err error) {
	defer state.Catch(&err)
	for _, c := range state.NewView(r).Chains() {
		chains = append(chains, chainState(c))
	}
	return chains, nil
}

// Chain reads one chain; ErrNotFound if there is none.
func (m *Machine) Chain(r Reader, id types.ChainID) (c ChainState, err error) {
	defer state.Catch(&err)
	chain := state.NewView(r).Chain(id)
	if chain == nil {
		return ChainState{}, refuse(ErrNotFound, "chain %s is not connected", id)
	}
	return chainState(chain), nil
}

func chainState(c *pb.Chain) ChainState {
	return ChainState{
		Chain: types.Chain{
			ID: types.ChainID(c.Id), Label: c.Label, Bridge: types.Address(c.Bridge), BatchGapMS: c.BatchGapMs,
			BatchGas: c.BatchGas, ReleaseGas: c.ReleaseGas, ExpiryBlocks: c.ExpiryBlocks,
		},
		Cursor: c.Cursor, CursorHash: types.Hash(c.CursorHash), CursorBlock: c.CursorBlock, Head: c.Head,
		TransferOffset: c.Offset, Transfers: c.Transfers, Ended: uint64(max(0, c.Ended)),
		Active: c.Active, Refused: c.Refused, Paused: pauseOf(c),
		PausedHeight: c.PausedHeight, Outbox: c.Outbox, Executed: c.Executed, NextItem: c.NextItem,
		ExecutedSeal: c.ExecutedSeal,
		OpenBatches:  c.OpenBatches, Queued: c.Queued,
	}
}

// Validators reads the epoch's members, ascending by signer.
func (m *Machine) Validators(r Reader) (validators []types.Validator, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	return validatorsFromPB(v.Epoch(v.Network().Epoch)), nil
}

// SealsToSign reads the seals that want, in the votes for the block at height,
// the signature of a signer which the state does not hold yet, the oldest first,
// at most limit.
func (m *Machine) SealsToSign(r Reader, height int64, signer types.Address, limit int) (seals []SealState, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	network := v.Network()
	v.Seals(network.Signed+1, func(seal *pb.Seal) bool { // those before take no signatures any more
		if !signable(network, seal, uint64(height)) { //nolint:gosec // heights are positive
			return true
		}
		member := signerSet(v.Epoch(seal.Epoch)).Index(signer)
		if member >= 0 && !holdsSignature(v.Signatures(seal.Height), member) {
			seals = append(seals, sealState(network, seal))
		}
		return len(seals) < limit
	})
	return seals, nil
}

func sealState(network *pb.Network, seal *pb.Seal) SealState {
	return SealState{
		Epoch: seal.Epoch, Height: seal.Height, Root: types.Hash(seal.Root),
		Digest: sealDigest(network, seal), Complete: seal.Complete,
	}
}

// OpenSeals reads the seals that cover a command which is not known to be
// executed, ascending by height.
func (m *Machine) OpenSeals(r Reader) (seals []SealState, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	network := v.Network()
	executed := map[uint64]uint64{}
	for _, chain := range v.Chains() {
		executed[chain.Id] = chain.Executed
	}
	v.Seals(0, func(seal *pb.Seal) bool {
		if slices.ContainsFunc(seal.Leaves, func(l *pb.SealLeaf) bool { return l.Nonce > executed[l.Chain] }) {
			seals = append(seals, sealState(network, seal))
		}
		return true
	})
	return seals, nil
}

// OpenCommands reads the sealed commands of a chain that are not known to be
// executed, in order, at most limit.
func (m *Machine) OpenCommands(r Reader, id types.ChainID, limit int) (commands []OutboxCommand, err error) {
	return m.OpenCommandsAfter(r, id, 0, limit)
}

// OpenCommandsAfter is OpenCommands without those up to a nonce.
func (m *Machine) OpenCommandsAfter(r Reader, id types.ChainID, after uint64, limit int) (commands []OutboxCommand, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	network, chain := v.Network(), v.Chain(id)
	if chain == nil {
		return nil, refuse(ErrNotFound, "chain %s is not connected", id)
	}
	if limit <= 0 {
		return nil, nil
	}
	v.Commands(id, max(after, chain.Executed)+1, func(c *pb.Command) bool {
		commands = append(commands, outboxCommand(v, network, id, c))
		return len(commands) < limit
	})
	return commands, nil
}

func outboxCommand(v state.View, network *pb.Network, id types.ChainID, c *pb.Command) OutboxCommand {
	seal := v.Seal(c.Height)
	if seal == nil || int(c.Leaf) >= len(seal.Leaves) {
		state.Failf("command %d/%d has no seal at height %d", id, c.Nonce, c.Height)
	}
	leaves := make([]types.Hash, len(seal.Leaves))
	for i, leaf := range seal.Leaves {
		leaves[i] = types.Hash(leaf.Hash)
	}
	command := OutboxCommand{
		Nonce: c.Nonce, Kind: types.CommandKind(c.Kind), Bytes: commandBytes(v, id, c), Items: c.Items, //nolint:gosec // written from a CommandKind
		Proof: evmsig.MerklePath(leaves, int(c.Leaf)), Seal: sealState(network, seal),
		Set: signerSet(v.Epoch(seal.Epoch)), Signatures: map[int][types.SignatureBytes]byte{},
	}
	for _, s := range v.Signatures(c.Height).Signatures {
		command.Signatures[int(s.Member)] = [types.SignatureBytes]byte(s.Signature)
	}
	return command
}
