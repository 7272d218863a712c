package bridge_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/icrosschain/bridged/x/bridge"
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// What the tests of the money rules share.

var (
	carol   = types.Address{0xcc}
	refuser = types.Address{0xdd} // gets nothing, wherever a test says so

	// Twin is locked on both chains of a money network.
	twin                 = types.AssetID{3}
	twinAlpha, twinBeta  = types.Address{0xa3}, types.Address{0xb3}
	gold                 = bridgetest.Gold
	goldToken, ether     = bridgetest.GoldToken, bridgetest.Ether
	units                = types.NewAmount
	noReason             = types.ReasonNone
	alarmPause, alarmOff = types.AlarmPause, types.AlarmOff
	contradiction        = types.AlarmContradiction
)

// newMoney is a pair of chains with a third asset that both lock, of which alice
// has some on alpha and bob on beta. Heads are voted every block.
func newMoney(t testing.TB, bend func(*types.Genesis)) *bridgetest.Network {
	t.Helper()
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		g.Params.HeadInterval, g.Params.KeepBlocks = 1, 30
		g.Params.RetireDelayBlocks, g.Params.RetireDelayMS = 10, 1000
		g.Assets = append(g.Assets, types.Asset{ID: twin, Name: "Twin", Symbol: "TWIN", Decimals: 18, Tokens: []types.Token{
			{Chain: alpha, Mode: types.ModeLock, Token: twinAlpha, Decimals: 18},
			{Chain: beta, Mode: types.ModeLock, Token: twinBeta, Decimals: 18},
		}})
		if bend != nil {
			bend(g)
		}
	})
	n.Chains[alpha].Give(twinAlpha, alice, ether(1_000_000))
	n.Chains[beta].Give(twinBeta, bob, ether(1_000_000))
	return n
}

// run makes blocks, relays all that is complete, and checks the invariants after
// every block.
func run(n *bridgetest.Network, blocks int) {
	for range blocks {
		n.Step()
		n.Audit()
		n.Relay(types.MaxBatchItems)
	}
}

// hold makes blocks in which nobody relays.
func hold(n *bridgetest.Network, blocks int) {
	for range blocks {
		n.Step()
		n.Audit()
	}
}

// later lets block time pass at once.
func later(n *bridgetest.Network, by time.Duration) { n.Time = n.Time.Add(by) }

// mine ends empty blocks of a chain.
func mine(n *bridgetest.Network, chain types.ChainID, blocks int) {
	for range blocks {
		n.Chains[chain].Mine()
	}
}

// pass has the operators decide something, and wants it applied.
func pass(t testing.TB, n *bridgetest.Network, c types.Content) {
	t.Helper()
	id := n.Pass(c)
	for _, p := range queryAny[[]bridge.ProposalView](t, n, "proposals", "") {
		if p.ID == id && p.Status != types.ProposalApplied {
			t.Fatalf("height %d: proposal to %s is %s: %s", n.Height, p.Action, p.Status, p.Result)
		}
	}
	n.Audit()
}

// refused wants a decision that would not apply now, and why.
func refused(t testing.TB, n *bridgetest.Network, c types.Content, why string) {
	t.Helper()
	content, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	args, err := json.Marshal(bridge.QueryArgs{Content: content, Height: uint64(n.Height), TimeMS: n.Time.UnixMilli()})
	if err != nil {
		t.Fatal(err)
	}
	if view := queryAny[bridge.EffectView](t, n, "effect", string(args)); !strings.Contains(view.Error, why) || why == "" {
		t.Errorf("proposal to %s: %q, want %q", view.Action, view.Error, why)
	}
}

func unpause(chain types.ChainID) types.Content {
	return types.Content{Unpause: &types.Unpause{Chain: chain}}
}

func retire(chain types.ChainID) types.Content {
	return types.Content{RetireChain: &types.RetireChain{ID: chain}}
}

func resolve(id uint64, action types.QuarantineAction) types.Content {
	return types.Content{ResolveQuarantine: &types.ResolveQuarantine{ID: id, Action: action}}
}

func chainState(t testing.TB, n *bridgetest.Network, id types.ChainID) bridge.ChainState {
	t.Helper()
	c, err := n.Machine.Chain(n.State(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantAt checks a transfer's station by all that the queries say about it.
func wantAt(t *testing.T, n *bridgetest.Network, id types.TransferID, status types.Status, reason types.Reason) bridge.TransferView {
	t.Helper()
	got := transfer(t, n, id.String())
	if got.Status != status || got.Reason != reason {
		t.Fatalf("height %d: %s is %s (%q), want %s (%q): %s", n.Height, got.ID, got.Status, got.Reason, status, reason, got.Why)
	}
	wantSentence(t, got.Why)
	why := query[bridge.WhyView](t, n, "why", bridge.QueryArgs{ID: id.String()})
	if why.Status != status || why.Reason != reason || why.Text != got.Why {
		t.Errorf("why says %+v, transfer %+v", why, got)
	}
	if reason != noReason && status != types.StatusOwed && status != types.StatusClaimed && !strings.Contains(got.Why, reason.Text()) {
		t.Errorf("%q does not say %q", got.Why, reason.Text())
	}
	if (status == types.StatusHeld || status == types.StatusQueued) && !strings.Contains(got.Why, reason.Next()) {
		t.Errorf("%q does not say what happens next: %q", got.Why, reason.Next())
	}
	return got
}

// wantSentence takes one sentence: a capital, a full stop at its end and nowhere
// else.
func wantSentence(t *testing.T, text string) {
	t.Helper()
	first := []rune(text + " ")[0]
	if lower := unicode.IsLower(first) && !strings.HasPrefix(text, "command "); lower || !strings.HasSuffix(text, ".") || strings.Contains(text, ". ") ||
		strings.Contains(text, "..") || strings.Contains(text, "  ") {
		t.Errorf("no sentence: %q", text)
	}
}

// supplyOf is the ledger of an asset.
func supplyOf(t testing.TB, n *bridgetest.Network, asset types.AssetID) bridge.SupplyView {
	t.Helper()
	return queryAny[[]bridge.SupplyView](t, n, "supply", "")[int(asset[0])-1]
}

// balanceOf is an asset's balance on a chain.
func balanceOf(t testing.TB, n *bridgetest.Network, asset types.AssetID, chain types.ChainID) bridge.BalanceView {
	t.Helper()
	for _, b := range supplyOf(t, n, asset).Chains {
		if b.Chain == chain {
			return b
		}
	}
	return bridge.BalanceView{}
}

// withoutSignatures is a validator that votes, and signs no seal.
func withoutSignatures(t *testing.T) func([]byte) []byte {
	return func(honest []byte) []byte {
		message := &pb.VoteExtension{}
		if len(honest) == 0 || decodeInto(t, honest[1:], message) != nil {
			return honest
		}
		message.Signatures = nil
		if len(message.Chains) == 0 {
			return nil
		}
		return encode(t, []byte{1}, message)
	}
}

// queryAny is query for all kinds of tests.
func queryAny[T any](t testing.TB, n *bridgetest.Network, path, args string) T {
	t.Helper()
	answer, err := n.Machine.Query(n.State(), path, []byte(args))
	if err != nil {
		t.Fatalf("%s %s: %v", path, args, err)
	}
	var result T
	if err := json.Unmarshal(answer, &result); err != nil {
		t.Fatalf("%s: %v in %s", path, err, answer)
	}
	return result
}

// held is the custody or supply that a model chain really has, in asset units.
func held(t testing.TB, n *bridgetest.Network, asset types.Asset, token types.Token) types.Amount {
	t.Helper()
	chain := n.Chains[token.Chain]
	amount := chain.Supply(chain.TokenOf(asset.ID))
	if token.Mode == types.ModeLock {
		amount = chain.Custody(chain.TokenOf(asset.ID))
	}
	scale, err := token.Scale(asset.Decimals)
	if err != nil {
		t.Fatal(err)
	}
	units, err := amount.Mul(scale)
	if err != nil {
		t.Fatal(err)
	}
	return units
}

// wantBooks compares all balances of the books with the chains; nothing may be
// on its way.
func wantBooks(t testing.TB, n *bridgetest.Network) {
	t.Helper()
	for _, asset := range n.Genesis.Assets {
		for _, token := range asset.Tokens {
			if chainState(t, n, token.Chain).Refused != "" {
				continue
			}
			b, real := balanceOf(t, n, asset.ID, token.Chain), held(t, n, asset, token)
			if token.Mode == types.ModeLock && b.Custody != real || token.Mode == types.ModeMint && b.Supply != real {
				t.Errorf("%s on %s: the chain has %s, the books %+v", asset.Symbol, token.Chain, real, b)
			}
		}
		if s := supplyOf(t, n, asset.ID); !s.InFlight.IsZero() {
			t.Errorf("%s: %s in flight", asset.Symbol, s.InFlight)
		}
	}
}
