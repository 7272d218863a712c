package bridge_test

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// machineChecks is how many random scripts one run tries: each has a hundred
// blocks, and every one is checked in full. The flag of rapid asks for more.
const machineChecks = 12

func fewChecks(t *testing.T, checks int) {
	t.Helper()
	given := flag.Lookup("rapid.checks")
	if before := given.Value.String(); before == given.DefValue {
		if err := flag.Set("rapid.checks", strconv.Itoa(checks)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set("rapid.checks", before) }) // it was set before
	}
}

// machine is a network under a random script.
type machine struct {
	*testing.T
	r        *rapid.T
	n        *bridgetest.Network
	users    []types.Address
	before   map[types.AssetID]types.Amount // of all users together, in asset units
	deposits []types.TransferID
}

// Random scripts: deposits of all assets to anywhere, payees that fail, flow
// limits and large amounts, pauses and their end, late finality, validators that
// are silent or sign nothing, claims, expiry, and time. The invariants hold after
// every block; in the end every transfer has ended, and not a unit is lost or
// made.
func TestMachine(t *testing.T) {
	fewChecks(t, machineChecks)
	rapid.Check(t, func(r *rapid.T) {
		m := newMachine(t, r)
		actions := map[string]func(){
			"deposits": m.deposit, "more deposits": m.deposit, "payees": m.payees, "pause": m.pause, "unpause": m.unpause,
			"validators": m.validators, "finality": m.finality, "claims": m.claims, "time": m.time,
		}
		names := slices.Sorted(maps.Keys(actions))
		for range rapid.IntRange(5, 25).Draw(r, "steps") {
			actions[rapid.SampledFrom(names).Draw(r, "do")]()
			if rapid.Bool().Draw(r, "relay") {
				run(m.n, rapid.IntRange(1, 4).Draw(r, "blocks"))
			} else {
				hold(m.n, rapid.IntRange(1, 4).Draw(r, "blocks"))
			}
		}
		m.settle()
		m.ended()
		m.conserved()
	})
}

func newMachine(t *testing.T, r *rapid.T) *machine {
	m := &machine{T: t, r: r, users: []types.Address{alice, bob, carol, refuser}, before: map[types.AssetID]types.Amount{}}
	number := func(name string, least, most uint64) uint64 { return rapid.Uint64Range(least, most).Draw(r, name) }
	m.n = newMoney(t, func(g *types.Genesis) {
		p := &g.Params
		p.KeepBlocks, p.MaxHeld = number("keep", 3, 20), 100
		p.LargeDelayBlocks, p.LargeDelayMS = number("large blocks", 0, 8), number("large ms", 0, 3000)
		p.MaxOpenSeals, p.MaxCommands = uint32(number("seals", 4, 8)), uint32(number("commands", 2, 8))
		p.MaxOpenBatches, p.MaxMarks = uint32(number("batches", 1, 4)), uint32(number("marks", 1, 4))
		for i := range g.Chains {
			g.Chains[i].ExpiryBlocks, g.Chains[i].BatchGapMS = number("expiry", 20, 100), number("gap", 0, 1500)
		}
		for a := range g.Assets {
			for i := range g.Assets[a].Tokens {
				token := &g.Assets[a].Tokens[i]
				scale, err := token.Scale(g.Assets[a].Decimals)
				if err != nil {
					t.Fatal(err)
				}
				some := func(name string, most uint64) types.Amount {
					amount, err := units(number(name, 0, most)).Mul(scale)
					if err != nil {
						t.Fatal(err)
					}
					return amount
				}
				token.Large = some("large", 90)
				if g.Assets[a].ID != twin { // so that fund can be exact
					token.ReleaseFee, token.RefundFee = some("fee", 3), some("refund fee", 3)
				}
				if capacity := some("capacity", 100); !capacity.IsZero() && rapid.Bool().Draw(r, "limited") {
					token.Flow = types.FlowLimit{Capacity: capacity, Rate: capacity}
				}
			}
		}
	})
	for _, c := range m.n.Chains {
		c.Lax = true
	}
	for _, asset := range m.n.Genesis.Assets {
		m.before[asset.ID] = m.have(asset)
	}
	return m
}

// have is what all users have of an asset on all chains.
func (m *machine) have(asset types.Asset) types.Amount {
	var sum types.Amount
	for _, token := range asset.Tokens {
		for _, user := range m.users {
			sum = m.plus(sum, m.scaled(asset, token, m.n.Chains[token.Chain].Balance(m.tokenOf(asset.ID, token.Chain), user)))
		}
	}
	return sum
}

func (m *machine) tokenOf(asset types.AssetID, chain types.ChainID) types.Address {
	return m.n.Chains[chain].TokenOf(asset)
}

func (m *machine) scaled(asset types.Asset, token types.Token, amount types.Amount) types.Amount {
	scale, err := token.Scale(asset.Decimals)
	if err != nil {
		m.r.Fatal(err)
	}
	whole, err := amount.Mul(scale)
	if err != nil {
		m.r.Fatal(err)
	}
	return whole
}

func (m *machine) plus(a, b types.Amount) types.Amount {
	sum, err := a.Add(b)
	if err != nil {
		m.r.Fatal(err)
	}
	return sum
}

func (m *machine) chain() types.ChainID {
	return rapid.SampledFrom([]types.ChainID{alpha, beta}).Draw(m.r, "chain")
}

// deposit sends some of what a user has on a chain.
func (m *machine) deposit() {
	for range rapid.IntRange(1, 5).Draw(m.r, "deposits") {
		from := m.chain()
		asset := m.n.Genesis.Assets[rapid.IntRange(0, 2).Draw(m.r, "asset")]
		to := rapid.SampledFrom([]types.ChainID{alpha, beta, beta, 99}).Draw(m.r, "to")
		token, user := m.tokenOf(asset.ID, from), rapid.SampledFrom(m.users).Draw(m.r, "user")
		d := bridgetest.To(to, rapid.SampledFrom(m.users).Draw(m.r, "recipient"), token, user, units(rapid.Uint64Range(1, 120).Draw(m.r, "amount")))
		d.RefundTo = rapid.SampledFrom(m.users).Draw(m.r, "refund to")
		d.MaxFee = units(rapid.SampledFrom([]uint64{0, 1, 200}).Draw(m.r, "max fee"))
		if asset.ID == bridgetest.Coin && from == alpha { // in units that beta can express, and not quite
			scaled, err := d.Amount.Mul(units(1_000_000_000_003))
			if err != nil {
				m.r.Fatal(err)
			}
			d.Amount, d.MaxFee = scaled, scaled
		}
		nonce, err := m.n.Chains[from].Deposit(d)
		if err == nil {
			m.deposits = append(m.deposits, types.TransferID{Source: from, Nonce: nonce})
		}
	}
}

func (m *machine) payees() {
	user := rapid.SampledFrom(m.users).Draw(m.r, "user")
	chain := m.n.Chains[m.chain()]
	chain.Refuses[user] = !chain.Refuses[user]
}

func (m *machine) pause() {
	m.n.RaiseAlarm(rapid.IntRange(1, 3).Draw(m.r, "raise"), m.chain(), alarmPause)
}

func (m *machine) unpause() {
	for _, id := range []types.ChainID{alpha, beta} {
		m.n.RaiseAlarm(4, id, alarmOff)
		if chainState(m, m.n, id).Paused == bridge.PausePaused {
			pass(m, m.n, unpause(id))
		}
	}
}

func (m *machine) validators() {
	for _, v := range m.n.Validators {
		v.Down, v.Vote = false, nil
	}
	switch v := rapid.IntRange(0, 3).Draw(m.r, "validator"); rapid.IntRange(0, 2).Draw(m.r, "how") {
	case 1:
		m.n.Validators[v].Down = true
	case 2:
		m.n.Validators[v].Vote, m.n.Validators[(v+1)%4].Vote = withoutSignatures(m.T), withoutSignatures(m.T)
	}
}

func (m *machine) finality() {
	m.n.Chains[m.chain()].Lag = rapid.Uint64Range(0, 6).Draw(m.r, "lag")
}

func (m *machine) time() {
	later(m.n, time.Duration(rapid.IntRange(0, 3000).Draw(m.r, "ms"))*time.Millisecond)
	mine(m.n, m.chain(), rapid.IntRange(0, 30).Draw(m.r, "blocks"))
}

// claims fetches what is owed, where the contract pays it.
func (m *machine) claims() {
	for _, id := range m.deposits {
		if v, kept := m.view(id); kept && v.Status == types.StatusOwed {
			_ = m.n.Chains[v.Source].Claim(v.OutboxNonce, v.OutboxIndex, alice) // fails where she refuses it
		}
	}
}

// view is where a transfer stands, if the state still has it.
func (m *machine) view(id types.TransferID) (view bridge.TransferView, kept bool) {
	answer, err := m.n.Machine.Query(m.n.State(), "transfer", []byte(`{"id":"`+id.String()+`"}`))
	if errors.Is(err, bridge.ErrFinished) || errors.Is(err, bridge.ErrNotFound) {
		return view, false
	}
	if err := json.Unmarshal(answer, &view); err != nil {
		m.r.Fatalf("%s: %v", id, err)
	}
	return view, true
}

// settle ends whatever holds, and lets time pass until nothing moves.
func (m *machine) settle() {
	for _, v := range m.n.Validators {
		v.Down, v.Vote = false, nil
	}
	for _, c := range m.n.Chains {
		c.Lag = 0
		clear(c.Refuses)
	}
	m.n.RaiseAlarm(4, alpha, alarmOff)
	m.n.RaiseAlarm(4, beta, alarmOff)
	run(m.n, 4)
	m.unpause()
	for range 100 {
		later(m.n, time.Minute)
		mine(m.n, alpha, 20)
		mine(m.n, beta, 20)
		m.claims()
		m.fund()
		run(m.n, 1)
		if m.idle() {
			return
		}
	}
	m.r.Fatalf("not settled: %+v %+v", chainState(m, m.n, alpha), chainState(m, m.n, beta))
}

// fund moves custody of the asset that both chains lock to where a refund lacks
// it: a refund cannot do without, and waits for whoever brings it.
func (m *machine) fund() {
	queued := map[types.ChainID]bridge.QueuedView{}
	for _, l := range queryAny[[]bridge.LimitView](m, m.n, "limits", "") {
		if l.Asset == twin {
			queued[l.Chain] = l.Queued
		}
	}
	for _, way := range []struct {
		from, to types.ChainID
		user     types.Address
	}{{alpha, beta, alice}, {beta, alpha, bob}} {
		from, to, user := way.from, way.to, way.user
		short := bridge.QueuedView{ShortRefund: queued[from].ShortRefund}
		if short.ShortRefund == 0 || queued[from] != short || queued[to] != (bridge.QueuedView{}) {
			continue
		}
		books := balanceOf(m, m.n, twin, from)
		lacks, err := supplyOf(m, m.n, twin).InFlight.Sub(books.Custody)
		if err == nil && !lacks.IsZero() {
			m.n.Send(bridgetest.To(to, user, m.tokenOf(twin, from), user, lacks), from)
		}
	}
}

func (m *machine) idle() bool {
	for _, id := range []types.ChainID{alpha, beta} {
		c := chainState(m, m.n, id)
		if c.Queued > 0 || c.Executed != c.Outbox || c.Cursor != uint64(len(m.n.Chains[id].Inbox())) {
			return false
		}
	}
	for _, asset := range m.n.Genesis.Assets {
		if !supplyOf(m, m.n, asset.ID).Owed.IsZero() {
			return false
		}
	}
	return true
}

// ended wants every transfer at an end of its life.
func (m *machine) ended() {
	for _, id := range m.deposits {
		view, kept := m.view(id)
		if !kept {
			continue
		}
		switch view.Status {
		case types.StatusReleased, types.StatusRefunded, types.StatusClaimed:
		case types.StatusFailed:
			if view.Reason != types.ReasonBelowRefundFee {
				m.r.Fatalf("%+v", view)
			}
		default:
			m.r.Fatalf("%+v", view)
		}
	}
}

// conserved wants what users had to be theirs, but for what they paid in fees,
// and the chains to hold what the books say.
func (m *machine) conserved() {
	wantBooks(m, m.n)
	if m.Failed() {
		m.r.Fatal("the books are wrong")
	}
	for _, asset := range m.n.Genesis.Assets {
		s := supplyOf(m, m.n, asset.ID)
		if !s.Deficit.IsZero() || !s.Quarantined.IsZero() || !s.Owed.IsZero() {
			m.r.Fatalf("%+v", s)
		}
		sum := m.plus(m.have(asset), s.Fees)
		for _, token := range asset.Tokens {
			fees := m.n.Chains[token.Chain].Claimable(bridgetest.Relayer, m.tokenOf(asset.ID, token.Chain))
			sum = m.plus(sum, m.scaled(asset, token, fees))
		}
		if sum != m.before[asset.ID] {
			m.r.Fatalf("%s: users and fees have %s, users had %s", asset.Symbol, sum, m.before[asset.ID])
		}
	}
	if network, err := m.n.Machine.Network(m.n.State()); err != nil || network.Quarantined != 0 {
		m.r.Fatalf("%d events in quarantine, %v", network.Quarantined, err)
	}
}

// The same with chains that break their word: blocks of a chain vanish, the
// validators notice, other commands are executed in the new history, and it is
// re-anchored, again and again. The books stay what the chains have, and no
// booking is ever impossible.
func TestMachineWithReorgs(t *testing.T) {
	fewChecks(t, machineChecks)
	rapid.Check(t, func(r *rapid.T) {
		m := newReorgMachine(t, r)
		for range rapid.IntRange(2, 8).Draw(r, "steps") {
			m.deposit()
			if rapid.Bool().Draw(r, "payee") {
				m.payees()
			}
			if rapid.Bool().Draw(r, "relay") {
				run(m.n, rapid.IntRange(1, 5).Draw(r, "blocks"))
			} else {
				hold(m.n, rapid.IntRange(1, 5).Draw(r, "blocks"))
			}
			if rapid.Bool().Draw(r, "reorg") {
				m.reorg()
			}
		}
		m.settleReorgs()
	})
}

func newReorgMachine(t *testing.T, r *rapid.T) *machine {
	m := &machine{T: t, r: r, users: []types.Address{alice, bob, carol, refuser}}
	m.n = newMoney(t, func(g *types.Genesis) {
		g.Params.KeepBlocks = 200
		for i := range g.Chains {
			g.Chains[i].ExpiryBlocks = 40
		}
		if rapid.Bool().Draw(r, "limited") {
			g.Assets[0].Tokens[1].Flow = types.FlowLimit{Capacity: units(100), Rate: units(10)}
		}
	})
	run(m.n, 2)
	return m
}

// reorg takes some of a chain's last blocks back, and re-anchors it.
func (m *machine) reorg() {
	id := m.chain()
	chain := m.n.Chains[id]
	depth := rapid.Uint64Range(1, 12).Draw(m.r, "depth")
	if chain.Height() < depth+3 {
		return
	}
	common := reorg(m, m.n, id, chain.Height()-1-depth)
	common = min(common, chainState(m, m.n, id).Cursor)
	contradict(m, m.n, id)
	pass(m, m.n, anchorOf(m, m.n, id, common))
}

// settleReorgs lets everything end that can, and compares.
func (m *machine) settleReorgs() {
	for _, c := range m.n.Chains {
		clear(c.Refuses)
	}
	for range 60 {
		later(m.n, time.Minute)
		mine(m.n, alpha, 20)
		mine(m.n, beta, 20)
		run(m.n, 1)
	}
	for _, e := range m.n.Events {
		if e.Type == bridge.EventQuarantined && e.Attributes[2].Value == string(types.ReasonBreach) {
			m.r.Fatalf("%+v", e)
		}
	}
	for _, asset := range m.n.Genesis.Assets {
		for _, token := range asset.Tokens {
			b, real := balanceOf(m, m.n, asset.ID, token.Chain), held(m, m.n, asset, token)
			if token.Mode == types.ModeLock && b.Custody != real || token.Mode == types.ModeMint && b.Supply != real {
				m.r.Fatalf("%s on %s: the chain has %s, the books %+v", asset.Symbol, token.Chain, real, b)
			}
		}
	}
	for _, id := range []types.ChainID{alpha, beta} {
		c := chainState(m, m.n, id)
		if c.Executed != c.Outbox || c.Paused != bridge.PauseNone || c.Cursor != uint64(len(m.n.Chains[id].Inbox())) {
			m.r.Fatalf("%+v", c)
		}
	}
}
