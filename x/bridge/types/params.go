package types

import (
	"fmt"
	"slices"
)

// Params are the protocol's parameters. ParamTable says what each counts, and
// in which range governance may set it.
type Params struct {
	MaxMarks       uint32 `json:"max_marks"`
	MarkStride     uint64 `json:"mark_stride"`
	HeadInterval   uint64 `json:"head_interval"`
	MaxSigs        uint32 `json:"max_sigs"`
	MaxOpenBatches uint32 `json:"max_open_batches"`
	KeepBlocks     uint64 `json:"keep_blocks"`
	PayloadBytes   uint64 `json:"payload_bytes"`
	VotingPeriod   uint64 `json:"voting_period"`

	LargeDelayBlocks  uint64 `json:"large_delay_blocks"`
	LargeDelayMS      uint64 `json:"large_delay_ms"`
	MaxHeld           uint32 `json:"max_held"`
	MaxOpenSeals      uint32 `json:"max_open_seals"`
	MaxCommands       uint32 `json:"max_commands"`
	RetireDelayBlocks uint64 `json:"retire_delay_blocks"`
	RetireDelayMS     uint64 `json:"retire_delay_ms"`

	EpochBlocks     uint64 `json:"epoch_blocks"`
	MaxValidators   uint32 `json:"max_validators"`
	MaxShare        uint32 `json:"max_share"`
	MaxGain         uint32 `json:"max_gain"`
	MaxStrikes      uint32 `json:"max_strikes"`
	StrikeWindow    uint64 `json:"strike_window"`
	DutyBlocks      uint64 `json:"duty_blocks"`
	LagBlocks       uint64 `json:"lag_blocks"`
	SigGrace        uint64 `json:"sig_grace"`
	MissWindow      uint64 `json:"miss_window"`
	MaxMisses       uint32 `json:"max_misses"`
	JailBlocks      uint64 `json:"jail_blocks"`
	JailMS          uint64 `json:"jail_ms"`
	UnbondingBlocks uint64 `json:"unbonding_blocks"`
	UnbondingMS     uint64 `json:"unbonding_ms"`
	SlashFraction   uint32 `json:"slash_fraction"`
}

// DefaultParams are the parameters of a new network.
func DefaultParams() Params {
	return Params{
		MaxMarks: 64, MarkStride: 128, HeadInterval: 32, MaxSigs: 4,
		MaxOpenBatches: 64, KeepBlocks: 1000, PayloadBytes: 6 << 20,
		VotingPeriod: 300_000, LargeDelayBlocks: 6000, LargeDelayMS: 3_600_000,
		MaxHeld: 100_000, MaxOpenSeals: 64, MaxCommands: 64,
		RetireDelayBlocks: 1_000_000, RetireDelayMS: 7 * 24 * 3_600_000,
		EpochBlocks: 10_000, MaxValidators: 100, MaxShare: 333, MaxGain: 333,
		MaxStrikes: 3, StrikeWindow: 100_000, DutyBlocks: 20, LagBlocks: 256, SigGrace: 10,
		MissWindow: 20_000, MaxMisses: 500, JailBlocks: 6000, JailMS: 3_600_000,
		UnbondingBlocks: 200_000, UnbondingMS: 14 * 24 * 3_600_000, SlashFraction: 50_000,
	}
}

// MaxKeepBlocks is the greatest keep_blocks.
const MaxKeepBlocks = 1_000_000

// ParamTable is every parameter, in the order of Params.
func ParamTable() []Param {
	return []Param{
		param("max_marks", "marks of one validator above a cursor", 1, 64,
			func(p *Params) *uint32 { return &p.MaxMarks }),
		param("mark_stride", "inbox events: a mark at every nonce divisible by it", 16, 1024,
			func(p *Params) *uint64 { return &p.MarkStride }),
		param("head_interval", "source blocks between votes that name a head only", 1, 10_000,
			func(p *Params) *uint64 { return &p.HeadInterval }),
		param("max_sigs", "seal signatures in one extension", 1, 16,
			func(p *Params) *uint32 { return &p.MaxSigs }),
		param("max_open_batches", "unexecuted batches of one chain", 1, 64,
			func(p *Params) *uint32 { return &p.MaxOpenBatches }),
		param("keep_blocks", "blocks that finished commands, seals and proposals stay", 1, MaxKeepBlocks,
			func(p *Params) *uint64 { return &p.KeepBlocks }),
		param("payload_bytes", "bytes of inbox payload in one block, a MiB below block.max_bytes at most", 256<<10, 32<<20,
			func(p *Params) *uint64 { return &p.PayloadBytes }),
		param("voting_period", "blocks from a proposal to its deadline", 10, 10_000_000,
			func(p *Params) *uint64 { return &p.VotingPeriod }),
		param("large_delay_blocks", "blocks that a transfer of a large amount waits, at least", 0, 10_000_000,
			func(p *Params) *uint64 { return &p.LargeDelayBlocks }),
		param("large_delay_ms", "milliseconds of block time that it waits, at least", 0, 30*24*3_600_000,
			func(p *Params) *uint64 { return &p.LargeDelayMS }),
		param("max_held", "waiting transfers of one destination, beyond which new ones are refunded", 100, 1_000_000,
			func(p *Params) *uint32 { return &p.MaxHeld }),
		param("max_open_seals", "incomplete seals, beyond which nothing is ordered", 4, 1024,
			func(p *Params) *uint32 { return &p.MaxOpenSeals }),
		param("max_commands", "commands of one block, of all chains together", 1, 1024,
			func(p *Params) *uint32 { return &p.MaxCommands }),
		param("retire_delay_blocks", "blocks without a new head after which a chain may be retired", 10, 100_000_000,
			func(p *Params) *uint64 { return &p.RetireDelayBlocks }),
		param("retire_delay_ms", "milliseconds of block time without a new head after which it may", 0, 365*24*3_600_000,
			func(p *Params) *uint64 { return &p.RetireDelayMS }),
		param("epoch_blocks", "blocks that an epoch lasts, at least", 5, 10_000_000,
			func(p *Params) *uint64 { return &p.EpochBlocks }),
		param("max_validators", "validators of an epoch", 1, MaxValidators,
			func(p *Params) *uint32 { return &p.MaxValidators }),
		param("max_share", "thousandths of the power that one validator may have, from four validators on", 1, 1000,
			func(p *Params) *uint32 { return &p.MaxShare }),
		param("max_gain", "thousandths of the power that may be in other hands in the next epoch, from four validators on", 1, 333,
			func(p *Params) *uint32 { return &p.MaxGain }),
		param("max_strikes", "conflicting marks in strike_window that jail a validator", 1, 100,
			func(p *Params) *uint32 { return &p.MaxStrikes }),
		param("strike_window", "blocks for which a conflicting mark counts", 10, 10_000_000,
			func(p *Params) *uint64 { return &p.StrikeWindow }),
		param("duty_blocks", "blocks between two looks at who does its duties", 2, 1000,
			func(p *Params) *uint64 { return &p.DutyBlocks }),
		param("lag_blocks", "source blocks that a validator's head may be behind the agreed one", 1, 1_000_000,
			func(p *Params) *uint64 { return &p.LagBlocks }),
		param("sig_grace", "blocks after a seal's completion in which its signatures are still taken", 1, 1000,
			func(p *Params) *uint64 { return &p.SigGrace }),
		param("miss_window", "blocks for which a missed duty counts", 20, 10_000_000,
			func(p *Params) *uint64 { return &p.MissWindow }),
		param("max_misses", "misses of one duty in miss_window, beyond which a validator is jailed", 1, 100_000,
			func(p *Params) *uint32 { return &p.MaxMisses }),
		param("jail_blocks", "blocks that a jailed validator stays out, at least", 1, 10_000_000,
			func(p *Params) *uint64 { return &p.JailBlocks }),
		param("jail_ms", "milliseconds of block time that it stays out, at least", 0, 30*24*3_600_000,
			func(p *Params) *uint64 { return &p.JailMS }),
		param("unbonding_blocks", "blocks that a validator which has left stays accountable, at least", 10, 100_000_000,
			func(p *Params) *uint64 { return &p.UnbondingBlocks }),
		param("unbonding_ms", "milliseconds of block time that it stays accountable, at least", 0, 365*24*3_600_000,
			func(p *Params) *uint64 { return &p.UnbondingMS }),
		param("slash_fraction", "millionths of the stake that a banned validator loses", 0, FractionUnit,
			func(p *Params) *uint32 { return &p.SlashFraction }),
	}
}

// Param is one parameter of the table.
type Param struct {
	Name     string
	Unit     string // what it counts
	Min, Max uint64
	get      func(*Params) uint64
	set      func(*Params, uint64)
}

func param[N uint32 | uint64](name, unit string, least, most uint64, field func(*Params) *N) Param {
	return Param{
		Name: name, Unit: unit, Min: least, Max: most,
		get: func(p *Params) uint64 { return uint64(*field(p)) },
		set: func(p *Params, value uint64) { *field(p) = N(value) },
	}
}

// Get is the parameter's value among others.
func (p Param) Get(of Params) uint64 { return p.get(&of) }

// Check refuses a value outside the range.
func (p Param) Check(value uint64) error {
	if value < p.Min || value > p.Max {
		return fmt.Errorf("param %s = %d: want %d to %d (%s)", p.Name, value, p.Min, p.Max, p.Unit)
	}
	return nil
}

// Set changes the parameter to a value in its range.
func (p Param) Set(in *Params, value uint64) error {
	if err := p.Check(value); err != nil {
		return err
	}
	p.set(in, value)
	return nil
}

// ParamByName finds a parameter in the table.
func ParamByName(name string) (Param, error) {
	table := ParamTable()
	i := slices.IndexFunc(table, func(p Param) bool { return p.Name == name })
	if i < 0 {
		return Param{}, fmt.Errorf("param %.40q: there is none of that name", name)
	}
	return table[i], nil
}

// Validate checks each parameter against its range.
func (p Params) Validate() error {
	for _, param := range ParamTable() {
		if err := param.Check(param.Get(p)); err != nil {
			return err
		}
	}
	return nil
}

// ValidateFor checks the parameters of a network with that many chains: also
// that a payload of mark_stride of the largest events fits each chain's share,
// or an inbox could stop for ever.
func (p Params) ValidateFor(chains int) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if p.LagBlocks < p.HeadInterval {
		return fmt.Errorf("param lag_blocks = %d: votes name a head every head_interval (%d) source blocks only", p.LagBlocks, p.HeadInterval)
	}
	if n := uint64(chains); n > 0 && p.PayloadBytes/n < p.MarkStride*MaxEventBytes { //nolint:gosec // a length
		return fmt.Errorf("param payload_bytes = %d: the share of one of %d chains holds less than mark_stride (%d) events of %d bytes",
			p.PayloadBytes, n, p.MarkStride, MaxEventBytes)
	}
	return nil
}
