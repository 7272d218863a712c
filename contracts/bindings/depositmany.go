// Code generated via abigen V2 - DO NOT EDIT.
// This file is a generated binding and any manual changes will be lost.

package bindings

import (
	"bytes"
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// Reference imports to suppress errors if they are not otherwise used.
var (
	_ = bytes.Equal
	_ = errors.New
	_ = big.NewInt
	_ = common.Big1
	_ = types.BloomLookup
	_ = abi.ConvertType
)

// DepositManyMetaData contains all meta data concerning the DepositMany contract.
var DepositManyMetaData = bind.MetaData{
	ABI: "[{\"inputs\":[{\"internalType\":\"contractIBridge\",\"name\":\"bridge\",\"type\":\"address\"},{\"internalType\":\"contractIERC20\",\"name\":\"token\",\"type\":\"address\"},{\"internalType\":\"uint256\",\"name\":\"amount\",\"type\":\"uint256\"},{\"internalType\":\"uint256\",\"name\":\"count\",\"type\":\"uint256\"},{\"internalType\":\"uint64\",\"name\":\"destination\",\"type\":\"uint64\"},{\"internalType\":\"bytes32\",\"name\":\"recipient\",\"type\":\"bytes32\"},{\"internalType\":\"address\",\"name\":\"refundTo\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"maxFee\",\"type\":\"uint128\"}],\"name\":\"run\",\"outputs\":[{\"internalType\":\"uint64\",\"name\":\"first\",\"type\":\"uint64\"}],\"stateMutability\":\"nonpayable\",\"type\":\"function\"}]",
	ID:  "DepositMany",
	Bin: "0x60808060405234601557610332908161001a8239f35b5f80fdfe6080806040526004361015610012575f80fd5b5f3560e01c632e2708d714610025575f80fd5b34610240576101007ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc360112610240576004359073ffffffffffffffffffffffffffffffffffffffff82168092036102405760243573ffffffffffffffffffffffffffffffffffffffff811680910361024057604435606435916084359467ffffffffffffffff86168096036102405760a43560c43573ffffffffffffffffffffffffffffffffffffffff81168091036102405760e435916fffffffffffffffffffffffffffffffff8316809303610240575f977f095ea7b30000000000000000000000000000000000000000000000000000000081528460048201527fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff60248201526020816044815f8a5af1801561024c57610257575b505f5b87811061017c5760208967ffffffffffffffff60405191168152f35b6040517f252a13e30000000000000000000000000000000000000000000000000000000081528660048201528760248201528a60448201528260648201528360848201528460a482015260e060c48201525f60e4820152602081610104815f8a5af190811561024c575f91610206575b5081156101fd575b50600101610160565b985060016101f4565b90506020813d8211610244575b816102206020938361028e565b81010312610240575167ffffffffffffffff81168103610240575f6101ec565b5f80fd5b3d9150610213565b6040513d5f823e3d90fd5b6020813d602011610286575b816102706020938361028e565b810103126102405751801515811461015d575f80fd5b3d9150610263565b90601f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0910116810190811067ffffffffffffffff8211176102cf57604052565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffdfea2646970667358221220663cbd338c2ecb0bfd4952b82a087b7d100e3116e98cc4a924daed28082d32f564736f6c63430008250033",
}

// DepositMany is an auto generated Go binding around an Ethereum contract.
type DepositMany struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *DepositMany) GetABI() abi.ABI {
	return c.abi
}

// NewDepositMany creates a new instance of DepositMany.
func NewDepositMany() *DepositMany {
	parsed, err := DepositManyMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &DepositMany{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *DepositMany) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackRun is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2e2708d7.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function run(address bridge, address token, uint256 amount, uint256 count, uint64 destination, bytes32 recipient, address refundTo, uint128 maxFee) returns(uint64 first)
func (depositMany *DepositMany) PackRun(bridge common.Address, token common.Address, amount *big.Int, count *big.Int, destination uint64, recipient [32]byte, refundTo common.Address, maxFee *big.Int) []byte {
	enc, err := depositMany.abi.Pack("run", bridge, token, amount, count, destination, recipient, refundTo, maxFee)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRun is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x2e2708d7.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function run(address bridge, address token, uint256 amount, uint256 count, uint64 destination, bytes32 recipient, address refundTo, uint128 maxFee) returns(uint64 first)
func (depositMany *DepositMany) TryPackRun(bridge common.Address, token common.Address, amount *big.Int, count *big.Int, destination uint64, recipient [32]byte, refundTo common.Address, maxFee *big.Int) ([]byte, error) {
	return depositMany.abi.Pack("run", bridge, token, amount, count, destination, recipient, refundTo, maxFee)
}

// UnpackRun is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x2e2708d7.
//
// Solidity: function run(address bridge, address token, uint256 amount, uint256 count, uint64 destination, bytes32 recipient, address refundTo, uint128 maxFee) returns(uint64 first)
func (depositMany *DepositMany) UnpackRun(data []byte) (uint64, error) {
	out, err := depositMany.abi.Unpack("run", data)
	if err != nil {
		return *new(uint64), err
	}
	out0 := *abi.ConvertType(out[0], new(uint64)).(*uint64)
	return out0, nil
}
