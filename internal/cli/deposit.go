package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// depositFlags are what the user says.
type depositFlags struct {
	account                     accountFlags
	token, amount, to           string
	recipient, refundTo, maxFee string
	noWait                      bool
}

// depositPlan is what the flags mean on this network.
type depositPlan struct {
	source      bridge.ChainState
	destination types.ChainID
	asset       bridge.AssetView
	token       types.Token
	amount      types.Amount
	maxFee      types.Amount
	recipient   types.Address
	refundTo    types.Address
}

type depositResult struct {
	ID       string               `json:"id"`
	Tx       types.Hash           `json:"tx"`
	Block    uint64               `json:"block"`
	Transfer *bridge.TransferView `json:"transfer"` // null with --no-wait
}

func depositCommand(s *session) *cobra.Command {
	var f depositFlags
	c := &cobra.Command{
		Use: "deposit", Short: "Send tokens to another chain, and follow them there",
		Long: `Approves and deposits in one go, on the chain that --rpc serves, and then follows
the transfer until it has ended. Amounts are in the token's finest unit.`,
		Example: "  BRIDGED_KEY=… bridged deposit --rpc https://rpc.example.org --token USDX --amount 1000000 --to beta",
		Args:    args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(c, "rpc", "amount", "to"); err != nil {
				return err
			}
			key, err := f.account.key(c, s)
			if err != nil {
				return err
			}
			result, err := s.deposit(c.Context(), f, func(client *evm.Client) *account { return &account{client, key} })
			if err != nil {
				return err
			}
			return s.print(result, func(w io.Writer) {
				pairs(w, "transfer", result.ID, "transaction", result.Tx.Hex(), "block", number(result.Block))
				if t := result.Transfer; t != nil {
					pairs(w, "status", string(t.Status), "why", t.Why)
				}
			})
		},
	}
	f.account.add(c)
	c.Flags().StringVar(&f.token, "token", "native", "what to send: an address, a symbol, or native for the chain's coin")
	c.Flags().StringVar(&f.amount, "amount", "", "how much, in the token's finest unit")
	c.Flags().StringVar(&f.to, "to", "", "destination chain, a label or an id")
	c.Flags().StringVar(&f.recipient, "recipient", "", "address there (default: the same as the sender's)")
	c.Flags().StringVar(&f.refundTo, "refund-to", "", "address here for a refund (default: the sender's)")
	c.Flags().StringVar(&f.maxFee, "max-fee", "", "highest release fee accepted, in the token's finest unit (default: the fee of today)")
	c.Flags().BoolVar(&f.noWait, "no-wait", false, "do not follow the transfer")
	return c
}

// deposit approves, deposits and follows. --timeout bounds the questions; being
// taken into blocks and the transfer's end take as long as chains do.
func (s *session) deposit(ctx context.Context, f depositFlags, with func(*evm.Client) *account) (depositResult, error) {
	client, err := s.dial()
	if err != nil {
		return depositResult{}, err
	}
	sending, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	ask, err := client.asker(sending, queryFlags{})
	if err != nil {
		return depositResult{}, err
	}
	id, err := evmChainID(sending, f.account.rpc)
	if err != nil {
		return depositResult{}, err
	}
	source, err := findChain(ask, id.String())
	if err != nil {
		return depositResult{}, err
	}
	if !source.Active {
		return depositResult{}, fmt.Errorf("%w: %s takes no deposits yet: its contract has not been activated", errNotReady, source.Label)
	}
	chain, err := dialChain(sending, f.account.rpc, source.Bridge)
	if err != nil {
		return depositResult{}, err
	}
	defer chain.Close()
	from := with(chain)
	plan, err := f.plan(ask, source, from.key.Address())
	if err != nil {
		return depositResult{}, err
	}
	receipt, nonce, err := s.send(ctx, from, plan)
	if err != nil {
		return depositResult{}, err
	}
	result := depositResult{ID: source.Label + "/" + number(nonce+source.TransferOffset), Tx: receipt.TxHash, Block: receipt.BlockNumber.Uint64()}
	if f.noWait {
		return result, nil
	}
	s.note("Deposited as %s in block %d.", result.ID, result.Block)
	transfer, err := s.follow(ctx, client, result.ID)
	result.Transfer = transfer
	return result, err
}

// findChain finds a chain of the network by label or id.
func findChain(ask asker, name string) (bridge.ChainState, error) {
	var chains []bridge.ChainState
	if _, err := ask("chains", bridge.QueryArgs{}, &chains); err != nil {
		return bridge.ChainState{}, err
	}
	var known []string
	for _, c := range chains {
		if c.Label == name || c.ID.String() == name {
			return c, nil
		}
		known = append(known, c.Label)
	}
	return bridge.ChainState{}, fmt.Errorf("chain %s is not connected; the network knows %s", name, strings.Join(known, ", "))
}

func (f depositFlags) plan(ask asker, source bridge.ChainState, sender types.Address) (p depositPlan, err error) {
	p = depositPlan{source: source, recipient: sender, refundTo: sender}
	destination, err := findChain(ask, f.to)
	if err != nil {
		return p, fmt.Errorf("--to: %w", err)
	}
	p.destination = destination.ID
	if p.amount, err = types.ParseAmount(f.amount); err != nil {
		return p, fmt.Errorf("--amount: %w", err)
	}
	if f.recipient != "" {
		if p.recipient, err = parseAddress(f.recipient); err != nil {
			return p, fmt.Errorf("--recipient: %w", err)
		}
	}
	if f.refundTo != "" {
		if p.refundTo, err = parseAddress(f.refundTo); err != nil {
			return p, fmt.Errorf("--refund-to: %w", err)
		}
	}
	var assets []bridge.AssetView
	if _, err := ask("assets", bridge.QueryArgs{}, &assets); err != nil {
		return p, err
	}
	if p.asset, p.token, err = findToken(assets, source, f.token); err != nil {
		return p, fmt.Errorf("--token: %w", err)
	}
	if f.maxFee != "" {
		if p.maxFee, err = types.ParseAmount(f.maxFee); err != nil {
			return p, fmt.Errorf("--max-fee: %w", err)
		}
		return p, nil
	}
	p.maxFee, err = feeToday(p.asset, p.token, p.destination)
	return p, err
}

// findToken finds what a chain holds of an asset, by address or symbol.
func findToken(assets []bridge.AssetView, chain bridge.ChainState, name string) (bridge.AssetView, types.Token, error) {
	var address types.Address
	if name == "native" {
		address = types.NativeToken
	} else if parsed, err := parseAddress(name); err == nil {
		address = parsed
	}
	for _, a := range assets {
		for _, t := range a.Tokens {
			if t.Chain == chain.ID && t.Token != (types.Address{}) && (t.Token == address || a.Symbol == name) {
				return a, t, nil
			}
		}
	}
	return bridge.AssetView{}, types.Token{}, fmt.Errorf("%s is no token of the bridge on %s; \"bridged query assets\" lists them", name, chain.Label)
}

// feeToday is the release fee at the destination, in units of the token that is
// deposited, rounded up.
func feeToday(a bridge.AssetView, source types.Token, destination types.ChainID) (types.Amount, error) {
	for _, t := range a.Tokens {
		if t.Chain != destination {
			continue
		}
		scale, err := source.Scale(a.Decimals)
		if err != nil {
			return types.Amount{}, err
		}
		fee, rest := t.ReleaseFee.DivMod(scale)
		if rest.IsZero() {
			return fee, nil
		}
		return fee.Add(types.NewAmount(1))
	}
	return types.Amount{}, fmt.Errorf("%s has no token on chain %s: the deposit would be refunded", a.Symbol, destination)
}

// send approves if need be, deposits, and returns the deposit's inbox nonce.
func (s *session) send(ctx context.Context, from *account, p depositPlan) (*gethtypes.Receipt, uint64, error) {
	contract, b := p.source.Bridge, bindings.NewBridge()
	recipient, amount := types.RecipientFromAddress(p.recipient), bigAmount(p.amount)
	data, value := b.PackDepositNative(uint64(p.destination), recipient, p.refundTo, bigAmount(p.maxFee), nil), amount
	if p.token.Token != types.NativeToken {
		data, value = b.PackDeposit(p.token.Token, amount, uint64(p.destination), recipient, p.refundTo, bigAmount(p.maxFee), nil), nil
		if err := s.approve(ctx, from, p.token.Token, contract, amount); err != nil {
			return nil, 0, err
		}
	}
	receipt, err := from.send(ctx, "deposit", &contract, value, data)
	if err != nil {
		return nil, 0, err
	}
	for _, l := range receipt.Logs {
		if l.Address != contract {
			continue
		}
		if logged, err := evm.DecodeLog(l); err == nil && logged.Event.Kind() == (types.Deposited{}).Kind() {
			return receipt, logged.Nonce, nil
		}
	}
	return nil, 0, errors.New("deposit: the transaction succeeded without a deposit in its logs")
}

// approve lets the bridge take the tokens. A token that wants its allowance
// cleared before it is changed gets that.
func (s *session) approve(ctx context.Context, from *account, token, spender types.Address, amount *big.Int) error {
	erc20 := bindings.NewTestToken()
	answer, err := from.call(ctx, &token, erc20.PackAllowance(from.key.Address(), spender))
	if err != nil {
		return fmt.Errorf("read the allowance: %w", err)
	}
	allowed, err := erc20.UnpackAllowance(answer)
	if err != nil {
		return fmt.Errorf("read the allowance: %w", err)
	}
	if allowed.Cmp(amount) >= 0 {
		return nil
	}
	if allowed.Sign() > 0 {
		if _, err := from.send(ctx, "clear the old allowance", &token, nil, erc20.PackApprove(spender, new(big.Int))); err != nil {
			return err
		}
	}
	_, err = from.send(ctx, "approve", &token, nil, erc20.PackApprove(spender, amount))
	return err
}

func bigAmount(a types.Amount) *big.Int { return new(big.Int).SetBytes(a.Bytes()) }
