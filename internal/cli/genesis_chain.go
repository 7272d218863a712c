package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func parseAddress(text string) (types.Address, error) {
	if !strings.HasPrefix(text, "0x") || !common.IsHexAddress(text) {
		return types.Address{}, fmt.Errorf("address %q: want 0x and 40 hexadecimal digits", text)
	}
	return common.HexToAddress(text), nil
}

func genesisAddChainCommand(s *session) *cobra.Command {
	var (
		chain    types.Chain
		id       uint64
		contract string
		gap      time.Duration
	)
	c := &cobra.Command{
		Use: "add-chain LABEL", Short: "Add a connected chain, or replace the one with that label",
		Example: "  bridged genesis add-chain alpha --id 1001 --bridge 0x… --batch-gap 12s",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			if err := need(c, "id", "bridge"); err != nil {
				return err
			}
			address, err := parseAddress(contract)
			if err != nil {
				return usagef(c, "--bridge: %v", err)
			}
			chain.Label, chain.ID, chain.Bridge = given[0], types.ChainID(id), address
			chain.BatchGapMS = uint64(max(gap, 0) / time.Millisecond)
			if err := chain.Validate(); err != nil {
				return usagef(c, "%v", err)
			}
			err = s.editGenesis(c, func(g *node.Genesis) error {
				g.State.Chains = slices.DeleteFunc(g.State.Chains, func(o types.Chain) bool { return o.Label == chain.Label })
				g.State.Chains = append(g.State.Chains, chain)
				slices.SortFunc(g.State.Chains, func(a, b types.Chain) int { return cmp.Compare(a.ID, b.ID) })
				return g.State.Validate()
			})
			if err != nil {
				return err
			}
			return s.print(chain, func(w io.Writer) {
				pairs(w, "label", chain.Label, "id", chain.ID.String(), "bridge", chain.Bridge.Hex(), "batch gap", gap.String(),
					"batch gas", fmt.Sprint(chain.BatchGas), "release gas", fmt.Sprint(chain.ReleaseGas))
			})
		},
	}
	c.Flags().Uint64Var(&id, "id", 0, "EVM chain id")
	c.Flags().StringVar(&contract, "bridge", "", "address of the Bridge contract")
	c.Flags().DurationVar(&gap, "batch-gap", 12*time.Second, "least time between batches, about one block of the chain")
	c.Flags().Uint64Var(&chain.BatchGas, "batch-gas", types.DefaultBatchGas, "gas that one batch may plan with")
	c.Flags().Uint32Var(&chain.ReleaseGas, "release-gas", types.DefaultReleaseGas, "gas cap of one payout")
	c.Flags().Uint64Var(&chain.ExpiryBlocks, "expiry-blocks", types.DefaultExpiry, "blocks of this chain after which a transfer from it that still waits is refunded: about a day")
	return c
}

func genesisAddAssetCommand(s *session) *cobra.Command {
	var (
		asset  types.Asset
		id     string
		file   string
		tokens []string
	)
	c := &cobra.Command{
		Use: "add-asset SYMBOL", Short: "Add an asset with its tokens, or replace the one with that id",
		Long: `Adds an asset. Each --token says how one chain holds it, as KEY=VALUE pairs with
commas: chain (label or id) and mode (lock or mint) are needed; address is the
token of mode lock (native for the chain's coin); decimals defaults to the
asset's. release_fee and refund_fee count the asset's units.

What the network releases there is limited by flow_capacity (asset units that may
leave at once; 0 is no limit), flow_rate (units a second that flow back) and large
(releases of so many units and more wait for large_delay_blocks and
large_delay_ms; 0 is none). The contract enforces minimum, capacity and rate, in
the token's units; they are wider than the network's, or 0.`,
		Example: `  bridged genesis add-asset USDX --name "US Dollar X" --decimals 6 \
    --token chain=alpha,mode=lock,address=0x…,minimum=1000,flow_capacity=50000000,flow_rate=1000,large=20000000 \
    --token chain=beta,mode=mint
  bridged genesis add-asset USDX --file usdx.json`,
		Args: args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			err := s.editGenesis(c, func(g *node.Genesis) error {
				if err := s.assetFrom(&asset, given[0], id, file, tokens, g.State.Chains); err != nil {
					return usagef(c, "%v", err)
				}
				g.State.Assets = slices.DeleteFunc(g.State.Assets, func(o types.Asset) bool { return o.ID == asset.ID })
				g.State.Assets = append(g.State.Assets, asset)
				slices.SortFunc(g.State.Assets, func(a, b types.Asset) int { return bytes.Compare(a.ID[:], b.ID[:]) })
				return g.State.Validate()
			})
			if err != nil {
				return err
			}
			return s.print(asset, func(w io.Writer) {
				pairs(w, "symbol", asset.Symbol, "id", asset.ID.String(), "decimals", fmt.Sprint(asset.Decimals))
				rows := make([][]string, len(asset.Tokens))
				for i, t := range asset.Tokens {
					rows[i] = []string{
						t.Chain.String(), t.Mode.String(), t.Token.Hex(), t.ReleaseFee.String(), t.RefundFee.String(),
						t.Flow.Capacity.String(), t.Flow.Rate.String(), t.Large.String(),
					}
				}
				table(w, []string{"CHAIN", "MODE", "TOKEN", "RELEASE FEE", "REFUND FEE", "FLOW CAPACITY", "FLOW RATE", "LARGE"}, rows)
			})
		},
	}
	c.Flags().StringVar(&asset.Name, "name", "", "name (default: the symbol)")
	c.Flags().Uint8Var(&asset.Decimals, "decimals", 18, "decimals of the asset's unit: the most of all its tokens")
	c.Flags().StringVar(&id, "id", "", "32 bytes in hexadecimal (default: keccak256 of the symbol)")
	c.Flags().StringArrayVar(&tokens, "token", nil, "how one chain holds it; repeat for each chain")
	c.Flags().StringVar(&file, "file", "", "read the asset as JSON, as it stands in genesis")
	return c
}

func (s *session) assetFrom(asset *types.Asset, symbol, id, file string, tokens []string, chains []types.Chain) error {
	if file != "" {
		content, err := s.readInput(file)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(content, asset); err != nil {
			return fmt.Errorf("%s is no asset: %w", file, err)
		}
		return asset.Validate()
	}
	asset.Symbol, asset.ID = symbol, types.AssetID(crypto.Keccak256Hash([]byte(symbol)))
	if asset.Name == "" {
		asset.Name = symbol
	}
	if id != "" {
		if err := asset.ID.UnmarshalText([]byte(id)); err != nil {
			return fmt.Errorf("--id: %w", err)
		}
	}
	for _, text := range tokens {
		token, err := parseToken(text, asset.Decimals, chains)
		if err != nil {
			return fmt.Errorf("--token %s: %w", text, err)
		}
		asset.Tokens = append(asset.Tokens, token)
	}
	return asset.Validate()
}

// parseToken reads KEY=VALUE pairs with commas.
func parseToken(text string, decimals uint8, chains []types.Chain) (types.Token, error) {
	token := types.Token{Decimals: decimals}
	for pair := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return token, fmt.Errorf("%q: want KEY=VALUE", pair)
		}
		if err := setTokenField(&token, key, value, chains); err != nil {
			return token, fmt.Errorf("%s: %w", key, err)
		}
	}
	if token.Chain == 0 {
		return token, fmt.Errorf("chain is needed")
	}
	if token.Mode == 0 {
		return token, fmt.Errorf("mode is needed: lock or mint")
	}
	return token, nil
}

func setTokenField(token *types.Token, key, value string, chains []types.Chain) (err error) {
	switch key {
	case "chain":
		token.Chain, err = resolveChain(value, chains)
	case "mode":
		err = token.Mode.UnmarshalText([]byte(value))
	case "address":
		if value == "native" {
			token.Token = types.NativeToken
			return nil
		}
		token.Token, err = parseAddress(value)
	case "decimals":
		var n uint64
		n, err = strconv.ParseUint(value, 10, 8)
		token.Decimals = uint8(n)
	case "release_fee":
		token.ReleaseFee, err = types.ParseAmount(value)
	case "refund_fee":
		token.RefundFee, err = types.ParseAmount(value)
	case "minimum":
		token.Limit.Minimum, err = types.ParseAmount(value)
	case "capacity":
		token.Limit.Capacity, err = types.ParseAmount(value)
	case "rate":
		token.Limit.Rate, err = types.ParseAmount(value)
	case "flow_capacity":
		token.Flow.Capacity, err = types.ParseAmount(value)
	case "flow_rate":
		token.Flow.Rate, err = types.ParseAmount(value)
	case "large":
		token.Large, err = types.ParseAmount(value)
	default:
		err = fmt.Errorf("want chain, mode, address, decimals, release_fee, refund_fee, flow_capacity, flow_rate, large, minimum, capacity or rate")
	}
	return err
}

func resolveChain(text string, chains []types.Chain) (types.ChainID, error) {
	for _, chain := range chains {
		if chain.Label == text || chain.ID.String() == text {
			return chain.ID, nil
		}
	}
	return 0, fmt.Errorf("%q is no chain of this genesis; add it first", text)
}
