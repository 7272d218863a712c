package e2e

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/contracts/bindings"
)

// deposit is one deposit. What is zero is ordinary: to the other chain, refund to
// the sender, and the release fee accepted.
type deposit struct {
	from        *chain
	asset       *asset
	sender      evmnode.Account
	amount      int64
	recipient   common.Hash // stands for an address where it is one
	destination uint64
	refundTo    common.Address
	maxFee      *big.Int
}

func (n *network) pack(d deposit) call {
	if d.destination == 0 {
		d.destination = n.other(d.from).id()
	}
	if d.refundTo == (common.Address{}) {
		d.refundTo = d.sender.Address
	}
	if d.maxFee == nil {
		d.maxFee = big.NewInt(d.asset.fee)
	}
	contract, token := bindings.NewBridge(), d.asset.token(d.from)
	if token == native {
		data := contract.PackDepositNative(d.destination, d.recipient, d.refundTo, d.maxFee, nil)
		return call{to: &d.from.bridge, value: big.NewInt(d.amount), data: data}
	}
	data := contract.PackDeposit(token, big.NewInt(d.amount), d.destination, d.recipient, d.refundTo, d.maxFee, nil)
	return call{to: &d.from.bridge, data: data}
}

// deposit makes deposits and returns the ids of their transfers, and the newest
// block that holds one.
func (n *network) deposit(all ...deposit) (ids []string, block uint64) {
	n.t.Helper()
	txs := make([]*types.Transaction, len(all))
	for i, d := range all {
		txs[i] = d.from.send(d.sender, n.pack(d))
	}
	for i, tx := range txs {
		receipt := all[i].from.succeeded(tx)
		ids = append(ids, fmt.Sprintf("%s/%d", all[i].from.name, n.nonce(all[i].from, receipt)))
		block = max(block, receipt.BlockNumber.Uint64())
	}
	return ids, block
}

// nonce is the inbox nonce of the first deposit in a receipt.
func (n *network) nonce(c *chain, receipt *types.Receipt) uint64 {
	n.t.Helper()
	for _, log := range receipt.Logs {
		if log.Address != c.bridge {
			continue
		}
		if e, err := bindings.NewBridge().UnpackDepositedEvent(log); err == nil {
			return e.Nonce
		}
	}
	n.t.Fatalf("transaction %s made no deposit", receipt.TxHash)
	return 0
}

// equip gives users tokens of an asset on alpha, and lets the bridge take them.
func (n *network) equip(a *asset, amount int64, users ...evmnode.Account) {
	n.t.Helper()
	n.equipOn(n.alpha, a, amount, users...)
}

// equipOn is equip on any chain that has a token of its own.
func (n *network) equipOn(c *chain, a *asset, amount int64, users ...evmnode.Account) {
	n.t.Helper()
	token, at := bindings.NewTestToken(), a.token(c)
	var last *types.Transaction
	for _, user := range users {
		c.send(user, call{to: &at, data: approval(c.bridge)})
		last = c.send(user, call{to: &at, data: token.PackMint(user.Address, big.NewInt(amount))})
	}
	c.succeeded(last)
}

// word is an address as deposits name it.
func word(a common.Address) common.Hash { return common.BytesToHash(a[:]) }

// stranger is an account that nobody has the key of, and that has nothing.
func stranger(number int64) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte("bridged e2e recipient"), big.NewInt(number).Bytes()))
}

// has wants somebody to have an amount.
func (n *network) has(c *chain, token, holder common.Address, want int64) {
	n.t.Helper()
	if have := c.balance(token, holder); have.Cmp(big.NewInt(want)) != 0 {
		n.t.Errorf("%s on %s has %s of token %s; want %d", holder, c.name, have, token, want)
	}
}
