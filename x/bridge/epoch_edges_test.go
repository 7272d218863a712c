package bridge_test

import (
	"slices"
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

// sealedLong makes seals until the state has forgotten the first ones, and returns
// the witnesses of those; all of the history is one tree.
func sealedLong(t *testing.T, n *bridgetest.Network) []types.SealWitness {
	t.Helper()
	const seals = 4 // the first one is of the network's first commands
	var w [seals]types.SealWitness
	var leaves [seals]types.Hash
	for i := range w {
		if i > 0 {
			n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		}
		n.Settle(20)
		history, err := n.Machine.SealHistory(n.State())
		if err != nil || history.Count != uint64(i+1) { //nolint:gosec // an index
			t.Fatalf("%+v %v", history, err)
		}
		w[i].Entry, w[i].Position, leaves[i] = history.Last, uint64(i), sealhistory.Leaf(history.Last) //nolint:gosec // an index
	}
	n.Run(20)
	left, right := sealhistory.Parent(leaves[0], leaves[1]), sealhistory.Parent(leaves[2], leaves[3])
	w[0].Path, w[1].Path = []types.Hash{leaves[1], right}, []types.Hash{leaves[0], right}
	w[2].Path = []types.Hash{leaves[3], left}
	for _, w := range w[:3] {
		if needed, err := n.Machine.NeedsWitness(n.State(), w.Entry.Height); err != nil || !needed {
			t.Fatalf("height %d: a witness is needed: %t, %v", w.Entry.Height, needed, err)
		}
	}
	return w[:3]
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
// only, and by nothing but a true one of that height.
func TestReportOfAForgottenSeal(t *testing.T) {
	n := bridgetest.NewPair(t, seldomForgets)
	witnesses := sealedLong(t, n)
	good, sealed := witnesses[1], witnesses[1].Entry
	with := func(change func(w *types.SealWitness)) *types.SealWitness {
		w := good
		w.Path = slices.Clone(w.Path)
		change(&w)
		return &w
	}
	liar := n.Validators[3]
	of := func(w *types.SealWitness) types.Tx { return reported(t, liar, sealed, w) }
	long := func(nodes int) []types.Hash { return make([]types.Hash, nodes) }
	for name, tx := range map[string]types.Tx{
		"no witness":                     of(nil),
		"its witness":                    of(&good),
		"the witness of the seal before": of(&witnesses[0]),
		"the witness of the next seal":   of(&witnesses[2]),
		"another root":                   of(with(func(w *types.SealWitness) { w.Entry.Root = types.Hash{1} })),
		"another epoch":                  of(with(func(w *types.SealWitness) { w.Entry.Epoch++ })),
		"said to be none":                of(with(func(w *types.SealWitness) { w.Entry.Height++ })),
		"another path":                   of(with(func(w *types.SealWitness) { w.Path[0] = types.Hash{1} })),
		"a longer path":                  of(with(func(w *types.SealWitness) { w.Path = append(w.Path, types.Hash{}) })),
		"an empty path":                  of(with(func(w *types.SealWitness) { w.Path = nil })),
		"a position above all":           of(with(func(w *types.SealWitness) { w.Position = 4 })),
		"a position far above all":       of(with(func(w *types.SealWitness) { w.Position, w.Path = 1<<39, long(39) })),
		"the last position there can be": of(with(func(w *types.SealWitness) { w.Position, w.Path = 1<<64-1, long(types.MaxWitnessPath) })),
	} {
		t.Run(name, func(t *testing.T) { wantRefused(t, n, 0, tx, bridge.ErrReport) })
	}
	if v := validatorOf(t, n, liar); v.Status != types.ValidatorActive {
		t.Fatalf("%+v", v)
	}
	forged := sealed
	forged.Root = types.Hash{0xba}
	wantRefused(t, n, 0, reported(t, liar, forged, nil), bridge.ErrReport)
	wantBanned(t, n, liar, reported(t, liar, forged, &good))
}

func wantBanned(t *testing.T, n *bridgetest.Network, liar *bridgetest.Validator, report types.Tx) {
	t.Helper()
	n.Operate(report, 0)
	if v := validatorOf(t, n, liar); v.Status != types.ValidatorTombstoned || v.Reason != "forged_seal" {
		t.Errorf("%+v", v)
	}
}

// Whatever is not the seal of its height in its epoch is forged: where none was
// made, where another was, and at heights to come.
func TestForgedSeals(t *testing.T) {
	for name, forge := range map[string]func(good, next types.SealEntry, height int64) (e types.SealEntry, witnessed bool){
		"another root":                  func(e, _ types.SealEntry, _ int64) (types.SealEntry, bool) { e.Root[0]++; return e, true },
		"another epoch":                 func(e, _ types.SealEntry, _ int64) (types.SealEntry, bool) { e.Epoch++; return e, true },
		"between, that seal's root":     func(e, _ types.SealEntry, _ int64) (types.SealEntry, bool) { e.Height--; return e, true },
		"the newest, another root":      func(_, e types.SealEntry, _ int64) (types.SealEntry, bool) { e.Root[0]++; return e, false },
		"above the newest":              func(_, e types.SealEntry, _ int64) (types.SealEntry, bool) { e.Height++; return e, false },
		"the block that bans":           func(e, _ types.SealEntry, h int64) (types.SealEntry, bool) { e.Height = uint64(h) + 1; return e, false }, //nolint:gosec // a height
		"to come, which contracts take": func(e, _ types.SealEntry, _ int64) (types.SealEntry, bool) { e.Height = 1 << 63; return e, false },
	} {
		t.Run(name, func(t *testing.T) {
			n := bridgetest.NewPair(t, seldomForgets)
			w := sealedLong(t, n)[1]
			history, err := n.Machine.SealHistory(n.State())
			if err != nil {
				t.Fatal(err)
			}
			e, witnessed := forge(w.Entry, history.Last, n.Height)
			var shown *types.SealWitness
			if witnessed {
				shown = &w
			}
			wantBanned(t, n, n.Validators[3], reported(t, n.Validators[3], e, shown))
		})
	}
}

// A seal that is open is judged by its record, whatever a witness says.
func TestReportOfAnOpenSeal(t *testing.T) {
	n := bridgetest.NewPair(t, seldomForgets)
	var seals []types.SealEntry
	for range 3 {
		n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		n.Run(4)
		history, err := n.Machine.SealHistory(n.State())
		if err != nil {
			t.Fatal(err)
		}
		seals = append(seals, history.Last)
	}
	if seals[0].Height == seals[2].Height {
		t.Fatalf("%+v", seals)
	}
	wantRefused(t, n, 0, reported(t, n.Validators[3], seals[0], nil), bridge.ErrReport)
	forged := seals[0]
	forged.Root[0]++
	wantBanned(t, n, n.Validators[3], reported(t, n.Validators[3], forged, nil))
}

// Nobody answers for a seal for ever, whatever a witness says; but for as long as
// some contract would take it; and when the unbonding time is made longer a true
// seal stays true.
func TestReportsHaveTheirTime(t *testing.T) {
	n := bridgetest.NewPair(t, seldomForgets)
	w := sealedLong(t, n)[1]
	sealed := w.Entry
	agree(t, n, setParam("unbonding_blocks", 20), 0, 1, 2)
	n.Run(20)
	forged, liar := sealed, n.Validators[3]
	forged.Root[0]++
	since, err := n.Machine.AccountableSince(n.State(), n.Height)
	if err != nil || since >= sealed.Height {
		t.Fatalf("accountable since %d, though alpha would take a seal of height %d: %v", since, sealed.Height, err)
	}
	n.Send(bridgetest.To(alpha, alice, wrappedGold(n), bob, types.NewAmount(10)), beta)
	n.Settle(20)
	n.Run(20)
	history, err := n.Machine.SealHistory(n.State())
	if err != nil {
		t.Fatal(err)
	}
	since, err = n.Machine.AccountableSince(n.State(), n.Height)
	if err != nil || since <= sealed.Height || since > history.Last.Height {
		t.Fatalf("accountable since %d: %v", since, err)
	}
	wantRefused(t, n, 0, reported(t, liar, forged, &w), bridge.ErrReport)
	agree(t, n, setParam("unbonding_blocks", 1000), 0, 1, 2)
	wantRefused(t, n, 0, reported(t, liar, sealed, &w), bridge.ErrReport)
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
