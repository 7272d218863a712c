package main

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"
)

// nativeToken stands for a chain's own coin where a token's address is wanted.
var nativeToken = common.HexToAddress("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE")

// asset is something of value that the bridge carries: locked on its home
// chain, minted on the other.
type asset struct {
	symbol   string
	name     string
	decimals uint8 // the same on both chains
	home     *chain
	origin   common.Address // token on the home chain
	away     *chain
	wrapped  common.Address // token on the other chain; the network says which
	fee      *big.Int       // of a release, on either chain
}

// newAssets are the network's assets: the test tokens, and alpha's own coin.
func newAssets(cs chains, tokens []*token) []*asset {
	var assets []*asset
	for _, t := range tokens {
		away := cs[0]
		if away == t.home {
			away = cs[1]
		}
		assets = append(assets, &asset{
			symbol: t.symbol, name: t.name, decimals: t.decimals, home: t.home, origin: t.address, away: away,
			fee: new(big.Int).Div(t.unit(1), big.NewInt(100)),
		})
	}
	return append(assets, &asset{
		symbol: "ALPHA", name: "Alpha Coin", decimals: 18, home: cs[0], origin: nativeToken, away: cs[1],
		fee: big.NewInt(1e15),
	})
}

// native says whether the asset is the chain's own coin.
func (a *asset) native(c *chain) bool { return a.token(c) == nativeToken }

// token is what a chain holds the asset in.
func (a *asset) token(c *chain) common.Address {
	if c == a.home {
		return a.origin
	}
	return a.wrapped
}

// milli is n thousandths of a whole.
func (a *asset) milli(n int64) *big.Int {
	whole := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.decimals)), nil)
	return whole.Mul(whole, big.NewInt(n)).Div(whole, big.NewInt(1000))
}

// text is an amount of the asset for people.
func (a *asset) text(amount *big.Int) string { return decimal(amount, a.decimals) }

// flags are the arguments of `genesis add-asset`.
func (a *asset) flags() []string {
	address := a.origin.Hex()
	if a.native(a.home) {
		address = "native"
	}
	fees := fmt.Sprintf("release_fee=%s,refund_fee=%s", a.fee, a.fee)
	return []string{
		a.symbol, "--name", a.name, "--decimals", fmt.Sprint(a.decimals),
		"--token", fmt.Sprintf("chain=%s,mode=lock,address=%s,%s", a.home.name, address, fees),
		"--token", fmt.Sprintf("chain=%s,mode=mint,%s", a.away.name, fees),
	}
}

// assetAnswer is what `query assets` says of one.
type assetAnswer struct {
	Symbol string `json:"symbol"`
	Tokens []struct {
		Chain uint64         `json:"chain"`
		Token common.Address `json:"token"`
	} `json:"tokens"`
	Registered []uint64 `json:"registered"`
}

// learn takes the wrapped token's address from the network's answer. It returns
// false while a chain has not registered its token.
func (a *asset) learn(answer []assetAnswer) bool {
	for _, said := range answer {
		if said.Symbol != a.symbol {
			continue
		}
		for _, t := range said.Tokens {
			if t.Chain == a.away.node.ChainID() {
				a.wrapped = t.Token
			}
		}
		return slices.Contains(said.Registered, a.home.node.ChainID()) && slices.Contains(said.Registered, a.away.node.ChainID())
	}
	return false
}
