package evmsig_test

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// arguments makes abi.encode of go-ethereum for the given types.
func arguments(t *testing.T, names ...string) abi.Arguments {
	t.Helper()
	var list abi.Arguments
	for _, name := range names {
		typ, err := abi.NewType(name, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, abi.Argument{Type: typ})
	}
	return list
}

func hashOf(rt *rapid.T, name string) types.Hash {
	return types.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, name))
}

func addressOf(rt *rapid.T, name string) types.Address {
	return types.Address(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(rt, name))
}

func amountOf(rt *rapid.T, name string) types.Amount {
	a, _ := types.AmountFromBytes(rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(rt, name))
	return a
}

func number(a types.Amount) *big.Int {
	b := a.Bytes32()
	return new(big.Int).SetBytes(b[:])
}

// TestLeavesAgainstABI compares every leaf with go-ethereum's own encoder.
func TestLeavesAgainstABI(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		nonce := rapid.Uint64().Draw(rt, "nonce")
		u64, u32, u8 := rapid.Uint64().Draw(rt, "u64"), rapid.Uint32().Draw(rt, "u32"), rapid.Byte().Draw(rt, "u8")
		count := rapid.Uint32().Draw(rt, "count")
		h, a, b, c := hashOf(rt, "h"), addressOf(rt, "a"), addressOf(rt, "b"), addressOf(rt, "c")
		m, n := amountOf(rt, "m"), amountOf(rt, "n")
		data := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(rt, "data")
		cases := []struct {
			event  types.Event
			types  []string
			values []any
		}{
			{types.Initialized{SetHash: h}, []string{"bytes32"}, []any{h}},
			{
				types.Deposited{
					Token: a, Sender: b, Destination: types.ChainID(u64), Recipient: h, RefundTo: c, Amount: m, MaxFee: n, Data: data,
				},
				[]string{"address", "address", "uint64", "bytes32", "address", "uint128", "uint128", "bytes32"},
				[]any{a, b, u64, h, c, number(m), number(n), crypto.Keccak256Hash(data)},
			},
			{
				types.Executed{OutboxNonce: u64, First: u32, Count: count, Relayer: a, Failures: data},
				[]string{"uint64", "uint32", "uint32", "address", "bytes32"},
				[]any{u64, u32, count, a, crypto.Keccak256Hash(data)},
			},
			{
				types.Claimed{OutboxNonce: u64, Index: u32, Token: a, Owner: b, Amount: m, To: c},
				[]string{"uint64", "uint32", "address", "address", "uint128", "address"},
				[]any{u64, u32, a, b, number(m), c},
			},
			{
				types.TokenRegistered{Asset: types.AssetID(h), Token: a, Mode: types.TokenMode(u8), Decimals: u8},
				[]string{"bytes32", "address", "uint8", "uint8"},
				[]any{h, a, u8, u8},
			},
			{
				types.Staked{Operator: a, Amount: m, Data: data},
				[]string{"address", "uint128", "bytes32"},
				[]any{a, number(m), crypto.Keccak256Hash(data)},
			},
			{types.Unstaked{Operator: a, Amount: m}, []string{"address", "uint128"}, []any{a, number(m)}},
		}
		for _, c := range cases {
			packed, err := arguments(t, append([]string{"uint8", "uint64"}, c.types...)...).
				Pack(append([]any{uint8(c.event.Kind()), nonce}, c.values...)...)
			if err != nil {
				rt.Fatal(err)
			}
			if got, want := evmsig.InboxLeaf(nonce, c.event), crypto.Keccak256Hash(packed); got != want {
				rt.Fatalf("%T: leaf %s, want %s", c.event, got, want)
			}
		}
	})
}

func TestSeedAndCommandLeafAgainstABI(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		network, bridge := hashOf(rt, "network"), addressOf(rt, "bridge")
		chain, nonce := rapid.Uint64().Draw(rt, "chain"), rapid.Uint64().Draw(rt, "nonce")
		command := rapid.SliceOf(rapid.Byte()).Draw(rt, "command")
		var domain [32]byte
		copy(domain[:], "bridged.inbox.v1")
		packed, err := arguments(t, "bytes32", "bytes32", "uint256", "address").
			Pack(domain, network, new(big.Int).SetUint64(chain), bridge)
		if err != nil {
			rt.Fatal(err)
		}
		if got := evmsig.InboxSeed(network, types.ChainID(chain), bridge); got != crypto.Keccak256Hash(packed) {
			rt.Fatalf("seed %s", got)
		}
		packed, err = arguments(t, "uint256", "address", "uint64", "bytes32").
			Pack(new(big.Int).SetUint64(chain), bridge, nonce, crypto.Keccak256Hash(command))
		if err != nil {
			rt.Fatal(err)
		}
		want := crypto.Keccak256Hash(crypto.Keccak256(packed))
		if got := evmsig.CommandLeaf(types.ChainID(chain), bridge, nonce, command); got != want {
			rt.Fatalf("leaf %s", got)
		}
	})
}

// TestDigestAgainstApitypes compares with go-ethereum's EIP-712, which wallets use.
func TestDigestAgainstApitypes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		network, root := hashOf(rt, "network"), hashOf(rt, "root")
		if root == (types.Hash{}) {
			return
		}
		epoch, height := rapid.Uint64().Draw(rt, "epoch"), rapid.Uint64().Draw(rt, "height")
		typed := apitypes.TypedData{
			Types: apitypes.Types{
				"EIP712Domain": {{Name: "name", Type: "string"}, {Name: "version", Type: "string"}, {Name: "salt", Type: "bytes32"}},
				"Seal":         {{Name: "epoch", Type: "uint64"}, {Name: "height", Type: "uint64"}, {Name: "root", Type: "bytes32"}},
			},
			PrimaryType: "Seal",
			Domain:      apitypes.TypedDataDomain{Name: "bridged", Version: "1", Salt: network.Hex()},
			Message: apitypes.TypedDataMessage{
				"epoch":  (*math.HexOrDecimal256)(new(big.Int).SetUint64(epoch)),
				"height": (*math.HexOrDecimal256)(new(big.Int).SetUint64(height)),
				"root":   root.Hex(),
			},
		}
		want, _, err := apitypes.TypedDataAndHash(typed)
		if err != nil {
			rt.Fatal(err)
		}
		if got := evmsig.SealDigest(network, epoch, height, root); got != types.Hash(want) {
			rt.Fatalf("digest %s, want %x", got, want)
		}
	})
}

func TestSignAndRecover(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		secret := hashOf(rt, "secret")
		key, err := crypto.ToECDSA(secret[:])
		if err != nil {
			return
		}
		digest := hashOf(rt, "digest")
		if digest == (types.Hash{}) {
			return
		}
		sig, err := evmsig.Sign(key, digest)
		if err != nil {
			rt.Fatal(err)
		}
		signer, err := evmsig.Recover(digest, sig)
		if err != nil || signer != crypto.PubkeyToAddress(key.PublicKey) {
			rt.Fatalf("recovered %s, %v", signer, err)
		}
		flipped := sig
		flipped[rapid.IntRange(0, 63).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if other, err := evmsig.Recover(digest, flipped); err == nil && other == signer {
			rt.Fatalf("signature %x and its neighbour %x are of one signer", sig, flipped)
		}
	})
}

func TestRefusedSignatures(t *testing.T) {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("key")))
	if err != nil {
		t.Fatal(err)
	}
	digest := types.Hash{1}
	good, err := evmsig.Sign(key, digest)
	if err != nil {
		t.Fatal(err)
	}
	bend := func(change func(sig []byte)) [64]byte {
		bent := good
		change(bent[:])
		return bent
	}
	order := crypto.S256().Params().N
	half := new(big.Int).Rsh(order, 1)
	for name, sig := range map[string][64]byte{
		"zero":           {},
		"zero r":         bend(func(s []byte) { clear(s[:32]) }),
		"zero s":         bend(func(s []byte) { clear(s[32:]) }),
		"zero s, parity": bend(func(s []byte) { clear(s[32:]); s[32] = 0x80 }),
		"r is the order": bend(func(s []byte) { order.FillBytes(s[:32]) }),
		"s above half":   bend(func(s []byte) { new(big.Int).Add(half, big.NewInt(1)).FillBytes(s[32:]) }),
		"all ones": bend(func(s []byte) {
			for i := range s {
				s[i] = 255
			}
		}),
	} {
		if signer, err := evmsig.Recover(digest, sig); err == nil {
			t.Errorf("%s: recovered %s", name, signer)
		}
	}
	if _, err := evmsig.Recover(types.Hash{}, good); err == nil {
		t.Error("zero digest recovered")
	}
	if _, err := evmsig.Sign(key, types.Hash{}); err == nil {
		t.Error("zero digest signed")
	}
	if _, err := evmsig.Sign(nil, digest); err == nil {
		t.Error("signed without a key")
	}
}

func TestMerkle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		leaves := make([]types.Hash, rapid.IntRange(1, 40).Draw(rt, "n"))
		for i := range leaves {
			leaves[i] = hashOf(rt, "leaf")
		}
		root := evmsig.MerkleRoot(leaves)
		if root != dumbRoot(leaves) {
			rt.Fatalf("root %s, dumb twin says %s", root, dumbRoot(leaves))
		}
		for i, leaf := range leaves {
			path := evmsig.MerklePath(leaves, i)
			if !evmsig.VerifyPath(root, leaf, path) {
				rt.Fatalf("path of leaf %d does not verify", i)
			}
			if len(path) > 0 && (evmsig.VerifyPath(root, leaf, path[1:]) || evmsig.VerifyPath(root, types.Hash{1}, path)) {
				rt.Fatalf("a wrong path of leaf %d verifies", i)
			}
		}
	})
	if evmsig.MerkleRoot(nil) != (types.Hash{}) || evmsig.VerifyPath(types.Hash{}, types.Hash{}, nil) {
		t.Error("the zero root proves something")
	}
	for _, i := range []int{-1, 1, 2} {
		if evmsig.MerklePath([]types.Hash{{1}}, i) != nil {
			t.Errorf("a path of leaf %d of one", i)
		}
	}
}

// dumbRoot is the definition, by recursion over the largest full left part.
func dumbRoot(leaves []types.Hash) types.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	left := 1
	for left*2 < len(leaves) {
		left *= 2
	}
	a, b := dumbRoot(leaves[:left]), dumbRoot(leaves[left:])
	if a.Cmp(b) > 0 {
		a, b = b, a
	}
	return crypto.Keccak256Hash(a[:], b[:])
}

func TestInboxLeafOfNothing(t *testing.T) {
	if evmsig.InboxLeaf(1, nil) != (types.Hash{}) {
		t.Error("no event has a leaf")
	}
	if evmsig.InboxLeaf(1, &types.Initialized{}) != (types.Hash{}) {
		t.Error("a pointer has a leaf")
	}
}

func TestPackQuorum(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(rt, "n")
		members := make([]types.Member, n)
		for i := range members {
			members[i] = types.Member{Signer: types.Address{byte(i + 1)}, Power: rapid.Uint32Range(1, 50).Draw(rt, "power")}
		}
		set := types.ValidatorSet(members)
		sigs := map[int][64]byte{}
		var signed uint64
		for i := range set {
			if rapid.Bool().Draw(rt, "signs") {
				sigs[i] = [64]byte{byte(i), 1}
				signed += uint64(set[i].Power)
			}
		}
		packed, err := evmsig.PackQuorum(set, sigs)
		if enough := 3*signed > 2*set.TotalPower(); enough != (err == nil) {
			rt.Fatalf("%d of %d: %v", signed, set.TotalPower(), err)
		}
		if err == nil {
			checkPacked(rt, set, sigs, packed)
		}
	})
	if _, err := evmsig.PackQuorum(nil, nil); err == nil {
		t.Error("an empty set has a quorum")
	}
}

// checkPacked reads a packed quorum by the specification, and wants that none of
// its signatures can be left out.
func checkPacked(rt *rapid.T, set types.ValidatorSet, sigs map[int][64]byte, packed []byte) {
	n := len(set)
	head := 2 + 24*n
	bitmap, rest := packed[head:head+(n+7)/8], packed[head+(n+7)/8:]
	var power, least uint64
	for i, m := range set {
		if bitmap[i/8]>>(i%8)&1 == 0 {
			continue
		}
		if [64]byte(rest[:64]) != sigs[i] {
			rt.Fatalf("signature of %d", i)
		}
		rest = rest[64:]
		power += uint64(m.Power)
		if least == 0 || uint64(m.Power) < least {
			least = uint64(m.Power)
		}
	}
	total := set.TotalPower()
	if len(rest) != 0 || 3*power <= 2*total || 3*(power-least) > 2*total {
		rt.Fatalf("%d bytes left, power %d of %d, least %d", len(rest), power, total, least)
	}
}
