package contracts_test

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// TestQuorumAgainstGo lets random parts of random sets sign, and wants the
// contract and Go to agree whether that is a quorum.
func TestQuorumAgainstGo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: t}
		powers := rapid.SliceOfN(rapid.Uint32Range(1, 1<<20), 1, 30).Draw(rt, "powers")
		chain, err := evmtest.NewChain(rapid.Uint64Range(1, 1<<63).Draw(rt, "chain"), evmtest.Osaka)
		w.must(err)
		v, err := evmtest.NewValidators(len(powers), int64(len(powers)), powers...)
		w.must(err)
		w.Bridge, err = evmtest.NewBridge(chain, v, common.Address{})
		w.must(err)
		w.Height = rapid.Uint64Range(0, 1<<63).Draw(rt, "height")
		order := w.sealBytes(types.EncodeCommand(types.Activate{}), types.Hash{1}, types.Hash{2})
		var signers []int
		sigs := map[int][types.SignatureBytes]byte{}
		for i := range powers {
			if rapid.IntRange(0, 3).Draw(rt, "signs") != 0 {
				signers = append(signers, i)
				sigs[i], err = evmsig.Sign(v.Keys[i], evmtest.Digest(order.Seal))
				w.must(err)
			}
		}
		packed, goErr := evmsig.PackQuorum(v.Set, sigs)
		_, err = w.View("checkQuorum", order.Seal, packAll(w, order, signers))
		if (err == nil) != (goErr == nil) {
			rt.Fatalf("contract: %v, Go: %v", err, goErr)
		}
		if goErr == nil {
			_, err = w.View("checkQuorum", order.Seal, packed)
			w.must(err)
		}
	})
}

// TestSetsAgainstGo offers packed sets with a byte changed to both sides.
func TestSetsAgainstGo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		n, powers := rapid.IntRange(1, 12).Draw(rt, "n"), rapid.SliceOfN(rapid.Uint32Range(0, 1<<29), 0, 12).Draw(rt, "powers")
		v, _ := evmtest.NewValidators(n, 77, powers...) // may well be no valid set
		packed := v.Set.Pack()
		if len(packed) > 0 && rapid.Bool().Draw(rt, "change") {
			packed[rapid.IntRange(0, len(packed)-1).Draw(rt, "at")] = rapid.Byte().Draw(rt, "to")
		}
		packed = packed[:rapid.IntRange(0, len(packed)).Draw(rt, "cut")]
		if rapid.Bool().Draw(rt, "whole entries") {
			packed = packed[:len(packed)/24*24]
		}
		_, err := types.UnpackValidatorSet(packed)
		command := append([]byte{byte(types.CommandSetValidators), 0, 0, 0, 0, 0, 0, 0, 2}, packed...)
		receipt := w.do(w.sealBytes(command))
		if (len(receipt.Failures) == 0) != (err == nil) {
			rt.Fatalf("contract: failures %x, Go: %v", receipt.Failures, err)
		}
	})
}
