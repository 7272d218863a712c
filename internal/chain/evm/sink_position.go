package evm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// positionGrace is how long a look waits for more endpoints once one has
// answered.
const positionGrace = 250 * time.Millisecond

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

// Position implements chain.Sink: one batch, one round trip, to all endpoints at
// once. No single one of several is believed: see agreeOn and fees.
func (s *Sink) Position(ctx context.Context) (chain.OutboxPosition, error) {
	answers, err := s.askAll(ctx)
	if len(answers) == 0 {
		return chain.OutboxPosition{}, fmt.Errorf("chain %s: position: %w", s.cfg.Client.Name(), err)
	}
	s.turn++
	position := agreeOn(answers, s.turn)
	position.Market, position.Rush = s.offers.fees(time.Now(), s.turn, s.cfg.MinTip)
	return position, nil
}

// askAll returns as soon as the answers are of use: when two groups say the same,
// when all have answered, or when the others take too long. What arrives later
// still counts for the fees.
func (s *Sink) askAll(ctx context.Context) (answers []look, err error) {
	late, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	interrupt := context.AfterFunc(ctx, func() { cancel(ctx.Err()) })
	defer interrupt()
	defer time.AfterFunc(positionGrace, func() { cancel(errSilent) })
	said := make(chan look, 2*len(s.cfg.Client.endpoints))
	failed := make(chan []error, 1)
	go func() {
		failed <- s.cfg.Client.DoAll(late, func(ctx context.Context, c Conn) error {
			a, err := s.position(ctx, c)
			if err != nil {
				return err
			}
			s.offers.add(a.group, a.offer, time.Now())
			select {
			case said <- a:
			default: // nobody waits any more
			}
			return nil
		})
	}()
	var grace <-chan time.Time
	for {
		select {
		case a := <-said:
			answers = append(answers, a)
			if s.groups == 1 || len(agreeing(answers)) > 1 {
				return answers, nil
			}
			grace = time.After(positionGrace)
		case errs := <-failed:
			for len(said) > 0 {
				answers = append(answers, <-said)
			}
			return answers, join(slices.DeleteFunc(errs, func(err error) bool { return err == nil }))
		case <-grace:
			return answers, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *Sink) position(ctx context.Context, c Conn) (look, error) {
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
		return look{}, err
	}
	for _, call := range batch[:len(batch)-1] {
		if call.Error != nil {
			return look{}, fmt.Errorf("%s: %w", call.Method, call.Error)
		}
	}
	position, err := s.decodePosition(&a)
	if err != nil {
		return look{}, err
	}
	var base, tip *big.Int
	if batch[len(batch)-1].Error == nil {
		tip = a.tip.ToInt()
	}
	if a.block.BaseFee != nil {
		base = a.block.BaseFee.ToInt()
	}
	return look{c.Group, position, offerOf(base, tip, a.price.ToInt())}, nil
}

func (s *Sink) decodePosition(a *positionAnswers) (chain.OutboxPosition, error) {
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
	return position, nil
}

// unpackSlot reads slot 0 of the contract (docs/wire-format.md), from the least
// significant byte: inbox nonce (8), outbox nonce (8), next index (4), seal
// height (8), deposits (1).
func unpackSlot(slot types.Hash) (nonce uint64, nextItem uint32, sealHeight uint64) {
	return binary.BigEndian.Uint64(slot[16:24]), binary.BigEndian.Uint32(slot[12:16]), binary.BigEndian.Uint64(slot[4:12])
}
