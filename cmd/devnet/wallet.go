package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

const (
	walletTip    = 1e9  // wei a gas
	walletFeeCap = 40e9 // wei a gas: far above what a devnet's base fee reaches

	// walletGas is enough for all that a devnet sends, under Amsterdam's prices
	// as well, and keeps below go-ethereum's limit of one ether a transaction.
	// What is not used is not paid.
	walletGas = 12_000_000

	receiptInterval = 50 * time.Millisecond
)

// call is a transaction to be; without a destination it creates a contract.
type call struct {
	to    *common.Address
	value *big.Int
	data  []byte
}

// wallet sends transactions of one account on one chain. It counts the nonce
// itself, so many transactions can be under way; nobody else may use the account.
type wallet struct {
	chain   *chain
	account evmnode.Account
	signer  types.Signer

	mu     sync.Mutex
	nonce  uint64
	posted *types.Transaction // last of those that nobody waits for
}

func newWallet(ctx context.Context, c *chain, account evmnode.Account) (*wallet, error) {
	nonce, err := c.client.PendingNonceAt(ctx, account.Address)
	if err != nil {
		return nil, fmt.Errorf("nonce of %s on %s: %w", account.Address, c.name, err)
	}
	return &wallet{chain: c, account: account, signer: types.LatestSignerForChainID(c.id()), nonce: nonce}, nil
}

// send signs and sends without waiting for a block.
func (w *wallet) send(ctx context.Context, what call) (*types.Transaction, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tx, err := types.SignNewTx(w.account.Key, w.signer, &types.DynamicFeeTx{
		ChainID:   w.chain.id(),
		Nonce:     w.nonce,
		GasTipCap: big.NewInt(walletTip),
		GasFeeCap: big.NewInt(walletFeeCap),
		Gas:       walletGas,
		To:        what.to,
		Value:     what.value,
		Data:      what.data,
	})
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if err := w.chain.client.SendTransaction(ctx, tx); err != nil {
		return nil, fmt.Errorf("send on %s: %w", w.chain.name, err)
	}
	w.nonce++
	return tx, nil
}

// do sends and waits until the transaction has succeeded in a block.
func (w *wallet) do(ctx context.Context, what call) (*types.Receipt, error) {
	tx, err := w.send(ctx, what)
	if err != nil {
		return nil, err
	}
	return w.chain.await(ctx, tx)
}

// post sends without waiting; settle waits for all that was posted.
func (w *wallet) post(ctx context.Context, what call) error {
	tx, err := w.send(ctx, what)
	if err == nil {
		w.posted = tx
	}
	return err
}

// settle waits until the last transaction that was posted has succeeded, and so
// all before it are in blocks.
func (w *wallet) settle(ctx context.Context) error {
	if w.posted == nil {
		return nil
	}
	_, err := w.chain.await(ctx, w.posted)
	w.posted = nil
	return err
}

// all sends many transactions at once and waits for each.
func (w *wallet) all(ctx context.Context, calls []call) error {
	txs := make([]*types.Transaction, len(calls))
	for i, what := range calls {
		var err error
		if txs[i], err = w.send(ctx, what); err != nil {
			return err
		}
	}
	for _, tx := range txs {
		if _, err := w.chain.await(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// await waits for a transaction's receipt; a failed transaction is an error.
func (c *chain) await(ctx context.Context, tx *types.Transaction) (*types.Receipt, error) {
	ticker := time.NewTicker(receiptInterval)
	defer ticker.Stop()
	for {
		receipt, err := c.client.TransactionReceipt(ctx, tx.Hash())
		if err == nil {
			if receipt.Status != types.ReceiptStatusSuccessful {
				return nil, fmt.Errorf("transaction %s on %s failed", tx.Hash(), c.name)
			}
			return receipt, nil
		}
		if !errors.Is(err, ethereum.NotFound) {
			return nil, fmt.Errorf("receipt of %s on %s: %w", tx.Hash(), c.name, err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("receipt of %s on %s: %w", tx.Hash(), c.name, ctx.Err())
		case <-ticker.C:
		}
	}
}
