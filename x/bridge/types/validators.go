package types

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Limits of a validator set.
const (
	MaxValidators  = 256
	MaxTotalPower  = 1 << 30
	packedSetEntry = common.AddressLength + 4
)

// Member is one signer of a set, as the contract sees it.
type Member struct {
	Signer Address `json:"signer"`
	Power  uint32  `json:"power"`
}

// ValidatorSet is the signers of an epoch, strictly ascending by address.
type ValidatorSet []Member

// NewValidatorSet sorts and validates members.
func NewValidatorSet(members []Member) (ValidatorSet, error) {
	set := ValidatorSet(slices.Clone(members))
	slices.SortFunc(set, func(a, b Member) int { return bytes.Compare(a.Signer[:], b.Signer[:]) })
	if err := set.Validate(); err != nil {
		return nil, err
	}
	return set, nil
}

// Validate checks what the contract checks too: 1 to MaxValidators entries,
// strictly ascending, no zero address or power, total at most MaxTotalPower.
func (s ValidatorSet) Validate() error {
	if len(s) == 0 || len(s) > MaxValidators {
		return fmt.Errorf("validator set of %d: want 1 to %d", len(s), MaxValidators)
	}
	var total uint64
	previous := Address{}
	for i, m := range s {
		if m.Power == 0 {
			return fmt.Errorf("validator set: signer %s has no power", m.Signer)
		}
		if bytes.Compare(m.Signer[:], previous[:]) <= 0 {
			return fmt.Errorf("validator set: signer %d (%s) is zero, a duplicate or out of order", i, m.Signer)
		}
		previous = m.Signer
		total += uint64(m.Power)
	}
	if total > MaxTotalPower {
		return fmt.Errorf("validator set: total power %d, at most %d", total, MaxTotalPower)
	}
	return nil
}

// TotalPower is the sum of all powers.
func (s ValidatorSet) TotalPower() uint64 {
	var total uint64
	for _, m := range s {
		total += uint64(m.Power)
	}
	return total
}

// Index is the position of signer in the set, or -1.
func (s ValidatorSet) Index(signer Address) int {
	i, found := slices.BinarySearchFunc(s, signer, func(m Member, a Address) int {
		return bytes.Compare(m.Signer[:], a[:])
	})
	if !found {
		return -1
	}
	return i
}

// Pack is the packed form: address ‖ uint32 power for each member.
func (s ValidatorSet) Pack() []byte {
	packed := make([]byte, 0, len(s)*packedSetEntry)
	for _, m := range s {
		packed = append(packed, m.Signer[:]...)
		packed = binary.BigEndian.AppendUint32(packed, m.Power)
	}
	return packed
}

// Hash is what a contract stores of a set: keccak256 of its packed form.
func (s ValidatorSet) Hash() Hash { return crypto.Keccak256Hash(s.Pack()) }

// UnpackValidatorSet reads and validates a packed set.
func UnpackValidatorSet(packed []byte) (ValidatorSet, error) {
	if len(packed) == 0 || len(packed)%packedSetEntry != 0 {
		return nil, fmt.Errorf("packed validator set of %d bytes: want a multiple of %d", len(packed), packedSetEntry)
	}
	set := make(ValidatorSet, 0, len(packed)/packedSetEntry)
	for entry := range slices.Chunk(packed, packedSetEntry) {
		set = append(set, Member{
			Signer: Address(entry[:common.AddressLength]),
			Power:  binary.BigEndian.Uint32(entry[common.AddressLength:]),
		})
	}
	if err := set.Validate(); err != nil {
		return nil, err
	}
	return set, nil
}
