package node

import (
	"context"
	"testing"
	"time"

	cmtbytes "github.com/cometbft/cometbft/libs/bytes"
	rpcclient "github.com/cometbft/cometbft/rpc/client"
	ctypes "github.com/cometbft/cometbft/rpc/core/types"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// countingNode counts what it is asked.
type countingNode struct {
	storeNode
	asked int
}

func (n *countingNode) ABCIQueryWithOptions(ctx context.Context, path string, key cmtbytes.HexBytes, o rpcclient.ABCIQueryOptions) (*ctypes.ResultABCIQuery, error) {
	n.asked++
	return n.storeNode.ABCIQueryWithOptions(ctx, path, key, o)
}

// nodeOf tells of a network's state.
func nodeOf(t *testing.T, n *bridgetest.Network) *countingNode {
	t.Helper()
	return &countingNode{storeNode: storeNode{snapshot: storeOf(t, func(set func(key, value []byte)) {
		if err := n.State().Iterate(nil, nil, func(key, value []byte) bool { set(key, value); return true }); err != nil {
			t.Fatal(err)
		}
	})}}
}

func stateOf(t *testing.T, n *bridgetest.Network) bridge.ChainState {
	t.Helper()
	state, err := n.Machine.Chain(n.State(), bridgetest.Beta)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// As many batches as a chain may have are executed, and no execution is final
// yet: the control commands behind them are seen, and what is known is not asked
// for again when another one comes.
func TestCommandsBehindManyBatches(t *testing.T) {
	t.Parallel()
	const batches = 64
	n := bridgetest.NewPair(t, nil)
	n.SkipAudit = true
	first := stateOf(t, n).Executed
	for range batches {
		n.Send(bridgetest.To(bridgetest.Beta, bridgetest.Bob, bridgetest.GoldToken, bridgetest.Alice, bridgetest.Ether(1)), bridgetest.Alpha)
		n.Step()
	}
	control := func(releaseGas uint32) {
		n.Pass(types.Content{ChangeChain: &types.ChangeChain{
			ID: bridgetest.Beta, BatchGas: types.DefaultBatchGas, ReleaseGas: releaseGas, ExpiryBlocks: types.DefaultExpiry,
		}})
		n.Run(3)
	}
	control(types.DefaultReleaseGas + 1)
	state := stateOf(t, n)
	if state.OpenBatches != batches || state.Outbox != first+batches+1 {
		t.Fatalf("%d open batches, %d commands after %d", state.OpenBatches, state.Outbox, first)
	}
	set, err := types.SignerSet(n.Genesis.Validators)
	if err != nil {
		t.Fatal(err)
	}
	s := &served{bridge: n.Chains[bridgetest.Beta].Bridge, position: func() chain.OutboxPosition {
		return chain.OutboxPosition{Nonce: first + batches, SetHash: set.Hash()}
	}}
	look := func(before known) (told, int) {
		node := nodeOf(t, n)
		said, err := s.read(openTold(t.Context(), node, 1), stateOf(t, n), before)
		if err != nil {
			t.Fatal(err)
		}
		return said, node.asked
	}
	said, whole := look(known{since: time.Now()})
	if said.reach != state.Outbox {
		t.Fatalf("it sees commands up to %d of %d, and the contract has executed %d", said.reach, state.Outbox, first+batches)
	}
	control(types.DefaultReleaseGas + 2)
	again, asked := look(said.known)
	anew, _ := look(known{})
	if again.reach != state.Outbox+1 || anew.reach != again.reach || len(again.outbox.Commands) != len(anew.outbox.Commands) {
		t.Errorf("it sees commands up to %d, and who knows nothing %d of %d", again.reach, anew.reach, state.Outbox+1)
	}
	if asked > 10 || asked > whole/10 {
		t.Errorf("%d requests for one more command, %d for all before", asked, whole)
	}
	if len(said.known.fresh().records) == 0 || len((known{records: said.known.records, since: time.Now().Add(-time.Hour)}).fresh().records) > 0 {
		t.Error("what is known is forgotten too early, or never")
	}
}
