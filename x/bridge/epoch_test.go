package bridge_test

import (
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/x/bridge"
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// quickEpochs makes epochs, jails and the unbonding time short.
func quickEpochs(g *types.Genesis) {
	p := &g.Params
	p.EpochBlocks, p.DutyBlocks, p.SigGrace, p.MissWindow, p.MaxMisses = 5, 4, 2, 64, 2
	p.JailBlocks, p.JailMS, p.UnbondingBlocks, p.UnbondingMS = 10, 1000, 20, 1000
	p.LagBlocks, p.HeadInterval, p.MaxStrikes, p.KeepBlocks = 8, 4, 2, 10
}

// agree has some validators propose and accept.
func agree(t *testing.T, n *bridgetest.Network, c types.Content, voters ...int) {
	t.Helper()
	n.Operate(propose(c), voters[0])
	network, err := n.Machine.Network(n.State())
	if err != nil {
		t.Fatal(err)
	}
	n.Operate(ballotPaper(network.Proposals, true), voters[1:]...)
	wantProposal(t, n, network.Proposals, types.ProposalApplied, "")
}

func admission(v *bridgetest.Validator, power uint32) types.Content {
	return types.Content{AdmitValidator: &types.AdmitValidator{Registration: v.Registration(), Power: power}}
}

func validatorOf(t *testing.T, n *bridgetest.Network, v *bridgetest.Validator) bridge.ValidatorView {
	t.Helper()
	return query[bridge.ValidatorView](t, n, "validator", bridge.QueryArgs{ID: v.ID().String()})
}

func epochOf(t *testing.T, n *bridgetest.Network) uint64 {
	t.Helper()
	network, err := n.Machine.Network(n.State())
	if err != nil {
		t.Fatal(err)
	}
	return network.Epoch
}

// untilEpoch relays and makes blocks until an epoch has begun and consensus
// follows it.
func untilEpoch(t *testing.T, n *bridgetest.Network, epoch uint64) {
	t.Helper()
	for range 60 {
		if epochOf(t, n) >= epoch {
			n.Run(2)
			return
		}
		n.Step()
		n.Relay(types.MaxBatchItems)
	}
	t.Fatalf("epoch %d has not begun, this is %d", epoch, epochOf(t, n))
}

// wantOneSet holds that consensus, the network and every contract know the same
// validators with the same powers.
func wantOneSet(t *testing.T, n *bridgetest.Network, members ...*bridgetest.Validator) {
	t.Helper()
	validators, err := n.Machine.Validators(n.State())
	if err != nil {
		t.Fatal(err)
	}
	set, err := types.SignerSet(validators)
	if err != nil {
		t.Fatal(err)
	}
	inConsensus := n.Consensus(n.Height + 1)
	if len(validators) != len(members) || len(inConsensus) != len(members) {
		t.Fatalf("%d validators, %d in consensus, want %d", len(validators), len(inConsensus), len(members))
	}
	for _, m := range members {
		same := func(v types.Validator) bool { return v.ID() == m.ID() }
		at, in := slices.IndexFunc(validators, same), slices.IndexFunc(inConsensus, same)
		if at < 0 || in < 0 || validators[at].Power != inConsensus[in].Power {
			t.Fatalf("validator %s: member %d, in consensus %d, or another power there", m.Moniker, at, in)
		}
	}
	for id, c := range n.Chains {
		if s := c.State(); s.SetHash != set.Hash() || s.Epoch != epochOf(t, n) {
			t.Errorf("the contract of chain %s obeys set %s of epoch %d, want %s of %d", id, s.SetHash, s.Epoch, set.Hash(), epochOf(t, n))
		}
	}
}

func TestValidatorJoinsAndLeaves(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	fifth := n.Join()
	agree(t, n, admission(fifth, 1), 0, 1, 2)
	id := n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators...)
	wantAt(t, n, id, types.StatusReleased, noReason)
	if v := validatorOf(t, n, fifth); v.Status != types.ValidatorActive || !v.InSet || v.Power != 1 {
		t.Errorf("%+v", v)
	}

	n.Operate(types.Tx{Leave: &types.Leave{}}, 4)
	id = n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	untilEpoch(t, n, 3)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[:4]...)
	wantAt(t, n, id, types.StatusReleased, noReason)
	if v := validatorOf(t, n, fifth); v.Status != types.ValidatorLeaving || v.InSet {
		t.Errorf("%+v", v)
	}
	n.Run(30)
	if _, err := n.Machine.Query(n.State(), "validator", []byte(`{"id":"`+fifth.ID().String()+`"}`)); err == nil {
		t.Error("it is known after its unbonding time")
	}
	agree(t, n, admission(fifth, 1), 0, 1, 2) // and may come back
	untilEpoch(t, n, 4)
	n.Settle(20)
	wantOneSet(t, n, n.Validators...)
}

// The handover completes while the one who leaves signs nothing any more.
func TestLeaverWithholdsItsSignatures(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	n.Operate(types.Tx{Leave: &types.Leave{}}, 3)
	n.Validators[3].Mute = true
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[:3]...)
}

// lifeHandover: while sets are handed over, the outboxes take nothing else, and deposits wait.
func lifeHandover(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	n.Operate(types.Tx{Leave: &types.Leave{}}, 3)
	for _, v := range n.Validators { // nobody signs: the handover cannot complete
		v.Mute = true
	}
	n.Run(10)
	id := n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Run(10)
	wantAt(t, n, id, types.StatusQueued, types.ReasonHandover)
	for _, c := range n.Chains {
		if state := chainState(t, n, c.ID); state.Outbox != state.Executed+1 {
			t.Errorf("chain %s: %d of %d commands executed, want one that waits: SetValidators", c.Label, state.Executed, state.Outbox)
		}
	}
	n.Operate(propose(question), 0) // governance goes on
	for _, v := range n.Validators {
		v.Mute = false
	}
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[:3]...)
	wantAt(t, n, id, types.StatusReleased, noReason)
}

// A chain that is connected when the network has had other sets obeys the present
// one, and the next.
func TestChainAddedInALaterEpoch(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	fifth := n.Join()
	agree(t, n, admission(fifth, 1), 0, 1, 2)
	untilEpoch(t, n, 2)
	n.Settle(20)
	gamma := types.Chain{
		ID: 31003, Label: "gamma", Bridge: types.Address{0xb0, 3}, BatchGas: types.DefaultBatchGas,
		ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: 100,
	}
	n.Connect(gamma)
	n.Settle(20)
	wantOneSet(t, n, n.Validators...)
	if c := chainState(t, n, gamma.ID); !c.Active || c.Refused != "" {
		t.Errorf("%+v", c)
	}
	n.Operate(types.Tx{Leave: &types.Leave{}}, 4)
	untilEpoch(t, n, 3)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[:4]...)
}

// A contract that is deployed with the present set, and heard of only during the
// handover to the next one, is handed over with the others.
func TestChainHeardOfDuringAHandover(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	gamma := types.Chain{
		ID: 31003, Label: "gamma", Bridge: types.Address{0xb0, 3}, BatchGas: types.DefaultBatchGas,
		ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: 100,
	}
	n.Connect(gamma)
	n.Chains[gamma.ID].Lag = 1 << 40 // nothing of it is final yet
	n.Operate(types.Tx{Leave: &types.Leave{}}, 3)
	for _, v := range n.Validators {
		v.Mute = true
	}
	n.Run(10)
	n.Chains[gamma.ID].Lag = 0
	n.Run(5)
	for _, v := range n.Validators {
		v.Mute = false
	}
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[:3]...)
	if c := chainState(t, n, gamma.ID); !c.Active || c.Refused != "" {
		t.Errorf("%+v", c)
	}
}

func TestDoubleSignerIsBannedAtOnce(t *testing.T) {
	n := bridgetest.NewPair(t, func(g *types.Genesis) {
		quickEpochs(g)
		g.Params.EpochBlocks = 100_000
	})
	liar := n.Validators[2]
	n.Misbehavior = []types.ValidatorID{liar.ID()}
	n.Step()
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[0], n.Validators[1], n.Validators[3])
	if v := validatorOf(t, n, liar); v.Status != types.ValidatorTombstoned || v.Reason != "double_sign" {
		t.Errorf("%+v", v)
	}
	n.Waiting = [][]byte{n.Sign(2, types.Tx{Unjail: &types.Unjail{}})}
	n.Step()
	if len(n.Results) != 1 {
		t.Errorf("a transaction of a banned operator is in a block: %+v", n.Results)
	}
	n.Waiting = nil
	n.Run(60) // its keys stay banned beyond the unbonding time
	n.Waiting = [][]byte{n.Sign(0, propose(admission(liar, 1)))}
	n.Step()
	if len(n.Results) != 2 || n.Results[1].Code != bridge.ErrContent.Code {
		t.Errorf("a banned validator is admitted: %+v", n.Results)
	}
}

func TestForgedSealSignatureBans(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	liar := n.Validators[3]
	sign := func(epoch, height uint64, root types.Hash) types.Tx {
		signature, err := evmsig.Sign(liar.SignerPrivate, evmsig.SealDigest(evmsig.NetworkID(bridgetest.ChainID), epoch, height, root))
		if err != nil {
			t.Fatal(err)
		}
		return types.Tx{Report: &types.ReportSignature{Epoch: epoch, Height: height, Root: root, Signature: signature}}
	}
	refused := func(name string, tx types.Tx) {
		t.Helper()
		n.Waiting = [][]byte{n.Sign(0, tx)}
		n.Step()
		n.Waiting = nil
		if len(n.Results) != 2 || n.Results[1].Code != bridge.ErrReport.Code {
			t.Errorf("%s: %+v", name, n.Results)
		}
	}
	id := n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Run(4)
	wantAt(t, n, id, types.StatusSealed, noReason)
	open, err := n.Machine.OpenCommands(n.State(), beta, 1)
	if err != nil || len(open) != 1 {
		t.Fatal(err, open)
	}
	sealed := open[0].Seal
	refused("the true seal", sign(sealed.Epoch, sealed.Height, sealed.Root))
	n.Operate(sign(sealed.Epoch, sealed.Height, types.Hash{0xba}), 1)
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[:3]...)
	if v := validatorOf(t, n, liar); v.Status != types.ValidatorTombstoned || v.Reason != "forged_seal" {
		t.Errorf("%+v", v)
	}
}

func TestAbsentIsJailedAndReturns(t *testing.T) {
	for name, absent := range map[string]func(*bridgetest.Validator, bool){
		"down": func(v *bridgetest.Validator, is bool) { v.Down = is },
		"mute": func(v *bridgetest.Validator, is bool) { v.Mute = is },
	} {
		t.Run(name, func(t *testing.T) {
			n := bridgetest.NewPair(t, quickEpochs)
			away := n.Validators[3]
			absent(away, true)
			for range 12 {
				n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
				n.Settle(20)
			}
			if v := validatorOf(t, n, away); v.Status != types.ValidatorJailed || v.Reason != "absent" {
				t.Fatalf("%+v", v)
			}
			untilEpoch(t, n, 2)
			n.Settle(20)
			wantOneSet(t, n, n.Validators[:3]...)
			absent(away, false)
			n.Run(12)
			n.Operate(types.Tx{Unjail: &types.Unjail{}}, 3)
			untilEpoch(t, n, 3)
			n.Settle(20)
			wantOneSet(t, n, n.Validators...)
			n.Run(40)
			if v := validatorOf(t, n, away); v.Status != types.ValidatorActive {
				t.Errorf("%+v", v)
			}
		})
	}
}

// A chain that stops makes nobody miss.
func TestStalledChainMakesNobodyMiss(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	n.Chains[alpha].Lag = 1 << 40
	n.Run(100)
	for _, v := range n.Validators {
		if view := validatorOf(t, n, v); view.Status != types.ValidatorActive || len(view.Misses) > 0 {
			t.Errorf("%+v", view)
		}
	}
}

func TestConflictingMarksJail(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	liar := n.Validators[3]
	liar.Vote = func(honest []byte) []byte {
		if len(honest) == 0 {
			return honest
		}
		message := &pb.VoteExtension{}
		if err := proto.Unmarshal(honest[1:], message); err != nil {
			t.Fatal(err)
		}
		for _, c := range message.Chains {
			for _, m := range c.Marks {
				m.Hash[0] ^= 1
			}
		}
		return encode(t, []byte{1}, message)
	}
	for range 3 {
		n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		n.Settle(20)
	}
	if v := validatorOf(t, n, liar); v.Status != types.ValidatorJailed || v.Reason != "conflicting" {
		t.Fatalf("%+v", v)
	}
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators[:3]...)
}

func TestSignerRotates(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	v := n.Validators[1]
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v.NextSigner = key
	fresh := crypto.PubkeyToAddress(key.PublicKey)
	r := v.Registration()
	r.Signer = fresh
	r = bridgetest.SignRegistration(r, v.OperatorPrivate, key, v.ConsensusPrivate)
	n.Operate(types.Tx{Rotate: &types.RotateSigner{Signer: fresh, Signature: r.SignerSignature}}, 1)
	untilEpoch(t, n, 2)
	n.Settle(20)
	wantOneSet(t, n, n.Validators...)
	if view := validatorOf(t, n, v); view.Signer != fresh {
		t.Errorf("%+v", view)
	}
	v.SignerPrivate = nil // only the new one signs from now on
	n.Validators[0].Mute = true
	n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
	n.Settle(20)
}

// Former signers are accountable for the unbonding time, and for no longer: a
// validator may rotate as often as it likes, but not faster than that.
func TestFormerSignersAreForgotten(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	v := n.Validators[1]
	rotate := func() {
		t.Helper()
		key, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		r := v.Registration()
		r.Signer = crypto.PubkeyToAddress(key.PublicKey)
		r = bridgetest.SignRegistration(r, v.OperatorPrivate, key, v.ConsensusPrivate)
		n.Operate(types.Tx{Rotate: &types.RotateSigner{Signer: r.Signer, Signature: r.SignerSignature}}, 1)
		v.NextSigner = key
		untilEpoch(t, n, epochOf(t, n)+1)
		n.Settle(20)
		v.SignerPrivate, v.NextSigner, v.Signer = key, nil, r.Signer
	}
	for range 12 {
		rotate()
		n.Run(15)
	}
	wantOneSet(t, n, n.Validators...)
	if view := validatorOf(t, n, v); view.Signer != v.Signer {
		t.Errorf("%+v", view)
	}
}

// A signer or an operator that has not signed for itself is not taken.
func TestUnprovenKeysAreRefused(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	report := types.ReportSignature{Epoch: 1, Height: 1, Root: types.Hash{1}, Signature: types.Signature{1}}
	for name, c := range map[string]struct {
		tx   types.Tx
		want *bridge.Error
	}{
		"signer":   {types.Tx{Rotate: &types.RotateSigner{Signer: types.Address{9}, Signature: types.Signature{1}}}, bridge.ErrProof},
		"operator": {types.Tx{ChangeOperator: &types.ChangeOperator{Operator: types.Address{9}, Signature: types.Signature{1}}}, bridge.ErrProof},
		"report":   {types.Tx{Report: &report}, bridge.ErrReport},
	} {
		n.Waiting = [][]byte{n.Sign(0, c.tx)}
		n.Step()
		if len(n.Results) != 2 || n.Results[1].Code != c.want.Code {
			t.Errorf("%s: %+v, want code %d", name, n.Results, c.want.Code)
		}
	}
	n.Waiting = nil
}

func TestOperatorChanges(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	v := n.Validators[1]
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	r := v.Registration()
	r.Operator = crypto.PubkeyToAddress(key.PublicKey)
	r = bridgetest.SignRegistration(r, key, v.SignerPrivate, v.ConsensusPrivate)
	n.Operate(types.Tx{ChangeOperator: &types.ChangeOperator{Operator: r.Operator, Signature: r.OperatorSignature}}, 1)
	old := v.Operator
	n.Waiting = [][]byte{n.Sign(1, types.Tx{Leave: &types.Leave{}})}
	n.Step()
	if len(n.Results) != 1 {
		t.Errorf("operator %s still speaks for the validator", old)
	}
	n.Waiting = nil
	v.ChangeOperator(key)
	n.Operate(propose(question), 1)
	if p := proposal(t, n, 1); p.Tally.Yes != 1 {
		t.Errorf("the new operator's vote does not count: %+v", p)
	}
}

func TestBadRegistrations(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	fifth := n.Join()
	bend := map[string]func(*types.Registration){
		"operator":         func(r *types.Registration) { r.OperatorSignature[5] ^= 1 },
		"signer":           func(r *types.Registration) { r.SignerSignature[5] ^= 1 },
		"consensus":        func(r *types.Registration) { r.ConsensusSignature[5] ^= 1 },
		"moniker":          func(r *types.Registration) { r.Moniker = "another" },
		"another's signer": func(r *types.Registration) { r.Signer = n.Validators[0].Signer },
	}
	for name, change := range bend {
		r := fifth.Registration()
		change(&r)
		n.Waiting = [][]byte{n.Sign(0, propose(types.Content{AdmitValidator: &types.AdmitValidator{Registration: r, Power: 1}}))}
		n.Step()
		if len(n.Results) != 2 || n.Results[1].Code != bridge.ErrContent.Code {
			t.Errorf("%s: %+v", name, n.Results)
		}
	}
	n.Waiting = nil
	taken := fifth.Registration()
	taken.Signer = n.Validators[0].Signer
	taken = bridgetest.SignRegistration(taken, fifth.OperatorPrivate, n.Validators[0].SignerPrivate, fifth.ConsensusPrivate)
	n.Waiting = [][]byte{n.Sign(0, propose(types.Content{AdmitValidator: &types.AdmitValidator{Registration: taken, Power: 1}}))}
	n.Step()
	if len(n.Results) != 2 || n.Results[1].Code != bridge.ErrContent.Code {
		t.Errorf("a signer of two validators: %+v", n.Results)
	}
}

// All members but less than 1/3 are replaced over successive epochs.
func TestAlmostAllAreReplaced(t *testing.T) {
	n := bridgetest.NewPair(t, quickEpochs)
	sent := 0
	for i := range 3 {
		newcomer := n.Join()
		present := []int{i, i + 1, i + 2}
		agree(t, n, admission(newcomer, 1), present...)
		n.Operate(types.Tx{Leave: &types.Leave{}}, i)
		n.Send(bridgetest.To(beta, bob, bridgetest.GoldToken, alice, types.NewAmount(10)), alpha)
		sent++
		// One in, one out: each is at most a quarter of the power.
		for range 40 {
			n.Step()
			n.Relay(types.MaxBatchItems)
			if v, w := validatorOf(t, n, newcomer), validatorOf(t, n, n.Validators[i]); v.InSet && !w.InSet {
				break
			}
		}
		n.Settle(30)
		n.Run(2)
		wantOneSet(t, n, n.Validators[i+1:i+5]...)
	}
	if chainState(t, n, beta).Outbox == 0 || sent != 3 {
		t.Error("nothing was sent")
	}
	if c := n.Chains[beta]; c.Balance(c.TokenOf(bridgetest.Gold), bob).IsZero() {
		t.Error("bob has nothing")
	}
}
