package relayer

import (
	"errors"
	"log/slog"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// State is the committed state, as a Worker needs it.
type State interface {
	// Height is that of the latest committed block. It is cheap.
	Height() uint64
	// Outbox returns the unexecuted commands of a chain, at most most of
	// them, all from one height.
	Outbox(id types.ChainID, most int) (Outbox, error)
}

// Outbox is what one committed height says of a chain's outbox.
type Outbox struct {
	Height   uint64
	Executed uint64                 // last command wholly executed
	Commands []bridge.OutboxCommand // ascending and without gaps, from Executed+1
}

// Signatures gives seal signatures that precommits brought and the state may
// not hold yet.
type Signatures interface {
	// Signatures returns what is known over the seal of a height. Whose they
	// are is recovered here, so a wrong one does no harm.
	Signatures(sealHeight uint64) [][types.SignatureBytes]byte
}

// Config says how one destination is served. A zero takes its default.
type Config struct {
	Chain types.ChainID
	Label string          // for logs
	Self  []types.Address // seal signers of this validator, of whatever epoch; none: not a validator
	Eager bool            // send without regard to turns
	Alone bool            // no validator's: without a turn, it sends what has stood still for one Patience

	Patience       uint64        // heights before the next in turn steps in; 10
	PatienceBlocks uint64        // and blocks of the destination; 3
	Poll           time.Duration // between two looks at the destination while something is open; 1 s
	CallTimeout    time.Duration // for one round; 15 s
	MaxPending     int           // own transactions at a time; 16

	MaxFee     uint64        // wei that a unit of gas may cost at most; 500 gwei
	BumpBlocks uint64        // blocks of the destination before a transaction counts as stuck; 3
	BumpAfter  time.Duration // and time; 6 s
	LowBalance types.Amount  // wei below which to warn; 0.05 ether
}

// Deps are what a Worker works with.
type Deps struct {
	State      State
	Signatures Signatures
	Sink       chain.Sink
	Spending   *Spending    // nil: counted in memory, without a limit
	Logger     *slog.Logger // nil: slog.Default
}

// MaxOpen is how many open commands of a chain a relayer looks at. A chain has at
// most 64 batches (max_open_batches) which are open until their execution is final,
// however long ago that was; behind them come control commands, which must not
// wait for them. Whatever is more than this waits.
const MaxOpen = 128

func (c Config) withDefaults() Config {
	orDefault(&c.Patience, 10)
	orDefault(&c.PatienceBlocks, 3)
	orDefault(&c.Poll, time.Second)
	orDefault(&c.CallTimeout, 15*time.Second)
	orDefault(&c.MaxPending, 16)
	orDefault(&c.MaxFee, 500e9)
	orDefault(&c.BumpBlocks, 3)
	orDefault(&c.BumpAfter, 6*time.Second)
	orDefault(&c.LowBalance, types.NewAmount(5e16))
	return c
}

func orDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

func (d Deps) validate() error {
	if d.State == nil || d.Signatures == nil || d.Sink == nil {
		return errors.New("relayer: state, signatures and sink are needed")
	}
	return nil
}
