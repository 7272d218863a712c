package evm

import (
	"errors"
	"fmt"
	"math/big"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// seen is an endpoint's answer: the contract at nonce, the account at mined.
func seen(group string, block, nonce, mined uint64) look {
	return look{group: group, position: chain.OutboxPosition{
		Block: block, Nonce: nonce, Account: chain.Account{Mined: mined},
	}}
}

func TestAgreeOn(t *testing.T) {
	const far = 1 << 60
	for _, c := range []struct {
		name string
		said []look
		want []look // at one turn and the next; block, nonce, mined count
	}{
		{"alone", []look{seen("a", 9, 5, 3)}, []look{seen("", 9, 5, 3), seen("", 9, 5, 3)}},
		{"one lies about the contract", []look{seen("a", 9, 5, 3), seen("b", 9, 7, 3), seen("c", 9, 5, 3)}, []look{seen("", 9, 5, 3), seen("", 9, 5, 3)}},
		{"one lies about the account", []look{seen("a", 9, 5, 8), seen("b", 9, 5, 3), seen("c", 9, 5, 3)}, []look{seen("", 9, 5, 3), seen("", 9, 5, 3)}},
		{"a block of the future", []look{seen("a", far, 5, 3), seen("b", 9, 5, 3), seen("c", 10, 5, 3)}, []look{seen("", 10, 5, 3), seen("", 10, 5, 3)}},
		{"a block of the future, of two", []look{seen("a", far, 5, 3), seen("b", 9, 5, 3)}, []look{seen("", 9, 5, 3), seen("", 9, 5, 3)}},
		{"two that differ are believed in turn", []look{seen("a", far, 7, 3), seen("b", 9, 5, 3)}, []look{seen("", 9, 5, 3), seen("", 9, 7, 3)}},
		{"one group is one voice", []look{seen("a", 9, 7, 3), seen("a", 9, 7, 3), seen("b", 9, 5, 3), seen("c", 9, 5, 3)}, []look{seen("", 9, 5, 3), seen("", 9, 5, 3)}},
	} {
		for i, want := range c.want {
			if got := agreeOn(c.said, uint64(i+1)); got != want.position {
				t.Errorf("%s, turn %d: %+v, want %+v", c.name, i+1, got, want.position)
			}
		}
	}
}

func TestFeesOfSeveral(t *testing.T) {
	now := time.Now()
	const gwei = 1_000_000_000
	n := func(v int64) *big.Int { return big.NewInt(v) }
	honest := offerOf(n(10*gwei), n(gwei), n(11*gwei))
	burner := offerOf(n(10*gwei), n(400*gwei), n(410*gwei))
	miser := offerOf(n(10*gwei), n(0), n(10*gwei))
	high := offerOf(n(4000*gwei), n(gwei), n(4001*gwei))
	old := offerOf(nil, nil, n(5*gwei))
	fees := func(tip, base uint64) chain.Fees { return chain.Fees{Tip: tip, Cap: 2*base + tip} }
	price := func(p uint64) chain.Fees { return chain.Fees{Tip: p, Cap: p, Legacy: true} }
	for _, c := range []struct {
		name         string
		said         []offer
		market, rush []chain.Fees // at one turn and the next
	}{
		{"one of three burns", []offer{honest, burner, honest}, []chain.Fees{fees(gwei, 10*gwei)}, []chain.Fees{fees(gwei, 10*gwei)}},
		{"one of three saves", []offer{miser, honest, honest}, []chain.Fees{fees(gwei, 10*gwei)}, []chain.Fees{fees(gwei, 10*gwei)}},
		{"one of three has another base fee", []offer{high, honest, honest}, []chain.Fees{fees(gwei, 10*gwei)}, []chain.Fees{fees(gwei, 10*gwei)}},
		{"one of two burns", []offer{honest, burner}, []chain.Fees{fees(gwei, 10*gwei)}, []chain.Fees{fees(400*gwei, 10*gwei)}},
		{"one of two saves", []offer{honest, miser}, []chain.Fees{fees(1, 10*gwei)}, []chain.Fees{fees(gwei, 10*gwei)}},
		{"one of two has another base fee", []offer{honest, high}, []chain.Fees{fees(gwei, 10*gwei), fees(gwei, 4000*gwei)}, []chain.Fees{fees(gwei, 10*gwei), fees(gwei, 4000*gwei)}},
		{"legacy", []offer{old, old, honest}, []chain.Fees{price(5 * gwei)}, []chain.Fees{price(5 * gwei)}},
		{"legacy, of two", []offer{old, honest}, []chain.Fees{fees(gwei, 10*gwei), price(5 * gwei)}, []chain.Fees{fees(gwei, 10*gwei), price(5 * gwei)}},
	} {
		var o offers
		o.add("gone", burner, now.Add(-time.Hour))
		for i, f := range c.said {
			o.add(fmt.Sprint(i), f, now)
		}
		for turn := range uint64(2) {
			market, rush := o.fees(now, turn+1, 0)
			at := min(int(turn), len(c.market)-1)
			if market != c.market[at] || rush != c.rush[at] {
				t.Errorf("%s, turn %d: market %+v, rush %+v; want %+v, %+v", c.name, turn+1, market, rush, c.market[at], c.rush[at])
			}
		}
	}
	var o offers
	o.add("a", honest, now)
	if market, _ := o.fees(now, 0, 7*gwei); market.Tip != 7*gwei {
		t.Errorf("the least tip is not kept: %+v", market)
	}
}

// position answers what a look asks for: the contract at a nonce.
func position(nonce, tip int64) func(string) any {
	return func(method string) any {
		switch method {
		case "eth_getBlockByNumber":
			return map[string]any{"number": "0x9", "gasLimit": "0x1c9c380", "baseFeePerGas": "0x64"}
		case "eth_call":
			return types.Hash{31: 1}
		case "eth_getStorageAt":
			return types.Hash{23: byte(nonce)}
		case "eth_maxPriorityFeePerGas":
			return (*hexutil.Big)(big.NewInt(tip))
		}
		return "0x1"
	}
}

// TestLookAtSeveral has endpoints that lie, hang and break beside honest ones.
func TestLookAtSeveral(t *testing.T) {
	broken := httptest.NewServer(nil)
	t.Cleanup(broken.Close)
	release := make(chan struct{})
	hangs := server(t, func(string) any { <-release; return "0x1" })
	t.Cleanup(func() { close(release) })
	honest := server(t, position(5, 3))
	other := server(t, position(5, 3))
	liar := server(t, position(9, 1<<40))
	for _, c := range []struct {
		name string
		urls []string
	}{
		{"one lies", []string{liar, honest, other}},
		{"one is no endpoint", []string{broken.URL, honest}},
		{"one hangs", []string{hangs, honest}},
		{"one hangs, one lies not", []string{hangs, honest, other}},
	} {
		s := testSink(t, c.urls...)
		for range 4 {
			p, err := s.Position(t.Context())
			if err != nil || p.Nonce != 5 || p.Market.Tip != 3 {
				t.Errorf("%s: nonce %d, market %+v, %v", c.name, p.Nonce, p.Market, err)
			}
		}
	}
	// Of two nobody knows who lies; neither is believed twice in a row.
	s, before := testSink(t, liar, honest), uint64(0)
	for range 4 {
		p, err := s.Position(t.Context())
		if err != nil || p.Nonce == before || p.Nonce != 5 && p.Nonce != 9 || p.Market.Tip != 3 {
			t.Errorf("of two: nonce %d after %d, market %+v, %v", p.Nonce, before, p.Market, err)
		}
		before = p.Nonce
	}
	if _, err := testSink(t, broken.URL).Position(t.Context()); err == nil {
		t.Error("a position of nobody")
	}
}

func TestSimulateIsDecidedByMost(t *testing.T) {
	yes := server(t, func(string) any { return "0x" })
	no := server(t, func(string) any { return &rpcError{Code: 3, Message: "execution reverted"} })
	down := server(t, func(string) any { return &rpcError{Code: -32000, Message: "busy"} })
	for _, c := range []struct {
		name    string
		urls    []string
		refused bool
	}{
		{"one of three says no", []string{no, yes, yes}, false},
		{"two of three say no", []string{no, yes, no}, true},
		{"one of two says no", []string{no, yes}, false},
		{"both say no", []string{no, no}, true},
		{"nobody contradicts", []string{no, down}, true},
	} {
		_, err := testSink(t, c.urls...).Simulate(t.Context(), chain.Tx{Batch: true})
		if errors.Is(err, chain.ErrReverted) != c.refused {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestReceiptOfSeveral(t *testing.T) {
	receipt := func(price string) string {
		return server(t, func(string) any {
			return map[string]any{"status": "0x1", "blockNumber": "0x7", "gasUsed": "0x64", "effectiveGasPrice": price}
		})
	}
	unknown := server(t, func(string) any { return nil })
	broken := server(t, func(string) any { return &rpcError{Code: -32000, Message: "busy"} })
	for _, c := range []struct {
		name string
		urls []string
		want uint64 // cost
	}{
		{"one is behind", []string{unknown, receipt("0x2")}, 200},
		{"one lies", []string{receipt("0xffffffff"), receipt("0x2"), receipt("0x2")}, 200},
		{"one is broken", []string{broken, receipt("0x2")}, 200},
	} {
		got, err := testSink(t, c.urls...).Receipt(t.Context(), types.Hash{1})
		if err != nil || got == nil || got.Cost != types.NewAmount(c.want) || !got.Succeeded || got.Block != 7 {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	if got, err := testSink(t, unknown, broken).Receipt(t.Context(), types.Hash{1}); got != nil || err != nil {
		t.Errorf("not mined: %+v, %v", got, err)
	}
	if _, err := testSink(t, broken).Receipt(t.Context(), types.Hash{1}); err == nil {
		t.Error("nobody answers, and there is no error")
	}
}
