package evmsig

import (
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/types"
)

var registrationType = crypto.Keccak256Hash([]byte(
	"Registration(address operator,bytes consensusKey,address signer,string moniker)"))

// RegistrationDigest is what each of a validator's keys signs to prove that it
// belongs to it: EIP-712 in the network's own domain. The signatures that the
// registration holds do not matter.
func RegistrationDigest(networkID types.Hash, r types.Registration) types.Hash {
	var w words
	w.word(registrationType)
	w.address(r.Operator)
	w.digest(r.ConsensusKey)
	w.address(r.Signer)
	w.digest([]byte(r.Moniker))
	return typedDigest(networkID, w.hash())
}
