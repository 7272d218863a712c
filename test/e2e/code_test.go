package e2e

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/core/vm/program"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/contracts/bindings"
)

// Where a deposit's amount and its recipient lie in the data of the call.
const (
	amountAt    = 4 + 32
	recipientAt = 4 + 3*32
)

// deployPuppet creates a contract that makes calls as it is told, and takes no
// coin: what it is sent is
//
//	target (a word) ‖ count (a word) ‖ data
//
// and it calls the target with the data count times, adding one to the words of
// amount and recipient after each. So one transaction makes many deposits, no
// two alike.
func (c *chain) deployPuppet(from evmnode.Account) common.Address {
	c.t.Helper()
	return c.do(from, call{data: program.New().ReturnViaCodeCopy(puppetCode()).Bytes()}).ContractAddress
}

func puppetCode() []byte {
	const fail = 4 // where the second JUMPDEST stands
	p := program.New()
	// To the start, past what fails.
	start := uint64(fail + 4)
	p.Push(start).Op(vm.JUMP) // 3 bytes
	p.Op(vm.STOP)
	p.Op(vm.JUMPDEST).Push0().Push0().Op(vm.REVERT)
	p.Op(vm.JUMPDEST)
	p.Push(fail).Op(vm.CALLVALUE, vm.SWAP1, vm.JUMPI)
	// The data to the start of memory; the count on the stack.
	p.Push(64).Op(vm.CALLDATASIZE, vm.SUB).Push(64).Push0().Op(vm.CALLDATACOPY)
	p.Push(32).Op(vm.CALLDATALOAD)
	_, loop := p.Jumpdest()
	// call(gas, target, 0, 0, size - 64, 0, 0)
	p.Push0().Push0().Push(64).Op(vm.CALLDATASIZE, vm.SUB).Push0().Push0().Push0().Op(vm.CALLDATALOAD, vm.GAS, vm.CALL)
	p.Op(vm.ISZERO).Push(fail).Op(vm.JUMPI)
	for _, at := range []int{amountAt, recipientAt} {
		p.Push(at).Op(vm.MLOAD).Push(1).Op(vm.ADD).Push(at).Op(vm.MSTORE)
	}
	p.Push(1).Op(vm.SWAP1, vm.SUB, vm.DUP1).Push(loop).Op(vm.JUMPI, vm.STOP)
	return p.Bytes()
}

// told is a call of a puppet that makes it call.
func told(puppet, target common.Address, count int64, data []byte) call {
	words := append(common.LeftPadBytes(target[:], 32), common.LeftPadBytes(big.NewInt(count).Bytes(), 32)...)
	return call{to: &puppet, data: append(words, data...)}
}

// approval lets a bridge take all of the sender's tokens.
func approval(bridge common.Address) []byte {
	most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	return bindings.NewTestToken().PackApprove(bridge, most)
}
