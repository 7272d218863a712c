package bridge_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/x/bridge"
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Every row cooks what is kept of validators; CheckInvariants names the
// invariant.
func TestCheckInvariantsCatchesCookedValidators(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	n.Operate(types.Tx{Leave: &types.Leave{}}, 3)
	untilEpoch(t, n, 2)
	n.Settle(20)
	for _, c := range []struct {
		name, invariant, prefix string
		record                  func() proto.Message
		cook                    func(m proto.Message) bool // false: not this record
	}{
		{"another power than in consensus", "I3", "e", newOf[pb.Validators], func(m proto.Message) bool {
			set := m.(*pb.Validators)
			if len(set.Members) != 3 {
				return false
			}
			set.Members[0].Power++
			return true
		}},
		{"a member that its record does not know of", "I3", "r", newOf[pb.Member], func(m proto.Message) bool {
			member := m.(*pb.Member)
			was := member.InSet
			member.InSet = false
			return was
		}},
		{"a leaver that counts", "I3", "r", newOf[pb.Member], func(m proto.Message) bool {
			member := m.(*pb.Member)
			was := member.InSet
			member.InSet = true
			return !was
		}},
		{"a signer without an owner", "I3", "r", newOf[pb.Member], func(m proto.Message) bool {
			m.(*pb.Member).Signers = []*pb.FormerSigner{{Signer: make([]byte, 20)}}
			return true
		}},
		{"an operator that nobody has", "I6", "r", newOf[pb.Member], func(m proto.Message) bool {
			m.(*pb.Member).Operator = make([]byte, 20)
			return true
		}},
		{"a handover without a next set", "I3", "n", newOf[pb.Network], func(m proto.Message) bool {
			m.(*pb.Network).Handover = 7
			return true
		}},
		{"an outbox that never heard of the set", "I3", "c", newOf[pb.Chain], func(m proto.Message) bool {
			m.(*pb.Chain).SetEpoch--
			return true
		}},
		{"a banned member that stays", "I3", "r", newOf[pb.Member], func(m proto.Message) bool {
			member := m.(*pb.Member)
			member.Status = uint32(types.ValidatorTombstoned)
			return member.InSet
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
	t.Run("a vote of one who has left", func(t *testing.T) {
		store := n.State().Clone()
		id := n.Validators[3].ID()
		key := append([]byte{'m', 0, 0, 0, 0, 0, 0, 0, 1}, id[:]...)
		if err := store.Set(key, []byte{8, 1}); err != nil {
			t.Fatal(err)
		}
		violations, err := n.Machine.CheckInvariants(store)
		if err != nil || !slices.ContainsFunc(violations, func(v bridge.Violation) bool { return v.Invariant == "I3" }) {
			t.Errorf("want I3, got %+v %v", violations, err)
		}
	})
}
