package bridge_test

import (
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/sealhistory"
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

// pruned makes seals until the state has forgotten the first ones, and returns
// the witness of the third and the second's entry.
func pruned(t *testing.T, n *bridgetest.Network) (w types.SealWitness, other types.SealEntry) {
	t.Helper()
	var all [4]types.SealEntry // the first one is the network's first command
	var leaves [4]types.Hash
	for i := range all {
		if i > 0 {
			n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		}
		n.Settle(20)
		history, err := n.Machine.SealHistory(n.State())
		if err != nil || history.Count != uint64(i+1) { //nolint:gosec // an index
			t.Fatalf("%+v %v", history, err)
		}
		all[i], leaves[i] = history.Last, sealhistory.Leaf(history.Last)
	}
	n.Run(20)
	w = types.SealWitness{Entry: all[2], Position: 2, Path: []types.Hash{leaves[3], sealhistory.Parent(leaves[0], leaves[1])}}
	if needed, err := n.Machine.NeedsWitness(n.State(), all[2].Height); err != nil || !needed {
		t.Fatalf("a witness is needed: %t, %v", needed, err)
	}
	return w, all[1]
}

func seldomForgets(g *types.Genesis) {
	quickEpochs(g)
	g.Params.EpochBlocks, g.Params.UnbondingBlocks, g.Params.KeepBlocks = 100_000, 200, 1
}

// reported is the report of a seal that a validator has signed.
func reported(t *testing.T, by *bridgetest.Validator, e types.SealEntry, w *types.SealWitness) types.Tx {
	t.Helper()
	digest := evmsig.SealDigest(evmsig.NetworkID(bridgetest.ChainID), e.Epoch, e.Height, e.Root)
	signature, err := evmsig.Sign(by.SignerPrivate, digest)
	if err != nil {
		t.Fatal(err)
	}
	return types.Tx{Report: &types.ReportSignature{Epoch: e.Epoch, Height: e.Height, Root: e.Root, Signature: signature, Witness: w}}
}

// What was sealed at a height that the state has forgotten is said by a witness
// only, and nothing but a true one.
func TestReportOfAForgottenSeal(t *testing.T) {
	n := bridgetest.NewPair(t, seldomForgets)
	good, other := pruned(t, n)
	sealed := good.Entry
	forged := types.SealEntry{Epoch: sealed.Epoch, Height: sealed.Height, Root: types.Hash{0xba}}
	between := types.SealEntry{Epoch: sealed.Epoch, Height: sealed.Height - 1, Root: types.Hash{0xba}}
	about := func(e types.SealEntry) *types.SealWitness {
		w := good
		w.Entry = e
		return &w
	}
	liar := n.Validators[3]
	for name, tx := range map[string]types.Tx{
		"the true seal":                        reported(t, liar, sealed, &good),
		"the true seal, no witness":            reported(t, liar, sealed, nil),
		"the true seal, another height's":      reported(t, liar, sealed, &types.SealWitness{Entry: other, Position: 1, Path: good.Path}),
		"the true seal, a made up entry":       reported(t, liar, sealed, about(types.SealEntry{Height: sealed.Height, Epoch: sealed.Epoch, Root: types.Hash{1}})),
		"the true seal, said to be none":       reported(t, liar, sealed, about(types.SealEntry{Height: sealed.Height + 1, Epoch: sealed.Epoch, Root: sealed.Root})),
		"the true seal, a path of another one": reported(t, liar, sealed, &types.SealWitness{Entry: sealed, Position: 2, Path: []types.Hash{{1}, {2}}}),
		"a forged one, no witness":             reported(t, liar, forged, nil),
		"a height between, no witness":         reported(t, liar, between, nil),
	} {
		t.Run(name, func(t *testing.T) { wantRefused(t, n, 0, tx, bridge.ErrReport) })
	}
	if v := validatorOf(t, n, liar); v.Status != types.ValidatorActive {
		t.Fatalf("%+v", v)
	}
	for i, e := range []types.SealEntry{forged, between} {
		liar := n.Validators[3-i]
		n.Operate(reported(t, liar, e, &good), 0)
		if v := validatorOf(t, n, liar); v.Status != types.ValidatorTombstoned || v.Reason != "forged_seal" {
			t.Errorf("height %d: %+v", e.Height, v)
		}
	}
}

// Nobody answers for a seal for ever, whatever a witness says; and when the
// unbonding time is made longer a true seal stays true.
func TestReportsHaveTheirTime(t *testing.T) {
	n := bridgetest.NewPair(t, seldomForgets)
	w, _ := pruned(t, n)
	sealed := w.Entry
	forged := types.SealEntry{Epoch: sealed.Epoch, Height: sealed.Height, Root: types.Hash{0xba}}
	agree(t, n, setParam("unbonding_blocks", 20), 0, 1, 2)
	n.Run(20)
	wantRefused(t, n, 0, reported(t, n.Validators[3], forged, &w), bridge.ErrReport)
	agree(t, n, setParam("unbonding_blocks", 1000), 0, 1, 2)
	wantRefused(t, n, 0, reported(t, n.Validators[3], sealed, &w), bridge.ErrReport)
	n.Operate(reported(t, n.Validators[3], forged, &w), 0)
	if v := validatorOf(t, n, n.Validators[3]); v.Status != types.ValidatorTombstoned {
		t.Errorf("%+v", v)
	}
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
