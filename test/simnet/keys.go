package simnet

import (
	"crypto/ecdsa"
	"fmt"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// member is a validator with its keys, which follow from its number.
type member struct {
	types.Validator
	id        types.ValidatorID
	consensus ed25519.PrivKey
	signer    *ecdsa.PrivateKey
	operator  *ecdsa.PrivateKey
}

func newMember(i int, power uint32) *member {
	seed := fmt.Appendf(nil, "simulated validator %d", i)
	consensus := ed25519.GenPrivKeyFromSecret(seed)
	m := &member{consensus: consensus, signer: derived(seed, "signer"), operator: derived(seed, "operator")}
	m.Validator = types.Validator{
		ConsensusKey: types.ConsensusKey(consensus.PubKey().Bytes()), Power: power, Moniker: fmt.Sprint("validator-", i),
		Signer: crypto.PubkeyToAddress(m.signer.PublicKey), Operator: crypto.PubkeyToAddress(m.operator.PublicKey),
	}
	m.id = m.ID()
	return m
}

func derived(seed []byte, purpose string) *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(crypto.Keccak256(seed, []byte(purpose)))
	if err != nil {
		panic(err) // a hash is a valid key but for one in 2^128
	}
	return key
}
