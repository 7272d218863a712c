package bridge

import (
	"encoding/json"
	"fmt"
	"strconv"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// QueryArgs are the arguments of a query, as JSON; each path says which it
// reads, and all are optional unless it says otherwise.
type QueryArgs struct {
	ID    string `json:"id,omitempty"`    // transfer id: chain label or id, /, nonce; or the number of a proposal
	Chain string `json:"chain,omitempty"` // chain label or id
	After uint64 `json:"after,omitempty"` // list what comes after this nonce or height
	Limit int    `json:"limit,omitempty"` // at most so many, 1 to MaxQueryLimit

	Operator types.Address   `json:"operator,omitzero"` // whose account
	Content  json.RawMessage `json:"content,omitempty"` // what a proposal would do
	Height   uint64          `json:"height,omitempty"`  // of the block that would do it, or of a seal
	TimeMS   int64           `json:"time_ms,omitempty"` // its time, Unix milliseconds
}

// Limits of a list.
const (
	DefaultQueryLimit = 50
	MaxQueryLimit     = 500
)

// queries is every path. Answers are JSON with stable snake_case names.
var queries = map[string]func(v state.View, args QueryArgs) (any, error){
	"network":    func(v state.View, _ QueryArgs) (any, error) { return networkState(v.Network()), nil },
	"chains":     queryChains,
	"assets":     queryAssets,
	"supply":     querySupply,
	"validators": queryValidators,
	"validator":  queryValidator,
	"transfer":   queryTransfer,
	"transfers":  queryTransfers,
	"why":        queryWhy,
	"batches":    queryBatches,
	"seals":      querySeals,
	"inbox":      queryInbox,
	"limits":     queryLimits,
	"quarantine": queryQuarantine,
	"invariants": queryInvariants,
	"proposals":  queryProposals,
	"proposal":   queryProposal,
	"account":    queryAccount,
	"effect":     queryEffect,
}

// Query answers a path with JSON arguments (QueryArgs, or nothing) by one
// version of the state. It is total: bad arguments are ErrBadQuery, unknown
// things ErrNotFound or ErrFinished.
func (m *Machine) Query(r Reader, path string, data []byte) (answer []byte, err error) {
	defer state.Catch(&err)
	query, ok := queries[path]
	if !ok {
		return nil, refuse(ErrBadQuery, "no query %.40q", path)
	}
	var args QueryArgs
	if len(data) > 0 {
		if err := json.Unmarshal(data, &args); err != nil {
			return nil, refuse(ErrBadQuery, "arguments: %v", err)
		}
	}
	if args.Limit == 0 {
		args.Limit = DefaultQueryLimit
	}
	if args.Limit < 0 || args.Limit > MaxQueryLimit {
		return nil, refuse(ErrBadQuery, "limit %d: want 1 to %d", args.Limit, MaxQueryLimit)
	}
	result, err := query(state.NewView(r), args)
	if err != nil {
		return nil, err
	}
	answer, err = json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("encoding the answer to %s: %w", path, err)
	}
	return answer, nil
}

// resolveChain finds a chain by label or id.
func resolveChain(v state.View, name string) (*pb.Chain, error) {
	id, err := strconv.ParseUint(name, 10, 64)
	for _, c := range v.Chains() {
		if c.Label == name || err == nil && c.Id == id {
			return c, nil
		}
	}
	return nil, refuse(ErrNotFound, "chain %.40q is not connected", name)
}

func queryChains(v state.View, args QueryArgs) (any, error) {
	if args.Chain != "" {
		c, err := resolveChain(v, args.Chain)
		if err != nil {
			return nil, err
		}
		return []ChainState{chainState(c)}, nil
	}
	chains := []ChainState{}
	for _, c := range v.Chains() {
		chains = append(chains, chainState(c))
	}
	return chains, nil
}

// AssetView is a registered asset.
type AssetView struct {
	types.Asset
	Registered []types.ChainID `json:"registered"` // where the contract confirmed the token
}

func queryAssets(v state.View, _ QueryArgs) (any, error) {
	assets := []AssetView{}
	for _, a := range v.Assets() {
		view := AssetView{Asset: assetFromPB(a), Registered: []types.ChainID{}}
		for _, t := range a.Tokens {
			if t.Registered {
				view.Registered = append(view.Registered, types.ChainID(t.Chain))
			}
		}
		assets = append(assets, view)
	}
	return assets, nil
}

// SupplyView is the ledger of an asset, in its units.
type SupplyView struct {
	Asset       types.AssetID `json:"asset"`
	Symbol      string        `json:"symbol"`
	Decimals    uint8         `json:"decimals"`
	InFlight    types.Amount  `json:"in_flight"`
	Owed        types.Amount  `json:"owed"`
	Fees        types.Amount  `json:"fees"`
	Quarantined types.Amount  `json:"quarantined"`
	Deficit     types.Amount  `json:"deficit"`
	Chains      []BalanceView `json:"chains"`
}

// BalanceView is what one chain holds of an asset: exactly one of custody and
// supply counts, by its mode. Fees credited to relayers are not in a custody
// any more, and are in a supply.
type BalanceView struct {
	Chain    types.ChainID   `json:"chain"`
	Mode     types.TokenMode `json:"mode"`
	Custody  types.Amount    `json:"custody"`
	Reserved types.Amount    `json:"reserved"`
	Supply   types.Amount    `json:"supply"`
}

func querySupply(v state.View, _ QueryArgs) (any, error) {
	supply := []SupplyView{}
	for _, a := range v.Assets() {
		l := ledgerFromPB(v.Ledger(types.AssetID(a.Id)))
		view := SupplyView{
			Asset: types.AssetID(a.Id), Symbol: a.Symbol, Decimals: uint8(a.Decimals), //nolint:gosec // written from a uint8
			InFlight: l.inFlight, Owed: l.owed, Fees: l.fees, Quarantined: l.quarantined, Deficit: l.deficit,
			Chains: []BalanceView{},
		}
		for _, b := range l.balances {
			balance := BalanceView{Chain: b.chain, Mode: b.mode, Reserved: b.reserved, Supply: b.amount}
			if b.mode == types.ModeLock {
				balance.Custody, balance.Supply = b.amount, types.Amount{}
			}
			view.Chains = append(view.Chains, balance)
		}
		supply = append(supply, view)
	}
	return supply, nil
}

// CommandView is a command of an outbox.
type CommandView struct {
	Chain          types.ChainID `json:"chain"`
	Nonce          uint64        `json:"nonce"`
	Kind           string        `json:"kind"`
	Items          uint32        `json:"items"`
	Executed       uint32        `json:"executed"`
	Failed         uint32        `json:"failed"`
	SealHeight     uint64        `json:"seal_height"`
	SealComplete   uint64        `json:"seal_complete"`
	ExecutedHeight uint64        `json:"executed_height"`
}

// queryBatches lists the kept commands of a chain after an outbox nonce.
func queryBatches(v state.View, args QueryArgs) (any, error) {
	views := []CommandView{}
	for _, chain := range v.Chains() {
		if args.Chain != "" && args.Chain != chain.Label && args.Chain != decimal(chain.Id) {
			continue
		}
		v.Commands(types.ChainID(chain.Id), following(args.After), func(c *pb.Command) bool {
			view := CommandView{
				Chain: types.ChainID(chain.Id), Nonce: c.Nonce, Kind: types.CommandKind(c.Kind).String(), //nolint:gosec // written from a CommandKind
				Items: c.Items, Executed: c.Executed, SealHeight: c.Height, ExecutedHeight: c.ExecutedHeight,
				SealComplete: v.Seal(c.Height).GetComplete(),
			}
			for i := range c.Executed {
				if bit(c.Failures, i) {
					view.Failed++
				}
			}
			views = append(views, view)
			return len(views) < args.Limit
		})
	}
	return views[:min(len(views), args.Limit)], nil
}

// SealView is a seal with who signed it.
type SealView struct {
	SealState
	Commands int             `json:"commands"`
	Signers  []types.Address `json:"signers"`
}

// querySeals lists the kept seals after a height.
func querySeals(v state.View, args QueryArgs) (any, error) {
	network := v.Network()
	views := []SealView{}
	v.Seals(following(args.After), func(seal *pb.Seal) bool {
		view := SealView{SealState: sealState(network, seal), Commands: len(seal.Leaves), Signers: []types.Address{}}
		members := v.Epoch(seal.Epoch).GetMembers()
		for _, s := range v.Signatures(seal.Height).Signatures {
			view.Signers = append(view.Signers, types.Address(members[s.Member].Signer))
		}
		views = append(views, view)
		return len(views) < args.Limit
	})
	return views, nil
}

// InboxView is what is agreed of a chain's inbox, and who says what.
type InboxView struct {
	Chain      types.ChainID   `json:"chain"`
	Label      string          `json:"label"`
	Cursor     uint64          `json:"cursor"`
	CursorHash types.Hash      `json:"cursor_hash"`
	Head       uint64          `json:"head"`
	Agreed     []types.Mark    `json:"agreed"` // above the cursor
	Votes      []InboxVoteView `json:"votes"`
}

// InboxVoteView is a validator's latest word about a chain.
type InboxVoteView struct {
	Validator types.ValidatorID `json:"validator"`
	Head      uint64            `json:"head"`
	Marks     []types.Mark      `json:"marks"`
	Alarm     string            `json:"alarm"` // off, pause or contradiction
}

func queryInbox(v state.View, args QueryArgs) (any, error) {
	chain, err := resolveChain(v, args.Chain)
	if err != nil {
		return nil, err
	}
	b := newBallot(v, v.Network())
	votes := b.of(types.ChainID(chain.Id))
	view := InboxView{
		Chain: types.ChainID(chain.Id), Label: chain.Label, Cursor: chain.Cursor,
		CursorHash: types.Hash(chain.CursorHash), Head: chain.Head, Agreed: b.agreed(votes), Votes: []InboxVoteView{},
	}
	if view.Agreed == nil {
		view.Agreed = []types.Mark{}
	}
	for i, held := range votes.held {
		vote, _ := chainVoteFromPB(held) // what the state holds was checked; one that never spoke says nothing
		if vote.Marks == nil {
			vote.Marks = []types.Mark{}
		}
		view.Votes = append(view.Votes, InboxVoteView{Validator: b.members[i], Head: held.Head, Marks: vote.Marks, Alarm: alarmOf(held).String()})
	}
	return view, nil
}

// InvariantsView is the verdict over the whole state.
type InvariantsView struct {
	OK         bool        `json:"ok"`
	Violations []Violation `json:"violations"`
}

func queryInvariants(v state.View, _ QueryArgs) (any, error) {
	violations := append([]Violation{}, checkInvariants(v)...)
	return InvariantsView{OK: len(violations) == 0, Violations: violations}, nil
}

// following is the number after n; behind the last there is nothing to list.
func following(n uint64) uint64 { return max(n, n+1) }
