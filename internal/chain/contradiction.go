package chain

import (
	"encoding/json"
	"errors"
)

// Contradiction is the cause of an error of severity Halt: a chain has broken
// its word about finalised data. Enough servers, of different operators, stand
// behind what is said now; that they are the ones that lie cannot be told from
// here, which is why everything they said is kept.
type Contradiction struct {
	Text string   // what contradicts what
	Was  Sighting // read before, or what the network has agreed on
	Is   Sighting // read now
}

// Sighting is a finalised position and the answers that it rests on.
type Sighting struct {
	Position          // Block 0: the network's cursor, of which only Inbox is known
	Answers  []Answer // none where they are no longer known
}

// Answer is what one server said, word for word.
type Answer struct {
	Endpoint string          `json:"endpoint"` // group and host, without secrets
	Group    string          `json:"group"`
	Request  string          `json:"request"`
	Answer   json.RawMessage `json:"answer"`
}

// Error implements error.
func (c *Contradiction) Error() string { return c.Text }

// Contradicts makes the error of a contradiction.
func Contradicts(check Check, c Contradiction) error {
	return &Error{Check: check, Severity: Halt, Err: &c}
}

// ContradictionOf is the contradiction in err's chain, nil if there is none.
func ContradictionOf(err error) *Contradiction {
	c, _ := errors.AsType[*Contradiction](err)
	return c
}
