package bridge

import (
	"bytes"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// validators checks that whoever counts is known, that consensus follows the
// epoch, and that nothing is kept of who has gone.
func (a *audit) validators() {
	a.sets()
	members := a.v.Epoch(a.network.Epoch).GetMembers()
	owners := map[string]bool{}
	a.v.Members(func(m *pb.Member) bool {
		a.member(m, members, owners)
		return true
	})
	for _, v := range members {
		if a.v.Member(types.ConsensusKey(v.ConsensusKey).ID()) == nil {
			a.fail("I3", "validator %s of epoch %d is not known", v.Moniker, a.network.Epoch)
		}
	}
	a.v.Owners(func(use state.Use, address types.Address, id types.ValidatorID) bool {
		if !owners[ownedBy(use, address, id)] {
			a.fail("I6", "%s is kept for validator %s, which does not have it", address, id)
		}
		return true
	})
	a.v.Votes(func(chain types.ChainID, id types.ValidatorID) bool {
		if m := a.v.Member(id); m == nil || !m.InSet {
			a.fail("I3", "chain %s: a vote of %s is kept, which is not in the epoch", chain, id)
		}
		return true
	})
}

func ownedBy(use state.Use, address types.Address, id types.ValidatorID) string {
	return string(use) + string(address[:]) + string(id[:])
}

// sets checks the sets of the epochs: the present one is what consensus has, or
// will have, and the next one is there during a handover only.
func (a *audit) sets() {
	current := a.v.Epoch(a.network.Epoch)
	if err := signerSet(current).Validate(); err != nil {
		a.fail("I3", "epoch %d: %v", a.network.Epoch, err)
	}
	if latest := a.v.Consensus(^uint64(0) - 1); !sameSet(latest.GetMembers(), current.GetMembers()) {
		a.fail("I3", "epoch %d: consensus has other validators or powers", a.network.Epoch)
	}
	if next := a.v.Epoch(a.network.Epoch + 1); (next != nil) != (a.network.Handover != 0) {
		a.fail("I3", "epoch %d: a next set is there: %t, a handover began in block %d", a.network.Epoch, next != nil, a.network.Handover)
	}
	a.v.Seals(0, func(seal *pb.Seal) bool {
		if seal.Complete == 0 && seal.Epoch != a.network.Epoch {
			a.fail("I3", "the seal of height %d is open, and its epoch %d is over", seal.Height, seal.Epoch)
		}
		if a.v.Epoch(seal.Epoch) == nil {
			a.fail("I3", "the seal of height %d is of epoch %d, whose set is forgotten", seal.Height, seal.Epoch)
		}
		return true
	})
	for _, chain := range a.v.Chains() {
		if chain.Refused == "" && heardOf(chain) && (chain.SetInForce > chain.SetEpoch || chain.SetEpoch > a.network.Epoch+1 ||
			a.network.Handover == 0 && chain.SetEpoch != a.network.Epoch || a.v.Epoch(chain.SetInForce) == nil) {
			a.fail("I3", "%s: its outbox names the set of epoch %d, its contract obeys %d, this is epoch %d",
				chain.Label, chain.SetEpoch, chain.SetInForce, a.network.Epoch)
		}
	}
}

// member checks one known validator against the epoch's set, and notes which
// addresses it has.
func (a *audit) member(m *pb.Member, set []*pb.Validator, owners map[string]bool) {
	id := idOf(m)
	at := indexOf(set, m.ConsensusKey)
	if m.InSet != (at >= 0) {
		a.fail("I3", "validator %s: in the epoch's set %t, its record says %t", id, at >= 0, m.InSet)
	}
	if at >= 0 && (!bytes.Equal(set[at].Signer, m.Signer) || !bytes.Equal(set[at].Operator, m.Operator)) {
		a.fail("I3", "validator %s has other keys in the epoch's set than in its record", id)
	}
	if at >= 0 && status(m) == types.ValidatorTombstoned && !a.network.Urgent && a.network.Handover == 0 {
		a.fail("I3", "validator %s is banned and in the epoch, and no handover is due", id)
	}
	owners[ownedBy(state.UseOperator, types.Address(m.Operator), id)] = true
	signers := [][]byte{m.Signer}
	for _, former := range m.Signers {
		signers = append(signers, former.Signer)
	}
	if len(m.NextSigner) > 0 {
		signers = append(signers, m.NextSigner)
	}
	for _, signer := range signers {
		owners[ownedBy(state.UseSigner, types.Address(signer), id)] = true
		if owner, found := a.v.Owner(state.UseSigner, types.Address(signer)); !found || owner != id {
			a.fail("I3", "validator %s: signer %x is not its own", id, signer)
		}
	}
	if owner, found := a.v.Owner(state.UseOperator, types.Address(m.Operator)); !found || owner != id {
		a.fail("I3", "validator %s: operator %x is not its own", id, m.Operator)
	}
}
