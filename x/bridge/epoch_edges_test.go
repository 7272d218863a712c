package bridge_test

import (
	"testing"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func setParam(name string, value uint64) types.Content {
	return types.Content{Params: &types.ParamChanges{Changes: []types.ParamChange{{Name: name, Value: value}}}}
}

// wantRefused has a validator's operator send a transaction that the network
// takes and refuses.
func wantRefused(t *testing.T, n *bridgetest.Network, validator int, tx types.Tx, want *bridge.Error) {
	t.Helper()
	n.Waiting = [][]byte{n.Sign(validator, tx)}
	n.Step()
	n.Waiting = nil
	if len(n.Results) != 2 || n.Results[1].Code != want.Code {
		t.Errorf("height %d: %+v, want %v", n.Height, n.Results, want)
	}
}

// A longer unbonding time does not turn signatures of forgotten seals into
// forged ones.
func TestForgottenSealsJudgeNobody(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Run(4)
	open, err := n.Machine.OpenCommands(n.State(), beta, 1)
	if err != nil || len(open) != 1 {
		t.Fatal(err, open)
	}
	seal := open[0].Seal
	n.Settle(20)
	n.Run(40) // beyond the unbonding time
	agree(t, n, setParam("unbonding_blocks", 1000), 0, 1, 2)
	signature, err := evmsig.Sign(n.Validators[3].SignerPrivate,
		evmsig.SealDigest(evmsig.NetworkID(bridgetest.ChainID), seal.Epoch, seal.Height, seal.Root))
	if err != nil {
		t.Fatal(err)
	}
	wantRefused(t, n, 0, types.Tx{Report: &types.ReportSignature{
		Epoch: seal.Epoch, Height: seal.Height, Root: seal.Root, Signature: signature,
	}}, bridge.ErrReport)
}
