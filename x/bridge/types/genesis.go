package types

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
)

// Validator is one member of the network: the same power in consensus, in the
// bridge and in every contract.
type Validator struct {
	ConsensusKey ConsensusKey `json:"consensus_key"` // ed25519, base64
	Signer       Address      `json:"signer"`        // signs seals
	Operator     Address      `json:"operator"`      // signs transactions
	Power        uint32       `json:"power"`
	Moniker      string       `json:"moniker"` // 1 to 32 of A-Z a-z 0-9 space . _ -
}

// ConsensusKey is an ed25519 public key; its JSON form is base64, as
// CometBFT's.
type ConsensusKey []byte

// ID is the consensus address of the validator.
func (v Validator) ID() ValidatorID { return v.ConsensusKey.ID() }

// ID is the consensus address that belongs to the key.
func (k ConsensusKey) ID() ValidatorID {
	sum := sha256.Sum256(k)
	return ValidatorID(sum[:20])
}

// Validate checks one validator by itself.
func (v Validator) Validate() error {
	if len(v.ConsensusKey) != ed25519.PublicKeySize {
		return fmt.Errorf("validator %q: consensus key of %d bytes, want %d (ed25519)",
			v.Moniker, len(v.ConsensusKey), ed25519.PublicKeySize)
	}
	if v.Signer == (Address{}) || v.Operator == (Address{}) {
		return fmt.Errorf("validator %q: zero signer or operator address", v.Moniker)
	}
	if v.Power == 0 {
		return fmt.Errorf("validator %q: zero power", v.Moniker)
	}
	return validateName("moniker", v.Moniker)
}

// SignerSet is the validator set that contracts check signatures against.
func SignerSet(validators []Validator) (ValidatorSet, error) {
	members := make([]Member, len(validators))
	for i, v := range validators {
		members[i] = Member{Signer: v.Signer, Power: v.Power}
	}
	return NewValidatorSet(members)
}

// Sizes of a vote extension in bytes: the honest limit and the hard one.
const (
	SoftVoteBytes = 1 << 10
	MaxVoteBytes  = 4 << 10
)

// MaxEventBytes bounds the encoded size of any inbox event in a payload:
// a deposit with MaxDataBytes of data needs 1,221 bytes.
const MaxEventBytes = 1300

// Chain is a connected chain.
type Chain struct {
	ID         ChainID `json:"id"`
	Label      string  `json:"label"`
	Bridge     Address `json:"bridge"`       // the Bridge contract there
	BatchGapMS uint64  `json:"batch_gap_ms"` // least time between batches, about one block of the chain
	BatchGas   uint64  `json:"batch_gas"`    // gas that one batch may plan with, at most one transaction's
	ReleaseGas uint32  `json:"release_gas"`  // gas cap of one payout
	// ExpiryBlocks is after how many final blocks of this chain a transfer from
	// it that still waits is refunded.
	ExpiryBlocks uint64 `json:"expiry_blocks"`
}

// Defaults of a chain: Ethereum's transaction gas cap (EIP-7825), a payout cap
// that holds an ordinary ERC-20 transfer twice over, and a day of its blocks.
const (
	DefaultBatchGas   = 1 << 24
	DefaultReleaseGas = 150_000
	DefaultExpiry     = 7200
)

// Validate checks one chain by itself.
func (c Chain) Validate() error {
	if c.ID == 0 {
		return fmt.Errorf("chain %q: id 0", c.Label)
	}
	if err := ValidateLabel(c.Label); err != nil {
		return err
	}
	if c.Bridge == (Address{}) {
		return fmt.Errorf("chain %s: zero bridge contract", c.Label)
	}
	if c.ReleaseGas < MinReleaseGas || c.ReleaseGas > MaxReleaseGas {
		return fmt.Errorf("chain %s: release_gas %d: want %d to %d", c.Label, c.ReleaseGas, MinReleaseGas, MaxReleaseGas)
	}
	if c.BatchGas < 4*uint64(c.ReleaseGas) || c.BatchGas > 1<<30 {
		return fmt.Errorf("chain %s: batch_gas %d: want 4 × release_gas to %d", c.Label, c.BatchGas, 1<<30)
	}
	if c.ExpiryBlocks < 1 || c.ExpiryBlocks > 100_000_000 {
		return fmt.Errorf("chain %s: expiry_blocks %d: want 1 to 100000000", c.Label, c.ExpiryBlocks)
	}
	if c.BatchGapMS > 3_600_000 {
		return fmt.Errorf("chain %s: batch_gap_ms %d: at most an hour", c.Label, c.BatchGapMS)
	}
	return nil
}

// Asset is something of value that exists on several chains.
type Asset struct {
	ID       AssetID `json:"id"`
	Name     string  `json:"name"`
	Symbol   string  `json:"symbol"`
	Decimals uint8   `json:"decimals"` // of the asset's unit: the most of all its tokens
	Tokens   []Token `json:"tokens"`
}

// Token is how one chain holds an asset.
type Token struct {
	Chain      ChainID    `json:"chain"`
	Mode       TokenMode  `json:"mode"`
	Token      Address    `json:"token"` // zero for mode mint
	Decimals   uint8      `json:"decimals"`
	ReleaseFee Amount     `json:"release_fee"` // asset units, a multiple of the token's unit
	RefundFee  Amount     `json:"refund_fee"`  // asset units, a multiple of the token's unit
	Limit      TokenLimit `json:"limit"`       // token units; what the contract itself enforces
	Flow       FlowLimit  `json:"flow"`        // what the network releases here
	Large      Amount     `json:"large"`       // asset units: releases from here on wait; 0 for none
}

// FlowLimit is a token bucket in asset units. What it does not hold waits.
type FlowLimit struct {
	Capacity Amount `json:"capacity"` // 0 is no limit
	Rate     Amount `json:"rate"`     // units a second that flow back into it
}

func (f FlowLimit) validate(contract TokenLimit, scale Amount) error {
	if f.Capacity.IsZero() != f.Rate.IsZero() {
		return fmt.Errorf("flow limit of capacity %s and rate %s: both are 0, or none", f.Capacity, f.Rate)
	}
	if f.Capacity.IsZero() || contract.Capacity.IsZero() {
		return nil
	}
	for _, belt := range []struct{ own, contract Amount }{{f.Capacity, contract.Capacity}, {f.Rate, contract.Rate}} {
		// One beyond the range is wide enough.
		if wide, err := belt.contract.Mul(scale); err == nil && wide.Cmp(belt.own) < 0 {
			return fmt.Errorf("the contract's limit (%s asset units) is narrower than the network's flow limit (%s): releases would fail instead of waiting", wide, belt.own)
		}
	}
	return nil
}

// Validate checks one asset by itself.
func (a Asset) Validate() error {
	if a.ID == (AssetID{}) {
		return fmt.Errorf("asset %q: zero id", a.Symbol)
	}
	if err := validateName("name", a.Name); err != nil {
		return fmt.Errorf("asset %s: %w", a.ID, err)
	}
	if err := validateName("symbol", a.Symbol); err != nil {
		return fmt.Errorf("asset %s: %w", a.ID, err)
	}
	seen := map[ChainID]bool{}
	for _, t := range a.Tokens {
		if seen[t.Chain] {
			return fmt.Errorf("asset %s: two tokens on chain %s", a.Symbol, t.Chain)
		}
		seen[t.Chain] = true
		if err := t.validate(a.Decimals); err != nil {
			return fmt.Errorf("asset %s on chain %s: %w", a.Symbol, t.Chain, err)
		}
	}
	if a.Decimals > MaxAssetDecimals {
		return fmt.Errorf("asset %s: %d decimals, at most %d", a.Symbol, a.Decimals, MaxAssetDecimals)
	}
	return nil
}

func (t Token) validate(assetDecimals uint8) error {
	if err := t.Mode.Validate(); err != nil {
		return err
	}
	if t.Mode == ModeMint && t.Token != (Address{}) {
		return fmt.Errorf("a wrapped token's address is decided by the contract: leave token empty")
	}
	if t.Mode == ModeLock && t.Token == (Address{}) {
		return fmt.Errorf("mode lock wants the token's address (%s for the native coin)", NativeToken)
	}
	scale, err := t.Scale(assetDecimals)
	if err != nil {
		return err
	}
	if err := t.Flow.validate(t.Limit, scale); err != nil {
		return err
	}
	for _, fee := range []Amount{t.ReleaseFee, t.RefundFee} {
		if _, remainder := fee.DivMod(scale); !remainder.IsZero() {
			return fmt.Errorf("fee %s is no multiple of the token's unit, %s", fee, scale)
		}
	}
	return nil
}

// Scale is how many asset units one token unit is.
func (t Token) Scale(assetDecimals uint8) (Amount, error) {
	if t.Decimals > assetDecimals {
		return Amount{}, fmt.Errorf("token has %d decimals, its asset only %d", t.Decimals, assetDecimals)
	}
	return PowerOfTen(assetDecimals - t.Decimals)
}

// Record is one key and value of the state.
type Record struct {
	Key   HexBytes `json:"key"`
	Value HexBytes `json:"value"`
}

// Genesis is a network's first state: either a new one (validators, chains,
// assets), or the exported records of another, never both.
type Genesis struct {
	Params     Params      `json:"params"`
	Validators []Validator `json:"validators"`
	Chains     []Chain     `json:"chains"`
	Assets     []Asset     `json:"assets"`
	Staking    *Staking    `json:"staking,omitempty"` // nil: validators are admitted by vote
	Records    []Record    `json:"records,omitempty"`
}

// Staking says how powers follow the stake on a chain.
type Staking struct {
	Chain ChainID `json:"chain"` // the home chain, whose contract has a staking contract
	// Activation is the stake of registered validators, in units of the staked
	// token, from which on powers follow it; until then they are those of
	// genesis. Who stakes first would have all the power otherwise.
	Activation Amount `json:"activation"`
}

// Validate checks the whole: members, references between them, and that a
// payload of mark_stride of the largest events fits each chain's share.
func (g Genesis) Validate() error {
	if len(g.Records) > 0 {
		if len(g.Validators)+len(g.Chains)+len(g.Assets) > 0 {
			return fmt.Errorf("genesis: exported records and new validators, chains or assets together")
		}
		return nil
	}
	if err := g.Params.Validate(); err != nil {
		return fmt.Errorf("genesis: %w", err)
	}
	if err := g.validateValidators(); err != nil {
		return fmt.Errorf("genesis: %w", err)
	}
	if err := g.validateChains(); err != nil {
		return fmt.Errorf("genesis: %w", err)
	}
	if err := g.validateAssets(); err != nil {
		return fmt.Errorf("genesis: %w", err)
	}
	if g.Staking != nil {
		if !slices.ContainsFunc(g.Chains, func(c Chain) bool { return c.ID == g.Staking.Chain }) {
			return fmt.Errorf("genesis: staking: chain %s is not in this genesis", g.Staking.Chain)
		}
		if g.Staking.Activation.IsZero() {
			return fmt.Errorf("genesis: staking: activation 0: name the registered stake from which on powers follow it")
		}
	}
	return nil
}

func (g Genesis) validateValidators() error {
	keys, operators := map[ValidatorID]bool{}, map[Address]bool{}
	for _, v := range g.Validators {
		if err := v.Validate(); err != nil {
			return err
		}
		if keys[v.ID()] {
			return fmt.Errorf("validator %q: its consensus key stands there twice", v.Moniker)
		}
		if operators[v.Operator] {
			return fmt.Errorf("validator %q: its operator address stands there twice", v.Moniker)
		}
		keys[v.ID()], operators[v.Operator] = true, true
	}
	_, err := SignerSet(g.Validators)
	return err
}

func (g Genesis) validateChains() error {
	ids, labels := map[ChainID]bool{}, map[string]bool{}
	for _, c := range g.Chains {
		if err := c.Validate(); err != nil {
			return err
		}
		if ids[c.ID] || labels[c.Label] {
			return fmt.Errorf("chain %s (%s) stands there twice", c.Label, c.ID)
		}
		ids[c.ID], labels[c.Label] = true, true
	}
	return g.Params.ValidateFor(len(g.Chains))
}

func (g Genesis) validateAssets() error {
	ids := map[AssetID]bool{}
	held := map[ChainID]int{}
	type place struct {
		chain ChainID
		token Address
	}
	mapped := map[place]bool{}
	for _, a := range g.Assets {
		if err := a.Validate(); err != nil {
			return err
		}
		if ids[a.ID] {
			return fmt.Errorf("asset %s stands there twice", a.ID)
		}
		ids[a.ID] = true
		for _, t := range a.Tokens {
			if !slices.ContainsFunc(g.Chains, func(c Chain) bool { return c.ID == t.Chain }) {
				return fmt.Errorf("asset %s: chain %s is not in this genesis", a.Symbol, t.Chain)
			}
			if held[t.Chain]++; held[t.Chain] > MaxBalances {
				return fmt.Errorf("chain %s holds more than %d assets", t.Chain, MaxBalances)
			}
			at := place{t.Chain, t.Token}
			if t.Mode == ModeLock && mapped[at] {
				return fmt.Errorf("asset %s: token %s of chain %s belongs to another asset", a.Symbol, t.Token, t.Chain)
			}
			mapped[at] = true
		}
	}
	return nil
}

// validateName takes 1 to 32 characters that are safe in a log, a page and a
// contract's bytes32.
func validateName(field, name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%s %q: want 1 to 32 of A-Z a-z 0-9 space . _ -", field, name)
	}
	return nil
}
