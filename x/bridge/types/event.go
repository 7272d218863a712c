package types

import "fmt"

// EventKind numbers the inbox events; it is the first word of an event's leaf.
type EventKind uint8

// The inbox events, for good: a deployed contract has no upgrade path.
const (
	EventInitialized     EventKind = 1
	EventDeposited       EventKind = 2
	EventExecuted        EventKind = 3
	EventClaimed         EventKind = 4
	EventTokenRegistered EventKind = 5
	EventStaked          EventKind = 6
	EventUnstaked        EventKind = 7
)

// MaxDataBytes is the most that a deposit's data field, or a stake event's
// data, may carry. The contract reverts above it.
const MaxDataBytes = 1024

// MaxBatchItems is the most items that a batch may have, and so the most that
// an Executed event counts.
const MaxBatchItems = 4096

// Event is one entry of a chain's inbox. Its nonce is its position there and
// stands beside it, not in it.
type Event interface {
	// Kind is the event's number.
	Kind() EventKind
	// Validate checks what the contract guarantees, so that an event that no
	// contract can have emitted is refused before it is hashed or applied.
	Validate() error
}

// InboxEvent is an event with its place in the inbox.
type InboxEvent struct {
	Nonce uint64
	Block uint64 // the chain's own block number
	Event Event
}

// Initialized is inbox event 1: the contract was deployed with this set.
type Initialized struct{ SetHash Hash }

// Deposited begins a transfer.
type Deposited struct {
	Token       Address // NativeToken for the chain's coin
	Sender      Address
	Destination ChainID
	Recipient   Hash
	RefundTo    Address
	Amount      Amount // token units that arrived
	MaxFee      Amount // token units; the highest release fee accepted
	Data        []byte // at most MaxDataBytes; carried and hashed, unused
}

// Executed is the receipt of one slice of one command.
type Executed struct {
	OutboxNonce uint64
	First       uint32
	Count       uint32
	Relayer     Address
	Failures    []byte // bitmap over the slice, empty when nothing failed
}

// Failed says whether item first+i of the slice failed.
func (e Executed) Failed(i uint32) bool {
	return int(i/8) < len(e.Failures) && e.Failures[i/8]&(1<<(i%8)) != 0
}

// Claimed says that an owed refund was paid out.
type Claimed struct {
	OutboxNonce uint64
	Index       uint32
	Token       Address
	Owner       Address
	Amount      Amount // token units
	To          Address
}

// TokenRegistered confirms a token's mapping, and a wrapped token's address.
type TokenRegistered struct {
	Asset    AssetID
	Token    Address
	Mode     TokenMode
	Decimals uint8
}

// Staked is a change of stake on the home chain.
type Staked struct {
	Operator Address
	Amount   Amount
	Data     []byte // at most MaxDataBytes
}

// Unstaked is a withdrawal of stake on the home chain.
type Unstaked struct {
	Operator Address
	Amount   Amount
}

// Kind implements Event.
func (Initialized) Kind() EventKind { return EventInitialized }

// Kind implements Event.
func (Deposited) Kind() EventKind { return EventDeposited }

// Kind implements Event.
func (Executed) Kind() EventKind { return EventExecuted }

// Kind implements Event.
func (Claimed) Kind() EventKind { return EventClaimed }

// Kind implements Event.
func (TokenRegistered) Kind() EventKind { return EventTokenRegistered }

// Kind implements Event.
func (Staked) Kind() EventKind { return EventStaked }

// Kind implements Event.
func (Unstaked) Kind() EventKind { return EventUnstaked }

// Validate implements Event.
func (e Initialized) Validate() error {
	if e.SetHash == (Hash{}) {
		return fmt.Errorf("initialized: zero set hash")
	}
	return nil
}

// Validate implements Event.
func (e Deposited) Validate() error {
	if len(e.Data) > MaxDataBytes {
		return fmt.Errorf("deposited: %d bytes of data, at most %d", len(e.Data), MaxDataBytes)
	}
	return nil
}

// Validate implements Event.
func (e Executed) Validate() error {
	if e.Count == 0 || e.Count > MaxBatchItems {
		return fmt.Errorf("executed: %d items, want 1 to %d", e.Count, MaxBatchItems)
	}
	if len(e.Failures) != 0 && len(e.Failures) != int(e.Count+7)/8 {
		return fmt.Errorf("executed: %d failure bytes for %d items", len(e.Failures), e.Count)
	}
	return nil
}

// Validate implements Event.
func (Claimed) Validate() error { return nil }

// Validate implements Event.
func (e TokenRegistered) Validate() error {
	if e.Asset == (AssetID{}) || e.Token == (Address{}) {
		return fmt.Errorf("token registered: zero asset or token")
	}
	return e.Mode.Validate()
}

// Validate implements Event.
func (e Staked) Validate() error {
	if len(e.Data) > MaxDataBytes {
		return fmt.Errorf("staked: %d bytes of data, at most %d", len(e.Data), MaxDataBytes)
	}
	return nil
}

// Validate implements Event.
func (Unstaked) Validate() error { return nil }
