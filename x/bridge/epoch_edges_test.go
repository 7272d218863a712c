package bridge_test

import (
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

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

// A validator that changes its operator again and again has no more open
// proposals, and no more votes, than one that does not.
func TestOperatorChangesDoNotMultiplyProposals(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	v := n.Validators[1]
	for range 4 {
		n.Operate(propose(question), 1)
	}
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	r := v.Registration()
	r.Operator = crypto.PubkeyToAddress(key.PublicKey)
	r = bridgetest.SignRegistration(r, key, v.SignerPrivate, v.ConsensusPrivate)
	n.Operate(types.Tx{ChangeOperator: &types.ChangeOperator{Operator: r.Operator, Signature: r.OperatorSignature}}, 1)
	v.ChangeOperator(key)
	wantRefused(t, n, 1, propose(question), bridge.ErrTooMany)
	if p := proposal(t, n, 1); p.Tally.Yes != 1 || len(p.Votes) != 1 || p.Proposer != r.Operator {
		t.Errorf("%+v", p)
	}
	n.Operate(ballotPaper(1, false), 1)
	if p := proposal(t, n, 1); p.Tally.Yes != 0 || p.Tally.No != 1 || len(p.Votes) != 1 {
		t.Errorf("%+v", p)
	}
}

// A jail that is shorter than an epoch removes nevertheless, and nothing that the
// operator does meanwhile makes it longer.
func TestJailShorterThanAnEpoch(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		quickEpochs(g)
		g.Params.EpochBlocks, g.Params.JailBlocks, g.Params.JailMS = 150, 10, 0
	})
	away := n.Validators[3]
	away.Down = true
	for range 12 {
		n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		n.Settle(20)
	}
	if v := validatorOf(t, n, away); v.Status != types.ValidatorJailed || n.Height > 140 {
		t.Fatalf("height %d: %+v", n.Height, v)
	}
	away.Down = false
	n.Run(int(149 - n.Height)) // the next block ends the epoch
	wantRefused(t, n, 3, types.Tx{Unjail: &types.Unjail{}}, bridge.ErrStatus)
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[:3]...)
	n.Operate(types.Tx{Unjail: &types.Unjail{}}, 3)
}

// A ban does not hurry what else is to wait for the epoch's end.
func TestBanHurriesNothingElse(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		quickEpochs(g)
		g.Params.EpochBlocks = 40
	})
	fifth := n.Join()
	agree(t, n, admission(fifth, 1), 0, 1, 2)
	n.Misbehavior = []types.ValidatorID{n.Validators[3].ID()}
	n.Step()
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[:3]...)
	untilEpoch(t, n, 3)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[0], n.Validators[1], n.Validators[2], fifth)
}
