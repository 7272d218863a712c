package contracts_test

import (
	"bytes"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// consume holds a command to the one promise that keeps the outbox alive:
// sealed, it is executed or fails, and in either case it is over. It returns
// false if the contract obeys another set from now on.
func (w *world) consume(command []byte) (goesOn bool) {
	w.t.Helper()
	done, epoch := w.uint("outboxNonce"), w.uint("epoch")
	order := w.sealBytes(command)
	var items uint32
	for w.uint("outboxNonce") == done {
		order.From = uint32(w.uint("nextIndex"))
		r, err := w.Execute(w.relayer, order, evmtest.Plenty)
		if err != nil {
			w.t.Fatalf("command %x: %v", command, err)
		}
		w.follow(r, nil)
		receipt := w.last().(types.Executed)
		w.check(receipt.First == order.From && receipt.OutboxNonce == done+1, "receipt %+v", receipt)
		items += receipt.Count
	}
	w.check(w.uint("outboxNonce") == done+1 && w.uint("nextIndex") == 0, "position after %x", command)
	if c, err := types.DecodeCommand(command); err == nil {
		w.check(items == c.Items(), "%d results of %d items: %x", items, c.Items(), command)
	}
	if w.uint("epoch") == epoch {
		return true
	}
	hash, err := w.View("setHash")
	w.must(err)
	w.Epoch++
	return hash[0] == [32]byte(w.Validators.Set.Hash())
}

// FuzzCommand consumes any bytes.
func FuzzCommand(f *testing.F) {
	w := worlds[evmtest.Osaka]()
	for _, c := range sampleCommands(w) {
		f.Add(types.EncodeCommand(c))
	}
	f.Add([]byte{})
	f.Add([]byte{3, 1})
	f.Fuzz(func(t *testing.T, command []byte) {
		if len(command) > 20_000 {
			t.Skip("more than a transaction holds")
		}
		newWorld(t).consume(command)
	})
}

func sampleCommands(w *world) []types.Command {
	to := append(strangers(5), common.Address{}, w.Address, w.token.Address)
	batch := w.releases(w.token.Address, to...)
	batch.Entries = append(batch.Entries, w.refunds(types.NativeToken, to...).Entries...)
	batch.Entries = append(batch.Entries, w.refunds(w.wrapped.Address, to...).Entries...)
	return []types.Command{
		types.Activate{},
		types.SetValidators{Epoch: 2, Set: w.Validators.Set},
		batch,
		types.RegisterToken{Asset: types.AssetID{9}, Mode: types.ModeMint, Decimals: 6, Name: "Name", Symbol: "SYM"},
		types.RegisterToken{Asset: types.AssetID{8}, Token: w.staking.Address, Mode: types.ModeLock},
		types.SetParams{ReleaseGas: 100_000, Deposits: true, Tokens: []types.TokenParams{{Token: w.token.Address}}},
		types.Slash{Operator: types.Address{1}, Fraction: 5},
		types.ReleaseStake{Operator: types.Address{1}, Amount: types.NewAmount(5)},
	}
}

// TestCommandSequences consumes sequences of good, mutated and random commands.
func TestCommandSequences(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		samples := sampleCommands(w)
		for range rapid.IntRange(1, 8).Draw(rt, "commands") {
			command := types.EncodeCommand(rapid.SampledFrom(samples).Draw(rt, "sample"))
			switch rapid.IntRange(0, 4).Draw(rt, "mutation") {
			case 1:
				at := rapid.IntRange(0, len(command)-1).Draw(rt, "at")
				command[at] ^= rapid.Byte().Draw(rt, "flip")
			case 2:
				command = command[:rapid.IntRange(0, len(command)).Draw(rt, "cut")]
			case 3:
				command = append(command, rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(rt, "tail")...)
			case 4:
				head := []byte{rapid.ByteRange(0, 8).Draw(rt, "kind")}
				command = append(head, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(rt, "body")...)
			}
			if !w.consume(bytes.Clone(command)) {
				return
			}
		}
		// Whatever happened, the bridge still pays.
		if w.uint("releaseGas") >= 100_000 {
			receipt := w.do(w.seal(w.releases(types.NativeToken, strangers(6)[5])))
			w.check(len(receipt.Failures) == 0 || w.limited(types.NativeToken), "native payout failed")
		}
	})
}

func (w *world) limited(token common.Address) bool {
	v, err := w.View("tokens", token)
	w.must(err)
	return v[2].(bool)
}
