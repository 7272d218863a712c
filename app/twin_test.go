package app

import (
	"bytes"
	"fmt"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// The application over IAVL, pruned and restarted, holds the same records as
// the machine over a plain map that was given the same blocks.
func TestTwinOverAMap(t *testing.T) {
	machine, err := bridge.New(bridge.Options{VerifyExtension: bridgetest.VerifyExtension})
	if err != nil {
		t.Fatal(err)
	}
	plain := bridgetest.New(t, bridgetest.PairGenesis(), 1, 2, 3, 4)
	var block bridge.Block
	var txs [][]byte
	plain.Propose = func(honest [][]byte) [][]byte {
		block, txs = plain.Block(), honest
		return honest
	}
	mine := newNetwork(t, 1)
	start := func() *App {
		a := mine.start(mine.nodes[0].testValidator, mine.nodes[0].db)
		a.machine = machine
		return a.App
	}
	a := start()
	init := initChain(t, plain.Genesis)
	init.ChainId = bridgetest.ChainID
	if _, err := a.InitChain(ctx, init); err != nil {
		t.Fatal(err)
	}
	for height := 1; height <= 80; height++ {
		if height > 12 && height%3 == 0 {
			send(plain, height)
		}
		plain.Step()
		plain.Relay(3)
		if _, err := a.FinalizeBlock(ctx, asRequest(block, txs)); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Commit(ctx, &abci.RequestCommit{}); err != nil {
			t.Fatal(err)
		}
		if height%17 == 0 {
			a = start()
		}
		err := a.View(func(state bridge.Reader, _ int64) error {
			if got, want := records(t, state), records(t, plain.State()); got != want {
				t.Errorf("height %d: the store holds\n%s\nthe map\n%s", height, got, want)
			}
			return nil
		})
		if err != nil || t.Failed() {
			t.Fatal(err)
		}
	}
}

// send deposits on either chain, now and then something that comes back.
func send(n *bridgetest.Network, height int) {
	alphaChain := n.Chains[bridgetest.Alpha]
	alphaChain.Give(bridgetest.GoldToken, bridgetest.Alice, bridgetest.Ether(10))
	destination := bridgetest.Beta
	if height%4 == 0 {
		destination = 999
	}
	d := bridgetest.To(destination, bridgetest.Bob, bridgetest.GoldToken, bridgetest.Alice, types.NewAmount(uint64(height)))
	n.Send(d, bridgetest.Alpha)
}

func asRequest(b bridge.Block, txs [][]byte) *abci.RequestFinalizeBlock {
	req := &abci.RequestFinalizeBlock{Height: b.Height, Time: b.Time, Txs: txs, DecidedLastCommit: abci.CommitInfo{Round: b.Round}}
	for _, v := range b.Commit {
		flag := cmtproto.BlockIDFlagAbsent
		if v.Committed {
			flag = cmtproto.BlockIDFlagCommit
		}
		req.DecidedLastCommit.Votes = append(req.DecidedLastCommit.Votes, abci.VoteInfo{
			Validator: abci.Validator{Address: bytes.Clone(v.Validator[:])}, BlockIdFlag: flag,
		})
	}
	return req
}

func records(t *testing.T, r bridge.Reader) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Iterate(nil, nil, func(k, v []byte) bool {
		fmt.Fprintf(&out, "%x = %x\n", k, v)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
