package simnet

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// chainID is the chain-id string of every simulated network.
const chainID = "bridged-simnet"

// world is everything outside the network: chains and their users. It keeps
// books of its own, which know nothing of the network's state.
type world struct {
	chains    []*chain // ascending by id
	assets    []types.Asset
	transfers []*transfer
	byPayee   map[types.Address]*transfer // a recipient and a refund address are of one transfer alone
	wallets   map[types.ChainID][]wallet  // who may deposit wrapped tokens
	fresh     uint64                      // addresses made
	late      *types.Chain                // not deployed yet
	// counterfeit are deposits of printed tokens.
	counterfeit map[types.TransferID]bool
}

// thief is who gets what forged deposits are worth.
var thief = types.Address{0xba, 0xd0}

// wallet is somebody with tokens.
type wallet struct {
	asset types.AssetID
	owner types.Address
}

// transfer is a deposit as its sender sees it.
type transfer struct {
	id          types.TransferID
	asset       types.AssetID
	destination types.ChainID
	amount      types.Amount // asset units
	recipient   types.Address
	refundTo    types.Address

	released bool // paid to the recipient
	refunded bool // paid to the refund address
	tried    bool // a release of it was reported as failed
	owed     *debt
	claimed  bool

	releasable bool // nothing was wrong with it
	vanished   bool // its deposit is not in its chain's history any more
	exempt     bool // a chain has broken its word about it
}

// payment is an event on a chain that changed where a transfer stands.
type payment struct {
	block    uint64
	transfer *transfer
	undo     func()
}

// debt is a refund that could not be paid.
type debt struct {
	nonce uint64
	index uint32
}

// address makes an address that nobody has.
func (w *world) address() types.Address {
	w.fresh++
	return types.Address(crypto.Keccak256(binary.BigEndian.AppendUint64([]byte("somebody"), w.fresh))[12:])
}

func (w *world) chain(id types.ChainID) *chain {
	for _, c := range w.chains {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (w *world) asset(id types.AssetID) types.Asset {
	for _, a := range w.assets {
		if a.ID == id {
			return a
		}
	}
	return types.Asset{}
}

// tokenOf is an asset's token on a chain; false if it has none there.
func tokenOf(a types.Asset, id types.ChainID) (types.Token, bool) {
	for _, t := range a.Tokens {
		if t.Chain == id {
			return t, true
		}
	}
	return types.Token{}, false
}

// scaleOf is how many asset units one token unit is.
func scaleOf(a types.Asset, t types.Token) types.Amount {
	scale, err := t.Scale(a.Decimals)
	if err != nil {
		panic(err) // the genesis was checked
	}
	return scale
}

// drawGenesis makes chains, assets and parameters, with all kinds of limits.
func drawGenesis(s Scenario, r *rand.Rand, members []*member) types.Genesis {
	g := types.Genesis{Params: drawParams(s, r)}
	for _, m := range members {
		g.Validators = append(g.Validators, m.Validator)
	}
	for i := range s.Chains {
		g.Chains = append(g.Chains, types.Chain{
			ID: types.ChainID(31001 + i), Label: fmt.Sprintf("chain-%c", 'a'+i), Bridge: types.Address{0xb0, byte(i + 1)},
			BatchGapMS: uint64(r.IntN(3)) * 700, BatchGas: []uint64{3_000_000, 6_000_000, types.DefaultBatchGas}[r.IntN(3)],
			ReleaseGas: 60_000, ExpiryBlocks: 8 + r.Uint64N(maxExpiry-8),
		})
	}
	for i := range s.Assets {
		g.Assets = append(g.Assets, drawAsset(i, r, g.Chains))
	}
	return g
}

// maxExpiry is the longest that a chain lets a transfer wait, so that runs end.
const maxExpiry = 50

func drawParams(s Scenario, r *rand.Rand) types.Params {
	p := types.DefaultParams()
	p.MarkStride = []uint64{16, 16, 32, 128}[r.IntN(4)]
	p.MaxMarks = []uint32{2, 8, 64}[r.IntN(3)]
	p.MaxSigs = 1 + r.Uint32N(6)
	p.MaxOpenBatches = 1 + r.Uint32N(4)
	p.HeadInterval = 1 + r.Uint64N(20)
	p.KeepBlocks = 3 + r.Uint64N(10)
	if s.Rates[FaultDeep] > 0 { // a command that has left the state cannot be executed again
		p.KeepBlocks = 200
	}
	p.RetireDelayBlocks, p.RetireDelayMS = 10, 0
	p.VotingPeriod = 15 + r.Uint64N(30)
	p.LargeDelayBlocks, p.LargeDelayMS = r.Uint64N(10), r.Uint64N(8000)
	p.MaxHeld = 100
	p.MaxOpenSeals = 4 + r.Uint32N(12)
	p.MaxCommands = 1 + r.Uint32N(2)*r.Uint32N(8)
	if s.Rates[FaultChurn] > 0 {
		drawEpochs(newDice(s.Seed).of("epochs"), s, &p)
	}
	return p
}

// drawAsset makes an asset that one or two chains lock and others mint, some of
// them in coarser units.
func drawAsset(i int, r *rand.Rand, chains []types.Chain) types.Asset {
	a := types.Asset{
		ID: types.AssetID{byte(i + 1)}, Name: fmt.Sprint("Asset ", i), Symbol: fmt.Sprint("A", i), Decimals: []uint8{18, 8, 6}[r.IntN(3)],
	}
	home, second := r.IntN(max(2, len(chains)-1)), -1
	if r.IntN(8) == 0 {
		second = r.IntN(max(2, len(chains)-1))
	}
	for at, c := range chains {
		t := types.Token{Chain: c.ID, Mode: types.ModeMint, Decimals: a.Decimals - uint8(r.IntN(3))}
		if at == home || at == second {
			t.Mode, t.Token = types.ModeLock, types.Address{0xa0, byte(i + 1)}
		} else if len(chains) > 2 && r.IntN(5) == 0 {
			continue // not everywhere
		}
		unit := scaleOf(a, t)
		t.ReleaseFee, t.RefundFee = units(unit, uint64(r.IntN(3)*r.IntN(20))), units(unit, uint64(r.IntN(3)*r.IntN(20)))
		drawLimits(r, unit, &t)
		a.Tokens = append(a.Tokens, t)
	}
	return a
}

// drawLimits limits some tokens: what one deposit brings is below 2^34 units.
func drawLimits(r *rand.Rand, unit types.Amount, t *types.Token) {
	if r.IntN(4) == 0 {
		t.Large = units(unit, 1<<(30+r.IntN(3)))
	}
	if r.IntN(4) > 0 {
		return
	}
	capacity, rate := uint64(1)<<(29+r.IntN(8)), uint64(1)<<(26+r.IntN(8))
	t.Flow = types.FlowLimit{Capacity: units(unit, capacity), Rate: units(unit, rate)}
	if r.IntN(2) == 0 {
		t.Limit.Capacity, t.Limit.Rate = types.NewAmount(capacity+capacity/uint64(1+r.IntN(8))), types.NewAmount(rate+rate/uint64(1+r.IntN(8)))
	}
}

func units(unit types.Amount, n uint64) types.Amount {
	amount, err := unit.Mul(types.NewAmount(n))
	if err != nil {
		panic(err) // small numbers
	}
	return amount
}

// newWorld deploys the contracts. A chain that is added later stands in the
// assets already, but not in the genesis.
func newWorld(s Scenario, g *types.Genesis, r *rand.Rand) *world {
	w := &world{
		assets: g.Assets, byPayee: map[types.Address]*transfer{}, wallets: map[types.ChainID][]wallet{},
		counterfeit: map[types.TransferID]bool{},
	}
	if last := len(g.Chains) - 1; s.Late && last >= 2 {
		w.late, g.Chains = &g.Chains[last], g.Chains[:last]
		g.Assets = nil
		for _, a := range w.assets {
			a.Tokens = slices.DeleteFunc(slices.Clone(a.Tokens), func(t types.Token) bool { return t.Chain == w.late.ID })
			g.Assets = append(g.Assets, a)
		}
	}
	set, err := types.SignerSet(g.Validators)
	if err != nil {
		panic(err) // drawn to be good
	}
	for _, c := range g.Chains {
		w.deploy(c, set, uint64(r.IntN(4)))
	}
	return w
}

func (w *world) deploy(c types.Chain, set types.ValidatorSet, lag uint64) {
	model := newChain(evmsig.NetworkID(chainID), c, set)
	model.Lag = lag
	model.note(w.assets)
	w.chains = append(w.chains, model)
}

// connect adds the chain that was not there at the beginning, and maps what
// assets it is to have. Its contract is deployed anew where the set has changed
// before the network has it.
func (r *run) connect() {
	set := r.registry.contracts[r.registry.epoch]
	if late := r.world.late; late != nil && r.height > 10 {
		r.world.late = nil
		r.world.deploy(*late, set, 2)
		r.added = late
	}
	if r.added == nil {
		return
	}
	c, at := r.world.chain(r.added.ID), slices.IndexFunc(r.agreed, func(s bridge.ChainState) bool { return s.ID == r.added.ID })
	if at < 0 {
		if c.State().SetHash != set.Hash() {
			r.world.chains = slices.DeleteFunc(r.world.chains, func(other *chain) bool { return other == c })
			r.world.deploy(*r.added, set, 2)
			r.rare("a contract is deployed anew")
		}
		r.submit("add chain", types.Content{AddChain: &types.AddChain{Chain: *r.added, CodeHash: types.Hash{1}, Block: 1, SetHash: set.Hash()}})
		return
	}
	if r.agreed[at].Refused != "" {
		r.rare("a chain refused for its set")
		r.added = nil
		return
	}
	for _, a := range r.world.assets {
		if token, has := tokenOf(a, r.added.ID); has && r.world.chain(r.added.ID).TokenOf(a.ID) == (types.Address{}) {
			r.submit("map "+a.Symbol, types.Content{MapAsset: &types.MapAsset{Asset: a.ID, Token: token}})
		}
	}
}

// tick lets time pass on the chains.
func (r *run) tick() {
	for _, c := range r.world.chains {
		if c.stalled > 0 {
			c.stalled--
			continue
		}
		if r.fails("stall", FaultStall) {
			r.rare("a chain stalls")
			c.stalled = r.dice.between("stall", 1, 30)
			continue
		}
		r.reorganise(c)
		r.deepReorg(c)
		r.printTokens(c)
		for range r.dice.between("mine", 0, 2) {
			c.mine(r.at.Unix())
		}
	}
	r.lie()
}

// reorganise drops blocks that are not final yet: nobody may notice.
func (r *run) reorganise(c *chain) {
	first := max(c.final, 1)
	if c.Height() < first+2 || !r.fails("reorg", FaultReorg) {
		return
	}
	to := first + r.dice.of("reorg").Uint64N(c.Height()-1-first)
	if err := c.Reorg(to); err != nil {
		r.broken("world", "%v", err)
	}
	c.forgery = nil
	r.rare("a reorg before finality")
	r.undo(c, to)
}

// undo takes back, in the world's own books, what a reorg has undone.
func (r *run) undo(c *chain, to uint64) {
	c.at = c.at[:len(c.Inbox())]
	for len(c.payments) > 0 {
		last := c.payments[len(c.payments)-1]
		if last.block <= to {
			break
		}
		last.undo()
		if c.broken {
			last.transfer.exempt = true
		}
		c.payments = c.payments[:len(c.payments)-1]
	}
	r.world.transfers = slices.DeleteFunc(r.world.transfers, func(t *transfer) bool {
		gone := t.id.Source == c.ID && t.id.Nonce > uint64(len(c.Inbox())) && !t.vanished
		if gone {
			delete(r.world.byPayee, t.recipient)
			delete(r.world.byPayee, t.refundTo)
			r.stats.Transfers--
		}
		return gone
	})
}

// lie begins, or ends, what the endpoints of liars show.
func (r *run) lie() {
	c := pick(r.dice.of("forged chain"), r.world.chains)
	if !r.fails("forge", FaultForge) {
		return
	}
	if c.forgery != nil {
		c.forgery = nil
		return
	}
	r.rare("a forged chain")
	c.forge(r.forgedDeposit(r.dice.of("forge"), c))
}

// forgedDeposit is one that nobody has made.
func (r *run) forgedDeposit(rnd *rand.Rand, c *chain) types.Deposited {
	d := types.Deposited{
		Sender: thief, RefundTo: thief, Destination: pick(rnd, r.world.chains).ID,
		Recipient: types.RecipientFromAddress(thief), Amount: types.NewAmount(1 + rnd.Uint64N(1<<40)),
	}
	d.MaxFee = d.Amount
	a := pick(rnd, r.world.assets)
	d.Token = c.TokenOf(a.ID)
	return d
}
