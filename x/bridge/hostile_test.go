package bridge_test

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/x/bridge"
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func encode(t *testing.T, prefix []byte, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(prefix), b...)
}

func decodeInto(t *testing.T, b []byte, m proto.Message) error {
	t.Helper()
	return proto.Unmarshal(b, m)
}

// Each row bends one thing of a good extension.
func TestDecodeVoteRefuses(t *testing.T) {
	good := func() *pb.VoteExtension {
		return &pb.VoteExtension{
			Signatures: []*pb.SealSignature{{Height: 5, Signature: make([]byte, 64)}, {Height: 6, Signature: make([]byte, 64)}},
			Chains: []*pb.ChainVote{{Chain: 1, Head: 9, Marks: []*pb.Mark{
				{Nonce: 1, Hash: bytes.Repeat([]byte{1}, 32), Block: 3}, {Nonce: 2, Hash: bytes.Repeat([]byte{2}, 32), Block: 3},
			}}, {Chain: 2, Head: 1}},
		}
	}
	if _, err := bridge.DecodeVote(encode(t, []byte{1}, good())); err != nil {
		t.Fatal(err)
	}
	if _, err := bridge.DecodeVote(nil); err != nil {
		t.Fatal("an empty extension is a vote that says nothing")
	}
	for name, bend := range map[string]func(*pb.VoteExtension){
		"says nothing":          func(m *pb.VoteExtension) { proto.Reset(m) },
		"short signature":       func(m *pb.VoteExtension) { m.Signatures[0].Signature = make([]byte, 63) },
		"height zero":           func(m *pb.VoteExtension) { m.Signatures[0].Height = 0 },
		"heights descend":       func(m *pb.VoteExtension) { m.Signatures[1].Height = 4 },
		"height twice":          func(m *pb.VoteExtension) { m.Signatures[1].Height = 5 },
		"chain zero":            func(m *pb.VoteExtension) { m.Chains[0].Chain = 0 },
		"chain twice":           func(m *pb.VoteExtension) { m.Chains[1].Chain = 1 },
		"short hash":            func(m *pb.VoteExtension) { m.Chains[0].Marks[0].Hash = []byte{1} },
		"zero hash":             func(m *pb.VoteExtension) { m.Chains[0].Marks[0].Hash = make([]byte, 32) },
		"nonce zero":            func(m *pb.VoteExtension) { m.Chains[0].Marks[0].Nonce = 0 },
		"nonces descend":        func(m *pb.VoteExtension) { m.Chains[0].Marks[1].Nonce = 1 },
		"chain without a word":  func(m *pb.VoteExtension) { m.Chains[1].Head = 0 },
		"unknown field":         func(m *pb.VoteExtension) { m.ProtoReflect().SetUnknown([]byte{0x78, 1}) },
		"unknown field in mark": func(m *pb.VoteExtension) { m.Chains[0].Marks[0].ProtoReflect().SetUnknown([]byte{0x78, 1}) },
		"too long": func(m *pb.VoteExtension) {
			for i := range uint64(types.MaxVoteBytes / 60) {
				m.Signatures = append(m.Signatures, &pb.SealSignature{Height: 7 + i, Signature: make([]byte, 64)})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := good()
			bend(m)
			if _, err := bridge.DecodeVote(encode(t, []byte{1}, m)); !errors.Is(err, bridge.ErrBadVote) {
				t.Errorf("err = %v", err)
			}
		})
	}
	whole := encode(t, []byte{1}, good())
	for name, bytes := range map[string][]byte{
		"version 0": append([]byte{0}, whole[1:]...), "version 2": append([]byte{2}, whole[1:]...),
		"trailing byte": append(bytes.Clone(whole), 0), "cut": whole[:len(whole)-1], "only a version": {1},
	} {
		if _, err := bridge.DecodeVote(bytes); !errors.Is(err, bridge.ErrBadVote) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

// A liar below a third changes nothing: not with another hash, not with a made
// up nonce, not by voting twice in one extension.
func TestOneLiarIsIgnored(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	n.Validators[0].Vote = func([]byte) []byte {
		chains, err := n.Machine.Chains(n.State())
		if err != nil {
			t.Fatal(err)
		}
		message := &pb.VoteExtension{}
		for _, c := range chains {
			message.Chains = append(message.Chains, &pb.ChainVote{Chain: uint64(c.ID), Head: 1 << 60, Marks: []*pb.Mark{
				{Nonce: c.Cursor + 1, Hash: bytes.Repeat([]byte{7}, 32)}, {Nonce: c.Cursor + 1000, Hash: bytes.Repeat([]byte{8}, 32)},
			}})
		}
		return encode(t, []byte{1}, message)
	}
	wrapped := n.Chains[beta].WrappedToken(bridgetest.Gold)
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Settle(12)
	wantBalance(t, n, beta, wrapped, bob, types.NewAmount(10))
	for _, c := range query[[]bridge.ChainState](t, n, "chains", bridge.QueryArgs{}) {
		if c.Head > 1000 {
			t.Errorf("%s: head %d", c.Label, c.Head)
		}
	}
}

// A signature over another digest is refused in a vote, and ignored in a block
// whose proposer brought it anyway.
func TestForgedSealSignatureIsIgnored(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	n.Validators[3].Down = true
	n.Validators[0].Vote = func(honest []byte) []byte {
		vote, err := bridge.DecodeVote(honest)
		if err != nil || len(vote.Signatures) == 0 {
			return honest
		}
		message := &pb.VoteExtension{Signatures: []*pb.SealSignature{{
			Height: vote.Signatures[0].Height, Signature: bytes.Repeat([]byte{5}, 64),
		}}}
		forged := encode(t, []byte{1}, message)
		if _, err := n.Machine.VerifyVote(n.State(), n.Height, n.Validators[0].ID(), forged); !errors.Is(err, bridge.ErrBadVote) {
			t.Errorf("err = %v", err)
		}
		return forged
	}
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Run(10)
	seals := query[[]bridge.SealView](t, n, "seals", bridge.QueryArgs{Limit: 500})
	last := seals[len(seals)-1]
	if last.Complete != 0 || len(last.Signers) != 2 {
		t.Fatalf("two honest signatures of four: %+v", last)
	}
	n.Validators[0].Vote = nil
	n.Settle(12)
}

// Each row bends one thing of an honest proposal; every validator refuses it,
// and applying it all the same neither fails nor moves money.
func TestBadProposalsAreRefusedAndHarmless(t *testing.T) {
	system := func(t *testing.T, tx []byte) *pb.SystemTx {
		t.Helper()
		m := &pb.SystemTx{}
		if err := proto.Unmarshal(tx[2:], m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, bend := range map[string]func(t *testing.T, m *pb.SystemTx){
		"slot missing":       func(_ *testing.T, m *pb.SystemTx) { m.Slots = m.Slots[1:] },
		"slot too many":      func(_ *testing.T, m *pb.SystemTx) { m.Slots = append(m.Slots, &pb.VoteSlot{}) },
		"slots swapped":      func(_ *testing.T, m *pb.SystemTx) { m.Slots[0], m.Slots[1] = m.Slots[1], m.Slots[0] },
		"forged extension":   func(_ *testing.T, m *pb.SystemTx) { m.Slots[0].Extension[5] ^= 1 },
		"bad signature":      func(_ *testing.T, m *pb.SystemTx) { m.Slots[0].Signature[5] ^= 1 },
		"orphan signature":   func(_ *testing.T, m *pb.SystemTx) { m.Slots[0].Extension = nil },
		"event dropped":      func(_ *testing.T, m *pb.SystemTx) { m.Payloads[0].Events = m.Payloads[0].Events[1:] },
		"event cut":          func(_ *testing.T, m *pb.SystemTx) { m.Payloads[0].Events = m.Payloads[0].Events[:1] },
		"event swapped":      func(_ *testing.T, m *pb.SystemTx) { e := m.Payloads[0].Events; e[0], e[1] = e[1], e[0] },
		"event of no kind":   func(_ *testing.T, m *pb.SystemTx) { m.Payloads[0].Events[0] = &pb.InboxEvent{} },
		"amount altered":     func(_ *testing.T, m *pb.SystemTx) { m.Payloads[0].Events[0].GetDeposited().Amount = []byte{99} },
		"recipient altered":  func(_ *testing.T, m *pb.SystemTx) { m.Payloads[0].Events[0].GetDeposited().Recipient[31] ^= 1 },
		"amount with zeros":  func(_ *testing.T, m *pb.SystemTx) { m.Payloads[0].Events[0].GetDeposited().Amount = []byte{0, 10} },
		"payload elsewhere":  func(_ *testing.T, m *pb.SystemTx) { m.Payloads[0].Chain = uint64(beta) },
		"payload of nowhere": func(_ *testing.T, m *pb.SystemTx) { m.Payloads[0].Chain = 77 },
		"payload twice":      func(_ *testing.T, m *pb.SystemTx) { m.Payloads = append(m.Payloads, m.Payloads[0]) },
		"payload empty":      func(_ *testing.T, m *pb.SystemTx) { m.Payloads[0].Events = nil },
		"unknown field":      func(_ *testing.T, m *pb.SystemTx) { m.ProtoReflect().SetUnknown([]byte{0x78, 1}) },
		"votes left out":     func(_ *testing.T, m *pb.SystemTx) { m.Slots = []*pb.VoteSlot{{}, {}, {}, {}} },
	} {
		t.Run(name, func(t *testing.T) {
			n := bridgetest.NewPair(t, nil)
			wrapped := n.Chains[beta].WrappedToken(bridgetest.Gold)
			for i := range uint64(2) {
				n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10+i)), alpha)
			}
			n.Chains[alpha].Mine()
			bent := false
			n.Propose = func(honest [][]byte) [][]byte {
				m := system(t, honest[0])
				if len(m.Payloads) == 0 || bent {
					return honest
				}
				bent = true
				bend(t, m)
				bad := [][]byte{encode(t, []byte{0, 1}, m)}
				for i, v := range n.Validators {
					if err := n.Machine.VerifyProposal(v.Store, n.Block(), bad); !errors.Is(err, bridge.ErrBadProposal) {
						t.Errorf("validator %d: err = %v", i, err)
					}
				}
				return bad
			}
			n.Settle(20)
			if !bent {
				t.Fatal("no proposal with a payload was made")
			}
			wantBalance(t, n, beta, wrapped, bob, types.NewAmount(21))
		})
	}
}

func TestTransactionsOfStrangersAreRefusedEverywhere(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	for _, tx := range [][]byte{nil, {0}, {0, 1}, {1, 2, 3}, bytes.Repeat([]byte{9}, 1000)} {
		if _, err := n.Machine.CheckTx(n.State(), n.Height+1, tx); err == nil {
			t.Errorf("CheckTx takes %x", tx)
		}
	}
	n.Propose = func(honest [][]byte) [][]byte { return append(honest, []byte("hello"), nil, honest[0]) }
	n.Step()
	if len(n.Results) != 4 || n.Results[0].Code != 0 || n.Results[1].Code != bridge.ErrMalformed.Code ||
		n.Results[2].Code == 0 || n.Results[3].Code != bridge.ErrSystemTx.Code {
		t.Errorf("%+v", n.Results)
	}
	n.Propose = func([][]byte) [][]byte { return nil }
	n.Step()
	n.Propose = func([][]byte) [][]byte { return [][]byte{{0xff, 0xee}} }
	n.Step()
	if n.Results[0].Code != bridge.ErrBadProposal.Code {
		t.Errorf("%+v", n.Results)
	}
}

func TestQueriesAreTotal(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	for _, c := range []struct {
		path, data string
		want       error
	}{
		{"nothing", "", bridge.ErrBadQuery},
		{"transfer", "{", bridge.ErrBadQuery},
		{"transfer", `{"id":"7"}`, bridge.ErrBadQuery},
		{"transfer", `{"id":"alpha/x"}`, bridge.ErrBadQuery},
		{"transfer", `{"id":"alpha/0"}`, bridge.ErrBadQuery},
		{"transfer", `{"id":"gamma/1"}`, bridge.ErrNotFound},
		{"transfer", `{"id":"alpha/99999"}`, bridge.ErrNotFound},
		{"transfer", `{"id":"alpha/1"}`, bridge.ErrFinished},
		{"inbox", `{"chain":"gamma"}`, bridge.ErrNotFound},
		{"chains", `{"chain":"gamma"}`, bridge.ErrNotFound},
		{"seals", `{"limit":501}`, bridge.ErrBadQuery},
		{"seals", `{"limit":-1}`, bridge.ErrBadQuery},
		{"seals", `{"after":18446744073709551615}`, nil},
		{"batches", `{"after":18446744073709551615}`, nil},
	} {
		if _, err := n.Machine.Query(n.State(), c.path, []byte(c.data)); !errors.Is(err, c.want) {
			t.Errorf("%s %s: err = %v, want %v", c.path, c.data, err, c.want)
		}
	}
	for _, path := range []string{"network", "chains", "assets", "supply", "validators", "transfers", "batches", "seals", "invariants"} {
		if answer, err := n.Machine.Query(n.State(), path, nil); err != nil || len(answer) < 2 {
			t.Errorf("%s: %s, %v", path, answer, err)
		}
	}
}

// A store without genesis is a broken process: an error, not a panic.
func TestEmptyStoreIsAnError(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	empty := &bridgetest.Store{}
	if _, err := n.Machine.Apply(empty, n.Block(), nil); err == nil {
		t.Error("Apply")
	}
	if _, err := n.Machine.Query(empty, "network", nil); err == nil {
		t.Error("Query")
	}
	if err := empty.Set([]byte("n"), []byte{0xff}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Machine.Chains(empty); err != nil {
		t.Error("no chains is no error")
	}
	if _, err := n.Machine.BuildVote(empty, bridge.Block{Height: 1}, nil, types.ValidatorID{}, bridge.Pending{}, 100); err == nil {
		t.Error("BuildVote on a corrupt record")
	}
}

// What VerifyVote hands on are only signatures that it has checked: mailboxes
// keep them, and could be filled with others.
func TestVerifyVoteHandsOnOnlyCheckedSignatures(t *testing.T) {
	n := bridgetest.NewPair(t, nil)
	var honest []byte
	n.Validators[0].Vote = func(vote []byte) []byte {
		if decoded, err := bridge.DecodeVote(vote); err == nil && len(decoded.Signatures) == 1 && honest == nil {
			honest = vote
			for from, want := range map[types.ValidatorID]int{n.Validators[0].ID(): 1, {7}: 0} {
				got, err := n.Machine.VerifyVote(n.State(), n.Height, from, vote)
				if err != nil || len(got.Signatures) != want {
					t.Errorf("from %s: %d signatures, %v; want %d", from, len(got.Signatures), err, want)
				}
			}
		}
		return vote
	}
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Settle(12)
	if honest == nil {
		t.Fatal("no vote with a seal signature")
	}
	future := encode(t, []byte{1}, &pb.VoteExtension{Signatures: []*pb.SealSignature{{Height: 1 << 40, Signature: make([]byte, 64)}}})
	got, err := n.Machine.VerifyVote(n.State(), n.Height, n.Validators[0].ID(), future)
	if err != nil || len(got.Signatures) != 0 {
		t.Errorf("a seal that nobody knows: %d signatures, %v", len(got.Signatures), err)
	}
}
