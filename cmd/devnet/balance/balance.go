// Package balance reads what an account owns over plain JSON-RPC.
//
// It is the demo's witness: what the bridge claims is compared with what the
// chains themselves say, so this package knows nothing of the bridge, neither
// its state machine nor its contract bindings, and a test holds it to that.
package balance

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/rpc"
)

// The ERC-20 functions asked, by their selectors.
const (
	balanceOf   = "70a08231"
	totalSupply = "18160ddd"
)

// totalClaimable is asked of whoever holds tokens for others: how many of a
// token it owes them.
const totalClaimable = "1dfce5c6"

const wordDigits = 64 // of one ABI word, in hexadecimal

// Address is an account's 20 bytes.
type Address = [20]byte

// Reader asks one chain, always for its newest block.
type Reader struct {
	client *rpc.Client
}

// Dial connects to a JSON-RPC endpoint.
func Dial(ctx context.Context, url string) (*Reader, error) {
	client, err := rpc.DialContext(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", url, err)
	}
	return &Reader{client: client}, nil
}

// Close ends the connection.
func (r *Reader) Close() { r.client.Close() }

// Native is how much of the chain's own coin an account has, in wei.
func (r *Reader) Native(ctx context.Context, holder Address) (*big.Int, error) {
	var answer string
	if err := r.client.CallContext(ctx, &answer, "eth_getBalance", text(holder), "latest"); err != nil {
		return nil, fmt.Errorf("balance of %s: %w", text(holder), err)
	}
	amount, ok := new(big.Int).SetString(strings.TrimPrefix(answer, "0x"), 16)
	if !ok {
		return nil, fmt.Errorf("balance of %s: %q is no number", text(holder), answer)
	}
	return amount, nil
}

// Token is how much of an ERC-20 an account has, in the token's own units.
func (r *Reader) Token(ctx context.Context, token, holder Address) (*big.Int, error) {
	return r.call(ctx, token, balanceOf+argument(holder))
}

// Supply is how much of an ERC-20 exists, in the token's own units.
func (r *Reader) Supply(ctx context.Context, token Address) (*big.Int, error) {
	return r.call(ctx, token, totalSupply)
}

// Claimable is how much of a token a contract owes to those who may fetch it
// there, in the token's own units.
func (r *Reader) Claimable(ctx context.Context, holder, token Address) (*big.Int, error) {
	return r.call(ctx, holder, totalClaimable+argument(token))
}

// call asks a view function that returns one number.
func (r *Reader) call(ctx context.Context, token Address, data string) (*big.Int, error) {
	request := map[string]string{"to": text(token), "data": "0x" + data}
	var answer string
	if err := r.client.CallContext(ctx, &answer, "eth_call", request, "latest"); err != nil {
		return nil, fmt.Errorf("ask token %s: %w", text(token), err)
	}
	word := strings.TrimPrefix(answer, "0x")
	amount, ok := new(big.Int).SetString(word, 16)
	if len(word) != wordDigits || !ok {
		// An account without code answers with nothing at all.
		return nil, fmt.Errorf("ask token %s: %q is no ERC-20's answer", text(token), answer)
	}
	return amount, nil
}

func text(a Address) string { return "0x" + hex.EncodeToString(a[:]) }

// argument is an address as an ABI word.
func argument(a Address) string {
	return strings.Repeat("0", wordDigits-2*len(a)) + hex.EncodeToString(a[:])
}
