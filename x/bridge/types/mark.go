package types

import "fmt"

// SignatureBytes is the length of a seal signature: EIP-2098, r ‖ yParityAndS.
const SignatureBytes = 64

// Mark says: this chain's inbox up to and including Nonce has the accumulator
// Hash. Marks are compared by nonce and hash; Block is a hint where to read.
type Mark struct {
	Nonce uint64 `json:"nonce"`
	Hash  Hash   `json:"hash"`
	Block uint64 `json:"block"` // the chain's own block number
}

// Alarm is what a validator's vote raises against a chain.
type Alarm uint8

// The alarms. More than 1/3 of the power behind AlarmPause or above pauses a
// chain; behind AlarmContradiction it stops the chain's inbox too.
const (
	AlarmUnsaid        Alarm = 0 // the vote does not speak of it
	AlarmOff           Alarm = 1
	AlarmPause         Alarm = 2 // an operator asks for it
	AlarmContradiction Alarm = 3 // finalised data contradicts what was agreed
)

// String is the alarm's name.
func (a Alarm) String() string {
	switch a {
	case AlarmUnsaid, AlarmOff:
		return "off"
	case AlarmPause:
		return "pause"
	case AlarmContradiction:
		return "contradiction"
	}
	return fmt.Sprintf("unknown(%d)", uint8(a))
}

// MarshalText implements encoding.TextMarshaler.
func (a Alarm) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// ChainVote is what one validator says of one chain.
type ChainVote struct {
	Chain ChainID
	Head  uint64 // finalised head, a block number; 0 says nothing
	Marks []Mark // ascending by nonce
	// Reset says that the validator no longer stands by any mark of this chain
	// that it named in earlier votes: it has come to see another history.
	Reset bool
	Alarm Alarm // AlarmUnsaid where it is what was said before
}

// Validate checks the form of a vote: what any honest validator sends.
func (v ChainVote) Validate() error {
	var last uint64
	for _, m := range v.Marks {
		if m.Nonce <= last {
			return fmt.Errorf("chain %d: marks do not ascend at nonce %d", v.Chain, m.Nonce)
		}
		if m.Hash == (Hash{}) {
			return fmt.Errorf("chain %d: zero hash at nonce %d", v.Chain, m.Nonce)
		}
		last = m.Nonce
	}
	if v.Reset && len(v.Marks) == 0 {
		return fmt.Errorf("chain %d: takes all marks back and names none", v.Chain)
	}
	if v.Alarm > AlarmContradiction {
		return fmt.Errorf("chain %d: alarm %d: at most %d", v.Chain, v.Alarm, AlarmContradiction)
	}
	if v.Head == 0 && len(v.Marks) == 0 && v.Alarm == AlarmUnsaid {
		return fmt.Errorf("chain %d: says nothing", v.Chain)
	}
	return nil
}

// SealSignature is a validator's signature over the seal of a height.
type SealSignature struct {
	Height    uint64
	Signature [SignatureBytes]byte
}
