package evmsig

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// ErrPower says that the signatures at hand are not more than 2/3 of the power.
var ErrPower = errors.New("signatures of too little power")

// PackQuorum is the quorum argument of the contract's execute: the packed set,
// a bitmap of signers, their signatures. sigs is by position in set; they are
// taken as valid (see Recover). Each costs the relayer gas, so it takes the
// strongest signers, and no more than make a quorum.
func PackQuorum(set types.ValidatorSet, sigs map[int][types.SignatureBytes]byte) ([]byte, error) {
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("pack quorum: %w", err)
	}
	positions, err := strongest(set, sigs)
	if err != nil {
		return nil, fmt.Errorf("pack quorum: %w", err)
	}
	bitmap := make([]byte, (len(set)+7)/8)
	for _, i := range positions {
		bitmap[i/8] |= 1 << (i % 8)
	}
	packed := binary.BigEndian.AppendUint16(nil, uint16(len(set))) //nolint:gosec // at most 256
	packed = append(packed, set.Pack()...)
	packed = append(packed, bitmap...)
	for _, i := range positions {
		sig := sigs[i]
		packed = append(packed, sig[:]...)
	}
	return packed, nil
}

// strongest returns the ascending positions of as few signers as reach the
// quorum.
func strongest(set types.ValidatorSet, sigs map[int][types.SignatureBytes]byte) ([]int, error) {
	var positions []int
	for i := range set {
		if _, signed := sigs[i]; signed {
			positions = append(positions, i)
		}
	}
	slices.SortStableFunc(positions, func(a, b int) int { return cmp.Compare(set[b].Power, set[a].Power) })
	total, signed := set.TotalPower(), uint64(0)
	for n, i := range positions {
		signed += uint64(set[i].Power)
		if 3*signed > 2*total {
			positions = positions[:n+1]
			slices.Sort(positions)
			return positions, nil
		}
	}
	return nil, fmt.Errorf("%w: %d of %d", ErrPower, signed, total)
}
