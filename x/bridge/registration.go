package bridge

import (
	"crypto/ed25519"
	"errors"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// EncodeRegistration gives the bytes of a registration that go with a stake.
func EncodeRegistration(r types.Registration) ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, refuse(ErrMalformed, "%v", err)
	}
	return state.Encode(registrationToPB(r)), nil
}

// DecodeRegistration reads a registration and checks its form, and not its
// signatures. It is total.
func DecodeRegistration(b []byte) (types.Registration, error) {
	if len(b) > types.MaxDataBytes {
		return types.Registration{}, refuse(ErrTooLarge, "a registration of %d bytes, at most %d", len(b), types.MaxDataBytes)
	}
	var message pb.Registration
	if err := state.DecodeExact(b, &message); err != nil {
		return types.Registration{}, refuse(ErrMalformed, "%v", err)
	}
	f := &fields{}
	r := f.registration(&message)
	if err := errors.Join(f.err, r.Validate()); err != nil {
		return types.Registration{}, refuse(ErrMalformed, "%v", err)
	}
	return r, nil
}

// checkRegistration verifies the three signatures of a registration.
func checkRegistration(recover SignerRecoverer, chainID string, r types.Registration) error {
	if err := r.Validate(); err != nil {
		return err
	}
	digest := evmsig.RegistrationDigest(evmsig.NetworkID(chainID), r)
	if signer, err := recover(digest, r.OperatorSignature); err != nil || signer != r.Operator {
		return refuse(ErrProof, "registration: not signed by operator %s for network %s", r.Operator, chainID)
	}
	if signer, err := recover(digest, r.SignerSignature); err != nil || signer != r.Signer {
		return refuse(ErrProof, "registration: not signed by signer %s for network %s", r.Signer, chainID)
	}
	if !ed25519.Verify(ed25519.PublicKey(r.ConsensusKey), digest[:], r.ConsensusSignature[:]) {
		return refuse(ErrProof, "registration: not signed by its consensus key for network %s", chainID)
	}
	return nil
}
