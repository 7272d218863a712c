package bridge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

var (
	silver      = types.AssetID{9}
	silverToken = types.Address{0xa9}
)

// silverAsset is locked on alpha and minted on beta.
func silverAsset(tokens ...types.Token) types.Content {
	return types.Content{RegisterAsset: &types.RegisterAsset{Asset: types.Asset{
		ID: silver, Name: "Silver", Symbol: "SILV", Decimals: 18, Tokens: tokens,
	}}}
}

func locked(chain types.ChainID, token types.Address) types.Token {
	return types.Token{Chain: chain, Mode: types.ModeLock, Token: token, Decimals: 18}
}

func minted(chain types.ChainID, decimals uint8) types.Token {
	return types.Token{Chain: chain, Mode: types.ModeMint, Decimals: decimals}
}

func mapping(asset types.AssetID, token types.Token) types.Content {
	return types.Content{MapAsset: &types.MapAsset{Asset: asset, Token: token}}
}

// sent sends units of a token from alice on alpha, and wants them to arrive.
func sent(t *testing.T, n *bridgetest.Network, asset types.AssetID, token types.Address, to types.ChainID, amount uint64) {
	t.Helper()
	before := n.Chains[to].Balance(n.Chains[to].WrappedToken(asset), bob)
	n.Send(bridgetest.To(to, bob, token, alice, types.NewAmount(amount)), alpha)
	n.Settle(30)
	wantBalance(t, n, to, n.Chains[to].WrappedToken(asset), bob, sum(t, before, amount))
}

func TestAssetIsRegisteredByProposal(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	pass(t, n, silverAsset(locked(alpha, silverToken), minted(beta, 18)))
	n.Settle(20)
	n.Chains[alpha].Give(silverToken, alice, bridgetest.Ether(1))
	sent(t, n, silver, silverToken, beta, 1000)
}

func TestChainIsAddedByProposal(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	gamma := bridgetest.PairGenesis().Chains[0]
	gamma.ID, gamma.Label, gamma.ReleaseGas = 30001, "gamma", 180_000 // before alpha: the order is by id
	n.Connect(gamma)
	if c := chainState(t, n, gamma.ID); c.CursorBlock != 1 || c.Outbox != 0 {
		t.Errorf("a chain that was not heard of yet: %+v", c)
	}
	pass(t, n, mapping(bridgetest.Gold, minted(gamma.ID, 9)))
	n.Settle(20)
	if c := chainState(t, n, gamma.ID); !c.Active || c.Chain != gamma {
		t.Errorf("%+v", c)
	}
	n.Send(bridgetest.To(gamma.ID, bob, bridgetest.GoldToken, alice, types.NewAmount(7_500_000_001)), alpha)
	n.Settle(30)
	wantBalance(t, n, gamma.ID, n.Chains[gamma.ID].WrappedToken(bridgetest.Gold), bob, types.NewAmount(7))

	// Its id and its label are taken now.
	gamma.Label = "delta"
	view, _ := effect(t, n, types.Content{AddChain: &types.AddChain{Chain: gamma, CodeHash: types.Hash{1}, Block: 1, SetHash: currentSet(t, n)}})
	if !strings.Contains(view.Error, "connected") {
		t.Errorf("added twice: %q", view.Error)
	}
}

// A changed limit is the contract's too, and leaves everything else as it was.
func TestLimitOfATokenReachesItsContract(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	token := locked(alpha, bridgetest.GoldToken)
	token.Limit.Minimum = types.NewAmount(500)
	content := mapping(bridgetest.Gold, token)
	_, changes := effect(t, n, content)
	order := fmt.Sprintf(`null -> {"0":{"command":{"deposits":true,"release_gas":%d,"tokens":[{"limit":{"capacity":"0","minimum":"500","rate":"0"},"token":"0xa100000000000000000000000000000000000000"}]},"kind":"set_params"}}`, types.DefaultReleaseGas)
	if changes["commands.31001"] != order {
		t.Errorf("%s, want %s", changes["commands.31001"], order)
	}
	pass(t, n, content)
	n.Settle(20)
	deposit := bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(499))
	if _, err := n.Chains[alpha].Deposit(deposit); err == nil {
		t.Error("the contract takes less than the new minimum")
	}
	sent(t, n, bridgetest.Gold, bridgetest.GoldToken, beta, 500)
}

// Where a contract could not register a token, it is told again, with other
// terms if governance says so; while an order is on its way it is left alone.
func TestFailedRegistrationIsRepeated(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	n.Chains[beta].FailCommands[types.CommandRegisterToken] = true
	pass(t, n, silverAsset(locked(alpha, silverToken), minted(beta, 18)))
	for name, token := range map[string]types.Token{"terms": minted(beta, 6), "limit": {
		Chain: beta, Mode: types.ModeMint, Decimals: 18, Limit: types.TokenLimit{Minimum: types.NewAmount(1)},
	}} {
		if view, _ := effect(t, n, mapping(silver, token)); !strings.Contains(view.Error, "wait until") {
			t.Errorf("other %s while the order is on its way: %q", name, view.Error)
		}
	}
	if view, changes := effect(t, n, mapping(silver, types.Token{Chain: beta, Mode: types.ModeMint, Decimals: 18, Large: types.NewAmount(9)})); view.Error != "" || len(changes) != 1 {
		t.Errorf("what the contract does not know: %q %v", view.Error, changes)
	}
	n.Settle(20)
	n.Chains[beta].FailCommands[types.CommandRegisterToken] = false
	pass(t, n, mapping(silver, minted(beta, 6)))
	n.Settle(20)
	n.Chains[alpha].Give(silverToken, alice, bridgetest.Ether(1))
	n.Send(bridgetest.To(beta, bob, silverToken, alice, bridgetest.Ether(1)), alpha)
	n.Settle(30)
	wantBalance(t, n, beta, n.Chains[beta].WrappedToken(silver), bob, types.NewAmount(1_000_000))
	if view, _ := effect(t, n, mapping(silver, minted(beta, 18))); !strings.Contains(view.Error, "for good") {
		t.Errorf("after its registration: %q", view.Error)
	}
}

// The release gas is all that a contract knows of its chain's terms.
func TestTermsOfAChainChange(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	terms := types.ChangeChain{ID: beta, BatchGapMS: 900, BatchGas: 1 << 23, ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: 77}
	before := chainState(t, n, beta).Outbox
	pass(t, n, types.Content{ChangeChain: &terms})
	c := chainState(t, n, beta)
	if c.BatchGapMS != 900 || c.BatchGas != 1<<23 || c.ExpiryBlocks != 77 || c.Outbox != before {
		t.Errorf("%+v", c)
	}
	terms.ReleaseGas++
	pass(t, n, types.Content{ChangeChain: &terms})
	if c = chainState(t, n, beta); c.ReleaseGas != terms.ReleaseGas || c.Outbox != before+1 {
		t.Errorf("%+v", c)
	}
}

// An effect names a whole new thing once, and what a proposal holds too.
func TestEffectOfAProposal(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	n.Operate(propose(silverAsset(locked(alpha, silverToken))), 0)
	view := query[bridge.EffectView](t, n, "effect", bridge.QueryArgs{ID: "1"})
	var paths []string
	for _, c := range view.Changes {
		paths = append(paths, c.Path)
	}
	want := []string{"assets." + silver.String(), "commands.31001", "supply." + silver.String()}
	if fmt.Sprint(paths) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", paths, want)
	}
	for _, args := range []string{``, `{"id":"x"}`, `{"id":"9"}`, `{"content":{}}`, `{"content":{"text":{"title":"a"},"unpause":{"chain":1}}}`, `{"content":{"unpause":{"chain":1,"by":2}}}`} {
		if _, err := n.Machine.Query(n.State(), "effect", []byte(args)); err == nil {
			t.Errorf("%s is answered", args)
		}
	}
}
