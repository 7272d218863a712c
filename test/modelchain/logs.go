package modelchain

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	gethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// contract is the interface of the real one.
var contract = bindings.NewBridge().GetABI()

// encodeLog is the log that the real contract emits for an event, but for where
// it stands.
func encodeLog(bridge types.Address, e bridgetest.Logged) (*gethtypes.Log, error) {
	event, args, err := logArgs(e.Event)
	if err != nil {
		return nil, err
	}
	data, err := event.Inputs.NonIndexed().Pack(append([]any{e.Hash}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("encode event %d: %w", e.Nonce, err)
	}
	return &gethtypes.Log{
		Address: bridge, Topics: []common.Hash{event.ID, common.BigToHash(new(big.Int).SetUint64(e.Nonce))}, Data: data,
	}, nil
}

func logArgs(e types.Event) (abi.Event, []any, error) {
	switch e := e.(type) {
	case types.Initialized:
		return contract.Events["Initialized"], []any{e.SetHash}, nil
	case types.Deposited:
		return contract.Events["Deposited"], []any{
			e.Token, e.Sender, uint64(e.Destination), e.Recipient, e.RefundTo, amount(e.Amount), amount(e.MaxFee), e.Data,
		}, nil
	case types.Executed:
		return contract.Events["Executed"], []any{e.OutboxNonce, e.First, e.Count, e.Relayer, e.Failures}, nil
	case types.Claimed:
		return contract.Events["Claimed"], []any{e.OutboxNonce, e.Index, e.Token, e.Owner, amount(e.Amount), e.To}, nil
	case types.TokenRegistered:
		return contract.Events["TokenRegistered"], []any{types.Hash(e.Asset), e.Token, uint8(e.Mode), e.Decimals}, nil
	case types.Staked:
		return contract.Events["Staked"], []any{e.Operator, amount(e.Amount), e.Data}, nil
	case types.Unstaked:
		return contract.Events["Unstaked"], []any{e.Operator, amount(e.Amount)}, nil
	}
	return abi.Event{}, nil, fmt.Errorf("event %T is none of the contract's", e)
}

func amount(a types.Amount) *big.Int { return new(big.Int).SetBytes(a.Bytes()) }
