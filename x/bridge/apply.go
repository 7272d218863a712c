package bridge

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Apply executes a decided block and writes the state of its height: first the
// votes, then the inboxes that became agreed, then the commands that follow from
// them, then the seal over those commands. Whatever is wrong in the block's
// bytes is skipped; an error means that the store is broken.
func (m *Machine) Apply(s Store, b Block, txs [][]byte) (result Result, err error) {
	defer state.Catch(&err)
	a := newApplier(m, state.New(s), b)
	for i, tx := range txs {
		result.Txs = append(result.Txs, a.transaction(i, tx))
	}
	a.evidence()
	a.duties()
	a.releases()
	a.governance()
	a.sweep()
	a.epochs()
	a.commands()
	a.seal()
	a.prune()
	a.save()
	result.Events, result.Validators = a.events, a.updates
	return result, nil
}

// applier is a block being executed: what it has loaded and not yet written.
type applier struct {
	machine  *Machine
	s        state.State
	block    Block
	network  *pb.Network
	ballot   *ballot
	chains   []*pb.Chain // ascending by id
	assets   map[types.AssetID]*pb.Asset
	ledgers  map[types.AssetID]*ledger
	touched  []types.AssetID                 // ledgers to write, in the order of their first use
	lanes    []*lane                         // in use, ascending by id
	backlogs map[types.ChainID][][]byte      // in use: control commands that wait
	orders   map[types.ChainID][]*pb.Command // made by this block
	events   []Event
	observed types.TransferList  // by the inbox being applied
	released types.TransferList  // by the receipt being applied
	updates  []types.Validator   // for consensus
	leavers  []types.ValidatorID // whose votes count no more
}

func newApplier(m *Machine, s state.State, b Block) *applier {
	a := &applier{
		machine: m, s: s, block: b, network: s.Network(), chains: s.Chains(),
		assets: map[types.AssetID]*pb.Asset{}, ledgers: map[types.AssetID]*ledger{},
		backlogs: map[types.ChainID][][]byte{}, orders: map[types.ChainID][]*pb.Command{},
	}
	a.ballot = newBallot(s.View, a.network)
	return a
}

func (a *applier) height() uint64 { return uint64(a.block.Height) } //nolint:gosec // heights are positive

func (a *applier) chain(id types.ChainID) *pb.Chain {
	at, found := slices.BinarySearchFunc(a.chains, uint64(id), func(c *pb.Chain, id uint64) int { return cmp.Compare(c.Id, id) })
	if !found {
		return nil
	}
	return a.chains[at]
}

func (a *applier) asset(id types.AssetID) *pb.Asset {
	if _, ok := a.assets[id]; !ok {
		a.assets[id] = a.s.Asset(id)
	}
	return a.assets[id]
}

func (a *applier) ledger(id types.AssetID) *ledger {
	if _, ok := a.ledgers[id]; !ok {
		a.ledgers[id] = ledgerFromPB(a.s.Ledger(id))
		a.touched = append(a.touched, id)
	}
	return a.ledgers[id]
}

// emit records an event; attributes are key, value, key, value, …
func (a *applier) emit(kind string, attributes ...string) {
	e := Event{Type: kind}
	for i := 0; i+1 < len(attributes); i += 2 {
		e.Attributes = append(e.Attributes, Attribute{Key: attributes[i], Value: attributes[i+1]})
	}
	a.events = append(a.events, e)
}

func decimal[N ~uint64 | ~uint32](n N) string { return strconv.FormatUint(uint64(n), 10) }

// transaction executes one transaction of the block.
func (a *applier) transaction(index int, tx []byte) TxResult {
	if index > 0 {
		return a.operatorTx(tx)
	}
	reading := a.block.reading(tx)
	if reading.err != nil {
		return TxResult{Code: ErrBadProposal.Code, Log: reading.err.Error()}
	}
	a.votes(reading)
	a.alarms()
	a.heads() // before the inboxes: what they bring expires from the new head on
	a.inboxes(reading)
	return TxResult{}
}

// votes counts the extensions that the block brings. Each is verified: this node
// may be replaying a block that it never checked as a proposal.
func (a *applier) votes(r *Reading) {
	if len(r.slots) != len(a.block.Commit) {
		return
	}
	consensus := a.s.Consensus(voteHeight(a.block))
	for i, slot := range r.message.Slots {
		commit := a.block.Commit[i]
		if !commit.Committed || len(slot.Extension) == 0 {
			continue
		}
		vote, err := a.machine.checkSlot(consensus, a.block, r, i)
		if err != nil {
			continue
		}
		a.ballot.add(commit.Validator, vote)
		for _, s := range vote.Signatures {
			a.signature(commit.Validator, s)
		}
	}
}

// inboxes applies the payloads.
func (a *applier) inboxes(r *Reading) {
	var last uint64
	for i, payload := range r.message.Payloads {
		if payload.Chain <= last {
			continue
		}
		last = payload.Chain
		slice, err := checkPayload(a.ballot, r, i)
		if err != nil {
			continue
		}
		a.strikes(slice)
		chain := a.chain(types.ChainID(payload.Chain))
		first := chain.Cursor + 1
		a.observed = types.TransferList{}
		for i, event := range slice.events {
			a.event(chain, first+uint64(i), event) //nolint:gosec // an index
		}
		chain.Cursor, chain.CursorHash, chain.CursorBlock = slice.end.Nonce, slice.end.Hash[:], slice.end.Block
		a.emit(EventInboxApplied, "chain", decimal(chain.Id), "first", decimal(first), "last", decimal(chain.Cursor),
			"hash", slice.end.Hash.Hex(), "transfers", a.observed.String())
	}
}

// event applies one inbox event. It cannot fail: the contract has done it. What
// a refused chain says, in the very payload that got it refused too, is nothing
// to this network.
func (a *applier) event(chain *pb.Chain, nonce uint64, event types.Event) {
	if chain.Refused != "" {
		return
	}
	switch e := event.(type) {
	case types.Initialized:
		a.initialized(chain, nonce, e)
	case types.Deposited:
		a.deposited(chain, nonce, e)
	case types.Executed:
		a.executed(chain, nonce, e)
	case types.Claimed:
		a.claimed(chain, nonce, e)
	case types.TokenRegistered:
		a.tokenRegistered(chain, nonce, e)
	case types.Staked:
		a.staked(chain, nonce, e)
	case types.Unstaked:
		a.unstaked(chain, nonce, e)
	}
}

// heads moves the agreed heads; they never fall.
func (a *applier) heads() {
	for _, chain := range a.chains {
		votes := a.ballot.chains[types.ChainID(chain.Id)]
		if chain.HeadMs == 0 { // the block that first knows the chain
			chain.HeadHeight, chain.HeadMs = a.height(), a.block.Time.UnixMilli()
		}
		if votes == nil || chain.Paused == contradicted {
			continue
		}
		if head := a.ballot.head(votes); head > chain.Head {
			chain.Head, chain.HeadHeight, chain.HeadMs = head, a.height(), a.block.Time.UnixMilli()
		}
	}
}

// save writes what the block changed, in a fixed order.
func (a *applier) save() {
	a.saveLanes()
	for _, chain := range a.chains {
		a.ballot.save(a.s, chain, a.leavers)
		if backlog, used := a.backlogs[types.ChainID(chain.Id)]; used {
			a.s.SetBacklog(types.ChainID(chain.Id), &pb.Backlog{Commands: backlog})
		}
		a.s.SetChain(chain)
	}
	slices.SortFunc(a.touched, func(x, y types.AssetID) int { return slices.Compare(x[:], y[:]) })
	for _, id := range a.touched {
		a.s.SetLedger(id, a.ledgers[id].toPB())
	}
	a.s.SetNetwork(a.network)
}

// tokenOn is an asset's token on a chain, or nil.
func tokenOn(asset *pb.Asset, chain types.ChainID) *pb.Token {
	for _, t := range asset.GetTokens() {
		if t.Chain == uint64(chain) {
			return t
		}
	}
	return nil
}

// scaleOf is how many asset units one unit of the token is.
func scaleOf(asset *pb.Asset, token *pb.Token) types.Amount {
	if token.Decimals > asset.Decimals || asset.Decimals > types.MaxDecimals {
		state.Failf("asset %x: a token with more decimals than its asset", asset.Id)
	}
	scale, err := types.PowerOfTen(uint8(asset.Decimals - token.Decimals)) //nolint:gosec // checked above
	if err != nil {
		state.Failf("asset %x: %w", asset.Id, err)
	}
	return scale
}

// floor rounds down to whole units of a token.
func floor(amount, scale types.Amount) types.Amount {
	_, remainder := amount.DivMod(scale)
	whole, _ := amount.Sub(remainder) // a remainder is never greater
	return whole
}

func transferID(t *pb.Transfer) string { return fmt.Sprintf("%d/%d", t.Source, t.Nonce) }
