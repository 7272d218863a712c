package types

import (
	"errors"
	"fmt"
	"strings"
)

// Limits of operator transactions.
const (
	// MaxTxBytes bounds one transaction.
	MaxTxBytes = 32 << 10
	// MaxTxExpiry is how many blocks ahead a transaction's expiry may lie.
	MaxTxExpiry = 10_000
	// MaxTxAhead is how many transactions of one operator may wait: sequences
	// from the next one on.
	MaxTxAhead = 16
	// MaxBlockTxs and MaxBlockTxBytes bound the operator transactions of one
	// block, all together.
	MaxBlockTxs     = 64
	MaxBlockTxBytes = 64 << 10
)

// maxChainIDBytes bounds the chain-id string of a network, as CometBFT does.
const maxChainIDBytes = 50

// Tx is a transaction of a validator's operator, without its signature. It has
// exactly one message.
type Tx struct {
	ChainID  string      `json:"chain_id"` // of the network
	Operator Address     `json:"operator"`
	Sequence uint64      `json:"sequence"`      // of the operator: the first is 1, then 2, 3, …
	Expiry   uint64      `json:"expiry_height"` // last block that may hold it
	Propose  *GovPropose `json:"propose,omitempty"`
	Vote     *GovVote    `json:"vote,omitempty"`

	Edit           *EditValidator   `json:"edit,omitempty"`
	Rotate         *RotateSigner    `json:"rotate_signer,omitempty"`
	ChangeOperator *ChangeOperator  `json:"change_operator,omitempty"`
	Leave          *Leave           `json:"leave,omitempty"`
	Unjail         *Unjail          `json:"unjail,omitempty"`
	Report         *ReportSignature `json:"report_signature,omitempty"`
}

// EditValidator changes what the operator's validator is called.
type EditValidator struct {
	Moniker string `json:"moniker"`
}

// RotateSigner changes the signer of the operator's validator, from the next
// epoch on.
type RotateSigner struct {
	Signer    Address   `json:"signer"`
	Signature Signature `json:"signature"` // the new signer's, over the registration that names it
}

// ChangeOperator hands the operator's validator to another key, at once.
type ChangeOperator struct {
	Operator  Address   `json:"operator"`
	Signature Signature `json:"signature"` // the new operator's, over the registration that names it
}

// Leave takes the operator's validator out of the next epoch.
type Leave struct{}

// Unjail brings the operator's jailed validator back into the next epoch, once
// its time is over.
type Unjail struct{}

// ReportSignature shows the signature of a seal that the network never made. It
// bans whoever signed it.
type ReportSignature struct {
	Epoch     uint64    `json:"epoch"`
	Height    uint64    `json:"height"`
	Root      Hash      `json:"root"`
	Signature Signature `json:"signature"`

	// Witness shows what was sealed at that height. It is nil where the state
	// itself knows.
	Witness *SealWitness `json:"witness,omitempty"`
}

// SealEntry is a seal in the seal history. It says of each height above
// Previous, up to Height, what was sealed there: nothing but at Height itself.
type SealEntry struct {
	Previous uint64 `json:"previous"` // height of the seal before it; 0 for the first
	Height   uint64 `json:"height"`
	Epoch    uint64 `json:"epoch"`
	Root     Hash   `json:"root"`
}

// SealWitness shows an entry of the seal history.
type SealWitness struct {
	Entry    SealEntry `json:"entry"`
	Position uint64    `json:"position"` // of the entry, from 0
	Path     []Hash    `json:"path"`     // siblings from the entry's leaf up to its peak
}

// MaxWitnessPath bounds the path of a witness, in hashes.
const MaxWitnessPath = 40

// message is what a transaction says.
type message interface {
	action() string
	validate() error
}

// messages is the messages that are set.
func (t Tx) messages() []message {
	var all []message
	add := func(set bool, one message) {
		if set {
			all = append(all, one)
		}
	}
	add(t.Propose != nil, t.Propose)
	add(t.Vote != nil, t.Vote)
	add(t.Edit != nil, t.Edit)
	add(t.Rotate != nil, t.Rotate)
	add(t.ChangeOperator != nil, t.ChangeOperator)
	add(t.Leave != nil, t.Leave)
	add(t.Unjail != nil, t.Unjail)
	add(t.Report != nil, t.Report)
	return all
}

// GovPropose submits a proposal. It is its proposer's vote for it, too.
type GovPropose struct {
	Content Content `json:"content"`
}

// GovVote is a vote about an open proposal. A later one of the same operator
// replaces it.
type GovVote struct {
	Proposal uint64 `json:"proposal"`
	Yes      bool   `json:"yes"`
}

// Validate checks the form of a transaction: everything that can be said of it
// without the state.
func (t Tx) Validate() error {
	switch {
	case t.ChainID == "" || len(t.ChainID) > maxChainIDBytes || strings.IndexFunc(t.ChainID, notPrintable) >= 0:
		return fmt.Errorf("transaction: chain_id: want 1 to %d printable ASCII characters", maxChainIDBytes)
	case t.Operator == (Address{}):
		return errors.New("transaction: zero operator")
	case t.Sequence == 0:
		return errors.New("transaction: sequence 0, the first is 1")
	}
	all := t.messages()
	if len(all) != 1 {
		return errors.New("transaction: wants exactly one message")
	}
	return all[0].validate()
}

// Action says in one line of English what the transaction does. It is part of
// what is signed, so that a wallet shows it, and follows from the transaction
// alone.
func (t Tx) Action() string {
	if all := t.messages(); len(all) == 1 {
		return all[0].action()
	}
	return "nothing"
}

func (m *GovPropose) action() string { return "propose to " + m.Content.Action() }

func (m *GovVote) action() string {
	answer := "no"
	if m.Yes {
		answer = "yes"
	}
	return fmt.Sprintf("vote %s on proposal %d", answer, m.Proposal)
}

func (m *EditValidator) action() string { return "call the validator " + m.Moniker }
func (m *RotateSigner) action() string  { return "change the validator's signer to " + m.Signer.Hex() }

func (m *ChangeOperator) action() string { return "hand the validator to operator " + m.Operator.Hex() }
func (*Leave) action() string            { return "leave the validator set" }
func (*Unjail) action() string           { return "bring the validator back from jail" }

func (m *ReportSignature) action() string {
	return fmt.Sprintf("report a forged signature over the seal of epoch %d, height %d", m.Epoch, m.Height)
}

func (m *GovPropose) validate() error { return m.Content.Validate() }

func (m *GovVote) validate() error {
	if m.Proposal == 0 {
		return errors.New("vote: proposal 0, the first is 1")
	}
	return nil
}

func (m *EditValidator) validate() error { return validateName("moniker", m.Moniker) }

func (m *RotateSigner) validate() error {
	if m.Signer == (Address{}) {
		return errors.New("rotate_signer: zero signer")
	}
	return nil
}

func (m *ChangeOperator) validate() error {
	if m.Operator == (Address{}) {
		return errors.New("change_operator: zero operator")
	}
	return nil
}

func (*Leave) validate() error  { return nil }
func (*Unjail) validate() error { return nil }

func (m *ReportSignature) validate() error {
	if m.Epoch == 0 || m.Height == 0 {
		return errors.New("report_signature: wants epoch and height")
	}
	if m.Witness != nil && len(m.Witness.Path) > MaxWitnessPath {
		return fmt.Errorf("report_signature: a path of %d hashes, at most %d", len(m.Witness.Path), MaxWitnessPath)
	}
	return nil
}

// ProposalStatus is a proposal's place in its life.
type ProposalStatus string

// The stations of a proposal. Only the first can still change.
const (
	ProposalOpen     ProposalStatus = "open"
	ProposalApplied  ProposalStatus = "applied"  // it passed, and was applied in that block
	ProposalFailed   ProposalStatus = "failed"   // it passed, and did not apply any more
	ProposalRejected ProposalStatus = "rejected" // 1/3 of the power or more is against it
	ProposalExpired  ProposalStatus = "expired"  // its deadline came before a decision
)

// QuarantineAction says what becomes of a record in quarantine.
type QuarantineAction uint8

// The three ways.
const (
	QuarantineCredit QuarantineAction = 1 // release it as its deposit said
	QuarantineRefund QuarantineAction = 2 // return it to its deposit's refund address
	QuarantineDrop   QuarantineAction = 3 // pay it to nobody
)

var quarantineActions = map[QuarantineAction]string{
	QuarantineCredit: "credit", QuarantineRefund: "refund", QuarantineDrop: "drop",
}

// Validate refuses anything but the three.
func (q QuarantineAction) Validate() error {
	if _, ok := quarantineActions[q]; !ok {
		return fmt.Errorf("quarantine action %d: want credit, refund or drop", q)
	}
	return nil
}

// String is credit, refund or drop.
func (q QuarantineAction) String() string {
	if name, ok := quarantineActions[q]; ok {
		return name
	}
	return fmt.Sprintf("unknown(%d)", uint8(q))
}

// MarshalText implements encoding.TextMarshaler.
func (q QuarantineAction) MarshalText() ([]byte, error) { return []byte(q.String()), q.Validate() }

// UnmarshalText implements encoding.TextUnmarshaler.
func (q *QuarantineAction) UnmarshalText(text []byte) error {
	for _, action := range []QuarantineAction{QuarantineCredit, QuarantineRefund, QuarantineDrop} {
		if action.String() == string(text) {
			*q = action
			return nil
		}
	}
	return fmt.Errorf("quarantine action %.20q: want credit, refund or drop", text)
}

// validateTitle takes one line of printable ASCII: a wallet shows it.
func validateTitle(title string) error {
	if title == "" || len(title) > MaxTitleBytes || strings.IndexFunc(title, notPrintable) >= 0 {
		return fmt.Errorf("title: want 1 to %d printable ASCII characters", MaxTitleBytes)
	}
	return nil
}

func notPrintable(r rune) bool { return r < ' ' || r > '~' }
