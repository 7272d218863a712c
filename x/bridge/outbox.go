package bridge

import (
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Gas that execute() may use beside a batch's payouts, and the dearest price of
// a byte of calldata (EIP-7976): a batch sized by them still executes where a
// chain has raised its prices.
const (
	batchBaseGas   = 400_000
	calldataGas    = 64
	calldataShare  = 8        // a batch's bytes may cost an eighth of its gas
	maxBatchBytes  = 96 << 10 // nodes refuse transactions above 128 KiB
	itemReserveGas = 15_000
)

// batchRoom is what a batch on a chain still has room for.
type batchRoom struct {
	items, bytes int
	groups       map[batchGroup]bool // that are in it
}

// batchGroup is what the entries of one group share: the contract's bytes name it
// once.
type batchGroup struct {
	kind  uint32
	asset types.AssetID
	fee   string
}

func groupOf(e *pb.Entry) batchGroup {
	return batchGroup{e.Kind, types.AssetID(e.Transfer.Asset), string(e.Fee)}
}

func newBatchRoom(chain *pb.Chain) batchRoom {
	items := uint64(1)
	if chain.BatchGas > batchBaseGas {
		items = max(items, (chain.BatchGas-batchBaseGas)/(uint64(chain.ReleaseGas)+itemReserveGas))
	}
	bytes := max(min(chain.BatchGas/calldataShare/calldataGas, maxBatchBytes), types.BatchGroupBytes+types.BatchEntryBytes)
	return batchRoom{
		items: int(min(items, types.MaxBatchItems)), bytes: int(bytes), //nolint:gosec // at most MaxBatchItems and maxBatchBytes
		groups: map[batchGroup]bool{},
	}
}

// take says whether there was room for an entry, which it then has taken.
func (r *batchRoom) take(e *pb.Entry) bool {
	group, size := groupOf(e), types.BatchEntryBytes
	if !r.groups[group] {
		size += types.BatchGroupBytes
	}
	if r.items == 0 || size > r.bytes {
		return false
	}
	r.items, r.bytes, r.groups[group] = r.items-1, r.bytes-size, true
	return true
}

// initialized opens a chain whose contract was deployed with the current set;
// any other is refused, and stays so.
func (a *applier) initialized(chain *pb.Chain, nonce uint64, e types.Initialized) {
	if chain.Outbox != 0 || nonce != 1 {
		a.quarantine(chain, nonce, types.ReasonReinitialized)
		return
	}
	if e.SetHash != signerSet(a.s.Epoch(a.network.Epoch)).Hash() {
		chain.Refused = refusedSet
		a.emit(EventChainRefused, "chain", decimal(chain.Id), "reason", refusedSet)
		return
	}
	chain.SetEpoch, chain.SetInForce = a.network.Epoch, a.network.Epoch
	a.order(chain, types.Activate{})
	a.order(chain, paramsOf(chain))
	for _, asset := range a.s.Assets() {
		if token := tokenOn(asset, types.ChainID(chain.Id)); token != nil {
			a.order(chain, registration(asset, token))
		}
	}
}

// refusedSet is why a chain is not served: its contract was deployed with
// another validator set than the network's.
const refusedSet = "validator_set_mismatch"

func registration(asset *pb.Asset, token *pb.Token) types.RegisterToken {
	c := types.RegisterToken{
		Asset: types.AssetID(asset.Id), Mode: types.TokenMode(token.Mode), //nolint:gosec // written from a TokenMode
		Decimals: uint8(token.Decimals), //nolint:gosec // at most MaxDecimals
		Limit: types.TokenLimit{
			Minimum: amountOf(token.Minimum), Capacity: amountOf(token.Capacity), Rate: amountOf(token.Rate),
		},
	}
	if c.Mode == types.ModeMint {
		c.Name, c.Symbol = asset.Name, asset.Symbol
	} else {
		c.Token = types.Address(token.Token)
	}
	return c
}

// order puts a control command at the end of a chain's backlog; commands makes
// it part of the outbox.
func (a *applier) order(chain *pb.Chain, c types.Command) {
	id := types.ChainID(chain.Id)
	a.backlogs[id] = append(a.backlog(chain), types.EncodeCommand(c))
	chain.Backlog = uint32(len(a.backlogs[id])) //nolint:gosec // a few
}

func (a *applier) backlog(chain *pb.Chain) [][]byte {
	id := types.ChainID(chain.Id)
	if _, loaded := a.backlogs[id]; !loaded && chain.Backlog > 0 {
		a.backlogs[id] = a.s.Backlog(id).Commands
	}
	return a.backlogs[id]
}

// append gives a command the next nonce of its chain's outbox.
func (a *applier) append(chain *pb.Chain, command *pb.Command) {
	chain.Outbox++
	command.Nonce = chain.Outbox
	id := types.ChainID(chain.Id)
	a.orders[id] = append(a.orders[id], command)
}

// commands fills the outboxes: first what waits in the backlogs, then batches.
// A block orders at most max_commands, beginning with another chain each time,
// and none while max_open_seals are open; what is left over waits in its order.
// During a handover the outboxes take nothing but the next set.
func (a *applier) commands() {
	room := int(a.network.Params.MaxCommands)
	if a.network.OpenSeals >= a.network.Params.MaxOpenSeals {
		room = 0
	}
	if a.network.Handover != 0 {
		a.orderSets(room)
		return
	}
	start := int(a.height() % uint64(max(1, len(a.chains)))) //nolint:gosec // an index
	for i := range a.chains {
		chain := a.chains[(start+i)%len(a.chains)]
		if chain.Refused != "" {
			continue
		}
		room -= a.takeBacklog(chain, room)
		room -= a.batches(chain, room)
	}
}

// takeBacklog orders up to most waiting control commands and says how many.
func (a *applier) takeBacklog(chain *pb.Chain, most int) int {
	waiting := a.backlog(chain)
	taken := min(most, len(waiting))
	for _, bytes := range waiting[:taken] {
		a.append(chain, &pb.Command{Kind: uint32(bytes[0]), Bytes: bytes, Items: 1})
	}
	if taken > 0 {
		a.backlogs[types.ChainID(chain.Id)] = waiting[taken:]
		chain.Backlog -= uint32(taken) //nolint:gosec // at most max_commands
	}
	return taken
}

// batchDue says whether a chain may have a batch now, or why not. Commands that
// wait in its backlog go first.
func batchDue(network *pb.Network, chain *pb.Chain, nowMS int64) types.Reason {
	switch {
	case network.Handover != 0:
		return types.ReasonHandover
	case network.OpenSeals >= network.Params.MaxOpenSeals:
		return types.ReasonOpenSeals
	case chain.Backlog > 0:
		return types.ReasonBacklog
	case chain.OpenBatches >= network.Params.MaxOpenBatches:
		return types.ReasonOpenBatches
	case chain.LastBatchMs != 0 && nowMS-chain.LastBatchMs < int64(chain.BatchGapMs): //nolint:gosec // at most an hour
		return types.ReasonBatchGap
	}
	return types.ReasonNone
}

// batches commits waiting entries, the oldest first, and says in how many
// batches. Behind a full one there is no gap, which is there to let transfers go
// together.
func (a *applier) batches(chain *pb.Chain, most int) int {
	f := filling{applier: a, chain: chain, moves: maxMoves}
	for made := range most {
		if batchDue(a.network, chain, a.block.Time.UnixMilli()) != types.ReasonNone {
			return made
		}
		entries, full := f.take()
		if len(entries) == 0 {
			return made
		}
		a.commit(chain, entries)
		if !full {
			chain.LastBatchMs = a.block.Time.UnixMilli()
			return made + 1
		}
	}
	return most
}

// commit makes a batch of entries.
func (a *applier) commit(chain *pb.Chain, entries []*pb.Entry) {
	groupEntries(entries)
	chain.OpenBatches++
	a.append(chain, &pb.Command{
		Kind: uint32(types.CommandBatch), Entries: entries, Items: uint32(len(entries)), //nolint:gosec // at most MaxBatchItems
	})
	for _, span := range spansOf(types.ChainID(chain.Id), chain.Outbox, entries) {
		a.s.SetSpan(span)
	}
}

// groupEntries brings entries that share kind, asset and fee together, for the
// contract's bytes name those once a group; the order within a group, and of the
// groups' first entries, stays.
func groupEntries(entries []*pb.Entry) {
	at := map[batchGroup]int{}
	var groups [][]*pb.Entry
	for _, e := range entries {
		group := groupOf(e)
		if _, known := at[group]; !known {
			at[group] = len(groups)
			groups = append(groups, nil)
		}
		groups[at[group]] = append(groups[at[group]], e)
	}
	copy(entries, slices.Concat(groups...))
}

// spansOf is the ranges of inbox nonces that a batch's entries cover, one for
// each source chain in the order of their first entries.
func spansOf(chain types.ChainID, nonce uint64, entries []*pb.Entry) []state.Span {
	var spans []state.Span
	for _, e := range entries {
		source, n := types.ChainID(e.Transfer.Source), e.Transfer.Nonce
		at := slices.IndexFunc(spans, func(s state.Span) bool { return s.Source == source })
		if at < 0 {
			spans = append(spans, state.Span{Source: source, First: n, Last: n, Chain: chain, Nonce: nonce})
			continue
		}
		spans[at].First, spans[at].Last = min(spans[at].First, n), max(spans[at].Last, n)
	}
	return spans
}

// executed applies a receipt: it settles a slice's entries, and finishes the
// command with its last.
func (a *applier) executed(chain *pb.Chain, nonce uint64, e types.Executed) {
	id := types.ChainID(chain.Id)
	command := a.s.Command(id, e.OutboxNonce)
	if command == nil || e.OutboxNonce != chain.Executed+1 || e.First != chain.NextItem ||
		e.Count > command.Items-e.First {
		a.quarantine(chain, nonce, types.ReasonUnknownCommand)
		return
	}
	a.receipt(chain, command, e, nonce)
}

// receipt books a slice of a command.
func (a *applier) receipt(chain *pb.Chain, command *pb.Command, e types.Executed, nonce uint64) {
	id := types.ChainID(chain.Id)
	a.released = types.TransferList{}
	for i := range e.Count {
		a.settle(chain, command, e.First+i, e.Failed(i), nonce)
	}
	command.Executed = e.First + e.Count
	chain.NextItem, chain.ExecutedSeal = command.Executed, command.Height
	a.emit(EventCommandExecuted, "chain", decimal(chain.Id), "outbox_nonce", decimal(command.Nonce),
		"kind", types.CommandKind(command.Kind).String(), "first", decimal(e.First), "count", decimal(e.Count), //nolint:gosec // written from a CommandKind
		"relayer", e.Relayer.Hex(), "transfers", a.released.String())
	if command.Executed == command.Items {
		a.finish(chain, command)
		a.slashed(command, nonce)
	}
	a.s.SetCommand(id, command)
}

func (a *applier) finish(chain *pb.Chain, command *pb.Command) {
	chain.Executed, chain.NextItem = command.Nonce, 0
	command.ExecutedHeight, command.PrunedAt = a.height(), a.height()+a.network.Params.KeepBlocks
	a.s.SetPruned(state.Pruned{Height: command.PrunedAt, Chain: types.ChainID(chain.Id), Nonce: command.Nonce})
	switch types.CommandKind(command.Kind) { //nolint:gosec // written from a CommandKind
	case types.CommandBatch:
		chain.OpenBatches--
	case types.CommandActivate:
		chain.Active = !bit(command.Failures, 0)
	case types.CommandSetValidators:
		a.setInForce(chain, command)
	case types.CommandReleaseStake:
		a.stakeReleased(command)
	case types.CommandRegisterToken, types.CommandSetParams, types.CommandSlash:
	}
}

// tokenRegistered confirms a mapping. Only what this network ordered counts.
func (a *applier) tokenRegistered(chain *pb.Chain, nonce uint64, e types.TokenRegistered) {
	asset := a.asset(e.Asset)
	token := tokenOn(asset, types.ChainID(chain.Id))
	if token == nil || token.Registered || token.Mode != uint32(e.Mode) || token.Decimals != uint32(e.Decimals) ||
		e.Mode == types.ModeLock && types.Address(token.Token) != e.Token {
		a.quarantine(chain, nonce, types.ReasonUnknownToken)
		return
	}
	a.register(chain, asset, token, e.Token)
}

// register notes that a contract has registered an asset's token.
func (a *applier) register(chain *pb.Chain, asset *pb.Asset, token *pb.Token, address types.Address) {
	token.Token, token.Registered = address[:], true
	a.s.SetAsset(asset)
	a.s.SetTokenAsset(types.ChainID(chain.Id), address, types.AssetID(asset.Id))
	a.emit(EventTokenRegistered, "chain", decimal(chain.Id), "asset", types.AssetID(asset.Id).String(), "token", address.Hex())
}

// prune deletes finished commands whose time has come, and seals that cover
// nothing any more. What is left over for the limit is deleted in later blocks.
func (a *applier) prune() {
	const most = 256
	if a.network.Handover == 0 && a.height()%a.network.Params.DutyBlocks == 0 {
		a.forget()
	}
	for _, due := range a.s.Due(a.height(), most) {
		command := a.s.Command(due.Chain, due.Nonce)
		for _, span := range spansOf(due.Chain, due.Nonce, command.GetEntries()) {
			a.s.RemoveSpan(span)
		}
		a.s.RemoveCommand(due.Chain, due.Nonce)
		a.s.RemovePruned(due)
		a.pruneSeal(command.GetHeight())
	}
}

func (a *applier) pruneSeal(height uint64) {
	for _, leaf := range a.s.Seal(height).GetLeaves() {
		if a.s.Command(types.ChainID(leaf.Chain), leaf.Nonce) != nil {
			return
		}
	}
	if seal := a.s.Seal(height); seal != nil && seal.Complete == 0 {
		a.network.OpenSeals--
	}
	a.s.RemoveSeal(height)
}

// batchOf gives the contract's form of a batch: token units, in index order.
func batchOf(v state.View, chain types.ChainID, entries []*pb.Entry) types.Batch {
	assets := map[types.AssetID]*pb.Asset{}
	batch := types.Batch{Entries: make([]types.BatchEntry, 0, len(entries))}
	for _, e := range entries {
		id := types.AssetID(e.Transfer.Asset)
		if assets[id] == nil {
			assets[id] = v.Asset(id)
		}
		token := tokenOn(assets[id], chain)
		scale := scaleOf(assets[id], token)
		item := types.BatchEntry{Kind: types.EntryKind(e.Kind), Token: types.Address(token.Token)} //nolint:gosec // written from an EntryKind
		item.Fee, _ = amountOf(e.Fee).DivMod(scale)
		item.Amount, _ = amountOf(e.Payout).DivMod(scale)
		item.Recipient = types.Address(e.Transfer.RefundTo)
		if item.Kind == types.EntryRelease {
			item.Recipient = types.Address(e.Transfer.Recipient[12:])
		}
		batch.Entries = append(batch.Entries, item)
	}
	return batch
}

// commandBytes gives a command's canonical bytes; a batch's follow from its
// entries and are not stored.
func commandBytes(v state.View, chain types.ChainID, command *pb.Command) []byte {
	if len(command.Entries) == 0 {
		return command.Bytes
	}
	return types.EncodeCommand(batchOf(v, chain, command.Entries))
}

func bit(bits []byte, i uint32) bool {
	return int(i/8) < len(bits) && bits[i/8]&(1<<(i%8)) != 0
}

func setBit(bits []byte, i uint32, set bool) []byte {
	for int(i/8) >= len(bits) {
		bits = append(bits, 0)
	}
	bits[i/8] &^= 1 << (i % 8)
	if set {
		bits[i/8] |= 1 << (i % 8)
	}
	return bits
}
