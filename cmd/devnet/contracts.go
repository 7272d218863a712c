package main

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/contracts"
	"github.com/icrosschain/bridged/contracts/bindings"
)

// token is an ERC-20 that lives on one of the chains, before any bridge.
type token struct {
	name     string
	symbol   string
	decimals uint8
	home     *chain
	address  common.Address
	picky    bool // can refuse one address
}

// unit is n whole tokens in the token's own units.
func (t *token) unit(n int64) *big.Int {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.decimals)), nil)
	return scale.Mul(scale, big.NewInt(n))
}

// deployTokens creates the test tokens: one on each chain, with the decimals
// that are the usual ones and the ones that most often go wrong, and one that can
// refuse somebody.
func deployTokens(ctx context.Context, cs chains, deployer evmnode.Account) ([]*token, error) {
	tokens := []*token{
		{name: "Gold", symbol: "GOLD", decimals: 18, home: cs[0]},
		{name: "Silver", symbol: "SILVER", decimals: 6, home: cs[1]},
		{name: "Stone", symbol: "STONE", decimals: 6, home: cs[0], picky: true},
	}
	for _, t := range tokens {
		w, err := newWallet(ctx, t.home, deployer)
		if err != nil {
			return nil, err
		}
		if err := t.deploy(ctx, w); err != nil {
			return nil, fmt.Errorf("token %s on %s: %w", t.symbol, t.home.name, err)
		}
	}
	return tokens, nil
}

func (t *token) deploy(ctx context.Context, w *wallet) error {
	name, arguments := "TestToken", []any{t.name, t.symbol, t.decimals}
	if t.picky {
		name, arguments = "BlacklistToken", nil
	}
	var err error
	t.address, err = w.deploy(ctx, name, arguments...)
	return err
}

// deploy creates a contract of ours by its name.
func (w *wallet) deploy(ctx context.Context, name string, arguments ...any) (common.Address, error) {
	artifact, err := contracts.Load(name)
	if err != nil {
		return common.Address{}, err
	}
	packed, err := artifact.ABI.Pack("", arguments...)
	if err != nil {
		return common.Address{}, fmt.Errorf("arguments of %s: %w", name, err)
	}
	receipt, err := w.do(ctx, call{data: append(artifact.Bytecode, packed...)})
	if err != nil {
		return common.Address{}, err
	}
	return receipt.ContractAddress, nil
}

// ban is the call that makes a picky token refuse an address, and no other one.
func (t *token) ban(who common.Address) (call, error) {
	artifact, err := contracts.Load("BlacklistToken")
	if err != nil {
		return call{}, err
	}
	data, err := artifact.ABI.Pack("ban", who)
	return call{to: &t.address, data: data}, err
}

// mint is the call that creates tokens for somebody.
func (t *token) mint(to common.Address, amount *big.Int) call {
	return call{to: &t.address, data: bindings.NewTestToken().PackMint(to, amount)}
}

// approve is the call that lets a contract take the sender's tokens, any number
// of them.
func approve(token, spender common.Address) call {
	most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	return call{to: &token, data: bindings.NewTestToken().PackApprove(spender, most)}
}

// inboxNonce is how many events the chain's bridge contract has logged.
func (c *chain) inboxNonce(ctx context.Context) (uint64, error) {
	contract := bindings.NewBridge()
	raw, err := c.client.CallContract(ctx, ethereum.CallMsg{To: &c.bridge, Data: contract.PackInboxNonce()}, nil)
	if err != nil {
		return 0, fmt.Errorf("inbox of %s: %w", c.name, err)
	}
	return contract.UnpackInboxNonce(raw)
}

// deposit is one deposit into a bridge contract.
type deposit struct {
	bridge      common.Address
	token       common.Address // zero for the chain's own coin
	amount      *big.Int
	destination uint64
	recipient   common.Address
	refundTo    common.Address
	maxFee      *big.Int
}

func (d deposit) call() call {
	recipient := common.BytesToHash(d.recipient[:]) // left padded, as an EVM chain wants it
	bridge := bindings.NewBridge()
	if d.token == (common.Address{}) {
		data := bridge.PackDepositNative(d.destination, recipient, d.refundTo, d.maxFee, nil)
		return call{to: &d.bridge, value: d.amount, data: data}
	}
	data := bridge.PackDeposit(d.token, d.amount, d.destination, recipient, d.refundTo, d.maxFee, nil)
	return call{to: &d.bridge, data: data}
}
