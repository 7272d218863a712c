package bridge

import (
	"fmt"
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/quorum"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Violation is a broken invariant of one version of the state.
type Violation struct {
	Invariant string `json:"invariant"` // I1 to I6, as docs/invariants.md names them
	Text      string `json:"text"`
}

// CheckInvariants recomputes from single records what the totals claim (I1),
// looks for transfers that are paid twice (I2), verifies every seal's
// signatures and every cursor's votes again (I3), and checks the order of
// positions (I4) and that nothing is kept that should have gone (I6). I5, the
// equality of replicas, is for whoever holds several: compare their hashes. It
// reads the whole state, so it is for tests and for operators, not for blocks.
func (m *Machine) CheckInvariants(r Reader) (violations []Violation, err error) {
	defer state.Catch(&err)
	return auditOf(state.NewView(r), m.recoverSigner), nil
}

// audit collects violations.
type audit struct {
	v       state.View
	recover SignerRecoverer
	network *pb.Network
	held    map[held]uint32 // releases that are in lanes
	found   []Violation
}

func checkInvariants(v state.View) []Violation { return auditOf(v, evmsig.Recover) }

func auditOf(v state.View, recoverSigner SignerRecoverer) []Violation {
	a := &audit{v: v, network: v.Network(), recover: recoverSigner, held: map[held]uint32{}}
	a.conservation()
	a.quarantines()
	a.once()
	a.entries()
	a.quorum()
	a.order()
	a.bounded()
	a.validators()
	return a.found
}

func (a *audit) fail(invariant, format string, args ...any) {
	a.found = append(a.found, Violation{invariant, fmt.Sprintf(format, args...)})
}

// open is the sums over the single records of one asset.
type open struct {
	inFlight, owed types.Amount
	reserved       map[uint64]types.Amount
}

// sums adds up all entries that are not executed, and all that is owed.
func (a *audit) sums() map[types.AssetID]*open {
	all := map[types.AssetID]*open{}
	of := func(t *pb.Transfer) *open {
		id := types.AssetID(t.Asset)
		if all[id] == nil {
			all[id] = &open{reserved: map[uint64]types.Amount{}}
		}
		return all[id]
	}
	add := func(total *types.Amount, by types.Amount) {
		sum, err := total.Add(by)
		if err != nil {
			a.fail("I1", "a sum leaves the range of amounts")
		}
		*total = sum
	}
	eachQueued(a.v, func(_ *pb.Chain, _ state.LaneID, e *pb.Entry) { add(&of(e.Transfer).inFlight, amountOf(e.Amount)) })
	for _, chain := range a.v.Chains() {
		a.v.Commands(types.ChainID(chain.Id), chain.Executed+1, func(c *pb.Command) bool {
			for i, e := range c.Entries {
				if i < int(c.Executed) {
					continue
				}
				o := of(e.Transfer)
				add(&o.inFlight, amountOf(e.Amount))
				reserved := o.reserved[chain.Id]
				add(&reserved, amountOf(e.Payout))
				add(&reserved, amountOf(e.Fee))
				o.reserved[chain.Id] = reserved
			}
			return true
		})
	}
	a.v.AllOwed(func(c types.ChainID, _ uint64, _ uint32, owed *pb.Owed) bool {
		o := of(owed.Transfer)
		add(&o.owed, amountOf(owed.Amount))
		reserved := o.reserved[uint64(c)]
		add(&reserved, amountOf(owed.Amount))
		o.reserved[uint64(c)] = reserved
		return true
	})
	return all
}

func (a *audit) conservation() {
	sums := a.sums()
	for _, asset := range a.v.Assets() {
		l := ledgerFromPB(a.v.Ledger(types.AssetID(asset.Id)))
		held, claims, err := l.conservation()
		if err != nil || held.Cmp(claims) != 0 {
			a.fail("I1", "%s: custody + deficit = %s, but the claims on it = %s", asset.Symbol, held, claims)
		}
		o := sums[types.AssetID(asset.Id)]
		if o == nil {
			o = &open{}
		}
		if l.inFlight.Cmp(o.inFlight) != 0 {
			a.fail("I1", "%s: in flight %s, but its entries sum to %s", asset.Symbol, l.inFlight, o.inFlight)
		}
		if l.owed.Cmp(o.owed) != 0 {
			a.fail("I1", "%s: owed %s, but its records sum to %s", asset.Symbol, l.owed, o.owed)
		}
		for _, b := range l.balances {
			chain := a.v.Chain(b.chain)
			lacks := b.reserved.Cmp(b.amount) > 0 && chain.GetAnchor() == 0 // a re-anchored chain may have lost custody
			if b.mode == types.ModeLock && chain.GetRefused() == "" && (lacks || b.reserved.Cmp(o.reserved[uint64(b.chain)]) != 0) {
				a.fail("I1", "%s on chain %s: reserved %s of custody %s, but its entries sum to %s",
					asset.Symbol, b.chain, b.reserved, b.amount, o.reserved[uint64(b.chain)])
			}
		}
	}
}

// once looks at every kept station of every kept transfer: there is at most one
// release and one refund, a refund follows only a release that failed, and
// nothing is both released and refunded. A release whose execution has vanished
// in a re-anchoring may be paid although its refund was: the books have a
// deficit for it.
func (a *audit) once() {
	type stations struct {
		release, refund types.Status
		undone          bool
	}
	seen := map[types.TransferID]*stations{}
	visit := func(p place) {
		t := p.transfer()
		id := types.TransferID{Source: types.ChainID(t.Source), Nonce: t.Nonce}
		if seen[id] == nil {
			seen[id] = &stations{}
		}
		at := &seen[id].release
		if p.entry.Kind == uint32(types.EntryRefund) {
			at = &seen[id].refund
		} else {
			seen[id].undone = p.command != nil && p.index < p.command.Undone
		}
		if *at != "" {
			a.fail("I2", "transfer %s has two entries of one kind: %s and %s", id, *at, p.status())
		}
		*at = p.status()
		if s := seen[id]; s.refund != "" && s.release != "" && s.release != types.StatusFailed && !s.undone {
			a.fail("I2", "transfer %s has a refund (%s) although its release is %s", id, s.refund, s.release)
		}
	}
	for _, chain := range a.v.Chains() { // commands first: a release stands before its refund
		a.v.Commands(types.ChainID(chain.Id), 0, func(c *pb.Command) bool {
			for i, e := range c.Entries {
				visit(place{entry: e, chain: chain, command: c, index: uint32(i)}) //nolint:gosec // an index
			}
			return true
		})
	}
	eachQueued(a.v, func(chain *pb.Chain, id state.LaneID, e *pb.Entry) { visit(place{entry: e, chain: chain, lane: id}) })
	a.ends()
}

// ends checks that no transfer was swallowed: of those that ever came from a
// chain, all that have not ended have a record, and one.
func (a *audit) ends() {
	open := map[uint64]int64{}
	eachQueued(a.v, func(_ *pb.Chain, _ state.LaneID, e *pb.Entry) { open[e.Transfer.Source]++ })
	for _, chain := range a.v.Chains() {
		a.v.Commands(types.ChainID(chain.Id), chain.Executed+1, func(c *pb.Command) bool {
			for _, e := range c.Entries[min(int(c.Executed), len(c.Entries)):] {
				open[e.Transfer.Source]++
			}
			return true
		})
	}
	a.v.AllOwed(func(_ types.ChainID, _ uint64, _ uint32, owed *pb.Owed) bool {
		open[owed.Transfer.Source]++
		return true
	})
	a.v.Quarantines(0, func(record *pb.Quarantine) bool {
		if len(record.Transfer.RefundTo) > 0 {
			open[record.Transfer.Source]++
		}
		return true
	})
	for _, chain := range a.v.Chains() {
		if int64(chain.Transfers) != chain.Ended+open[chain.Id] { //nolint:gosec // a count
			a.fail("I2", "%s: %d transfers came from it, %d have ended and %d are there", chain.Label, chain.Transfers, chain.Ended, open[chain.Id])
		}
	}
}

// quorum verifies again: complete seals by their signatures, roots by their
// commands, executed commands by their seals, cursors by the votes that held
// their marks.
func (a *audit) quorum() {
	var open uint32
	last := sealHistory(a.v).Last
	a.v.Seals(0, func(seal *pb.Seal) bool {
		if seal.Height > last.Height || seal.Height == last.Height && (seal.Epoch != last.Epoch || types.Hash(seal.Root) != last.Root) {
			a.fail("I3", "the seal of height %d is not in the seal history, whose last is of height %d", seal.Height, last.Height)
		}
		if holds := a.sealHolds(seal); seal.Complete != 0 && !holds {
			a.fail("I3", "the seal of height %d is called complete without valid signatures of > 2/3", seal.Height)
		}
		if seal.Complete == 0 {
			open++
		}
		return true
	})
	if open != a.network.OpenSeals {
		a.fail("I6", "%d open seals, but %d are there", a.network.OpenSeals, open)
	}
	b := newBallot(a.v, a.network)
	for _, chain := range a.v.Chains() {
		a.commands(chain)
		votes := b.of(types.ChainID(chain.Id))
		var power, total uint64
		for i, held := range votes.held {
			total += b.power[b.members[i]]
			if slices.ContainsFunc(held.Marks, func(m *pb.Mark) bool {
				return m.Nonce == chain.Cursor && types.Hash(m.Hash) == types.Hash(chain.CursorHash)
			}) {
				power += b.power[b.members[i]]
			}
		}
		if chain.Cursor > max(chain.Anchor, chain.EpochCursor) && !quorum.Reached(power, total) {
			a.fail("I3", "%s: the mark at cursor %d is held by a power of %d of %d", chain.Label, chain.Cursor, power, total)
		}
	}
}

// sealHolds verifies a seal's signatures and its root.
func (a *audit) sealHolds(seal *pb.Seal) bool {
	members := a.v.Epoch(seal.Epoch).GetMembers()
	valid := &pb.SealSignatures{}
	for i, s := range a.v.Signatures(seal.Height).Signatures {
		good := int(s.Member) < len(members) && len(s.Signature) == types.SignatureBytes &&
			a.recover.signed(a.network, seal, members[s.Member], types.SealSignature{
				Height: seal.Height, Signature: [types.SignatureBytes]byte(s.Signature),
			})
		if !good || holdsSignature(valid, int(s.Member)) {
			a.fail("I3", "the seal of height %d: signature %d is bad or stands there twice", seal.Height, i)
			continue
		}
		valid.Signatures = append(valid.Signatures, s)
	}
	leaves := make([]types.Hash, len(seal.Leaves))
	for i, leaf := range seal.Leaves {
		leaves[i] = types.Hash(leaf.Hash)
	}
	if len(leaves) == 0 || evmsig.MerkleRoot(leaves) != types.Hash(seal.Root) {
		a.fail("I3", "the seal of height %d: its root is not that of its leaves", seal.Height)
	}
	return quorum.Reached(signedPower(members, valid), totalPower(members))
}

// commands checks that each kept command is the leaf that its seal says.
func (a *audit) commands(chain *pb.Chain) {
	id := types.ChainID(chain.Id)
	a.v.Commands(id, 0, func(c *pb.Command) bool {
		seal := a.v.Seal(c.Height)
		hash := evmsig.CommandLeaf(id, types.Address(chain.Bridge), c.Nonce, commandBytes(a.v, id, c))
		if seal == nil || int(c.Leaf) >= len(seal.Leaves) || types.Hash(seal.Leaves[c.Leaf].Hash) != hash {
			a.fail("I3", "command %s/%d is not under the seal of height %d", chain.Label, c.Nonce, c.Height)
		}
		return true
	})
}

// order checks the positions of each chain and that its open commands have no
// gap.
func (a *audit) order() {
	for _, chain := range a.v.Chains() {
		if chain.Executed > chain.Sealed || chain.Sealed != chain.Outbox {
			a.fail("I4", "%s: executed %d, sealed %d, outbox %d", chain.Label, chain.Executed, chain.Sealed, chain.Outbox)
		}
		next := chain.Executed + 1
		a.v.Commands(types.ChainID(chain.Id), next, func(c *pb.Command) bool {
			if c.Nonce != next {
				a.fail("I4", "%s: command %d is missing", chain.Label, next)
			}
			next = c.Nonce + 1
			return true
		})
		if next != chain.Outbox+1 {
			a.fail("I4", "%s: commands up to %d of %d", chain.Label, next-1, chain.Outbox)
		}
		if open := a.v.Command(types.ChainID(chain.Id), chain.Executed+1); open.GetExecuted() != chain.NextItem {
			a.fail("I4", "%s: next item %d, but command %d has executed %d", chain.Label, chain.NextItem, chain.Executed+1, open.GetExecuted())
		}
	}
}

// bounded checks that counters match what is there, and that every kept
// finished command has its end planned.
func (a *audit) bounded() {
	planned := map[state.Pruned]bool{}
	for _, p := range a.v.Due(^uint64(0)-1, 1<<30) {
		planned[p] = true
	}
	kept := 0
	for _, chain := range a.v.Chains() {
		var batches uint32
		a.v.Commands(types.ChainID(chain.Id), 0, func(c *pb.Command) bool {
			if c.Nonce > chain.Executed {
				if len(c.Entries) > 0 {
					batches++
				}
				return true
			}
			kept++
			if !planned[state.Pruned{Height: c.PrunedAt, Chain: types.ChainID(chain.Id), Nonce: c.Nonce}] || c.PrunedAt > c.ExecutedHeight+types.MaxKeepBlocks {
				a.fail("I6", "%s: finished command %d would stay for ever", chain.Label, c.Nonce)
			}
			return true
		})
		if batches != chain.OpenBatches {
			a.fail("I6", "%s: %d open batches, but %d are there", chain.Label, chain.OpenBatches, batches)
		}
		a.lanes(chain)
		if waiting := len(a.v.Backlog(types.ChainID(chain.Id)).Commands); waiting != int(chain.Backlog) {
			a.fail("I6", "%s: a backlog of %d, but %d are there", chain.Label, chain.Backlog, waiting)
		}
	}
	if kept != len(planned) {
		a.fail("I6", "%d finished commands are kept, %d ends are planned", kept, len(planned))
	}
	a.proposals()
	a.segments()
	for _, asset := range a.v.Assets() {
		id := types.AssetID(asset.Id)
		for _, b := range ledgerFromPB(a.v.Ledger(id)).balances {
			if there := a.held[held{id, b.chain}]; there != b.held {
				a.fail("I6", "%s: %d releases to chain %s are held, but %d are there", asset.Symbol, b.held, b.chain, there)
			}
		}
	}
}

// quarantines checks that assets stand still where records are unresolved, and only
// there, and that the sum of the records is what the books hold for them.
func (a *audit) quarantines() {
	type place struct {
		asset types.AssetID
		chain types.ChainID
	}
	stops := map[place]uint32{}
	sums := map[types.AssetID]types.Amount{}
	a.v.Quarantines(0, func(record *pb.Quarantine) bool {
		id := types.AssetID(record.Transfer.Asset)
		if record.Deposited != nil {
			stops[place{id, types.ChainID(record.Transfer.Source)}]++
		}
		sum, err := sums[id].Add(amountOf(record.Transfer.Amount))
		if err != nil {
			a.fail("I1", "asset %s: the records in quarantine leave the range of amounts", id)
		}
		sums[id] = sum
		return true
	})
	for _, asset := range a.v.Assets() {
		id := types.AssetID(asset.Id)
		l := ledgerFromPB(a.v.Ledger(id))
		if l.quarantined.Cmp(sums[id]) != 0 {
			a.fail("I1", "%s: quarantined %s, but its records sum to %s", asset.Symbol, l.quarantined, sums[id])
		}
		for _, b := range l.balances {
			if b.quarantines != stops[place{id, b.chain}] {
				a.fail("I1", "%s on chain %s: stopped by %d records, but %d are there", asset.Symbol, b.chain, b.quarantines, stops[place{id, b.chain}])
			}
		}
	}
}
