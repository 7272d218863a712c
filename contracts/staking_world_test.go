package contracts_test

import (
	"math/big"
	"sync"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	unbonding    = 1000 // seconds
	minimumStake = 100
	stakers      = 3
)

// staked is a bridge, on which nothing was executed, with the real staking contract,
// and operators who have a million of its token each. The first of them is the world's user.
type staked struct {
	*world
	operators []common.Address
}

var stakedWorlds = map[evmtest.Rules]func() *staked{
	evmtest.Osaka:     sync.OnceValue(func() *staked { return buildStaked(evmtest.Osaka, "TestToken") }),
	evmtest.Amsterdam: sync.OnceValue(func() *staked { return buildStaked(evmtest.Amsterdam, "TestToken") }),
}

func newStaked(t rapid.TB) *staked { return stakedWorlds[evmtest.Osaka]().fork(t) }

// buildStaked runs outside of any test, and panics where its parts do not fit.
func buildStaked(rules evmtest.Rules, token string) *staked {
	s := &staked{world: &world{}}
	chain, err := evmtest.NewChain(here, rules)
	s.must(err)
	v, err := evmtest.NewValidators(4, 7)
	s.must(err)
	var args []any
	if token == "TestToken" {
		args = []any{"Bond", "BND", uint8(18)}
	}
	s.token, err = chain.NewContract(chain.Account(), token, args...)
	s.must(err)
	s.Bridge, s.staking, err = evmtest.NewStakedBridge(chain, v, s.token.Address, unbonding, big.NewInt(minimumStake))
	s.must(err)
	s.openInbox()
	s.operators = []common.Address{s.user}
	for len(s.operators) < stakers {
		s.operators = append(s.operators, chain.Account())
	}
	for _, operator := range s.operators {
		s.endow(operator, big.NewInt(1_000_000))
	}
	return s
}

// endow mints for an operator, and lets the staking contract take it.
func (s *staked) endow(operator common.Address, amount *big.Int) {
	_, err := s.token.Send(s.Owner, "mint", operator, amount)
	s.must(err)
	_, err = s.token.Send(operator, "approve", s.staking.Address, abi.MaxUint256)
	s.must(err)
}

func (s *staked) fork(t rapid.TB) *staked {
	f := *s
	f.world = s.world.fork(t)
	return &f
}

// call is a call of the staking contract.
func (s *staked) call(operator common.Address, method string, args ...any) (evmtest.Result, error) {
	return s.staking.Send(operator, method, args...)
}

func (s *staked) stake(operator common.Address, amount int64) {
	s.t.Helper()
	s.follow(s.call(operator, "stake", big.NewInt(amount), []byte{}))
}

func (s *staked) request(operator common.Address, amount int64) {
	s.t.Helper()
	s.follow(s.call(operator, "requestUnstake", big.NewInt(amount)))
}

func (s *staked) release(operator common.Address, amount uint64) {
	s.t.Helper()
	s.ok(types.ReleaseStake{Operator: operator, Amount: types.NewAmount(amount)})
}

func (s *staked) releaseFails(operator common.Address, amount uint64) {
	s.t.Helper()
	s.fails(types.EncodeCommand(types.ReleaseStake{Operator: operator, Amount: types.NewAmount(amount)}))
}

// slash wants the slash to report what it took of the staked part, right before
// its receipt.
func (s *staked) slash(operator common.Address, fraction uint32, reported uint64) {
	s.t.Helper()
	s.ok(types.Slash{Operator: operator, Fraction: fraction})
	report := s.inbox.Events[len(s.inbox.Events)-2]
	s.check(report == types.Unstaked{Operator: operator, Amount: types.NewAmount(reported)}, "slash reports %+v, want %d", report, reported)
}

func (s *staked) ripen() { s.Chain.Time += unbonding }

// holds is what the contract says of an operator: staked, withdrawable, and left
// of each request.
func (s *staked) holds(operator common.Address, staked, withdrawable uint64, left ...uint64) {
	s.t.Helper()
	got := s.Chain.StakeOf(s.staking.Address, operator)
	same := got.Staked == types.NewAmount(staked) && got.Withdrawable == types.NewAmount(withdrawable) && len(got.Requests) == len(left)
	for i := range left {
		same = same && got.Requests[i].Left == types.NewAmount(left[i])
	}
	s.check(same, "%+v, want %d staked, %d withdrawable, requests %v", got, staked, withdrawable, left)
	s.balanced()
}

// balanced: everything in the contract is somebody's, or was slashed.
func (s *staked) balanced() {
	s.t.Helper()
	sum := new(big.Int).SetBytes(s.Chain.Storage(s.staking.Address, 2).Bytes())
	for _, operator := range s.operators {
		stake := s.Chain.StakeOf(s.staking.Address, operator)
		sum.Add(sum, number(stake.Staked)).Add(sum, number(stake.Withdrawable))
		for _, request := range stake.Requests {
			sum.Add(sum, number(request.Left))
		}
	}
	balance := number(s.Chain.Holding(s.token.Address, s.staking.Address))
	s.check(balance.Cmp(sum) == 0, "the contract has %s, its books say %s", balance, sum)
}
