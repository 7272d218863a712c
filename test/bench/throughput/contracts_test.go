package throughput

import (
	"strings"
	"testing"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// sealed is a command under a seal of its own, with everyone's signature.
func sealed(t *testing.T, c *contracts, chain Chain, nonce uint64, command types.Command) bridge.OutboxCommand {
	t.Helper()
	o := bridge.OutboxCommand{
		Nonce: nonce, Kind: command.Kind(), Bytes: types.EncodeCommand(command), Items: command.Items(), Set: c.validators.Set,
		Seal: bridge.SealState{Epoch: 1, Height: nonce, Complete: nonce},
	}
	o.Seal.Root = evmsig.CommandLeaf(chain.ID, chain.Bridge, nonce, o.Bytes)
	var err error
	o.Signatures, err = c.validators.Sign(evmsig.SealDigest(evmtest.NetworkID, o.Seal.Epoch, o.Seal.Height, o.Seal.Root))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The contract executes what the validators want and no sample that they do not;
// payouts that no deposit asked for are noticed.
func TestContracts(t *testing.T) {
	t.Parallel()
	validators, err := evmtest.NewValidators(4, 1)
	if err != nil {
		t.Fatal(err)
	}
	var members []types.Validator
	for i, m := range validators.Set {
		members = append(members, types.Validator{ConsensusKey: types.ConsensusKey{byte(i)}, Signer: m.Signer, Operator: m.Signer, Power: 1})
	}
	for _, bend := range []struct {
		name string
		what func(*types.BatchEntry, *bridge.OutboxCommand)
		err  string
	}{
		{"nothing", nil, ""},
		{"another recipient", func(e *types.BatchEntry, _ *bridge.OutboxCommand) { e.Recipient[0]++ }, "of no deposit"},
		{"a deposit for another chain", func(e *types.BatchEntry, _ *bridge.OutboxCommand) { e.Recipient = recipient(1001) }, "of no deposit"},
		{"another amount", func(e *types.BatchEntry, _ *bridge.OutboxCommand) { e.Amount = types.NewAmount(1) }, "its recipient has 1,"},
		{"no quorum", func(_ *types.BatchEntry, o *bridge.OutboxCommand) { delete(o.Signatures, 0); delete(o.Signatures, 1) }, "power"},
		{"another root", func(_ *types.BatchEntry, o *bridge.OutboxCommand) { o.Seal.Root[0]++ }, "transaction failed"},
	} {
		c, err := deploy(members, validators.Keys)
		if err != nil {
			t.Fatal(err)
		}
		chain := c.chains[1]
		entry := types.BatchEntry{Kind: types.EntryRelease, Token: chain.Token, Recipient: recipient(1000), Amount: deposit(1000).Amount}
		if bend.what != nil {
			bend.what(&entry, &bridge.OutboxCommand{Signatures: map[int][types.SignatureBytes]byte{}})
		}
		batch := sealed(t, c, chain, 77, types.Batch{Entries: []types.BatchEntry{entry}})
		if bend.what != nil {
			bend.what(&types.BatchEntry{}, &batch)
		}
		gas, releases, err := c.execute(Sampled{Commands: map[types.ChainID][]bridge.OutboxCommand{chain.ID: {
			sealed(t, c, chain, 1, types.Activate{}),
			sealed(t, c, chain, 2, types.SetParams{ReleaseGas: types.MinReleaseGas, Deposits: true}),
			sealed(t, c, chain, 3, types.RegisterToken{Asset: asset, Mode: types.ModeMint, Decimals: decimals, Name: assetName, Symbol: assetSymbol}),
			batch,
		}}})
		switch {
		case bend.err != "":
			if err == nil || !strings.Contains(err.Error(), bend.err) {
				t.Errorf("%s: %v", bend.name, err)
			}
		case err != nil || gas == 0 || releases != 1:
			t.Errorf("%d gas, %d releases, %v", gas, releases, err)
		}
	}
}

func TestModelRefuses(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]bridge.OutboxCommand{
		"a gap":    {Nonce: 2, Kind: types.CommandActivate, Items: 1},
		"a refund": {Nonce: 1, Kind: types.CommandBatch, Items: 1},
		"rubbish":  {Nonce: 1, Kind: types.CommandRegisterToken, Items: 1},
	} {
		if _, err := newModel(Chain{ID: source}, types.Hash{}, types.Hash{1}).execute(o); err == nil {
			t.Errorf("%s is executed", name)
		}
	}
}
