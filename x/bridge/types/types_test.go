package types_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge/types"
)

func drawAmount(t *rapid.T, label string) types.Amount {
	b := rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, label)
	a, err := types.AmountFromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func drawAddress(t *rapid.T, label string) types.Address {
	return types.Address(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, label))
}

func drawLimit(t *rapid.T) types.TokenLimit {
	return types.TokenLimit{Minimum: drawAmount(t, "minimum"), Capacity: drawAmount(t, "capacity"), Rate: drawAmount(t, "rate")}
}

func drawCommand(t *rapid.T) types.Command {
	switch rapid.IntRange(1, 7).Draw(t, "kind") {
	case 1:
		return types.Activate{}
	case 2:
		var members []types.Member
		for i := range rapid.IntRange(1, 9).Draw(t, "members") {
			members = append(members, types.Member{Signer: types.Address{byte(i + 1)}, Power: rapid.Uint32Range(1, 1<<20).Draw(t, "power")})
		}
		set, err := types.NewValidatorSet(members)
		if err != nil {
			t.Fatal(err)
		}
		return types.SetValidators{Epoch: rapid.Uint64().Draw(t, "epoch"), Set: set}
	case 3:
		var batch types.Batch
		for range rapid.IntRange(1, 9).Draw(t, "entries") {
			batch.Entries = append(batch.Entries, types.BatchEntry{
				Kind:  types.EntryKind(rapid.Uint8Range(1, 2).Draw(t, "entry kind")),
				Token: types.Address{rapid.Uint8Range(1, 2).Draw(t, "token")}, Fee: types.NewAmount(rapid.Uint64Range(0, 1).Draw(t, "fee")),
				Recipient: drawAddress(t, "recipient"), Amount: drawAmount(t, "amount"),
			})
		}
		return batch
	case 4:
		return types.RegisterToken{
			Asset: types.AssetID{1, 2}, Token: drawAddress(t, "token"), Mode: types.TokenMode(rapid.Uint8().Draw(t, "mode")),
			Decimals: rapid.Uint8().Draw(t, "decimals"), Limit: drawLimit(t),
			Name:   rapid.StringMatching(`[A-Za-z ]{0,32}`).Draw(t, "name"),
			Symbol: rapid.StringMatching(`[A-Z]{0,32}`).Draw(t, "symbol"),
		}
	case 5:
		c := types.SetParams{ReleaseGas: rapid.Uint32().Draw(t, "gas"), Deposits: rapid.Bool().Draw(t, "deposits")}
		for range rapid.IntRange(0, 4).Draw(t, "tokens") {
			c.Tokens = append(c.Tokens, types.TokenParams{Token: drawAddress(t, "token"), Limit: drawLimit(t)})
		}
		return c
	case 6:
		return types.ReleaseStake{Operator: drawAddress(t, "operator"), Amount: drawAmount(t, "amount")}
	}
	return types.Slash{Operator: drawAddress(t, "operator"), Fraction: rapid.Uint32().Draw(t, "fraction")}
}

func TestCommandsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		command := drawCommand(t)
		encoded := types.EncodeCommand(command)
		decoded, err := types.DecodeCommand(encoded)
		if err != nil || !reflect.DeepEqual(decoded, command) {
			t.Fatalf("%#v\n%#v\n%v", command, decoded, err)
		}
		if _, err := types.DecodeCommand(append(encoded, 0)); err == nil && command.Kind() != types.CommandSetParams {
			t.Fatal("a trailing byte is taken")
		}
	})
}

func FuzzDecodeCommand(f *testing.F) {
	for _, c := range []types.Command{
		types.Activate{},
		types.SetParams{ReleaseGas: 1, Deposits: true},
		types.Batch{Entries: []types.BatchEntry{{Kind: 1, Amount: types.NewAmount(1)}}},
		types.RegisterToken{Mode: types.ModeMint, Name: "a", Symbol: "b"},
		types.Slash{Fraction: 1},
		types.ReleaseStake{Amount: types.NewAmount(1)},
		types.SetValidators{Epoch: 2, Set: types.ValidatorSet{{Signer: types.Address{1}, Power: 1}}},
	} {
		f.Add(types.EncodeCommand(c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		command, err := types.DecodeCommand(b)
		if err != nil {
			if !errors.Is(err, types.ErrCommand) {
				t.Fatalf("err = %v", err)
			}
			return
		}
		if !bytes.Equal(types.EncodeCommand(command), b) {
			t.Fatalf("%x is taken but is not canonical", b)
		}
	})
}

// The dumb twin is math/big with a bound.
func TestAmountAgainstBigIntegers(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawAmount(t, "a"), drawAmount(t, "b")
		x, y := new(big.Int).SetBytes(a.Bytes()), new(big.Int).SetBytes(b.Bytes())
		check := func(name string, got types.Amount, err error, want *big.Int) {
			inRange := want.Sign() >= 0 && want.Cmp(limit) < 0
			if inRange != (err == nil) || inRange && got.String() != want.String() {
				t.Fatalf("%s %s %s = %s, %v; want %s", a, name, b, got, err, want)
			}
			if err != nil && !errors.Is(err, types.ErrAmountRange) {
				t.Fatal(err)
			}
		}
		sum, err := a.Add(b)
		check("+", sum, err, new(big.Int).Add(x, y))
		difference, err := a.Sub(b)
		check("-", difference, err, new(big.Int).Sub(x, y))
		product, err := a.Mul(b)
		check("*", product, err, new(big.Int).Mul(x, y))
		if !b.IsZero() {
			quotient, remainder := a.DivMod(b)
			q, r := new(big.Int).DivMod(x, y, new(big.Int))
			if quotient.String() != q.String() || remainder.String() != r.String() {
				t.Fatalf("%s / %s", a, b)
			}
		}
		text, err := a.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again types.Amount
		if err := again.UnmarshalText(text); err != nil || again != a {
			t.Fatalf("%s came back as %s: %v", a, again, err)
		}
		packed := a.Bytes16()
		if back, err := types.AmountFromBytes(packed[:]); err != nil || back != a {
			t.Fatal(back, err)
		}
	})
	for _, bad := range []string{"", "-1", "1.5", "1e3", "0x10", "340282366920938463463374607431768211456"} {
		if _, err := types.ParseAmount(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestValidatorSetRules(t *testing.T) {
	good := types.ValidatorSet{{Signer: types.Address{1}, Power: 1}, {Signer: types.Address{2}, Power: 2}}
	if back, err := types.UnpackValidatorSet(good.Pack()); err != nil || !reflect.DeepEqual(back, good) {
		t.Fatal(back, err)
	}
	if good.Index(types.Address{2}) != 1 || good.Index(types.Address{3}) != -1 || good.TotalPower() != 3 {
		t.Error("Index or TotalPower")
	}
	for name, bad := range map[string]types.ValidatorSet{
		"empty": {}, "zero power": {{Signer: types.Address{1}}}, "zero signer": {{Power: 1}},
		"twice":        {{Signer: types.Address{1}, Power: 1}, {Signer: types.Address{1}, Power: 1}},
		"descending":   {{Signer: types.Address{2}, Power: 1}, {Signer: types.Address{1}, Power: 1}},
		"too powerful": {{Signer: types.Address{1}, Power: types.MaxTotalPower + 1}},
	} {
		if _, err := types.UnpackValidatorSet(bad.Pack()); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := types.UnpackValidatorSet(good.Pack()[:30]); err == nil {
		t.Error("a cut set is taken")
	}
}

func TestTextForms(t *testing.T) {
	chain, nonce, err := types.SplitTransferID("alpha/7")
	if err != nil || chain != "alpha" || nonce != 7 {
		t.Error(chain, nonce, err)
	}
	for _, bad := range []string{"", "alpha", "/7", "alpha/", "alpha/0", "alpha/-1", "alpha/7/8", "alpha/18446744073709551616"} {
		if _, _, err := types.SplitTransferID(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, bad := range []string{"", "Alpha", "a b", "1", strings.Repeat("a", 33)} {
		if types.ValidateLabel(bad) == nil {
			t.Errorf("label %q is taken", bad)
		}
	}
	var id types.ValidatorID
	if err := id.UnmarshalText([]byte("00112233445566778899AABBCCDDEEFF00112233")); err != nil || id.String() != "00112233445566778899AABBCCDDEEFF00112233" {
		t.Error(id, err)
	}
	if err := id.UnmarshalText([]byte("0011")); err == nil {
		t.Error("a short id is taken")
	}
}

func TestGenesisJSONComesBack(t *testing.T) {
	g := types.Genesis{
		Params: types.DefaultParams(),
		Validators: []types.Validator{{
			ConsensusKey: bytes.Repeat([]byte{1}, 32), Signer: types.Address{1}, Operator: types.Address{2}, Power: 3, Moniker: "one",
		}},
		Chains: []types.Chain{{ID: 5, Label: "five", Bridge: types.Address{5}, BatchGapMS: 1000, BatchGas: types.DefaultBatchGas, ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: types.DefaultExpiry}},
		Assets: []types.Asset{{ID: types.AssetID{9}, Name: "Nine", Symbol: "NINE", Decimals: 18, Tokens: []types.Token{
			{Chain: 5, Mode: types.ModeLock, Token: types.NativeToken, Decimals: 18, ReleaseFee: types.NewAmount(7), Limit: types.TokenLimit{Minimum: types.NewAmount(1)}},
		}}},
	}
	text, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	var back types.Genesis
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(g, back) {
		t.Fatalf("%s\n%+v\n%v", text, back, err)
	}
	if err := back.Validate(); err != nil {
		t.Fatal(err)
	}
}
