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

// MockStakingMetaData contains all meta data concerning the MockStaking contract.
var MockStakingMetaData = bind.MetaData{
	ABI: "[{\"inputs\":[],\"name\":\"bridge\",\"outputs\":[{\"internalType\":\"contractIBridge\",\"name\":\"\",\"type\":\"address\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"broken\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[],\"name\":\"hungry\",\"outputs\":[{\"internalType\":\"bool\",\"name\":\"\",\"type\":\"bool\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"name\":\"release\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"\",\"type\":\"address\"}],\"name\":\"releasedOf\",\"outputs\":[{\"internalType\":\"uint128\",\"name\":\"\",\"type\":\"uint128\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"bool\",\"name\":\"broken_\",\"type\":\"bool\"},{\"internalType\":\"bool\",\"name\":\"hungry_\",\"type\":\"bool\"}],\"name\":\"setBehaviour\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"contractIBridge\",\"name\":\"bridge_\",\"type\":\"address\"}],\"name\":\"setBridge\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"uint32\",\"name\":\"fraction\",\"type\":\"uint32\"}],\"name\":\"slash\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"},{\"internalType\":\"bytes\",\"name\":\"data\",\"type\":\"bytes\"}],\"name\":\"stake\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"\",\"type\":\"address\"}],\"name\":\"stakeOf\",\"outputs\":[{\"internalType\":\"uint128\",\"name\":\"\",\"type\":\"uint128\"}],\"stateMutability\":\"view\",\"type\":\"function\"},{\"inputs\":[{\"internalType\":\"address\",\"name\":\"operator\",\"type\":\"address\"},{\"internalType\":\"uint128\",\"name\":\"amount\",\"type\":\"uint128\"}],\"name\":\"unstake\",\"outputs\":[],\"stateMutability\":\"nonpayable\",\"type\":\"function\"}]",
	ID:  "MockStaking",
	Bin: "0x608080604052346015576108f2908161001a8239f35b5f80fdfe60806040526004361015610011575f80fd5b5f5f3560e01c80630a5d76a5146105d057806342623360146105795780634cc9d217146104a35780637bd3ca351461043f5780637c92e12e146104195780637fb1ad62146103f65780638a714811146101ea5780638dd148021461018d578063b24cf7b61461011f578063e78cea92146100ec5763ed0ad32114610093575f80fd5b346100e95760206003193601126100e9576fffffffffffffffffffffffffffffffff604060209273ffffffffffffffffffffffffffffffffffffffff6100d761077b565b16815260028452205416604051908152f35b80fd5b50346100e957806003193601126100e95773ffffffffffffffffffffffffffffffffffffffff6020915416604051908152f35b50346100e95760406003193601126100e95760043580151580910361018957602435801515809103610185577fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff000060ff61ff006003549360081b1693169116171760035580f35b8280fd5b5080fd5b50346100e95760206003193601126100e95760043573ffffffffffffffffffffffffffffffffffffffff8116809103610189577fffffffffffffffffffffffff000000000000000000000000000000000000000082541617815580f35b50346100e95760406003193601126100e95761020461077b565b906024359163ffffffff83168093036101895773ffffffffffffffffffffffffffffffffffffffff8254163314806103e9575b156101895760ff60035460081c16155b80156103e4575073ffffffffffffffffffffffffffffffffffffffff81169081835260016020526fffffffffffffffffffffffffffffffff6040842054168481029481860414901517156103b7576fffffffffffffffffffffffffffffffff620f4240849504169183526001602052604083206fffffffffffffffffffffffffffffffff6102d8848284541661088a565b167fffffffffffffffffffffffffffffffff0000000000000000000000000000000082541617905573ffffffffffffffffffffffffffffffffffffffff83541691823b156103b2576040517fbb08648100000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff9290921660048301526fffffffffffffffffffffffffffffffff1660248201529082908290604490829084905af180156103a7576103965750f35b816103a09161081c565b6100e95780f35b6040513d84823e3d90fd5b505050fd5b6024837f4e487b710000000000000000000000000000000000000000000000000000000081526011600452fd5b610247565b5060ff6003541615610237565b50346100e957806003193601126100e957602060ff600354166040519015158152f35b50346100e957806003193601126100e957602060ff60035460081c166040519015158152f35b50346100e95760406003193601126100e9578061045a61077b565b61046261079e565b9073ffffffffffffffffffffffffffffffffffffffff811683526001602052604083206fffffffffffffffffffffffffffffffff6102d8848284541661088a565b50346100e95760406003193601126100e9576104bd61077b565b6104c561079e565b9073ffffffffffffffffffffffffffffffffffffffff83541633148061056c575b156101855760ff60035460081c16155b8015610567575073ffffffffffffffffffffffffffffffffffffffff16825260026020526fffffffffffffffffffffffffffffffff61053c6040842092828454166107bd565b167fffffffffffffffffffffffffffffffff0000000000000000000000000000000082541617905580f35b6104f6565b5060ff60035416156104e6565b50346100e95760206003193601126100e9576fffffffffffffffffffffffffffffffff604060209273ffffffffffffffffffffffffffffffffffffffff6105be61077b565b16815260018452205416604051908152f35b5034610777576060600319360112610777576105ea61077b565b6105f261079e565b6044359167ffffffffffffffff831161077757366023840112156107775782600401359067ffffffffffffffff82116107775736602483860101116107775773ffffffffffffffffffffffffffffffffffffffff1691825f52600160205260405f206fffffffffffffffffffffffffffffffff61067283828454166107bd565b167fffffffffffffffffffffffffffffffff0000000000000000000000000000000082541617905573ffffffffffffffffffffffffffffffffffffffff5f541690813b15610777575f608481957fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f876fffffffffffffffffffffffffffffffff9860246040519c8d9b8c9a8b987f8f9a36d0000000000000000000000000000000000000000000000000000000008a5260048a0152168288015260606044880152826064880152018686013785858286010152011681010301925af1801561076c5761075e575080f35b61076a91505f9061081c565b005b6040513d5f823e3d90fd5b5f80fd5b6004359073ffffffffffffffffffffffffffffffffffffffff8216820361077757565b602435906fffffffffffffffffffffffffffffffff8216820361077757565b906fffffffffffffffffffffffffffffffff809116911601906fffffffffffffffffffffffffffffffff82116107ef57565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b90601f7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0910116810190811067ffffffffffffffff82111761085d57604052565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffd5b906fffffffffffffffffffffffffffffffff809116911603906fffffffffffffffffffffffffffffffff82116107ef5756fea264697066735822122040e1ab7cc8c85dd629c2f6da1cee45df3a2c1e491ff8ac47233d93de5aa7130964736f6c63430008250033",
}

// MockStaking is an auto generated Go binding around an Ethereum contract.
type MockStaking struct {
	abi abi.ABI
}

// GetABI returns the ABI associated with this contract binding.
func (c *MockStaking) GetABI() abi.ABI {
	return c.abi
}

// NewMockStaking creates a new instance of MockStaking.
func NewMockStaking() *MockStaking {
	parsed, err := MockStakingMetaData.ParseABI()
	if err != nil {
		panic(errors.New("invalid ABI: " + err.Error()))
	}
	return &MockStaking{abi: *parsed}
}

// Instance creates a wrapper for a deployed contract instance at the given address.
// Use this to create the instance object passed to abigen v2 library functions Call, Transact, etc.
func (c *MockStaking) Instance(backend bind.ContractBackend, addr common.Address) *bind.BoundContract {
	return bind.NewBoundContract(addr, c.abi, backend, backend, backend)
}

// PackBridge is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe78cea92.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function bridge() view returns(address)
func (mockStaking *MockStaking) PackBridge() []byte {
	enc, err := mockStaking.abi.Pack("bridge")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBridge is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xe78cea92.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function bridge() view returns(address)
func (mockStaking *MockStaking) TryPackBridge() ([]byte, error) {
	return mockStaking.abi.Pack("bridge")
}

// UnpackBridge is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xe78cea92.
//
// Solidity: function bridge() view returns(address)
func (mockStaking *MockStaking) UnpackBridge(data []byte) (common.Address, error) {
	out, err := mockStaking.abi.Unpack("bridge", data)
	if err != nil {
		return *new(common.Address), err
	}
	out0 := *abi.ConvertType(out[0], new(common.Address)).(*common.Address)
	return out0, nil
}

// PackBroken is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7fb1ad62.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function broken() view returns(bool)
func (mockStaking *MockStaking) PackBroken() []byte {
	enc, err := mockStaking.abi.Pack("broken")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackBroken is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7fb1ad62.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function broken() view returns(bool)
func (mockStaking *MockStaking) TryPackBroken() ([]byte, error) {
	return mockStaking.abi.Pack("broken")
}

// UnpackBroken is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x7fb1ad62.
//
// Solidity: function broken() view returns(bool)
func (mockStaking *MockStaking) UnpackBroken(data []byte) (bool, error) {
	out, err := mockStaking.abi.Unpack("broken", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackHungry is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7c92e12e.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function hungry() view returns(bool)
func (mockStaking *MockStaking) PackHungry() []byte {
	enc, err := mockStaking.abi.Pack("hungry")
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackHungry is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7c92e12e.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function hungry() view returns(bool)
func (mockStaking *MockStaking) TryPackHungry() ([]byte, error) {
	return mockStaking.abi.Pack("hungry")
}

// UnpackHungry is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x7c92e12e.
//
// Solidity: function hungry() view returns(bool)
func (mockStaking *MockStaking) UnpackHungry(data []byte) (bool, error) {
	out, err := mockStaking.abi.Unpack("hungry", data)
	if err != nil {
		return *new(bool), err
	}
	out0 := *abi.ConvertType(out[0], new(bool)).(*bool)
	return out0, nil
}

// PackRelease is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4cc9d217.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function release(address operator, uint128 amount) returns()
func (mockStaking *MockStaking) PackRelease(operator common.Address, amount *big.Int) []byte {
	enc, err := mockStaking.abi.Pack("release", operator, amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackRelease is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x4cc9d217.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function release(address operator, uint128 amount) returns()
func (mockStaking *MockStaking) TryPackRelease(operator common.Address, amount *big.Int) ([]byte, error) {
	return mockStaking.abi.Pack("release", operator, amount)
}

// PackReleasedOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xed0ad321.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function releasedOf(address ) view returns(uint128)
func (mockStaking *MockStaking) PackReleasedOf(arg0 common.Address) []byte {
	enc, err := mockStaking.abi.Pack("releasedOf", arg0)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackReleasedOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xed0ad321.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function releasedOf(address ) view returns(uint128)
func (mockStaking *MockStaking) TryPackReleasedOf(arg0 common.Address) ([]byte, error) {
	return mockStaking.abi.Pack("releasedOf", arg0)
}

// UnpackReleasedOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0xed0ad321.
//
// Solidity: function releasedOf(address ) view returns(uint128)
func (mockStaking *MockStaking) UnpackReleasedOf(data []byte) (*big.Int, error) {
	out, err := mockStaking.abi.Unpack("releasedOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackSetBehaviour is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb24cf7b6.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setBehaviour(bool broken_, bool hungry_) returns()
func (mockStaking *MockStaking) PackSetBehaviour(broken bool, hungry bool) []byte {
	enc, err := mockStaking.abi.Pack("setBehaviour", broken, hungry)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetBehaviour is the Go binding used to pack the parameters required for calling
// the contract method with ID 0xb24cf7b6.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setBehaviour(bool broken_, bool hungry_) returns()
func (mockStaking *MockStaking) TryPackSetBehaviour(broken bool, hungry bool) ([]byte, error) {
	return mockStaking.abi.Pack("setBehaviour", broken, hungry)
}

// PackSetBridge is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8dd14802.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function setBridge(address bridge_) returns()
func (mockStaking *MockStaking) PackSetBridge(bridge common.Address) []byte {
	enc, err := mockStaking.abi.Pack("setBridge", bridge)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSetBridge is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8dd14802.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function setBridge(address bridge_) returns()
func (mockStaking *MockStaking) TryPackSetBridge(bridge common.Address) ([]byte, error) {
	return mockStaking.abi.Pack("setBridge", bridge)
}

// PackSlash is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8a714811.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function slash(address operator, uint32 fraction) returns()
func (mockStaking *MockStaking) PackSlash(operator common.Address, fraction uint32) []byte {
	enc, err := mockStaking.abi.Pack("slash", operator, fraction)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackSlash is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x8a714811.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function slash(address operator, uint32 fraction) returns()
func (mockStaking *MockStaking) TryPackSlash(operator common.Address, fraction uint32) ([]byte, error) {
	return mockStaking.abi.Pack("slash", operator, fraction)
}

// PackStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0a5d76a5.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stake(address operator, uint128 amount, bytes data) returns()
func (mockStaking *MockStaking) PackStake(operator common.Address, amount *big.Int, data []byte) []byte {
	enc, err := mockStaking.abi.Pack("stake", operator, amount, data)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x0a5d76a5.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stake(address operator, uint128 amount, bytes data) returns()
func (mockStaking *MockStaking) TryPackStake(operator common.Address, amount *big.Int, data []byte) ([]byte, error) {
	return mockStaking.abi.Pack("stake", operator, amount, data)
}

// PackStakeOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42623360.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function stakeOf(address ) view returns(uint128)
func (mockStaking *MockStaking) PackStakeOf(arg0 common.Address) []byte {
	enc, err := mockStaking.abi.Pack("stakeOf", arg0)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackStakeOf is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x42623360.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function stakeOf(address ) view returns(uint128)
func (mockStaking *MockStaking) TryPackStakeOf(arg0 common.Address) ([]byte, error) {
	return mockStaking.abi.Pack("stakeOf", arg0)
}

// UnpackStakeOf is the Go binding that unpacks the parameters returned
// from invoking the contract method with ID 0x42623360.
//
// Solidity: function stakeOf(address ) view returns(uint128)
func (mockStaking *MockStaking) UnpackStakeOf(data []byte) (*big.Int, error) {
	out, err := mockStaking.abi.Unpack("stakeOf", data)
	if err != nil {
		return new(big.Int), err
	}
	out0 := abi.ConvertType(out[0], new(big.Int)).(*big.Int)
	return out0, nil
}

// PackUnstake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7bd3ca35.  This method will panic if any
// invalid/nil inputs are passed.
//
// Solidity: function unstake(address operator, uint128 amount) returns()
func (mockStaking *MockStaking) PackUnstake(operator common.Address, amount *big.Int) []byte {
	enc, err := mockStaking.abi.Pack("unstake", operator, amount)
	if err != nil {
		panic(err)
	}
	return enc
}

// TryPackUnstake is the Go binding used to pack the parameters required for calling
// the contract method with ID 0x7bd3ca35.  This method will return an error
// if any inputs are invalid/nil.
//
// Solidity: function unstake(address operator, uint128 amount) returns()
func (mockStaking *MockStaking) TryPackUnstake(operator common.Address, amount *big.Int) ([]byte, error) {
	return mockStaking.abi.Pack("unstake", operator, amount)
}
