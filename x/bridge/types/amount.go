package types

import (
	"errors"
	"fmt"

	"github.com/holiman/uint256"
)

// MaxDecimals is the most decimals that a token may have: 10^38 is the greatest
// power of ten below 2^128.
const MaxDecimals = 38

// MaxAssetDecimals is the most decimals of an asset's unit. It leaves 10^14
// whole units below 2^128.
const MaxAssetDecimals = 24

// ErrAmountRange says that a result would be negative or 2^128 and above.
var ErrAmountRange = errors.New("amount out of range")

// Amount is a quantity of an asset or a token, from 0 to 2^128-1, in the finest
// unit of whatever it counts: an asset's unit (the finest over all its chains)
// or one token's unit, as its user says. The zero value is 0.
type Amount struct{ v uint256.Int }

// NewAmount makes an Amount of n units.
func NewAmount(n uint64) Amount {
	var a Amount
	a.v.SetUint64(n)
	return a
}

// AmountFromBytes reads a big endian number of at most 16 bytes.
func AmountFromBytes(b []byte) (Amount, error) {
	if len(b) > 16 {
		return Amount{}, fmt.Errorf("%w: %d bytes, at most 16", ErrAmountRange, len(b))
	}
	var a Amount
	a.v.SetBytes(b)
	return a, nil
}

// AmountFromUint256 takes v if it is below 2^128.
func AmountFromUint256(v *uint256.Int) (Amount, error) {
	if v.BitLen() > 128 {
		return Amount{}, fmt.Errorf("%w: 2^128 or above", ErrAmountRange)
	}
	return Amount{v: *v}, nil
}

// ParseAmount reads a decimal number of units, without sign, point or exponent.
func ParseAmount(text string) (Amount, error) {
	v, err := uint256.FromDecimal(text)
	if err != nil {
		return Amount{}, fmt.Errorf("amount %q: want a whole decimal number of the finest unit: %w", text, err)
	}
	return AmountFromUint256(v)
}

// PowerOfTen is 10^n; n is at most MaxDecimals.
func PowerOfTen(n uint8) (Amount, error) {
	if n > MaxDecimals {
		return Amount{}, fmt.Errorf("%w: 10^%d", ErrAmountRange, n)
	}
	var a Amount
	a.v.Exp(uint256.NewInt(10), uint256.NewInt(uint64(n)))
	return a, nil
}

// Add returns a + b, or ErrAmountRange.
func (a Amount) Add(b Amount) (Amount, error) {
	var sum uint256.Int
	sum.Add(&a.v, &b.v)
	return AmountFromUint256(&sum)
}

// Sub returns a - b, or ErrAmountRange where b is greater.
func (a Amount) Sub(b Amount) (Amount, error) {
	if a.Cmp(b) < 0 {
		return Amount{}, fmt.Errorf("%w: %s - %s", ErrAmountRange, a, b)
	}
	var difference uint256.Int
	difference.Sub(&a.v, &b.v)
	return Amount{v: difference}, nil
}

// Mul returns a * b, or ErrAmountRange.
func (a Amount) Mul(b Amount) (Amount, error) {
	var product uint256.Int // both are below 2^128, so 256 bits hold it
	product.Mul(&a.v, &b.v)
	return AmountFromUint256(&product)
}

// DivMod returns the quotient and remainder of a / b; both are 0 where b is 0.
func (a Amount) DivMod(b Amount) (quotient, remainder Amount) {
	quotient.v.DivMod(&a.v, &b.v, &remainder.v)
	return quotient, remainder
}

// Cmp is -1, 0 or 1 as a is less than, equal to or greater than b.
func (a Amount) Cmp(b Amount) int { return a.v.Cmp(&b.v) }

// IsZero says whether a is 0.
func (a Amount) IsZero() bool { return a.v.IsZero() }

// Bytes is the shortest big endian form; 0 is no bytes.
func (a Amount) Bytes() []byte { return a.v.Bytes() }

// Bytes16 is the 16-byte big endian form, Solidity's packed uint128.
func (a Amount) Bytes16() [16]byte {
	full := a.v.Bytes32()
	return [16]byte(full[16:])
}

// Bytes32 is the 32-byte big endian form, an ABI word.
func (a Amount) Bytes32() [32]byte { return a.v.Bytes32() }

// String is the decimal form.
func (a Amount) String() string { return a.v.Dec() }

// MarshalText implements encoding.TextMarshaler: the decimal form, so that JSON
// holds a string and no reader loses digits.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler, as ParseAmount.
func (a *Amount) UnmarshalText(text []byte) error {
	parsed, err := ParseAmount(string(text))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}
