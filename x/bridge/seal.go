package bridge

import (
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/quorum"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// seal puts the block's new commands, of all chains, under one root.
func (a *applier) seal() {
	seal := &pb.Seal{Epoch: a.network.Epoch, Height: a.height()}
	var leaves []types.Hash
	for _, chain := range a.chains {
		id := types.ChainID(chain.Id)
		for _, command := range a.orders[id] {
			hash := evmsig.CommandLeaf(id, types.Address(chain.Bridge), command.Nonce, commandBytes(a.s.View, id, command))
			command.Height, command.Leaf = seal.Height, uint32(len(leaves)) //nolint:gosec // bounded by the commands of a block
			leaves = append(leaves, hash)
			seal.Leaves = append(seal.Leaves, &pb.SealLeaf{Chain: chain.Id, Nonce: command.Nonce, Hash: hash[:]})
			a.s.SetCommand(id, command)
			chain.Sealed = command.Nonce
			a.emit(EventCommandOrdered, "chain", decimal(chain.Id), "outbox_nonce", decimal(command.Nonce),
				"kind", types.CommandKind(command.Kind).String(), "items", decimal(command.Items), "transfers", transfersOf(command)) //nolint:gosec // written from a CommandKind
		}
	}
	if len(leaves) == 0 {
		return
	}
	root := evmsig.MerkleRoot(leaves)
	seal.Root = root[:]
	a.remember(types.SealEntry{Height: seal.Height, Epoch: seal.Epoch, Root: root})
	a.s.SetSeal(seal)
	a.network.OpenSeals++
	a.emit(EventSealed, "height", decimal(seal.Height), "epoch", decimal(seal.Epoch), "root", root.Hex(),
		"commands", decimal(uint64(len(leaves))))
}

// signature takes one validator's signature over a seal into the state. Bad,
// late and repeated ones are ignored.
func (a *applier) signature(from types.ValidatorID, s types.SealSignature) {
	seal := a.s.Seal(s.Height)
	if !signable(a.network, seal, a.height()) {
		return
	}
	members := a.s.Epoch(seal.Epoch).GetMembers()
	member := memberOf(members, from)
	held := a.s.Signatures(s.Height)
	if member < 0 || holdsSignature(held, member) || !a.machine.recoverSigner.signed(a.network, seal, members[member], s) {
		return
	}
	at, _ := slices.BinarySearchFunc(held.Signatures, uint32(member), func(x *pb.MemberSignature, m uint32) int { //nolint:gosec // a position
		return int(x.Member) - int(m)
	})
	held.Signatures = slices.Insert(held.Signatures, at,
		&pb.MemberSignature{Member: uint32(member), Signature: s.Signature[:]}) //nolint:gosec // a position
	a.s.SetSignatures(s.Height, held)
	if seal.Complete == 0 && quorum.Reached(signedPower(members, held), totalPower(members)) {
		seal.Complete = a.height()
		a.network.OpenSeals--
		a.s.SetSeal(seal)
		a.emit(EventSealComplete, "height", decimal(seal.Height))
	}
}

// transfersOf lists the transfers of a batch in its order.
func transfersOf(command *pb.Command) string {
	var list types.TransferList
	for _, e := range command.Entries {
		list.Add(types.TransferID{Source: types.ChainID(e.Transfer.Source), Nonce: e.Transfer.Nonce})
	}
	return list.String()
}

func signedPower(members []*pb.Validator, held *pb.SealSignatures) uint64 {
	var power uint64
	for _, s := range held.Signatures {
		power += uint64(members[s.Member].Power)
	}
	return power
}

func totalPower(members []*pb.Validator) uint64 {
	var power uint64
	for _, m := range members {
		power += uint64(m.Power)
	}
	return power
}

// sealDigest is what a seal's signers sign.
func sealDigest(network *pb.Network, seal *pb.Seal) types.Hash {
	return evmsig.SealDigest(evmsig.NetworkID(network.ChainId), seal.Epoch, seal.Height, types.Hash(seal.Root))
}

// signerSet is an epoch's members as contracts know them.
func signerSet(members *pb.Validators) types.ValidatorSet {
	set := make(types.ValidatorSet, 0, len(members.GetMembers()))
	for _, m := range members.GetMembers() { // stored ascending by signer
		set = append(set, types.Member{Signer: types.Address(m.Signer), Power: m.Power})
	}
	return set
}
