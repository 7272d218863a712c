package bridge_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A chain could hold more assets than a re-anchoring can name: then it could
// never be re-anchored.
func TestChainHoldsAsManyAssetsAsAReanchoringNames(t *testing.T) {
	asset := func(i int, chain types.ChainID) types.Asset {
		id := types.AssetID{8, byte(i >> 8), byte(i)}
		return types.Asset{
			ID: id, Name: "More", Symbol: "MORE", Decimals: 18, Tokens: []types.Token{locked(chain, types.Address(id[:20]))},
		}
	}
	g := bridgetest.PairGenesis()
	for i := len(g.Assets); i < types.MaxBalances; i++ {
		g.Assets = append(g.Assets, asset(i, alpha))
	}
	elsewhere := asset(1000, beta)
	g.Assets = append(g.Assets, elsewhere)
	n := bridgetest.New(t, g, 1)
	n.Step()

	one := types.Content{RegisterAsset: &types.RegisterAsset{Asset: asset(1001, alpha)}}
	refused(t, n, one, "could not name one more")
	refused(t, n, mapping(elsewhere.ID, locked(alpha, types.Address{7})), "could not name one more")
	one.RegisterAsset.Asset = asset(1001, beta)
	if view, _ := effect(t, n, one); view.Error != "" {
		t.Errorf("an asset of another chain: %s", view.Error)
	}

	r := types.Reanchor{ID: alpha, Block: 1, Nonce: 1, Hash: types.Hash{1}}
	for _, a := range n.Genesis.Assets {
		if a.ID != elsewhere.ID {
			r.Balances = append(r.Balances, types.AssetBalance{Asset: a.ID})
		}
	}
	slices.SortFunc(r.Balances, func(a, b types.AssetBalance) int { return bytes.Compare(a.Asset[:], b.Asset[:]) })
	if err := (types.Content{ReanchorChain: &r}).Validate(); err != nil || len(r.Balances) != types.MaxBalances {
		t.Errorf("%d balances: %v", len(r.Balances), err)
	}

	g = n.Genesis
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	g.Assets = append(g.Assets, asset(1001, alpha))
	if err := g.Validate(); err == nil || !strings.Contains(err.Error(), "more than 256 assets") {
		t.Errorf("a genesis with one more: %v", err)
	}
}

// Few operators with little power could have so many proposals open that nobody
// else could make one.
func TestFewOperatorsCannotFillGovernance(t *testing.T) {
	n := bridgetest.New(t, bridgetest.PairGenesis(), 1, 1, 1, 1, 1, 1, 1, 1, 100)
	for range 4 {
		n.Operate(propose(question), 0, 1, 2, 3, 4, 5, 6, 7)
	}
	n.Operate(propose(question), 8) // alone above 2/3
	wantProposal(t, n, 33, types.ProposalApplied, "")
}
