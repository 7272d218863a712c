package evmtest

import (
	"crypto/ecdsa"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// NetworkName is the chain-id string of the network that test bridges obey.
const NetworkName = "bridged-test-1"

// NetworkID is its hash.
var NetworkID = evmsig.NetworkID(NetworkName)

// Validators is a set with its keys, by position.
type Validators struct {
	Set  types.ValidatorSet
	Keys []*ecdsa.PrivateKey
}

// NewValidators makes a set of n with the given powers, in the order of the
// set; missing powers are 100. Its keys depend on seed only.
func NewValidators(n int, seed int64, powers ...uint32) (Validators, error) {
	keys := map[types.Address]*ecdsa.PrivateKey{}
	members := make([]types.Member, n)
	for i := range members {
		secret := crypto.Keccak256(big.NewInt(seed).Bytes(), big.NewInt(int64(i)+1).Bytes())
		key, err := crypto.ToECDSA(secret)
		if err != nil {
			return Validators{}, fmt.Errorf("key %d: %w", i, err)
		}
		members[i] = types.Member{Signer: crypto.PubkeyToAddress(key.PublicKey), Power: 100}
		keys[members[i].Signer] = key
	}
	set, err := types.NewValidatorSet(members)
	if err != nil {
		return Validators{}, err
	}
	for i := range min(n, len(powers)) {
		set[i].Power = powers[i]
	}
	v := Validators{Set: set}
	for _, m := range set {
		v.Keys = append(v.Keys, keys[m.Signer])
	}
	return v, set.Validate()
}

// Sign returns everyone's signature over a digest, by position.
func (v Validators) Sign(digest types.Hash) (map[int][64]byte, error) {
	sigs := map[int][64]byte{}
	for i, key := range v.Keys {
		sig, err := evmsig.Sign(key, digest)
		if err != nil {
			return nil, err
		}
		sigs[i] = sig
	}
	return sigs, nil
}

// Bridge is a deployed bridge with the validators that it obeys.
type Bridge struct {
	Contract
	Chain      *Chain
	Owner      common.Address // deployed it, and means nothing to it
	Validators Validators
	Epoch      uint64
	Height     uint64 // of the last seal made
}

// NewBridge deploys a bridge.
func NewBridge(chain *Chain, v Validators, staking common.Address) (*Bridge, error) {
	return newBridge(chain, chain.Account(), v, staking)
}

func newBridge(chain *Chain, owner common.Address, v Validators, staking common.Address) (*Bridge, error) {
	contract, err := chain.NewContract(owner, "Bridge", NetworkID, v.Set.Pack(), staking)
	if err != nil {
		return nil, err
	}
	return &Bridge{Contract: contract, Chain: chain, Owner: owner, Validators: v, Epoch: 1}, nil
}

// NewStakedBridge deploys a staking contract and the bridge that both know of each
// other: the deployer's next contract is foreseen. Unbonding is in seconds.
func NewStakedBridge(chain *Chain, v Validators, token common.Address, unbonding uint64, minimum *big.Int) (*Bridge, Contract, error) {
	owner := chain.Account()
	staking, err := chain.NewContract(owner, "Staking", token, createAddress(owner, 1), unbonding, minimum)
	if err != nil {
		return nil, Contract{}, err
	}
	bridge, err := newBridge(chain, owner, v, staking.Address)
	return bridge, staking, err
}

// Fork returns a copy on a copy of its chain.
func (b *Bridge) Fork() *Bridge {
	fork := *b
	fork.Chain = b.Chain.Fork()
	fork.chain = fork.Chain
	return &fork
}

// Order is a command under a seal, ready to be executed. Tests bend its parts.
type Order struct {
	Command []byte
	From    uint32
	Path    []types.Hash
	Seal    bindings.IBridgeSeal
	Quorum  []byte
}

// Seal seals a command under the contract's next outbox nonce at the next
// height, besides leaves of other commands.
func (b *Bridge) Seal(command []byte, others ...types.Hash) (Order, error) {
	done, err := b.Uint("outboxNonce")
	if err != nil {
		return Order{}, err
	}
	return b.SealAs(done+1, command, others...)
}

// SealAs is Seal under a chosen nonce.
func (b *Bridge) SealAs(nonce uint64, command []byte, others ...types.Hash) (Order, error) {
	b.Height++
	leaf := evmsig.CommandLeaf(types.ChainID(b.Chain.ID), b.Address, nonce, command)
	leaves := append([]types.Hash{leaf}, others...)
	order := Order{
		Command: command,
		Path:    evmsig.MerklePath(leaves, 0),
		Seal:    bindings.IBridgeSeal{Epoch: b.Epoch, Height: b.Height, Root: evmsig.MerkleRoot(leaves)},
	}
	return order, b.Resign(&order)
}

// Digest is what a seal's signers sign.
func Digest(s bindings.IBridgeSeal) types.Hash {
	return evmsig.SealDigest(NetworkID, s.Epoch, s.Height, s.Root)
}

// Resign gives an order the quorum that its seal needs.
func (b *Bridge) Resign(order *Order) error {
	sigs, err := b.Validators.Sign(Digest(order.Seal))
	if err != nil {
		return err
	}
	order.Quorum, err = evmsig.PackQuorum(b.Validators.Set, sigs)
	return err
}

// Pack is the calldata of execute.
func (b *Bridge) Pack(o Order) ([]byte, error) {
	path := make([][32]byte, len(o.Path))
	for i, h := range o.Path {
		path[i] = h
	}
	return b.ABI.Pack("execute", o.Command, o.From, path, o.Seal, o.Quorum)
}

// Execute sends an order; a gas of 0 is Plenty.
func (b *Bridge) Execute(relayer common.Address, o Order, gas uint64) (Result, error) {
	data, err := b.Pack(o)
	if err != nil {
		return Result{}, fmt.Errorf("pack execute: %w", err)
	}
	return b.Chain.Send(Tx{From: relayer, To: &b.Address, Data: data, Gas: gas})
}

// Do seals and executes a command whole.
func (b *Bridge) Do(relayer common.Address, c types.Command) (Result, error) {
	order, err := b.Seal(types.EncodeCommand(c))
	if err != nil {
		return Result{}, err
	}
	return b.Execute(relayer, order, 0)
}

// Receipts are the Executed events of a transaction.
func (b *Bridge) Receipts(r Result) ([]bindings.BridgeExecuted, error) {
	var receipts []bindings.BridgeExecuted
	for _, log := range b.Own(r.Logs) {
		if log.Topics[0] != b.ABI.Events["Executed"].ID {
			continue
		}
		e, err := bindings.NewBridge().UnpackExecutedEvent(log)
		if err != nil {
			return nil, fmt.Errorf("receipt: %w", err)
		}
		receipts = append(receipts, *e)
	}
	return receipts, nil
}
