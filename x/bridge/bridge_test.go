package bridge_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

var (
	alpha, beta = bridgetest.Alpha, bridgetest.Beta
	alice, bob  = bridgetest.Alice, bridgetest.Bob
)

func query[T any](t *testing.T, n *bridgetest.Network, path string, args bridge.QueryArgs) T {
	t.Helper()
	data, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := n.Machine.Query(n.State(), path, data)
	if err != nil {
		t.Fatalf("%s %+v: %v", path, args, err)
	}
	var result T
	if err := json.Unmarshal(answer, &result); err != nil {
		t.Fatalf("%s: %v in %s", path, err, answer)
	}
	return result
}

func transfer(t *testing.T, n *bridgetest.Network, id string) bridge.TransferView {
	t.Helper()
	return query[bridge.TransferView](t, n, "transfer", bridge.QueryArgs{ID: id})
}

func wantBalance(t *testing.T, n *bridgetest.Network, chain types.ChainID, token, holder types.Address, want types.Amount) {
	t.Helper()
	if got := n.Chains[chain].Balance(token, holder); got != want {
		t.Errorf("balance of %s in %s on %s: %s, want %s", holder, token, chain, got, want)
	}
}

func TestTokensThereAndBack(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	wrapped := n.Chains[beta].WrappedToken(bridgetest.Gold)
	id := n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, bridgetest.Ether(5)), alpha)
	n.Settle(10)
	wantBalance(t, n, beta, wrapped, bob, bridgetest.Ether(5))
	if got := transfer(t, n, "alpha/"+id.String()[6:]); got.Status != types.StatusReleased {
		t.Errorf("there: %+v", got)
	}
	n.Send(bridgetest.To(alpha, alice, wrapped, bob, bridgetest.Ether(2)), beta)
	n.Settle(10)
	wantBalance(t, n, beta, wrapped, bob, bridgetest.Ether(3))
	wantBalance(t, n, alpha, bridgetest.GoldToken, alice, bridgetest.Ether(1_000_000-3))
	wantBalance(t, n, alpha, bridgetest.GoldToken, n.Chains[alpha].Bridge, bridgetest.Ether(3))
}

// The coin has 18 decimals on alpha and 6 on beta: what beta cannot express
// becomes fee.
func TestGranularityRoundsDownAndTheRemainderIsFee(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	amount, err := types.ParseAmount("1000000000000000007")
	if err != nil {
		t.Fatal(err)
	}
	n.Send(bridgetest.To(beta, bob, types.NativeToken, alice, amount), alpha)
	n.Settle(10)
	wantBalance(t, n, beta, n.Chains[beta].WrappedToken(bridgetest.Coin), bob, types.NewAmount(1_000_000))
	for _, s := range query[[]bridge.SupplyView](t, n, "supply", bridge.QueryArgs{}) {
		if s.Symbol == "COIN" && s.Fees != types.NewAmount(7) {
			t.Errorf("fees %s, want 7", s.Fees)
		}
	}
}

// Each row is a deposit that cannot be released. It is refunded in full.
func TestInvalidDepositsAreRefunded(t *testing.T) {
	good := bridgetest.To(beta, bob, bridgetest.GoldToken, alice, bridgetest.Ether(5))
	for _, c := range []struct {
		name   string
		reason types.Reason
		bend   func(*types.Deposited, *bridgetest.Network)
	}{
		{"unknown destination", types.ReasonUnknownDestination, func(d *types.Deposited, _ *bridgetest.Network) { d.Destination = 99 }},
		{"own chain", types.ReasonUnknownDestination, func(d *types.Deposited, _ *bridgetest.Network) { d.Destination = alpha }},
		{"zero recipient", types.ReasonBadRecipient, func(d *types.Deposited, _ *bridgetest.Network) { d.Recipient = types.Hash{} }},
		{"long recipient", types.ReasonBadRecipient, func(d *types.Deposited, _ *bridgetest.Network) { d.Recipient[0] = 1 }},
		{"the bridge itself", types.ReasonBadRecipient, func(d *types.Deposited, n *bridgetest.Network) {
			d.Recipient = types.RecipientFromAddress(n.Chains[beta].Bridge)
		}},
		{"the token itself", types.ReasonBadRecipient, func(d *types.Deposited, n *bridgetest.Network) {
			d.Recipient = types.RecipientFromAddress(n.Chains[beta].WrappedToken(bridgetest.Gold))
		}},
		{"fee above its maximum", types.ReasonFeeAboveMaximum, func(d *types.Deposited, _ *bridgetest.Network) { d.MaxFee = types.NewAmount(99) }},
		{"too small for the fee", types.ReasonTooSmall, func(d *types.Deposited, _ *bridgetest.Network) {
			d.Amount, d.MaxFee = types.NewAmount(100), types.NewAmount(100)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := bridgetest.NewPair(t, func(g *types.Genesis) { g.Assets[0].Tokens[1].ReleaseFee = types.NewAmount(100) })
			n.Chains[alpha].Lax = true
			before := n.Chains[alpha].Balance(bridgetest.GoldToken, alice)
			d := good
			c.bend(&d, n)
			id := n.Send(d, alpha)
			n.Settle(12)
			why := query[bridge.WhyView](t, n, "why", bridge.QueryArgs{ID: id.String()})
			if why.Status != types.StatusRefunded || why.Reason != c.reason || why.Text == "" {
				t.Errorf("why: %+v", why)
			}
			wantBalance(t, n, alpha, bridgetest.GoldToken, alice, before)
		})
	}
}

func TestUnmappedAssetIsRefunded(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) { g.Assets[0].Tokens = g.Assets[0].Tokens[:1] })
	id := n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, bridgetest.Ether(5)), alpha)
	n.Settle(12)
	if got := transfer(t, n, id.String()); got.Status != types.StatusRefunded || got.Reason != types.ReasonUnmappedAsset {
		t.Errorf("%+v", got)
	}
}

func TestFeesGoToTheRelayer(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		g.Assets[0].Tokens[1].ReleaseFee = types.NewAmount(100)
		g.Assets[0].Tokens[0].RefundFee = types.NewAmount(30)
	})
	wrapped := n.Chains[beta].WrappedToken(bridgetest.Gold)
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(1000)), alpha)
	invalid := bridgetest.To(99, bob, bridgetest.GoldToken, alice, types.NewAmount(1000))
	n.Send(invalid, alpha)
	n.Settle(12)
	wantBalance(t, n, beta, wrapped, bob, types.NewAmount(900))
	for _, c := range []struct {
		chain types.ChainID
		token types.Address
		fees  uint64
	}{{beta, wrapped, 100}, {alpha, bridgetest.GoldToken, 30}} {
		if _, err := n.Chains[c.chain].WithdrawFees(bridgetest.Relayer, c.token, bridgetest.Relayer); err != nil {
			t.Error(err)
		}
		wantBalance(t, n, c.chain, c.token, bridgetest.Relayer, types.NewAmount(c.fees))
	}
}

// A refund that is not worth its fee becomes fee, and nothing sticks.
func TestRefundBelowItsFeeBecomesFee(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) { g.Assets[0].Tokens[0].RefundFee = types.NewAmount(30) })
	id := n.Send(bridgetest.To(99, bob, bridgetest.GoldToken, alice, types.NewAmount(30)), alpha)
	n.Settle(12)
	_, err := n.Machine.Query(n.State(), "transfer", []byte(`{"id":"`+id.String()+`"}`))
	if !errors.Is(err, bridge.ErrFinished) {
		t.Errorf("err = %v", err)
	}
	supply := query[[]bridge.SupplyView](t, n, "supply", bridge.QueryArgs{})
	if at := slices.IndexFunc(supply, func(s bridge.SupplyView) bool { return s.Symbol == "GOLD" }); supply[at].Fees != types.NewAmount(30) {
		t.Errorf("supply %+v", supply[at])
	}
}

func TestFailedReleaseIsRefundedOnce(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	n.Chains[beta].Refuses[bob] = true
	before := n.Chains[alpha].Balance(bridgetest.GoldToken, alice)
	id := n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, bridgetest.Ether(5)), alpha)
	n.Settle(20)
	if got := transfer(t, n, id.String()); got.Status != types.StatusRefunded || got.Reason != types.ReasonReleaseFailed {
		t.Errorf("%+v", got)
	}
	wantBalance(t, n, alpha, bridgetest.GoldToken, alice, before)
	n.Run(20)
	wantBalance(t, n, alpha, bridgetest.GoldToken, alice, before)
}

func TestFailedRefundIsOwedAndClaimedOnce(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	n.Chains[beta].Refuses[bob] = true
	n.Chains[alpha].Refuses[alice] = true
	id := n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, bridgetest.Ether(5)), alpha)
	n.Settle(20)
	owed := transfer(t, n, id.String())
	if owed.Status != types.StatusOwed || owed.Payout != bridgetest.Ether(5) {
		t.Fatalf("%+v", owed)
	}
	carol := types.Address{0xcc}
	if err := n.Chains[alpha].Claim(owed.OutboxNonce, owed.OutboxIndex, carol); err != nil {
		t.Fatal(err)
	}
	if err := n.Chains[alpha].Claim(owed.OutboxNonce, owed.OutboxIndex, carol); err == nil {
		t.Fatal("claimed twice")
	}
	n.Settle(10)
	wantBalance(t, n, alpha, bridgetest.GoldToken, carol, bridgetest.Ether(5))
	claimed := transfer(t, n, id.String())
	if claimed.Status != types.StatusClaimed || claimed.Reason != types.ReasonRefundFailed || claimed.Payout != owed.Payout {
		t.Errorf("after the claim: %+v", claimed)
	}
	listed := query[[]bridge.TransferView](t, n, "transfers", bridge.QueryArgs{})
	if !slices.Contains(listed, claimed) {
		t.Errorf("the list says %+v", listed)
	}
	for _, s := range query[[]bridge.SupplyView](t, n, "supply", bridge.QueryArgs{}) {
		if !s.Owed.IsZero() || !s.InFlight.IsZero() {
			t.Errorf("%+v", s)
		}
	}
}

// One block with many deposits goes through in order, in batches and in slices.
func TestManyDepositsInOneSourceBlock(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	const count = 5000
	for i := range uint64(count) {
		var recipient types.Address
		recipient[0], recipient[18], recipient[19] = 1, byte(i>>8), byte(i)
		n.Send(bridgetest.To(beta, recipient, bridgetest.GoldToken, alice, types.NewAmount(i+1)), alpha)
	}
	for i := 0; ; i++ {
		n.Step()
		n.Relay(37)
		chains := query[[]bridge.ChainState](t, n, "chains", bridge.QueryArgs{Chain: "beta"})
		if n.Chains[beta].Supply(n.Chains[beta].WrappedToken(bridgetest.Gold)) == types.NewAmount(count*(count+1)/2) && chains[0].Executed == chains[0].Outbox {
			break
		}
		if i > 200 {
			t.Fatalf("not through after %d blocks: %+v", i, chains[0])
		}
	}
	wrapped := n.Chains[beta].WrappedToken(bridgetest.Gold)
	wantPaidInOrder(t, n, beta)
	if got := len(released(t, n, beta)); got != count {
		t.Errorf("%d of %d are released", got, count)
	}
	wantBalance(t, n, beta, wrapped, types.Address{1, 18: 0x13, 19: 0x87}, types.NewAmount(5000))
}

// Whoever follows blocks finds every inbox event in them, and by inbox_applied
// where it stands.
func TestBlocksTellInboxes(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	var brought []types.Event
	n.Propose = func(txs [][]byte) [][]byte {
		inboxes, err := bridge.ProposalInboxes(txs[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, inbox := range inboxes {
			if inbox.Chain == alpha {
				brought = append(brought, inbox.Events...)
			}
		}
		return txs
	}
	n.Events = nil
	for range 3 {
		n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		n.Settle(10)
	}
	var deposits []types.TransferID
	for _, e := range n.Events {
		if e.Type == bridge.EventInboxApplied && attribute(e, "chain") == alpha.String() {
			deposits = append(deposits, transfersOf(t, e)...)
		}
	}
	if len(brought) != 3 || len(deposits) != 3 {
		t.Fatalf("blocks brought %v of which %v are transfers", brought, deposits)
	}
	if got := released(t, n, beta); !slices.Equal(got, deposits) {
		t.Errorf("released %v, want %v", got, deposits)
	}
	if _, err := bridge.ProposalInboxes([]byte{0, 1, 0xff}); err == nil {
		t.Error("garbage has inboxes")
	}
}

func TestOneOfFourDownGoesOnTwoDownWait(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	wrapped := n.Chains[beta].WrappedToken(bridgetest.Gold)
	n.Validators[3].Down = true
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Settle(10)
	wantBalance(t, n, beta, wrapped, bob, types.NewAmount(10))
	// CometBFT would make no block without > 2/3; here the tally itself has to wait.
	n.Validators[2].Down = true
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(5)), alpha)
	n.Run(20)
	n.Relay(100)
	wantBalance(t, n, beta, wrapped, bob, types.NewAmount(10))
	n.Validators[2].Down = false
	n.Settle(10)
	wantBalance(t, n, beta, wrapped, bob, types.NewAmount(15))
}

// Heights as the protocol counts them: marks in the extensions of H, the seal in
// H+1, its signatures in the extensions of H+2.
func TestHeightsFromMarkToSeal(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Events = nil
	first := n.Height + 1 // its extensions carry the mark
	n.Run(4)
	var sealed, complete string
	for _, e := range n.Events {
		switch e.Type {
		case "sealed":
			sealed = e.Attributes[0].Value
		case "seal_complete":
			complete = e.Attributes[0].Value
		}
	}
	if want := types.ChainID(first + 1).String(); sealed != want || complete != want {
		t.Errorf("mark at %d: sealed %s, complete %s, want %s", first, sealed, complete, want)
	}
	if seals := query[[]bridge.SealView](t, n, "seals", bridge.QueryArgs{After: uint64(first)}); len(seals) != 1 || seals[0].Complete != uint64(first+3) {
		t.Errorf("the signatures ride in the extensions of %d and reach the state one later: %+v", first+2, seals)
	}
}
