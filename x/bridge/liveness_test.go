package bridge_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/x/bridge"
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A contract that was deployed with another validator set is refused with
// everything it says, also with what it says in the payload that shows it.
func TestRefusedChainSaysNothing(t *testing.T) {
	gamma := types.ChainID(31003)
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		c := g.Chains[1]
		c.ID, c.Label, c.Bridge = gamma, "gamma", types.Address{0xb0, 3}
		g.Chains = append(g.Chains, c)
		g.Assets[0].Tokens = append(g.Assets[0].Tokens, types.Token{Chain: gamma, Mode: types.ModeMint, Decimals: 18})
	}, bridgetest.Foreign(gamma,
		types.TokenRegistered{Asset: bridgetest.Gold, Token: types.Address{7}, Mode: types.ModeMint, Decimals: 18},
		types.Deposited{
			Token: types.Address{7}, Sender: bob, Destination: alpha, Recipient: types.RecipientFromAddress(bob),
			RefundTo: bob, Amount: types.NewAmount(10), MaxFee: types.NewAmount(10),
		}))
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Settle(20)
	for _, c := range query[[]bridge.ChainState](t, n, "chains", bridge.QueryArgs{Chain: "gamma"}) {
		if c.Refused == "" || c.Active || c.Outbox != 0 {
			t.Errorf("%+v", c)
		}
	}
	wantBalance(t, n, alpha, bridgetest.GoldToken, bob, types.Amount{})
	for _, s := range query[[]bridge.SupplyView](t, n, "supply", bridge.QueryArgs{}) {
		if !s.Quarantined.IsZero() || !s.Deficit.IsZero() {
			t.Errorf("%+v", s)
		}
	}
}

// One validator names another block beside its marks: the agreed hint is that
// of the honest ones, for a wrong one would cost everybody behind a rescan.
func TestOneLiarDoesNotMoveTheHint(t *testing.T) {
	for _, lie := range []uint64{0, 1 << 40} {
		n := bridgetest.NewPair(t, nil)
		n.Validators[0].Vote = func(honest []byte) []byte {
			message := &pb.VoteExtension{}
			if len(honest) == 0 || decodeInto(t, honest[1:], message) != nil {
				return honest
			}
			for _, c := range message.Chains {
				for _, m := range c.Marks {
					m.Block = lie
				}
			}
			return encode(t, []byte{1}, message)
		}
		n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		inbox := n.Chains[alpha].Inbox()
		block := inbox[len(inbox)-1].Block
		n.Settle(12)
		if c := query[[]bridge.ChainState](t, n, "chains", bridge.QueryArgs{Chain: "alpha"})[0]; c.CursorBlock != block {
			t.Errorf("a liar says %d, the truth is %d, agreed is %d", lie, block, c.CursorBlock)
		}
	}
}

// The least that max_marks may be still lets a chain go on.
func TestOneMarkIsEnough(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) { g.Params.MaxMarks = 1 })
	for range 5 {
		n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(1)), alpha)
		n.Chains[alpha].Mine()
	}
	n.Settle(40)
	wantBalance(t, n, beta, n.Chains[beta].WrappedToken(bridgetest.Gold), bob, types.NewAmount(5))
}

// Two of four validators were shown a history that never came to be. When they
// see the true one they take their marks back, whichever nonces those have.
func TestVanishedHistoryIsTakenBack(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	cursor := query[[]bridge.ChainState](t, n, "chains", bridge.QueryArgs{Chain: "alpha"})[0].Cursor
	wrong := &pb.ChainVote{Chain: uint64(alpha), Head: 5}
	for i := range uint64(64) {
		wrong.Marks = append(wrong.Marks, &pb.Mark{Nonce: cursor + 1 + i, Hash: bytes.Repeat([]byte{byte(i + 1)}, 32)})
	}
	for _, v := range n.Validators[:2] {
		v.Vote = func([]byte) []byte {
			return encode(t, []byte{1}, &pb.VoteExtension{Chains: []*pb.ChainVote{wrong}})
		}
	}
	n.Run(2)
	for _, v := range n.Validators[:2] {
		v.Vote = nil
	}
	// One source block with more events than the wrong marks reach: as many as may
	// be held.
	for range 97 {
		n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(1)), alpha)
	}
	n.Settle(20)
	wantBalance(t, n, beta, n.Chains[beta].WrappedToken(bridgetest.Gold), bob, types.NewAmount(97))
}

// What is owed stays in custody until it is fetched.
func TestOwedStaysReserved(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	n.Chains[alpha].Refuses[alice] = true
	id := n.Send(bridgetest.To(99, bob, bridgetest.GoldToken, alice, bridgetest.Ether(5)), alpha)
	n.Settle(20)
	reserved := func() types.Amount {
		for _, s := range query[[]bridge.SupplyView](t, n, "supply", bridge.QueryArgs{}) {
			if s.Symbol == "GOLD" {
				return s.Chains[0].Reserved
			}
		}
		return types.Amount{}
	}
	if reserved() != bridgetest.Ether(5) {
		t.Errorf("reserved %s", reserved())
	}
	owed := transfer(t, n, id.String())
	if err := n.Chains[alpha].Claim(owed.OutboxNonce, owed.OutboxIndex, bob); err != nil {
		t.Fatal(err)
	}
	n.Settle(10)
	if !reserved().IsZero() {
		t.Errorf("after the claim: reserved %s", reserved())
	}
}

// A proposal whose bytes would decode to many times their size is refused
// before it is decoded.
func TestDecodeBombIsRefusedCheaply(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	for name, unit := range map[string][]byte{
		"slots": {0x0a, 0x00}, "payloads": {0x12, 0x00},
		"events": append([]byte{0x12, 0x80, 0x80, 0x40}, bytes.Repeat([]byte{0x12, 0x00}, 1<<19)...),
	} {
		bomb := append([]byte{0, 1}, bytes.Repeat(unit, (4<<20)/len(unit))...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := n.Machine.VerifyProposal(n.State(), n.Block(), [][]byte{bomb})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, bridge.ErrBadProposal) || !strings.Contains(err.Error(), "too many") {
			t.Errorf("%s: err = %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
			t.Errorf("%s: %d bytes were allocated", name, used)
		}
	}
}

// Contracts accept no seal below the last: an imported state goes on above it.
func TestImportBelowASealIsRefused(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	exported, err := n.Machine.ExportGenesis(n.State())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Machine.InitGenesis(&bridgetest.Store{}, bridgetest.ChainID, 1, exported); err == nil || !strings.Contains(err.Error(), "seal of height") {
		t.Errorf("err = %v", err)
	}
}

// Custody that is short (here by a cooked ledger; genesis allows no asset that
// could come to it) keeps its own transfers waiting and nobody else's, and they
// go on when it is there again.
func TestMissingLiquidityBlocksNobodyElse(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	const waiting = 1200 // more than eight batches
	for _, token := range []types.Address{bridgetest.GoldToken, types.NativeToken} {
		n.Send(bridgetest.To(beta, bob, token, alice, bridgetest.Ether(1)), alpha)
	}
	n.Settle(12)
	n.SkipAudit = true
	custody := func(to []byte) {
		for _, v := range n.Validators {
			cookFirst(t, v.Store, "l\x01", newOf[pb.Ledger], func(m proto.Message) bool {
				m.(*pb.Ledger).Balances[0].Amount = to
				return true
			})
		}
	}
	custody(nil)
	for range waiting {
		n.Send(bridgetest.To(alpha, alice, n.Chains[beta].WrappedToken(bridgetest.Gold), bob, types.NewAmount(1)), beta)
	}
	coin := n.Send(bridgetest.To(99, bob, types.NativeToken, alice, types.NewAmount(7)), alpha) // refunded at once
	coins := n.Send(bridgetest.To(alpha, bob, n.Chains[beta].WrappedToken(bridgetest.Coin), bob, types.NewAmount(7)), beta)
	for range 20 {
		n.Step()
		n.Relay(types.MaxBatchItems)
	}
	for id, want := range map[types.TransferID]types.Status{coin: types.StatusRefunded, coins: types.StatusReleased} {
		if got := transfer(t, n, id.String()); got.Status != want {
			t.Errorf("%s: %+v", id, got)
		}
	}
	state := query[[]bridge.ChainState](t, n, "chains", bridge.QueryArgs{Chain: "alpha"})[0]
	if state.Queued != waiting {
		t.Errorf("%d wait, want %d", state.Queued, waiting)
	}
	if why := query[[]bridge.TransferView](t, n, "transfers", bridge.QueryArgs{Chain: "beta", Limit: 1})[0]; why.Reason != types.ReasonMissingLiquidity {
		t.Errorf("%+v", why)
	}
	enough := bridgetest.Ether(1).Bytes()
	custody(enough)
	n.Settle(60)
	wantBalance(t, n, alpha, bridgetest.GoldToken, alice, sum(t, bridgetest.Ether(999_999), waiting))
}

func sum(t *testing.T, a types.Amount, units uint64) types.Amount {
	t.Helper()
	total, err := a.Add(types.NewAmount(units))
	if err != nil {
		t.Fatal(err)
	}
	return total
}
