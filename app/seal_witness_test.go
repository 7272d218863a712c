package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// witness asks a node for the witness of a height, and holds it against the
// state.
func (n *network) witness(node *node, height int64) (w *types.SealWitness, code uint32) {
	n.t.Helper()
	data := fmt.Appendf(nil, `{"height":%d}`, height)
	resp, err := node.Query(ctx, &abci.RequestQuery{Path: BridgePath + SealWitnessQuery, Data: data})
	if err != nil || resp.Code != 0 {
		return nil, resp.GetCode()
	}
	var view SealWitnessView
	if err := json.Unmarshal(resp.Value, &view); err != nil {
		n.t.Fatal(err)
	}
	err = node.View(func(state bridge.Reader, _ int64) error {
		history, err := node.machine.SealHistory(state)
		if err == nil && view.Witness != nil && !history.Holds(*view.Witness) {
			err = fmt.Errorf("the history of %d seals does not hold %+v", history.Count, view.Witness)
		}
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return view.Witness, 0
}

// Every node can witness each height since it is there, whether it was killed
// amid commits or not; and one that has restored a snapshot says what it cannot.
func TestSealWitness(t *testing.T) {
	n := newNetwork(t, 4)
	for height := range 40 {
		if height%3 == 0 {
			n.world.deposit(uint64(1_000 + height))
		}
		n.block()
		if height%7 == 0 {
			n.restart(height / 7 % 4)
		}
	}
	n.shelve(0)
	offer := n.offer(n.nodes[0])
	joined, _ := n.joiner(n.nodes[3].testValidator)
	n.accept(joined, offer)
	n.fetch(joined, n.nodes[0], offer.Snapshot)
	from := n.height
	n.nodes[3] = joined
	for height := range 60 {
		if height%3 == 0 {
			n.world.deposit(uint64(1_000 + height))
		}
		n.block()
	}
	n.settle()
	for range n.keepBlocks() + 10 {
		n.block()
	}
	witnesses := 0
	for height := int64(1); height <= n.height; height++ {
		for i, node := range n.nodes {
			w, code := n.witness(node, height)
			switch {
			case i == 3 && height <= from:
				if code == 0 && w != nil && w.Entry.Previous > uint64(from) {
					t.Fatalf("the one that joined at %d witnesses height %d by %+v", from, height, w)
				}
			case code != 0:
				t.Fatalf("height %d: node %d: code %d", height, i, code)
			case w != nil:
				witnesses++
				if w.Entry.Previous >= uint64(height) || w.Entry.Height < uint64(height) {
					t.Fatalf("height %d: node %d: %+v", height, i, w)
				}
			}
		}
	}
	if _, code := n.witness(joined, 2); code != bridge.ErrNotFound.Code {
		t.Errorf("the one that joined at %d and height 2: code %d", from, code)
	}
	if witnesses < 4*20 {
		t.Errorf("only %d witnesses were needed", witnesses)
	}
	resp, err := n.nodes[0].Query(ctx, &abci.RequestQuery{Path: BridgePath + SealWitnessQuery})
	if err != nil || resp.Code != bridge.ErrBadQuery.Code || !strings.Contains(resp.Log, "height") {
		t.Errorf("without a height: %v %v", resp, err)
	}
}

// keepBlocks is for how many blocks finished commands are kept.
func (n *network) keepBlocks() (blocks uint64) {
	n.t.Helper()
	err := n.nodes[0].View(func(state bridge.Reader, _ int64) error {
		network, err := n.nodes[0].machine.Network(state)
		blocks = network.Params.KeepBlocks
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return blocks
}
