package app

import (
	"context"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/x/bridge"
)

type chainState = bridge.ChainState

func TestADepositIsReleased(t *testing.T) {
	n := newNetwork(t, 4)
	n.settle()
	n.world.deposit(1_000)
	n.settle()
	n.checkInvariants()
	supply := n.query(0, "/bridge/supply", "")
	t.Logf("%d blocks: %s", n.height, supply)
}

func (n *network) query(i int, path, data string) string {
	n.t.Helper()
	resp, err := n.nodes[i].Query(context.Background(), &abci.RequestQuery{Path: path, Data: []byte(data)})
	if err != nil || resp.Code != 0 {
		n.t.Fatalf("%s: %v %v", path, resp, err)
	}
	return string(resp.Value)
}
