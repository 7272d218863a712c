package cli

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// stakingTerms are the constructor arguments of a staking contract, besides its
// bridge.
type stakingTerms struct {
	token     types.Address
	unbonding uint64 // seconds
	minimum   types.Amount
}

// creation is what a deployment runs.
func (t stakingTerms) creation(bridge types.Address) []byte {
	arguments := bindings.NewStaking().PackConstructor(t.token, bridge, t.unbonding, new(big.Int).SetBytes(t.minimum.Bytes()))
	return append(common.FromHex(bindings.StakingMetaData.Bin), arguments...)
}

// stakingFlags say whether validators stake on the chain, and how.
type stakingFlags struct {
	token, minimum string
	unbonding      time.Duration
}

func (f *stakingFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.token, "staking-token", "", "ERC-20 in which validators stake on this chain (default: they do not)")
	c.Flags().StringVar(&f.minimum, "minimum-stake", "", "least stake of a validator, in the token's smallest unit")
	c.Flags().DurationVar(&f.unbonding, "unbonding", 0, "least time from asking stake back to its release that the contract itself insists on (default: half of the network's)")
}

// read returns nil if there shall be no staking contract. The network's time of
// unbonding is above the contract's, or the contract refuses what it orders.
func (f *stakingFlags) read(c *cobra.Command, network time.Duration) (*stakingTerms, error) {
	if f.token == "" {
		if c.Flags().Changed("minimum-stake") || c.Flags().Changed("unbonding") {
			return nil, usagef(c, "--minimum-stake and --unbonding are terms of stake: name its --staking-token")
		}
		return nil, nil
	}
	token, err := parseAddress(f.token)
	if err != nil {
		return nil, usagef(c, "--staking-token: %v", err)
	}
	minimum, err := types.ParseAmount(f.minimum)
	if err != nil || minimum.IsZero() {
		return nil, usagef(c, "--minimum-stake: want a number of the token's smallest unit, at least 1")
	}
	unbonding := (network / 2).Truncate(time.Second)
	if c.Flags().Changed("unbonding") {
		unbonding = f.unbonding
	}
	if unbonding < 0 || unbonding > network || unbonding%time.Second != 0 {
		return nil, usagef(c, "--unbonding: want whole seconds, and no more than the network's %s: it would order releases that the contract refuses", network)
	}
	return &stakingTerms{token, uint64(unbonding / time.Second), minimum}, nil
}

// errAccountUsed leaves contracts behind that know nothing of each other.
var errAccountUsed = errors.New("the account has sent another transaction meanwhile, so the contracts do not know each other: " +
	"nothing can be staked there; deploy both again")

// nextContracts are where the next two contracts come to be that the account
// deploys, if it sends nothing else.
func (a *account) nextContracts(ctx context.Context) (first, second types.Address, err error) {
	err = a.client.Do(ctx, func(ctx context.Context, conn evm.Conn) error {
		nonce, err := conn.Eth.PendingNonceAt(ctx, a.key.Address())
		first, second = crypto.CreateAddress(a.key.Address(), nonce), crypto.CreateAddress(a.key.Address(), nonce+1)
		return err
	})
	if err != nil {
		err = fmt.Errorf("read the account's nonce: %w", err)
	}
	return first, second, err
}

// deployStaking deploys the staking contract of a bridge that is deployed next.
func deployStaking(ctx context.Context, a *account, terms stakingTerms, staking, bridge types.Address) error {
	receipt, err := a.send(ctx, "deploy the staking contract", nil, nil, terms.creation(bridge))
	if err != nil {
		return err
	}
	if receipt.ContractAddress != staking {
		return errAccountUsed
	}
	return nil
}

// verifyStaking compares a staking contract's code with the one that its own terms
// make, and shows these.
func verifyStaking(ctx context.Context, client *evm.Client, staking, bridge types.Address) ([]contractCheck, error) {
	b := bindings.NewStaking()
	code, err := codeAt(ctx, client, staking)
	if err != nil {
		return nil, err
	}
	if len(code) == 0 {
		return []contractCheck{{"staking code hash", false, crypto.Keccak256Hash().String(), "a contract's"}}, nil
	}
	var terms stakingTerms
	if terms.token, err = read(ctx, client, staking, b.PackToken(), b.UnpackToken); err != nil {
		return nil, fmt.Errorf("read the staking contract's token: %w", err)
	}
	if terms.unbonding, err = read(ctx, client, staking, b.PackUnbonding(), b.UnpackUnbonding); err != nil {
		return nil, fmt.Errorf("read the staking contract's time of unbonding: %w", err)
	}
	minimum, err := read(ctx, client, staking, b.PackMinimum(), b.UnpackMinimum)
	if err != nil {
		return nil, fmt.Errorf("read the staking contract's minimum: %w", err)
	}
	if terms.minimum, err = types.AmountFromBytes(minimum.Bytes()); err != nil {
		return nil, fmt.Errorf("read the staking contract's minimum: %w", err)
	}
	// With the bridge that it has to have: another one makes another code.
	built, err := callChain(ctx, client, types.Address{}, nil, terms.creation(bridge))
	if err != nil {
		return nil, fmt.Errorf("compute the expected code of the staking contract: %w", err)
	}
	got, want := crypto.Keccak256Hash(code).String(), crypto.Keccak256Hash(built).String()
	checks := []contractCheck{{"staking code hash", got == want, got, want}}
	for _, term := range [][2]string{
		{"staking token", terms.token.Hex()},
		{"unbonding", (time.Duration(terms.unbonding) * time.Second).String()}, //nolint:gosec // bounded by the contract
		{"minimum stake", terms.minimum.String()},
	} {
		checks = append(checks, contractCheck{term[0], true, term[1], term[1]})
	}
	return checks, nil
}

func orNone(contract types.Address) string {
	if contract == (types.Address{}) {
		return "none"
	}
	return contract.Hex()
}
