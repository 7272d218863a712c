package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// dialFinal connects to a chain to read what is final there: by the finality
// that the home has configured for it, or by the chain's own.
func (s *session) dialFinal(ctx context.Context, rpc, label string, contract types.Address) (*evm.Client, error) {
	id, err := evmChainID(ctx, rpc)
	if err != nil {
		return nil, err
	}
	configured := s.configuredChains()[label]
	return evm.Dial(ctx, evm.Config{
		Name: label, ChainID: id, Bridge: contract, Endpoints: []evm.Endpoint{{URL: rpc}}, MinAgree: 1,
		Finality:     evm.Finality{Tag: configured.Finality.Tag, Confirmations: configured.Finality.Confirmations},
		Verification: evm.Verification(configured.Verification), ForeignHeaders: configured.ForeignHeaders, MaxRange: configured.MaxRange,
	})
}

func proposeAddChainCommand(s *session, f *txFlags) *cobra.Command {
	var (
		terms    types.Chain
		id       uint64
		contract string
		rpc      string
		block    uint64
		gap      time.Duration
	)
	c := &cobra.Command{
		Use: "add-chain LABEL", Short: "Connect another chain",
		Long: `Proposes to connect a chain whose contract was deployed with the validators of
today ("bridged contracts deploy"). The contract is compared first with what the
network's own has to be: code, network, validators, the start of its inbox. Code
hash, block and set hash go into the proposal, for every voter to compare. A
validator watches the chain once it is in its app.toml.`,
		Example: "  bridged tx gov propose add-chain gamma --id 1003 --bridge 0x… --rpc https://rpc.example.org",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			if err := need(c, "id", "bridge", "rpc"); err != nil {
				return err
			}
			address, err := parseAddress(contract)
			if err != nil {
				return usagef(c, "--bridge: %v", err)
			}
			terms.Label, terms.ID, terms.Bridge = given[0], types.ChainID(id), address
			terms.BatchGapMS = uint64(max(gap, 0) / time.Millisecond)
			if err := terms.Validate(); err != nil {
				return usagef(c, "%v", err)
			}
			return s.propose(c, f, func(ctx context.Context, ask asker) (types.Content, error) {
				add, err := s.addChain(ctx, ask, terms, rpc, block)
				return types.Content{AddChain: add}, err
			})
		},
	}
	c.Flags().Uint64Var(&id, "id", 0, "EVM chain id")
	c.Flags().StringVar(&contract, "bridge", "", "address of the Bridge contract")
	c.Flags().StringVar(&rpc, "rpc", "", "JSON-RPC URL of the chain, http or https")
	c.Flags().Uint64Var(&block, "block", 0, "block that deployed the contract, or one before, to look for it from there")
	c.Flags().DurationVar(&gap, "batch-gap", 12*time.Second, "least time between batches, about one block of the chain")
	c.Flags().Uint64Var(&terms.BatchGas, "batch-gas", types.DefaultBatchGas, "gas that one batch may plan with")
	c.Flags().Uint32Var(&terms.ReleaseGas, "release-gas", types.DefaultReleaseGas, "gas cap of one payout")
	c.Flags().Uint64Var(&terms.ExpiryBlocks, "expiry-blocks", types.DefaultExpiry, "blocks of this chain after which a transfer from it that still waits is refunded: about a day")
	return c
}

// addChain reads from the chain itself what the proposal says of its contract,
// and refuses one that is not this network's.
func (s *session) addChain(ctx context.Context, ask asker, terms types.Chain, rpc string, from uint64) (*types.AddChain, error) {
	want, err := creationToday(ask)
	if err != nil {
		return nil, err
	}
	client, err := s.dialFinal(ctx, rpc, terms.Label, terms.Bridge)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	checks, err := verifyContract(ctx, client, want, terms)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(checks, func(c contractCheck) bool { return !c.OK }) {
		printChecks(s.stderr, checks)
		return nil, fmt.Errorf("%w: deploy it anew with \"bridged contracts deploy\", with the validators of today", errMismatch)
	}
	code, err := codeAt(ctx, client, terms.Bridge)
	if err != nil {
		return nil, err
	}
	block, err := deployedAt(ctx, client, want, from)
	if err != nil {
		return nil, err
	}
	return &types.AddChain{Chain: terms, CodeHash: crypto.Keccak256Hash(code), Block: block, SetHash: want.set.Hash()}, nil
}

// creationToday asks the node for the deployment of a contract for the validators
// of today.
func (s *session) creationToday(ctx context.Context) (creation, error) {
	client, err := s.dial()
	if err != nil {
		return creation{}, err
	}
	ask, err := client.asker(ctx, queryFlags{})
	if err != nil {
		return creation{}, err
	}
	return creationToday(ask)
}

// creationToday is the deployment of a contract for the validators of today.
func creationToday(ask asker) (creation, error) {
	var (
		network bridge.NetworkState
		members []bridge.ValidatorView
	)
	if _, err := ask("network", bridge.QueryArgs{}, &network); err != nil {
		return creation{}, err
	}
	if _, err := ask("validators", bridge.QueryArgs{}, &members); err != nil {
		return creation{}, err
	}
	var validators []types.Validator
	for _, m := range members {
		if m.InSet {
			validators = append(validators, m.Validator)
		}
	}
	set, err := types.SignerSet(validators)
	if err != nil {
		return creation{}, err
	}
	return creationOf(network.ChainID, set, types.Address{}), nil
}

// deployedAt finds the block of a contract's first event, which has to be final
// and to name the validators of today.
func deployedAt(ctx context.Context, client *evm.Client, want creation, from uint64) (uint64, error) {
	source := evm.NewSource(client, nil)
	final, err := source.Finalized(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the contract's inbox: %w", err)
	}
	if final.Inbox.Nonce == 0 {
		return 0, fmt.Errorf("%w: the contract's deployment is not final yet", errNotReady)
	}
	seed := types.Mark{Hash: evmsig.InboxSeed(want.network, client.ChainID(), client.Bridge()), Block: from}
	batch, err := source.Read(ctx, seed, final.Inbox, chain.ReadOptions{MarkStride: 1, MaxEvents: 1})
	if err != nil {
		return 0, fmt.Errorf("look for the contract's first event from block %d on: %w", from, err)
	}
	first, ok := batch.Events[0].Event.(types.Initialized)
	if !ok || first.SetHash != want.set.Hash() || len(batch.Marks) == 0 {
		return 0, fmt.Errorf("%w: its first event names another validator set", errMismatch)
	}
	return batch.Marks[0].Block, nil
}
