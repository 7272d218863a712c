package simnet

import (
	"crypto/ecdsa"
	"fmt"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
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

// with is the same validator with a fresh signer, or operator.
func (m *member) with(purpose string, count int) *member {
	fresh := *m
	key := derived(fmt.Appendf(nil, "%s %d", m.id, count), purpose)
	if purpose == "signer" {
		fresh.signer, fresh.Signer = key, crypto.PubkeyToAddress(key.PublicKey)
	} else {
		fresh.operator, fresh.Operator = key, crypto.PubkeyToAddress(key.PublicKey)
	}
	return &fresh
}

// registration is signed by all keys.
func (m *member) registration() types.Registration {
	r := types.Registration{Operator: m.Operator, ConsensusKey: m.ConsensusKey, Signer: m.Signer, Moniker: m.Moniker}
	digest := evmsig.RegistrationDigest(evmsig.NetworkID(chainID), r)
	r.OperatorSignature, r.SignerSignature = mustSign(m.operator, digest), mustSign(m.signer, digest)
	signature, err := m.consensus.Sign(digest[:])
	if err != nil {
		panic(err) // it has a key
	}
	r.ConsensusSignature = types.Signature(signature)
	return r
}

func mustSign(key *ecdsa.PrivateKey, digest types.Hash) types.Signature {
	signature, err := evmsig.Sign(key, digest)
	if err != nil {
		panic(err) // it has a key, and only zero digests are refused
	}
	return signature
}

func derived(seed []byte, purpose string) *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(crypto.Keccak256(seed, []byte(purpose)))
	if err != nil {
		panic(err) // a hash is a valid key but for one in 2^128
	}
	return key
}
