package evmsig_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.json")

const (
	vectorNetwork = "bridged-vectors-1"
	vectorChain   = types.ChainID(31001)
)

var (
	vectorBridge = types.Address{0xb1, 19: 0xd9}
	vectorToken  = types.Address{0x70, 19: 0x0e}
)

type (
	vectors struct {
		Network     network           `json:"network"`
		Inbox       inbox             `json:"inbox"`
		Commands    []command         `json:"commands"`
		Trees       []tree            `json:"trees"`
		Seal        seal              `json:"seal"`
		Signatures  []signature       `json:"signatures"`
		Quorums     []quorum          `json:"quorums"`
		Explanation map[string]string `json:"explanation"`
	}
	network struct {
		ChainID   string     `json:"chain_id"`
		NetworkID types.Hash `json:"network_id"`
	}
	inbox struct {
		Chain  types.ChainID `json:"chain"`
		Bridge types.Address `json:"bridge"`
		Seed   types.Hash    `json:"seed"`
		Events []event       `json:"events"`
	}
	event struct {
		Nonce       uint64          `json:"nonce"`
		Kind        types.EventKind `json:"kind"`
		Name        string          `json:"name"`
		Fields      []field         `json:"fields"` // in the order of the leaf
		Leaf        types.Hash      `json:"leaf"`
		Accumulator types.Hash      `json:"accumulator"`
	}
	field struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	command struct {
		Name  string        `json:"name"`
		Nonce uint64        `json:"nonce"`
		Bytes hexutil.Bytes `json:"bytes"`
		Leaf  types.Hash    `json:"leaf"`
	}
	tree struct {
		Leaves []types.Hash   `json:"leaves"`
		Root   types.Hash     `json:"root"`
		Paths  [][]types.Hash `json:"paths"`
	}
	seal struct {
		Epoch  uint64     `json:"epoch"`
		Height uint64     `json:"height"`
		Root   types.Hash `json:"root"`
		Digest types.Hash `json:"digest"`
	}
	signature struct {
		Key       hexutil.Bytes `json:"key"`
		Signer    types.Address `json:"signer"`
		Signature hexutil.Bytes `json:"signature"`
	}
	quorum struct {
		Set     types.ValidatorSet `json:"set"`
		Packed  hexutil.Bytes      `json:"packed"`
		SetHash types.Hash         `json:"set_hash"`
		Signed  []int              `json:"signed"`
		Quorum  hexutil.Bytes      `json:"quorum"`
	}
)

// TestVectors holds every byte of the wire format to the golden file. A change
// here is a change of the protocol: deployed contracts do not follow it.
func TestVectors(t *testing.T) {
	v, err := makeVectors()
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("testdata", "vectors.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; if the protocol was meant to change, run with -update", file)
	}
}

func makeVectors() (vectors, error) {
	v := vectors{
		Network: network{vectorNetwork, evmsig.NetworkID(vectorNetwork)},
		Explanation: map[string]string{
			"wire format": "docs/wire-format.md",
			"commands":    "leaves are under inbox.chain and inbox.bridge",
			"signatures":  "over seal.digest, by fixed keys, deterministic (RFC 6979), EIP-2098",
			"quorums":     "over seal.digest; signed are the positions whose signatures were offered, of which as few as possible are packed",
		},
	}
	v.Inbox = vectorInbox(v.Network.NetworkID)
	keys, set, err := vectorSet()
	if err != nil {
		return v, err
	}
	v.Commands = vectorCommands(set)
	var leaves []types.Hash
	for _, c := range v.Commands {
		leaves = append(leaves, c.Leaf)
	}
	v.Trees = vectorTrees()
	root := evmsig.MerkleRoot(leaves)
	v.Seal = seal{3, 1234567, root, evmsig.SealDigest(v.Network.NetworkID, 3, 1234567, root)}
	sigs := map[int][64]byte{}
	for i, key := range keys {
		sig, err := evmsig.Sign(key, v.Seal.Digest)
		if err != nil {
			return v, err
		}
		sigs[i] = sig
		v.Signatures = append(v.Signatures, signature{crypto.FromECDSA(key), set[i].Signer, sig[:]})
	}
	for _, signed := range [][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8}, {0, 2, 3, 4, 5, 6, 8}} {
		offered := map[int][64]byte{}
		for _, i := range signed {
			offered[i] = sigs[i]
		}
		packed, err := evmsig.PackQuorum(set, offered)
		if err != nil {
			return v, fmt.Errorf("pack %v: %w", signed, err)
		}
		v.Quorums = append(v.Quorums, quorum{set, set.Pack(), set.Hash(), signed, packed})
	}
	return v, nil
}

// vectorSet is nine validators of differing power with fixed keys, by position.
func vectorSet() ([]*ecdsa.PrivateKey, types.ValidatorSet, error) {
	bySigner := map[types.Address]*ecdsa.PrivateKey{}
	var members []types.Member
	for i := range 9 {
		key, err := crypto.ToECDSA(crypto.Keccak256(fmt.Appendf(nil, "bridged vector key %d", i)))
		if err != nil {
			return nil, nil, err
		}
		signer := crypto.PubkeyToAddress(key.PublicKey)
		bySigner[signer] = key
		members = append(members, types.Member{Signer: signer, Power: uint32(100_000 + 1_000*i)})
	}
	set, err := types.NewValidatorSet(members)
	if err != nil {
		return nil, nil, err
	}
	var keys []*ecdsa.PrivateKey
	for _, m := range set {
		keys = append(keys, bySigner[m.Signer])
	}
	return keys, set, nil
}

func vectorInbox(networkID types.Hash) inbox {
	amount, _ := types.ParseAmount("340282366920938463463374607431768211455")
	owner, recipient := types.Address{1, 19: 2}, types.RecipientFromAddress(types.Address{3, 19: 4})
	events := []types.Event{
		types.Initialized{SetHash: types.Hash{0x5e, 31: 1}},
		types.TokenRegistered{Asset: types.AssetID{0xa5, 31: 1}, Token: vectorToken, Mode: types.ModeMint, Decimals: 6},
		types.Deposited{
			Token: types.NativeToken, Sender: owner, Destination: 31002, Recipient: recipient, RefundTo: owner,
			Amount: amount, MaxFee: types.NewAmount(1), Data: []byte("data"),
		},
		types.Deposited{
			Token: vectorToken, Sender: owner, Destination: 1<<64 - 1, Recipient: recipient, RefundTo: vectorBridge,
			Amount: types.NewAmount(1_000_000), Data: []byte{},
		},
		types.Executed{OutboxNonce: 1, Count: 1, Relayer: owner, Failures: []byte{}},
		types.Executed{OutboxNonce: 2, First: 100, Count: 9, Relayer: owner, Failures: []byte{0x81, 0x01}},
		types.Claimed{OutboxNonce: 2, Index: 100, Token: vectorToken, Owner: owner, Amount: types.NewAmount(7), To: vectorBridge},
		types.Staked{Operator: owner, Amount: types.NewAmount(5), Data: []byte{1, 2, 3}},
		types.Unstaked{Operator: owner, Amount: types.NewAmount(4)},
	}
	v := inbox{Chain: vectorChain, Bridge: vectorBridge, Seed: evmsig.InboxSeed(networkID, vectorChain, vectorBridge)}
	hash := v.Seed
	for i, e := range events {
		nonce := uint64(i) + 1
		leaf := evmsig.InboxLeaf(nonce, e)
		hash = evmsig.Accumulate(hash, leaf)
		v.Events = append(v.Events, event{nonce, e.Kind(), fmt.Sprintf("%T", e)[len("types."):], fieldsOf(e), leaf, hash})
	}
	return v
}

// fieldsOf lists an event's fields: numbers in decimal, bytes in hexadecimal.
func fieldsOf(e types.Event) []field {
	v := reflect.ValueOf(e)
	var fields []field
	for i := range v.NumField() {
		var text string
		switch value := v.Field(i).Interface().(type) {
		case []byte:
			text = hexutil.Encode(value)
		case types.TokenMode:
			text = strconv.Itoa(int(value))
		default:
			text = fmt.Sprint(value)
		}
		fields = append(fields, field{v.Type().Field(i).Name, text})
	}
	return fields
}

func vectorCommands(set types.ValidatorSet) []command {
	entry := func(kind types.EntryKind, fee, amount uint64, to byte) types.BatchEntry {
		return types.BatchEntry{
			Kind: kind, Token: vectorToken, Fee: types.NewAmount(fee), Recipient: types.Address{to, 19: to}, Amount: types.NewAmount(amount),
		}
	}
	limit := types.TokenLimit{Minimum: types.NewAmount(1), Capacity: types.NewAmount(2), Rate: types.NewAmount(3)}
	list := []types.Command{
		types.Activate{},
		types.SetValidators{Epoch: 4, Set: set},
		types.Batch{Entries: []types.BatchEntry{
			entry(types.EntryRelease, 3, 100, 1), entry(types.EntryRelease, 3, 200, 2), entry(types.EntryRelease, 4, 300, 3),
			entry(types.EntryRefund, 4, 400, 4),
		}},
		types.RegisterToken{Asset: types.AssetID{1}, Token: vectorToken, Mode: types.ModeLock, Decimals: 18, Limit: limit},
		types.RegisterToken{Asset: types.AssetID{2}, Mode: types.ModeMint, Decimals: 6, Limit: limit, Name: "Wrapped Test", Symbol: "WTST"},
		types.SetParams{ReleaseGas: 300_000, Deposits: true},
		types.SetParams{ReleaseGas: 50_000, Tokens: []types.TokenParams{{Token: vectorToken, Limit: limit}, {Token: types.NativeToken}}},
		types.Slash{Operator: types.Address{9}, Fraction: 250_000},
		types.ReleaseStake{Operator: types.Address{9}, Amount: types.NewAmount(1_000)},
	}
	var commands []command
	for i, c := range list {
		encoded, nonce := types.EncodeCommand(c), uint64(i)+1
		leaf := evmsig.CommandLeaf(vectorChain, vectorBridge, nonce, encoded)
		commands = append(commands, command{c.Kind().String(), nonce, encoded, leaf})
	}
	return commands
}

func vectorTrees() []tree {
	var trees []tree
	for n := 1; n <= 9; n++ {
		var t tree
		for i := range n {
			t.Leaves = append(t.Leaves, crypto.Keccak256Hash([]byte{byte(i)}))
		}
		t.Root = evmsig.MerkleRoot(t.Leaves)
		for i := range n {
			t.Paths = append(t.Paths, evmsig.MerklePath(t.Leaves, i))
		}
		trees = append(trees, t)
	}
	return trees
}
