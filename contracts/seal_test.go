package contracts_test

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// The layout of a quorum of four validators and three signatures.
const (
	quorumMap  = 2 + 4*24
	quorumSigs = quorumMap + 1
)

// TestRefusedOrders bends one thing of a good order. None may execute, and the
// unbent order must execute afterwards.
func TestRefusedOrders(t *testing.T) {
	other := types.Hash{9}
	cases := map[string]struct {
		bend func(w *world, o *evmtest.Order)
		want string
	}{
		"wrong index": {func(_ *world, o *evmtest.Order) { o.From = 1 }, "BadIndex"},
		"other command": {func(_ *world, o *evmtest.Order) {
			o.Command = types.EncodeCommand(types.Slash{Operator: types.Address{1}, Fraction: 1})
		}, "BadProof"},
		"changed byte":      {func(_ *world, o *evmtest.Order) { o.Command[len(o.Command)-1] ^= 1 }, "BadProof"},
		"truncated command": {func(_ *world, o *evmtest.Order) { o.Command = o.Command[:len(o.Command)-1] }, "BadProof"},
		"empty command":     {func(_ *world, o *evmtest.Order) { o.Command = nil }, "BadProof"},
		"other path":        {func(_ *world, o *evmtest.Order) { o.Path[0] = types.Hash{8} }, "BadProof"},
		"short path":        {func(_ *world, o *evmtest.Order) { o.Path = nil }, "BadProof"},
		"long path":         {func(_ *world, o *evmtest.Order) { o.Path = append(o.Path, types.Hash{}) }, "BadProof"},
		"zero root":         {func(_ *world, o *evmtest.Order) { o.Seal.Root = types.Hash{} }, "BadProof"},
		"other root":        {func(_ *world, o *evmtest.Order) { o.Seal.Root = types.Hash{7} }, "BadProof"},
		"other height":      {func(_ *world, o *evmtest.Order) { o.Seal.Height++ }, "BadSignature"},
		"epoch ahead": {func(w *world, o *evmtest.Order) {
			o.Seal.Epoch = 2
			w.must(w.Resign(o))
		}, "BadEpoch"},
		"epoch zero": {func(w *world, o *evmtest.Order) {
			o.Seal.Epoch = 0
			w.must(w.Resign(o))
		}, "BadEpoch"},
		"old seal": {func(w *world, o *evmtest.Order) {
			o.Seal.Height = w.uint("sealHeight") - 1
			w.must(w.Resign(o))
		}, "BadHeight"},
		"other set": {func(w *world, o *evmtest.Order) {
			w.Validators, _ = evmtest.NewValidators(4, 99)
			w.must(w.Resign(o))
		}, "BadSet"},
		"nobody":              {func(_ *world, o *evmtest.Order) { o.Quorum = nil }, "BadQuorum"},
		"one byte":            {func(_ *world, o *evmtest.Order) { o.Quorum = o.Quorum[:1] }, "BadQuorum"},
		"no validators":       {func(_ *world, o *evmtest.Order) { o.Quorum = []byte{0, 0} }, "BadSet"},
		"too many validators": {func(_ *world, o *evmtest.Order) { o.Quorum[0] = 1; o.Quorum[1] = 1 }, "BadQuorum"},
		"fewer validators":    {func(_ *world, o *evmtest.Order) { o.Quorum[1] = 3 }, "BadSet"},
		"raised power":        {func(_ *world, o *evmtest.Order) { o.Quorum[2+20]++ }, "BadSet"},
		"extra byte":          {func(_ *world, o *evmtest.Order) { o.Quorum = append(o.Quorum, 0) }, "BadQuorum"},
		"missing byte":        {func(_ *world, o *evmtest.Order) { o.Quorum = o.Quorum[:len(o.Quorum)-1] }, "BadQuorum"},
		"extra bit":           {func(_ *world, o *evmtest.Order) { o.Quorum[quorumMap] |= 8 }, "BadQuorum"},
		"bit beyond the set": {func(_ *world, o *evmtest.Order) {
			o.Quorum[quorumMap] = 0b1_0011
		}, "BadQuorum"},
		"no bits": {func(_ *world, o *evmtest.Order) {
			o.Quorum[quorumMap] = 0
			o.Quorum = o.Quorum[:quorumSigs]
		}, "TooLittlePower"},
		"two of four": {func(_ *world, o *evmtest.Order) {
			o.Quorum[quorumMap] = 0b0011
			o.Quorum = o.Quorum[:quorumSigs+128]
		}, "TooLittlePower"},
		"wrong position": {func(_ *world, o *evmtest.Order) { o.Quorum[quorumMap] = 0b1011 }, "BadSignature"},
		"one signature thrice": {func(_ *world, o *evmtest.Order) {
			first := o.Quorum[quorumSigs : quorumSigs+64]
			copy(o.Quorum[quorumSigs+64:], first)
			copy(o.Quorum[quorumSigs+128:], first)
		}, "BadSignature"},
		"signatures swapped": {func(_ *world, o *evmtest.Order) {
			a, b := bytes.Clone(o.Quorum[quorumSigs:quorumSigs+64]), o.Quorum[quorumSigs+64:quorumSigs+128]
			copy(o.Quorum[quorumSigs:], b)
			copy(o.Quorum[quorumSigs+64:], a)
		}, "BadSignature"},
		"high s": {func(_ *world, o *evmtest.Order) { raise(o.Quorum[quorumSigs : quorumSigs+64]) }, "BadSignature"},
		"flipped parity": {func(_ *world, o *evmtest.Order) {
			o.Quorum[quorumSigs+32] ^= 0x80
		}, "BadSignature"},
		"zero signature": {func(_ *world, o *evmtest.Order) { clear(o.Quorum[quorumSigs : quorumSigs+64]) }, "BadSignature"},
		"zero r":         {func(_ *world, o *evmtest.Order) { clear(o.Quorum[quorumSigs : quorumSigs+32]) }, "BadSignature"},
		"zero s":         {func(_ *world, o *evmtest.Order) { clear(o.Quorum[quorumSigs+32 : quorumSigs+64]) }, "BadSignature"},
		"last one wrong": {func(_ *world, o *evmtest.Order) { o.Quorum[len(o.Quorum)-1] ^= 1 }, "BadSignature"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			// Two seals, so that there is an older height to go back to.
			w.ok(types.SetParams{ReleaseGas: 300_000, Deposits: true})
			w.Height += 5
			order := w.seal(types.SetParams{ReleaseGas: 300_001, Deposits: true}, other)
			bent := order
			bent.Command, bent.Quorum = bytes.Clone(order.Command), bytes.Clone(order.Quorum)
			bent.Path = append([]types.Hash(nil), order.Path...)
			c.bend(w, &bent)
			_, err := w.Execute(w.relayer, bent, 0)
			w.reverts(err, c.want)
			w.do(order)
			w.check(w.uint("releaseGas") == 300_001, "the good order did nothing")
		})
	}
}

// raise replaces s by its twin above half of the order, which go-ethereum's
// ecrecover would accept.
func raise(sig []byte) {
	parity := sig[32] & 0x80
	sig[32] &= 0x7f
	s := new(big.Int).SetBytes(sig[32:64])
	s.Sub(crypto.S256().Params().N, s).FillBytes(sig[32:64])
	// The bit for the parity is taken by s now where s is above 2^255, which makes
	// the form ambiguous: exactly why only low s is allowed.
	sig[32] |= parity ^ 0x80
}

// TestForeignOrders takes orders that are good elsewhere.
func TestForeignOrders(t *testing.T) {
	command := types.EncodeCommand(types.SetParams{ReleaseGas: 77_777})
	foreign := func(w *world, chain types.ChainID, bridge common.Address, nonce uint64) evmtest.Order {
		leaf := evmsig.CommandLeaf(chain, bridge, nonce, command)
		order := w.sealBytes(command)
		order.Seal.Root = leaf
		w.must(w.Resign(&order))
		return order
	}
	w := newWorld(t)
	next := w.uint("outboxNonce") + 1
	for name, order := range map[string]evmtest.Order{
		"other chain":    foreign(w, here+1, w.Address, next),
		"other contract": foreign(w, here, w.token.Address, next),
		"nonce ahead":    foreign(w, here, w.Address, next+1),
		"nonce behind":   foreign(w, here, w.Address, next-1),
		"nonce zero":     foreign(w, here, w.Address, 0),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.fork(t).Execute(w.relayer, order, 0)
			w.reverts(err, "BadProof")
		})
	}
	w.do(foreign(w, here, w.Address, next))
}

func TestForkedChainObeysNothing(t *testing.T) {
	w := newWorld(t)
	order := w.seal(types.SetParams{ReleaseGas: 77_777})
	w.Chain.SetChainID(here + 7)
	_, err := w.Execute(w.relayer, order, 0)
	w.reverts(err, "BadProof")
}

func TestReplay(t *testing.T) {
	w := newWorld(t)
	order := w.seal(w.releases(w.token.Address, strangers(1)...))
	w.do(order)
	_, err := w.Execute(w.relayer, order, 0)
	w.reverts(err, "BadProof")
	w.check(w.balance(w.token, strangers(1)[0]) == 100, "paid twice")
}

// TestOneSealManyCommands executes two commands under one root and height.
func TestOneSealManyCommands(t *testing.T) {
	w := newWorld(t)
	next := w.uint("outboxNonce") + 1
	var commands [][]byte
	var leaves []types.Hash
	for i := range uint64(5) {
		commands = append(commands, types.EncodeCommand(types.SetParams{ReleaseGas: uint32(60_000 + i)}))
		leaves = append(leaves, evmsig.CommandLeaf(here, w.Address, next+i, commands[i]))
	}
	order := w.sealBytes(nil)
	order.Seal.Root = evmsig.MerkleRoot(leaves)
	w.must(w.Resign(&order))
	for i := range commands {
		order.Command, order.Path = commands[i], evmsig.MerklePath(leaves, i)
		w.do(order)
	}
	w.check(w.uint("releaseGas") == 60_004, "last command did nothing")
}

// TestInnerNodeIsNoLeaf offers the two halves of the root as a command's leaf.
func TestInnerNodeIsNoLeaf(t *testing.T) {
	w := newWorld(t)
	order := w.seal(types.SetParams{ReleaseGas: 60_000}, types.Hash{1}, types.Hash{2}, types.Hash{3})
	order.Command = append(order.Path[0][:], order.Path[1][:]...)
	order.Path = order.Path[1:]
	_, err := w.Execute(w.relayer, order, 0)
	w.reverts(err, "BadProof")
}

// TestQuorumBoundary: exactly 2/3 is not enough, the least more is.
func TestQuorumBoundary(t *testing.T) {
	cases := []struct {
		powers []uint32
		signer []int
		enough bool
	}{
		{[]uint32{1, 1, 1}, []int{0, 1}, false},
		{[]uint32{1, 1, 1}, []int{0, 1, 2}, true},
		{[]uint32{1, 1, 2}, []int{0, 2}, true},
		{[]uint32{200, 100, 300}, []int{0, 1}, false},
		{[]uint32{300, 99, 200}, []int{0, 1}, false},
		{[]uint32{300, 101, 200}, []int{0, 1}, true},
		{[]uint32{1 << 29, 1 << 28, 1 << 28}, []int{0, 1}, true},
		{[]uint32{1 << 29, 1 << 28, 1 << 28}, []int{0}, false},
		{[]uint32{1}, []int{0}, true},
		{[]uint32{1}, nil, false},
		{[]uint32{333, 333, 334}, []int{0, 1}, false},
		{[]uint32{333, 333, 334}, []int{1, 2}, true},
		{[]uint32{2, 2, 2, 2, 1}, []int{0, 1, 2}, false},
		{[]uint32{1, 1, 1, 1, 1, 1, 1, 1, 1}, []int{0, 1, 2, 3, 4, 5}, false},
		{[]uint32{1, 1, 1, 1, 1, 1, 1, 1, 1}, []int{0, 1, 2, 3, 4, 5, 8}, true},
	}
	for _, c := range cases {
		w := &world{t: t}
		chain, err := evmtest.NewChain(here, evmtest.Osaka)
		w.must(err)
		v, err := evmtest.NewValidators(len(c.powers), 3, c.powers...)
		w.must(err)
		w.Bridge, err = evmtest.NewBridge(chain, v, common.Address{})
		w.must(err)
		w.relayer = chain.Account()
		order := w.sealBytes(types.EncodeCommand(types.Activate{}))
		order.Quorum = packAll(w, order, c.signer)
		_, err = w.Execute(w.relayer, order, 0)
		if c.enough {
			w.must(err)
		} else {
			w.reverts(err, "TooLittlePower")
		}
	}
}

// packAll packs exactly the signatures of signers, enough or not.
func packAll(w *world, o evmtest.Order, signers []int) []byte {
	set := w.Validators.Set
	packed := append([]byte{byte(len(set) >> 8), byte(len(set))}, set.Pack()...)
	bitmap := make([]byte, (len(set)+7)/8)
	var sigs []byte
	for _, i := range signers {
		bitmap[i/8] |= 1 << (i % 8)
		sig, err := evmsig.Sign(w.Validators.Keys[i], evmtest.Digest(o.Seal))
		w.must(err)
		sigs = append(sigs, sig[:]...)
	}
	return append(append(packed, bitmap...), sigs...)
}

// TestSignaturesBeyondQuorumAreNotRead: the fourth is rubbish and costs nothing.
func TestSignaturesBeyondQuorumAreNotRead(t *testing.T) {
	w := newWorld(t)
	order := w.seal(types.SetParams{ReleaseGas: 60_000})
	order.Quorum = packAll(w, order, []int{0, 1, 2, 3})
	clear(order.Quorum[len(order.Quorum)-64:])
	w.do(order)
}

// TestLargeSets uses all of the bitmap.
func TestLargeSets(t *testing.T) {
	for _, n := range []int{1, 7, 8, 9, 16, 255, 256} {
		w := &world{t: t}
		chain, err := evmtest.NewChain(here, evmtest.Osaka)
		w.must(err)
		v, err := evmtest.NewValidators(n, 5)
		w.must(err)
		w.Bridge, err = evmtest.NewBridge(chain, v, common.Address{})
		w.must(err)
		order := w.sealBytes(types.EncodeCommand(types.Activate{}))
		everyone := make([]int, n)
		for i := range everyone {
			everyone[i] = i
		}
		order.Quorum = packAll(w, order, everyone)
		_, err = w.Execute(chain.Account(), order, 0)
		w.must(err)
	}
}

// TestHighS: of the s above half of the order, EIP-2098's 255 bits can hold a
// few. Nobody signs into that gap, but whoever is recovered from such a
// signature can be made a validator.
func TestHighS(t *testing.T) {
	seal := bindings.IBridgeSeal{Epoch: 1, Height: 1, Root: types.Hash{1}}
	half := new(big.Int).Rsh(crypto.S256().Params().N, 1)
	for above, want := range []string{"", "BadSignature", "BadSignature"} {
		var sig [65]byte
		crypto.S256().Params().Gx.FillBytes(sig[:32])
		new(big.Int).Add(half, big.NewInt(int64(above))).FillBytes(sig[32:64])
		digest := evmtest.Digest(seal)
		key, err := crypto.SigToPub(digest[:], sig[:])
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t}
		chain, err := evmtest.NewChain(here, evmtest.Osaka)
		w.must(err)
		v := evmtest.Validators{Set: types.ValidatorSet{{Signer: crypto.PubkeyToAddress(*key), Power: 1}}}
		w.Bridge, err = evmtest.NewBridge(chain, v, common.Address{})
		w.must(err)
		compact := evmsig.Compact(sig)
		packed, err := evmsig.PackQuorum(v.Set, map[int][64]byte{0: compact})
		w.must(err)
		_, goErr := evmsig.Recover(digest, compact)
		_, err = w.View("checkQuorum", seal, packed)
		if want == "" {
			w.must(err)
			w.must(goErr)
			continue
		}
		w.reverts(err, want)
		w.check(goErr != nil, "Go takes a high s")
	}
}

func TestCheckQuorum(t *testing.T) {
	w := newWorld(t)
	order := w.seal(types.Activate{})
	_, err := w.View("checkQuorum", order.Seal, order.Quorum)
	w.must(err)
	order.Seal.Root = types.Hash{}
	w.must(w.resignRaw(&order))
	_, err = w.View("checkQuorum", order.Seal, order.Quorum)
	w.reverts(err, "BadRoot")
	order.Seal.Root[0]++
	_, err = w.View("checkQuorum", order.Seal, order.Quorum)
	w.reverts(err, "BadSignature")
}

// resignRaw signs what evmsig refuses to: a seal with a zero root.
func (w *world) resignRaw(o *evmtest.Order) error {
	sigs, err := w.Validators.Sign(types.Hash{1})
	if err == nil {
		o.Quorum, err = evmsig.PackQuorum(w.Validators.Set, sigs)
	}
	return err
}
