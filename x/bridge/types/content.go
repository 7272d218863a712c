package types

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Limits of what a proposal may say.
const (
	MaxTitleBytes = 100
	MaxTextBytes  = 16 << 10
	MaxBalances   = 256 // of a re-anchoring, and so the assets of a chain
	MaxSkipped    = 64
)

// Content is what a proposal does when it passes: exactly one of the fields is
// set. Its JSON form is an object with that one key, as an operator writes it
// into a file.
type Content struct {
	Text              *Text              `json:"text,omitempty"`
	Params            *ParamChanges      `json:"params,omitempty"`
	Unpause           *Unpause           `json:"unpause,omitempty"`
	AddChain          *AddChain          `json:"add_chain,omitempty"`
	ChangeChain       *ChangeChain       `json:"change_chain,omitempty"`
	RetireChain       *RetireChain       `json:"retire_chain,omitempty"`
	ReanchorChain     *Reanchor          `json:"reanchor_chain,omitempty"`
	RegisterAsset     *RegisterAsset     `json:"register_asset,omitempty"`
	MapAsset          *MapAsset          `json:"map_asset,omitempty"`
	ResolveQuarantine *ResolveQuarantine `json:"resolve_quarantine,omitempty"`
	AdmitValidator    *AdmitValidator    `json:"admit_validator,omitempty"`
	SetPower          *SetPower          `json:"set_power,omitempty"`
	RemoveValidator   *RemoveValidator   `json:"remove_validator,omitempty"`
}

// Text does nothing: it is a question that the validators answer.
type Text struct {
	Title string `json:"title"` // one line of printable ASCII
	Text  string `json:"text"`
}

// ParamChanges sets parameters, all or none.
type ParamChanges struct {
	Changes []ParamChange `json:"changes"`
}

// ParamChange sets one parameter to an absolute value.
type ParamChange struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

// Unpause ends the pause of a chain.
type Unpause struct {
	Chain ChainID `json:"chain"`
}

// AddChain connects a chain whose contract was deployed with the current
// validator set.
type AddChain struct {
	Chain    Chain  `json:"chain"`
	CodeHash Hash   `json:"code_hash"` // keccak256 of the contract's code, for the voters to compare
	Block    uint64 `json:"block"`     // of the chain, in which the contract was deployed
	SetHash  Hash   `json:"set_hash"`  // of the validator set that it was deployed with
}

// ChangeChain sets a chain's terms. All values are absolute.
type ChangeChain struct {
	ID           ChainID `json:"id"`
	BatchGapMS   uint64  `json:"batch_gap_ms"`
	BatchGas     uint64  `json:"batch_gas"`
	ReleaseGas   uint32  `json:"release_gas"`
	ExpiryBlocks uint64  `json:"expiry_blocks"`
}

// RetireChain disconnects a dead chain, for good.
type RetireChain struct {
	ID ChainID `json:"id"`
}

// Reanchor says where a chain really is after its history has contradicted what
// was agreed.
type Reanchor struct {
	ID          ChainID        `json:"id"`
	Block       uint64         `json:"block"`        // of the chain, at which all of this holds
	Nonce       uint64         `json:"nonce"`        // of the last inbox event there
	Hash        Hash           `json:"hash"`         // the accumulator there
	Common      uint64         `json:"common"`       // last inbox nonce that both histories share
	OutboxNonce uint64         `json:"outbox_nonce"` // last command that the contract has wholly executed there
	NextItem    uint32         `json:"next_item"`    // its next item of the command after that
	Balances    []AssetBalance `json:"balances"`     // ascending by asset
	// Skipped is what failed of the commands that the contract has executed
	// there and whose receipts are not applied; ascending by nonce. One that is
	// not named has done all its work.
	Skipped []SkippedCommand `json:"skipped,omitempty"`
	// Registered is the tokens that the contract has registered there and the
	// books do not know of; ascending by asset.
	Registered []AssetToken `json:"registered,omitempty"`
}

// AssetToken is the token that a contract has registered for an asset.
type AssetToken struct {
	Asset AssetID `json:"asset"`
	Token Address `json:"token"`
}

// SkippedCommand says which items of a command failed.
type SkippedCommand struct {
	Nonce    uint64   `json:"nonce"`
	Failures HexBytes `json:"failures"` // bitmap over all its items, least significant bit first
}

// AssetBalance is the custody or supply that a chain really has of an asset.
type AssetBalance struct {
	Asset  AssetID `json:"asset"`
	Amount Amount  `json:"amount"` // asset units
}

// RegisterAsset makes an asset known, with its tokens or still without.
type RegisterAsset struct {
	Asset Asset `json:"asset"`
}

// MapAsset adds an asset's token on a chain, or changes the terms of the one
// that is there. All values are absolute.
type MapAsset struct {
	Asset AssetID `json:"asset"`
	Token Token   `json:"token"`
}

// ResolveQuarantine says what becomes of a record in quarantine.
type ResolveQuarantine struct {
	ID     uint64           `json:"id"`
	Action QuarantineAction `json:"action"`
}

// ParseContent reads a content's JSON form, and nothing but one.
func ParseContent(b []byte) (Content, error) {
	var c Content
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Content{}, fmt.Errorf("proposal: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Content{}, errors.New("proposal: something follows the object")
	}
	return c, c.Validate()
}

// content is one of the things that a proposal can do.
type content interface {
	name() string
	action() string
	validate() error
}

// all is the contents that are set.
func (c Content) all() []content {
	var all []content
	add := func(set bool, one content) {
		if set {
			all = append(all, one)
		}
	}
	add(c.Text != nil, c.Text)
	add(c.Params != nil, c.Params)
	add(c.Unpause != nil, c.Unpause)
	add(c.AddChain != nil, c.AddChain)
	add(c.ChangeChain != nil, c.ChangeChain)
	add(c.RetireChain != nil, c.RetireChain)
	add(c.ReanchorChain != nil, c.ReanchorChain)
	add(c.RegisterAsset != nil, c.RegisterAsset)
	add(c.MapAsset != nil, c.MapAsset)
	add(c.ResolveQuarantine != nil, c.ResolveQuarantine)
	add(c.AdmitValidator != nil, c.AdmitValidator)
	add(c.SetPower != nil, c.SetPower)
	add(c.RemoveValidator != nil, c.RemoveValidator)
	return all
}

// Validate checks what can be said of a content without the state.
func (c Content) Validate() error {
	all := c.all()
	if len(all) != 1 {
		return fmt.Errorf("proposal: wants exactly one content, has %d", len(all))
	}
	if err := all[0].validate(); err != nil {
		return fmt.Errorf("%s: %w", all[0].name(), err)
	}
	return nil
}

// Kind is the key of the content in its JSON form; empty if there is none.
func (c Content) Kind() string {
	if all := c.all(); len(all) == 1 {
		return all[0].name()
	}
	return ""
}

// Action says in one line what the content does; it follows "propose to".
func (c Content) Action() string {
	if all := c.all(); len(all) == 1 {
		return all[0].action()
	}
	return "do nothing"
}

func (*Text) name() string              { return "text" }
func (*ParamChanges) name() string      { return "params" }
func (*Unpause) name() string           { return "unpause" }
func (*AddChain) name() string          { return "add_chain" }
func (*ChangeChain) name() string       { return "change_chain" }
func (*RetireChain) name() string       { return "retire_chain" }
func (*Reanchor) name() string          { return "reanchor_chain" }
func (*RegisterAsset) name() string     { return "register_asset" }
func (*MapAsset) name() string          { return "map_asset" }
func (*ResolveQuarantine) name() string { return "resolve_quarantine" }

func (c *Text) action() string { return fmt.Sprintf("agree on the text %q", c.Title) }

func (c *ParamChanges) action() string {
	changes := make([]string, len(c.Changes))
	for i, change := range c.Changes {
		changes[i] = fmt.Sprintf("%s to %d", change.Name, change.Value)
	}
	return "set " + strings.Join(changes, ", ")
}

func (c *Unpause) action() string { return fmt.Sprintf("unpause chain %s", c.Chain) }

func (c *AddChain) action() string {
	return fmt.Sprintf("add chain %s (%s) with the bridge %s", c.Chain.Label, c.Chain.ID, c.Chain.Bridge)
}

func (c *ChangeChain) action() string {
	return fmt.Sprintf("set for chain %s batch_gap_ms to %d, batch_gas to %d, release_gas to %d, expiry_blocks to %d",
		c.ID, c.BatchGapMS, c.BatchGas, c.ReleaseGas, c.ExpiryBlocks)
}

func (c *RetireChain) action() string { return fmt.Sprintf("retire chain %s for good", c.ID) }

func (c *Reanchor) action() string {
	return fmt.Sprintf("re-anchor chain %s at block %d, inbox event %d, outbox command %d", c.ID, c.Block, c.Nonce, c.OutboxNonce)
}

func (c *RegisterAsset) action() string {
	return fmt.Sprintf("register asset %s (%s) with %d tokens", c.Asset.Symbol, c.Asset.ID, len(c.Asset.Tokens))
}

func (c *MapAsset) action() string {
	token := "a wrapped token"
	if c.Token.Mode == ModeLock {
		token = "token " + c.Token.Token.Hex()
	}
	return fmt.Sprintf("map asset %s to %s on chain %s", c.Asset, token, c.Token.Chain)
}

func (c *ResolveQuarantine) action() string {
	return fmt.Sprintf("%s record %d in quarantine", c.Action, c.ID)
}

func (c *Text) validate() error {
	if err := validateTitle(c.Title); err != nil {
		return err
	}
	if len(c.Text) > MaxTextBytes || !utf8.ValidString(c.Text) || strings.IndexFunc(c.Text, control) >= 0 {
		return fmt.Errorf("want at most %d bytes of UTF-8 without control characters but line ends", MaxTextBytes)
	}
	return nil
}

func control(r rune) bool { return r != '\n' && (r < ' ' || r >= 0x7f && r <= 0x9f) }

func (c *ParamChanges) validate() error {
	if len(c.Changes) == 0 {
		return errors.New("names no parameter")
	}
	seen := map[string]bool{}
	for _, change := range c.Changes {
		param, err := ParamByName(change.Name)
		if err != nil {
			return err
		}
		if seen[change.Name] {
			return fmt.Errorf("param %s stands there twice", change.Name)
		}
		seen[change.Name] = true
		if err := param.Check(change.Value); err != nil {
			return err
		}
	}
	return nil
}

// ApplyTo gives the parameters after the changes; their order does not matter.
func (c *ParamChanges) ApplyTo(p Params) (Params, error) {
	for _, change := range c.Changes {
		param, err := ParamByName(change.Name)
		if err != nil {
			return p, err
		}
		if err := param.Set(&p, change.Value); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (c *Unpause) validate() error { return validateChainID(c.Chain) }

func (c *AddChain) validate() error {
	if c.CodeHash == (Hash{}) || c.SetHash == (Hash{}) || c.Block == 0 {
		return errors.New("wants code_hash, block and set_hash")
	}
	return c.Chain.Validate()
}

func (c *ChangeChain) validate() error { return validateChainID(c.ID) }

func (c *RetireChain) validate() error { return validateChainID(c.ID) }

func (c *Reanchor) validate() error {
	switch {
	case c.Block == 0 || c.Hash == (Hash{}):
		return errors.New("wants block and hash")
	case c.Common > c.Nonce:
		return fmt.Errorf("common %d is above nonce %d", c.Common, c.Nonce)
	case c.NextItem >= MaxBatchItems:
		return fmt.Errorf("next_item %d: a command has at most %d items", c.NextItem, MaxBatchItems)
	case len(c.Balances) > MaxBalances:
		return fmt.Errorf("%d balances, at most %d", len(c.Balances), MaxBalances)
	}
	for i, b := range c.Balances {
		if i > 0 && bytes.Compare(c.Balances[i-1].Asset[:], b.Asset[:]) >= 0 {
			return fmt.Errorf("balances: asset %s is out of order or stands there twice", b.Asset)
		}
	}
	if len(c.Skipped) > MaxSkipped {
		return fmt.Errorf("%d skipped commands, at most %d", len(c.Skipped), MaxSkipped)
	}
	for i, s := range c.Skipped {
		if i > 0 && c.Skipped[i-1].Nonce >= s.Nonce {
			return fmt.Errorf("skipped: command %d is out of order or stands there twice", s.Nonce)
		}
		if len(s.Failures) == 0 || len(s.Failures) > (MaxBatchItems+7)/8 {
			return fmt.Errorf("skipped: command %d: a bitmap of %d bytes", s.Nonce, len(s.Failures))
		}
	}
	if len(c.Registered) > MaxBalances {
		return fmt.Errorf("%d registered tokens, at most %d", len(c.Registered), MaxBalances)
	}
	for i, r := range c.Registered {
		if i > 0 && bytes.Compare(c.Registered[i-1].Asset[:], r.Asset[:]) >= 0 {
			return fmt.Errorf("registered: asset %s is out of order or stands there twice", r.Asset)
		}
		if r.Token == (Address{}) {
			return fmt.Errorf("registered: asset %s: zero token", r.Asset)
		}
	}
	return validateChainID(c.ID)
}

func (c *RegisterAsset) validate() error {
	for i, t := range c.Asset.Tokens {
		if i > 0 && c.Asset.Tokens[i-1].Chain >= t.Chain {
			return fmt.Errorf("tokens: chain %s is out of order or stands there twice", t.Chain)
		}
	}
	return c.Asset.Validate()
}

func (c *MapAsset) validate() error {
	if c.Asset == (AssetID{}) {
		return errors.New("zero asset")
	}
	if err := c.Token.Mode.Validate(); err != nil {
		return err
	}
	return validateChainID(c.Token.Chain)
}

func (c *ResolveQuarantine) validate() error {
	if c.ID == 0 {
		return errors.New("record 0, the first is 1")
	}
	return c.Action.Validate()
}

func validateChainID(id ChainID) error {
	if id == 0 {
		return errors.New("chain 0")
	}
	return nil
}
