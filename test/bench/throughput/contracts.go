package throughput

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// The asset.
const (
	assetName   = "Asset"
	assetSymbol = "ASSET"
	decimals    = 18
)

// Chain is a chain as all processes know it.
type Chain struct {
	ID     types.ChainID
	Bridge types.Address
	Token  types.Address // of the asset
}

// contracts are real ones on EVMs in memory, at the addresses of the models. They
// execute what the validators have sealed.
type contracts struct {
	chains     []Chain
	bridges    map[types.ChainID]*evmtest.Bridge
	validators evmtest.Validators
}

// deploy deploys a bridge to each chain, which obeys the validators.
func deploy(validators []types.Validator, keys []*ecdsa.PrivateKey) (*contracts, error) {
	set, err := types.SignerSet(validators)
	if err != nil {
		return nil, err
	}
	c := &contracts{bridges: map[types.ChainID]*evmtest.Bridge{}, validators: evmtest.Validators{Set: set}}
	for _, m := range set {
		i := slices.IndexFunc(validators, func(v types.Validator) bool { return v.Signer == m.Signer })
		c.validators.Keys = append(c.validators.Keys, keys[i])
	}
	for _, id := range []types.ChainID{source, second, third} {
		evm, err := evmtest.NewChain(uint64(id), evmtest.Osaka)
		if err != nil {
			return nil, err
		}
		b, err := evmtest.NewBridge(evm, c.validators, common.Address{})
		if err != nil {
			return nil, err
		}
		chain := Chain{ID: id, Bridge: b.Address, Token: token}
		if id != source {
			if chain.Token, err = wrapped(b.Fork()); err != nil {
				return nil, err
			}
		}
		c.bridges[id], c.chains = b, append(c.chains, chain)
	}
	return c, nil
}

// wrapped is where a bridge deploys the asset's token, by trying.
func wrapped(b *evmtest.Bridge) (types.Address, error) {
	if _, err := b.Do(b.Owner, types.Activate{}); err != nil {
		return types.Address{}, err
	}
	result, err := b.Do(b.Owner, types.RegisterToken{Asset: asset, Mode: types.ModeMint, Decimals: decimals, Name: assetName, Symbol: assetSymbol})
	if err != nil {
		return types.Address{}, err
	}
	for _, log := range b.Own(result.Logs) {
		if _, event, err := evmtest.DecodeEvent(log); err == nil {
			if registered, ok := event.(types.TokenRegistered); ok {
				return registered.Token, nil
			}
		}
	}
	return types.Address{}, errors.New("the contract has registered no token")
}

// setUp is the source's mark before the first deposit: it has activated its
// contract, taken its parameters and registered the token.
func (c *contracts) setUp() types.Mark {
	m := newModel(c.chains[0], evmtest.NetworkID, c.validators.Set.Hash())
	for i, command := range []types.Command{types.Activate{}, types.SetParams{}, types.RegisterToken{
		Asset: asset, Token: token, Mode: types.ModeLock, Decimals: decimals,
	}} {
		if _, err := m.execute(bridge.OutboxCommand{
			Nonce: uint64(i) + 1, Kind: command.Kind(), Bytes: types.EncodeCommand(command), Items: 1,
		}); err != nil {
			panic(err) // they are those of this function
		}
	}
	return m.mark
}

// execute executes samples with the quorums that the validators gave, and looks
// at who got what. Before each batch the contract is told that it has executed
// the one before.
func (c *contracts) execute(s Sampled) (gas uint64, releases int, err error) {
	for _, chain := range c.chains[1:] {
		b := c.bridges[chain.ID]
		for _, command := range s.Commands[chain.ID] {
			if command.Kind == types.CommandBatch {
				b.SkipTo(command.Nonce)
			}
			used, err := c.run(b, command)
			if err != nil {
				return 0, 0, fmt.Errorf("command %d of chain %d: %w", command.Nonce, chain.ID, err)
			}
			if command.Kind != types.CommandBatch {
				continue
			}
			if err := c.paid(chain, command); err != nil {
				return 0, 0, fmt.Errorf("command %d of chain %d: %w", command.Nonce, chain.ID, err)
			}
			gas, releases = gas+used, releases+int(command.Items)
		}
	}
	return gas, releases, nil
}

// run executes a command in as many transactions as it takes.
func (c *contracts) run(b *evmtest.Bridge, command bridge.OutboxCommand) (gas uint64, err error) {
	quorum, err := evmsig.PackQuorum(command.Set, command.Signatures)
	if err != nil {
		return 0, err
	}
	order := evmtest.Order{Command: command.Bytes, Path: command.Proof, Quorum: quorum}
	order.Seal.Epoch, order.Seal.Height, order.Seal.Root = command.Seal.Epoch, command.Seal.Height, command.Seal.Root
	for order.From < command.Items {
		result, err := b.Execute(b.Owner, order, 0)
		if err != nil {
			return 0, fmt.Errorf("from item %d: %w", order.From, err)
		}
		receipts, err := b.Receipts(result)
		if err != nil {
			return 0, err
		}
		if len(receipts) != 1 || receipts[0].First != order.From || receipts[0].Count == 0 || len(receipts[0].Failures) > 0 {
			return 0, fmt.Errorf("from item %d: receipts %+v", order.From, receipts)
		}
		order.From += receipts[0].Count
		gas += result.Gas
	}
	if state := b.State(); state.OutboxNonce != command.Nonce || state.NextIndex != 0 {
		return 0, fmt.Errorf("the contract stands at %d/%d", state.OutboxNonce, state.NextIndex)
	}
	return gas, nil
}

// paid checks that each entry of a batch is a deposit to this chain, and that its
// recipient has just what was deposited for it.
func (c *contracts) paid(chain Chain, command bridge.OutboxCommand) error {
	decoded, err := types.DecodeCommand(command.Bytes)
	if err != nil {
		return err
	}
	batch, ok := decoded.(types.Batch)
	if !ok || len(batch.Entries) != int(command.Items) {
		return fmt.Errorf("it is a %T of %d items", decoded, command.Items)
	}
	for i, e := range batch.Entries {
		nonce, ok := nonceOf(e.Recipient)
		if !ok || destination(nonce) != chain.ID || e.Token != chain.Token {
			return fmt.Errorf("entry %d is of no deposit: %+v", i, e)
		}
		want := deposit(nonce).Amount
		if has := c.bridges[chain.ID].Chain.Holding(chain.Token, e.Recipient); has != want {
			return fmt.Errorf("deposit %d: its recipient has %s, want %s", nonce, has, want)
		}
	}
	return nil
}
