package evmtest

import (
	"encoding/binary"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// What contracts hold, read from their storage: random tests compare all of it
// after each call, and a view function would cost them a copy of the state.

// State is where a bridge stands, and what is in force.
type State struct {
	InboxNonce  uint64
	InboxHash   types.Hash
	OutboxNonce uint64
	NextIndex   uint32
	SealHeight  uint64
	Deposits    bool
	Activated   bool
	Epoch       uint64
	SetHash     types.Hash
	TotalPower  uint32
	ReleaseGas  uint32
}

// State reads slots 0 to 3.
func (b *Bridge) State() State {
	first, third := b.Chain.Storage(b.Address, 0), b.Chain.Storage(b.Address, 3)
	return State{
		InboxNonce: u64(first, 0), OutboxNonce: u64(first, 8), NextIndex: u32(first, 16), SealHeight: u64(first, 20),
		Deposits: u8(first, 28) != 0, InboxHash: b.Chain.Storage(b.Address, 1), SetHash: b.Chain.Storage(b.Address, 2),
		Epoch: u64(third, 0), TotalPower: u32(third, 8), ReleaseGas: u32(third, 12), Activated: u8(third, 16) != 0,
	}
}

// SkipTo makes the bridge believe that it has executed every command before one,
// for who executes a sample of what a network has ordered.
func (b *Bridge) SkipTo(outboxNonce uint64) {
	first := b.Chain.Storage(b.Address, 0)
	binary.BigEndian.PutUint64(first[16:], outboxNonce-1)
	b.Chain.state.SetState(b.Address, slot(0), first)
	b.Chain.state.Finalise(b.Chain.rules())
}

// TokenState is what a bridge knows of a token.
type TokenState struct {
	Mode     types.TokenMode
	Decimals uint8
	Limited  bool
	types.TokenLimit
	Updated uint64
	Level   types.Amount
	Fees    types.Amount
}

// TokenState reads the three slots of a token.
func (b *Bridge) TokenState(token common.Address) TokenState {
	at := mapped(slot(4), token[:])
	first, second, third := b.at(at), b.at(next(at)), b.at(next(next(at)))
	return TokenState{
		Mode: types.TokenMode(u8(first, 0)), Decimals: u8(first, 1), Limited: u8(first, 2) != 0, Updated: u64(first, 19),
		TokenLimit: types.TokenLimit{Minimum: u128(first, 3), Capacity: u128(second, 0), Rate: u128(second, 16)},
		Level:      u128(third, 0), Fees: u128(third, 16),
	}
}

// Claimable is an account's relay fees.
func (b *Bridge) Claimable(account, token common.Address) types.Amount {
	return u128(b.at(mapped(mapped(slot(6), account[:]), token[:])), 0)
}

// Owed is the hash of a refund that is owed, or zero.
func (b *Bridge) Owed(nonce uint64, index uint32) common.Hash {
	var key [12]byte
	binary.BigEndian.PutUint64(key[:], nonce)
	binary.BigEndian.PutUint32(key[8:], index)
	return b.at(mapped(slot(7), key[:]))
}

// Stake is what a staking contract holds for an operator.
type Stake struct {
	Staked       types.Amount
	Withdrawable types.Amount
	Requests     []UnstakeRequest
}

// UnstakeRequest is stake that was asked back and not released.
type UnstakeRequest struct {
	Left  types.Amount
	Asked types.Amount
	Ripe  uint64
}

// StakeOf reads an operator's stake from a staking contract.
func (c *Chain) StakeOf(staking, operator common.Address) Stake {
	read := func(at common.Hash) common.Hash { return c.state.GetState(staking, at) }
	at := mapped(slot(0), operator[:])
	amounts, queue := read(at), read(next(at))
	stake := Stake{Staked: u128(amounts, 0), Withdrawable: u128(amounts, 16)}
	for i := range u64(queue, 8) {
		number := binary.BigEndian.AppendUint64(nil, u64(queue, 0)+i)
		at := mapped(mapped(slot(1), operator[:]), number)
		left := read(at)
		stake.Requests = append(stake.Requests, UnstakeRequest{u128(left, 0), u128(read(next(at)), 0), u64(left, 16)})
	}
	return stake
}

func (b *Bridge) at(slot common.Hash) common.Hash { return b.Chain.state.GetState(b.Address, slot) }

// Holding is what an account has of a token: the chain's coin, or a token that
// stands on OpenZeppelin's ERC20.
func (c *Chain) Holding(token, holder common.Address) types.Amount {
	if token == types.NativeToken {
		amount, _ := types.AmountFromUint256(c.Balance(holder)) // nobody has 2^128
		return amount
	}
	return u128(c.state.GetState(token, mapped(slot(0), holder[:])), 0)
}

// TokenSupply is the total supply of a token that stands on OpenZeppelin's ERC20.
func (c *Chain) TokenSupply(token common.Address) types.Amount { return u128(c.Storage(token, 2), 0) }

// HasCode says whether an address is a contract.
func (c *Chain) HasCode(address common.Address) bool { return c.state.GetCodeSize(address) > 0 }

func slot(n byte) common.Hash { return common.Hash{31: n} }

func next(slot common.Hash) common.Hash {
	return common.BigToHash(new(big.Int).Add(slot.Big(), common.Big1))
}

// mapped is where Solidity keeps a mapping's value.
func mapped(slot common.Hash, key []byte) common.Hash {
	return crypto.Keccak256Hash(common.LeftPadBytes(key, 32), slot[:])
}

// Fields of a word, by their offset from the least significant byte.

func field(word common.Hash, offset, size int) []byte { return word[32-offset-size : 32-offset] }

func u8(word common.Hash, offset int) uint8 { return field(word, offset, 1)[0] }

func u32(word common.Hash, offset int) uint32 { return binary.BigEndian.Uint32(field(word, offset, 4)) }

func u64(word common.Hash, offset int) uint64 { return binary.BigEndian.Uint64(field(word, offset, 8)) }

func u128(word common.Hash, offset int) types.Amount {
	amount, _ := types.AmountFromBytes(field(word, offset, 16)) // 16 bytes are in range
	return amount
}
