package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func proposeReanchorCommand(s *session, f *txFlags) *cobra.Command {
	var (
		rpc    string
		common uint64
	)
	c := &cobra.Command{
		Use: "reanchor CHAIN", Short: "Say where a chain really is that has contradicted what was agreed",
		Long: `Reads from the chain itself, at its final block, where its inbox and its outbox
stand and what its contract holds, and proposes to go on from there. What the books
say beyond that becomes deficit, which is shown before anything is signed; what the
contract has beyond the books goes into quarantine.

--common is the last inbox event that both histories share: "common" in the
evidence that observers have written into data/evidence, where it is not 0. Waiting
transfers of later events are dropped: their deposits do not exist any more. The
chain's own later events are read too, for the releases among them that have failed:
those are refunded.`,
		Example: "  bridged tx gov propose reanchor alpha --rpc https://rpc.example.org --common 41",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			if err := need(c, "rpc", "common"); err != nil {
				return err
			}
			return s.propose(c, f, func(ctx context.Context, ask asker) (types.Content, error) {
				anchor, err := s.anchor(ctx, ask, given[0], rpc, common)
				return types.Content{ReanchorChain: anchor}, err
			})
		},
	}
	c.Flags().StringVar(&rpc, "rpc", "", "JSON-RPC URL of the chain, http or https")
	c.Flags().Uint64Var(&common, "common", 0, "last inbox event that both histories share")
	return c
}

// anchor reads where a chain is at its final block.
func (s *session) anchor(ctx context.Context, ask asker, name, rpc string, common uint64) (*types.Reanchor, error) {
	connected, err := findChain(ask, name)
	if err != nil {
		return nil, err
	}
	client, err := s.dialFinal(ctx, rpc, connected.Label, connected.Bridge)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if client.ChainID() != connected.ID {
		return nil, fmt.Errorf("--rpc serves chain %s, and %s is chain %s", client.ChainID(), connected.Label, connected.ID)
	}
	source := evm.NewSource(client, nil)
	final, err := source.Finalized(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the contract's inbox: %w", err)
	}
	at := &contractAt{client: client, bridge: connected.Bridge, block: new(big.Int).SetUint64(final.Block)}
	anchor := &types.Reanchor{ID: connected.ID, Block: final.Block, Nonce: final.Inbox.Nonce, Hash: final.Inbox.Hash, Common: common}
	if anchor.Skipped, err = skippedCommands(ctx, ask, source, connected, common, final.Inbox); err != nil {
		return nil, err
	}
	b := bindings.NewBridge()
	if anchor.OutboxNonce, err = readAt(ctx, client, at.block, at.bridge, b.PackOutboxNonce(), b.UnpackOutboxNonce); err != nil {
		return nil, fmt.Errorf("read the contract's outbox: %w", err)
	}
	if anchor.NextItem, err = readAt(ctx, client, at.block, at.bridge, b.PackNextIndex(), b.UnpackNextIndex); err != nil {
		return nil, fmt.Errorf("read the contract's outbox: %w", err)
	}
	var assets []bridge.AssetView
	if _, err := ask("assets", bridge.QueryArgs{}, &assets); err != nil {
		return nil, err
	}
	if anchor.Balances, err = at.balances(ctx, assets); err != nil {
		return nil, err
	}
	anchor.Registered, err = at.registered(ctx, assets)
	return anchor, err
}

// registered is the tokens that the contract has registered and the network does
// not know of: their events may be among those that are never applied.
func (c *contractAt) registered(ctx context.Context, assets []bridge.AssetView) ([]types.AssetToken, error) {
	var tokens []types.AssetToken
	b := bindings.NewBridge()
	for _, asset := range assets {
		here := slices.ContainsFunc(asset.Tokens, func(t types.Token) bool { return t.Chain == c.client.ChainID() })
		if !here || slices.Contains(asset.Registered, c.client.ChainID()) {
			continue
		}
		address, err := readAt(ctx, c.client, c.block, c.bridge, b.PackTokenOf(asset.ID), b.UnpackTokenOf)
		if err != nil {
			return nil, fmt.Errorf("token of %s: %w", asset.Symbol, err)
		}
		if address != (types.Address{}) {
			tokens = append(tokens, types.AssetToken{Asset: asset.ID, Token: address})
		}
	}
	slices.SortFunc(tokens, func(a, b types.AssetToken) int { return bytes.Compare(a.Asset[:], b.Asset[:]) })
	return tokens, nil
}

// receiptsAtOnce is how many inbox events are held at once.
const receiptsAtOnce = 4096

// skippedCommands reads what the chain's inbox has after the common event, for
// what failed of the commands whose receipts are among it: they are never
// applied. It also holds the common event against the network's own.
func skippedCommands(ctx context.Context, ask asker, source chain.Source, connected bridge.ChainState, common uint64, to types.Mark) ([]types.SkippedCommand, error) {
	from, err := commonMark(ctx, ask, source, connected, common, to)
	if err != nil {
		return nil, err
	}
	var skipped []types.SkippedCommand
	for from.Nonce < to.Nonce {
		batch, err := source.Read(ctx, from, to, chain.ReadOptions{MaxEvents: receiptsAtOnce})
		if err != nil {
			return nil, fmt.Errorf("read the chain's events after %d: %w", from.Nonce, err)
		}
		for _, e := range batch.Events {
			if receipt, ok := e.Event.(types.Executed); ok && receipt.OutboxNonce > connected.Executed {
				skipped = addFailures(skipped, receipt)
			}
		}
		from = batch.Last
	}
	return skipped, nil
}

// commonMark is the last inbox event that both histories share, as the chain has
// it now.
func commonMark(ctx context.Context, ask asker, source chain.Source, connected bridge.ChainState, common uint64, to types.Mark) (types.Mark, error) {
	switch {
	case common > connected.Cursor:
		return types.Mark{}, fmt.Errorf("--common %d: the network has applied %d events of %s", common, connected.Cursor, connected.Label)
	case common > to.Nonce:
		return types.Mark{}, fmt.Errorf("--common %d: the inbox of %s ends at event %d", common, connected.Label, to.Nonce)
	case common == 0:
		var network bridge.NetworkState
		if _, err := ask("network", bridge.QueryArgs{}, &network); err != nil {
			return types.Mark{}, err
		}
		return types.Mark{Hash: evmsig.InboxSeed(evmsig.NetworkID(network.ChainID), connected.ID, connected.Bridge)}, nil
	}
	mark, err := source.At(ctx, common, to)
	if err != nil {
		return types.Mark{}, fmt.Errorf("--common %d: look for that event: %w", common, err)
	}
	if common == connected.Cursor && mark.Hash != connected.CursorHash {
		return types.Mark{}, fmt.Errorf("--common %d: %s has another history up to there than the network; the evidence of the observers says which event is common", common, connected.Label)
	}
	if common < connected.Cursor && connected.Cursor <= to.Nonce && connected.Paused == bridge.PauseContradicted {
		cursor, err := source.At(ctx, connected.Cursor, to)
		if err != nil {
			return types.Mark{}, fmt.Errorf("look for event %d: %w", connected.Cursor, err)
		}
		if cursor.Hash == connected.CursorHash {
			return types.Mark{}, fmt.Errorf("--common %d: %s and the network share event %d too; say --common %d", common, connected.Label, connected.Cursor, connected.Cursor)
		}
	}
	return mark, nil
}

// addFailures notes the items of a slice that failed, in the bitmap over all items
// of their command. Receipts come in the order of the outbox.
func addFailures(skipped []types.SkippedCommand, receipt types.Executed) []types.SkippedCommand {
	for i := range receipt.Count {
		if !receipt.Failed(i) {
			continue
		}
		if last := len(skipped) - 1; last < 0 || skipped[last].Nonce != receipt.OutboxNonce {
			skipped = append(skipped, types.SkippedCommand{Nonce: receipt.OutboxNonce})
		}
		failures, item := &skipped[len(skipped)-1].Failures, receipt.First+i
		for uint32(len(*failures)) <= item/8 { //nolint:gosec // at most types.MaxBatchItems bits
			*failures = append(*failures, 0)
		}
		(*failures)[item/8] |= 1 << (item % 8)
	}
	return skipped
}

// contractAt is a bridge contract as it was after a block.
type contractAt struct {
	client *evm.Client
	bridge types.Address
	block  *big.Int
}

// balances is what the chain has of each asset that has a token there.
func (c *contractAt) balances(ctx context.Context, assets []bridge.AssetView) ([]types.AssetBalance, error) {
	var balances []types.AssetBalance
	for _, asset := range assets {
		for _, token := range asset.Tokens {
			if token.Chain != c.client.ChainID() {
				continue
			}
			amount, err := c.balance(ctx, asset, token)
			if err != nil {
				return nil, fmt.Errorf("balance of %s: %w", asset.Symbol, err)
			}
			balances = append(balances, types.AssetBalance{Asset: asset.ID, Amount: amount})
		}
	}
	slices.SortFunc(balances, func(a, b types.AssetBalance) int { return bytes.Compare(a.Asset[:], b.Asset[:]) })
	return balances, nil
}

// balance is the custody of a token, or its supply, as the books count them:
// fees that relayers have not withdrawn have left the one and are in the other.
func (c *contractAt) balance(ctx context.Context, asset bridge.AssetView, token types.Token) (types.Amount, error) {
	b := bindings.NewBridge()
	address, err := readAt(ctx, c.client, c.block, c.bridge, b.PackTokenOf(asset.ID), b.UnpackTokenOf)
	if err != nil || address == (types.Address{}) { // not registered there: it holds none
		return types.Amount{}, err
	}
	fees, err := readAt(ctx, c.client, c.block, c.bridge, b.PackTotalClaimable(address), b.UnpackTotalClaimable)
	if err != nil {
		return types.Amount{}, err
	}
	held, err := c.held(ctx, address, token.Mode)
	if err != nil {
		return types.Amount{}, err
	}
	if token.Mode == types.ModeLock {
		held.Sub(held, fees)
	} else {
		held.Add(held, fees)
	}
	if held.Sign() < 0 {
		return types.Amount{}, errors.New("the contract holds less than the fees of its relayers")
	}
	units, err := types.AmountFromBytes(held.Bytes())
	if err != nil {
		return types.Amount{}, err
	}
	scale, err := token.Scale(asset.Decimals)
	if err != nil {
		return types.Amount{}, err
	}
	return units.Mul(scale)
}

// held is what the contract holds of a token that it locks, or has minted of its
// own, in the token's units.
func (c *contractAt) held(ctx context.Context, token types.Address, mode types.TokenMode) (held *big.Int, err error) {
	erc20 := bindings.NewTestToken()
	switch {
	case mode == types.ModeMint:
		return readAt(ctx, c.client, c.block, token, erc20.PackTotalSupply(), erc20.UnpackTotalSupply)
	case token != types.NativeToken:
		return readAt(ctx, c.client, c.block, token, erc20.PackBalanceOf(c.bridge), erc20.UnpackBalanceOf)
	}
	err = c.client.Do(ctx, func(ctx context.Context, conn evm.Conn) error {
		held, err = conn.Eth.BalanceAt(ctx, c.bridge, c.block)
		return err
	})
	return held, err
}
