package gas

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Stake is the cost of a call of the staking contract, or of a command that makes
// the bridge call it, with the usual set.
type Stake struct {
	What string
	Gas  uint64
}

// stakeBench is a bridge with a staking contract, and an operator.
type stakeBench struct {
	*bench
	staking evmtest.Contract
	list    []Stake
}

// mostRequests is how many of them an operator can have.
const mostRequests = 16

func stakes(rules evmtest.Rules) ([]Stake, error) {
	s, err := newStakeBench(rules)
	if err != nil {
		return nil, err
	}
	one := types.ReleaseStake{Operator: s.user, Amount: types.NewAmount(10)}
	slash := types.Slash{Operator: s.user, Fraction: 10_000}
	for _, step := range []func() error{
		func() error { return s.call("stake, with 500 bytes", "stake", big.NewInt(100_000), make([]byte, 500)) },
		func() error { return s.call("stake more", "stake", big.NewInt(1000), []byte{}) },
		func() error { return s.call("request", "requestUnstake", big.NewInt(10)) },
		func() error { return s.command("slash, one request", slash) },
		s.fill,
		func() error { return s.command(fmt.Sprintf("slash, %d requests", mostRequests), slash) },
		func() error { return s.command("release of one", one) },
		func() error { return s.call("withdraw", "withdraw", s.user) },
		func() error {
			one.Amount = types.NewAmount(10 * (mostRequests - 1))
			return s.command(fmt.Sprintf("release of %d", mostRequests-1), one)
		},
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return s.list, nil
}

func newStakeBench(rules evmtest.Rules) (*stakeBench, error) {
	chain, err := evmtest.NewChain(chainID, rules)
	if err != nil {
		return nil, err
	}
	v, err := evmtest.NewValidators(usual, 1)
	if err != nil {
		return nil, err
	}
	token, err := chain.NewContract(chain.Account(), "TestToken", "Bond", "BND", uint8(18))
	if err != nil {
		return nil, err
	}
	s := &stakeBench{bench: &bench{relayer: chain.Account(), user: chain.Account()}}
	if s.Bridge, s.staking, err = evmtest.NewStakedBridge(chain, v, token.Address, 1, common.Big1); err != nil {
		return nil, err
	}
	if _, err = token.Send(s.user, "mint", s.user, big.NewInt(1_000_000)); err != nil {
		return nil, err
	}
	if _, err = token.Send(s.user, "approve", s.staking.Address, big.NewInt(1_000_000)); err != nil {
		return nil, err
	}
	_, err = s.run(types.Activate{})
	return s, err
}

func (s *stakeBench) call(what, method string, args ...any) error {
	r, err := s.staking.Send(s.user, method, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.list = append(s.list, Stake{what, r.Gas})
	return nil
}

func (s *stakeBench) command(what string, c types.Command) error {
	gas, err := s.run(c)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.list = append(s.list, Stake{what, gas})
	return nil
}

// fill makes as many requests as there can be.
func (s *stakeBench) fill() error {
	for range mostRequests - 1 {
		if _, err := s.staking.Send(s.user, "requestUnstake", big.NewInt(10)); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}
