package evm

import (
	"bytes"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

var (
	someHash    = types.Hash{0: 0xaa, 31: 0xbb}
	someAddress = types.Address{0: 0xcc, 19: 0xdd}
	most, _     = types.ParseAmount("340282366920938463463374607431768211455")
)

// samples are events and what Solidity's encoder is given for them.
var samples = []struct {
	name  string
	event types.Event
	args  []any
}{
	{"Initialized", types.Initialized{SetHash: someHash}, []any{someHash}},
	{
		"Deposited",
		types.Deposited{
			Token: someAddress, Sender: types.Address{1}, Destination: 1 << 63, Recipient: someHash, RefundTo: types.Address{2},
			Amount: most, MaxFee: types.NewAmount(3), Data: bytes.Repeat([]byte{7}, types.MaxDataBytes),
		},
		[]any{
			someAddress,
			types.Address{1},
			uint64(1 << 63), someHash,
			types.Address{2},
			max128(), big.NewInt(3),
			bytes.Repeat([]byte{7}, types.MaxDataBytes),
		},
	},
	{
		"Deposited",
		types.Deposited{Token: types.NativeToken, Data: []byte{1}},
		[]any{types.NativeToken, types.Address{}, uint64(0), types.Hash{}, types.Address{}, new(big.Int), new(big.Int), []byte{1}},
	},
	{
		"Executed",
		types.Executed{OutboxNonce: 9, First: 8, Count: 9, Relayer: someAddress, Failures: []byte{0xff, 1}},
		[]any{uint64(9), uint32(8), uint32(9), someAddress, []byte{0xff, 1}},
	},
	{"Executed", types.Executed{OutboxNonce: 1, Count: 1}, []any{uint64(1), uint32(0), uint32(1), types.Address{}, []byte{}}},
	{
		"Claimed",
		types.Claimed{OutboxNonce: 1, Index: 2, Token: someAddress, Owner: types.Address{3}, Amount: most, To: types.Address{4}},
		[]any{uint64(1), uint32(2), someAddress, types.Address{3}, max128(), types.Address{4}},
	},
	{
		"TokenRegistered",
		types.TokenRegistered{Asset: types.AssetID{1}, Token: someAddress, Mode: types.ModeMint, Decimals: 18},
		[]any{types.Hash{1}, someAddress, uint8(2), uint8(18)},
	},
	{"Staked", types.Staked{Operator: someAddress, Amount: most, Data: []byte("abc")}, []any{someAddress, max128(), []byte("abc")}},
	{"Unstaked", types.Unstaked{Operator: someAddress, Amount: types.NewAmount(5)}, []any{someAddress, big.NewInt(5)}},
}

func max128() *big.Int { return new(big.Int).Sub(new(big.Int).Lsh(common.Big1, 128), common.Big1) }

// encode makes the log that the contract would emit, by go-ethereum's encoder
// and the contract's own ABI.
func encode(t testing.TB, name string, args []any) *gethtypes.Log {
	t.Helper()
	contract := bindings.NewBridge().GetABI()
	event, ok := contract.Events[name]
	if !ok {
		t.Fatalf("the contract has no event %s", name)
	}
	data, err := event.Inputs.NonIndexed().Pack(append([]any{types.Hash{5}}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return &gethtypes.Log{Topics: []common.Hash{event.ID, common.BigToHash(big.NewInt(77))}, Data: data, BlockNumber: 3}
}

func TestDecodesWhatSolidityEncodes(t *testing.T) {
	kinds := map[types.EventKind]bool{}
	for _, s := range samples {
		got, err := DecodeLog(encode(t, s.name, s.args))
		want := chain.Logged{InboxEvent: types.InboxEvent{Nonce: 77, Block: 3, Event: s.event}, Hash: types.Hash{5}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", s.name, got, err, want)
		}
		kinds[s.event.Kind()] = true
	}
	contract := bindings.NewBridge().GetABI()
	if len(kinds) != len(contract.Events) || len(kinds) != len(layouts) {
		t.Errorf("%d kinds of events tried, the contract has %d, the decoder %d", len(kinds), len(contract.Events), len(layouts))
	}
}

func TestDecodeRefuses(t *testing.T) {
	deposit := func(l *gethtypes.Log) { *l = *encode(t, samples[2].name, samples[2].args) }
	for name, c := range map[string]struct {
		bend func(*gethtypes.Log)
		says string
	}{
		"no topics":          {func(l *gethtypes.Log) { l.Topics = nil }, "two topics"},
		"a third topic":      {func(l *gethtypes.Log) { l.Topics = append(l.Topics, common.Hash{}) }, "two topics"},
		"unknown topic":      {func(l *gethtypes.Log) { l.Topics[0][0]++ }, "unknown event"},
		"nonce 0":            {func(l *gethtypes.Log) { l.Topics[1] = common.Hash{} }, "nonce 0"},
		"nonce too large":    {func(l *gethtypes.Log) { l.Topics[1][23] = 1 }, errWord.Error()},
		"no data":            {func(l *gethtypes.Log) { l.Data = nil }, "bytes of data"},
		"one byte more":      {func(l *gethtypes.Log) { l.Data = append(l.Data, 0) }, "bytes after the length"},
		"one word more":      {func(l *gethtypes.Log) { l.Data = append(l.Data, make([]byte, 32)...) }, "bytes after the length"},
		"another offset":     {func(l *gethtypes.Log) { l.Data[9*wordBytes-1] = 0x40 }, "the offset"},
		"a huge offset":      {func(l *gethtypes.Log) { l.Data[8*wordBytes] = 0xff }, "the offset"},
		"a huge length":      {func(l *gethtypes.Log) { l.Data[9*wordBytes] = 0xff }, "more than 1024"},
		"length 1025":        {func(l *gethtypes.Log) { l.Data[10*wordBytes-2] = 4; l.Data[10*wordBytes-1] = 1 }, "more than 1024"},
		"padding":            {func(l *gethtypes.Log) { l.Data[len(l.Data)-1] = 1 }, "the padding"},
		"a dirty address":    {func(l *gethtypes.Log) { l.Data[wordBytes] = 1 }, errWord.Error()},
		"amount too large":   {func(l *gethtypes.Log) { l.Data[6*wordBytes+15] = 1 }, errWord.Error()},
		"destination":        {func(l *gethtypes.Log) { l.Data[3*wordBytes+23] = 1 }, errWord.Error()},
		"a topic of no data": {func(l *gethtypes.Log) { l.Topics[0] = topic("Initialized(uint64,bytes32,bytes32)") }, "bytes of data"},
	} {
		l := &gethtypes.Log{}
		deposit(l)
		c.bend(l)
		if got, err := DecodeLog(l); chain.CheckOf(err) != chain.CheckLog || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %+v, %v, want %q", name, got, err, c.says)
		}
	}
	if _, err := DecodeLog(nil); err == nil {
		t.Error("no log was taken")
	}
	for name, args := range map[string][]any{
		"no items":       {uint64(1), uint32(0), uint32(0), types.Address{}, []byte{}},
		"short failures": {uint64(1), uint32(0), uint32(9), types.Address{}, []byte{1}},
	} {
		if _, err := DecodeLog(encode(t, "Executed", args)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// FuzzDecodeLog: any bytes give an event or an error, and what is taken encodes
// to the same bytes again.
func FuzzDecodeLog(f *testing.F) {
	for _, s := range samples {
		l := encode(f, s.name, s.args)
		f.Add(l.Topics[0][:], l.Topics[1][:], l.Data)
	}
	f.Add([]byte{}, []byte{}, []byte{})
	contract := bindings.NewBridge().GetABI()
	f.Fuzz(func(t *testing.T, event, nonce, data []byte) {
		l := &gethtypes.Log{Topics: []common.Hash{common.BytesToHash(event), common.BytesToHash(nonce)}, Data: data}
		got, err := DecodeLog(l)
		if err != nil {
			if chain.CheckOf(err) != chain.CheckLog {
				t.Fatalf("%v", err)
			}
			return
		}
		if err := got.Event.Validate(); err != nil || got.Nonce == 0 {
			t.Fatalf("took %+v: %v", got, err)
		}
		form, err := contract.EventByID(l.Topics[0])
		if err != nil {
			t.Fatal(err)
		}
		values, err := form.Inputs.NonIndexed().Unpack(data)
		if err != nil {
			t.Fatalf("go-ethereum does not take it: %v", err)
		}
		again, err := form.Inputs.NonIndexed().Pack(values...)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("encodes to %x, was %x (%v)", again, data, err)
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte(`{"number":"0x1","hash":"0x01","stateRoot":"0x02"}`), false)
	f.Fuzz(func(t *testing.T, raw []byte, foreign bool) {
		if h, err := parseHeader(raw, foreign); err == nil && (h.Hash == types.Hash{} || h.Root == types.Hash{}) {
			t.Fatalf("took %+v", h)
		}
	})
}

func FuzzProve(f *testing.F) {
	f.Add([]byte{0xc0}, []byte{0x80})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		p := accountProof{}
		p.AccountProof = append(p.AccountProof, a, b)
		if _, err := verifyInbox(p, types.Address{1}, header{Root: types.Hash{1}}); err == nil {
			t.Fatal("two nodes prove a root that is no hash")
		}
		root := common.BytesToHash(keccak(a))
		_, _ = prove(root, keccak(b), p.AccountProof)
		_, _ = proveSlot(root, slotHash, p.AccountProof)
	})
}

func keccak(b []byte) []byte { return crypto.Keccak256(b) }
