package bridgetest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// consensus is the validator sets that CometBFT would have, by the first height
// that each is in force.
type consensus struct {
	sets []consensusSet // ascending
}

type consensusSet struct {
	from    int64
	members []types.Validator // in the order of genesis, then of their coming
}

func newConsensus(members []types.Validator) consensus {
	return consensus{[]consensusSet{{0, members}}}
}

// at is the set of a height.
func (c consensus) at(height int64) []types.Validator {
	var found []types.Validator
	for _, s := range c.sets {
		if s.from <= height {
			found = s.members
		}
	}
	return found
}

// update puts changes of a block in force two heights later. It refuses what
// CometBFT would stop at.
func (c *consensus) update(height int64, updates []types.Validator) error {
	if len(updates) == 0 {
		return nil
	}
	members := slices.Clone(c.sets[len(c.sets)-1].members)
	seen := map[types.ValidatorID]bool{}
	for _, u := range updates {
		at := slices.IndexFunc(members, func(v types.Validator) bool { return v.ID() == u.ID() })
		switch {
		case seen[u.ID()]:
			return fmt.Errorf("two updates of validator %s", u.ID())
		case at < 0 && u.Power == 0:
			return fmt.Errorf("validator %s is removed, and is not there", u.ID())
		case at < 0:
			members = append(members, u)
		case u.Power == 0:
			members = slices.Delete(members, at, at+1)
		default:
			members[at] = u
		}
		seen[u.ID()] = true
	}
	if len(members) == 0 {
		return fmt.Errorf("no validator is left")
	}
	c.sets = append(c.sets, consensusSet{height + 2, members})
	return nil
}

// Consensus is the validators of CometBFT at a height.
func (n *Network) Consensus(height int64) []types.Validator { return n.consensus.at(height) }

func (n *Network) validator(id types.ValidatorID) *Validator {
	at := slices.IndexFunc(n.Validators, func(v *Validator) bool { return v.ID() == id })
	if at < 0 {
		n.t.Fatalf("height %d: consensus has validator %s, of which there is no node", n.Height, id)
	}
	return n.Validators[at]
}

// Join starts a node that is no validator yet, with the present state.
func (n *Network) Join() *Validator {
	v := newValidator(len(n.Validators), 0)
	v.Store = n.State().Clone()
	n.Validators = append(n.Validators, v)
	return v
}

// Registration is a validator's, signed by all of its keys.
func (v *Validator) Registration() types.Registration {
	r := types.Registration{Operator: v.Operator, ConsensusKey: v.ConsensusKey, Signer: v.Signer, Moniker: v.Moniker}
	return SignRegistration(r, v.OperatorPrivate, v.SignerPrivate, v.ConsensusPrivate)
}

// SignRegistration signs a registration for test networks.
func SignRegistration(r types.Registration, operator, signer *ecdsa.PrivateKey, key ed25519.PrivateKey) types.Registration {
	digest := evmsig.RegistrationDigest(evmsig.NetworkID(ChainID), r)
	var err error
	if r.OperatorSignature, err = evmsig.Sign(operator, digest); err != nil {
		panic(err) // only a missing key
	}
	if r.SignerSignature, err = evmsig.Sign(signer, digest); err != nil {
		panic(err)
	}
	r.ConsensusSignature = types.Signature(ed25519.Sign(key, digest[:]))
	return r
}

// ChangeOperator gives the validator another operator key, whose transactions
// begin anew.
func (v *Validator) ChangeOperator(key *ecdsa.PrivateKey) {
	v.OperatorPrivate, v.Operator, v.sequence = key, crypto.PubkeyToAddress(key.PublicKey), 0
}
