package bridge_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge"
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

var update = flag.Bool("update", false, "write golden files")

// history is one scripted life of a network: all kinds of ends.
func history(t *testing.T) *bridgetest.Network {
	t.Helper()
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		g.Assets[0].Tokens[1].ReleaseFee = types.NewAmount(3)
		g.Assets[0].Tokens[0].RefundFee = types.NewAmount(2)
		g.Params.KeepBlocks = 40
	})
	refuser := types.Address{0xdd}
	n.Chains[beta].Refuses[refuser] = true
	n.Chains[alpha].Refuses[refuser] = true
	for i := range uint64(20) {
		d := bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(1000+i))
		switch i % 5 {
		case 1:
			d.Recipient = types.RecipientFromAddress(refuser)
		case 2:
			d.Destination = 99
		case 3:
			d.Destination, d.RefundTo = 99, refuser
		case 4:
			d.Token = types.NativeToken
			d.Amount = bridgetest.Ether(1)
		}
		n.Send(d, alpha)
		n.Step()
		n.Relay(3)
	}
	n.Settle(30)
	wrapped := n.Chains[beta].WrappedToken(bridgetest.Gold)
	n.Send(bridgetest.To(alpha, alice, wrapped, bob, types.NewAmount(500)), beta)
	n.Settle(20)
	return n
}

// The same history gives the same state on every machine: its digest is pinned.
// A change of the digest is a change of the protocol.
func TestGoldenStateDigest(t *testing.T) {
	got := fmt.Sprintf("%x\n", history(t).State().Digest())
	path := filepath.Join("testdata", "state_digest.golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("state digest %s, pinned %s", got, want)
	}
}

func TestExportedStateComesBackAndGoesOn(t *testing.T) {
	n := history(t)
	exported, err := n.Machine.ExportGenesis(n.State())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(exported)
	if err != nil {
		t.Fatal(err)
	}
	var read types.Genesis
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	imported := &bridgetest.Store{}
	validators, err := n.Machine.InitGenesis(imported, bridgetest.ChainID, n.Height+1, read)
	if err != nil || len(validators) != 4 {
		t.Fatal(validators, err)
	}
	if imported.Digest() != n.State().Digest() {
		t.Error("the imported state differs")
	}
	if _, err := n.Machine.InitGenesis(&bridgetest.Store{}, "another-network", 1, read); err == nil {
		t.Error("records are taken under another name")
	}
}

// Finished transfers leave the state (I6).
func TestStateDoesNotGrowWithHistory(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) { g.Params.KeepBlocks, g.Params.UnbondingBlocks = 5, 10 })
	size := func() int {
		for range 10 {
			n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(1)), alpha)
			n.Settle(10)
		}
		n.Run(12)
		return n.State().Len()
	}
	first := size()
	for range 3 {
		if again := size(); again != first {
			t.Fatalf("%d keys, then %d", first, again)
		}
	}
}

// Every row cooks one record; CheckInvariants names the invariant.
func TestCheckInvariantsCatchesCookedBooks(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) { g.Params.KeepBlocks = 1000 })
	n.Chains[beta].Refuses[types.Address{0xdd}] = true
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Send(bridgetest.To(beta, types.Address{0xdd}, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Settle(20)
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Run(3) // committed, not executed
	for _, c := range []struct {
		name, invariant, prefix string
		record                  func() proto.Message
		cook                    func(m proto.Message) bool // false: not this record
	}{
		{"custody inflated", "I1", "l", newOf[pb.Ledger], func(m proto.Message) bool {
			l := m.(*pb.Ledger)
			if len(l.Balances) == 0 {
				return false
			}
			l.Balances[0].Amount = []byte{200}
			return true
		}},
		{"in flight hidden", "I1", "l", newOf[pb.Ledger], func(m proto.Message) bool {
			l := m.(*pb.Ledger)
			if len(l.InFlight) == 0 {
				return false
			}
			l.InFlight, l.Fees = nil, l.InFlight
			return true
		}},
		{"released and refunded", "I2", "o", newOf[pb.Command], func(m proto.Message) bool {
			c := m.(*pb.Command)
			if len(c.Failures) == 0 || c.Failures[0] == 0 || len(c.Entries) == 0 {
				return false
			}
			c.Failures = nil
			return true
		}},
		{"entry altered under its seal", "I3", "o", newOf[pb.Command], func(m proto.Message) bool {
			c := m.(*pb.Command)
			if len(c.Entries) == 0 {
				return false
			}
			c.Entries[0].Payout = []byte{9}
			return true
		}},
		{"signatures lost", "I3", "g", newOf[pb.SealSignatures], func(m proto.Message) bool {
			s := m.(*pb.SealSignatures)
			s.Signatures = s.Signatures[:1]
			return true
		}},
		{"cursor without votes", "I3", "c", newOf[pb.Chain], func(m proto.Message) bool {
			c := m.(*pb.Chain)
			c.Cursor++
			return true
		}},
		{"outbox with a gap", "I4", "c", newOf[pb.Chain], func(m proto.Message) bool {
			c := m.(*pb.Chain)
			c.Outbox++
			return true
		}},
		{"batch counter", "I6", "c", newOf[pb.Chain], func(m proto.Message) bool {
			c := m.(*pb.Chain)
			c.OpenBatches += 3
			return true
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := n.State().Clone()
			cookFirst(t, store, c.prefix, c.record, c.cook)
			violations, err := n.Machine.CheckInvariants(store)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(violations, func(v bridge.Violation) bool { return v.Invariant == c.invariant }) {
				t.Errorf("want %s, got %+v", c.invariant, violations)
			}
		})
	}
}

func newOf[M any, P interface {
	*M
	proto.Message
}]() proto.Message {
	return P(new(M))
}

func cookFirst(t *testing.T, store *bridgetest.Store, prefix string, record func() proto.Message, cook func(proto.Message) bool) {
	t.Helper()
	var key, value []byte
	err := store.Iterate([]byte(prefix), []byte{prefix[0] + 1}, func(k, v []byte) bool {
		m := record()
		if err := proto.Unmarshal(v, m); err != nil {
			t.Fatal(err)
		}
		if !cook(m) {
			return true
		}
		key = k
		value, _ = proto.MarshalOptions{Deterministic: true}.Marshal(m)
		return false
	})
	if err != nil || key == nil {
		t.Fatalf("nothing to cook: %v", err)
	}
	if err := store.Set(key, value); err != nil {
		t.Fatal(err)
	}
}

// Random users, refusals, slices, silent validators: after every block the
// replicas agree and the invariants hold (bridgetest checks), and in the end
// every unit is where a naive count says.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := bridgetest.NewPair(t, func(g *types.Genesis) {
			g.Params.KeepBlocks = rapid.Uint64Range(1, 30).Draw(r, "keep")
			g.Chains[1].BatchGapMS = rapid.SampledFrom([]uint64{0, 600, 2000}).Draw(r, "gap")
			g.Assets[0].Tokens[1].ReleaseFee = types.NewAmount(rapid.Uint64Range(0, 5).Draw(r, "fee"))
			g.Assets[0].Tokens[0].RefundFee = types.NewAmount(rapid.Uint64Range(0, 5).Draw(r, "refund fee"))
		})
		n.Chains[alpha].Lax = true
		refuser := types.Address{0xdd}
		n.Chains[beta].Refuses[refuser] = true
		wrapped := n.Chains[beta].WrappedToken(bridgetest.Gold)
		for range rapid.IntRange(1, 15).Draw(r, "steps") {
			for _, v := range n.Validators {
				v.Down = false
			}
			if down := rapid.IntRange(0, 5).Draw(r, "down"); down < 4 {
				n.Validators[down].Down = true
			}
			for range rapid.IntRange(0, 4).Draw(r, "deposits") {
				d := bridgetest.To(
					rapid.SampledFrom([]types.ChainID{beta, beta, beta, 99, alpha}).Draw(r, "to"),
					rapid.SampledFrom([]types.Address{bob, refuser}).Draw(r, "recipient"),
					bridgetest.GoldToken, alice, types.NewAmount(rapid.Uint64Range(1, 12).Draw(r, "amount")))
				n.Send(d, alpha)
			}
			if have := n.Chains[beta].Balance(wrapped, bob); !have.IsZero() && rapid.Bool().Draw(r, "back") {
				n.Send(bridgetest.To(alpha, alice, wrapped, bob, have), beta)
			}
			n.Run(rapid.IntRange(1, 3).Draw(r, "blocks"))
			n.Relay(rapid.Uint32Range(1, 5).Draw(r, "slice"))
		}
		for _, v := range n.Validators {
			v.Down = false
		}
		n.Settle(100)
		conserved(r, n, wrapped)
	})
}

// conserved compares what the chains really hold with the ledger.
func conserved(r *rapid.T, n *bridgetest.Network, wrapped types.Address) {
	answer, err := n.Machine.Query(n.State(), "supply", nil)
	if err != nil {
		r.Fatal(err)
	}
	var supply []bridge.SupplyView
	if err := json.Unmarshal(answer, &supply); err != nil {
		r.Fatal(err)
	}
	for _, s := range supply {
		if s.Symbol != "GOLD" {
			continue
		}
		for _, c := range s.Chains {
			if c.Chain == alpha && c.Custody != n.Chains[alpha].Custody(bridgetest.GoldToken) {
				r.Fatalf("custody %s, but the vault holds another sum", c.Custody)
			}
			if c.Chain == beta && c.Supply != n.Chains[beta].Supply(wrapped) {
				r.Fatalf("supply %s, but %s exist", c.Supply, n.Chains[beta].Supply(wrapped))
			}
		}
	}
}

func TestGenesisRefusesWithAReason(t *testing.T) {
	for _, c := range []struct {
		name, want string
		bend       func(*types.Genesis)
	}{
		{"no validators", "validator set of 0", func(g *types.Genesis) { g.Validators = nil }},
		{"no power", "zero power", func(g *types.Genesis) { g.Validators[0].Power = 0 }},
		{"zero signer", "zero signer", func(g *types.Genesis) { g.Validators[0].Signer = types.Address{} }},
		{"same signer", "duplicate", func(g *types.Genesis) { g.Validators[1].Signer = g.Validators[0].Signer }},
		{"same consensus key", "stands there twice", func(g *types.Genesis) { g.Validators[1].ConsensusKey = g.Validators[0].ConsensusKey }},
		{"same operator", "stands there twice", func(g *types.Genesis) { g.Validators[1].Operator = g.Validators[0].Operator }},
		{"short key", "consensus key of 3 bytes", func(g *types.Genesis) { g.Validators[0].ConsensusKey = []byte{1, 2, 3} }},
		{"odd moniker", "moniker", func(g *types.Genesis) { g.Validators[0].Moniker = "a\nb" }},
		{"zero bridge", "zero bridge", func(g *types.Genesis) { g.Chains[0].Bridge = types.Address{} }},
		{"chain twice", "stands there twice", func(g *types.Genesis) { g.Chains[1].ID = g.Chains[0].ID }},
		{"label twice", "stands there twice", func(g *types.Genesis) { g.Chains[1].Label = g.Chains[0].Label }},
		{"label a number", "a number is a chain id", func(g *types.Genesis) { g.Chains[1].Label = "31001" }},
		{"release gas", "release_gas", func(g *types.Genesis) { g.Chains[1].ReleaseGas = 1 }},
		{"token nowhere", "is not in this genesis", func(g *types.Genesis) { g.Assets[0].Tokens[0].Chain = 5 }},
		{"token of two assets", "belongs to another asset", func(g *types.Genesis) { g.Assets[1].Tokens[0].Token = g.Assets[0].Tokens[0].Token }},
		{"wrapped with address", "leave token empty", func(g *types.Genesis) { g.Assets[0].Tokens[1].Token = types.Address{1} }},
		{"locked without", "wants the token's address", func(g *types.Genesis) { g.Assets[0].Tokens[0].Token = types.Address{} }},
		{"decimals", "decimals", func(g *types.Genesis) { g.Assets[0].Tokens[1].Decimals = 19 }},
		{"fee between units", "no multiple", func(g *types.Genesis) { g.Assets[1].Tokens[1].ReleaseFee = types.NewAmount(1) }},
		{"param", "mark_stride", func(g *types.Genesis) { g.Params.MarkStride = 0 }},
		{"share too small", "payload_bytes", func(g *types.Genesis) { g.Params.PayloadBytes, g.Params.MarkStride = 256<<10, 1024 }},
		{"records and more", "together", func(g *types.Genesis) { g.Records = []types.Record{{Key: []byte{1}}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := bridgetest.PairGenesis()
			for _, v := range bridgetest.NewValidators(1, 1, 1, 1) {
				g.Validators = append(g.Validators, v.Validator)
			}
			if err := g.Validate(); err != nil {
				t.Fatal(err)
			}
			c.bend(&g)
			if err := g.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v, want %q", err, c.want)
			}
		})
	}
}
