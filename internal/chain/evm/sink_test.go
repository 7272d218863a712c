package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestUnpackSlot(t *testing.T) {
	// inboxNonce 1, outboxNonce 2, nextIndex 3, sealHeight 4, deposits true.
	slot := common.HexToHash("0x" + "000000" + "01" + "0000000000000004" + "00000003" + "0000000000000002" + "0000000000000001")
	if nonce, next, height := unpackSlot(slot); nonce != 2 || next != 3 || height != 4 {
		t.Fatalf("outbox nonce %d, next index %d, seal height %d", nonce, next, height)
	}
}

func TestMarket(t *testing.T) {
	n := func(v int64) *big.Int { return big.NewInt(v) }
	huge := new(big.Int).Lsh(n(1), 200)
	for _, c := range []struct {
		name             string
		base, tip, price *big.Int
		minTip           uint64
		want             chain.Fees
	}{
		{"EIP-1559", n(100), n(5), n(105), 0, chain.Fees{Tip: 5, Cap: 205}},
		{"a floor for the tip", n(100), n(5), n(105), 9, chain.Fees{Tip: 9, Cap: 209}},
		{"no tip suggested", n(100), n(0), n(100), 0, chain.Fees{Tip: 1, Cap: 201}},
		{"no such method", n(100), nil, n(107), 0, chain.Fees{Tip: 7, Cap: 207}},
		{"price below the base fee", n(100), nil, n(90), 0, chain.Fees{Tip: 1, Cap: 201}},
		{"legacy", nil, n(5), n(105), 0, chain.Fees{Tip: 105, Cap: 105, Legacy: true}},
		{"legacy with a floor", nil, nil, n(1), 50, chain.Fees{Tip: 50, Cap: 50, Legacy: true}},
		{"a lying endpoint", huge, huge, huge, 0, chain.Fees{Tip: math.MaxUint64, Cap: math.MaxUint64}},
	} {
		if got := market(c.base, c.tip, c.price, c.minTip); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestGasLimit(t *testing.T) {
	const most, ether = DefaultMaxGas, DefaultMaxCost
	batch := func(from, items uint32) chain.Execution {
		return chain.Execution{Nonce: 1, Command: []byte{byte(types.CommandBatch)}, From: from, Items: items, Quorum: make([]byte, 500)}
	}
	of := func(kind types.CommandKind, bytes int) chain.Execution {
		return chain.Execution{Nonce: 1, Command: append([]byte{byte(kind)}, make([]byte, bytes)...), Items: 1}
	}
	p := chain.OutboxPosition{ReleaseGas: 100_000, BlockGas: 60_000_000}
	small := p
	small.BlockGas = 8_000_000
	gwei := func(n uint64) chain.Fees { return chain.Fees{Cap: n * 1e9} }
	for _, c := range []struct {
		name     string
		e        chain.Execution
		p        chain.OutboxPosition
		fees     chain.Fees
		min, max uint64
		whole    bool
		err      error
	}{
		{"one item", batch(0, 1), p, gwei(1), 500_000, 3_000_000, true, nil},
		{"fifty items", batch(0, 50), p, gwei(1), 50 * 200_000, most, true, nil},
		{"two hundred items likely fit", batch(0, 200), p, gwei(1), most, most, true, nil},
		{"a thousand do not", batch(0, 1000), p, gwei(1), most, most, false, nil},
		{"the rest of a thousand", batch(990, 1000), p, gwei(1), 10 * 200_000, 5_000_000, true, nil},
		{"a cut batch is not guessed to fit", batch(1, 200), p, gwei(1), most, most, false, nil},
		{"a small block", batch(0, 1000), small, gwei(1), 8_000_000, 8_000_000, false, nil},
		{"dear gas", batch(0, 200), p, gwei(100), 10_000_000, 10_000_000, false, nil},
		{"too dear for one item", batch(0, 200), p, gwei(1000), 0, 0, false, chain.ErrTooExpensive},
		{"activate", of(types.CommandActivate, 0), p, gwei(1), 500_000, 2_000_000, true, nil},
		{"a new set of 256", of(types.CommandSetValidators, 8+256*24), p, gwei(1), 700_000, 3_000_000, true, nil},
		{"a wrapped token", of(types.CommandRegisterToken, 166), p, gwei(1), 6_000_000, 8_000_000, true, nil},
		{"limits of ten tokens", of(types.CommandSetParams, 5+680), p, gwei(1), 3_500_000, 6_000_000, true, nil},
		{"slash", of(types.CommandSlash, 24), p, gwei(1), 1_500_000, 3_000_000, true, nil},
		{"release of stake", of(types.CommandReleaseStake, 36), p, gwei(1), 1_500_000, 3_000_000, true, nil},
		{"a wrapped token is not sliced", of(types.CommandRegisterToken, 166), p, gwei(500), 0, 0, false, chain.ErrTooExpensive},
	} {
		gas, whole, err := gasLimit(c.e, make([]byte, len(c.e.Command)+len(c.e.Quorum)+400), c.p, c.fees, most, ether)
		if !errors.Is(err, c.err) || gas < c.min || gas > c.max || whole != c.whole {
			t.Errorf("%s: gas %d, whole %v, %v", c.name, gas, whole, err)
		}
	}
	raised := of(types.CommandActivate, 0)
	for least, want := range map[uint64]uint64{1: 0, 9_000_000: 9_000_000, 1 << 60: most} {
		raised.Least = least
		if gas, _, err := gasLimit(raised, nil, p, gwei(1), most, ether); err != nil || want != 0 && gas != want || gas < 500_000 {
			t.Errorf("at least %d: gas %d, %v", least, gas, err)
		}
	}
	if _, _, err := gasLimit(batch(5, 5), nil, p, gwei(1), most, ether); err == nil {
		t.Error("an empty slice")
	}
}

// testKey is a TxSigner.
type testKey struct{}

func (testKey) Address() types.Address { return types.Address{7} }

func (testKey) SignTx(tx *ethtypes.Transaction, id *big.Int) (*ethtypes.Transaction, error) {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("test")))
	if err != nil {
		return nil, err
	}
	return ethtypes.SignTx(tx, ethtypes.LatestSignerForChainID(id), key)
}

// server answers JSON-RPC calls with answer(method), which is a result or an
// *rpcError.
func server(t *testing.T, answer func(method string) any) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		type request struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		one := func(q request) map[string]any {
			reply := map[string]any{"jsonrpc": "2.0", "id": q.ID}
			a := any("0x5")
			if q.Method != "eth_chainId" {
				a = answer(q.Method)
			}
			if e, bad := a.(*rpcError); bad {
				reply["error"] = e
			} else {
				reply["result"] = a
			}
			return reply
		}
		var out any
		if body[0] == '[' {
			var batch []request
			if err := json.Unmarshal(body, &batch); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			replies := make([]any, len(batch))
			for i, q := range batch {
				replies[i] = one(q)
			}
			out = replies
		} else {
			var q request
			if err := json.Unmarshal(body, &q); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			out = one(q)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func testSink(t *testing.T, urls ...string) *Sink {
	t.Helper()
	cfg := Config{Name: "alpha", ChainID: 5, Bridge: types.Address{1}, MinAgree: 1, RequestTimeout: 2 * time.Second}
	for i, url := range urls {
		cfg.Endpoints = append(cfg.Endpoints, Endpoint{URL: url, Group: fmt.Sprint("group", i)})
	}
	client, err := Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	s, err := NewSink(SinkConfig{Client: client, Key: testKey{}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSendAnswers has what several clients say to one transaction.
func TestSendAnswers(t *testing.T) {
	for message, want := range map[string]error{
		"":                             nil,
		"already known":                nil,
		"transaction already imported": nil, // anvil, besu
		"AlreadyKnown":                 nil, // nethermind
		"nonce too low: next nonce 1, tx nonce 0": chain.ErrNonceUsed,
		"OldNonce":                            chain.ErrNonceUsed, // nethermind
		"replacement transaction underpriced": chain.ErrUnderpriced,
		"transaction underpriced: tip needed 1, tip permitted 0":       chain.ErrUnderpriced,
		"FeeTooLow, EffectivePriorityFeePerGas too low":                chain.ErrUnderpriced, // nethermind
		"max fee per gas less than block base fee":                     chain.ErrUnderpriced,
		"insufficient funds for gas * price + value: balance 0":        chain.ErrFunds,
		"tx fee (1.20 ether) exceeds the configured cap (1.00 ether)":  chain.ErrTooExpensive,
		"transaction gas limit too high (cap: 16777216, tx: 20000000)": errOther,
		"exceeds block gas limit":                                      errOther,
	} {
		s := testSink(t, server(t, func(string) any {
			if message == "" {
				return types.Hash{1}
			}
			return &rpcError{Code: -32000, Message: message}
		}))
		err := s.Send(t.Context(), chain.Tx{Raw: []byte{1}})
		if errors.Is(want, errOther) {
			if err == nil || isVerdict(err) {
				t.Errorf("%q: %v", message, err)
			}
		} else if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", message, err, want)
		}
	}
}

var errOther = errors.New("anything else")

func TestSendToSeveral(t *testing.T) {
	good := func(string) any { return types.Hash{1} }
	low := func(string) any { return &rpcError{Code: -32000, Message: "nonce too low"} }
	html := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(html.Close)
	slow := func(string) any { time.Sleep(time.Second); return types.Hash{1} }
	for _, c := range []struct {
		name string
		urls []string
		want error
	}{
		{"one of three", []string{html.URL, server(t, low), server(t, good)}, nil},
		{"a verdict counts more than trouble", []string{html.URL, server(t, low)}, chain.ErrNonceUsed},
		{"a slow one does not hold it up", []string{server(t, slow), server(t, good)}, nil},
	} {
		begin := time.Now()
		if err := testSink(t, c.urls...).Send(t.Context(), chain.Tx{Raw: []byte{1}}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if took := time.Since(begin); took > 900*time.Millisecond {
			t.Errorf("%s: took %s", c.name, took)
		}
	}
	if err := testSink(t, html.URL).Send(t.Context(), chain.Tx{}); err == nil || isVerdict(err) {
		t.Errorf("an endpoint that is none: %v", err)
	}
}

// TestEstimate has what nodes say that a command needs: half as much again is
// taken, of no batch and not beyond reason.
func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer any
		tx     chain.Tx
		want   uint64
	}{
		{"more than reckoned", "0x1e8480", chain.Tx{Gas: 1_000_000}, 3_000_000},
		{"a batch", "0x1e8480", chain.Tx{Gas: 1_000_000, Batch: true}, 0},
		{"a lie", "0xffffffffff", chain.Tx{Gas: 1_000_000}, 0},
		{"no such method", &rpcError{Code: -32601, Message: "no such method"}, chain.Tx{Gas: 1_000_000}, 0},
		{"a revert that the call had not", &rpcError{Code: 3, Message: "execution reverted"}, chain.Tx{Gas: 1_000_000}, 0},
	} {
		s := testSink(t, server(t, func(method string) any {
			if method == "eth_estimateGas" {
				return c.answer
			}
			return "0x"
		}))
		if gas, err := s.Simulate(t.Context(), c.tx); gas != c.want || err != nil {
			t.Errorf("%s: %d, %v; want %d", c.name, gas, err, c.want)
		}
	}
}

// TestSendPrivately has nobody but the private endpoint hear of a transaction,
// even where it fails.
func TestSendPrivately(t *testing.T) {
	var public atomic.Int32
	listener := server(t, func(method string) any {
		if method == "eth_sendRawTransaction" {
			public.Add(1)
		}
		return types.Hash{1}
	})
	taking := true
	private := server(t, func(string) any {
		if taking {
			return types.Hash{1}
		}
		return &rpcError{Code: -32000, Message: "busy"}
	})
	s := testSink(t, listener)
	s.cfg.Private = testSink(t, private).cfg.Client
	if err := s.Send(t.Context(), chain.Tx{Raw: []byte{1}}); err != nil {
		t.Errorf("taken: %v", err)
	}
	taking = false
	if err := s.Send(t.Context(), chain.Tx{Raw: []byte{1}}); err == nil {
		t.Error("sent, though the private endpoint does not take it")
	}
	if n := public.Load(); n != 0 {
		t.Errorf("a public endpoint was sent %d transactions", n)
	}
}

func TestSimulateNamesTheReason(t *testing.T) {
	s := testSink(t, server(t, func(string) any {
		// BadIndex(uint32 next) with 7.
		data := "0x" + common.Bytes2Hex(crypto.Keccak256([]byte("BadIndex(uint32)"))[:4]) + strings.Repeat("0", 63) + "7"
		return &rpcError{Code: 3, Message: "execution reverted", Data: data}
	}))
	_, err := s.Simulate(t.Context(), chain.Tx{})
	if !errors.Is(err, chain.ErrReverted) || !strings.Contains(err.Error(), "BadIndex {Next:7}") {
		t.Errorf("%v", err)
	}
}

func TestPositionOfAnAddressWithoutBridge(t *testing.T) {
	s := testSink(t, server(t, func(method string) any {
		switch method {
		case "eth_getBlockByNumber":
			return map[string]any{"number": "0x1", "gasLimit": "0x1"}
		case "eth_call":
			return "0x"
		case "eth_getStorageAt":
			return types.Hash{}
		}
		return "0x1"
	}))
	if _, err := s.Position(t.Context()); !errors.Is(err, chain.ErrDestination) {
		t.Errorf("%v", err)
	}
}

func TestMakeOnALegacyChain(t *testing.T) {
	s := testSink(t, "http://127.0.0.1:1")
	e := chain.Execution{Nonce: 1, Command: []byte{1}, Items: 1, Quorum: make([]byte, 100)}
	for _, f := range []chain.Fees{{Tip: 1, Cap: 2}, {Tip: 2, Cap: 2, Legacy: true}} {
		made, err := s.Make(e, chain.OutboxPosition{}, 9, f)
		if err != nil {
			t.Fatal(err)
		}
		var tx ethtypes.Transaction
		if err := tx.UnmarshalBinary(made.Raw); err != nil {
			t.Fatal(err)
		}
		kind := uint8(ethtypes.DynamicFeeTxType)
		if f.Legacy {
			kind = ethtypes.LegacyTxType
		}
		if tx.Type() != kind || tx.Hash() != made.Hash || tx.Nonce() != 9 || tx.Gas() != made.Gas ||
			tx.GasFeeCap().Uint64() != 2 || tx.GasTipCap().Uint64() != f.Tip || tx.ChainId().Uint64() != 5 {
			t.Errorf("transaction of type %d for %+v", tx.Type(), f)
		}
	}
	if err := s.Send(context.Background(), chain.Tx{Raw: []byte{1}}); err == nil {
		t.Error("sent to nobody")
	}
}
