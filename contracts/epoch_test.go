package contracts_test

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// A contract may be deployed in any epoch of its network: the first seal of its
// set tells the number, and from then on no other counts.
func TestFirstSealTellsTheEpoch(t *testing.T) {
	w := &world{t: t}
	chain, err := evmtest.NewChain(here, evmtest.Osaka)
	w.must(err)
	v, err := evmtest.NewValidators(4, 3, 1, 1, 1, 1)
	w.must(err)
	w.Bridge, err = evmtest.NewBridge(chain, v, common.Address{})
	w.must(err)
	w.relayer = chain.Account()
	run := func(epoch uint64, c types.Command) error {
		t.Helper()
		w.Epoch = epoch
		_, err := w.Execute(w.relayer, w.sealBytes(types.EncodeCommand(c)), 0)
		return err
	}
	w.reverts(run(0, types.Activate{}), "BadEpoch")
	if w.uint("epoch") != 0 {
		t.Errorf("epoch %d before the first seal", w.uint("epoch"))
	}
	w.must(run(7, types.Activate{}))
	if w.uint("epoch") != 7 {
		t.Errorf("epoch %d after a seal of epoch 7", w.uint("epoch"))
	}
	for _, other := range []uint64{0, 1, 6, 8} {
		w.reverts(run(other, types.SetParams{ReleaseGas: 100_000, Deposits: true}), "BadEpoch")
	}
	w.must(run(7, types.SetValidators{Epoch: 8, Set: v.Set}))
	if w.uint("epoch") != 8 {
		t.Errorf("epoch %d, want 8", w.uint("epoch"))
	}
}

// The very first command may already name the next set.
func TestFirstCommandNamesTheNextSet(t *testing.T) {
	w := &world{t: t}
	chain, err := evmtest.NewChain(here, evmtest.Osaka)
	w.must(err)
	v, err := evmtest.NewValidators(4, 3, 1, 1, 1, 1)
	w.must(err)
	next, err := evmtest.NewValidators(5, 4, 1, 1, 1, 1, 1)
	w.must(err)
	w.Bridge, err = evmtest.NewBridge(chain, v, common.Address{})
	w.must(err)
	w.relayer, w.Epoch = chain.Account(), 3
	_, err = w.Execute(w.relayer, w.sealBytes(types.EncodeCommand(types.SetValidators{Epoch: 4, Set: next.Set})), 0)
	w.must(err)
	w.Validators, w.Epoch = next, 4
	_, err = w.Execute(w.relayer, w.sealBytes(types.EncodeCommand(types.Activate{})), 0)
	w.must(err)
	if w.uint("epoch") != 4 {
		t.Errorf("epoch %d, want 4", w.uint("epoch"))
	}
}
