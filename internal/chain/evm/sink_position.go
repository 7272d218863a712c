package evm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/holiman/uint256"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// positionAnswers are the answers to one batch. Its order matters: account
// first, contract last, so that a block that arrives in between never shows a
// mined transaction without its effect.
type positionAnswers struct {
	mined, pending hexutil.Uint64
	balance        hexutil.Big
	slot           types.Hash // slot 0: outbox nonce, next index and seal height of one block
	epoch          hexutil.Bytes
	setHash        hexutil.Bytes
	releaseGas     hexutil.Bytes
	block          *struct {
		Number   hexutil.Uint64 `json:"number"`
		GasLimit hexutil.Uint64 `json:"gasLimit"`
		BaseFee  *hexutil.Big   `json:"baseFeePerGas"`
	}
	tip   hexutil.Big
	price hexutil.Big
}

// Position implements chain.Sink: one batch, one round trip.
func (s *Sink) Position(ctx context.Context) (chain.OutboxPosition, error) {
	var position chain.OutboxPosition
	err := s.cfg.Client.Do(ctx, func(ctx context.Context, c Conn) (err error) {
		position, err = s.position(ctx, c)
		return err
	})
	if err != nil {
		return chain.OutboxPosition{}, fmt.Errorf("chain %s: position: %w", s.cfg.Client.Name(), err)
	}
	return position, nil
}

func (s *Sink) position(ctx context.Context, c Conn) (chain.OutboxPosition, error) {
	var a positionAnswers
	self := s.cfg.Key.Address()
	view := func(data []byte) []any {
		return []any{map[string]any{"to": s.cfg.Client.Bridge(), "input": hexutil.Bytes(data)}, "latest"}
	}
	batch := []rpc.BatchElem{
		{Method: "eth_getTransactionCount", Args: []any{self, "latest"}, Result: &a.mined},
		{Method: "eth_getTransactionCount", Args: []any{self, "pending"}, Result: &a.pending},
		{Method: "eth_getBalance", Args: []any{self, "latest"}, Result: &a.balance},
		{Method: "eth_getBlockByNumber", Args: []any{"latest", false}, Result: &a.block},
		{Method: "eth_call", Args: view(s.bridge.PackEpoch()), Result: &a.epoch},
		{Method: "eth_call", Args: view(s.bridge.PackSetHash()), Result: &a.setHash},
		{Method: "eth_call", Args: view(s.bridge.PackReleaseGas()), Result: &a.releaseGas},
		{Method: "eth_getStorageAt", Args: []any{s.cfg.Client.Bridge(), types.Hash{}, "latest"}, Result: &a.slot},
		{Method: "eth_gasPrice", Result: &a.price},
		{Method: "eth_maxPriorityFeePerGas", Result: &a.tip}, // the last: not every client knows it
	}
	if err := c.RPC.BatchCallContext(ctx, batch); err != nil {
		return chain.OutboxPosition{}, err
	}
	for _, call := range batch[:len(batch)-1] {
		if call.Error != nil {
			return chain.OutboxPosition{}, fmt.Errorf("%s: %w", call.Method, call.Error)
		}
	}
	return s.decodePosition(&a, batch[len(batch)-1].Error == nil)
}

func (s *Sink) decodePosition(a *positionAnswers, tipKnown bool) (chain.OutboxPosition, error) {
	if a.block == nil {
		return chain.OutboxPosition{}, errors.New("no latest block")
	}
	if len(a.epoch) == 0 {
		return chain.OutboxPosition{}, fmt.Errorf("%w: no bridge contract at %s", chain.ErrDestination, s.cfg.Client.Bridge())
	}
	epoch, errEpoch := s.bridge.UnpackEpoch(a.epoch)
	setHash, errSet := s.bridge.UnpackSetHash(a.setHash)
	releaseGas, errGas := s.bridge.UnpackReleaseGas(a.releaseGas)
	if err := errors.Join(errEpoch, errSet, errGas); err != nil {
		return chain.OutboxPosition{}, fmt.Errorf("contract's answers: %w", err)
	}
	balance, err := types.AmountFromBytes(a.balance.ToInt().Bytes())
	if err != nil {
		return chain.OutboxPosition{}, fmt.Errorf("balance: %w", err)
	}
	if a.pending < a.mined { // an endpoint of several nodes, one of them behind
		a.pending = a.mined
	}
	position := chain.OutboxPosition{
		Block: uint64(a.block.Number), BlockGas: uint64(a.block.GasLimit),
		Epoch: epoch, SetHash: setHash, ReleaseGas: releaseGas,
		Account: chain.Account{
			Address: s.cfg.Key.Address(), Mined: uint64(a.mined), Pending: uint64(a.pending), Balance: balance,
		},
	}
	position.Nonce, position.NextItem, position.SealHeight = unpackSlot(a.slot)
	tip := a.tip.ToInt()
	if !tipKnown {
		tip = nil
	}
	var base *big.Int
	if a.block.BaseFee != nil {
		base = a.block.BaseFee.ToInt()
	}
	position.Market = market(base, tip, a.price.ToInt(), s.cfg.MinTip)
	return position, nil
}

// unpackSlot reads slot 0 of the contract (docs/wire-format.md), from the least
// significant byte: inbox nonce (8), outbox nonce (8), next index (4), seal
// height (8), deposits (1).
func unpackSlot(slot types.Hash) (nonce uint64, nextItem uint32, sealHeight uint64) {
	return binary.BigEndian.Uint64(slot[16:24]), binary.BigEndian.Uint32(slot[12:16]), binary.BigEndian.Uint64(slot[4:12])
}

// market is what to offer: twice the base fee, so that a few full blocks do not
// outbid it, and the tip that the endpoint suggests. Without a base fee (a chain
// before EIP-1559) it is the gas price.
func market(base, tip, price *big.Int, minTip uint64) chain.Fees {
	if base == nil {
		p := max(saturate(price), minTip)
		return chain.Fees{Tip: p, Cap: p, Legacy: true}
	}
	if tip == nil {
		tip = new(big.Int).Sub(price, base) // eth_gasPrice is base fee and tip
		if tip.Sign() < 0 {
			tip.SetUint64(0)
		}
	}
	t := max(saturate(tip), minTip, 1)
	double := saturate(new(big.Int).Lsh(base, 1))
	if double > math.MaxUint64-t {
		return chain.Fees{Tip: t, Cap: math.MaxUint64}
	}
	return chain.Fees{Tip: t, Cap: double + t}
}

// saturate is v as a uint64, or the greatest one. 2^64 wei is 18 ether for a
// unit of gas, far above any limit.
func saturate(v *big.Int) uint64 {
	n, overflow := uint256.FromBig(v)
	if overflow || !n.IsUint64() {
		return math.MaxUint64
	}
	return n.Uint64()
}
