package modelchain

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// The methods of whoever sends transactions. Accounts are rich, and gas is
// never used up.

// callArgs is what eth_call and eth_estimateGas are given, as far as it counts.
type callArgs struct {
	From  types.Address  `json:"from"`
	To    *types.Address `json:"to"`
	Data  hexutil.Bytes  `json:"data"`
	Input hexutil.Bytes  `json:"input"`
}

// Call is eth_call, of the newest state whatever the block.
func (a *api) Call(ctx context.Context, args callArgs, _ *rpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	if err := a.endpoint.asked(ctx, "eth_call"); err != nil {
		return nil, err
	}
	return a.call(args)
}

// EstimateGas is eth_estimateGas.
func (a *api) EstimateGas(ctx context.Context, args callArgs, _ *rpc.BlockNumberOrHash) (hexutil.Uint64, error) {
	if err := a.endpoint.asked(ctx, "eth_estimateGas"); err != nil {
		return 0, err
	}
	_, err := a.call(args)
	return gasUsed, err
}

func (a *api) call(args callArgs) (hexutil.Bytes, error) {
	switch {
	case args.To == nil:
		return nil, errors.New("the model creates no contract")
	case *args.To != a.chain.cfg.Bridge:
		return hexutil.Bytes{}, nil // nobody there
	case args.Input == nil:
		args.Input = args.Data
	}
	a.chain.mu.Lock()
	defer a.chain.mu.Unlock()
	return a.chain.call(args.Input, args.From)
}

// GetStorageAt is eth_getStorageAt.
func (a *api) GetStorageAt(ctx context.Context, of types.Address, slot string, which rpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	if err := a.endpoint.asked(ctx, "eth_getStorageAt"); err != nil {
		return nil, err
	}
	a.chain.mu.Lock()
	defer a.chain.mu.Unlock()
	b := a.find(which)
	if b == nil {
		return nil, errHeaderNotFound
	}
	at, ok := new(big.Int).SetString(slot, 0)
	if !ok {
		return nil, fmt.Errorf("slot %q is no number", slot)
	}
	words := slots(b.state)
	if of != a.chain.cfg.Bridge || !at.IsUint64() || at.Uint64() >= uint64(len(words)) {
		return make(hexutil.Bytes, len(types.Hash{})), nil
	}
	return words[at.Uint64()][:], nil
}

// GetCode is eth_getCode.
func (a *api) GetCode(ctx context.Context, of types.Address, _ rpc.BlockNumberOrHash) (hexutil.Bytes, error) {
	if err := a.endpoint.asked(ctx, "eth_getCode"); err != nil || of != a.chain.cfg.Bridge {
		return hexutil.Bytes{}, err
	}
	return code, nil
}

// GetBalance is eth_getBalance.
func (a *api) GetBalance(ctx context.Context, _ types.Address, _ rpc.BlockNumberOrHash) (*hexutil.Big, error) {
	return (*hexutil.Big)(new(big.Int).Mul(big.NewInt(1000*gwei), big.NewInt(gwei))), a.endpoint.asked(ctx, "eth_getBalance")
}

// GetTransactionCount is eth_getTransactionCount, of the newest block or with
// what waits.
func (a *api) GetTransactionCount(ctx context.Context, of types.Address, which rpc.BlockNumberOrHash) (hexutil.Uint64, error) {
	if err := a.endpoint.asked(ctx, "eth_getTransactionCount"); err != nil {
		return 0, err
	}
	a.chain.mu.Lock()
	defer a.chain.mu.Unlock()
	if number, _ := which.Number(); number == rpc.PendingBlockNumber {
		return hexutil.Uint64(a.chain.pool.pending(of)), nil
	}
	return hexutil.Uint64(a.chain.pool.nonces[of]), nil
}

// GasPrice is eth_gasPrice.
func (a *api) GasPrice(ctx context.Context) (*hexutil.Big, error) {
	return (*hexutil.Big)(big.NewInt(2 * gwei)), a.endpoint.asked(ctx, "eth_gasPrice")
}

// MaxPriorityFeePerGas is eth_maxPriorityFeePerGas.
func (a *api) MaxPriorityFeePerGas(ctx context.Context) (*hexutil.Big, error) {
	return (*hexutil.Big)(big.NewInt(gwei)), a.endpoint.asked(ctx, "eth_maxPriorityFeePerGas")
}

// SendRawTransaction is eth_sendRawTransaction.
func (a *api) SendRawTransaction(ctx context.Context, raw hexutil.Bytes) (types.Hash, error) {
	if err := a.endpoint.asked(ctx, "eth_sendRawTransaction"); err != nil {
		return types.Hash{}, err
	}
	tx := new(gethtypes.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return types.Hash{}, fmt.Errorf("invalid transaction: %w", err)
	}
	a.chain.mu.Lock()
	defer a.chain.mu.Unlock()
	return tx.Hash(), a.chain.pool.add(tx)
}

// GetTransactionReceipt is eth_getTransactionReceipt.
func (a *api) GetTransactionReceipt(ctx context.Context, hash types.Hash) (*gethtypes.Receipt, error) {
	if err := a.endpoint.asked(ctx, "eth_getTransactionReceipt"); err != nil {
		return nil, err
	}
	a.chain.mu.Lock()
	defer a.chain.mu.Unlock()
	return a.chain.mined[hash], nil
}
