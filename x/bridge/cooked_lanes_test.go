package bridge_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// cookEntries bends what waits in the first segment of a lane.
func cookEntries(cook func([]*pb.Entry)) func(*testing.T, *bridgetest.Store) {
	return func(t *testing.T, s *bridgetest.Store) {
		t.Helper()
		cookFirst(t, s, "q", newOf[pb.QueueSegment], func(m proto.Message) bool {
			cook(m.(*pb.QueueSegment).Entries)
			return true
		})
	}
}

// firstKey is the first key of a store that begins with a letter, with its value.
func firstKey(t *testing.T, s *bridgetest.Store, prefix byte) (key, value []byte) {
	t.Helper()
	err := s.Iterate([]byte{prefix}, []byte{prefix + 1}, func(k, v []byte) bool {
		key, value = bytes.Clone(k), bytes.Clone(v)
		return false
	})
	if err != nil || key == nil {
		t.Fatalf("nothing begins with %c: %v", prefix, err)
	}
	return key, value
}

// swallow makes a queued transfer a fee: all totals agree, but its owner gets
// nothing.
func swallow(t *testing.T, s *bridgetest.Store) {
	t.Helper()
	var gone types.Amount
	cookFirst(t, s, "q", newOf[pb.QueueSegment], func(m proto.Message) bool {
		segment := m.(*pb.QueueSegment)
		gone = amountOf(t, segment.Entries[0].Amount)
		segment.Entries = segment.Entries[1:]
		return true
	})
	cookFirst(t, s, "h", newOf[pb.Lane], func(m proto.Message) bool {
		m.(*pb.Lane).Entries--
		return true
	})
	cookFirst(t, s, "c", newOf[pb.Chain], func(m proto.Message) bool {
		chain := m.(*pb.Chain)
		if chain.Queued == 0 {
			return false
		}
		chain.Queued--
		return true
	})
	cookFirst(t, s, "l", newOf[pb.Ledger], func(m proto.Message) bool {
		books := m.(*pb.Ledger)
		rest, err := amountOf(t, books.InFlight).Sub(gone)
		if err != nil {
			return false
		}
		fees, err := amountOf(t, books.Fees).Add(gone)
		if err != nil {
			t.Fatal(err)
		}
		books.InFlight, books.Fees = rest.Bytes(), fees.Bytes()
		for _, b := range books.Balances {
			if b.Held > 0 {
				b.Held--
			}
		}
		return true
	})
}

func amountOf(t *testing.T, b []byte) types.Amount {
	t.Helper()
	amount, err := types.AmountFromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

// Faults in what waits that no invariant named. Each row plants one.
func TestCheckInvariantsCatchesCookedLanes(t *testing.T) {
	n, chains := spread(t, 1, func(g *types.Genesis) {
		g.Params.KeepBlocks = 1000
		g.Assets[0].Tokens[1].ReleaseFee = units(2)
		g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(1000), Rate: units(1)}
	})
	n.Send(goldFor(bob, 1000), alpha)
	n.Settle(12)
	for i := range uint64(5) {
		n.Send(goldFor(bob, 900+i), alpha)
	}
	n.Run(3)
	n.Audit()
	for _, c := range []struct {
		name, invariant string
		cook            func(*testing.T, *bridgetest.Store)
	}{
		{"half of the payout becomes remainder", "I1", cookEntries(func(e []*pb.Entry) { e[0].Payout = []byte{1} })},
		{"the fee is raised", "I1", cookEntries(func(e []*pb.Entry) { e[0].Fee = []byte{100} })},
		{"it never expires", "I7", cookEntries(func(e []*pb.Entry) { e[0].Expires = 0 })},
		{"it waits for another chain than its destination", "I2", cookEntries(func(e []*pb.Entry) { e[0].Transfer.Destination = uint64(chains[1]) })},
		{"it waits in the lane of another source", "I4", cookEntries(func(e []*pb.Entry) { e[0].Transfer.Source = uint64(chains[1]) })},
		{"its nonce was never applied", "I3", cookEntries(func(e []*pb.Entry) { e[0].Transfer.Nonce = 1 << 40 })},
		{"a release is called a refund", "I4", cookEntries(func(e []*pb.Entry) { e[0].Kind = uint32(types.EntryRefund) })},
		{"it was queued after the one behind it", "I4", cookEntries(func(e []*pb.Entry) { e[0].Since = 1 << 40 })},
		{"a segment lies behind the tail of its lane", "I6", func(t *testing.T, s *bridgetest.Store) {
			key, value := firstKey(t, s, 'q')
			key[len(key)-1] += 7
			if err := s.Set(key, value); err != nil {
				t.Fatal(err)
			}
		}},
		{"a queued transfer is swallowed as a fee", "I2", swallow},
		{"the index of a batch's transfers is lost", "I6", func(t *testing.T, s *bridgetest.Store) {
			key, _ := firstKey(t, s, 'x')
			if err := s.Delete(key); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := n.State().Clone()
			c.cook(t, store)
			wantViolation(t, n, store, c.invariant)
		})
	}
}

func wantViolation(t *testing.T, n *bridgetest.Network, store *bridgetest.Store, invariant string) {
	t.Helper()
	violations, err := n.Machine.CheckInvariants(store)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		if v.Invariant == invariant {
			return
		}
	}
	t.Errorf("want %s, got %+v", invariant, violations)
}
