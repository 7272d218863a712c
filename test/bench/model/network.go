// Package model is a network for benchmarks: its validators' applications,
// mailboxes and signatures are real, and its chains are models, whose events are
// put into the mailboxes as an observer would. The observer is measured apart.
package model

import (
	"crypto/ecdsa"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// ChainID is the network's name.
const ChainID = "bridged-bench"

// Source is where deposits are made; they go to Second and Third in turn.
const (
	Source = types.ChainID(1)
	Second = types.ChainID(8453)
	Third  = types.ChainID(42161)
)

// IDs are all chains.
var IDs = []types.ChainID{Source, Second, Third}

var (
	asset = types.AssetID{1}
	token = types.Address{0xa1}
	payer = types.Address{0xaa}
)

// Options are a network's.
type Options struct {
	Validators int    // of equal power
	BatchGas   uint64 // of every chain; 0: types.DefaultBatchGas
	ReleaseGas uint32 // of every chain; 0: types.DefaultReleaseGas
}

// Network is genesis, keys and chains.
type Network struct {
	Genesis types.Genesis // its consensus keys are not set
	Keys    []signer.Key  // of the validators, in the order of Genesis
	Boxes   []*mailbox.Box
	Chains  map[types.ChainID]*Chain

	deposits uint64
	telling  sync.Mutex // all mailboxes hear of blocks in one order
}

// New makes a network with the parameters of a new one.
func New(o Options) (*Network, error) {
	n := &Network{Genesis: types.Genesis{Params: types.DefaultParams()}, Chains: map[types.ChainID]*Chain{}}
	for i := range o.Validators {
		key, address, err := newKey()
		if err != nil {
			return nil, err
		}
		n.Keys, n.Boxes = append(n.Keys, key), append(n.Boxes, mailbox.New())
		n.Genesis.Validators = append(n.Genesis.Validators, types.Validator{
			Signer: address, Operator: address, Power: 1, Moniker: fmt.Sprintf("validator-%d", i),
		})
	}
	set, err := types.SignerSet(n.Genesis.Validators)
	if err != nil {
		return nil, err
	}
	for _, id := range IDs {
		c := o.chain(id)
		n.Genesis.Chains = append(n.Genesis.Chains, c)
		n.Chains[id] = newChain(c)
		if err := n.Final(id, types.Initialized{SetHash: set.Hash()}); err != nil {
			return nil, err
		}
	}
	n.Genesis.Assets = []types.Asset{{ID: asset, Name: "Asset", Symbol: "ASSET", Decimals: 18, Tokens: []types.Token{
		{Chain: Source, Mode: types.ModeLock, Token: token, Decimals: 18},
		{Chain: Second, Mode: types.ModeMint, Decimals: 18},
		{Chain: Third, Mode: types.ModeMint, Decimals: 18},
	}}}
	return n, nil
}

func newKey() (signer.Key, types.Address, error) {
	raw, err := crypto.GenerateKey()
	if err != nil {
		return nil, types.Address{}, fmt.Errorf("making a key: %w", err)
	}
	key, err := signer.ParseHex(hexOf(raw))
	return key, crypto.PubkeyToAddress(raw.PublicKey), err
}

func hexOf(key *ecdsa.PrivateKey) string { return hex.EncodeToString(crypto.FromECDSA(key)) }

// chain is how a chain is connected: a batch may be made in every block.
func (o Options) chain(id types.ChainID) types.Chain {
	c := types.Chain{
		ID: id, Label: fmt.Sprintf("chain-%d", id), Bridge: types.Address{0xb0, byte(id)},
		BatchGas: types.DefaultBatchGas, ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: types.DefaultExpiry,
	}
	if o.BatchGas > 0 {
		c.BatchGas = o.BatchGas
	}
	if o.ReleaseGas > 0 {
		c.ReleaseGas = o.ReleaseGas
	}
	return c
}

// Final makes a final block with events on a chain, or without any, and puts what
// an observer proves of it into all mailboxes.
func (n *Network) Final(id types.ChainID, events ...types.Event) error {
	n.telling.Lock()
	defer n.telling.Unlock()
	news := n.Chains[id].block(n.Genesis.Params.MarkStride, events)
	for i, box := range n.Boxes {
		if err := box.Add(id, news); err != nil {
			return fmt.Errorf("telling validator %d of chain %d: %w", i, id, err)
		}
	}
	return nil
}

// Deposits are the next deposits of the source chain, each with a recipient and
// an amount of its own. Number tells their payouts apart.
func (n *Network) Deposits(count int) []types.Event {
	events := make([]types.Event, count)
	for i := range events {
		n.deposits++
		events[i] = deposit(n.deposits)
	}
	return events
}

// Made is how many deposits there were.
func (n *Network) Made() uint64 { return n.deposits }

const leastAmount = 1_000_000

func deposit(number uint64) types.Deposited {
	seed := crypto.Keccak256(fmt.Append(nil, number))
	destination := Second
	if number%2 == 1 {
		destination = Third
	}
	return types.Deposited{
		Token: token, Sender: payer, Destination: destination, Recipient: types.RecipientFromAddress(types.Address(seed[:20])),
		RefundTo: payer, Amount: types.NewAmount(leastAmount + number), MaxFee: types.NewAmount(leastAmount),
	}
}

// Number is which deposit a payout is for.
func Number(e types.BatchEntry) uint64 {
	amount := e.Amount.Bytes16()
	return binary.BigEndian.Uint64(amount[8:]) - leastAmount
}

// seed is the accumulator of a chain before its first event.
func seed(c types.Chain) types.Hash {
	return evmsig.InboxSeed(evmsig.NetworkID(ChainID), c.ID, c.Bridge)
}
