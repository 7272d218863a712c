package types

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// CommandKind numbers the outbox commands; it is a command's first byte.
type CommandKind uint8

// The outbox commands, for good: a deployed contract has no upgrade path.
const (
	CommandActivate      CommandKind = 1
	CommandSetValidators CommandKind = 2
	CommandBatch         CommandKind = 3
	CommandRegisterToken CommandKind = 4
	CommandSetParams     CommandKind = 5
	CommandSlash         CommandKind = 6
	CommandReleaseStake  CommandKind = 7
)

// String is the command's name.
func (k CommandKind) String() string {
	names := map[CommandKind]string{
		CommandActivate: "activate", CommandSetValidators: "set_validators", CommandBatch: "batch",
		CommandRegisterToken: "register_token", CommandSetParams: "set_params", CommandSlash: "slash",
		CommandReleaseStake: "release_stake",
	}
	if name, ok := names[k]; ok {
		return name
	}
	return fmt.Sprintf("unknown(%d)", uint8(k))
}

// TokenMode says how a chain holds an asset.
type TokenMode uint8

// The two modes.
const (
	// ModeLock keeps deposits of an existing token, or of the native coin, in
	// the bridge contract.
	ModeLock TokenMode = 1
	// ModeMint mints and burns a wrapped token that the contract deployed.
	ModeMint TokenMode = 2
)

// Validate refuses anything but the two modes.
func (m TokenMode) Validate() error {
	if m != ModeLock && m != ModeMint {
		return fmt.Errorf("token mode %d: want 1 (lock) or 2 (mint)", m)
	}
	return nil
}

// String is lock or mint.
func (m TokenMode) String() string {
	switch m {
	case ModeLock:
		return "lock"
	case ModeMint:
		return "mint"
	}
	return fmt.Sprintf("unknown(%d)", uint8(m))
}

// MarshalText implements encoding.TextMarshaler.
func (m TokenMode) MarshalText() ([]byte, error) { return []byte(m.String()), m.Validate() }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *TokenMode) UnmarshalText(text []byte) error {
	switch string(text) {
	case "lock":
		*m = ModeLock
	case "mint":
		*m = ModeMint
	default:
		return fmt.Errorf("token mode %q: want lock or mint", text)
	}
	return nil
}

// EntryKind says what an item of a batch does.
type EntryKind uint8

// The two kinds of items.
const (
	EntryRelease EntryKind = 1
	EntryRefund  EntryKind = 2
)

// String is release or refund.
func (k EntryKind) String() string {
	switch k {
	case EntryRelease:
		return "release"
	case EntryRefund:
		return "refund"
	}
	return fmt.Sprintf("unknown(%d)", uint8(k))
}

// Bounds of the release gas cap; the contract enforces the same two numbers.
const (
	MinReleaseGas = 50_000
	MaxReleaseGas = 2_000_000
)

// FractionUnit is the whole of a Slash fraction: it counts millionths.
const FractionUnit = 1_000_000

// ErrCommand says that bytes are no well-formed command.
var ErrCommand = errors.New("malformed command")

// Command is something the network orders a chain to do.
type Command interface {
	// Kind is the command's number.
	Kind() CommandKind
	// Items is how many results its execution reports: the entries of a batch,
	// 1 for anything else.
	Items() uint32

	appendBody(b []byte) []byte
}

// Activate opens a contract for deposits. It is outbox command 1.
type Activate struct{}

// SetValidators hands a contract over to the set of the next epoch.
type SetValidators struct {
	Epoch uint64       `json:"epoch"`
	Set   ValidatorSet `json:"set"`
}

// BatchEntry is one payout, in the token's own units.
type BatchEntry struct {
	Kind      EntryKind
	Token     Address
	Fee       Amount // for whoever executes it
	Recipient Address
	Amount    Amount // net of the fee
}

// Batch pays out. Entries that share kind, token and fee stand together in its
// bytes, so entries have to be in that order already: see GroupEntries.
type Batch struct{ Entries []BatchEntry }

// RegisterToken maps an asset to a token of the chain.
type RegisterToken struct {
	Asset    AssetID    `json:"asset"`
	Token    Address    `json:"token"` // zero for ModeMint: the contract deploys it
	Mode     TokenMode  `json:"mode"`
	Decimals uint8      `json:"decimals"`
	Limit    TokenLimit `json:"limit"`
	Name     string     `json:"name"` // ModeMint only: 1 to 32 bytes of printable ASCII
	Symbol   string     `json:"symbol"`
}

// TokenLimit is what a contract itself enforces for a token, in token units.
type TokenLimit struct {
	Minimum  Amount `json:"minimum"`  // smallest deposit
	Capacity Amount `json:"capacity"` // of the payout bucket; 0 is no limit
	Rate     Amount `json:"rate"`     // units a second that flow back into it
}

// TokenParams sets the limits of one token.
type TokenParams struct {
	Token Address    `json:"token"`
	Limit TokenLimit `json:"limit"`
}

// SetParams sets a contract's parameters; values are absolute.
type SetParams struct {
	ReleaseGas uint32        `json:"release_gas"` // gas cap of one payout
	Deposits   bool          `json:"deposits"`    // whether deposits are taken
	Tokens     []TokenParams `json:"tokens"`
}

// Slash takes a fraction of an operator's stake.
type Slash struct {
	Operator Address `json:"operator"`
	Fraction uint32  `json:"fraction"` // millionths, 1 to FractionUnit
}

// ReleaseStake ends the unbonding of an operator's stake.
type ReleaseStake struct {
	Operator Address `json:"operator"`
	// Amount is at least 1, and counts as the Unstaked events of the operator's
	// requests do. What slashes took since then is not paid out.
	Amount Amount `json:"amount"`
}

// Kind implements Command.
func (Activate) Kind() CommandKind { return CommandActivate }

// Kind implements Command.
func (SetValidators) Kind() CommandKind { return CommandSetValidators }

// Kind implements Command.
func (Batch) Kind() CommandKind { return CommandBatch }

// Kind implements Command.
func (RegisterToken) Kind() CommandKind { return CommandRegisterToken }

// Kind implements Command.
func (SetParams) Kind() CommandKind { return CommandSetParams }

// Kind implements Command.
func (Slash) Kind() CommandKind { return CommandSlash }

// Kind implements Command.
func (ReleaseStake) Kind() CommandKind { return CommandReleaseStake }

// Items implements Command.
func (Activate) Items() uint32 { return 1 }

// Items implements Command.
func (SetValidators) Items() uint32 { return 1 }

// Items implements Command.
func (c Batch) Items() uint32 { return uint32(len(c.Entries)) } //nolint:gosec // bounded by MaxBatchItems

// Items implements Command.
func (RegisterToken) Items() uint32 { return 1 }

// Items implements Command.
func (SetParams) Items() uint32 { return 1 }

// Items implements Command.
func (Slash) Items() uint32 { return 1 }

// Items implements Command.
func (ReleaseStake) Items() uint32 { return 1 }

// EncodeCommand gives a command's canonical bytes.
func EncodeCommand(c Command) []byte { return c.appendBody([]byte{byte(c.Kind())}) }

func (Activate) appendBody(b []byte) []byte { return b }

func (c SetValidators) appendBody(b []byte) []byte {
	return append(append(b, u64(c.Epoch)...), c.Set.Pack()...)
}

func (c Batch) appendBody(b []byte) []byte {
	for first := 0; first < len(c.Entries); {
		end := first + 1
		for end < len(c.Entries) && c.Entries[end].sameGroup(c.Entries[first]) && end-first < 1<<16-1 {
			end++
		}
		b = appendGroup(b, c.Entries[first:end])
		first = end
	}
	return b
}

func (e BatchEntry) sameGroup(o BatchEntry) bool {
	return e.Kind == o.Kind && e.Token == o.Token && e.Fee == o.Fee
}

func appendGroup(b []byte, group []BatchEntry) []byte {
	b = append(b, byte(group[0].Kind))
	b = append(b, group[0].Token[:]...)
	b = appendAmounts(b, group[0].Fee)
	b = binary.BigEndian.AppendUint16(b, uint16(len(group))) //nolint:gosec // the caller cuts at 65,535
	for _, e := range group {
		b = append(b, e.Recipient[:]...)
		b = appendAmounts(b, e.Amount)
	}
	return b
}

func (c RegisterToken) appendBody(b []byte) []byte {
	b = append(b, c.Asset[:]...)
	b = append(b, c.Token[:]...)
	b = append(b, byte(c.Mode), c.Decimals)
	b = appendAmounts(b, c.Limit.Minimum, c.Limit.Capacity, c.Limit.Rate)
	name, symbol := textWord(c.Name), textWord(c.Symbol)
	return append(append(b, name[:]...), symbol[:]...)
}

func (c SetParams) appendBody(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, c.ReleaseGas)
	if c.Deposits {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	for _, t := range c.Tokens {
		b = append(b, t.Token[:]...)
		b = appendAmounts(b, t.Limit.Minimum, t.Limit.Capacity, t.Limit.Rate)
	}
	return b
}

func (c Slash) appendBody(b []byte) []byte {
	return binary.BigEndian.AppendUint32(append(b, c.Operator[:]...), c.Fraction)
}

func (c ReleaseStake) appendBody(b []byte) []byte {
	return appendAmounts(append(b, c.Operator[:]...), c.Amount)
}

func appendAmounts(b []byte, amounts ...Amount) []byte {
	for _, a := range amounts {
		packed := a.Bytes16()
		b = append(b, packed[:]...)
	}
	return b
}

func textWord(s string) (word [32]byte) {
	copy(word[:], s)
	return word
}

// Sizes of the parts of a batch, for whoever bounds its bytes.
const (
	BatchGroupBytes = 1 + common.AddressLength + 16 + 2
	BatchEntryBytes = common.AddressLength + 16
)
