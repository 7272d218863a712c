package main

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
)

// nativeToken stands for a chain's own coin where a token's address is wanted.
var nativeToken = common.HexToAddress("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE")

// asset is something of value that the bridge carries: locked on its home
// chain, minted on the others.
type asset struct {
	symbol   string
	name     string
	decimals uint8 // the same on both chains
	home     *chain
	origin   common.Address // token on the home chain
	away     *chain
	wrapped  common.Address // token on the other chain; the network says which
	fee      *big.Int       // of a release and of a refund, on every chain
	third    *chain         // minted here too, where nothing is ever looked at; nil for most
	terms    string         // more of its token on the other chain, for `genesis add-asset`
}

// The limits of the devnet's assets, in whole tokens.
const (
	flowCapacity = 100 // of GOLD, on beta
	flowRate     = 15  // a second
	largeAmount  = 500 // of SILVER, on alpha
)

// newAssets are the network's assets: the test tokens, and alpha's own coin.
func newAssets(cs chains, tokens []*token) []*asset {
	var assets []*asset
	for _, t := range tokens {
		away := cs[0]
		if away == t.home {
			away = cs[1]
		}
		a := &asset{
			symbol: t.symbol, name: t.name, decimals: t.decimals, home: t.home, origin: t.address, away: away,
			fee: new(big.Int).Div(t.unit(1), big.NewInt(100)),
		}
		a.limit()
		assets = append(assets, a)
	}
	coin := &asset{
		symbol: "ALPHA", name: "Alpha Coin", decimals: 18, home: cs[0], origin: nativeToken, away: cs[1],
		fee: big.NewInt(1e15),
	}
	if len(cs) > 2 {
		coin.third = cs[2]
	}
	return append(assets, coin)
}

// limit gives an asset of the devnet its terms.
func (a *asset) limit() {
	switch a.symbol {
	case "GOLD":
		a.terms = fmt.Sprintf(",flow_capacity=%s,flow_rate=%s", a.milli(1000*flowCapacity), a.milli(1000*flowRate))
	case "SILVER":
		a.terms = fmt.Sprintf(",large=%s", a.milli(1000*largeAmount))
	}
}

// on says whether people have the asset on a chain.
func (a *asset) on(c *chain) bool { return c == a.home || c == a.away }

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
	flags := []string{
		a.symbol, "--name", a.name, "--decimals", fmt.Sprint(a.decimals),
		"--token", fmt.Sprintf("chain=%s,mode=lock,address=%s,%s", a.home.name, address, fees),
		"--token", fmt.Sprintf("chain=%s,mode=mint,%s%s", a.away.name, fees, a.terms),
	}
	if a.third != nil {
		flags = append(flags, "--token", fmt.Sprintf("chain=%s,mode=mint,%s", a.third.name, fees))
	}
	return flags
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
		return len(said.Registered) == len(said.Tokens)
	}
	return false
}
