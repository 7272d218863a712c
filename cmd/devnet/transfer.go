package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/contracts/bindings"
)

const (
	// transferTimeout is how long a round of transfers may take. It covers a
	// validator that is down and has the first turn: the next one waits for it.
	transferTimeout = 90 * time.Second

	statusReleased = "released"
	statusRefunded = "refunded"
	statusFailed   = "failed"
	statusHeld     = "held"
	maxAnswers     = 500 // of one query
)

// transfer is one deposit and what becomes of it.
type transfer struct {
	asset     *asset
	from, to  *chain
	amount    *big.Int // in the asset's units
	sender    evmnode.Account
	recipient common.Address
	refundTo  common.Address // the sender, if it is zero
	fate      fate

	tx    *types.Transaction
	block uint64 // of the deposit, on the source chain
	nonce uint64 // of the source's inbox
	state transferAnswer
	held  string // reason for which it was once seen held
}

// fate is how a transfer is to end.
type fate uint8

const (
	released fate = iota
	failed        // its release cannot be paid, and it is refunded
	refunded      // without a release that anybody executed
)

func (f fate) status() string {
	if f == released {
		return statusReleased
	}
	return statusRefunded
}

// id is the transfer's text form.
func (t *transfer) id() string { return fmt.Sprintf("%s/%d", t.from.name, t.nonce) }

// payout is what is to arrive: each entry that is executed costs a fee, also a
// release that fails.
func (t *transfer) payout() *big.Int {
	payout := new(big.Int).Sub(t.amount, t.asset.fee)
	if t.fate == failed {
		payout.Sub(payout, t.asset.fee)
	}
	return payout
}

// payer is the chain whose contract is to pay it.
func (t *transfer) payer() *chain {
	if t.fate == released {
		return t.to
	}
	return t.from
}

// payee is who is to be paid.
func (t *transfer) payee() common.Address {
	switch {
	case t.fate == released:
		return t.recipient
	case t.refundTo != common.Address{}:
		return t.refundTo
	}
	return t.sender.Address
}

// transferAnswer is what the network says of a transfer.
type transferAnswer struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	Reason      string `json:"reason"`
	Payout      string `json:"payout"`
	OutboxChain uint64 `json:"outbox_chain"`
	OutboxNonce uint64 `json:"outbox_nonce"`
	OutboxIndex uint32 `json:"outbox_index"`
	SealHeight  int64  `json:"seal_height"`
	Why         string `json:"why"`
}

// ended says whether nothing more will happen to the transfer.
func (t *transferAnswer) ended() bool {
	return slices.Contains([]string{statusReleased, statusRefunded, "owed", "claimed", "finished"}, t.Status)
}

// stranger is an account that has nothing on any chain, and whose key nobody
// has: what is there later came over the bridge.
func stranger(number uint64) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte("bridged devnet recipient"), binary.BigEndian.AppendUint64(nil, number)))
}

// deposit sends a transfer's deposit, without waiting for it.
func (n *network) deposit(ctx context.Context, t *transfer) error {
	w, err := n.wallet(ctx, t.from, t.sender)
	if err != nil {
		return err
	}
	d := deposit{
		bridge: t.from.bridge, amount: t.amount, destination: t.to.node.ChainID(),
		recipient: t.recipient, refundTo: t.refundTo, maxFee: t.asset.fee,
	}
	if !t.asset.native(t.from) {
		d.token = t.asset.token(t.from)
	}
	t.tx, err = w.send(ctx, d.call())
	return err
}

// depositFlags are the arguments with which bridged makes the same deposit.
func (n *network) depositFlags(t *transfer) []string {
	token := t.asset.symbol
	if t.asset.native(t.from) {
		token = "native"
	}
	return []string{
		"deposit", "--home", shown(n.homes[0].Home), "--rpc", t.from.node.HTTPURL(), "--token", token,
		"--amount", t.amount.String(), "--to", t.to.name, "--recipient", t.recipient.Hex(),
	}
}

// depositByCommand makes a deposit as a user does, and returns when it is in a
// block.
func (n *network) depositByCommand(ctx context.Context, t *transfer) error {
	var result struct {
		ID    string `json:"id"`
		Block uint64 `json:"block"`
	}
	raw, err := n.bridged.runWith(ctx, []string{keyEnv(t.sender)}, append(n.depositFlags(t), "--no-wait", "--output", "json")...)
	if err != nil {
		return err
	}
	// Its transactions took nonces that our wallet counts.
	delete(n.wallets, walletKey{t.from, t.sender.Address})
	if err := json.Unmarshal(raw, &result); err != nil {
		return fmt.Errorf("bridged deposit: decode the result: %w", err)
	}
	if _, err := fmt.Sscanf(result.ID, t.from.name+"/%d", &t.nonce); err != nil {
		return fmt.Errorf("bridged deposit: transfer id %q: %w", result.ID, err)
	}
	t.block = result.Block
	return nil
}

// confirm waits for the deposit to be in a block, and learns its inbox nonce.
func (t *transfer) confirm(ctx context.Context) error {
	if t.nonce != 0 {
		return nil
	}
	receipt, err := t.from.await(ctx, t.tx)
	if err != nil {
		return err
	}
	for _, log := range receipt.Logs {
		if log.Address != t.from.bridge {
			continue
		}
		if e, err := bindings.NewBridge().UnpackDepositedEvent(log); err == nil {
			t.nonce, t.block = e.Nonce, receipt.BlockNumber.Uint64()
			return nil
		}
	}
	return fmt.Errorf("transaction %s on %s made no deposit", t.tx.Hash(), t.from.name)
}

// send makes deposits all at once, and returns when they are in blocks.
func (n *network) send(ctx context.Context, transfers []*transfer) error {
	for _, t := range transfers {
		if t.nonce != 0 { // made already
			continue
		}
		if err := n.deposit(ctx, t); err != nil {
			return fmt.Errorf("deposit %s on %s: %w", t.asset.symbol, t.from.name, err)
		}
	}
	for _, t := range transfers {
		if err := t.confirm(ctx); err != nil {
			return err
		}
	}
	return nil
}

// follow waits until the network says that all transfers have ended, and fails
// if one has ended otherwise than it should.
func (n *network) follow(ctx context.Context, transfers []*transfer) error {
	err := n.until(ctx, transferTimeout, "transfers to end", func(ctx context.Context) (bool, error) {
		return n.refresh(ctx, transfers)
	})
	for _, t := range transfers {
		if t.state.Status != t.fate.status() {
			err = errors.Join(err, fmt.Errorf("%s (%s) is not %s: %s", t.id(), t.asset.symbol, t.fate.status(), cmp.Or(t.state.Why, "not agreed yet")))
		}
	}
	return err
}

// refresh reads where transfers stand, and says whether all have ended.
func (n *network) refresh(ctx context.Context, transfers []*transfer) (bool, error) {
	var answers []transferAnswer
	if err := n.ask(ctx, "transfers", queryArgs{Limit: maxAnswers}, &answers); err != nil {
		return false, err
	}
	known := newest(answers)
	all := true
	for _, t := range transfers {
		if answer, ok := known[t.id()]; ok {
			t.state = answer
		}
		if t.state.Status == statusHeld {
			t.held = t.state.Reason
		}
		all = all && t.state.ended()
	}
	return all, nil
}

// newest is one answer for each transfer: one whose release failed stands there
// twice, with its refund.
func newest(answers []transferAnswer) map[string]transferAnswer {
	known := map[string]transferAnswer{}
	for _, answer := range answers {
		if _, twice := known[answer.ID]; !twice || answer.Status != statusFailed {
			known[answer.ID] = answer
		}
	}
	return known
}
