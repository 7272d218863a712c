package modelchain

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// revert is a call that the contract refuses, as geth tells it.
type revert struct {
	name string
	data hexutil.Bytes
}

// Error implements error.
func (r revert) Error() string { return "execution reverted: " + r.name }

// ErrorCode implements rpc.Error.
func (revert) ErrorCode() int { return 3 }

// ErrorData implements rpc.DataError.
func (r revert) ErrorData() any { return r.data }

// execute runs a relayer's transaction in the block being made.
func (c *Chain) execute(s *sent) made {
	to := s.tx.To()
	if to == nil || *to != c.cfg.Bridge || run(c.model, s.tx.Data(), s.from) != nil {
		return made{tx: s.tx, failed: true}
	}
	return made{tx: s.tx, events: c.untold()}
}

// run is the contract's execute(), with enough gas for everything. A refusal has
// changed nothing.
func run(model *bridgetest.Chain, data []byte, relayer types.Address) error {
	method := contract.Methods["execute"]
	if len(data) < 4 || string(data[:4]) != string(method.ID) {
		return fmt.Errorf("the model executes only execute(), not %x", data[:min(len(data), 4)])
	}
	args, err := method.Inputs.Unpack(data[4:])
	if err != nil {
		return fmt.Errorf("decode execute(): %w", err)
	}
	seal, ok := abi.ConvertType(args[3], new(bindings.IBridgeSeal)).(*bindings.IBridgeSeal)
	if !ok {
		return fmt.Errorf("decode execute(): its seal is a %T", args[3])
	}
	order := bridgetest.Order{
		Command: args[0].([]byte), From: args[1].(uint32), Quorum: args[4].([]byte), //nolint:forcetypeassert // as the ABI says
		Seal: bridge.SealState{Epoch: seal.Epoch, Height: seal.Height, Root: seal.Root},
	}
	for _, hash := range args[2].([][32]byte) { //nolint:forcetypeassert // as above
		order.Proof = append(order.Proof, hash)
	}
	err = model.Run(order, relayer, types.MaxBatchItems)
	if name, reverts := errors.AsType[bridgetest.Revert](err); reverts {
		id := contract.Errors[string(name)].ID
		return revert{string(name), id[:4]}
	}
	return err
}

// call is eth_call of the contract: one of its views, or execute() without
// effect.
func (c *Chain) call(data []byte, from types.Address) ([]byte, error) {
	if len(data) < 4 {
		return nil, revert{}
	}
	method, err := contract.MethodById(data[:4])
	if err != nil {
		return nil, revert{} // as a contract without a fallback does
	}
	if method.Name == "execute" {
		return nil, run(c.model.Clone(), data, from)
	}
	s := c.model.State()
	value, known := map[string]any{
		"networkId": c.cfg.NetworkID, "inboxNonce": s.InboxNonce, "inboxHash": s.InboxHash, "outboxNonce": s.OutboxNonce,
		"nextIndex": s.NextIndex, "sealHeight": s.SealHeight, "deposits": s.Deposits, "activated": s.Activated,
		"epoch": max(s.Epoch, 1), "setHash": s.SetHash, "totalPower": s.TotalPower, "releaseGas": s.ReleaseGas,
		"staking": types.Address{},
	}[method.Name]
	if !known {
		return nil, fmt.Errorf("the model does not answer %s()", method.Name)
	}
	answer, err := method.Outputs.Pack(value)
	if err != nil {
		return nil, fmt.Errorf("encode the answer to %s(): %w", method.Name, err)
	}
	return answer, nil
}
