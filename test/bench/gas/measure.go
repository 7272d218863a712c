package gas

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// What is measured: validator sets of equal powers, batches, and the set that
// everything else is measured with.
var (
	setSizes   = []int{4, 10, 21, 50, 100}
	batchSizes = []int{1, 10, 50, 100, 250}
)

const usual = 21

// Names of tokens and recipients.
const (
	erc20    = "erc20" // locked, with flow limit and relay fee
	existing = "existing"
	fresh    = "fresh"
)

// Report is everything measured under one rule set.
type Report struct {
	Rules      evmtest.Rules
	Quorums    []Quorum
	Batches    []Batch
	Deposits   []Deposit
	SetChanges []SetChange
	Deploy     uint64
	Register   uint64
	Slices     []Slice // of a batch of 250 fresh recipients
	Stakes     []Stake
}

// Quorum is the cost of proving that the validators want something.
type Quorum struct {
	Validators int
	Signatures int
	Check      uint64 // checkQuorum as a transaction
	Execute    uint64 // the smallest command that does something: SetParams
}

// Batch is the cost of a batch with 21 validators.
type Batch struct {
	Token      string
	Recipients string // existing or fresh
	Size       int
	Gas        uint64
	Each       uint64
}

// Deposit is the cost of a deposit.
type Deposit struct {
	Kind string
	Gas  uint64
}

// SetChange is the cost of SetValidators to a set of the same size.
type SetChange struct {
	Validators int
	Gas        uint64
}

// Slice is one transaction of a batch that takes several.
type Slice struct {
	First uint32
	Count uint32
	Gas   uint64
}

func measure(rules evmtest.Rules) (r Report, err error) {
	r.Rules = rules
	for _, n := range setSizes {
		b, err := newBench(rules, n)
		if err != nil {
			return r, fmt.Errorf("bench of %d: %w", n, err)
		}
		q, err := b.quorum()
		if err != nil {
			return r, fmt.Errorf("quorum of %d: %w", n, err)
		}
		r.Quorums = append(r.Quorums, q)
		change, err := b.setChange()
		if err != nil {
			return r, fmt.Errorf("set change of %d: %w", n, err)
		}
		r.SetChanges = append(r.SetChanges, SetChange{n, change})
		if n == usual {
			if err := r.common(b); err != nil {
				return r, err
			}
		}
	}
	if r.Stakes, err = stakes(rules); err != nil {
		return r, fmt.Errorf("stakes: %w", err)
	}
	return r, nil
}

// common measures what does not depend on the number of validators, or is
// shown for 21.
func (r *Report) common(b *bench) (err error) {
	if r.Batches, err = b.batches(); err != nil {
		return fmt.Errorf("batches: %w", err)
	}
	if r.Deposits, err = b.deposits(); err != nil {
		return fmt.Errorf("deposits: %w", err)
	}
	if r.Slices, err = b.slices(250); err != nil {
		return fmt.Errorf("slices: %w", err)
	}
	f := b.fork()
	deployed, err := f.Chain.Deploy(f.Owner, "Bridge", evmtest.NetworkID, f.Validators.Set.Pack(), common.Address{})
	if err != nil {
		return err
	}
	r.Deploy = deployed.Gas
	r.Register, err = f.run(types.RegisterToken{
		Asset: types.AssetID{9}, Mode: types.ModeMint, Decimals: 6, Name: "Another", Symbol: "ANO",
	})
	return err
}

func (b *bench) quorum() (Quorum, error) {
	f := b.fork()
	order, err := f.Bridge.Seal(types.EncodeCommand(types.SetParams{ReleaseGas: 300_000, Deposits: true}))
	if err != nil {
		return Quorum{}, err
	}
	data, err := f.ABI.Pack("checkQuorum", order.Seal, order.Quorum)
	if err != nil {
		return Quorum{}, err
	}
	check, err := f.Chain.Send(evmtest.Tx{From: f.relayer, To: &f.Address, Data: data})
	if err != nil {
		return Quorum{}, err
	}
	done, err := f.Execute(f.relayer, order, 0)
	if err != nil {
		return Quorum{}, err
	}
	n := len(f.Validators.Set)
	signatures := (len(order.Quorum) - 2 - 24*n - (n+7)/8) / types.SignatureBytes
	return Quorum{Validators: n, Signatures: signatures, Check: check.Gas, Execute: done.Gas}, nil
}

func (b *bench) setChange() (uint64, error) {
	f := b.fork()
	next, err := evmtest.NewValidators(len(f.Validators.Set), 2)
	if err != nil {
		return 0, err
	}
	return f.run(types.SetValidators{Epoch: 2, Set: next.Set})
}

func (b *bench) batches() ([]Batch, error) {
	f := b.fork()
	holders, err := f.holders(250)
	if err != nil {
		return nil, err
	}
	strangers := f.strangers(250)
	tokens := []struct {
		name    string
		address common.Address
	}{{erc20, b.locked.Address}, {"erc20, no limit, no fee", b.bare.Address}, {"wrapped", b.wrapped.Address}, {"native", types.NativeToken}}
	var list []Batch
	for _, token := range tokens {
		for _, size := range batchSizes {
			for _, kind := range []string{existing, fresh} {
				to := holders
				if kind == fresh {
					to = strangers
				}
				gas, err := f.fork().whole(f.batch(token.address, to[:size]))
				if err != nil {
					return nil, fmt.Errorf("%s, %d %s: %w", token.name, size, kind, err)
				}
				list = append(list, Batch{token.name, kind, size, gas, gas / uint64(size)})
			}
		}
	}
	return list, nil
}

// whole executes a batch in as many transactions as it takes and adds them up.
func (b *bench) whole(batch types.Batch) (total uint64, err error) {
	slices, err := b.sliced(batch)
	for _, s := range slices {
		total += s.Gas
	}
	return total, err
}

func (b *bench) slices(n int) ([]Slice, error) {
	f := b.fork()
	return f.sliced(f.batch(f.locked.Address, f.strangers(n)))
}

// sliced executes a batch with the most gas that one transaction may have.
func (b *bench) sliced(batch types.Batch) (list []Slice, err error) {
	b.Chain.Time += 12
	order, err := b.Bridge.Seal(types.EncodeCommand(batch))
	if err != nil {
		return nil, err
	}
	for int(order.From) < len(batch.Entries) {
		result, err := b.Execute(b.relayer, order, evmtest.Plenty)
		if err != nil {
			return list, err
		}
		receipts, err := b.Receipts(result)
		if err != nil {
			return list, err
		}
		if len(receipts) != 1 || receipts[0].First != order.From || len(receipts[0].Failures) != 0 {
			return list, fmt.Errorf("slice from %d: %+v", order.From, receipts)
		}
		list = append(list, Slice{First: order.From, Count: receipts[0].Count, Gas: result.Gas})
		order.From += receipts[0].Count
	}
	return list, nil
}

func (b *bench) deposits() ([]Deposit, error) {
	recipient := [32]byte(types.RecipientFromAddress(b.user))
	amount, fee := big.NewInt(1000), big.NewInt(10)
	// The vault is warm when somebody has deposited before.
	kinds := []struct {
		name   string
		method string
		args   []any
	}{
		{erc20 + ", infinite allowance", "deposit", []any{b.locked.Address, amount}},
		{"wrapped", "deposit", []any{b.wrapped.Address, amount}},
		{"native", "depositNative", nil},
	}
	var list []Deposit
	for _, k := range kinds {
		f := b.fork()
		args := append(k.args, uint64(destination), recipient, common.Address{}, fee, []byte{})
		data, err := f.ABI.Pack(k.method, args...)
		if err != nil {
			return nil, err
		}
		tx := evmtest.Tx{From: f.user, To: &f.Address, Data: data}
		if k.name == "native" {
			tx.Value = uint256.NewInt(1000)
		}
		result, err := f.Chain.Send(tx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		list = append(list, Deposit{k.name, result.Gas})
	}
	return list, nil
}
