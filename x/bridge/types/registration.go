package types

import (
	"errors"
	"fmt"
)

// Signature is a secp256k1 signature of 64 bytes (EIP-2098), or an ed25519
// signature; the field that holds it says which.
type Signature [SignatureBytes]byte

// MarshalText implements encoding.TextMarshaler.
func (s Signature) MarshalText() ([]byte, error) { return HexBytes(s[:]).MarshalText() }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Signature) UnmarshalText(text []byte) error {
	var raw HexBytes
	if err := raw.UnmarshalText(text); err != nil {
		return err
	}
	if len(raw) != len(s) {
		return fmt.Errorf("signature of %d bytes, want %d", len(raw), len(s))
	}
	*s = Signature(raw)
	return nil
}

// Registration is the keys of a validator. Each key has signed the digest of
// all of them, evmsig.RegistrationDigest: who registers holds them.
type Registration struct {
	Operator           Address      `json:"operator"`
	ConsensusKey       ConsensusKey `json:"consensus_key"`
	Signer             Address      `json:"signer"`
	Moniker            string       `json:"moniker"`
	OperatorSignature  Signature    `json:"operator_signature"`
	ConsensusSignature Signature    `json:"consensus_signature"` // ed25519
	SignerSignature    Signature    `json:"signer_signature"`
}

// ID is the consensus address, which names the validator.
func (r Registration) ID() ValidatorID { return r.ConsensusKey.ID() }

// Validate checks the form of a registration, and not its signatures.
func (r Registration) Validate() error {
	return Validator{
		ConsensusKey: r.ConsensusKey, Signer: r.Signer, Operator: r.Operator, Power: 1, Moniker: r.Moniker,
	}.Validate()
}

// AdmitValidator takes a validator into the next epoch.
type AdmitValidator struct {
	Registration Registration `json:"registration"`
	Power        uint32       `json:"power"`
}

// SetPower changes a validator's power from the next epoch on.
type SetPower struct {
	Validator ValidatorID `json:"validator"`
	Power     uint32      `json:"power"`
}

// RemoveValidator takes a validator out of the next epoch.
type RemoveValidator struct {
	Validator ValidatorID `json:"validator"`
}

func (*AdmitValidator) name() string  { return "admit_validator" }
func (*SetPower) name() string        { return "set_power" }
func (*RemoveValidator) name() string { return "remove_validator" }

func (c *AdmitValidator) action() string {
	return fmt.Sprintf("admit validator %s (%s) with power %d", c.Registration.Moniker, c.Registration.ID(), c.Power)
}

func (c *SetPower) action() string {
	return fmt.Sprintf("set the power of validator %s to %d", c.Validator, c.Power)
}

func (c *RemoveValidator) action() string { return fmt.Sprintf("remove validator %s", c.Validator) }

func (c *AdmitValidator) validate() error {
	if err := validatePower(c.Power); err != nil {
		return err
	}
	return c.Registration.Validate()
}

func (c *SetPower) validate() error {
	if c.Validator == (ValidatorID{}) {
		return errors.New("zero validator")
	}
	return validatePower(c.Power)
}

func (c *RemoveValidator) validate() error {
	if c.Validator == (ValidatorID{}) {
		return errors.New("zero validator")
	}
	return nil
}

func validatePower(power uint32) error {
	if power == 0 || power > MaxTotalPower {
		return fmt.Errorf("power %d: want 1 to %d", power, MaxTotalPower)
	}
	return nil
}

// ValidatorStatus is how a validator stands with the network.
type ValidatorStatus uint8

// The stations of a validator. Whether it is in the epoch is another matter: a
// change of status is in force from the next epoch on.
const (
	ValidatorActive     ValidatorStatus = 1 // to be in the next epoch
	ValidatorJailed     ValidatorStatus = 2 // out, until its operator unjails it
	ValidatorLeaving    ValidatorStatus = 3 // out, by its own or governance's wish; forgotten after the unbonding time
	ValidatorTombstoned ValidatorStatus = 4 // out for ever, and its keys banned
)

var validatorStatuses = map[ValidatorStatus]string{
	ValidatorActive: "active", ValidatorJailed: "jailed", ValidatorLeaving: "leaving", ValidatorTombstoned: "tombstoned",
}

// String is the status in one word.
func (s ValidatorStatus) String() string {
	if name, ok := validatorStatuses[s]; ok {
		return name
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

// MarshalText implements encoding.TextMarshaler.
func (s ValidatorStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *ValidatorStatus) UnmarshalText(text []byte) error {
	for status, name := range validatorStatuses {
		if name == string(text) {
			*s = status
			return nil
		}
	}
	return fmt.Errorf("validator status %.20q: want active, jailed, leaving or tombstoned", text)
}
