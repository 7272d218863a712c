package bridgetest

import (
	"testing"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// The two chains and two assets of Pair.
var (
	Alpha = types.ChainID(31001)
	Beta  = types.ChainID(31002)

	Gold = types.AssetID{1} // an ERC-20 of alpha with 18 decimals, wrapped on beta
	Coin = types.AssetID{2} // the native coin of alpha, wrapped on beta with 6 decimals

	GoldToken = types.Address{0xa1}
	Alice     = types.Address{0xaa}
	Bob       = types.Address{0xbb}
)

// PairGenesis is two chains with two assets and no fees.
func PairGenesis() types.Genesis {
	chain := func(id types.ChainID, label string, bridge byte) types.Chain {
		return types.Chain{
			ID: id, Label: label, Bridge: types.Address{0xb0, bridge}, BatchGapMS: 0,
			BatchGas: types.DefaultBatchGas, ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: types.DefaultExpiry,
		}
	}
	return types.Genesis{
		Params: types.DefaultParams(),
		Chains: []types.Chain{chain(Alpha, "alpha", 1), chain(Beta, "beta", 2)},
		Assets: []types.Asset{
			{ID: Gold, Name: "Gold", Symbol: "GOLD", Decimals: 18, Tokens: []types.Token{
				{Chain: Alpha, Mode: types.ModeLock, Token: GoldToken, Decimals: 18},
				{Chain: Beta, Mode: types.ModeMint, Decimals: 18},
			}},
			{ID: Coin, Name: "Coin", Symbol: "COIN", Decimals: 18, Tokens: []types.Token{
				{Chain: Alpha, Mode: types.ModeLock, Token: types.NativeToken, Decimals: 18},
				{Chain: Beta, Mode: types.ModeMint, Decimals: 6},
			}},
		},
	}
}

// NewPair starts four equal validators over PairGenesis, opens both chains and
// gives Alice gold and coins on alpha. bend may change the genesis before, and
// each of first the network before its first block.
func NewPair(t testing.TB, bend func(*types.Genesis), first ...func(*Network)) *Network {
	t.Helper()
	g := PairGenesis()
	if bend != nil {
		bend(&g)
	}
	n := New(t, g, 1, 1, 1, 1)
	for _, change := range first {
		change(n)
	}
	n.Settle(20)
	n.Chains[Alpha].Give(GoldToken, Alice, Ether(1_000_000))
	n.Chains[Alpha].Give(types.NativeToken, Alice, Ether(1_000_000))
	return n
}

// Foreign replaces a chain's contract by one that another validator set was
// deployed with, and that has logged events already.
func Foreign(id types.ChainID, events ...types.Event) func(*Network) {
	return func(n *Network) {
		c := NewChain(n.Chains[id].networkID, n.Chains[id].Chain, types.ValidatorSet{{Signer: types.Address{1}, Power: 1}})
		for _, e := range events {
			c.log(e)
		}
		n.Chains[id] = c
	}
}

// RaiseAlarm makes the first of n validators raise an alarm against a chain from
// now on, or withdraw it by types.AlarmOff.
func (n *Network) RaiseAlarm(validators int, chain types.ChainID, alarm types.Alarm) {
	for _, v := range n.Validators[:validators] {
		if v.Alarms == nil {
			v.Alarms = map[types.ChainID]types.Alarm{}
		}
		v.Alarms[chain] = alarm
	}
}

// Ether is n × 10^18 units.
func Ether(n uint64) types.Amount {
	scale, _ := types.PowerOfTen(18) // in range
	amount, err := types.NewAmount(n).Mul(scale)
	if err != nil {
		panic(err)
	}
	return amount
}

// Send deposits from Alice or Bob on the source chain to a recipient on the
// other one, and fails the test if the contract reverts.
func (n *Network) Send(d types.Deposited, from types.ChainID) types.TransferID {
	n.t.Helper()
	nonce, err := n.Chains[from].Deposit(d)
	if err != nil {
		n.t.Fatal(err)
	}
	return types.TransferID{Source: from, Nonce: nonce}
}

// To is a deposit of a token to an address on a chain.
func To(destination types.ChainID, recipient types.Address, token, sender types.Address, amount types.Amount) types.Deposited {
	return types.Deposited{
		Token: token, Sender: sender, Destination: destination, Recipient: types.RecipientFromAddress(recipient),
		RefundTo: sender, Amount: amount, MaxFee: amount,
	}
}
