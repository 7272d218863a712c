package contracts_test

import (
	"bytes"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// arena is a world for random calls: people and tokens of all kinds, and the
// draws of which the random tests make their calls.
type arena struct {
	*world
	people []common.Address // call, and are paid
	keyed  []common.Address // can send transactions
	payees []common.Address // all who may be paid, with those who cannot
	tokens []common.Address // all that a call may name as a token
	lock   []common.Address // those that a RegisterToken may name
	focus  []common.Address // registered ones that calls come back to
	sets   []evmtest.Validators
	debts  []debt // all refunds that were ever ordered

	command []byte // the one of which a part was executed
	order   evmtest.Order
}

// debt is a refund with its place in the outbox.
type debt struct {
	nonce uint64
	index uint32
	types.BatchEntry
}

// hash is what the contract keeps of it.
func (d debt) hash() common.Hash {
	amount := d.Amount.Bytes32()
	return crypto.Keccak256Hash(common.LeftPadBytes(d.Token[:], 32), common.LeftPadBytes(d.Recipient[:], 32), amount[:])
}

// arenaAssets are the assets that commands may name; the first is none.
var arenaAssets = func() (list []types.AssetID) {
	for i := range byte(16) {
		list = append(list, types.AssetID{i})
	}
	return list
}()

// newArena deploys a bridge on which nothing was executed, its people and its
// tokens, with something of everything for each and for the vault.
func newArena(tokens ...string) *arena {
	a := &arena{world: bareWorld(nil, evmtest.Osaka)}
	a.wrapped = a.at("WrappedToken", common.Address{}) // for its code
	for range 4 {
		a.people = append(a.people, a.Chain.Account())
	}
	for _, name := range tokens {
		var args []any
		if name == "TestToken" {
			args = []any{"Test", "TST", uint8(18)}
		}
		token := a.deploy(name, args...)
		a.lock = append(a.lock, token.Address)
		a.stockArena(token)
	}
	a.Chain.Fund(a.Address, uint256.NewInt(5000))
	bomb := a.deploy("BombRecipient")
	stranger := strangers(1)[0]
	a.lock = append(a.lock, types.NativeToken, a.Address, a.staking.Address, stranger)
	for _, asset := range arenaAssets[1:6] {
		a.tokens = append(a.tokens, a.wrappedAt(types.RegisterToken{Asset: asset, Name: "Wrapped", Symbol: "WRP", Decimals: 6}))
	}
	a.tokens = append(a.tokens, a.lock...)
	a.keyed = append(slices.Clone(a.people), stranger)
	a.payees = append(slices.Clone(a.keyed), bomb.Address, common.Address{}, a.Address)
	a.payees = append(a.payees, a.tokens[0], a.lock[0], types.NativeToken)
	a.sets = []evmtest.Validators{a.Validators}
	for n, powers := range map[int][]uint32{1: {5}, 7: {1, 2, 3, 4, 5, 6, 7}, 9: nil} {
		v, err := evmtest.NewValidators(n, int64(n), powers...)
		a.must(err)
		a.sets = append(a.sets, v)
	}
	slices.SortFunc(a.sets[1:], func(x, y evmtest.Validators) int { return len(x.Set) - len(y.Set) })
	return a
}

// stockArena gives everybody 100,000 of a token, the vault 5,000, and the vault
// an allowance.
func (a *arena) stockArena(token evmtest.Contract) {
	for _, p := range a.people {
		_, err := token.Send(a.Owner, "mint", p, big.NewInt(100_000))
		a.must(err)
		_, err = token.Send(p, "approve", a.Address, abi.MaxUint256)
		a.must(err)
	}
	_, err := token.Send(a.Owner, "mint", a.Address, big.NewInt(5000))
	a.must(err)
}

// opening are the commands that make a bare bridge an active one with a token of
// each kind, half of them limited.
func (a *arena) opening() []types.Command {
	limit := types.TokenLimit{Capacity: types.NewAmount(300), Rate: types.NewAmount(1)}
	commands := []types.Command{
		types.Activate{},
		types.RegisterToken{Asset: assetNative, Token: types.NativeToken, Mode: types.ModeLock, Decimals: 18},
		types.RegisterToken{Asset: assetWrapped, Mode: types.ModeMint, Decimals: 6, Name: "Wrapped", Symbol: "WRP", Limit: limit},
	}
	assets := append([]types.AssetID{assetToken}, arenaAssets[4:]...)
	for i, token := range a.lock[:len(a.lock)-4] {
		r := types.RegisterToken{Asset: assets[i], Token: token, Mode: types.ModeLock, Decimals: 18}
		if i%2 == 0 {
			r.Limit = limit
		}
		commands = append(commands, r)
	}
	return commands
}

func (a *arena) fork(t rapid.TB) *arena {
	f := *a
	f.world = a.world.fork(t)
	f.debts = slices.Clone(a.debts)
	return &f
}

// wrappedAt is the CREATE2 address of a wrapped token.
func (w *world) wrappedAt(r types.RegisterToken) common.Address {
	var name, symbol [32]byte
	copy(name[:], r.Name)
	copy(symbol[:], r.Symbol)
	args, err := w.wrapped.ABI.Pack("", name, symbol, r.Decimals)
	w.must(err)
	return crypto.CreateAddress2(w.Address, r.Asset, crypto.Keccak256(w.wrapped.Bytecode, args))
}

func pick[T any](rt *rapid.T, label string, list ...T) T {
	return rapid.SampledFrom(list).Draw(rt, label)
}

// chance is true once in n times.
func chance(rt *rapid.T, label string, n int) bool { return rapid.IntRange(1, n).Draw(rt, label) == n }

// units draws an amount that matters beside what people have, or an absurd one.
func units(rt *rapid.T, label string) types.Amount {
	if chance(rt, label+" is odd", 12) {
		return pick(rt, label, types.Amount{}, types.NewAmount(1), power(100))
	}
	return types.NewAmount(rapid.Uint64Range(1, 400).Draw(rt, label))
}

// power is 2^n.
func power(n uint) types.Amount {
	amount, _ := types.AmountFromUint256(new(uint256.Int).Lsh(uint256.NewInt(1), n))
	return amount
}

func limits(rt *rapid.T) types.TokenLimit {
	amount := func(label string, list ...uint64) types.Amount { return types.NewAmount(pick(rt, label, list...)) }
	limit := types.TokenLimit{
		Minimum: amount("minimum", 0, 0, 2, 50), Capacity: amount("capacity", 0, 50, 300, 1000, 5000), Rate: amount("rate", 0, 1, 10, 1000),
	}
	if chance(rt, "huge rate", 8) {
		limit.Rate = most
	}
	return limit
}

var most, _ = types.AmountFromBytes(bytes.Repeat([]byte{255}, 16))

// known draws a registered token, mostly, and every other time one of two: what
// limits, debts and fees do shows only where much happens to one token.
func (a *arena) known(rt *rapid.T) common.Address {
	var registered []common.Address
	for _, token := range a.tokens {
		if a.TokenState(token).Mode != 0 {
			registered = append(registered, token)
		}
	}
	if len(registered) == 0 || chance(rt, "any token", 12) {
		return rapid.SampledFrom(a.tokens).Draw(rt, "token")
	}
	if len(a.focus) == 0 {
		a.focus = rapid.SliceOfN(rapid.SampledFrom(registered), 2, 2).Draw(rt, "focus")
	}
	if rapid.Bool().Draw(rt, "focused") {
		return rapid.SampledFrom(a.focus).Draw(rt, "token")
	}
	return rapid.SampledFrom(registered).Draw(rt, "token")
}

func (a *arena) batch(rt *rapid.T) []byte {
	var entries []types.BatchEntry
	for range rapid.IntRange(1, 3).Draw(rt, "groups") {
		group := types.BatchEntry{
			Kind: pick(rt, "kind", types.EntryRelease, types.EntryRefund), Token: a.known(rt),
			Fee: pick(rt, "fee", types.Amount{}, types.NewAmount(3), types.NewAmount(3), power(100)),
		}
		for range rapid.IntRange(1, 4).Draw(rt, "entries") {
			group.Recipient, group.Amount = rapid.SampledFrom(a.payees).Draw(rt, "to"), units(rt, "amount")
			entries = append(entries, group)
		}
	}
	if !chance(rt, "ungrouped", 6) {
		return types.EncodeCommand(types.Batch{Entries: entries})
	}
	// Groups that could be one: the contract takes them.
	command := []byte{byte(types.CommandBatch)}
	for _, e := range entries {
		command = append(command, types.EncodeCommand(types.Batch{Entries: []types.BatchEntry{e}})[1:]...)
	}
	return command
}

// control draws a command that is no batch, good or not.
func (a *arena) control(rt *rapid.T) []byte {
	var c types.Command
	switch kind := pick(rt, "kind", types.CommandSetParams, types.CommandActivate, types.CommandSetValidators, types.CommandRegisterToken,
		types.CommandSetParams, types.CommandSetParams, types.CommandSlash, types.CommandReleaseStake); kind {
	case types.CommandActivate:
		c = types.Activate{}
	case types.CommandSetValidators:
		epoch := a.State().Epoch + pick(rt, "epochs", uint64(1), 1, 1, 0, 2)
		c = types.SetValidators{Epoch: epoch, Set: rapid.SampledFrom(a.sets).Draw(rt, "set").Set}
	case types.CommandRegisterToken:
		r := types.RegisterToken{Asset: pick(rt, "asset", arenaAssets[:6]...), Decimals: 6, Limit: limits(rt), Name: "Wrapped", Symbol: "WRP"}
		r.Mode = pick(rt, "mode", types.ModeMint, types.ModeMint, types.ModeLock, types.ModeLock, 0, 3)
		if r.Mode == types.ModeLock {
			r.Token, r.Name, r.Symbol = rapid.SampledFrom(a.tokens).Draw(rt, "token"), "", ""
		}
		switch {
		case chance(rt, "bend token", 10):
			r.Token = rapid.SampledFrom(a.tokens).Draw(rt, "token")
		case chance(rt, "bend name", 10):
			r.Name = pick(rt, "name", "", "Wrapped")
		case chance(rt, "bend symbol", 10):
			r.Symbol = pick(rt, "symbol", "", "WRP")
		}
		c = r
	case types.CommandSetParams:
		p := types.SetParams{
			ReleaseGas: pick(rt, "gas", uint32(300_000), 300_000, 300_000, 150_000, 2_000_000, 49_999, 2_000_001),
			Deposits:   !chance(rt, "deposits off", 5),
		}
		for range rapid.IntRange(0, 2).Draw(rt, "tokens") {
			p.Tokens = append(p.Tokens, types.TokenParams{Token: a.known(rt), Limit: limits(rt)})
		}
		c = p
	case types.CommandReleaseStake:
		c = types.ReleaseStake{Operator: types.Address{1}, Amount: units(rt, "stake")}
	default:
		c = types.Slash{Operator: types.Address{1}, Fraction: pick(rt, "fraction", uint32(0), 1, 1_000_001)}
	}
	return types.EncodeCommand(c)
}

// next draws the command that the outbox goes on with.
func (a *arena) next(rt *rapid.T) []byte {
	if a.State().NextIndex > 0 {
		return a.command
	}
	var command []byte
	if chance(rt, "control", 3) {
		command = a.control(rt)
	} else {
		command = a.batch(rt)
	}
	if chance(rt, "malformed", 10) {
		switch rapid.IntRange(0, 3).Draw(rt, "mutation") {
		case 0:
			command[rapid.IntRange(0, len(command)-1).Draw(rt, "at")] ^= rapid.Byte().Draw(rt, "flip")
		case 1:
			command = command[:rapid.IntRange(0, len(command)).Draw(rt, "cut")]
		case 2:
			command = append(command, rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(rt, "tail")...)
		default:
			command = rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(rt, "bytes")
		}
	}
	return command
}

// sealed is a command under a good seal.
func (a *arena) sealed(rt *rapid.T, command []byte) evmtest.Order {
	var others []types.Hash
	for i := range rapid.IntRange(0, 3).Draw(rt, "other commands") {
		others = append(others, types.Hash{1, byte(i)})
	}
	order, err := a.SealAs(a.State().OutboxNonce+1, command, others...)
	a.must(err)
	order.From = a.State().NextIndex
	return order
}

// bent is an order with one thing wrong.
func (a *arena) bent(rt *rapid.T, command []byte) evmtest.Order {
	o, position := a.sealed(rt, command), a.State()
	reroot := func(chain types.ChainID, bridge common.Address, nonce uint64) {
		o.Path, o.Seal.Root = nil, evmsig.CommandLeaf(chain, bridge, nonce, command)
		a.must(a.Resign(&o))
	}
	switch pick(rt, "bend", "from", "height", "path", "nonce", "chain", "contract", "epoch", "root", "power", "set", "signature", "quorum", "again") {
	case "from":
		o.From += rapid.Uint32Range(1, 3).Draw(rt, "off")
	case "height":
		o.Seal.Height = position.SealHeight - min(position.SealHeight, rapid.Uint64Range(0, 2).Draw(rt, "lower"))
		a.must(a.Resign(&o))
	case "path":
		o.Path = append(o.Path, types.Hash{9})
	case "nonce":
		reroot(here, a.Address, position.OutboxNonce+pick(rt, "nonce", uint64(0), 2))
	case "chain":
		reroot(there, a.Address, position.OutboxNonce+1)
	case "contract":
		reroot(here, a.people[0], position.OutboxNonce+1)
	case "epoch":
		o.Seal.Epoch += pick(rt, "epochs", uint64(1), 1<<64-1)
		a.must(a.Resign(&o))
	case "root":
		o.Path, o.Seal.Root = nil, types.Hash{}
	case "power":
		signers := rapid.SliceOfNDistinct(rapid.IntRange(0, len(a.Validators.Set)-1), 0, -1, rapid.ID).Draw(rt, "signers")
		slices.Sort(signers)
		o.Quorum = packAll(a.world, o, signers)
	case "set":
		other := *a.Bridge
		other.Validators = rapid.SampledFrom(a.sets).Draw(rt, "set")
		a.must(other.Resign(&o))
	case "signature":
		o.Quorum[len(o.Quorum)-1-rapid.IntRange(0, 63).Draw(rt, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
	case "quorum":
		at := rapid.IntRange(0, len(o.Quorum)-1).Draw(rt, "at")
		switch rapid.IntRange(0, 2).Draw(rt, "how") {
		case 0:
			o.Quorum[at] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		case 1:
			o.Quorum = o.Quorum[:at]
		default:
			o.Quorum = append(o.Quorum, 0)
		}
	case "again":
		return a.order
	}
	return o
}

// executed keeps what the arena must know of an order that did not revert.
func (a *arena) executed(o evmtest.Order, receipt types.Executed) {
	a.order, a.command = o, o.Command
	for i := range receipt.Count {
		entries := batchEntries(o.Command)
		if int(receipt.First+i) < len(entries) && entries[receipt.First+i].Kind == types.EntryRefund {
			a.debts = append(a.debts, debt{receipt.OutboxNonce, receipt.First + i, entries[receipt.First+i]})
		}
	}
	// Whoever signs next is who is in force.
	position := a.State()
	a.Epoch = position.Epoch
	for _, v := range a.sets {
		if v.Set.Hash() == position.SetHash {
			a.Validators = v
		}
	}
}

// batchEntries are the entries of a batch; nothing of what is none.
func batchEntries(command []byte) []types.BatchEntry { return slices.Concat(batchGroups(command)...) }

// batchGroups are the same entries by the groups that the contract finds, even
// where two could be one.
func batchGroups(command []byte) [][]types.BatchEntry {
	if len(command) == 0 || command[0] != byte(types.CommandBatch) {
		return nil
	}
	var groups [][]types.BatchEntry
	for rest := command[1:]; len(rest) > 0; {
		size := types.BatchGroupBytes
		if len(rest) < size {
			return nil
		}
		size += types.BatchEntryBytes * (int(rest[37])<<8 | int(rest[38]))
		if len(rest) < size {
			return nil
		}
		group, err := types.DecodeCommand(append([]byte{byte(types.CommandBatch)}, rest[:size]...))
		if err != nil {
			return nil
		}
		groups = append(groups, group.(types.Batch).Entries)
		rest = rest[size:]
	}
	return groups
}

// someDeposit draws the arguments of a deposit, good or not.
func (a *arena) someDeposit(rt *rapid.T) types.Deposited {
	d := types.Deposited{
		Token: a.known(rt), Sender: rapid.SampledFrom(a.people).Draw(rt, "sender"), Destination: there,
		Recipient: types.RecipientFromAddress(a.people[0]), Amount: units(rt, "amount"), MaxFee: units(rt, "maximum fee"), Data: []byte{},
	}
	switch pick(rt, "bend", "", "", "", "", "", "", "destination", "recipient", "refund", "data", "balance", "minimum") {
	case "destination":
		d.Destination = pick(rt, "destination", types.ChainID(0), here, 1<<64-1)
	case "recipient":
		d.Recipient = pick(rt, "recipient", types.Hash{}, types.Hash{1})
	case "refund":
		d.RefundTo = rapid.SampledFrom(append([]common.Address{d.Token}, a.payees...)).Draw(rt, "refund to")
	case "data":
		d.Data = make([]byte, pick(rt, "length", 1, 1024, 1025))
	case "balance":
		d.Amount = pick(rt, "amount", most, types.NewAmount(100_001))
	case "minimum":
		d.Amount = a.TokenState(d.Token).Minimum
	}
	// A transaction with more coin than there is, is none.
	if has := a.Chain.Holding(d.Token, d.Sender); d.Token == types.NativeToken && d.Amount.Cmp(has) > 0 {
		d.Amount = has
	}
	return d
}

func (a *arena) sendDeposit(d types.Deposited) (evmtest.Result, error) {
	fee, refundTo := d.MaxFee.Bytes32(), d.RefundTo
	if d.Token != types.NativeToken {
		amount := d.Amount.Bytes32()
		return a.Send(d.Sender, "deposit", d.Token, new(big.Int).SetBytes(amount[:]), uint64(d.Destination), [32]byte(d.Recipient), refundTo,
			new(big.Int).SetBytes(fee[:]), d.Data)
	}
	data, err := a.ABI.Pack("depositNative", uint64(d.Destination), [32]byte(d.Recipient), refundTo, new(big.Int).SetBytes(fee[:]), d.Data)
	a.must(err)
	amount := d.Amount.Bytes32()
	return a.Chain.Send(evmtest.Tx{From: d.Sender, To: &a.Address, Value: new(uint256.Int).SetBytes32(amount[:]), Data: data})
}

// someDebt draws a debt whose owner can send a transaction: somebody with a key.
// Contracts have none, nor has the address of a wrapped token that is not there
// yet, which is a hash: a transaction from there would keep the token from ever
// being made.
func (a *arena) someDebt(rt *rapid.T) debt {
	var list []debt
	for _, d := range a.debts {
		if slices.Contains(a.keyed, d.Recipient) {
			list = append(list, d)
		}
	}
	if len(list) == 0 {
		rt.Skip("nobody with a key was ever owed anything")
	}
	return rapid.SampledFrom(list).Draw(rt, "debt")
}

func (a *arena) sendClaim(d debt, to common.Address) (evmtest.Result, error) {
	amount := d.Amount.Bytes32()
	return a.Send(d.Recipient, "claim", d.nonce, d.index, d.Token, new(big.Int).SetBytes(amount[:]), to)
}

// someGas is mostly plenty, and otherwise what a part of a batch needs.
func someGas(rt *rapid.T) uint64 {
	if chance(rt, "plenty of gas", 2) {
		return evmtest.Plenty
	}
	return rapid.Uint64Range(500_000, 3_000_000).Draw(rt, "gas")
}
