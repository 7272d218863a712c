package gas

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// bench is a bridge in steady state: active, with a token of each kind, its
// relayer and vault seen before, fees and flow limits on. That is what a user
// pays for, not the bare minimum.
type bench struct {
	*evmtest.Bridge
	relayer common.Address
	user    common.Address
	locked  evmtest.Contract
	bare    evmtest.Contract // locked, without flow limit and fees
	wrapped evmtest.Contract
	fresh   int
}

const (
	chainID     = 31001
	destination = 31002
)

func newBench(rules evmtest.Rules, validators int) (*bench, error) {
	chain, err := evmtest.NewChain(chainID, rules)
	if err != nil {
		return nil, err
	}
	v, err := evmtest.NewValidators(validators, 1)
	if err != nil {
		return nil, err
	}
	bridge, err := evmtest.NewBridge(chain, v, common.Address{})
	if err != nil {
		return nil, err
	}
	b := &bench{Bridge: bridge, relayer: chain.Account(), user: chain.Account()}
	return b, b.open()
}

// fork returns a copy on which to measure one thing.
func (b *bench) fork() *bench {
	f := *b
	f.Bridge = b.Bridge.Fork()
	f.locked, _ = f.Chain.At("TestToken", b.locked.Address)
	f.bare, _ = f.Chain.At("TestToken", b.bare.Address)
	f.wrapped, _ = f.Chain.At("WrappedToken", b.wrapped.Address)
	return &f
}

func (b *bench) open() (err error) {
	for _, token := range []*evmtest.Contract{&b.locked, &b.bare} {
		if *token, err = b.Chain.NewContract(b.Owner, "TestToken", "Test", "TST", uint8(18)); err != nil {
			return err
		}
	}
	limit := types.TokenLimit{Minimum: types.NewAmount(1), Capacity: types.NewAmount(1 << 62), Rate: types.NewAmount(1 << 40)}
	commands := []types.Command{
		types.Activate{},
		types.RegisterToken{Asset: types.AssetID{1}, Token: b.locked.Address, Mode: types.ModeLock, Decimals: 18, Limit: limit},
		types.RegisterToken{Asset: types.AssetID{2}, Token: types.NativeToken, Mode: types.ModeLock, Decimals: 18, Limit: limit},
		types.RegisterToken{Asset: types.AssetID{3}, Mode: types.ModeMint, Decimals: 6, Limit: limit, Name: "Wrapped", Symbol: "WRP"},
		types.RegisterToken{Asset: types.AssetID{4}, Token: b.bare.Address, Mode: types.ModeLock, Decimals: 18},
	}
	for _, c := range commands {
		if _, err := b.run(c); err != nil {
			return err
		}
	}
	token, err := b.View("tokenOf", [32]byte(types.AssetID{3}))
	if err != nil {
		return err
	}
	if b.wrapped, err = b.Chain.At("WrappedToken", token[0].(common.Address)); err != nil {
		return err
	}
	plenty := new(big.Int).Lsh(big.NewInt(1), 60)
	forever := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	for _, holder := range []common.Address{b.user, b.Address} {
		for _, token := range []evmtest.Contract{b.locked, b.bare} {
			if _, err := token.Send(b.Owner, "mint", holder, plenty); err != nil {
				return err
			}
		}
	}
	if _, err := b.locked.Send(b.user, "approve", b.Address, forever); err != nil {
		return err
	}
	b.Chain.Fund(b.Address, uint256.MustFromBig(plenty))
	// The first payout of each token writes its limit and fees for the first time.
	for _, token := range []common.Address{b.locked.Address, b.bare.Address, types.NativeToken, b.wrapped.Address} {
		if _, err := b.run(b.batch(token, []common.Address{b.user})); err != nil {
			return err
		}
	}
	return nil
}

// run executes a command whole and refuses one that failed.
func (b *bench) run(c types.Command) (uint64, error) {
	b.Chain.Time += 12 // or the limit would not have to write the time
	result, err := b.Do(b.relayer, c)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.Kind(), err)
	}
	receipts, err := b.Receipts(result)
	if err != nil {
		return 0, err
	}
	if len(receipts) != 1 || len(receipts[0].Failures) != 0 {
		return 0, fmt.Errorf("%s failed: %+v", c.Kind(), receipts)
	}
	return result.Gas, nil
}

// batch pays everyone the same amount.
func (b *bench) batch(token common.Address, to []common.Address) types.Batch {
	var batch types.Batch
	fee := types.NewAmount(3)
	if token == b.bare.Address {
		fee = types.Amount{}
	}
	for _, recipient := range to {
		batch.Entries = append(batch.Entries, types.BatchEntry{
			Kind: types.EntryRelease, Token: token, Fee: fee, Recipient: recipient,
			Amount: types.NewAmount(1_000_000),
		})
	}
	return batch
}

// strangers are n addresses that hold nothing. Like most addresses they have hardly
// a byte that is zero: those would be cheaper to send.
func (b *bench) strangers(n int) []common.Address {
	list := make([]common.Address, n)
	for i := range list {
		b.fresh++
		list[i] = common.BytesToAddress(crypto.Keccak256([]byte{byte(b.fresh >> 8), byte(b.fresh)}))
	}
	return list
}

// holders are n addresses that hold some of everything.
func (b *bench) holders(n int) ([]common.Address, error) {
	list := b.strangers(n)
	for _, holder := range list {
		b.Chain.Fund(holder, uint256.NewInt(1))
		for _, token := range []evmtest.Contract{b.locked, b.bare} {
			if _, err := token.Send(b.Owner, "mint", holder, big.NewInt(1)); err != nil {
				return nil, err
			}
		}
	}
	for chunk := list; len(chunk) > 0; {
		n := min(100, len(chunk))
		if _, err := b.run(b.batch(b.wrapped.Address, chunk[:n])); err != nil {
			return nil, err
		}
		chunk = chunk[n:]
	}
	return list, nil
}
