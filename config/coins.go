package config

import (
	"errors"
	"strings"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// coinDecimals are those of an EVM chain's own coin: 1 ether is 10^18 wei.
const coinDecimals = 18

// maxCoinDigits before the point are far more than any chain has.
const maxCoinDigits = 18

// Coins is an amount of a chain's own coin.
type Coins struct{ wei types.Amount }

var errCoins = errors.New(`want an amount of the chain's coin in quotes, for example "0.05", with at most 18 decimals`)

// ParseCoins reads a decimal number such as 0.05.
func ParseCoins(text string) (Coins, error) {
	whole, part, point := strings.Cut(text, ".")
	if whole == "" || point && part == "" || len(whole) > maxCoinDigits || len(part) > coinDecimals || strings.ContainsAny(text, "+-_eExX") {
		return Coins{}, errCoins
	}
	digits := strings.TrimLeft(whole+part+strings.Repeat("0", coinDecimals-len(part)), "0")
	if digits == "" {
		return Coins{}, nil
	}
	wei, err := types.ParseAmount(digits)
	if err != nil {
		return Coins{}, errCoins
	}
	return Coins{wei}, nil
}

// CoinsOf is an amount given in the finest unit.
func CoinsOf(wei types.Amount) Coins { return Coins{wei} }

// Wei is the amount in the finest unit.
func (c Coins) Wei() types.Amount { return c.wei }

// String is the shortest decimal form.
func (c Coins) String() string {
	digits := c.wei.String()
	if len(digits) <= coinDecimals {
		digits = strings.Repeat("0", coinDecimals+1-len(digits)) + digits
	}
	whole, part := digits[:len(digits)-coinDecimals], strings.TrimRight(digits[len(digits)-coinDecimals:], "0")
	if part == "" {
		return whole
	}
	return whole + "." + part
}
