package bridge

import (
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Bounds of what one block does with lanes; the rest waits for the next one.
const (
	segmentEntries = 256  // entries of a segment: what a change at a lane's head rewrites
	maxMoves       = 1024 // entries of one chain that a block moves to other lanes
	maxTurns       = 64   // entries of one lane that custody is asked for in a block
)

// lane is a queue being worked on in a block: strictly first in, first out.
type lane struct {
	id      state.LaneID
	record  *pb.Lane
	front   []*pb.Entry // what is left of the segment at record.Head, once it is loaded
	cut     bool        // front is shorter than what is stored
	fresh   []*pb.Entry // queued by this block, behind all segments
	changed bool
	blocked bool // its head waits, in this block
	taken   int  // entries that this block's batch took
	turned  int  // entries that went from its head to its end in this block
}

func (a *applier) lane(id state.LaneID) *lane {
	at, known := slices.BinarySearchFunc(a.lanes, id, func(l *lane, id state.LaneID) int { return l.id.Compare(id) })
	if !known {
		a.lanes = slices.Insert(a.lanes, at, &lane{id: id, record: a.s.Lane(id)})
	}
	return a.lanes[at]
}

// lanesOf is the lanes of a chain that hold entries, in the order of their ids.
func (a *applier) lanesOf(chain *pb.Chain) []*lane {
	if chain.Queued == 0 {
		return nil
	}
	id := types.ChainID(chain.Id)
	for _, stored := range a.s.Lanes(id) {
		a.lane(stored)
	}
	var lanes []*lane
	for _, l := range a.lanes {
		if l.id.Chain == id && l.entries() > 0 {
			lanes = append(lanes, l)
		}
	}
	return lanes
}

func (l *lane) entries() int { return int(l.record.Entries) + len(l.fresh) } //nolint:gosec // counts what is in memory or bounded

// head is the first entry of a lane, or nil.
func (a *applier) head(l *lane) *pb.Entry {
	if len(l.front) == 0 && l.record.Head < l.record.Tail {
		l.front, l.cut = a.s.Segment(l.id, l.record.Head).Entries, false
	}
	switch {
	case len(l.front) > 0:
		return l.front[0]
	case len(l.fresh) > 0:
		return l.fresh[0]
	}
	return nil
}

// pop removes the first entry of a lane, which head has given.
func (a *applier) pop(l *lane) *pb.Entry {
	entry := a.head(l)
	a.count(l.id, -1)
	l.changed = true
	if len(l.front) == 0 {
		l.fresh = l.fresh[1:]
		return entry
	}
	l.front, l.cut = l.front[1:], true
	l.record.Entries--
	if len(l.front) == 0 {
		a.s.RemoveSegment(l.id, l.record.Head)
		l.record.Head++
	}
	return entry
}

// push puts an entry at the end of a lane.
func (a *applier) push(id state.LaneID, entry *pb.Entry) {
	l := a.lane(id)
	l.fresh = append(l.fresh, entry)
	l.changed = true
	a.count(id, 1)
}

// count follows how many entries wait for a chain, and how many of them are
// releases of one asset.
func (a *applier) count(id state.LaneID, by int) {
	a.chain(id.Chain).Queued += uint64(by) //nolint:gosec // wraps around for -1, as it should
	if id.Kind != state.LaneRefund && id.Kind != state.LaneShortRefund {
		a.ledger(id.Asset).at(tokenOn(a.asset(id.Asset), id.Chain)).held += uint32(by) //nolint:gosec // as above
	}
}

// enqueue puts a new entry into the lane where it begins to wait.
func (a *applier) enqueue(chain types.ChainID, entry *pb.Entry) {
	id := laneOf(chain, entry, state.LaneRefund)
	if entry.Kind == uint32(types.EntryRelease) {
		id.Kind = state.LaneRelease
		token := tokenOn(a.asset(id.Asset), chain)
		large := amountOf(token.Large)
		if !large.IsZero() && amountOf(entry.Amount).Cmp(large) >= 0 {
			id.Kind, entry.Expires = state.LaneLarge, 0 // its delay is no wait that could be too long
		}
	}
	a.since(entry)
	a.push(id, entry)
}

func (a *applier) since(entry *pb.Entry) {
	entry.Since, entry.SinceMs = a.height(), a.block.Time.UnixMilli()
}

func laneOf(chain types.ChainID, entry *pb.Entry, kind state.LaneKind) state.LaneID {
	return state.LaneID{
		Chain: chain, Asset: types.AssetID(entry.Transfer.Asset), Source: types.ChainID(entry.Transfer.Source), Kind: kind,
	}
}

// sweep moves what does not wait for a batch any more: releases that are given
// up, and large ones whose delay is over.
func (a *applier) sweep() {
	for _, chain := range a.chains {
		moves := maxMoves
		for _, l := range a.lanesOf(chain) {
			for moves > 0 && a.sweepHead(chain, l) {
				moves--
			}
		}
	}
}

// sweepHead moves the head of a lane, if it has to go elsewhere.
func (a *applier) sweepHead(chain *pb.Chain, l *lane) bool {
	entry := a.head(l)
	if entry == nil {
		return false
	}
	if reason := a.givenUp(chain, entry); reason != types.ReasonNone {
		a.pop(l)
		a.refund(entry.Transfer, amountOf(entry.Amount), reason)
		return true
	}
	if l.id.Kind == state.LaneLarge && a.delayIsOver(entry) {
		id := l.id
		id.Kind = state.LaneRelease
		a.pop(l)
		a.since(entry)
		source := a.chain(id.Source)
		entry.Expires = source.Head + source.ExpiryBlocks
		a.push(id, entry)
		return true
	}
	return false
}

// givenUp is why a waiting entry goes to its refund, or nothing. What a retired
// chain was to pay is given up, refunds too, and what came from one that had
// broken its word. Other transfers whose source cannot take a refund go on
// waiting.
func (a *applier) givenUp(chain *pb.Chain, entry *pb.Entry) types.Reason {
	if chain.Refused != "" {
		return types.ReasonChainRetired
	}
	source := a.chain(types.ChainID(entry.Transfer.Source))
	switch {
	case source.Refused != "" && source.Paused == contradicted:
		return types.ReasonChainRetired
	case entry.Expires != 0 && source.Refused == "" && source.Head >= entry.Expires:
		return types.ReasonExpired
	}
	return types.ReasonNone
}

func (a *applier) delayIsOver(entry *pb.Entry) bool {
	p := a.network.Params
	return a.height() >= entry.Since+p.LargeDelayBlocks &&
		a.block.Time.UnixMilli() >= entry.SinceMs+int64(p.LargeDelayMs) //nolint:gosec // at most a month
}

// filling is a chain's lanes while batches are made of them in a block.
type filling struct {
	*applier
	chain *pb.Chain
	lanes []*lane
	moves int // entries that may still go to other lanes
}

// take removes what a batch has room for from the lanes of a chain, of what may
// be paid now, and says whether more had no room in it. The lanes take turns, so
// that many entries of one do not keep those of another waiting. What the
// custody does not cover goes to a lane of its own, and goes round there.
func (f *filling) take() (taken []*pb.Entry, full bool) {
	if f.lanes == nil {
		f.lanes = slices.DeleteFunc(f.lanesOf(f.chain), func(l *lane) bool { return l.id.Kind == state.LaneLarge })
	}
	room := newBatchRoom(f.chain)
	for f.moves > 0 {
		l := f.next(f.lanes)
		if l == nil {
			return taken, false
		}
		entry := f.head(l)
		reason := f.hold(f.chain, entry)
		if reason == types.ReasonNone {
			if !room.take(entry) {
				return taken, true
			}
			f.pop(l)
			f.reserve(f.chain, entry)
			l.taken++
			taken = append(taken, entry)
			continue
		}
		f.wait(l, entry, reason)
	}
	return taken, false
}

// wait puts the head of a lane where it waits.
func (f *filling) wait(l *lane, entry *pb.Entry, reason types.Reason) {
	short := shortOf(l.id.Kind)
	switch {
	case reason == types.ReasonFlowLimit:
		blockFlow(f.lanes, l.id.Asset)
	case reason == types.ReasonMissingLiquidity && l.id.Kind != short:
		id := l.id
		id.Kind = short
		f.pop(l)
		f.push(id, entry)
		f.moves--
	case reason == types.ReasonMissingLiquidity && f.hasCustody(l.id) && l.turned < min(maxTurns, l.entries()):
		f.push(l.id, f.pop(l))
		l.turned++
		f.moves--
	default:
		l.blocked = true
	}
}

// hasCustody says whether anything of an asset is free to be paid by a chain.
func (a *applier) hasCustody(id state.LaneID) bool {
	return a.ledger(id.Asset).at(tokenOn(a.asset(id.Asset), id.Chain)).covers(types.NewAmount(1))
}

// shortOf is where an entry of a lane waits for custody.
func shortOf(kind state.LaneKind) state.LaneKind {
	if kind == state.LaneRefund || kind == state.LaneShortRefund {
		return state.LaneShortRefund
	}
	return state.LaneShort
}

// blockFlow lets all releases of an asset wait for its flow limit: others must not
// spend what flows back before the one that waits longest.
func blockFlow(lanes []*lane, asset types.AssetID) {
	for _, l := range lanes {
		if l.id.Asset == asset && (l.id.Kind == state.LaneRelease || l.id.Kind == state.LaneShort) {
			l.blocked = true
		}
	}
}

// next is the lane whose turn it is, of those that are not blocked: one that had
// the fewest turns in this block, and of those the one whose head was queued
// first.
func (a *applier) next(lanes []*lane) *lane {
	var best *lane
	var since uint64
	for _, l := range lanes {
		head := a.head(l)
		if l.blocked || head == nil {
			continue
		}
		if best == nil || l.taken < best.taken || l.taken == best.taken && head.Since < since {
			best, since = l, head.Since
		}
	}
	return best
}

// hold is why an entry may not be paid now, or nothing.
func (a *applier) hold(chain *pb.Chain, entry *pb.Entry) types.Reason {
	id := types.AssetID(entry.Transfer.Asset)
	return holdOf(entry, chain, a.chain(types.ChainID(entry.Transfer.Source)), a.asset(id), a.ledger(id), a.block.Time.Unix())
}

// holdOf is hold over plain records.
func holdOf(entry *pb.Entry, chain, source *pb.Chain, asset *pb.Asset, books *ledger, now int64) types.Reason {
	token := tokenOn(asset, types.ChainID(chain.Id))
	there := books.at(token)
	need := needOf(entry)
	release := entry.Kind == uint32(types.EntryRelease)
	switch {
	case chain.Paused == contradicted, release && (chain.Paused != notPaused || source.Paused != notPaused):
		return types.ReasonChainPaused
	case release && (there.quarantines > 0 || books.stopped(types.ChainID(source.Id))):
		return types.ReasonAssetStopped
	case !there.covers(need):
		return types.ReasonMissingLiquidity
	case release && !there.flows(token, need, now):
		return types.ReasonFlowLimit
	}
	return types.ReasonNone
}

// needOf is what leaves a chain with an entry: its payout and its fee.
func needOf(entry *pb.Entry) types.Amount {
	need, err := amountOf(entry.Payout).Add(amountOf(entry.Fee))
	if err != nil {
		state.Failf("entry of transfer %s: %w", transferID(entry.Transfer), err)
	}
	return need
}

// reserve commits the custody, and the flow limit, to an entry that hold lets go.
func (a *applier) reserve(chain *pb.Chain, entry *pb.Entry) {
	id := types.AssetID(entry.Transfer.Asset)
	token := tokenOn(a.asset(id), types.ChainID(chain.Id))
	there := a.ledger(id).at(token)
	there.reserve(needOf(entry))
	if entry.Kind == uint32(types.EntryRelease) {
		there.spend(token, needOf(entry), a.block.Time.Unix())
	}
}

// saveLanes writes what the block changed in lanes.
func (a *applier) saveLanes() {
	for _, l := range a.lanes {
		if !l.changed {
			continue
		}
		if l.cut && len(l.front) > 0 {
			a.s.SetSegment(l.id, l.record.Head, &pb.QueueSegment{Entries: l.front})
		}
		for part := range slices.Chunk(l.fresh, segmentEntries) {
			a.s.SetSegment(l.id, l.record.Tail, &pb.QueueSegment{Entries: part})
			l.record.Tail++
			l.record.Entries += uint64(len(part))
		}
		a.s.SetLane(l.id, l.record)
	}
}
