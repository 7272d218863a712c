package chain

import (
	"context"
	"errors"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// What an error of a Sink may be; everything else is trouble with an endpoint,
// and worth another try.
var (
	// ErrReverted says that the contract refuses an execution. The text names
	// the contract's reason.
	ErrReverted = errors.New("execution reverted")
	// ErrNonceUsed says that the account has used the transaction's nonce.
	ErrNonceUsed = errors.New("account nonce is used")
	// ErrUnderpriced says that the fees are too low: in general, or to replace
	// the transaction that waits at the same account nonce.
	ErrUnderpriced = errors.New("transaction is underpriced")
	// ErrFunds says that the account cannot pay.
	ErrFunds = errors.New("too little balance for gas")
	// ErrTooExpensive says that no transaction of use fits the limits of what
	// one may cost.
	ErrTooExpensive = errors.New("fees are above the configured limit")
	// ErrDestination says that the destination is not what the configuration
	// says: another chain id, or no bridge there.
	ErrDestination = errors.New("wrong destination")
)

// Sink emits to the outbox of one chain, from one account. Everything it
// answers is a hint for the relayer: money depends on the contract's own checks
// alone, so a lying server can delay a command and nothing else. It does single
// steps and decides nothing; what to do when is the relayer's. Its methods are
// called from one goroutine at a time.
type Sink interface {
	// Position reads contract, account and fees at the newest block. What it
	// says of the contract is at least as new as what it says of the account's
	// mined transactions. No single endpoint of several can mislead it for more
	// than one look in two.
	Position(ctx context.Context) (OutboxPosition, error)
	// Make builds and signs the transaction for a command, or for the rest of a
	// half executed batch. It is pure.
	Make(e Execution, p OutboxPosition, accountNonce uint64, f Fees) (Tx, error)
	// Simulate runs the transaction against the newest state: nil, ErrReverted,
	// or trouble. Of a command that is no batch it also says how much gas the chain
	// itself thinks it needs, with a margin; 0 where nobody can tell.
	Simulate(ctx context.Context, tx Tx) (gas uint64, err error)
	// Send broadcasts the transaction. To send what the chain holds already is
	// no error.
	Send(ctx context.Context, tx Tx) error
	// Receipt tells how a transaction ended, or nil if no block has it.
	Receipt(ctx context.Context, hash types.Hash) (*Receipt, error)
}

// OutboxPosition is where a contract stands in its outbox, and the relayer's
// account beside it.
type OutboxPosition struct {
	Block      uint64 // at which it was read
	BlockGas   uint64 // gas limit of that block
	Nonce      uint64 // last command wholly executed
	NextItem   uint32 // next item of command Nonce+1
	SealHeight uint64 // height of the newest seal used; older ones are refused
	Epoch      uint64 // of the set in force there
	SetHash    types.Hash
	ReleaseGas uint32

	Account Account
	Market  Fees // what gets a transaction into one of the next blocks
	// Rush is what to rise to where Market did not get a transaction into a
	// block: of two endpoints that suggest different things, the dearer's.
	Rush Fees
}

// Account is the relayer's account on a chain.
type Account struct {
	Address types.Address
	Mined   uint64 // next nonce after all mined transactions
	Pending uint64 // next nonce after those that the pool holds, too
	Balance types.Amount
}

// Fees are what a transaction offers for a unit of gas, in the chain's finest
// unit. Where a chain knows no priority fee, Tip and Cap are both the price.
type Fees struct {
	Tip    uint64
	Cap    uint64
	Legacy bool
}

// Execution is what execute() on the contract takes.
type Execution struct {
	Nonce   uint64
	Command []byte
	From    uint32 // first item
	Items   uint32 // items of the whole command
	Proof   []types.Hash
	Epoch   uint64 // of the seal
	Height  uint64
	Root    types.Hash
	Quorum  []byte // packed set, bitmap and signatures: docs/wire-format.md

	// Spend is what the transaction may cost at most, in the chain's finest unit;
	// 0: no limit but the sink's own. A batch is cut to fit.
	Spend types.Amount
	// Least is gas that the transaction is to have, beyond what the sink reckons;
	// 0: none.
	Least uint64
}

// Kind is the command's kind, its first byte.
func (e Execution) Kind() types.CommandKind {
	if len(e.Command) == 0 {
		return 0
	}
	return types.CommandKind(e.Command[0])
}

// Tx is a signed transaction.
type Tx struct {
	Hash  types.Hash
	Raw   []byte
	Nonce uint64 // of the account
	Data  []byte // what it calls the contract with
	Gas   uint64
	Fees  Fees
	// Whole says that the gas reaches for all remaining items, unless they use
	// far more than payouts do.
	Whole bool
	Batch bool // its gas decides how many items it pays
}

// Receipt is how a transaction ended.
type Receipt struct {
	Succeeded bool
	Block     uint64
	GasUsed   uint64
	Cost      types.Amount // in the chain's finest unit; 0 if the chain does not say
}

// Most is what the transaction may cost at most, in the chain's finest unit.
func (t Tx) Most() types.Amount { return GasCost(t.Gas, t.Fees.Cap) }

// GasCost is what so much gas costs, in the chain's finest unit.
func GasCost(gas, price uint64) types.Amount {
	cost, _ := types.NewAmount(gas).Mul(types.NewAmount(price)) // below 2^128
	return cost
}
